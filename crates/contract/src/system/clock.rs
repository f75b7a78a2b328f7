//! Two clocks: the wall for people and tokens, the monotonic one for leases.

use jiff::Timestamp;
use rustix::time::{ClockId, clock_gettime};

use crate::model::lease::Mono;

#[must_use]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// The node's monotonic clock. `CLOCK_BOOTTIME`, which goes on while the machine is suspended: that it
/// slept can be seen, and a vault's life-time does not stand still.
#[must_use]
pub fn mono() -> Mono {
    let time = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    Mono(seconds * 1_000_000 + nanos / 1_000)
}

/// What this thread has had of the processor so far, in nanoseconds.
#[must_use]
pub fn thread_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

#[must_use]
pub fn unix_ms() -> u64 {
    u64::try_from(now().as_millisecond()).unwrap_or(0)
}
