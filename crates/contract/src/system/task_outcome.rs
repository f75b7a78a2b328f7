//! Task outcome: how a standing task ends by itself, and what of that is a fault: a panic, or an error that it returns.
//!
//! In builds with debug assertions a fault comes when it is ordered, too: `HAUKI_TEST_FAULT` names a file, and the task
//! whose name is written there panics where it waits, once. So a test sees from outside what a daemon that runs does
//! about it. Release builds have nothing of that.

use std::any::Any;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

pub trait TaskOutcome {
    fn fault(self) -> Option<String>;
}

impl TaskOutcome for () {
    fn fault(self) -> Option<String> {
        None
    }
}

impl<E: Error> TaskOutcome for Result<(), E> {
    fn fault(self) -> Option<String> {
        self.err().map(|error| error.to_string())
    }
}

/// Why it ended, if that is a fault.
pub(super) async fn caught<F: Future<Output: TaskOutcome>>(name: &'static str, work: F) -> Option<String> {
    let (mut work, mut ordered) = (pin!(work), pin!(ordered(name)));
    let ended = std::future::poll_fn(|cx| {
        // What it held is dropped with it, and what it shares is behind locks that outlive a panic.
        let polled = catch_unwind(AssertUnwindSafe(|| {
            assert!(ordered.as_mut().poll(cx).is_pending(), "as was ordered");
            work.as_mut().poll(cx)
        }));
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(ended)) => Poll::Ready(ended.fault()),
            Err(panic) => Poll::Ready(Some(format!("it panicked: {}", words(&*panic)))),
        }
    });
    ended.await
}

#[cfg(debug_assertions)]
async fn ordered(name: &'static str) {
    const LOOK: std::time::Duration = std::time::Duration::from_millis(50);
    let Some(order) = std::env::var_os("HAUKI_TEST_FAULT") else { return std::future::pending().await };
    // Whoever is meant takes the order away.
    while !std::fs::read(&order).is_ok_and(|meant| meant == name.as_bytes())
        || std::fs::remove_file(&order).is_err()
    {
        tokio::time::sleep(LOOK).await;
    }
}

#[cfg(not(debug_assertions))]
fn ordered(_: &'static str) -> std::future::Pending<()> {
    std::future::pending()
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word")
}
