//! The gate between callers and vaults that misbehave in ways no JavaScript can: no LXC, a real node.

use std::time::Duration;

use crate::support::puppet::{Puppet, Stage};
use crate::support::stranger::{self, Stranger, request};
use hauki::model::death::Cause;
use hauki::model::lease::Terms;
use hauki::model::limits::Limits;
use hauki::rpc::channel::{
    FromVault, Loaded, MAX_LINE, Stats, ToVault, WorkerError, WorkerErrorKind, WorkerReady,
};
use hauki::rpc::message::code;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn quick() -> Limits {
    Limits { call_deadline_ms: 300, ..Limits::default() }
}

/// A stage with one vault and one caller who waits for the answer to call 1.
async fn waiting(limits: Limits) -> (Stage, Puppet, Stranger) {
    let mut stage = Stage::build().await;
    let (puppet, ticket) = stage.forge(limits, Terms::default()).await;
    let mut caller = Stranger::enter(&ticket).await;
    caller.send(&request(1, "f", json!([])).to_string()).await;
    (stage, puppet, caller)
}

#[tokio::test]
async fn a_breach_of_the_protocol_is_a_vaults_last_word_and_its_callers_are_told() {
    let loaded = Loaded { methods: Vec::new(), heap_used_bytes: 0 };
    let error = WorkerError {
        kind: WorkerErrorKind::Throw,
        message: "x".into(),
        file: None,
        line: None,
        column: None,
        stack: None,
    };
    let mut breaches = vec![
        FromVault::Result { call: 7, value: "1".into() },
        FromVault::Result { call: 1, value: "1\n2".into() },
        FromVault::Result { call: 1, value: "{".into() },
        FromVault::Result { call: 1, value: "1} {".into() },
        FromVault::Event { event: "e".into(), data: "no JSON".into() },
        FromVault::Loaded(loaded),
        FromVault::DestDone,
        FromVault::Idle,
        FromVault::Ready(WorkerReady { build: "x".into(), locked: true }),
        FromVault::Error { call: 0, error: error.clone() },
        FromVault::Error { call: 7, error },
        FromVault::Stats {
            call: 7,
            stats: Stats { heap_used_bytes: u64::MAX, heap_limit_bytes: 0, calls: 0 },
        },
        FromVault::Ask { ask: 1, object: "o".into(), method: "m".into(), params: "[\n]".into() },
        FromVault::Log { text: "x".repeat(MAX_LINE + 1) },
    ]
    .into_iter()
    .map(|breach| {
        let mut bytes = Vec::new();
        breach.encode(&mut bytes);
        bytes
    })
    .collect::<Vec<_>>();
    let twice = |frame: FromVault| {
        let mut bytes = Vec::new();
        (0..2).for_each(|_| frame.encode(&mut bytes));
        bytes
    };
    breaches.push(twice(FromVault::Busy));
    breaches.push(u32::MAX.to_le_bytes().to_vec());
    breaches.push(b"\x09\0\0\0\x7f\0\0\0\0\0\0\0\0".to_vec());
    breaches.push(b"\x01\0\0\0\x82".to_vec());
    let mut stage = Stage::build().await;
    for breach in breaches {
        let (mut puppet, ticket) = stage.forge(Limits::default(), Terms::default()).await;
        let mut caller = Stranger::enter(&ticket).await;
        caller.send(&request(1, "f", json!([])).to_string()).await;
        assert_eq!(puppet.called().await, 1);
        puppet.write(&breach).await;
        let reply = caller.reply().await;
        // The answer that is not JSON was the call's; it is dropped, which is an answer too.
        let seen = reply["error"]["code"].as_i64().expect("an error");
        assert!([code::VAULT_DEAD, code::INTERNAL].map(i64::from).contains(&seen), "{reply}");
        let dying = caller.event().await;
        assert_eq!(dying["params"]["death"]["cause"], "protocol_violation", "{breach:?}: {dying}");
        assert!(caller.is_at_end().await);
        assert_eq!(stage.cause(&puppet.vault).await, Cause::ProtocolViolation);
    }
}

#[tokio::test]
async fn a_vault_that_neither_reads_nor_answers_dies_of_its_deadline() {
    let mut stage = Stage::build().await;
    let (puppet, ticket) = stage.forge(quick(), Terms::default()).await;
    let mut caller = Stranger::enter(&ticket).await;
    // More than its channel holds, so that the gate sits on bytes that nobody takes; and all of them are
    // there before the first one's deadline ends the vault.
    let text = "x".repeat(300_000);
    for id in 1..=4 {
        caller.send(&request(id, "f", json!([text])).to_string()).await;
    }
    for _ in 1..=4 {
        let reply = caller.reply().await;
        assert_eq!(reply["error"]["code"], code::DEADLINE, "{reply}");
    }
    assert_eq!(stage.cause(&puppet.vault).await, Cause::CallOverran);
}

#[tokio::test]
async fn an_init_that_writes_before_it_reads_meets_a_gate_that_reads() {
    let (stage, mut puppet, mut caller) = waiting(Limits::default()).await;
    let text = "x".repeat(900_000);
    for id in 2..=4 {
        caller.send(&request(id, "f", json!([text])).to_string()).await;
    }
    // The channel towards the vault is full as soon as the second call may come; the vault prints many
    // times what a socket holds and reads nothing until all of that is out.
    let printing = async {
        let call = puppet.called().await;
        puppet.answer(call, "true").await;
        for _ in 0..1000 {
            puppet.say(&FromVault::Log { text: "y".repeat(8192) }).await;
        }
        for _ in 2..=4 {
            let call = puppet.called().await;
            puppet.answer(call, "true").await;
        }
    };
    // Who does not take what was printed is not asked for more: not all of the calls may have been read.
    let reading = async {
        for id in 1..=4 {
            let reply = caller.reply().await;
            assert_eq!((&reply["id"], &reply["result"]), (&json!(id), &json!(true)));
        }
    };
    tokio::join!(printing, reading);
    assert!(stage.is_alive(&puppet.vault).await);
}

#[tokio::test]
async fn of_a_vault_whose_port_cannot_be_opened_nothing_is_left() {
    // An address that no machine has.
    let mut stage = Stage::at("192.0.2.1".parse().expect("an address")).await;
    let (mut puppet, provisioned) = stage.provision(Limits::default(), Terms::default()).await;
    let error = provisioned.expect_err("cannot be opened");
    assert_eq!(error.fault, hauki::api::node_error::NodeFault::Environment, "{error}");
    assert!(error.message.contains("192.0.2.1"), "{error}");
    assert!(puppet.hear().await.is_none(), "its init was let go");
    // Its receipt comes a moment before it is struck from the list.
    let struck = async {
        while stage.living().await > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), struck).await.expect("is struck");
}

#[tokio::test]
async fn a_caller_of_many_calls_lets_another_have_its_turn() {
    let mut stage = Stage::build().await;
    let (mut puppet, ticket) = stage.forge(Limits::default(), Terms::default()).await;
    let (mut greedy, mut modest) = (Stranger::enter(&ticket).await, Stranger::enter(&ticket).await);
    for id in 1..=50 {
        greedy.send(&request(id, "f", json!(["greedy"])).to_string()).await;
    }
    // When this is answered, the gate has read all that came before it.
    greedy.call("hauki.heartbeat", json!({})).await;
    modest.send(&request(1, "f", json!(["modest"])).to_string()).await;
    modest.call("hauki.heartbeat", json!({})).await;
    let mut heard = Vec::new();
    while heard.last().is_none_or(|params| params != "[\"modest\"]") {
        let Some(ToVault::Call { call, params, .. }) = puppet.hear().await else { panic!("no call") };
        heard.push(params.expect("has parameters"));
        if heard.len() > 1 {
            // One behind, as a slow worker is.
            puppet.answer(call - 1, "1").await;
        }
    }
    assert!(heard.len() <= 5, "{} calls went before", heard.len());
}

#[tokio::test]
async fn a_vault_that_claims_work_of_its_own_for_ever_dies_of_the_call_that_waits() {
    let (stage, mut puppet, mut caller) = waiting(quick()).await;
    let call = puppet.called().await;
    while stage.is_alive(&puppet.vault).await {
        let mut bytes = Vec::new();
        FromVault::Busy.encode(&mut bytes);
        FromVault::Idle.encode(&mut bytes);
        if puppet.stream.write_all(&bytes).await.is_err() {
            break;
        }
    }
    assert_eq!(caller.reply().await["error"]["code"], code::DEADLINE);
    assert_eq!((call, stage.cause(&puppet.vault).await), (1, Cause::CallOverran));
}

#[tokio::test]
async fn an_init_that_closes_its_channel_and_lives_on_is_killed() {
    let (stage, mut puppet, mut caller) = waiting(Limits::default()).await;
    assert_eq!(puppet.called().await, 1);
    let vault = puppet.vault.clone();
    drop(puppet);
    assert_eq!(caller.reply().await["error"]["code"], code::VAULT_DEAD);
    assert_eq!(stage.cause(&vault).await, Cause::ProtocolViolation);
}

#[tokio::test]
async fn a_graceful_end_waits_for_the_call_that_runs_and_then_for_dest() {
    let (stage, mut puppet, mut caller) = waiting(Limits::default()).await;
    assert_eq!(puppet.called().await, 1);
    caller.send(&request(2, "hauki.destruct", json!({"grace_ms": 60_000})).to_string()).await;
    assert_eq!(caller.reply().await["error"]["code"], code::VAULT_DEAD);
    // The engine cannot be interrupted between its frames: it answers first.
    puppet.answer(1, "1").await;
    assert!(matches!(puppet.hear().await, Some(ToVault::Dest { deadline_ms: 60_000 })));
    puppet.say(&FromVault::Log { text: "last words".into() }).await;
    puppet.say(&FromVault::DestDone).await;
    let reply = caller.reply().await;
    assert_eq!(reply["id"], 2);
    assert_eq!(reply["result"]["receipt"]["death"]["cause"], "destruct", "{reply}");
    assert!(caller.events.iter().any(|event| event["params"]["text"] == "last words"), "{:?}", caller.events);
    assert_eq!(stage.cause(&puppet.vault).await, Cause::Destruct);
}

#[tokio::test]
async fn an_owner_whose_calls_take_long_is_still_heard() {
    let mut stage = Stage::build().await;
    let terms = Terms { link: true, link_silence_ms: 400, lease_ms: 400, ..Terms::default() };
    let (mut puppet, ticket) = stage.forge(Limits::default(), terms).await;
    let mut owner = Stranger::enter(&ticket).await;
    // More calls than may be in flight, so that no further line is taken before one is answered.
    for id in 1..=70 {
        owner.send(&request(id, "f", json!([])).to_string()).await;
    }
    assert_eq!(puppet.called().await, 1);
    let mut pace = tokio::time::interval(Duration::from_millis(50));
    for beat in 0..40 {
        pace.tick().await;
        owner.send(&request(100 + beat, "hauki.heartbeat", json!([])).to_string()).await;
        assert!(stage.is_alive(&puppet.vault).await, "the owner beats, beat {beat}");
    }
    puppet.answer(1, "1").await;
    for call in 2..=70 {
        assert_eq!(puppet.called().await, call);
        puppet.answer(call, "1").await;
    }
    for _ in 0..110 {
        let reply = owner.reply().await;
        assert!(reply.get("error").is_none(), "{reply}");
    }
    drop(owner);
    assert_eq!(stage.cause(&puppet.vault).await, Cause::LinkClosed);
}

#[tokio::test]
async fn an_owner_whose_line_takes_long_to_arrive_is_still_heard() {
    let mut stage = Stage::build().await;
    let terms = Terms { link: true, link_silence_ms: 400, lease_ms: 400, ..Terms::default() };
    let (mut puppet, ticket) = stage.forge(Limits::default(), terms).await;
    let mut owner = Stranger::enter(&ticket).await;
    let line = request(1, "f", json!(["x".repeat(400)])).to_string() + "\n";
    let mut pace = tokio::time::interval(Duration::from_millis(50));
    for part in line.as_bytes().chunks(10) {
        pace.tick().await;
        owner.raw(part).await.expect("the gate reads");
        assert!(stage.is_alive(&puppet.vault).await, "a part of a line comes every 50 ms");
    }
    assert_eq!(puppet.called().await, 1);
    puppet.answer(1, "1").await;
    assert_eq!(owner.reply().await["result"], 1);
}

/// A linked vault whose ticket owes for a refused line of a whole frame, its owner, who has been heard until now, and a
/// line of his that waits until that is paid.
async fn owing(frame: u32) -> (Stage, Puppet, Stranger, String) {
    let mut stage = Stage::build().await;
    let terms = Terms { link: true, link_silence_ms: 400, ..Terms::default() };
    let limits = Limits { max_frame_bytes: frame, ..Limits::default() };
    let (puppet, ticket) = stage.forge(limits, terms).await;
    let mut owner = Stranger::enter(&ticket).await;
    let mut guest = Stranger::enter(&ticket).await;
    let refused = async {
        guest.send(&format!("{{{}\"a\":1}}", "\"a\":1,".repeat(frame as usize / 6 - 2))).await;
        guest.reply().await
    };
    let beats = async {
        loop {
            assert_eq!(owner.result("hauki.heartbeat", json!([])).await["lease_left_ms"], 60_000);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        reply = refused => assert_eq!(reply["error"]["code"], code::INVALID_REQUEST, "{reply}"),
        () = beats => {}
    }
    // What it has cost is put down behind the answer.
    tokio::time::sleep(Duration::from_millis(100)).await;
    owner.send(&request(0, "hauki.heartbeat", json!([])).to_string()).await;
    (stage, puppet, owner, "x".repeat(200 << 10))
}

#[tokio::test]
async fn an_owner_who_falls_silent_behind_a_line_that_waits_is_not_kept_by_it() {
    let (stage, puppet, mut owner, line) = owing(16 << 20).await;
    owner.send(&line).await;
    let answered = async { while owner.reply().await.get("error").is_none() {} };
    tokio::select! {
        cause = stage.cause(&puppet.vault) => assert_eq!(cause, Cause::LinkSilent),
        () = answered => panic!("the line was waited for"),
    }
}

#[tokio::test]
async fn an_owner_who_beats_behind_a_line_that_waits_and_one_who_is_not_read_live() {
    let (stage, puppet, mut owner, line) = owing(2 << 20).await;
    owner.send(&line).await;
    let mut pace = tokio::time::interval(Duration::from_millis(50));
    let beat = request(1, "hauki.heartbeat", json!([])).to_string() + "\n";
    let (mut input, mut output) = tokio::io::split(owner.stream);
    let refused = async {
        let (mut told, mut byte) = (Vec::new(), [0]);
        while matches!(input.read(&mut byte).await, Ok(1)) {
            told.push(byte[0]);
            if told.ends_with(b"\n") && String::from_utf8_lossy(&told).contains(&code::PARSE.to_string()) {
                return true;
            }
        }
        false
    };
    let beats = async {
        loop {
            pace.tick().await;
            output.write_all(beat.as_bytes()).await.expect("the gate reads");
            output.flush().await.expect("the gate reads");
        }
    };
    tokio::select! {
        came = refused => assert!(came, "the line is answered in the end"),
        () = beats => {}
    }
    assert!(stage.is_alive(&puppet.vault).await, "he has beaten all the time");
    // No more may be held of him, so that no beat could be read.
    let (stage, puppet, mut owner, line) = owing(2 << 20).await;
    owner.send(&line).await;
    owner.raw("y".repeat((2 << 20) + 1).as_bytes()).await.expect("the gate reads as much");
    let refused = loop {
        let reply = owner.reply().await;
        if reply.get("error").is_some() {
            break reply;
        }
    };
    assert_eq!(refused["error"]["code"], code::PARSE, "{refused}");
    assert!(stage.is_alive(&puppet.vault).await, "what he has sent since is not read");
}

#[tokio::test]
async fn an_owner_who_leaves_while_its_calls_are_in_flight_takes_its_vault_along() {
    let mut stage = Stage::build().await;
    let terms = Terms { link: true, link_silence_ms: 60_000, ..Terms::default() };
    let (mut puppet, ticket) = stage.forge(Limits::default(), terms).await;
    let mut owner = Stranger::enter(&ticket).await;
    for id in 1..=70 {
        owner.send(&request(id, "f", json!([])).to_string()).await;
    }
    assert_eq!(puppet.called().await, 1);
    drop(owner);
    assert_eq!(stage.cause(&puppet.vault).await, Cause::LinkClosed);
}

#[tokio::test]
async fn the_calls_of_who_has_left_are_called_off_and_its_notifications_are_not() {
    let mut stage = Stage::build().await;
    let (mut puppet, ticket) = stage.forge(Limits::default(), Terms::default()).await;
    let (mut gone, mut other) = (Stranger::enter(&ticket).await, Stranger::enter(&ticket).await);
    for id in 1..=3 {
        gone.send(&request(id, "f", json!([id])).to_string()).await;
    }
    gone.send(r#"{"jsonrpc":"2.0","method":"f","params":["note"]}"#).await;
    gone.call("hauki.heartbeat", json!({})).await;
    other.send(&request(1, "f", json!(["other"])).to_string()).await;
    other.call("hauki.heartbeat", json!({})).await;
    assert_eq!([puppet.called().await, puppet.called().await], [1, 2]);
    drop(gone);
    for number in [1, 2] {
        assert_eq!(puppet.hear().await, Some(ToVault::Cancel { call: number }));
    }
    let mut heard = Vec::new();
    for number in [1, 2] {
        puppet.answer(number, "0").await;
        let Some(ToVault::Call { params, .. }) = puppet.hear().await else { panic!("no call") };
        heard.push(params.expect("has parameters"));
    }
    assert_eq!(heard, [r#"["note"]"#, r#"["other"]"#]);
    puppet.answer(3, "0").await;
    puppet.answer(4, "42").await;
    assert_eq!(other.reply().await["result"], 42);
}

#[tokio::test]
async fn who_closes_only_its_half_still_gets_what_it_asked_for() {
    use tokio::io::AsyncWriteExt as _;
    let (_stage, mut puppet, mut caller) = waiting(Limits::default()).await;
    caller.stream.shutdown().await.expect("closes its half");
    let call = puppet.called().await;
    puppet.answer(call, "42").await;
    assert_eq!(caller.reply().await["result"], 42);
    assert!(caller.is_at_end().await);
}

#[tokio::test]
async fn events_to_who_does_not_read_are_counted_and_its_replies_come() {
    let patient = Limits { call_deadline_ms: 600_000, ..Limits::default() };
    let (_stage, mut puppet, mut caller) = waiting(patient).await;
    let call = puppet.called().await;
    let data = format!("\"{}\"", "x".repeat(100_000));
    for _ in 0..2000 {
        puppet.say(&FromVault::Event { event: "tick".into(), data: data.clone() }).await;
    }
    puppet.answer(call, "1").await;
    assert_eq!(caller.reply().await["result"], 1);
    let seen = caller.events.len();
    assert!(seen < 2000, "all {seen} were kept for a caller that did not read");
    puppet.say(&FromVault::Log { text: "next".into() }).await;
    // It may have been told before the last: the gate still hears the vault while its caller reads again.
    let mut told = 0;
    loop {
        let event = caller.event().await;
        told += event["params"]["lost"].as_u64().unwrap_or(0);
        if event["params"]["text"] == "next" {
            break;
        }
    }
    assert!(told > 0, "nobody was told of the lost events");
}

#[tokio::test]
async fn an_event_says_whose_call_it_is_of_and_to_nobody_else() {
    let mut stage = Stage::build().await;
    let (mut puppet, ticket) = stage.forge(Limits::default(), Terms::default()).await;
    let mut first = Stranger::enter(&ticket).await;
    let mut second = Stranger::enter(&ticket).await;
    let event = FromVault::Event { event: "e".into(), data: "1".into() };
    let line = FromVault::Log { text: "l".into() };
    let long = "x".repeat(200);
    // Ids of every kind; nobody is told one that is long, and a notification has none.
    let ids = [json!(7), json!("a\"b"), json!(null), json!(long)];
    for (id, tag) in ids.iter().zip([Some(json!(7)), Some(json!("a\"b")), Some(json!(null)), None]) {
        let call = json!({"jsonrpc": "2.0", "id": id, "method": "f"});
        first.send(&call.to_string()).await;
        let number = puppet.called().await;
        puppet.say(&event).await;
        puppet.say(&line).await;
        puppet.answer(number, "true").await;
        assert_eq!(first.reply().await["id"], *id);
        for _ in 0..2 {
            let told = first.event().await;
            assert_eq!(told["params"].get("call"), tag.as_ref(), "{told}");
            assert_eq!(second.event().await["params"].get("call"), None);
        }
    }
    first.send(&json!({"jsonrpc": "2.0", "method": "f"}).to_string()).await;
    let number = puppet.called().await;
    puppet.say(&event).await;
    puppet.answer(number, "true").await;
    // Between calls, and in what a worker does by itself while a call waits, it is nobody's.
    puppet.say(&event).await;
    puppet.say(&FromVault::Busy).await;
    second.send(&request(9, "f", json!([])).to_string()).await;
    assert!(puppet.called().await > number);
    puppet.say(&event).await;
    puppet.say(&FromVault::Idle).await;
    for caller in [&mut first, &mut second] {
        for _ in 0..3 {
            let told = caller.event().await;
            assert_eq!(told["params"].get("call"), None, "{told}");
        }
    }
    puppet.say(&event).await;
    assert_eq!(second.event().await["params"]["call"], 9);
    assert_eq!(first.event().await["params"].get("call"), None);
}

#[tokio::test]
async fn no_event_or_error_of_a_vault_is_longer_than_its_callers_take() {
    let limits = Limits { max_frame_bytes: 4096, ..Limits::default() };
    let (_stage, mut puppet, mut caller) = waiting(limits).await;
    let call = puppet.called().await;
    puppet.say(&FromVault::Log { text: "\u{1}".repeat(4096) }).await;
    puppet.say(&FromVault::Event { event: "\u{1}".repeat(2000), data: "1".into() }).await;
    let error = WorkerError {
        kind: WorkerErrorKind::Throw,
        message: "\u{1}\"".repeat(480),
        file: None,
        line: None,
        column: None,
        stack: Some("\"".repeat(2000)),
    };
    puppet.say(&FromVault::Error { call, error }).await;
    let mut characters = 0;
    loop {
        let line = caller.line().await.expect("the connection goes on");
        let message: Value = serde_json::from_str(&line).expect("is JSON");
        assert!(line.len() <= 4096 + 4096, "{} bytes", line.len());
        if message["error"]["code"] == code::WORKER {
            break;
        }
        assert_eq!(message["method"], "hauki.log", "the event cannot be told");
        characters += message["params"]["text"].as_str().expect("a text").chars().count();
    }
    assert_eq!(characters, 4096, "a line is cut into pieces and nothing of it is lost");
}

#[tokio::test]
async fn the_answers_of_a_batch_are_bounded() {
    let mut stage = Stage::build().await;
    let (mut puppet, ticket) = stage.forge(Limits::default(), Terms::default()).await;
    let mut caller = Stranger::enter(&ticket).await;
    let batch: Vec<Value> = (0..200).map(|id| request(id, "f", json!([]))).collect();
    caller.send(&Value::from(batch).to_string()).await;
    let big = format!("\"{}\"", "x".repeat(900_000));
    for _ in 0..200 {
        let call = puppet.called().await;
        puppet.answer(call, &big).await;
    }
    let line = caller.answer().await.expect("an answer");
    assert!(line.len() < 1_100_000, "{} bytes", line.len());
    let answers: Vec<Value> = serde_json::from_str(&line).expect("is an array");
    assert!(answers[0]["result"].is_string());
    assert_eq!(answers.len(), 200);
    assert!(answers[1..].iter().all(|answer| answer["error"]["code"] == code::TOO_LARGE));
}

/// Whatever it says, at most some hundred frames of it are read: a hundredth of a core is its limit.
#[tokio::test]
async fn who_floods_waits_on_its_own_channel_and_its_siblings_are_answered() {
    let mut stage = Stage::build().await;
    let slow = Limits { cpu_percent: 1, ..Limits::default() };
    let (mut loud, _ticket) = stage.forge(slow, Terms::default()).await;
    let line = FromVault::Log { text: String::new() };
    let flooding = tokio::spawn(async move {
        for _ in 0..1_000_000 {
            loud.say(&line).await;
        }
    });
    // On all lanes.
    for _ in 0..4 {
        let (mut puppet, ticket) = stage.forge(Limits::default(), Terms::default()).await;
        let mut caller = Stranger::enter(&ticket).await;
        for id in 1..=50 {
            caller.send(&request(id, "f", json!([])).to_string()).await;
            let call = puppet.called().await;
            puppet.answer(call, "true").await;
            assert_eq!(caller.reply().await["id"], id);
        }
    }
    assert!(!flooding.is_finished(), "all of it was read");
    flooding.abort();
}

/// Empty lines: dear to read, and cheap to send.
fn lines(count: usize) -> Vec<u8> {
    let mut line = Vec::new();
    FromVault::Log { text: String::new() }.encode(&mut line);
    line.repeat(count)
}

#[tokio::test]
async fn an_answer_behind_many_lines_that_the_gate_left_unread_is_in_time() {
    let (stage, mut puppet, mut caller) = waiting(Limits { cpu_percent: 50, ..quick() }).await;
    let call = puppet.called().await;
    // Some seconds of the vault's allowance, and the word of the engine comes after them.
    puppet.write(&lines(35_000)).await;
    let error = WorkerError {
        kind: WorkerErrorKind::Deadline,
        message: "the deadline passed".into(),
        file: None,
        line: None,
        column: None,
        stack: None,
    };
    puppet.say(&FromVault::Error { call, error }).await;
    assert_eq!(caller.reply().await["error"]["code"], code::DEADLINE);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(stage.is_alive(&puppet.vault).await, "the gate did not read, and blames the vault");
    let answered = async {
        loop {
            let call = puppet.called().await;
            puppet.answer(call, "7").await;
        }
    };
    let asking = async { while caller.call("f", json!([])).await["result"] != 7 {} };
    let either = async {
        tokio::select! {
            () = asking => {}
            () = answered => {}
        }
    };
    tokio::time::timeout(stranger::HANG, either).await.expect("it is called again");
}

#[tokio::test]
async fn who_talks_on_after_its_deadline_without_end_is_ended() {
    let (stage, mut puppet, mut caller) = waiting(quick()).await;
    puppet.called().await;
    let mut line = Vec::new();
    FromVault::Log { text: "x".repeat(8 * 1024) }.encode(&mut line);
    let (stream, vault) = (&mut puppet.stream, &puppet.vault);
    let talking = async {
        while stream.write_all(&line).await.is_ok() {}
        std::future::pending::<Cause>().await
    };
    let ending = async {
        assert_eq!(caller.reply().await["error"]["code"], code::DEADLINE);
        stage.cause(vault).await
    };
    let cause = tokio::select! {
        never = talking => never,
        cause = ending => cause,
    };
    assert_eq!(cause, Cause::CallOverran);
}
