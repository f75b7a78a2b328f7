//! `hauki proxy call`, `pipe` and `listen` on real vaults: what comes out, what a lost connection
//! does, and what is left behind.

use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use crate::support::daemon::Daemon;
use crate::support::relay::Relay;
use hauki::model::gem::Wishes;
use hauki::model::ticket::Ticket;
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

const WORKER: &str = "var n = 0;
function add(x) { n += x; return n; }
function total() { return n; }
function echo(a) { return a; }
function boom() { throw new Error('ouch'); }
function spin() { for (;;) {} }
function work(steps) {
  for (var i = 1; i <= steps; i++) emit('progress', {done: i, total: steps, message: 'step ' + i});
  print('done');
  emit('other', [steps]);
  return steps;
}";

/// Nothing here takes longer on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("hangs")
}

fn save(daemon: &Daemon, ticket: &Ticket) -> PathBuf {
    let path = daemon.dir.path().join("t.json");
    std::fs::write(&path, serde_json::to_string(ticket).expect("is JSON")).expect("writes");
    // What others can read is told of.
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("is ours");
    path
}

fn hauki(daemon: &Daemon, words: &[&str]) -> Command {
    let mut command = Command::from(daemon.hauki());
    command
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

struct Ran {
    code: i32,
    records: Vec<Value>,
    stdout: String,
    stderr: String,
}

async fn ran(command: &mut Command, input: &str) -> Ran {
    let mut child = command.spawn().expect("starts");
    let mut stdin = child.stdin.take().expect("is piped");
    stdin.write_all(input.as_bytes()).await.expect("is read");
    drop(stdin);
    let output = soon(child.wait_with_output()).await.expect("ends");
    let stdout = String::from_utf8(output.stdout).expect("is text");
    Ran {
        code: output.status.code().expect("was not killed"),
        records: stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect(),
        stdout,
        stderr: String::from_utf8(output.stderr).expect("is text"),
    }
}

#[tokio::test]
async fn a_call_shows_what_the_worker_tells_meanwhile() {
    let daemon = Daemon::start();
    let spawned = daemon.spawn(WORKER).await;
    let ticket = save(&daemon, &spawned.ticket);
    let ticket = ticket.to_str().expect("is text");

    let seen = ran(&mut hauki(&daemon, &["proxy", "call", ticket, "work", "3", "--events"]), "").await;
    assert_eq!(seen.code, 0, "{}", seen.stderr);
    let told: Vec<Value> = seen.records[..5]
        .iter()
        .map(|event| {
            assert_eq!(
                (&event["kind"], &event["vault"]),
                (&json!("event"), &json!(spawned.vault.id)),
                "{event}"
            );
            json!([event["event"], event.get("text").or(event.get("name")), event["data"]])
        })
        .collect();
    let progress = |done: u32| json!(["emitted", "progress", {"done": done, "total": 3, "message": format!("step {done}")}]);
    let rest = [json!(["log", "done", null]), json!(["emitted", "other", [3]])];
    assert_eq!(told[..3], [progress(1), progress(2), progress(3)]);
    assert_eq!(told[3..], rest);
    assert_eq!((&seen.records[5]["kind"], &seen.records[5]["result"]), (&json!("reply"), &json!(3)));
    assert_eq!(seen.records.len(), 6, "{}", seen.stdout);

    // One document, where one was asked for.
    let words = ["proxy", "call", ticket, "work", "3", "--events", "-o", "json"];
    let whole = ran(&mut hauki(&daemon, &words), "").await;
    let document: Vec<Value> = serde_json::from_str(&whole.stdout).expect("is one document");
    assert_eq!((document.len(), &document[5]["result"]), (6, &json!(3)), "{}", whole.stdout);

    // The same with a terminal: python's, because it has one in its standard library.
    let script = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)";
    let plain = daemon.hauki();
    let mut terminal = Command::new("/usr/bin/python3");
    terminal.env_clear().env("TERM", "xterm");
    terminal.envs(plain.get_envs().filter_map(|(key, value)| Some((key, value?))));
    terminal.args(["-c", script]).arg(plain.get_program());
    terminal.args(["proxy", "call", ticket, "work", "4", "--events"]);
    terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let seen = ran(&mut terminal, "").await;
    assert_eq!(seen.code, 0, "{}{}", seen.stdout, seen.stderr);
    assert!(seen.stdout.contains("100%") && seen.stdout.contains("4/4  step 4"), "{:?}", seen.stdout);
    assert!(seen.stdout.contains("log") && seen.stdout.contains("other [4]"), "{:?}", seen.stdout);
    assert!(seen.stdout.trim_end().ends_with('4') && !seen.stdout.contains("\"kind\""), "{:?}", seen.stdout);
}

/// A worker that says nothing until it is told to, by a call that overtakes none: what others' calls say
/// comes while ours waits its turn.
#[tokio::test]
async fn a_call_shows_nothing_of_other_calls() {
    let daemon = Daemon::start();
    let source = "function long(ms) { var end = performance.now() + ms; emit('mine', 1); while (performance.now() < end); return 1; }
function short(n) { for (var i = 0; i < n; i++) emit('theirs', i); return n; }";
    let ticket = save(&daemon, &daemon.spawn(source).await.ticket);
    let ticket = ticket.to_str().expect("is text");
    let mut long = hauki(&daemon, &["proxy", "call", ticket, "long", "700"]).spawn().expect("starts");
    let seen = ran(&mut hauki(&daemon, &["proxy", "call", ticket, "short", "3", "--events"]), "").await;
    soon(long.wait()).await.expect("ends");
    assert_eq!(seen.code, 0, "{}", seen.stderr);
    let names: Vec<&Value> = seen.records.iter().map(|record| &record["name"]).collect();
    assert_eq!(
        names,
        ["theirs", "theirs", "theirs"].map(Value::from).iter().chain([&Value::Null]).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_notification_is_taken_and_a_timeout_reaches_the_node() {
    let daemon = Daemon::start();
    let ticket = save(&daemon, &daemon.spawn(WORKER).await.ticket);
    let call = |words: &[&str]| {
        let mut all = vec!["proxy", "call", ticket.to_str().expect("is text")];
        all.extend_from_slice(words);
        hauki(&daemon, &all)
    };
    let told = ran(&mut call(&["add", "20", "--notify"]), "").await;
    assert_eq!((told.code, told.stdout.as_str()), (0, ""), "{}", told.stderr);
    assert_eq!(ran(&mut call(&["add", "22"]), "").await.stdout, "42\n");
    let unknown = ran(&mut call(&["ad", "1", "--notify"]), "").await;
    assert_eq!(unknown.code, 3, "{}", unknown.stderr);
    assert!(unknown.stderr.contains("there are: "), "{}", unknown.stderr);
    // Its own deadline ends the loop at the node, or the next call would wait for the ticket's.
    let late = ran(&mut call(&["spin", "--timeout", "1s"]), "").await;
    assert_eq!(late.code, 124, "{}", late.stderr);
    assert_eq!(ran(&mut call(&["total", "--timeout", "8s"]), "").await.stdout, "42\n");
}

/// Its leases are ten minutes: no beat is due before this is over.
#[tokio::test]
async fn who_keeps_a_vault_hears_of_its_end_at_once() {
    let daemon = Daemon::start();
    let wishes = Wishes { lease_ms: Some(600_000), ..Wishes::default() };
    for words in [&["--watch"][..], &["--", "sleep", "600"]] {
        let spawned = daemon.spawn_with(WORKER, wishes.clone()).await;
        let ticket = save(&daemon, &spawned.ticket);
        let mut all = vec!["heartbeat", ticket.to_str().expect("is text")];
        all.extend_from_slice(words);
        let keeper = hauki(&daemon, &all).spawn().expect("starts");
        let kept = async {
            let endpoint = daemon.endpoint();
            let vault = || endpoint.vault(&spawned.vault.id);
            while vault().await.expect("is there").vitals.is_none_or(|vitals| vitals.connections == 0) {}
        };
        soon(kept).await;
        daemon.endpoint().destruct(&spawned.vault.id, &Default::default()).await.expect("destructs");
        let output = soon(keeper.wait_with_output()).await.expect("ends");
        assert_eq!(output.status.code(), Some(5), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

fn request(id: &Value, method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
}

#[tokio::test]
async fn a_pipe_keeps_ids_batches_and_notifications() {
    let daemon = Daemon::start();
    let ticket = save(&daemon, &daemon.spawn(WORKER).await.ticket);
    let ids = [json!(1), json!(1), json!("1"), json!(-7), json!(1.5), json!("a\"b"), json!(""), Value::Null];
    let mut input: Vec<String> = ids.iter().map(|id| request(id, "echo", &json!([id]))).collect();
    input.push("\n".into());
    input.push(json!({"jsonrpc": "2.0", "method": "add", "params": [2]}).to_string());
    input.push(format!(
        "[{},{},7]",
        request(&json!("b"), "add", &json!([40])),
        json!({"jsonrpc": "2.0", "method": "total"})
    ));
    input.push(json!([{"jsonrpc": "2.0", "method": "total"}]).to_string());
    input.push("{nonsense".into());
    input.push(request(&json!("worker"), "boom", &json!([])));
    input.push(request(&json!("none"), "nothing", &json!([])));
    input.push(request(&json!("hello"), "hauki.hello", &json!({})));
    input.push(request(&json!("offer"), "hauki.offer", &json!({"name": "tools", "methods": ["f"]})));
    input.push(request(&json!("odd"), "hauki.hello", &json!({"token": "t", "v": 2, "zz": 1})));
    input.push(json!({"jsonrpc": "2.0", "method": "hauki.hello", "params": {"v": 2}}).to_string());
    // The last line lacks its end.
    input.push(request(&json!("last"), "total", &json!([])));
    let path = ticket.to_str().expect("is text");
    let seen = ran(&mut hauki(&daemon, &["proxy", "pipe", path]), &input.join("\n")).await;
    assert_eq!((seen.code, seen.stderr.as_str()), (0, ""));
    let (batches, single): (Vec<_>, Vec<_>) = seen.records.iter().partition(|reply| reply.is_array());
    let mut echoed: Vec<_> =
        single.iter().filter(|reply| reply.get("result") == Some(&reply["id"])).collect();
    assert_eq!(echoed.len(), ids.len(), "{}", seen.stdout);
    for id in &ids {
        let place = echoed.iter().position(|reply| reply["id"] == *id).expect("came back");
        echoed.remove(place);
    }
    let reply = |id: &str| {
        single.iter().find(|reply| reply["id"] == id).unwrap_or_else(|| panic!("no {id}: {}", seen.stdout))
    };
    assert_eq!(reply("last")["result"], 42);
    assert_eq!(
        (&reply("worker")["error"]["code"], &reply("worker")["error"]["data"]["kind"]),
        (&json!(-32000), &json!("throw"))
    );
    assert_eq!(reply("none")["error"]["code"], -32601);
    assert!(reply("hello")["result"]["vault"].is_string());
    assert_eq!(reply("hello")["result"]["features"], json!(["cancel", "evaluate"]));
    assert_eq!(reply("offer")["error"]["code"], -32601, "it would be offered by all who share the session");
    assert_eq!(reply("odd")["error"]["code"], -32602);
    assert!(single.iter().any(|reply| reply["error"]["code"] == -32700 && reply["id"].is_null()));
    assert_eq!(batches.len(), 1, "{}", seen.stdout);
    assert_eq!((&batches[0][0]["result"], &batches[0][1]["error"]["code"]), (&json!(42), &json!(-32600)));
    assert_eq!(seen.records.len(), ids.len() + 8);
}

/// The most memory that a process has had, in KiB.
fn peak_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("has a peak");
    line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).expect("is a number")
}

struct Pipe {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

fn pipe(daemon: &Daemon, ticket: &Path, more: &[&str]) -> Pipe {
    let mut words = vec!["proxy", "pipe", ticket.to_str().expect("is text")];
    words.extend_from_slice(more);
    let mut child = hauki(daemon, &words).spawn().expect("starts");
    let stdin = child.stdin.take().expect("is piped");
    let stdout = BufReader::with_capacity(1 << 20, child.stdout.take().expect("is piped"));
    Pipe { child, stdin, stdout }
}

async fn reply(from: &mut (impl AsyncRead + Unpin), lines: &mut Vec<u8>) -> Value {
    loop {
        if let Some(end) = lines.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = lines.drain(..=end).collect();
            return serde_json::from_slice(&line).expect("is JSON");
        }
        assert!(soon(from.read_buf(lines)).await.expect("reads") > 0, "it ended");
    }
}

/// Half of what goes through is made of requests, half of replies.
async fn flood(pipe: &mut Pipe, calls: usize, line: &str) {
    let write = async {
        for _ in 0..calls {
            pipe.stdin.write_all(line.as_bytes()).await.expect("is read");
        }
    };
    let read = async {
        let mut reply = Vec::new();
        for _ in 0..calls {
            reply.clear();
            pipe.stdout.read_until(b'\n', &mut reply).await.expect("is written");
            assert!(
                reply.len() >= line.len() / 2 && !reply.starts_with(b"{\"error"),
                "{}",
                String::from_utf8_lossy(&reply)
            );
        }
    };
    tokio::join!(write, read);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipe_that_takes_no_more_still_hears_a_call_given_up_and_a_mark_is_nothing() {
    let daemon = Daemon::start();
    let wishes = Wishes { call_deadline_ms: Some(120_000), ..Wishes::default() };
    let ticket = save(&daemon, &daemon.spawn_with(WORKER, wishes).await.ticket);
    let mut pipe = pipe(&daemon, &ticket, &[]);
    let mut said = "\u{feff}".to_owned();
    for id in 0..300 {
        said.push_str(&format!("{}\n", json!({ "jsonrpc": "2.0", "id": id, "method": "spin" })));
    }
    // 64 are all that are taken at a time; the first of them runs for two minutes if nobody gives it up.
    for id in 0..300 {
        let cancel = json!({ "jsonrpc": "2.0", "method": "hauki.cancel", "params": { "id": id } });
        said.push_str(&format!("{cancel}\n"));
    }
    soon(pipe.stdin.write_all(said.as_bytes())).await.expect("is read");
    for _ in 0..300 {
        let mut reply = String::new();
        soon(pipe.stdout.read_line(&mut reply)).await.expect("is written");
        let reply: Value = serde_json::from_str(&reply).expect("is JSON");
        assert_eq!(reply["error"]["code"], -32009, "{reply}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipe_needs_the_same_memory_for_more() {
    let daemon = Daemon::start();
    let ticket = save(&daemon, &daemon.spawn(WORKER).await.ticket);
    // By hand: HAUKI_PIPE_MIB=1024 cargo test --test proxy a_pipe_needs
    let mib = std::env::var("HAUKI_PIPE_MIB").ok().and_then(|text| text.parse().ok()).unwrap_or(12);
    let line = request(&json!(1), "echo", &json!(["x".repeat(8192)])) + "\n";
    let mut pipe = pipe(&daemon, &ticket, &[]);
    let pid = pipe.child.id().expect("it runs");
    flood(&mut pipe, (2 << 20) / line.len(), &line).await;
    let before = peak_kib(pid);
    flood(&mut pipe, (mib << 20) / line.len(), &line).await;
    let after = peak_kib(pid);
    assert!(after < before + 4096, "{before} KiB after 2 MiB, {after} KiB after {mib} MiB more");
    assert!(after < 64 * 1024, "{after} KiB");
    drop(pipe.stdin);
    assert!(soon(pipe.child.wait()).await.expect("ends").success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_replies_cannot_send_for_ever() {
    const MOST: usize = 48 << 20;
    let daemon = Daemon::start();
    let ticket = save(&daemon, &daemon.spawn(WORKER).await.ticket);
    let line = request(&json!(1), "echo", &json!(["x".repeat(60_000)])) + "\n";
    let mut pipe = pipe(&daemon, &ticket, &[]);
    let mut sent = 0;
    // It takes no more for two seconds, or too much.
    while sent < MOST
        && let Ok(written) =
            tokio::time::timeout(Duration::from_secs(2), pipe.stdin.write_all(line.as_bytes())).await
    {
        written.expect("is read");
        sent += line.len();
    }
    assert!(sent < MOST, "{sent} bytes were taken, and no reply was");
    // It goes on where it stood; the line that was cut off is the last.
    drop(pipe.stdin);
    let (mut replies, mut others) = (0, Vec::new());
    let mut reply = Vec::new();
    while soon(pipe.stdout.read_until(b'\n', &mut reply)).await.expect("is written") > 0 {
        match reply.starts_with(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\"") {
            true => replies += 1,
            false => others.push(String::from_utf8_lossy(&reply[..reply.len().min(300)]).into_owned()),
        }
        reply.clear();
    }
    let status = soon(pipe.child.wait()).await.expect("ends");
    assert_eq!(replies, sent / line.len(), "{status}, {others:?}, {}", daemon.log());
}

#[tokio::test]
async fn a_pipe_tells_what_broke_and_goes_on() {
    let daemon = Daemon::start();
    let quick = Wishes { call_deadline_ms: Some(1_000), ..Wishes::default() };
    let mut spawned = daemon.spawn_with(WORKER, quick).await;
    let relay = Relay::start(&mut spawned.ticket).await;
    let ticket = save(&daemon, &spawned.ticket);
    let mut pipe = pipe(&daemon, &ticket, &["--events"]);
    let (mut lines, ask) = (Vec::new(), async |stdin: &mut ChildStdin, line: String| {
        stdin.write_all(format!("{line}\n").as_bytes()).await.expect("is read");
    });
    ask(&mut pipe.stdin, request(&json!("one"), "add", &json!([1]))).await;
    assert_eq!(reply(&mut pipe.stdout, &mut lines).await["result"], 1);
    let before = relay.passed();
    ask(&mut pipe.stdin, request(&json!("two"), "spin", &json!([]))).await;
    soon(relay.passed_more(before)).await;
    relay.cut();
    let (one, two) = (reply(&mut pipe.stdout, &mut lines).await, reply(&mut pipe.stdout, &mut lines).await);
    let (broken, event) = if one["id"] == "two" { (one, two) } else { (two, one) };
    assert_eq!((&broken["id"], &broken["error"]["code"]), (&json!("two"), &json!(-32020)), "{broken}");
    assert_eq!(broken["error"]["data"]["kind"], "connection_broken");
    assert_eq!(event["method"], "hauki.broken", "{event}");
    assert_eq!(reply(&mut pipe.stdout, &mut lines).await["method"], "hauki.reconnected");
    ask(&mut pipe.stdin, request(&json!("three"), "add", &json!([1]))).await;
    assert_eq!(reply(&mut pipe.stdout, &mut lines).await["result"], 2, "it ran twice, or not at all");
    // The vault's end is the pipe's.
    ask(&mut pipe.stdin, request(&json!("four"), "hauki.destruct", &json!({}))).await;
    let mut told = Vec::new();
    soon(pipe.stdout.read_to_end(&mut told)).await.expect("ends");
    assert!(String::from_utf8_lossy(&told).contains("hauki.dying"), "{}", String::from_utf8_lossy(&told));
    let output = soon(pipe.child.wait_with_output()).await.expect("ends");
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{words}");
    assert!(words.contains("is dead: destruct"), "{words}");
}

struct Listening {
    child: Child,
    record: Value,
}

async fn listen(daemon: &Daemon, ticket: &Path, place: &str) -> Listening {
    let words = ["proxy", "listen", ticket.to_str().expect("is text"), "--listen", place];
    let mut child = hauki(daemon, &words).spawn().expect("starts");
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("is piped"));
    soon(stdout.read_line(&mut line)).await.expect("is written");
    let record: Value = serde_json::from_str(&line).unwrap_or_default();
    if record["kind"] != "listener" {
        let output = soon(child.wait_with_output()).await.expect("ends");
        panic!("{line}{}", String::from_utf8_lossy(&output.stderr));
    }
    Listening { child, record }
}

impl Listening {
    fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.child.id().expect("it runs")).expect("is a pid");
        let pid = rustix::process::Pid::from_raw(pid).expect("is a pid");
        // Ours, and not waited for: the number is still its own.
        let file = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).expect("it runs");
        rustix::process::pidfd_send_signal(file.as_fd(), signal).expect("it runs");
    }

    async fn end(self) -> (i32, String) {
        let output = soon(self.child.wait_with_output()).await.expect("ends");
        (output.status.code().expect("was not killed"), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

async fn ask<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, lines: &mut Vec<u8>, line: &str) -> Value {
    stream.write_all(format!("{line}\n").as_bytes()).await.expect("is read");
    reply(stream, lines).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_programs_share_a_socket_and_ctrl_c_leaves_nothing() {
    let daemon = Daemon::start();
    let ticket = save(&daemon, &daemon.spawn(WORKER).await.ticket);
    let path = daemon.dir.path().join("scout.sock");
    let place = format!("unix:{}", path.display());
    let listening = listen(&daemon, &ticket, &place).await;
    assert_eq!((&listening.record["address"], listening.record.get("token")), (&json!(place), None));
    assert_eq!(std::fs::metadata(&path).expect("is there").permissions().mode() & 0o777, 0o600);

    // All use the same ids at the same time, and each gets its own answers.
    let programs = (0..8).map(|program| {
        let path = path.clone();
        tokio::spawn(async move {
            let stream = tokio::net::UnixStream::connect(&path).await.expect("connects");
            let (mut input, mut output) = stream.into_split();
            let write = async {
                for id in 0..50 {
                    let line = request(&json!(id), "echo", &json!([format!("{program}/{id}")])) + "\n";
                    output.write_all(line.as_bytes()).await.expect("is read");
                }
            };
            let read = async {
                let mut lines = Vec::new();
                for _ in 0..50 {
                    let reply = reply(&mut input, &mut lines).await;
                    assert_eq!(reply["result"], json!(format!("{program}/{}", reply["id"])));
                }
            };
            tokio::join!(write, read);
        })
    });
    for program in programs.collect::<Vec<_>>() {
        soon(program).await.expect("is served");
    }
    // So are events: a program's call is told to it by its own id, and to others not at all.
    let mut pair = Vec::new();
    for _ in 0..2 {
        pair.push((tokio::net::UnixStream::connect(&path).await.expect("connects"), Vec::new()));
    }
    for (stream, lines) in &mut pair {
        assert_eq!(ask(stream, lines, &request(&json!(0), "add", &json!([0]))).await["result"], 0);
    }
    let (stream, lines) = &mut pair[0];
    let line = request(&json!("mine"), "work", &json!([1])) + "\n";
    stream.write_all(line.as_bytes()).await.expect("is read");
    for number in 0..3 {
        let told = reply(stream, lines).await;
        assert_eq!(told["params"]["call"], "mine", "{number}: {told}");
    }
    assert_eq!(reply(stream, lines).await["id"], "mine", "the answer comes behind what was said in the call");
    let (stream, lines) = &mut pair[1];
    for _ in 0..3 {
        let told = reply(stream, lines).await;
        assert!(told["method"] != Value::Null && told["params"].get("call").is_none(), "{told}");
    }
    drop(pair);
    // Rubbish and half a line are one program's own affair.
    let mut bad = tokio::net::UnixStream::connect(&path).await.expect("connects");
    assert_eq!(ask(&mut bad, &mut Vec::new(), "rubbish").await["error"]["code"], -32700);
    bad.write_all(b"{\"jsonrpc\":").await.expect("is read");
    drop(bad);
    let mut good = tokio::net::UnixStream::connect(&path).await.expect("connects");
    assert_eq!(ask(&mut good, &mut Vec::new(), &request(&json!(1), "add", &json!([5]))).await["result"], 5);

    // Another listener has no place there, and has not taken the socket away.
    let words = ["proxy", "listen", ticket.to_str().expect("is text"), "--listen", &place];
    let second = ran(&mut hauki(&daemon, &words), "").await;
    assert_eq!(second.code, 5, "{}", second.stderr);
    assert!(path.exists());
    listening.signal(rustix::process::Signal::INT);
    assert_eq!(listening.end().await.0, 130);
    assert!(!path.exists(), "the socket was left behind");
    assert_eq!(soon(good.read(&mut [0; 64])).await.expect("reads"), 0);
}

/// They share one session, whose calls a gate answers in their order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_that_ask_for_much_and_read_nothing_keep_no_other_from_its_turn() {
    let daemon = Daemon::start();
    let wishes = Wishes { memory_bytes: Some(64 << 20), ..Wishes::default() };
    let source = "var served = 0;
        function big() { var s = 'x'; served++; while (s.length < 500000) s += s; return s; }
        function count() { return served; }";
    let ticket = save(&daemon, &daemon.spawn_with(source, wishes).await.ticket);
    let path = daemon.dir.path().join("greedy.sock");
    let listening = listen(&daemon, &ticket, &format!("unix:{}", path.display())).await;
    let mut greedy = Vec::new();
    for _ in 0..5 {
        let mut program = tokio::net::UnixStream::connect(&path).await.expect("connects");
        for id in 0..64 {
            let line = request(&json!(id), "big", &json!([])) + "\n";
            program.write_all(line.as_bytes()).await.expect("is read");
        }
        greedy.push(program);
    }
    let mut other = tokio::net::UnixStream::connect(&path).await.expect("connects");
    let (mut lines, mut served) = (Vec::new(), 0);
    for id in 0..10 {
        served = ask(&mut other, &mut lines, &request(&json!(id), "count", &json!([]))).await["result"]
            .as_u64()
            .expect("is served");
    }
    // Ten calls of one program beside 320 of five, none of which reads.
    assert!(served < 320 / 2, "{served} calls of others came first");
    let peak = peak_kib(listening.child.id().expect("it runs"));
    println!("{served} came first, {peak} KiB");
    assert!(peak < 160 * 1024, "what nobody reads is kept: {peak} KiB");
    // Who reads again is served again.
    let mut first = greedy.remove(0);
    let mut lines = Vec::new();
    for id in 0..64 {
        assert_eq!(reply(&mut first, &mut lines).await["id"], id);
    }
    drop(greedy);
    listening.signal(rustix::process::Signal::INT);
    assert_eq!(listening.end().await.0, 130);
}

/// Who has no place is told so, under the id of what he asked, and has one when another has left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_program_too_many_is_told_so() {
    let daemon = Daemon::start();
    let ticket = save(&daemon, &daemon.spawn(WORKER).await.ticket);
    let path = daemon.dir.path().join("scout.sock");
    let _unix = listen(&daemon, &ticket, &format!("unix:{}", path.display())).await;
    let total = request(&json!("t"), "total", &json!([]));
    let mut programs = Vec::new();
    for _ in 0..64 {
        let mut stream = tokio::net::UnixStream::connect(&path).await.expect("connects");
        assert_eq!(ask(&mut stream, &mut Vec::new(), &total).await["result"], 0);
        programs.push(stream);
    }
    let busy = |refused: &Value| {
        assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!("t"), &json!(-32007)))
    };
    for _ in 0..3 {
        let mut stream = tokio::net::UnixStream::connect(&path).await.expect("connects");
        // Also where more was sent than is read.
        busy(&ask(&mut stream, &mut Vec::new(), &format!("{total}\n{}", "\n".repeat(20_000))).await);
        assert_eq!(soon(stream.read_to_end(&mut Vec::new())).await.expect("ends as it should"), 0);
    }
    drop(programs.pop());
    soon(async {
        loop {
            let mut stream = tokio::net::UnixStream::connect(&path).await.expect("connects");
            let reply = ask(&mut stream, &mut Vec::new(), &total).await;
            if reply["result"] == 0 {
                break;
            }
            busy(&reply);
        }
    })
    .await;

    let tcp = listen(&daemon, &ticket, "127.0.0.1:0").await;
    let address = tcp.record["address"].as_str().expect("an address").to_owned();
    let hello = request(&json!("t"), "hauki.hello", &json!({"token": tcp.record["token"]}));
    let mut programs = Vec::new();
    for _ in 0..64 {
        let mut stream = tokio::net::TcpStream::connect(&address).await.expect("connects");
        assert!(ask(&mut stream, &mut Vec::new(), &hello).await["result"].is_object());
        programs.push(stream);
    }
    let mut stream = tokio::net::TcpStream::connect(&address).await.expect("connects");
    busy(&ask(&mut stream, &mut Vec::new(), &format!("{hello}\n{}", "\n".repeat(20_000))).await);
    assert_eq!(soon(stream.read_to_end(&mut Vec::new())).await.expect("ends as it should"), 0);
    // A stranger is not told how many there are.
    let guess = request(&json!("t"), "hauki.hello", &json!({"token": "guess"}));
    let mut stream = tokio::net::TcpStream::connect(&address).await.expect("connects");
    assert_eq!(ask(&mut stream, &mut Vec::new(), &guess).await["error"]["code"], -32001);
    let mut odd: Value = serde_json::from_str(&hello).expect("is JSON");
    odd["id"] = json!({});
    let mut stream = tokio::net::TcpStream::connect(&address).await.expect("connects");
    assert_eq!(ask(&mut stream, &mut Vec::new(), &odd.to_string()).await["error"]["code"], -32602);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_user_gets_nothing_from_the_socket() {
    let daemon = Daemon::start();
    let ticket = save(&daemon, &daemon.spawn(WORKER).await.ticket);
    let path = daemon.dir.path().join("scout.sock");
    let listening = listen(&daemon, &ticket, &format!("unix:{}", path.display())).await;
    // Even where the mode is opened: the kernel says who it is.
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)).expect("is ours");
    let script = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
s.sendall(b'{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"total\"}\\n'); print(len(s.recv(100)))";
    for (uid, wanted) in [(65_534, "0\n"), (0, "36\n")] {
        let mut python = Command::new("/usr/bin/python3");
        python.args(["-c", script]).arg(&path).uid(uid).kill_on_drop(true);
        let output = soon(python.output()).await.expect("runs");
        let words = String::from_utf8_lossy(&output.stderr);
        let reset = uid != 0 && words.contains("ConnectionResetError") || words.contains("BrokenPipeError");
        assert!(reset || output.stdout == wanted.as_bytes(), "{uid}: {output:?}");
    }
    listening.signal(rustix::process::Signal::TERM);
    assert_eq!(listening.end().await.0, 143);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_asks_for_its_token_and_ends_with_the_vault() {
    let daemon = Daemon::start();
    let mut spawned = daemon.spawn(WORKER).await;
    let relay = Relay::start(&mut spawned.ticket).await;
    let ticket = save(&daemon, &spawned.ticket);
    for (place, code) in [("0.0.0.0:0", 2), ("10.1.2.3:1", 2), ("nowhere", 2), ("unix:/proc/none/x", 74)] {
        let words = ["proxy", "listen", ticket.to_str().expect("is text"), "--listen", place];
        let refused = ran(&mut hauki(&daemon, &words), "").await;
        assert_eq!(refused.code, code, "{place}: {}", refused.stderr);
    }
    let listening = listen(&daemon, &ticket, "127.0.0.1:0").await;
    let address = listening.record["address"].as_str().expect("an address").to_owned();
    let token = listening.record["token"].as_str().expect("a token").to_owned();
    let connect = async || tokio::net::TcpStream::connect(&address).await.expect("connects");
    // What a browser can be made to send, a call without a token, and a wrong one.
    for first in [
        "POST / HTTP/1.1".to_owned(),
        request(&json!(1), "add", &json!([1000])),
        request(&json!(1), "hauki.hello", &json!({"token": "0".repeat(32)})),
    ] {
        let mut stream = connect().await;
        let mut both = format!("{first}\n{}\n", request(&json!(2), "add", &json!([1000]))).into_bytes();
        stream.write_all(&both).await.expect("is read");
        both.clear();
        let _ = soon(stream.read_to_end(&mut both)).await;
        let said = String::from_utf8_lossy(&both);
        assert!(said.contains("-32001") && said.lines().count() == 1, "{said}");
    }
    // Who shows the token is told what else is wrong with his hello, as by a gate.
    let odd = request(&json!("odd"), "hauki.hello", &json!({"token": token, "v": 2, "zz": 1}));
    let refused = ask(&mut connect().await, &mut Vec::new(), &odd).await;
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!("odd"), &json!(-32602)));
    // A hello that is a notification opens the connection and has no answer.
    let quiet = json!({"jsonrpc": "2.0", "method": "hauki.hello", "params": {"token": token}});
    let both = format!("{quiet}\n{}", request(&json!(0), "add", &json!([0])));
    assert_eq!(ask(&mut connect().await, &mut Vec::new(), &both).await["id"], 0);
    let mut stream = connect().await;
    let mut lines = Vec::new();
    let hello = request(&json!("h"), "hauki.hello", &json!({"token": token}));
    assert_eq!(ask(&mut stream, &mut lines, &hello).await["result"]["vault"], json!(spawned.vault.id));
    assert_eq!(ask(&mut stream, &mut lines, &request(&json!(1), "add", &json!([1]))).await["result"], 1);
    // A program stays connected while the connection behind it is made anew.
    relay.cut();
    for event in ["hauki.broken", "hauki.reconnected"] {
        assert_eq!(reply(&mut stream, &mut lines).await["method"], event);
    }
    assert_eq!(ask(&mut stream, &mut lines, &request(&json!(2), "add", &json!([1]))).await["result"], 2);

    daemon.endpoint().destruct(&spawned.vault.id, &Default::default()).await.expect("destructs");
    let mut rest = lines;
    soon(stream.read_to_end(&mut rest)).await.expect("ends");
    assert!(String::from_utf8_lossy(&rest).contains("hauki.dying"), "{}", String::from_utf8_lossy(&rest));
    let (code, words) = listening.end().await;
    assert_eq!(code, 5, "{words}");
    assert!(words.contains("is dead: destruct"), "{words}");
    assert!(words.contains("a new one is being made") && words.contains("there again"), "{words}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_program_gives_up_behind_a_pipe_or_a_socket_is_given_up() {
    let daemon = Daemon::start();
    let wishes = Wishes { lease_ms: Some(600_000), call_deadline_ms: Some(60_000), ..Wishes::default() };
    let spawned = daemon.spawn_with(WORKER, wishes).await;
    let path = save(&daemon, &spawned.ticket);
    let cancel = |id: &str| {
        format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":\"c\",\"method\":\"hauki.cancel\",\"params\":{{\"id\":{id}}}}}\n"
        )
    };
    let spin = request(&json!(1), "spin", &json!([]));
    let echo = request(&json!(2), "echo", &json!([5]));
    let begun = hauki_contract::system::clock::mono();

    let mut piped = pipe(&daemon, &path, &[]);
    piped.stdin.write_all(format!("{spin}\n{}{echo}\n", cancel("1")).as_bytes()).await.expect("writes");
    let mut lines = Vec::new();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let reply = reply(&mut piped.stdout, &mut lines).await;
        seen.push((reply["id"].clone(), reply["error"]["code"].clone(), reply["result"].clone()));
    }
    assert!(seen.contains(&(json!(1), json!(-32009), json!(null))), "{seen:?}");
    assert!(seen.contains(&(json!("c"), json!(null), json!({"cancelled": true}))), "{seen:?}");
    assert!(seen.contains(&(json!(2), json!(null), json!(5))), "{seen:?}");
    // Who closes his end of the output has left, though the input goes on.
    piped.stdin.write_all(format!("{spin}\n").as_bytes()).await.expect("writes");
    drop(piped.stdout);

    let socket = daemon.dir.path().join("s");
    let _listening = listen(&daemon, &path, &format!("unix:{}", socket.display())).await;
    let mut stream = tokio::net::UnixStream::connect(&socket).await.expect("connects");
    stream.write_all(format!("{spin}\n").as_bytes()).await.expect("writes");
    drop(stream);
    let mut stream = tokio::net::UnixStream::connect(&socket).await.expect("connects");
    assert_eq!(ask(&mut stream, &mut Vec::new(), &format!("{echo}\n")).await["result"], 5);
    let took = hauki_contract::system::clock::mono().since(begun);
    assert!(took < 30_000_000, "{took} us");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipe_of_arguments_ends_with_its_vault_though_its_input_goes_on() {
    let daemon = Daemon::start();
    let spawned = daemon.spawn(WORKER).await;
    let path = save(&daemon, &spawned.ticket);
    let mut piped = pipe(&daemon, &path, &["add"]);
    piped.stdin.write_all(b"1\n").await.expect("writes");
    let mut first = [0; 2];
    soon(piped.stdout.read_exact(&mut first)).await.expect("answers");
    assert_eq!(&first, b"1\n");
    daemon.endpoint().destruct(&spawned.vault.id, &Default::default()).await.expect("ends it");
    let status = soon(piped.child.wait()).await.expect("ends");
    assert_eq!(status.code(), Some(5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipe_of_arguments_has_a_line_for_each_line() {
    let daemon = Daemon::start();
    let source = "function half(x) { if (x < 0) throw new Error('negative'); if (x === 9) while (true); return x / 2; }";
    let spawned = daemon.spawn(source).await;
    let path = save(&daemon, &spawned.ticket);
    let input = daemon.dir.path().join("in");
    std::fs::write(&input, b"1\n-1\nx\n\n\xff\n4\n").expect("writes");
    let run = async |more: &[&str]| {
        let words = [&["proxy", "pipe", path.to_str().expect("is text"), "half"][..], more].concat();
        let mut command = hauki(&daemon, &words);
        command.stdin(std::fs::File::open(&input).expect("opens"));
        let output = soon(command.output()).await.expect("ends");
        assert_eq!(output.status.code(), Some(6), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("is text")
    };
    let plain = run(&[]).await;
    let told: Vec<Value> = plain.lines().map(|line| serde_json::from_str(line).expect("is JSON")).collect();
    assert_eq!((told.len(), &told[0], &told[5]), (6, &json!(0.5), &json!(2)), "{plain}");
    for (index, code) in [(1, "worker_failed"), (2, "bad_json"), (3, "bad_json"), (4, "bad_json")] {
        let line = format!("line {}", index + 1);
        assert_eq!((&told[index]["code"], &told[index]["input"]), (&json!(code), &json!(line)), "{plain}");
    }
    let records: Vec<Value> = run(&["-o", "jsonl"])
        .await
        .lines()
        .map(|line| serde_json::from_str(line).expect("is JSON"))
        .collect();
    let kinds: Vec<_> = records.iter().map(|record| record["kind"].as_str()).collect();
    let error = Some("error");
    assert_eq!(kinds, [Some("reply"), error, error, error, error, Some("reply")]);
    assert_eq!((&records[5]["input"], &records[5]["result"]), (&json!("line 6"), &json!(2)));
    let document: Value = serde_json::from_str(&run(&["-o", "json"]).await).expect("is one document");
    assert_eq!(document, json!(records));

    // What was under way when the vault died has its line as well.
    let mut piped = pipe(&daemon, &path, &["half", "-j", "4"]);
    piped.stdin.write_all(b"1\n9\n9\n9\n").await.expect("writes");
    let mut first = [0; 4];
    soon(piped.stdout.read_exact(&mut first)).await.expect("answers");
    daemon.endpoint().destruct(&spawned.vault.id, &Default::default()).await.expect("ends it");
    let mut rest = String::new();
    soon(piped.stdout.read_to_string(&mut rest)).await.expect("is text");
    let told: Vec<Value> = rest.lines().map(|line| serde_json::from_str(line).expect("is JSON")).collect();
    assert!(told.iter().all(|record| record["code"] == "vault_dead"), "{rest}");
    // Those that were read: the death may come before the others are.
    assert!((1..=3).contains(&told.len()), "{rest}");
    assert_eq!(soon(piped.child.wait()).await.expect("ends").code(), Some(5));
}
