//! The one clock: the wall for people and tokens, the monotonic one for leases, and two by which work is measured.
//!
//! A test can hold the first two still in its own thread and move them ([`ManualClock`]); every other thread goes by the
//! kernel's. What is decided by [`now`] or [`mono`] needs no test that sleeps.

#[cfg(feature = "net")]
mod manual;
mod kernel;
#[cfg(feature = "net")]
mod timer;
#[cfg(feature = "net")]
mod times;

pub use kernel::{be_in_time, running_us, thread_ns, unix_us};
#[cfg(feature = "net")]
pub use manual::ManualClock;
#[cfg(feature = "net")]
pub use timer::{alarm, timer_now};
#[cfg(feature = "net")]
pub use times::{mono, now, unix_ms};
