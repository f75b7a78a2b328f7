//! Timers: when one that is set now rings, by the runtime's own clock.
//!
//! It stands still where a test has paused it. What is decided, and what is told, goes by [`mono`](super::mono); this only
//! says to a timer for how long it waits.

use std::time::Duration;

use tokio::time::Instant;

/// As good as never.
const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// Now, as timers have it.
#[must_use]
pub fn timer_now() -> Instant {
    #[allow(clippy::disallowed_methods, reason = "it is asked here")]
    Instant::now()
}

/// In so long.
#[must_use]
pub fn alarm(wait: Duration) -> Instant {
    let now = timer_now();
    now.checked_add(wait).unwrap_or_else(|| now + FAR)
}
