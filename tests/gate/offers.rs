//! What a program of this library offers: called by a real worker, and ended with whatever ends it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::daemon::Daemon;
use crate::support::relay::Relay;
use crate::support::until::until;
use hauki::client::Ghost;
use hauki::client::ghost::{CallbackCall, CallbackThrown, GhostOptions, OfferHandle};
use hauki::model::gem::Wishes;
use serde_json::{Value, json};

const WORKER: &str = "var kept;
function keep(tools) { kept = tools; return objectp(tools); }
function search(q) { return kept->search(q); }
function named(q) { return previous_object().tools->search(q); }
function offers() { return previous_object().tools === undefined ? 'nothing' : previous_object().tools.methods; }
function all(n) { var i, list = []; for (i = 0; i < n; i++) list.push(later(kept, 'search', i)); return gather(list); }
function caught(q) { try { return kept->search(q); } catch (error) { return [error.name, error.code, error.message]; } }
function echo(x) { return x; }";

async fn worker(daemon: &Daemon, deadline_ms: u32) -> Ghost {
    let wishes = Wishes { lease_ms: Some(600_000), call_deadline_ms: Some(deadline_ms), ..Wishes::default() };
    let ticket = daemon.spawn_with(WORKER, wishes).await.ticket;
    Ghost::connect(&ticket, GhostOptions::default()).await.expect("connects")
}

async fn call(ghost: &Ghost, method: &str, params: Value) -> Value {
    let said = ghost.call(method, Some(&params.to_string())).await;
    let said = said.unwrap_or_else(|error| panic!("{method}: {error}"));
    serde_json::from_str(said.get()).expect("is JSON")
}

async fn keep(ghost: &Ghost, tools: &OfferHandle) {
    let kept = ghost.call("keep", Some(&format!("[{}]", tools.reference().expect("is offered")))).await;
    assert_eq!(kept.expect("is kept").get(), "true");
}

/// Says what it was asked, and otherwise what the question tells it to do.
async fn answer(call: CallbackCall) -> Result<Box<serde_json::value::RawValue>, CallbackThrown> {
    let (q,): (Value,) = call.arguments()?;
    match q.as_str() {
        Some("throw") => Err(CallbackThrown("it is not here".to_owned())),
        Some("panic") => panic!("a handler of this test"),
        Some("long") => call.answer(&"x".repeat(8 << 20)),
        Some("never") => std::future::pending().await,
        _ => call.answer(&json!([call.method, q])),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_calls_what_it_was_given_and_what_its_caller_shows() {
    let daemon = Daemon::start();
    let ghost = worker(&daemon, 20_000).await;
    assert_eq!(call(&ghost, "offers", json!([])).await, "nothing");
    let tools = ghost.offer("tools", &["search"], answer).await.expect("is offered");
    assert_eq!(call(&ghost, "offers", json!([])).await, json!(["search"]));
    assert_eq!(call(&ghost, "named", json!(["a"])).await, json!(["search", "a"]));
    keep(&ghost, &tools).await;
    assert_eq!(call(&ghost, "search", json!([{"x": 1.5}])).await, json!(["search", {"x": 1.5}]));
    // More than may be open at once.
    let all = call(&ghost, "all", json!([40])).await;
    assert_eq!((all[0].clone(), all[39].clone()), (json!(["search", 0]), json!(["search", 39])));
    for (question, code) in [("throw", "callback_failed"), ("panic", "internal"), ("long", "too_large")] {
        let caught = call(&ghost, "caught", json!([question])).await;
        assert_eq!((&caught[0], &caught[1]), (&json!("HaukiError"), &json!(code)), "{caught}");
    }
    assert_eq!(call(&ghost, "caught", json!(["throw"])).await[2], "it is not here");
    // Another caller shows nothing, and what the worker has kept is still the first one's.
    drop(tools);
    assert_eq!(call(&ghost, "caught", json!(["a"])).await[1], "caller_gone");
    assert_eq!(call(&ghost, "offers", json!([])).await, "nothing");
    ghost.destruct(std::time::Duration::ZERO).await.expect("ends");
}

/// Says when it is dropped.
struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_given_up_or_too_late_drops_what_it_asked() {
    let daemon = Daemon::start();
    let ghost = worker(&daemon, 1_000).await;
    let (begun, dropped) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let counters = (Arc::clone(&begun), Arc::clone(&dropped));
    let tools = ghost.offer("db", &["search"], move |call| {
        let (begun, dropped) = (Arc::clone(&counters.0), Dropped(Arc::clone(&counters.1)));
        async move {
            let _dropped = dropped;
            begun.fetch_add(1, Ordering::SeqCst);
            answer(call).await
        }
    });
    let tools = tools.await.expect("is offered");
    keep(&ghost, &tools).await;
    // Its deadline passes.
    let late = ghost.call("search", Some("[\"never\"]")).await.expect_err("is never answered");
    assert_eq!(late.code(), "deadline", "{late}");
    until("the handler is dropped", async || dropped.load(Ordering::SeqCst) == 1).await;
    // It is given up: dropped by its caller once the worker asks.
    {
        let mut search = std::pin::pin!(ghost.call("search", Some("[\"never\"]")));
        tokio::select! {
            said = &mut search => panic!("{said:?}"),
            () = async { while begun.load(Ordering::SeqCst) < 2 { tokio::task::yield_now().await } } => {}
        }
    }
    until("the handler is dropped", async || dropped.load(Ordering::SeqCst) == 2).await;
    assert_eq!(call(&ghost, "echo", json!([1])).await, 1);
    ghost.destruct(std::time::Duration::ZERO).await.expect("ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_connection_has_what_was_offered_over_the_last() {
    let daemon = Daemon::start();
    let wishes = Wishes { lease_ms: Some(600_000), call_deadline_ms: Some(20_000), ..Wishes::default() };
    let mut ticket = daemon.spawn_with(WORKER, wishes).await.ticket;
    let relay = Relay::start(&mut ticket).await;
    let ghost = Ghost::connect(&ticket, GhostOptions::default()).await.expect("connects");
    let tools = ghost.offer("tools", &["search"], answer).await.expect("is offered");
    let before = tools.reference().expect("is offered").to_string();
    assert_eq!(call(&ghost, "named", json!(["a"])).await, json!(["search", "a"]));
    let mut events = ghost.events();
    relay.cut();
    while events.next().await.expect("goes on").method != "hauki.reconnected" {}
    assert_eq!(call(&ghost, "named", json!(["b"])).await, json!(["search", "b"]));
    keep(&ghost, &tools).await;
    assert_eq!(call(&ghost, "search", json!(["c"])).await, json!(["search", "c"]));
    assert_ne!(tools.reference().expect("is offered").to_string(), before, "it is the new connection's");
    // Another of the same name takes its place, and is not taken back with the first.
    let other = ghost.offer("tools", &["search"], async |call: CallbackCall| call.answer(&"other"));
    let other = other.await.expect("is offered");
    assert!(tools.reference().is_none());
    drop(tools);
    assert_eq!(call(&ghost, "named", json!(["d"])).await, "other");
    // One that is refused takes no place.
    let odd = ghost.offer("tools", &[""], answer).await.expect_err("is refused");
    assert_eq!(odd.code(), "invalid_params", "{odd}");
    assert_eq!(call(&ghost, "named", json!(["e"])).await, "other");
    drop(other);
    ghost.destruct(std::time::Duration::ZERO).await.expect("ends");
}
