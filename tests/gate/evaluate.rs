//! Turns over the gate: who may evaluate, what of it stays, and what a turn with fewer powers may not do.

use crate::support::daemon::Daemon;
use crate::support::stranger::{Stranger, request};
use crate::support::until::until;
use hauki::api::vault::{TicketRequest, TicketWishes};
use hauki::model::gem::Wishes;
use hauki::rpc::capability::narrow;
use hauki::rpc::message::code;
use serde_json::{Value, json};

const WORKER: &str = "enable_evaluate(); var secret = 7, gone = {tries: 0};
function own() { return secret; }
function ends() { gone.tries++; destruct(this_object()); }
function tried() { return gone.tries; }
function peers(object, text) { return object->own() + text.length; }";

async fn evaluated(caller: &mut Stranger, params: Value) -> Value {
    caller.result("hauki.evaluate", params).await
}

async fn refused(caller: &mut Stranger, params: Value) -> Value {
    let reply = caller.ask(request(77, "hauki.evaluate", params)).await;
    assert!(reply["result"].is_null(), "{reply}");
    reply["error"].clone()
}

#[tokio::test]
async fn a_ticket_for_all_methods_evaluates_and_a_narrowed_one_does_not() {
    let daemon = Daemon::start();
    let spawned = daemon.spawn(WORKER).await;
    let ticket = serde_json::to_value(&spawned.ticket).expect("serializes");
    let mut caller = Stranger::enter(&ticket).await;
    assert_eq!(evaluated(&mut caller, json!({"text": "var n = secret + 1; n"})).await["value"], 8);
    assert_eq!(evaluated(&mut caller, json!({"text": "n * 2"})).await, json!({"turn": 2, "value": 16}));
    let error = refused(&mut caller, json!({"text": "\n  own(); nobody()"})).await;
    assert_eq!((&error["code"], &error["data"]["file"]), (&json!(code::WORKER), &json!("t3")));
    assert_eq!(error["data"]["line"], 2);
    for params in [
        json!({}),
        json!([]),
        json!({"text": 1}),
        json!({"text": "1", "powers": {"all": 1}}),
        json!({"text": "1", "powers": {"objects": ["vlt_x"]}}),
        json!({"text": "1", "powers": {}, "lasting": false}),
    ] {
        assert_eq!(refused(&mut caller, params.clone()).await["code"], code::INVALID_PARAMS, "{params}");
    }
    // However it was narrowed, at its making or later.
    let methods = vec!["own".to_owned()];
    let wishes = TicketWishes { methods: methods.clone(), ..TicketWishes::default() };
    let request = TicketRequest { vault: spawned.vault.id.clone(), wishes };
    let granted = daemon.endpoint().ticket(&request).await.expect("a ticket");
    let mut narrowed = ticket.clone();
    let token = narrow(&spawned.ticket.auth.token, Some(&methods), None).expect("narrows");
    narrowed["auth"]["token"] = json!(token.reveal());
    for ticket in [serde_json::to_value(&granted).expect("serializes"), narrowed] {
        let mut other = Stranger::enter(&ticket).await;
        assert_eq!(other.result("own", json!([])).await, 7);
        assert_eq!(refused(&mut other, json!({"text": "secret"})).await["code"], code::DENIED);
    }
    // Who was granted it by name may do that, and what the text does is the worker's doing.
    let methods = vec!["hauki.evaluate".to_owned()];
    let wishes = TicketWishes { methods, ..TicketWishes::default() };
    let request = TicketRequest { vault: spawned.vault.id.clone(), wishes };
    let named = daemon.endpoint().ticket(&request).await.expect("a ticket");
    let mut named = Stranger::enter(&serde_json::to_value(&named).expect("serializes")).await;
    assert_eq!(evaluated(&mut named, json!({"text": "own()"})).await["value"], 7);
}

#[tokio::test]
async fn a_worker_that_does_not_say_so_takes_no_turns() {
    let daemon = Daemon::start();
    let spawned = daemon.spawn("var secret = 1; function own() { return 2; }").await;
    let mut caller = Stranger::enter(&serde_json::to_value(&spawned.ticket).expect("serializes")).await;
    let error = refused(&mut caller, json!({"text": "secret"})).await;
    assert_eq!(error["code"], code::METHOD_NOT_FOUND);
    assert!(error["message"].as_str().expect("has one").contains("enable_evaluate()"), "{error}");
}

#[tokio::test]
async fn after_a_turn_with_fewer_powers_nothing_in_the_worker_has_more() {
    let daemon = Daemon::start();
    let spawned = daemon.spawn(WORKER).await;
    let peer = daemon.spawn("function own() { return 5; }").await;
    let ticket = serde_json::to_value(&spawned.ticket).expect("serializes");
    let mut caller = Stranger::enter(&ticket).await;
    let peer = serde_json::to_value(&peer.ticket).expect("serializes");
    let calls = "peers(args[0], 'ab')";
    let named = json!({"text": calls, "args": [peer], "powers": {"objects": [peer], "clone": true}});
    assert_eq!(evaluated(&mut caller, named).await["value"], 7);
    // A turn that is given more, or all, has what is left; so have the worker's own methods, for other callers too.
    for powers in
        [json!({}), json!({"destruct": true, "clone": true, "fetch": true, "objects": [peer]}), json!(null)]
    {
        for text in ["ends()", "destruct(this_object())", "clone_object('function f() { return 1; }')"] {
            let mut turn = json!({"text": text});
            if !powers.is_null() {
                turn["powers"] = powers.clone();
            }
            let error = refused(&mut caller, turn).await;
            assert!(error["message"].as_str().expect("has one").contains("not given the power"), "{error}");
        }
    }
    let error = refused(&mut caller, json!({"text": calls, "args": [peer]})).await;
    assert!(error["message"].as_str().expect("has one").contains("call this object"), "{error}");
    let mut other = Stranger::enter(&ticket).await;
    let before = other.result("tried", json!([])).await.as_u64().expect("a number");
    let error = other.call("ends", json!([])).await["error"].clone();
    assert!(error["message"].as_str().expect("has one").contains("not given the power"), "{error}");
    // It has tried, by itself, and the vault is there.
    evaluated(&mut caller, json!({"text": "call_out('ends', 0); 1"})).await;
    until("the timer of the turn", async || other.result("tried", json!([])).await == before + 2).await;
    // Its end is still the caller's to order.
    caller.send(&request(9, "hauki.destruct", json!({})).to_string()).await;
    while caller.line().await.is_some() {}
}

#[tokio::test]
async fn a_turn_that_never_ends_is_given_up_and_one_that_is_too_long_is_refused() {
    let daemon = Daemon::start();
    let wishes = Wishes { call_deadline_ms: Some(60_000), ..Wishes::default() };
    let spawned = daemon.spawn_with(WORKER, wishes).await;
    let ticket = serde_json::to_value(&spawned.ticket).expect("serializes");
    let mut caller = Stranger::enter(&ticket).await;
    evaluated(&mut caller, json!({"text": "var n = 4"})).await;
    caller.send(&request(5, "hauki.evaluate", json!({"text": "n = 5; for (;;) {}"})).to_string()).await;
    caller.send(r#"{"jsonrpc":"2.0","method":"hauki.cancel","params":{"id":5}}"#).await;
    assert_eq!(caller.reply().await["error"]["code"], code::CANCELLED);
    // What it had done before it was stopped is done, or it was not begun.
    let n = evaluated(&mut caller, json!({"text": "n"})).await["value"].as_u64();
    assert!(matches!(n, Some(4 | 5)), "{n:?}");
    let limit =
        usize::try_from(ticket["protocol"]["max_frame_bytes"].as_u64().expect("is one")).expect("fits");
    let mut other = Stranger::enter(&ticket).await;
    let long = json!({"text": format!("'{}'", "x".repeat(limit))});
    other.send(&request(6, "hauki.evaluate", long).to_string()).await;
    assert_eq!(other.reply().await["error"]["code"], code::TOO_LARGE);
    assert_eq!(evaluated(&mut caller, json!({"text": "own()"})).await["value"], 7);
}
