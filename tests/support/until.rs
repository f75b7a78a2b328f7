//! Waiting for what will come, but not for ever: a product that is wrong fails its test instead of hanging it.

#![allow(dead_code, reason = "not every test target uses all of it")]

use std::time::Duration;

use hauki_contract::system::clock;

/// Longer than anything takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Looks again and again until it is so.
pub(crate) async fn until(what: &str, mut look: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !look().await {
            tokio::task::yield_now().await;
        }
    };
    bounded(what, looking).await;
}

/// Whatever it is, it ends.
pub(crate) async fn bounded<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

/// Says past the harness, which keeps the words of a test that passes, that it or its rest cannot run here.
/// `tests/limit.py` repeats it at the end.
pub(crate) fn not_run(why: &str) {
    let thread = std::thread::current();
    let line = format!("NOT RUN: {}: {why}\n", thread.name().unwrap_or("a test"));
    std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).expect("is open");
}

/// As [`until`], outside of a runtime.
pub(crate) fn until_so(what: &str, mut look: impl FnMut() -> bool) {
    let began = clock::mono();
    while !look() {
        assert!(u128::from(clock::mono().since(began)) < PATIENCE.as_micros(), "waited in vain: {what}");
        std::thread::yield_now();
    }
}
