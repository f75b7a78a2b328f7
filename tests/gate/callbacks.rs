//! Callbacks: what a caller offers is called by the worker, and by nobody else; whatever a caller or a vault does with it,
//! the others go on. A real node, with inits and callers that are the test itself.

use crate::support::puppet::{Puppet, Stage};
use crate::support::stranger::{Stranger, request};
use hauki::model::lease::Terms;
use hauki::model::limits::Limits;
use hauki::rpc::callback::{MAX_OFFERS, TOOLS};
use hauki::rpc::channel::{FromVault, ToVault};
use hauki::rpc::message::code;
use serde_json::{Value, json};

fn patient() -> Limits {
    Limits { call_deadline_ms: 60_000, ..Limits::default() }
}

/// The caller has offered this, and holds the reference.
async fn offered(caller: &mut Stranger, name: &str, methods: &[&str]) -> Value {
    let mut result = caller.result("hauki.offer", json!({"name": name, "methods": methods})).await;
    let object = result["object"].take();
    assert_eq!((&object["$hauki"], &object["worker"]), (&json!("object"), &json!(name)), "{object}");
    object
}

/// The word by which the vault knows it.
fn word(object: &Value) -> String {
    object["ref"].as_str().expect("is text").to_owned()
}

/// The next thing that the caller is asked: its id, and the parameters.
async fn asked(caller: &mut Stranger) -> (Value, Value) {
    let mut event = caller.event().await;
    assert_eq!(event["method"], "hauki.call", "{event}");
    (event["id"].take(), event["params"].take())
}

async fn says(caller: &mut Stranger, id: &Value, result: Value) {
    caller.send(&json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string()).await;
}

/// The vault is alive and serves another caller.
async fn goes_on(puppet: &mut Puppet, ticket: &Value) {
    let mut other = Stranger::enter(ticket).await;
    let answering = async {
        let call = puppet.called().await;
        puppet.answer(call, "1").await;
    };
    let (result, ()) = tokio::join!(other.result("f", json!([])), answering);
    assert_eq!(result, 1);
}

async fn said(puppet: &mut Puppet, ask: u64) -> String {
    match puppet.hear().await {
        Some(ToVault::Answer { ask: number, value }) if number == ask => value,
        other => panic!("{other:?} instead of an answer to {ask}"),
    }
}

#[tokio::test]
async fn the_worker_calls_what_its_caller_offers_and_hears_what_he_says() {
    let mut stage = Stage::build().await;
    let (mut puppet, ticket) = stage.forge(patient(), Terms::default()).await;
    let mut caller = Stranger::enter(&ticket).await;
    let object = offered(&mut caller, TOOLS, &["search", "stop"]).await;
    // It is an argument as it is, and a part of what every call shows of its caller.
    caller.send(&request(7, "f", json!([object])).to_string()).await;
    let Some(ToVault::Call { call, caller: shown, params: Some(params), .. }) = puppet.hear().await else {
        panic!("a call was to come")
    };
    let given: Value = serde_json::from_str(&params).expect("is JSON");
    let shown: Value = serde_json::from_str(&shown).expect("is JSON");
    assert_eq!((&given[0], &shown["tools"]), (&object, &object));
    let word = word(&object);
    puppet.ask(1, &word, "search", "[\"a\",1.10]").await;
    puppet.ask(2, &word, "stop", "[]").await;
    let (first, params) = asked(&mut caller).await;
    assert_eq!((&params["object"], &params["method"]), (&json!(TOOLS), &json!("search")));
    assert_eq!(params["params"], json!(["a", 1.10]));
    assert!(params["deadline_ms"].as_u64().is_some_and(|left| (1..=60_000).contains(&left)), "{params}");
    let (second, _) = asked(&mut caller).await;
    // In any order, an error as well.
    let error = json!({"code": code::WORKER, "message": "nothing to stop"});
    caller.send(&json!({"jsonrpc": "2.0", "id": second, "error": error}).to_string()).await;
    match puppet.hear().await {
        Some(ToVault::Refusal { ask: 2, error }) => {
            assert_eq!((&*error.code, &*error.message), ("callback_failed", "nothing to stop"));
            assert_eq!((error.rpc_code, error.method.as_deref()), (Some(code::WORKER), Some("stop")));
        }
        other => panic!("{other:?}"),
    }
    says(&mut caller, &first, json!({"found": [1]})).await;
    assert_eq!(said(&mut puppet, 1).await, r#"{"found":[1]}"#);
    puppet.answer(call, "true").await;
    let reply = caller.reply().await;
    assert_eq!((&reply["id"], &reply["result"]), (&json!(7), &json!(true)));
    // What nobody waits for is passed over, and no reply of any request.
    says(&mut caller, &first, json!(2)).await;
    says(&mut caller, &json!("c999"), json!(2)).await;
    goes_on(&mut puppet, &ticket).await;
    // A client that never offered is told what is wrong with such a line, as ever.
    let mut plain = Stranger::enter(&ticket).await;
    says(&mut plain, &json!("c1"), json!(2)).await;
    assert_eq!(plain.reply().await["error"]["code"], code::INVALID_REQUEST);
}

#[tokio::test]
async fn nobody_else_reaches_it_and_it_goes_nowhere_else() {
    let mut stage = Stage::build().await;
    let (mut puppet, ticket) = stage.forge(patient(), Terms::default()).await;
    let (mut third, its_ticket) = stage.forge(patient(), Terms::default()).await;
    let (mut caller, mut other) = (Stranger::enter(&ticket).await, Stranger::enter(&ticket).await);
    let object = offered(&mut caller, TOOLS, &["search"]).await;
    let others = offered(&mut other, TOOLS, &["wipe"]).await;
    assert_ne!(word(&object), word(&others));
    let word = word(&object);
    // Guessed words, other methods and other vaults.
    for (number, guess) in
        [TOOLS, "offered-", "c1", &word[..word.len() - 1], &word.to_uppercase()].iter().enumerate()
    {
        let number = number as u64 + 1;
        puppet.ask(number, guess, "search", "[]").await;
        let refused = puppet.refused(number).await;
        assert!(["not_given", "caller_gone"].contains(&refused.as_str()), "{guess}: {refused}");
    }
    for (method, params, refused) in [
        ("wipe", "[]", "method_not_found"),
        ("hauki.destruct", "[]", "method_not_found"),
        ("search", "{}", "invalid_params"),
        ("search", "1", "invalid_params"),
    ] {
        puppet.ask(20, &word, method, params).await;
        assert_eq!(puppet.refused(20).await, refused, "{method} {params}");
    }
    third.ask(1, &word, "search", "[]").await;
    assert_eq!(third.refused(1).await, "caller_gone", "a word is of one vault");
    // Who calls sees his own tools only, and is asked nothing that was not his.
    other.send(&request(1, "f", json!([])).to_string()).await;
    let Some(ToVault::Call { call, caller: shown, .. }) = puppet.hear().await else {
        panic!("a call was to come")
    };
    assert!(shown.contains("wipe") && !shown.contains("search"), "{shown}");
    // It is not shown as a ticket: not in a result, in an event, to another vault, nor to its own caller.
    puppet.say(&FromVault::Event { event: "e".into(), data: object.to_string() }).await;
    puppet.answer(call, &object.to_string()).await;
    let reply = other.reply().await;
    assert_eq!(reply["error"]["code"], code::WORKER, "{reply}");
    assert!(other.events.is_empty() && caller.events.is_empty());
    other.send(&request(2, "f", json!([its_ticket])).to_string()).await;
    let held = puppet.given().await;
    assert_eq!(other.reply().await["result"], true);
    puppet.ask(30, &held, "f", &json!([object]).to_string()).await;
    assert_eq!(puppet.refused(30).await, "not_given");
    // With his connection it ends, and the other's stays.
    drop(caller);
    loop {
        puppet.ask(40, &word, "search", "[]").await;
        match puppet.hear().await {
            Some(ToVault::Refusal { ask: 40, error }) if error.code == "caller_gone" => break,
            Some(ToVault::Refusal { .. }) => tokio::task::yield_now().await,
            other => panic!("{other:?}"),
        }
    }
    let others = others["ref"].as_str().expect("is text");
    puppet.ask(41, others, "wipe", "[]").await;
    let (id, _) = asked(&mut other).await;
    says(&mut other, &id, json!("done")).await;
    assert_eq!(said(&mut puppet, 41).await, "\"done\"");
}

#[tokio::test]
async fn offers_are_checked_counted_and_taken_back() {
    let mut stage = Stage::build().await;
    let (mut puppet, ticket) = stage.forge(patient(), Terms::default()).await;
    let mut caller = Stranger::enter(&ticket).await;
    for params in [
        json!([]),
        json!({}),
        json!({"name": "t"}),
        json!({"name": "", "methods": ["a"]}),
        json!({"name": "t", "methods": [""]}),
        json!({"name": "t", "methods": ["a", "a"]}),
        json!({"name": "t", "methods": "a"}),
        json!({"name": "t", "methods": ["a"], "more": 1}),
        json!({"name": "x".repeat(257), "methods": ["a"]}),
    ] {
        assert_eq!(
            caller.code("hauki.offer", params.clone()).await,
            i64::from(code::INVALID_PARAMS),
            "{params}"
        );
    }
    let first = offered(&mut caller, TOOLS, &["a"]).await;
    for number in 1..MAX_OFFERS {
        offered(&mut caller, &number.to_string(), &["a"]).await;
    }
    let one_more = json!({"name": "more", "methods": ["a"]});
    assert_eq!(caller.code("hauki.offer", one_more.clone()).await, i64::from(code::BUSY));
    // The same name takes its place, and the old word is nobody's.
    let second = offered(&mut caller, TOOLS, &["b"]).await;
    puppet.ask(1, &word(&first), "a", "[]").await;
    assert_eq!(puppet.refused(1).await, "caller_gone");
    puppet.ask(2, &word(&second), "b", "[]").await;
    let (id, _) = asked(&mut caller).await;
    // Taken back while it is called: that call is answered, and no other begins.
    let none = json!({"name": TOOLS, "methods": []});
    assert_eq!(caller.result("hauki.offer", none.clone()).await, json!({"object": null}));
    assert_eq!(caller.result("hauki.offer", none).await, json!({"object": null}), "twice is once");
    says(&mut caller, &id, json!(1)).await;
    assert_eq!(said(&mut puppet, 2).await, "1");
    puppet.ask(3, &word(&second), "b", "[]").await;
    assert_eq!(puppet.refused(3).await, "caller_gone");
    caller.send(&request(9, "f", json!([])).to_string()).await;
    let Some(ToVault::Call { caller: shown, .. }) = puppet.hear().await else { panic!("a call was to come") };
    assert!(!shown.contains(TOOLS), "{shown}");
    // There is room again. Long names all together have none.
    offered(&mut caller, "more", &["a"]).await;
    let methods: Vec<String> = (100..180).map(|number| format!("{}{number}", "x".repeat(250))).collect();
    let long = json!({"name": "more", "methods": methods});
    assert_eq!(caller.code("hauki.offer", long).await, i64::from(code::BUSY));
}

#[tokio::test]
async fn a_caller_that_goes_ends_what_it_was_asked() {
    let mut stage = Stage::build().await;
    let (mut puppet, ticket) = stage.forge(patient(), Terms::default()).await;
    let mut caller = Stranger::enter(&ticket).await;
    let object = offered(&mut caller, "db", &["f"]).await;
    let mut other = Stranger::enter(&ticket).await;
    other.send(&request(1, "f", json!([object])).to_string()).await;
    let call = puppet.called().await;
    puppet.ask(1, &word(&object), "f", "[]").await;
    asked(&mut caller).await;
    drop(caller);
    assert_eq!(puppet.refused(1).await, "caller_gone");
    puppet.answer(call, "2").await;
    assert_eq!(other.reply().await["result"], 2);
    goes_on(&mut puppet, &ticket).await;
}

#[tokio::test]
async fn a_callback_that_never_answers_ends_at_the_deadline_and_a_call_that_is_given_up_gives_it_up() {
    let mut stage = Stage::build().await;
    let limits = Limits { call_deadline_ms: 300, ..Limits::default() };
    let (mut puppet, ticket) = stage.forge(limits, Terms::default()).await;
    let mut caller = Stranger::enter(&ticket).await;
    let object = offered(&mut caller, "db", &["f"]).await;
    puppet.ask(1, &word(&object), "f", "[]").await;
    let (id, _) = asked(&mut caller).await;
    assert_eq!(puppet.refused(1).await, "deadline");
    let given_up = caller.event().await;
    let word_of_it = json!({"jsonrpc": "2.0", "method": "hauki.cancel", "params": {"id": id}});
    assert_eq!(given_up, word_of_it);
    // Too late, and nobody is harmed.
    says(&mut caller, &id, json!(1)).await;
    goes_on(&mut puppet, &ticket).await;

    let (mut puppet, ticket) = stage.forge(patient(), Terms::default()).await;
    let mut caller = Stranger::enter(&ticket).await;
    let object = offered(&mut caller, "db", &["f"]).await;
    caller.send(&request(5, "f", json!([object])).to_string()).await;
    let call = puppet.called().await;
    puppet.ask(1, &word(&object), "f", "[]").await;
    let (id, _) = asked(&mut caller).await;
    caller.send(&json!({"jsonrpc": "2.0", "method": "hauki.cancel", "params": {"id": 5}}).to_string()).await;
    assert_eq!(caller.reply().await["error"]["code"], code::CANCELLED);
    assert_eq!(caller.event().await["params"], json!({"id": id}), "the callback is given up with its call");
    let mut heard = [puppet.hear().await, puppet.hear().await];
    heard.sort_by_key(|heard| matches!(heard, Some(ToVault::Cancel { .. })));
    assert!(matches!(&heard[0], Some(ToVault::Refusal { ask: 1, .. })), "{heard:?}");
    puppet.answer(call, "0").await;
    goes_on(&mut puppet, &ticket).await;
}

#[tokio::test]
async fn answers_that_are_none_or_too_much_are_the_askers_error() {
    let mut stage = Stage::build().await;
    let limits = Limits { max_frame_bytes: 64 * 1024, ..patient() };
    let (mut puppet, ticket) = stage.forge(limits, Terms::default()).await;
    let mut caller = Stranger::enter(&ticket).await;
    let object = offered(&mut caller, "db", &["f"]).await;
    let deep = format!("{}{}", "[".repeat(121), "]".repeat(121));
    for (answer, refused) in [
        ("\"result\":1,\"error\":{\"code\":1,\"message\":\"\"}".to_owned(), "internal"),
        ("\"error\":5".to_owned(), "internal"),
        (format!("\"result\":{deep}"), "too_large"),
        ("\"error\":{\"code\":-32601,\"message\":\"no\"}".to_owned(), "method_not_found"),
        ("\"error\":{\"code\":77,\"message\":\"no\"}".to_owned(), "rpc_error"),
    ] {
        puppet.ask(1, &word(&object), "f", "[]").await;
        let (id, _) = asked(&mut caller).await;
        caller.send(&format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},{answer}}}")).await;
        assert_eq!(puppet.refused(1).await, refused, "{answer}");
    }
    // A line that is too long is the caller's last, as ever, and what it was asked ends with it.
    let mut other = Stranger::enter(&ticket).await;
    let others = offered(&mut other, "db", &["f"]).await;
    puppet.ask(2, &word(&others), "f", "[]").await;
    let (id, _) = asked(&mut other).await;
    let long = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":\"{}\"}}", "x".repeat(70 * 1024));
    other.send(&long).await;
    assert_eq!(puppet.refused(2).await, "caller_gone");
    assert_eq!(other.reply().await["error"]["code"], code::TOO_LARGE);
    drop(other);
    // The first one is as he was.
    puppet.ask(3, &word(&object), "f", "[]").await;
    let (id, _) = asked(&mut caller).await;
    says(&mut caller, &id, json!("fine")).await;
    assert_eq!(said(&mut puppet, 3).await, "\"fine\"");
    goes_on(&mut puppet, &ticket).await;
}

/// So many calls are in flight that no request is read, and the worker waits for its caller in the first of them.
#[tokio::test]
async fn answers_overtake_the_requests_that_wait_for_them() {
    let mut stage = Stage::build().await;
    let (mut puppet, ticket) = stage.forge(patient(), Terms::default()).await;
    let mut caller = Stranger::enter(&ticket).await;
    let object = offered(&mut caller, "db", &["f"]).await;
    for id in 100..300 {
        caller.send(&request(id, "f", json!([object])).to_string()).await;
    }
    let call = puppet.called().await;
    puppet.ask(1, &word(&object), "f", "[]").await;
    let (id, _) = asked(&mut caller).await;
    says(&mut caller, &id, json!("at last")).await;
    // What the vault was given beside the first call comes before the answer.
    let answer = loop {
        match puppet.hear().await {
            Some(ToVault::Call { .. }) => {}
            other => break other,
        }
    };
    assert_eq!(answer, Some(ToVault::Answer { ask: 1, value: "\"at last\"".into() }));
    puppet.answer(call, "1").await;
    assert_eq!(caller.reply().await["id"], 100);
}
