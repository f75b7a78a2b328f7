//! Tickets with blocks that somebody wrote who knows biscuits: what they cost, and whom.

use std::time::Duration;

use crate::support::daemon::Daemon;
use crate::support::stranger::{self, Stranger};
use crate::support::tool;
use biscuit_auth::{BlockBuilder, UnverifiedBiscuit};
use hauki::model::gem::Wishes;
use hauki::model::secret::Secret;
use hauki::rpc::capability::narrow;
use hauki::rpc::message::code;
use hauki_contract::system::clock;
use serde_json::{Value, json};

const WORKER: &str = "function echo(x) { return x; }";

/// What a quiet node needs is a few milliseconds; what the attacks made others wait was 6.7 to 40 seconds.
const LATE_US: u64 = 2_000_000;

async fn worker(daemon: &Daemon) -> Value {
    let wishes = Wishes { lease_ms: Some(3_000), ..Wishes::default() };
    serde_json::to_value(&daemon.spawn_with(WORKER, wishes).await.ticket).expect("serializes")
}

fn with(ticket: &Value, code: &str) -> Value {
    let token = ticket["auth"]["token"].as_str().expect("a token");
    let held = UnverifiedBiscuit::from_base64(token).expect("parses");
    let block = BlockBuilder::new().code(code).expect("parses");
    let token = held.append(block).and_then(|held| held.to_base64()).expect("appends");
    let mut ticket = ticket.clone();
    ticket["auth"]["token"] = token.into();
    ticket
}

/// A join over facts of one's own that begins to cost in a moment.
fn join() -> String {
    let facts: String = (0..220).map(|n| format!("f({n});")).collect();
    let soon = clock::now().as_millisecond() + 500;
    format!("{facts} check if now_ms($t), $t < {soon} or f($a), f($b), f($c), $a + $b + $c < 0;")
}

fn hay() -> String {
    let line = |n: u32| {
        format!("check if operation($m), $m != \"hauki.stats\" || \"a{n}\".matches(\"\\\\w{{380}}x\");")
    };
    (0..60).map(line).collect()
}

fn threads(daemon: &Daemon) -> usize {
    std::fs::read_dir(format!("/proc/{}/task", daemon.pid())).expect("the daemon lives").count()
}

/// Processor time of the daemon so far, in ticks of a hundredth of a second.
fn ticks(daemon: &Daemon) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/stat", daemon.pid())).expect("the daemon lives");
    let fields: Vec<&str> = text.rsplit(')').next().expect("a name").split_whitespace().collect();
    fields[11..13].iter().map(|field| field.parse::<u64>().expect("a number")).sum()
}

/// Calls and beats until told to stop, and how long the longest took.
async fn watch(ticket: &Value, mut stop: tokio::sync::watch::Receiver<bool>) -> u64 {
    let mut caller = Stranger::enter(ticket).await;
    let mut longest = 0;
    while !*stop.borrow_and_update() {
        for (method, params) in
            [("hauki.heartbeat", json!([])), ("hauki.stats", json!([])), ("echo", json!([1]))]
        {
            let began = clock::mono();
            let _ = caller.result(method, params).await;
            longest = longest.max(clock::mono().since(began));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    longest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_costly_block_is_refused_at_once_and_nobody_waits_for_it() {
    let daemon = Daemon::start();
    let (ticket, other) = (worker(&daemon).await, worker(&daemon).await);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let watched = tokio::spawn({
        let other = other.clone();
        async move { watch(&other, stopped).await }
    });
    for code in
        [join(), hay(), "check if \"a\".matches(\"(\\\\w{380}){380}\");".into(), "right(\"*\");".into()]
    {
        let hostile = with(&ticket, &code);
        let mut stranger = Stranger::knock(&hostile).await.expect("connects");
        let began = clock::mono();
        let reply = stranger.hello(&hostile["auth"]["token"]).await;
        let took = clock::mono().since(began);
        assert!(took < LATE_US, "{took} us");
        assert_eq!(reply["error"]["code"], code::UNAUTHENTICATED, "{reply}");
        let message = reply["error"]["message"].as_str().expect("a message");
        let long = hostile["auth"]["token"].as_str().expect("a token").len() > 24 * 1024;
        assert_eq!(message.contains("foreign block"), !long, "{message}");
        assert!(stranger.is_at_end().await);
    }
    let began = clock::mono();
    let mut owner = Stranger::enter(&ticket).await;
    let receipt = owner.result("hauki.destruct", json!([])).await;
    assert_eq!(receipt["receipt"]["death"]["cause"], "destruct");
    let took = clock::mono().since(began);
    assert!(took < LATE_US, "{took} us");
    stop.send_replace(true);
    let longest = watched.await.expect("the other vault lives");
    assert!(longest < LATE_US, "others waited {longest} us");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_hellos_from_one_client_leave_nothing_running_and_make_nobody_late() {
    let daemon = Daemon::start();
    let (ticket, other) = (worker(&daemon).await, worker(&daemon).await);
    let token = Secret::new(ticket["auth"]["token"].as_str().expect("a token").to_owned());
    let expired = narrow(&token, None, Some(clock::now())).expect("narrows");
    let mut deep = token;
    for _ in 0..15 {
        deep = narrow(&deep, Some(&["echo".into()]), None).expect("narrows");
    }
    let mut costly = ticket.clone();
    costly["auth"]["token"] = expired.reveal().into();
    let tokens =
        [with(&costly, &hay())["auth"]["token"].clone(), json!(expired.reveal()), json!(deep.reveal())];
    let before = threads(&daemon);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let watched = tokio::spawn(async move { watch(&other, stopped).await });
    let mut crowd = tokio::task::JoinSet::new();
    for number in 0..540 {
        let (ticket, token) = (ticket.clone(), tokens[number % tokens.len()].clone());
        if crowd.len() >= 60 {
            let _ = crowd.join_next().await;
        }
        crowd.spawn(async move {
            let Ok(mut stranger) = Stranger::knock(&ticket).await else { return };
            let hello = stranger::request(0, "hauki.hello", json!({ "token": token }));
            let _ = stranger.raw(format!("{hello}\n").as_bytes()).await;
            // Every other one does not wait for the answer.
            if number % 2 == 0 {
                let _ = stranger.answer().await;
            }
        });
        let now = threads(&daemon);
        assert!(now <= before + 8, "{now} threads, {before} before");
    }
    while crowd.join_next().await.is_some() {}
    // They have left: nothing goes on for them.
    let (began, used) = (clock::mono(), ticks(&daemon));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let used = ticks(&daemon) - used;
    // Ticks of 10 ms.
    assert!(used * 10_000 < clock::mono().since(began) / 2, "{used} ticks after they had left");
    stop.send_replace(true);
    let longest = watched.await.expect("the other vault lives");
    assert!(longest < LATE_US, "others waited {longest} us");
    let mut caller = Stranger::enter(&ticket).await;
    assert_eq!(caller.result("echo", json!([7])).await, 7);
}

#[test]
fn narrowing_a_ticket_with_a_foreign_block_is_refused_with_one_word() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let daemon = Daemon::start();
    let ticket = runtime.block_on(worker(&daemon));
    let tool = tool::Tool::new();
    let file = tool.file("t.json", &with(&ticket, "right(\"*\");").to_string());
    let ran = tool.run(&["ticket", "narrow", file.to_str().expect("is text"), "--methods", "echo"]);
    assert_eq!((ran.code, &ran.stdout[..]), (65, ""), "{ran:?}");
    assert!(ran.stderr.contains("foreign block"), "{ran:?}");
}
