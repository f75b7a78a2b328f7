//! The way out of a vault, when its init is an enemy's: whatever frames it sends, it reaches what it was
//! given and nothing else, holds what is bounded, and its own callers and the vaults that it was given
//! go on. No LXC, a real node, and inits that are the test itself.

use std::future::Future;

use crate::support::puppet::{Puppet, Stage};
use crate::support::stranger::{HANG, Stranger, request};
use hauki::model::death::Cause;
use hauki::model::lease::Terms;
use hauki::model::limits::Limits;
use hauki::rpc::channel::{FromVault, MAX_ASKS, ToVault};
use hauki::rpc::message::code;
use serde_json::{Value, json};
use tokio::time::timeout;

/// Long enough for a busy machine; what must not happen would take for ever.
fn patient() -> Limits {
    Limits { call_deadline_ms: 60_000, ..Limits::default() }
}

/// An enemy with its caller, and a vault that the enemy was given, under its word for it.
struct Scene {
    stage: Stage,
    enemy: Puppet,
    caller: Stranger,
    other: Puppet,
    its_ticket: Value,
    word: String,
}

impl Scene {
    async fn new(limits: Limits) -> Self {
        let mut stage = Stage::build().await;
        let (mut enemy, ticket) = stage.forge(limits, Terms::default()).await;
        let (other, its_ticket) = stage.forge(patient(), Terms::default()).await;
        let mut caller = Stranger::enter(&ticket).await;
        let (_, word) = tokio::join!(caller.call("f", json!([its_ticket])), enemy.given());
        Self { stage, enemy, caller, other, its_ticket, word }
    }

    /// The enemy is alive and answers its caller, and the other vault answers the enemy.
    async fn goes_on(&mut self) {
        self.enemy.ask(999, &self.word, "f", "[7]").await;
        let call = self.other.called().await;
        self.other.answer(call, "\"yes\"").await;
        assert_eq!(self.enemy.hear().await, Some(ToVault::Answer { ask: 999, value: "\"yes\"".into() }));
        let answering = async {
            let call = self.enemy.called().await;
            self.enemy.answer(call, "1").await;
        };
        let (result, ()) = tokio::join!(self.caller.result("f", json!([])), answering);
        assert_eq!(result, 1);
    }

    async fn dies(&self) {
        assert_eq!(self.stage.cause(&self.enemy.vault).await, Cause::ProtocolViolation);
    }
}

async fn soon<T>(work: impl Future<Output = T>) -> T {
    timeout(HANG, work).await.expect("hangs")
}

#[tokio::test]
async fn what_was_never_given_is_nobody_whatever_it_is_called() {
    let mut scene = Scene::new(patient()).await;
    // A third vault holds the same object under a word of its own.
    let (mut third, ticket) = scene.stage.forge(patient(), Terms::default()).await;
    let mut its_caller = Stranger::enter(&ticket).await;
    let its_ticket = scene.its_ticket.clone();
    let (_, foreign) = tokio::join!(its_caller.call("f", json!([its_ticket])), third.given());
    assert_ne!(foreign, scene.word);
    let vault = scene.other.vault.to_string();
    let token = scene.its_ticket["auth"]["token"].as_str().expect("is text").to_owned();
    let words = [
        "",
        "0",
        &"0".repeat(32),
        &vault,
        &token,
        &foreign,
        "clone_object",
        "../0",
        "\u{0}",
        &scene.word.to_uppercase(),
        &format!("{} ", scene.word),
        &scene.word[..31],
    ];
    for (number, word) in words.iter().enumerate() {
        let number = number as u64 + 1;
        scene.enemy.ask(number, word, "f", "[]").await;
        assert_eq!(scene.enemy.refused(number).await, "not_given", "{word:?}");
    }
    // Nor can it be passed on: in arguments, in results, in events.
    let forged = |word: &str| format!("[{{\"$hauki\":\"object\",\"ref\":\"{word}\"}}]");
    for word in [foreign.as_str(), "guess", ""] {
        scene.enemy.ask(50, &scene.word, "f", &forged(word)).await;
        assert_eq!(scene.enemy.refused(50).await, "not_given", "{word:?}");
        scene.caller.send(&request(7, "f", json!([])).to_string()).await;
        let call = scene.enemy.called().await;
        scene.enemy.say(&FromVault::Event { event: "e".into(), data: forged(word) }).await;
        scene.enemy.answer(call, &forged(word)).await;
        let reply = scene.caller.reply().await;
        assert_eq!(reply["error"]["code"], code::WORKER, "{reply}");
        assert!(scene.caller.events.is_empty(), "{:?}", scene.caller.events);
    }
    scene.goes_on().await;
}

#[tokio::test]
async fn words_for_the_node_itself_do_nothing_but_clone() {
    let mut scene = Scene::new(patient()).await;
    for method in ["", "hauki.destruct", "hauki.hello", "destruct", "Clone_object", "clone_object\u{0}"] {
        scene.enemy.ask(1, "", method, "[]").await;
        assert_eq!(scene.enemy.refused(1).await, "not_given", "{method:?}");
    }
    // Methods and parameters are data on the line to the other gate, not a part of it.
    for method in ["f\",\"id\":0,\"x\":\"", "f\n{\"jsonrpc\":\"2.0\",\"method\":\"f\"}", "hauki.hello"] {
        scene.enemy.ask(2, &scene.word, method, "[]").await;
        let word = scene.enemy.refused(2).await;
        assert!(["method_not_found", "bad_request"].contains(&word.as_str()), "{method:?}: {word}");
    }
    for params in ["1", "null", "\"x\""] {
        scene.enemy.ask(3, &scene.word, "f", params).await;
        assert_eq!(scene.enemy.refused(3).await, "bad_request", "{params}");
    }
    scene.goes_on().await;
}

#[tokio::test]
async fn broken_frames_on_the_way_out_are_its_last() {
    let ask = |object: &str, params: &str| {
        let mut bytes = Vec::new();
        FromVault::Ask { ask: 1, object: object.into(), method: "f".into(), params: params.into() }
            .encode(&mut bytes);
        bytes
    };
    let giant = "x".repeat(2 << 20);
    for breach in [
        ask("w", "no JSON"),
        ask("w", "[1]\n[2]"),
        ask("w", "[1] [2]"),
        ask("w", ""),
        ask("w", &format!("[\"{giant}\"]")),
        ask(&giant, "[]"),
        // A name that is longer than the frame it stands in.
        b"\x0d\0\0\0\x89\x01\0\0\0\0\0\0\0\xff\xff\xff\x7f".to_vec(),
        b"\x09\0\0\0\x89\x01\0\0\0\0\0\0\0".to_vec(),
    ] {
        let mut scene = Scene::new(patient()).await;
        // It may be dead before it has said all of it.
        let _ = soon(tokio::io::AsyncWriteExt::write_all(&mut scene.enemy.stream, &breach)).await;
        scene.dies().await;
        // The vault that it was given does not notice.
        let mut caller = Stranger::enter(&scene.its_ticket).await;
        let answering = async {
            let call = scene.other.called().await;
            scene.other.answer(call, "1").await;
        };
        let (result, ()) = tokio::join!(caller.result("f", json!([])), answering);
        assert_eq!(result, 1);
    }
}

#[tokio::test]
async fn a_flood_of_calls_ends_with_the_first_too_many() {
    let mut scene = Scene::new(patient()).await;
    for number in 0..MAX_ASKS as u64 {
        scene.enemy.ask(number, &scene.word, "f", "[]").await;
    }
    // So many are legal, and answered in the order in which the other vault likes.
    for number in 0..MAX_ASKS as u64 {
        let call = scene.other.called().await;
        scene.other.answer(call, &number.to_string()).await;
        let said = scene.enemy.hear().await;
        assert_eq!(said, Some(ToVault::Answer { ask: number, value: number.to_string() }));
    }
    // The same numbers again, and one number for all, are its own confusion.
    for _ in 0..MAX_ASKS {
        scene.enemy.ask(1, "nothing", "f", "[]").await;
        assert_eq!(scene.enemy.refused(1).await, "not_given");
    }
    scene.goes_on().await;
    // One more than there may be, while none is answered.
    for number in 0..=MAX_ASKS as u64 {
        scene.enemy.ask(number, &scene.word, "f", "[]").await;
    }
    scene.dies().await;
    let mut bystander = Stranger::enter(&scene.its_ticket).await;
    let serving = async {
        loop {
            let call = scene.other.called().await;
            scene.other.answer(call, "1").await;
        }
    };
    tokio::select! {
        () = serving => {}
        result = soon(bystander.result("f", json!([]))) => assert_eq!(result, 1),
    }
}

#[tokio::test]
async fn a_flood_from_an_enemy_that_does_not_read_stays_bounded() {
    let mut scene = Scene::new(patient()).await;
    // Each is answered with a few bytes, and nobody takes them: after some it has too many open.
    let mut frame = Vec::new();
    let (object, method, params) = ("w".to_owned(), "f".repeat(1000), "[]".to_owned());
    FromVault::Ask { ask: 1, object, method, params }.encode(&mut frame);
    let flooding =
        async { while tokio::io::AsyncWriteExt::write_all(&mut scene.enemy.stream, &frame).await.is_ok() {} };
    soon(flooding).await;
    scene.dies().await;
}

#[tokio::test]
async fn who_never_answers_and_who_answers_without_end_hold_a_call_no_longer_than_its_deadline() {
    let limits = Limits { call_deadline_ms: 400, max_frame_bytes: 64 * 1024, ..Limits::default() };
    let mut scene = Scene::new(limits).await;
    // Never.
    scene.enemy.ask(1, &scene.word, "f", "[]").await;
    let call = scene.other.called().await;
    assert_eq!(scene.enemy.refused(1).await, "deadline");
    // Too late is nobody's, and the line goes on.
    scene.other.answer(call, "\"late\"").await;
    scene.goes_on().await;
    // Longer than the caller of it takes.
    scene.enemy.ask(2, &scene.word, "f", "[]").await;
    let call = scene.other.called().await;
    scene.other.answer(call, &format!("\"{}\"", "x".repeat(900_000))).await;
    assert_eq!(scene.enemy.refused(2).await, "too_large");
    scene.goes_on().await;
    // Events without end while the answer does not come: they reach nobody on this side.
    scene.enemy.ask(3, &scene.word, "f", "[]").await;
    let call = scene.other.called().await;
    let line = FromVault::Log { text: "x".repeat(4096) };
    let chatting = async {
        loop {
            scene.other.say(&line).await;
        }
    };
    tokio::select! {
        () = chatting => {}
        word = scene.enemy.refused(3) => assert_eq!(word, "deadline"),
    }
    scene.other.answer(call, "0").await;
    scene.goes_on().await;
}

/// Sixteen may be open at a time, so what nobody waits for any more must not keep the others out.
#[tokio::test]
async fn what_was_asked_for_a_caller_that_has_gone_is_given_up() {
    let hour = Limits { call_deadline_ms: 3_600_000, ..Limits::default() };
    let Scene { stage: _stage, mut enemy, mut caller, mut other, word, .. } = Scene::new(hour).await;
    caller.send(&request(1, "f", json!([])).to_string()).await;
    let call = enemy.called().await;
    for ask in 1..=MAX_ASKS as u64 {
        enemy.ask(ask, &word, "f", "[]").await;
    }
    other.called().await;
    drop(caller);
    let mut heard = Vec::new();
    for _ in 0..=MAX_ASKS {
        heard.push(enemy.hear().await.expect("a frame"));
    }
    assert_eq!(heard.iter().filter(|frame| matches!(frame, ToVault::Refusal { .. })).count(), MAX_ASKS);
    assert!(heard.contains(&ToVault::Cancel { call }), "{heard:?}");
}

#[tokio::test]
async fn many_references_do_not_grow_into_something_large() {
    let mut scene = Scene::new(patient()).await;
    let reference = format!("{{\"$hauki\":\"object\",\"ref\":\"{}\"}}", scene.word);
    let many = format!("[{}]", vec![reference.as_str(); 5000].join(","));
    scene.enemy.ask(1, &scene.word, "f", &many).await;
    assert_eq!(scene.enemy.refused(1).await, "too_large");
    // Deep ones cost no stack.
    let deep = format!("{}{reference}{}", "[".repeat(100), "]".repeat(100));
    scene.enemy.ask(2, &scene.word, "f", &format!("[{deep}]")).await;
    let Some(ToVault::Call { call, params, .. }) = scene.other.hear().await else { panic!("it is called") };
    assert!(params.is_some_and(|params| params.contains("$hauki")), "an object came as an object");
    scene.other.answer(call, "1").await;
    assert!(matches!(scene.enemy.hear().await, Some(ToVault::Answer { ask: 2, .. })));
    scene.goes_on().await;
}

#[tokio::test]
async fn clones_are_asked_for_in_its_own_name_and_within_its_bounds() {
    // Without a budget the core does not even hear of it.
    let mut scene = Scene::new(patient()).await;
    scene.enemy.ask(1, "", "clone_object", "[\"function f() {}\"]").await;
    assert_eq!(scene.enemy.refused(1).await, "denied");
    assert_eq!(scene.stage.wishes().await, []);
    // With one it wishes as often as calls may be open, under its own name whatever it writes.
    let limits = Limits { spawn: 1, call_deadline_ms: 400, ..Limits::default() };
    let mut scene = Scene::new(limits).await;
    let foreign = scene.other.vault.to_string();
    let wish = json!(["function f() {}", {"vault": foreign, "parent": foreign, "number": 1}]).to_string();
    for number in 1..=MAX_ASKS as u64 {
        scene.enemy.ask(number, "", "clone_object", &wish).await;
    }
    for _ in 0..MAX_ASKS {
        let Some(ToVault::Refusal { error, .. }) = scene.enemy.hear().await else {
            panic!("nobody forges here")
        };
        assert_eq!(error.code, "deadline");
    }
    let wishes = scene.stage.wishes().await;
    assert_eq!(wishes.len(), MAX_ASKS);
    assert!(wishes.iter().all(|(vault, _)| *vault == scene.enemy.vault), "{wishes:?}");
    // What is too long for the core, and an object that it does not hold, stay here.
    let long = format!("[\"{}\"]", "x".repeat((1 << 20) - 3));
    scene.enemy.ask(1, "", "clone_object", &long).await;
    let word = scene.enemy.refused(1).await;
    assert!(["too_large", "deadline"].contains(&word.as_str()), "{word}");
    let forged = "[\"f\",{\"args\":[{\"$hauki\":\"object\",\"ref\":\"x\"}]}]";
    scene.enemy.ask(2, "", "clone_object", forged).await;
    assert_eq!(scene.enemy.refused(2).await, "not_given");
    scene.goes_on().await;
}

#[tokio::test]
async fn a_narrow_ticket_is_no_wider_for_raw_frames_and_no_call_can_hide_its_ring() {
    let mut scene = Scene::new(patient()).await;
    let token = hauki::model::secret::Secret::new(
        scene.its_ticket["auth"]["token"].as_str().expect("is text").to_owned(),
    );
    let narrow = hauki::rpc::capability::narrow(&token, Some(&["f".to_owned()]), None).expect("narrows");
    let mut narrowed = scene.its_ticket.clone();
    narrowed["auth"]["token"] = json!(narrow.reveal());
    let (_, word) = tokio::join!(scene.caller.call("f", json!([narrowed])), scene.enemy.given());
    scene.enemy.ask(1, &word, "hauki.destruct", "{\"grace_ms\":0}").await;
    assert_eq!(scene.enemy.refused(1).await, "denied");
    assert!(scene.stage.is_alive(&scene.other.vault).await);
    // Inside of a call the other gate is told who waits, whatever the enemy says of it.
    let its = scene.other.vault.clone();
    scene.caller.send(&request(7, "f", json!([])).to_string()).await;
    let outer = scene.enemy.called().await;
    scene.enemy.ask(2, &scene.word, "f", "[]").await;
    let call = scene.other.called().await;
    scene.other.answer(call, "1").await;
    assert!(matches!(scene.enemy.hear().await, Some(ToVault::Answer { ask: 2, .. })));
    scene.enemy.answer(outer, "1").await;
    assert_eq!(scene.caller.reply().await["id"], 7);
    assert!(scene.stage.is_alive(&its).await);
    scene.goes_on().await;
}
