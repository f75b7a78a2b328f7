//! The main job on a real daemon with real vaults, through the library.

#[path = "support/daemon.rs"]
mod daemon;

use std::time::Duration;

use daemon::Daemon;
use hauki::api::ErrorCode;
use hauki::api::teardown::DestructQuery;
use hauki::client::ghost::{Ghost, Options};
use hauki::model::death::Cause;
use hauki::model::phase::Phase;

const COUNTER: &str = "var n = 0; function add(x) { n += x; return n; } function boom() { throw new Error('ouch'); }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_is_summoned_called_and_destructed() {
    let daemon = Daemon::start();
    let endpoint = daemon.endpoint();
    let spawned = daemon.spawn(COUNTER).await;
    assert_eq!(spawned.vault.methods, ["add", "boom"]);
    let ghost = Ghost::connect(&spawned.ticket, Options::default()).await.expect("connects");
    assert_eq!(ghost.call_typed::<i64>("add", &[40]).await.expect("answers"), 40);
    assert_eq!(ghost.call_typed::<i64>("add", &[2]).await.expect("answers"), 42);
    let seen = endpoint.vault(&spawned.vault.id).await.expect("is known");
    assert_eq!((seen.phase, seen.vitals.expect("lives").calls), (Phase::Live, 2));
    let torn = endpoint.destruct(&spawned.vault.id, &DestructQuery::default()).await.expect("destructs");
    let receipt = torn.receipt.expect("a receipt");
    assert!(receipt.is_clean(), "{receipt:?}");
    assert_eq!((receipt.death.cause, receipt.calls, torn.changed), (Cause::Destruct, 2, true));
    let again = endpoint.destruct(&spawned.vault.id, &DestructQuery::default()).await.expect("is idempotent");
    assert!(!again.changed);
    let error = tokio::time::timeout(Duration::from_secs(5), ghost.call("add", Some("[1]"))).await.expect("does not hang");
    assert!(error.is_err());
    assert_eq!(daemon.leftovers(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_syntax_error_is_told_with_its_place_and_leaves_nothing() {
    let daemon = Daemon::start();
    let request = daemon::spawning("function f() {\n  var a = ;\n}\n", Default::default());
    let error = daemon.endpoint().spawn(&request).await.expect_err("does not parse");
    let error = error.api().expect("the core's word");
    assert_eq!(error.code, ErrorCode::BadSource);
    assert_eq!(error.worker.as_ref().expect("the worker's error").line, Some(2));
    assert_eq!(daemon.leftovers(), Vec::<String>::new());
}
