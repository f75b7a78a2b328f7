//! Cancellation: ending a script from outside, whatever it is doing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// Why a script must end without having come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// It called `exit`.
    Exit(u8),
    Interrupted,
    Terminated,
    HungUp,
    TimedOut(Duration),
    /// Nobody reads what it prints.
    Unheard,
}

/// Shared by whoever may end a script and the script. Cancelled once, it holds until it is released.
#[derive(Debug, Clone, Default)]
pub struct CancelHandle {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The engine asks often, and only this.
    cancelled: AtomicBool,
    why: Mutex<Option<Stop>>,
    woken: Notify,
}

impl CancelHandle {
    /// The first reason stands.
    pub fn cancel(&self, why: Stop) {
        self.inner.why.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
        self.inner.cancelled.store(true, Ordering::Release);
        self.inner.woken.notify_waiters();
    }

    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.inner.cancelled.load(Ordering::Acquire)
    }

    /// The reason, which is forgotten: the next statement runs.
    pub fn release(&self) -> Option<Stop> {
        let why = self.inner.why.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.inner.cancelled.store(false, Ordering::Release);
        why
    }

    /// Waits until it is cancelled.
    pub(super) async fn cancelled(&self) {
        let woken = self.inner.woken.notified();
        let mut woken = std::pin::pin!(woken);
        // Listening first: a cancellation in between is either seen by the look or wakes us.
        woken.as_mut().enable();
        if !self.is_cancelled() {
            woken.await;
        }
    }
}
