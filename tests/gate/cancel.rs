//! Calls that their callers give up: they are not begun, or stopped, and stand in nobody's way.

use std::time::Duration;

use crate::support::daemon::Daemon;
use crate::support::puppet::Stage;
use crate::support::stranger::{Stranger, request};
use hauki::client::ghost::{Ghost, GhostError, GhostOptions};
use hauki::model::gem::Wishes;
use hauki::model::lease::Terms;
use hauki::model::limits::Limits;
use hauki::rpc::channel::ToVault;
use hauki::rpc::message::code;
use hauki_contract::system::clock;
use serde_json::{Value, json};

const WORKER: &str = "function echo(x) { return x; } function spin() { for (;;) {} }
function ask(object) { return object->spin(); }";

/// How long one call may take, and what is far less, on however busy a machine.
const DEADLINE_MS: u32 = 40_000;
const SOON_US: u64 = 15_000_000;

async fn worker(daemon: &Daemon) -> hauki::model::ticket::Ticket {
    let wishes = Wishes { lease_ms: Some(600_000), call_deadline_ms: Some(DEADLINE_MS), ..Wishes::default() };
    daemon.spawn_with(WORKER, wishes).await.ticket
}

fn cancel(id: &Value) -> String {
    json!({"jsonrpc": "2.0", "method": "hauki.cancel", "params": {"id": id}}).to_string()
}

#[tokio::test]
async fn what_waits_is_not_begun_and_what_runs_is_stopped_and_both_are_answered() {
    let mut stage = Stage::build().await;
    let (mut puppet, ticket) = stage.forge(Limits::default(), Terms::default()).await;
    let (mut caller, mut other) = (Stranger::enter(&ticket).await, Stranger::enter(&ticket).await);
    for id in [json!(1), json!("a\"b"), json!(3), json!("ä"), json!(5)] {
        caller.send(&json!({"jsonrpc": "2.0", "id": id, "method": "f", "params": [id]}).to_string()).await;
    }
    assert_eq!([puppet.called().await, puppet.called().await], [1, 2]);
    // Nobody gives up another's.
    assert_eq!(other.result("hauki.cancel", json!({"id": 3})).await, json!({"cancelled": false}));
    caller.send(&cancel(&json!(3))).await;
    let reply = caller.reply().await;
    assert_eq!((&reply["id"], &reply["error"]["code"]), (&json!(3), &json!(code::CANCELLED)));
    // As a request, and the id written in another way.
    caller.send(r#"{"jsonrpc":"2.0","id":9,"method":"hauki.cancel","params":{"id":"\u00e4"}}"#).await;
    let (call, word) = (caller.reply().await, caller.reply().await);
    assert_eq!((&call["id"], &call["error"]["code"]), (&json!("ä"), &json!(code::CANCELLED)));
    assert_eq!((&word["id"], &word["result"]), (&json!(9), &json!({"cancelled": true})));
    caller.send(&cancel(&json!(1))).await;
    assert_eq!(caller.reply().await["error"]["code"], code::CANCELLED);
    assert_eq!(puppet.hear().await, Some(ToVault::Cancel { call: 1 }));
    for id in [json!(1), json!(3), json!(77), json!(null)] {
        assert_eq!(
            caller.result("hauki.cancel", json!({"id": id})).await,
            json!({"cancelled": false}),
            "{id}"
        );
    }
    // The vault answers what it has, and gets the last one; nothing is answered twice.
    puppet.answer(1, "0").await;
    let Some(ToVault::Call { call: 3, params: Some(params), .. }) = puppet.hear().await else {
        panic!("the last call was to come")
    };
    assert_eq!(params, "[5]");
    puppet.answer(2, "20").await;
    puppet.answer(3, "50").await;
    for (id, result) in [(json!("a\"b"), 20), (json!(5), 50)] {
        let reply = caller.reply().await;
        assert_eq!((&reply["id"], &reply["result"]), (&id, &json!(result)));
    }
    for params in [
        json!(null),
        json!([]),
        json!([1]),
        json!({}),
        json!({"id": 1, "more": 1}),
        json!({"id": {}}),
        json!({"id": [1]}),
        json!({"id": true}),
        json!({"id": "x".repeat(300)}),
    ] {
        let mut wrong = request(4, "hauki.cancel", params.clone());
        if params.is_null() {
            wrong.as_object_mut().expect("is one").remove("params");
        }
        assert_eq!(caller.ask(wrong).await["error"]["code"], code::INVALID_PARAMS, "{params}");
    }
    let batch = json!([request(21, "f", json!([1])), request(22, "hauki.cancel", json!({"id": 21}))]);
    let reply = caller.ask(batch).await;
    assert_eq!(reply[0]["error"]["code"], code::CANCELLED, "{reply}");
    assert_eq!(reply[1]["result"]["cancelled"], true, "{reply}");
    assert_eq!(caller.result("hauki.heartbeat", json!({})).await["lease_left_ms"], 60_000);
}

#[tokio::test]
async fn a_narrow_ticket_gives_up_its_own_calls_too() {
    let daemon = Daemon::start();
    let ticket = worker(&daemon).await;
    let narrow = hauki::rpc::capability::narrow(&ticket.auth.token, Some(&["spin".into()]), None);
    let mut ticket = serde_json::to_value(&ticket).expect("serializes");
    ticket["auth"]["token"] = narrow.expect("narrows").reveal().into();
    let mut caller = Stranger::enter(&ticket).await;
    let began = clock::mono();
    caller.send(&request(1, "spin", json!([])).to_string()).await;
    caller.send(&cancel(&json!(1))).await;
    assert_eq!(caller.reply().await["error"]["code"], code::CANCELLED);
    // It waits its turn behind the call that is stopped.
    assert!(caller.result("hauki.stats", json!({})).await["calls"].is_u64());
    assert!(clock::mono().since(began) < SOON_US);
}

/// With as many in flight as there may be nothing more is read, but for this.
#[tokio::test]
async fn who_has_too_many_calls_in_flight_can_give_them_up() {
    let daemon = Daemon::start();
    let ticket = serde_json::to_value(&worker(&daemon).await).expect("serializes");
    let mut caller = Stranger::enter(&ticket).await;
    let began = clock::mono();
    let calls: String = (1..=70).map(|id| format!("{}\n", request(id, "spin", json!([])))).collect();
    caller.raw(calls.as_bytes()).await.expect("is taken");
    let cancels: String = (1..=70).map(|id| format!("{}\n", cancel(&json!(id)))).collect();
    caller.raw(cancels.as_bytes()).await.expect("is taken");
    let mut ids = Vec::new();
    for _ in 1..=70 {
        let reply = caller.reply().await;
        assert_eq!(reply["error"]["code"], code::CANCELLED, "{reply}");
        ids.push(reply["id"].as_u64().expect("is ours"));
    }
    ids.sort_unstable();
    assert_eq!(ids, (1..=70).collect::<Vec<_>>());
    assert_eq!(caller.result("echo", json!([8])).await, 8);
    assert!(clock::mono().since(began) < SOON_US);
}

/// However many requests lie between: what is given up further back has no turn of its own.
#[tokio::test]
async fn what_waits_to_be_read_is_given_up_when_it_is_read() {
    let daemon = Daemon::start();
    let ticket = serde_json::to_value(&worker(&daemon).await).expect("serializes");
    let mut caller = Stranger::enter(&ticket).await;
    let began = clock::mono();
    let mut lines: String = (1..=400).map(|id| format!("{}\n", request(id, "spin", json!([])))).collect();
    lines.extend((1..=400).map(|id| format!("{}\n", cancel(&json!(id)))));
    // The same id again is another request.
    lines.push_str(&format!("{}\n", request(400, "echo", json!(["again"]))));
    caller.raw(lines.as_bytes()).await.expect("is taken");
    let mut ids = Vec::new();
    for _ in 1..=400 {
        let reply = caller.reply().await;
        assert_eq!(reply["error"]["code"], code::CANCELLED, "{reply}");
        ids.push(reply["id"].as_u64().expect("is ours"));
    }
    ids.sort_unstable();
    assert_eq!(ids, (1..=400).collect::<Vec<_>>());
    let again = caller.reply().await;
    assert_eq!((&again["id"], &again["result"]), (&json!(400), &json!("again")));
    assert!(clock::mono().since(began) < SOON_US);
}

#[tokio::test]
async fn a_ghosts_call_that_is_dropped_or_too_late_is_given_up() {
    let daemon = Daemon::start();
    let ghost = Ghost::connect(&worker(&daemon).await, GhostOptions::default()).await.expect("connects");
    let began = clock::mono();
    // Dropped while it runs, and while it waits behind the other.
    for _ in 0..2 {
        let calls = async { tokio::join!(ghost.call("spin", None), ghost.call("spin", None)) };
        assert!(tokio::time::timeout(Duration::from_millis(200), calls).await.is_err());
    }
    assert_eq!(ghost.call("echo", Some("[5]")).await.expect("is free").get(), "5");
    assert!(clock::mono().since(began) < SOON_US, "it waited for a call that was given up");
    // Before the node has said a word.
    let ghost = Ghost::open(&worker(&daemon).await, GhostOptions::default()).await.expect("connects");
    drop(tokio::time::timeout(Duration::ZERO, ghost.call("spin", None)).await);
    assert_eq!(ghost.call("echo", Some("[6]")).await.expect("is free").get(), "6");
    assert!(clock::mono().since(began) < SOON_US, "it waited for a call that was given up");
}

#[tokio::test]
async fn a_call_that_is_given_up_gives_up_what_it_asked_of_others() {
    let daemon = Daemon::start();
    let (caller, called) = (worker(&daemon).await, worker(&daemon).await);
    let object = serde_json::to_value(&called).expect("serializes");
    let mut caller = Stranger::enter(&serde_json::to_value(&caller).expect("serializes")).await;
    let mut other = Stranger::enter(&object).await;
    let began = clock::mono();
    caller.send(&request(1, "ask", json!([object])).to_string()).await;
    // It has arrived when the other vault has counted it.
    while daemon.endpoint().vault(&called.vault).await.expect("lives").vitals.expect("lives").calls == 0 {
        assert!(clock::mono().since(began) < SOON_US, "it does not arrive");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    caller.send(&cancel(&json!(1))).await;
    assert_eq!(caller.reply().await["error"]["code"], code::CANCELLED);
    assert_eq!(caller.result("echo", json!([1])).await, 1);
    assert_eq!(other.result("echo", json!([2])).await, 2);
    assert!(clock::mono().since(began) < SOON_US, "the other vault worked on");
}

#[tokio::test]
async fn a_ghost_that_waits_has_the_nodes_word_first() {
    let daemon = Daemon::start();
    let ticket = worker(&daemon).await;
    let options = GhostOptions { call_deadline: Some(Duration::from_millis(200)), ..GhostOptions::default() };
    let ghost = Ghost::connect(&ticket, options).await.expect("connects");
    let error = ghost.call("spin", None).await.expect_err("is endless");
    assert!(matches!(error, GhostError::Rpc { error, .. } if error.code == code::DEADLINE));
}
