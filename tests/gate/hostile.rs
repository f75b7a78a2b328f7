//! Networks and callers that mean no good: the gate bounds them, and other callers do not notice.

use std::time::Duration;

use crate::support::daemon::Daemon;
use crate::support::stranger::{HANG, Stranger, address, request};
use crate::support::until;
use hauki::api::vault::TicketRequest;
use hauki::model::gem::Wishes;
use hauki::rpc::message::code;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

const WORKER: &str = r#"
function echo(x) { return x; }
function big(n) { var s = 'x'; while (s.length < n) { s += s; } return s.substring(0, n); }
"#;

async fn worker(daemon: &Daemon) -> Value {
    let wishes = Wishes { lease_ms: Some(600_000), ..Wishes::default() };
    serde_json::to_value(&daemon.spawn_with(WORKER, wishes).await.ticket).expect("serializes")
}

fn resident_mib(daemon: &Daemon) -> usize {
    let text = std::fs::read_to_string(format!("/proc/{}/statm", daemon.pid())).expect("the daemon lives");
    let pages: usize = text.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a number");
    (pages * 4096) >> 20
}

fn descriptors(daemon: &Daemon) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", daemon.pid())).expect("the daemon lives").count()
}

/// How often the daemon's thread that keeps cores awake has gone to sleep itself.
fn moments(daemon: &Daemon) -> Option<u64> {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", daemon.pid())).expect("the daemon lives");
    let thread = tasks.flatten().map(|task| task.path()).find(|task| {
        std::fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim_end() == "awake")
    })?;
    let status = std::fs::read_to_string(thread.join("status")).expect("it stays");
    let switches = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    switches.and_then(|count| count.trim().parse().ok())
}

/// Reads until the other side has closed, however it did.
async fn end(stream: &mut TcpStream) {
    let mut seen = Vec::new();
    let _ = timeout(HANG, stream.read_to_end(&mut seen)).await.expect("the gate closes it");
}

#[tokio::test]
async fn the_silent_and_the_slow_are_shown_the_door_and_keep_nobody_out() {
    let daemon = Daemon::start();
    let ticket = worker(&daemon).await;
    let mut before = Stranger::enter(&ticket).await;
    let idle = descriptors(&daemon);
    let mut silent = Vec::new();
    for number in 0..200_usize {
        let mut tcp = TcpStream::connect(address(&ticket)).await.expect("the port is open");
        // Some say nothing, some half a TLS record, some half a ClientHello.
        let head: &[u8] = [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"][number % 3];
        tcp.write_all(head).await.expect("writes");
        silent.push(tcp);
    }
    // Inside TLS: a hello that comes a byte at a time, or stops half-way.
    let mut slow = Vec::new();
    for _ in 0..8 {
        let mut stranger = Stranger::knock(&ticket).await.expect("connects");
        stranger.raw(br#"{"jsonrpc":"2.0","id":1,"met"#).await.expect("writes");
        slow.push(stranger);
    }
    let mut after = Stranger::enter(&ticket).await;
    for caller in [&mut before, &mut after] {
        assert_eq!(caller.result("echo", json!([1])).await, 1);
    }
    // 128 wait unauthenticated, and not all 208.
    assert!(descriptors(&daemon) <= idle + 136, "{} descriptors are open", descriptors(&daemon));
    // A byte now and then buys no time: the deadline is for the whole hello.
    let mut pace = tokio::time::interval(std::time::Duration::from_millis(200));
    let drip = async {
        loop {
            pace.tick().await;
            if slow[0].raw(b" ").await.is_err() {
                return;
            }
        }
    };
    timeout(HANG, drip).await.expect("the slow hello is cut");
    for mut tcp in silent {
        end(&mut tcp).await;
    }
    for mut stranger in slow {
        assert!(stranger.is_at_end().await, "a stranger is told nothing");
    }
    for caller in [&mut before, &mut after] {
        assert_eq!(caller.result("echo", json!([2])).await, 2);
    }
}

#[tokio::test]
async fn the_first_of_many_who_come_at_once_are_not_shown_the_door() {
    let daemon = Daemon::start();
    let ticket = worker(&daemon).await;
    let mut streams = Vec::new();
    for _ in 0..64 {
        streams.push(TcpStream::connect(address(&ticket)).await.expect("the port is open"));
    }
    // Only some of them: all have five seconds from now, and a slow machine may need them.
    for tcp in streams.drain(..8) {
        let mut caller =
            Stranger::shake(tcp, &ticket, &rustls::version::TLS13).await.expect("was not shown the door");
        let reply = caller.hello(&ticket["auth"]["token"]).await;
        assert!(reply["result"]["methods"].is_array(), "{reply}");
        assert_eq!(caller.result("echo", json!([1])).await, 1);
    }
}

#[tokio::test]
async fn crowds_before_many_vaults_leave_descriptors_for_others() {
    let daemon = Daemon::start();
    let (mut tickets, mut silent) = (Vec::new(), Vec::new());
    for _ in 0..11 {
        tickets.push(worker(&daemon).await);
    }
    let idle = descriptors(&daemon);
    for ticket in &tickets {
        for _ in 0..128 {
            silent.push(TcpStream::connect(address(ticket)).await.expect("the port is open"));
        }
    }
    // Who comes while the node is crowded finds few before him, and gets in.
    Stranger::enter(&tickets[10]).await;
    assert!(descriptors(&daemon) <= idle + 1100, "{} descriptors are open", descriptors(&daemon));
}

/// More than the node takes before it is crowded, at a few gates, for as long as they are let.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_who_say_nothing_keep_no_caller_out() {
    const SILENT: usize = 4_000;
    let daemon = Daemon::start();
    let mut tickets = Vec::new();
    for _ in 0..8 {
        tickets.push(worker(&daemon).await);
    }
    let mut callers = Vec::new();
    for ticket in &tickets {
        callers.push(Stranger::enter(ticket).await);
    }
    let mut silent = Vec::new();
    for number in 0..SILENT {
        // Some of them begin to speak, and go no further.
        let mut stream = TcpStream::connect(address(&tickets[number % 8])).await.expect("the port is open");
        if number % 3 == 0 {
            let _ = stream.write_all(b"\x16\x03\x01").await;
        }
        silent.push(stream);
        if number % 100 == 99 {
            let caller = &mut callers[number / 100 % 8];
            assert_eq!(caller.result("echo", json!([number])).await, number);
        }
    }
    for ticket in &tickets {
        assert_eq!(Stranger::enter(ticket).await.result("echo", json!([1])).await, 1);
    }
    assert!(descriptors(&daemon) < 1_400, "{} descriptors are open", descriptors(&daemon));
}

#[tokio::test]
async fn sixty_four_endless_calls_take_the_time_of_one() {
    let daemon = Daemon::start();
    let wishes = Wishes { lease_ms: Some(600_000), call_deadline_ms: Some(1_000), ..Wishes::default() };
    let source = format!("{WORKER} function spin() {{ for (;;) {{}} }}");
    let spawned = daemon.spawn_with(&source, wishes).await;
    let ticket = serde_json::to_value(&spawned.ticket).expect("serializes");
    let (mut hog, mut other) = (Stranger::enter(&ticket).await, Stranger::enter(&ticket).await);
    // A worker that has been quick is given many calls ahead.
    let many = |method: &str, from: u64, params: &Value| {
        let lines = (from..from + 64).map(|id| format!("{}\n", request(id, method, params.clone())));
        lines.collect::<String>()
    };
    for round in 0..20 {
        hog.raw(many("echo", 1000 + round * 64, &json!([1])).as_bytes()).await.expect("the gate reads");
        for _ in 0..64 {
            assert_eq!(hog.reply().await["result"], 1);
        }
    }
    hog.raw(many("spin", 1, &json!([])).as_bytes()).await.expect("the gate reads");
    for _ in 0..64 {
        assert_eq!(hog.reply().await["error"]["code"], code::DEADLINE);
    }
    let mut answers = Vec::new();
    while answers.last() != Some(&json!(1)) && answers.len() < 8 {
        let reply = other.ask(request(1, "echo", json!([1]))).await;
        answers.push(reply["result"].clone());
    }
    assert!(answers.len() < 8, "the endless calls were worked on one by one");
}

#[tokio::test]
async fn cores_stay_awake_for_a_stream_of_calls_and_not_for_single_bytes() {
    let daemon = Daemon::start();
    let mut caller = Stranger::enter(&worker(&daemon).await).await;
    if hauki_contract::system::cpu_latency::check().is_err() {
        assert_eq!(moments(&daemon), None, "there is no such device here");
        return until::not_run("this kernel takes no request for a latency");
    }
    let before = moments(&daemon).expect("is there since the order");
    let streaming = async {
        while moments(&daemon) < Some(before + 20) {
            for _ in 0..50 {
                assert_eq!(caller.result("echo", json!([1])).await, 1);
            }
        }
    };
    timeout(HANG, streaming).await.expect("cores fall asleep between calls");
    // Until the last moment is over.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let before = moments(&daemon).expect("is there");
    for _ in 0..1000 {
        caller.raw(b" ").await.expect("the gate reads");
    }
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let more = moments(&daemon).expect("is there") - before;
    assert!(more <= 2, "bytes that ask for nothing kept cores awake {more} times");
}

#[tokio::test]
async fn one_caller_too_many_is_told_so_and_gets_in_when_another_leaves() {
    let daemon = Daemon::start();
    let ticket = worker(&daemon).await;
    let mut callers = Vec::new();
    for _ in 0..64 {
        callers.push(Stranger::enter(&ticket).await);
    }
    let hello = |mut stranger: Stranger| {
        let token = ticket["auth"]["token"].clone();
        async move { (stranger.hello(&token).await, stranger) }
    };
    let (reply, mut refused) = hello(Stranger::knock(&ticket).await.expect("connects")).await;
    assert_eq!((&reply["error"]["code"], &reply["id"]), (&json!(code::BUSY), &json!(0)), "{reply}");
    assert!(reply["error"]["message"].as_str().expect("a message").contains("64"));
    assert!(refused.is_at_end().await);
    for caller in &mut callers {
        assert_eq!(caller.result("echo", json!([1])).await, 1, "those inside did not notice");
    }
    callers.pop();
    let enters = async {
        loop {
            let (reply, mut stranger) = hello(Stranger::knock(&ticket).await.expect("connects")).await;
            if reply.get("error").is_none() {
                return stranger.result("echo", json!([2])).await;
            }
        }
    };
    assert_eq!(timeout(HANG, enters).await.expect("a place is free"), 2);
}

#[tokio::test]
async fn who_leaves_in_the_middle_leaves_nothing_behind() {
    let daemon = Daemon::start();
    let ticket = worker(&daemon).await;
    let mut other = Stranger::enter(&ticket).await;
    let idle = descriptors(&daemon);
    for round in 0..100_u64 {
        let mut caller = Stranger::enter(&ticket).await;
        let call = request(1, "big", json!([300_000])).to_string();
        match round % 4 {
            // Half a line.
            0 => caller.raw(&call.as_bytes()[..20]).await.expect("writes"),
            // A question, and gone before the answer.
            1 => caller.send(&call).await,
            // Many, and half of one.
            2 => caller
                .raw(&format!("{call}\n").repeat(20).as_bytes()[..call.len() * 19])
                .await
                .expect("writes"),
            // In the middle of an answer.
            _ => {
                caller.send(&call).await;
                let mut some = [0; 1000];
                let _ = caller.stream.read(&mut some).await.expect("reads");
            }
        }
        if round % 2 == 0 {
            // Gone by a reset instead of a close.
            let tcp = caller.stream.get_ref().get_ref().0;
            rustix::net::sockopt::set_socket_linger(tcp, Some(std::time::Duration::ZERO)).expect("is set");
        }
        drop(caller);
        assert_eq!(other.result("echo", json!([round])).await, round);
    }
    let gone = async {
        while other.result("hauki.stats", json!([])).await["connections"] != 1 || descriptors(&daemon) > idle
        {
        }
    };
    timeout(HANG, gone).await.expect("all are forgotten");
}

#[tokio::test]
async fn endless_calls_end_with_who_asked_for_them() {
    let daemon = Daemon::start();
    let wishes = Wishes { call_deadline_ms: Some(600_000), ..Wishes::default() };
    let source = "function spin() { for (;;) {} } function echo(x) { return x; }";
    let ticket = serde_json::to_value(&daemon.spawn_with(source, wishes).await.ticket).expect("serializes");
    for _ in 0..8 {
        let mut rude = Stranger::enter(&ticket).await;
        for id in 1..=60 {
            rude.send(&request(id, "spin", json!([])).to_string()).await;
        }
        rude.call("hauki.heartbeat", json!({})).await;
    }
    let mut honest = Stranger::enter(&ticket).await;
    assert_eq!(honest.result("echo", json!([1])).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_calls_without_reading_are_bounded_and_all_answered_in_the_end() {
    const CALLS: u64 = 10_000;
    let daemon = Daemon::start();
    let ticket = worker(&daemon).await;
    let mut other = Stranger::enter(&ticket).await;
    assert_eq!(other.result("echo", json!([0])).await, 0);
    let before = resident_mib(&daemon);
    let caller = Stranger::enter(&ticket).await;
    let (mut input, mut output) = tokio::io::split(caller.stream.into_inner());
    let padding = "x".repeat(8_000);
    let writing = tokio::spawn(async move {
        for id in 0..CALLS {
            let line = format!("{}\n", request(id, "echo", json!([padding])));
            output.write_all(line.as_bytes()).await.expect("the gate goes on");
        }
        output.flush().await.expect("the gate goes on");
        output
    });
    // Eighty megabytes each way; nobody reads, and the other caller goes on.
    for number in 0..300 {
        assert_eq!(other.result("echo", json!([number])).await, number);
    }
    let grown = resident_mib(&daemon).saturating_sub(before);
    assert!(grown < 48, "haukid grew by {grown} MiB");
    assert!(!writing.is_finished(), "the gate took everything of a caller that does not read");
    let reading = async {
        let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(&mut input));
        for id in 0..CALLS {
            let line = lines.next_line().await.expect("reads").expect("an answer");
            assert!(line.starts_with(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"xxx"#)), "{id}");
        }
    };
    timeout(HANG, reading).await.expect("everything arrives");
    let _ = writing.await.expect("no panic");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_answers_that_nobody_reads_are_left_out_and_said_to_be() {
    let daemon = Daemon::start();
    let ticket = worker(&daemon).await;
    let mut other = Stranger::enter(&ticket).await;
    assert_eq!(other.result("echo", json!([0])).await, 0);
    let before = resident_mib(&daemon);
    let mut caller = Stranger::enter(&ticket).await;
    // As many at once as the gate lets in flight, each answer as long as a frame.
    let calls: String = (0..64).map(|id| format!("{}\n", request(id, "big", json!([1_000_000])))).collect();
    caller.raw(calls.as_bytes()).await.expect("the gate reads");
    for number in 0..100 {
        assert_eq!(other.result("echo", json!([number])).await, number);
    }
    let grown = resident_mib(&daemon).saturating_sub(before);
    assert!(grown < 64, "haukid grew by {grown} MiB");
    let mut answered = 0;
    for id in 0..64 {
        let reply = caller.reply().await;
        assert_eq!(reply["id"], id);
        match reply["result"].as_str() {
            Some(text) => answered += usize::from(text.len() == 1_000_000),
            None => assert_eq!(reply["error"]["code"], code::BUSY, "{reply}"),
        }
    }
    assert!(answered >= 8, "{answered} answers came");
    assert_eq!(caller.result("echo", json!(["goes on"])).await, "goes on");
}

/// One answer for each connection, and each as long as it may be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn first_answers_that_nobody_reads_have_a_budget_together() {
    const MIB: usize = 1 << 20;
    const READERS: usize = 24;
    let daemon = Daemon::start();
    let wishes = Wishes {
        lease_ms: Some(600_000),
        call_deadline_ms: Some(60_000),
        memory_bytes: Some(64 << 20),
        max_frame_bytes: Some(16 << 20),
        ..Wishes::default()
    };
    let spawned = daemon.spawn_with(WORKER, wishes).await;
    let ticket = serde_json::to_value(&spawned.ticket).expect("serializes");
    assert!(Stranger::enter(&ticket).await.result("big", json!([15 * MIB])).await.is_string());
    let before = resident_mib(&daemon);
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let mut reader = Stranger::enter(&ticket).await;
        reader.send(&request(1, "big", json!([15 * MIB])).to_string()).await;
        readers.push(reader);
    }
    let answered = async {
        let calls = async || {
            let vault = daemon.endpoint().vault(&spawned.vault.id).await.expect("is there");
            vault.vitals.expect("lives").calls
        };
        while calls().await <= READERS as u64 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(HANG, answered).await.expect("none waits for another");
    let grown = resident_mib(&daemon).saturating_sub(before);
    assert!(grown < 128 + 64, "haukid grew by {grown} MiB");
    // Who holds another ticket has an equal share.
    let request = TicketRequest { vault: spawned.vault.id.clone(), wishes: Default::default() };
    let other = daemon.endpoint().ticket(&request).await.expect("a fresh one");
    let mut other = Stranger::enter(&serde_json::to_value(&other).expect("serializes")).await;
    assert!(other.result("big", json!([15 * MIB])).await.is_string());
    let mut come = 0;
    for mut reader in readers {
        let reply = reader.reply().await;
        match reply["result"].as_str() {
            Some(text) => come += usize::from(text.len() == 15 * MIB),
            None => assert_eq!(reply["error"]["code"], code::BUSY, "{reply}"),
        }
    }
    assert_eq!(come, 128 / 15, "as many as have room in twice the budget");
}

/// The same rubbish in every run.
struct Rubbish(u64);

impl Rubbish {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        let length = self.next() % most;
        (0..length).map(|_| u8::try_from(self.next() & 0xff).expect("is a byte")).collect()
    }

    /// A call with some of its bytes changed.
    fn almost(&mut self) -> Vec<u8> {
        let mut line =
            request(self.next() % 100, "echo", json!([{"a": [1, "ä", null]}])).to_string().into_bytes();
        for _ in 0..=self.next() % 4 {
            let index = usize::try_from(self.next()).expect("64 bits") % line.len();
            line[index] = b"{}[]\",:0\\u\0\xff\n e"[usize::try_from(self.next() % 15).expect("is small")];
        }
        line.push(b'\n');
        line
    }
}

type Output = tokio::io::WriteHalf<tokio_rustls::client::TlsStream<TcpStream>>;

/// A connection that sends the beginning of a call, and what it is told in the end.
async fn begins(ticket: &Value, bytes: usize) -> (JoinHandle<Output>, JoinHandle<Value>) {
    let stranger = Stranger::enter(ticket).await;
    let (mut input, mut output) = tokio::io::split(stranger.stream.into_inner());
    let writing = tokio::spawn(async move {
        let begun = br#"{"jsonrpc":"2.0","id":1,"method":"size","params":[""#;
        output.write_all(begun).await.expect("the gate reads");
        let piece = vec![b'x'; 64 * 1024];
        for _ in 0..bytes / piece.len() {
            if output.write_all(&piece).await.is_err() {
                break;
            }
        }
        let _ = output.flush().await;
        output
    });
    let hearing = tokio::spawn(async move {
        let (mut told, mut byte) = (Vec::new(), [0]);
        while matches!(input.read(&mut byte).await, Ok(1)) && byte != *b"\n" {
            told.push(byte[0]);
        }
        serde_json::from_slice(&told).expect("was told something")
    });
    (writing, hearing)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_that_do_not_end_have_a_budget_together() {
    const MIB: usize = 1 << 20;
    let daemon = Daemon::start();
    let wishes = Wishes {
        lease_ms: Some(600_000),
        memory_bytes: Some(64 << 20),
        max_frame_bytes: Some(16 << 20),
        ..Wishes::default()
    };
    let spawned = daemon.spawn_with("function size(x) { return x.length; }", wishes).await;
    let ticket = serde_json::to_value(&spawned.ticket).expect("serializes");
    assert_eq!(Stranger::enter(&ticket).await.result("size", json!(["x".repeat(15 * MIB)])).await, 15 * MIB);
    let before = resident_mib(&daemon);
    // The budget is 64 MiB: four have room, one more has leave, and the others wait for it in vain.
    let mut begun = Vec::new();
    for _ in 0..8 {
        begun.push(begins(&ticket, 15 * MIB).await);
    }
    let mut all = Vec::new();
    for (writing, hearing) in begun {
        all.push((timeout(HANG, writing).await.expect("is read or closed").expect("no panic"), hearing));
    }
    let refused = |all: &[(Output, JoinHandle<Value>)]| all.iter().filter(|one| one.1.is_finished()).count();
    let waiting = async {
        while refused(&all) < 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(HANG, waiting).await.expect("who holds too much is told so");
    let grown = resident_mib(&daemon).saturating_sub(before);
    // The budget, who has leave, who has had it and is gone, of whom the allocator may keep what he held, and the rest.
    assert!(grown < 64 + 16 + 16 + 48, "haukid grew by {grown} MiB");
    // Who holds less than his share notices nothing, and who has begun may end.
    let mut other = Stranger::enter(&ticket).await;
    assert_eq!(other.result("size", json!(["y".repeat(4 * MIB)])).await, 4 * MIB);
    for (mut output, hearing) in all {
        let is_held = !hearing.is_finished();
        if is_held {
            output.write_all(b"\"]}\n").await.expect("the gate reads");
            output.flush().await.expect("the gate reads");
        }
        let told = timeout(HANG, hearing).await.expect("is told").expect("no panic");
        if is_held {
            assert_eq!(told["result"], 15 * MIB, "{told}");
        } else {
            assert_eq!((&told["id"], &told["error"]["code"]), (&json!(null), &json!(code::BUSY)), "{told}");
        }
    }
}

/// Each of them has sent half of it when there is no more room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_lines_that_come_at_once_wait_for_each_other() {
    const MIB: usize = 1 << 20;
    let daemon = Daemon::start();
    let wishes = Wishes {
        lease_ms: Some(600_000),
        memory_bytes: Some(256 << 20),
        max_frame_bytes: Some(40 << 20),
        call_deadline_ms: Some(60_000),
        ..Wishes::default()
    };
    let spawned = daemon.spawn_with("function size(x) { return x.length; }", wishes).await;
    let ticket = serde_json::to_value(&spawned.ticket).expect("serializes");
    let (mut all, mut all_end) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        all.push(begins(&ticket, 38 * MIB).await);
    }
    for (writing, hearing) in all {
        let ends = tokio::spawn(async move {
            let mut output = writing.await.expect("no panic");
            let _ = output.write_all(b"\"]}\n").await;
            let _ = output.flush().await;
            output
        });
        all_end.push((ends, hearing));
    }
    for (ends, hearing) in all_end {
        let told = timeout(HANG, hearing).await.expect("is told").expect("no panic");
        assert_eq!(told["result"], 38 * MIB, "{told}");
        drop(ends);
    }
}

/// It is handled aside, and what is around it is as if it were short.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_lines_that_are_refused_are_answered_in_their_turn() {
    let daemon = Daemon::start();
    let wishes = Wishes { lease_ms: Some(600_000), max_frame_bytes: Some(4 << 20), ..Wishes::default() };
    let spawned = daemon.spawn_with(WORKER, wishes).await;
    let ticket = serde_json::to_value(&spawned.ticket).expect("serializes");
    let mut caller = Stranger::enter(&ticket).await;
    let many = 1 << 20;
    let twice = format!("{{{}", "\"a\":1,".repeat(many / 2));
    let method = json!({"jsonrpc": "2.0", "id": "m", "method": "m".repeat(many)}).to_string();
    for (long, number) in [
        (format!("[{}1]", "1,".repeat(many)), code::INVALID_REQUEST),
        (format!("[{}", "{},".repeat(many / 2)), code::INVALID_REQUEST),
        (format!("{twice}\"a\":1}}"), code::INVALID_REQUEST),
        (twice, code::PARSE),
        (method, code::METHOD_NOT_FOUND),
        ("x".repeat(many), code::PARSE),
    ] {
        let (before, behind) = (request(7, "echo", json!([1])), request(8, "echo", json!([2])));
        let lines = format!("{before}\n{long}\n{behind}\n");
        caller.raw(lines.as_bytes()).await.expect("the gate reads");
        let mut told = Vec::new();
        for _ in 0..3 {
            told.push(caller.reply().await);
        }
        let place = |what: &dyn Fn(&Value) -> bool| told.iter().position(what).expect("is answered");
        let refused = place(&|reply| reply["error"]["code"] == number);
        assert!(place(&|reply| reply["id"] == 8 && reply["result"] == 2) > refused, "{told:?}");
        assert!(told.iter().any(|reply| reply["id"] == 7 && reply["result"] == 1), "{told:?}");
    }
    // What gives it up may come right behind it, before it is handled.
    let long = request(1, "echo", json!(["y".repeat(many)]));
    let word = r#"{"jsonrpc":"2.0","method":"hauki.cancel","params":{"id":1}}"#;
    caller
        .raw(format!("{long}\n{word}\n{}\n", request(2, "echo", json!([2]))).as_bytes())
        .await
        .expect("reads");
    let first = caller.reply().await;
    assert!(first["id"] == 1 && (first["error"]["code"] == code::CANCELLED || first["result"].is_string()));
    assert_eq!(caller.reply().await["result"], 2);
}

#[tokio::test]
async fn rubbish_before_tls_within_it_and_after_hello_breaks_nothing() {
    let daemon = Daemon::start();
    let ticket = worker(&daemon).await;
    let mut other = Stranger::enter(&ticket).await;
    let mut rubbish = Rubbish(0x9e37_79b9_7f4a_7c15);
    for round in 0..100_u64 {
        let mut tcp = TcpStream::connect(address(&ticket)).await.expect("the port is open");
        let mut bytes = rubbish.bytes(2000);
        if round % 2 == 0 {
            // What looks like a TLS record.
            bytes.splice(..0, [0x16, 3, 1, 0, 200]);
        }
        let _ = tcp.write_all(&bytes).await;
        let _ = tcp.shutdown().await;
        end(&mut tcp).await;
    }
    for _ in 0..50 {
        let mut stranger = Stranger::knock(&ticket).await.expect("connects");
        let _ = stranger.raw(&rubbish.bytes(2000)).await;
        let _ = stranger.raw(b"\n").await;
        assert_eq!(stranger.reply().await["error"]["code"], code::UNAUTHENTICATED);
        assert!(stranger.is_at_end().await);
    }
    for _ in 0..20 {
        let mut caller = Stranger::enter(&ticket).await;
        for _ in 0..50 {
            let line = if rubbish.next().is_multiple_of(4) { rubbish.bytes(500) } else { rubbish.almost() };
            caller.raw(&line).await.expect("the gate goes on");
        }
        caller.raw(b"\n").await.expect("the gate goes on");
        caller.send(&request(1000, "echo", json!(["whole"])).to_string()).await;
        // Whatever else it answered, it answered in JSON, and this.
        loop {
            let reply = caller.reply().await;
            if reply["id"] == 1000 {
                assert_eq!(reply["result"], "whole");
                break;
            }
        }
    }
    // Rubbish in the place of a record, once TLS stands.
    let mut caller = Stranger::enter(&ticket).await;
    let tcp = caller.stream.get_mut().get_mut().0;
    tcp.write_all(&[0x17, 3, 3, 0, 32]).await.expect("writes");
    tcp.write_all(&[0x5a; 32]).await.expect("writes");
    assert!(caller.is_at_end().await);
    assert_eq!(other.result("echo", json!(["still"])).await, "still");
}
