//! Kernel clocks: what they say, and how much later than it was asked for they may wake somebody. Nobody else asks them.

use rustix::time::{ClockId, clock_gettime};

fn read_ns(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec.unsigned_abs())
}

/// Since 1970, by the C library, where tests set the date; nothing before that.
#[cfg(feature = "net")]
#[expect(clippy::disallowed_methods, reason = "this is where everybody else is sent")]
pub(super) fn wall() -> Option<std::time::Duration> {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()
}

/// Microseconds of `CLOCK_BOOTTIME`, which goes on while the machine is suspended.
#[cfg(feature = "net")]
pub(super) fn boot_us() -> u64 {
    read_ns(ClockId::Boottime) / 1_000
}

/// Microseconds on a monotonic clock that stands still while the machine is suspended: for how long something runs.
#[must_use]
pub fn running_us() -> u64 {
    read_ns(ClockId::Monotonic) / 1_000
}

/// Microseconds since 1970, for who has no calendar.
#[must_use]
pub fn unix_us() -> u64 {
    read_ns(ClockId::Realtime) / 1_000
}

/// What this thread has had of the processor so far, in nanoseconds.
#[must_use]
pub fn thread_ns() -> u64 {
    read_ns(ClockId::ThreadCPUTime)
}

/// Timers of this process come when they are asked for, whatever slack it inherited: one that is a second late looks like a
/// pause of the machine, which nobody's lease is judged by. What is started from here has the same; what threads have that there
/// are already stays.
pub fn be_in_time() {
    /// The kernel's own, in nanoseconds.
    const SLACK: libc::c_ulong = 50_000;
    const NOTHING: libc::c_ulong = 0;
    // SAFETY: numbers are asked for and given, of the calling thread.
    unsafe {
        let inherited = libc::prctl(libc::PR_GET_TIMERSLACK, NOTHING, NOTHING, NOTHING, NOTHING);
        if u64::try_from(inherited).is_ok_and(|inherited| inherited > SLACK) {
            libc::prctl(libc::PR_SET_TIMERSLACK, SLACK, NOTHING, NOTHING, NOTHING);
        }
    }
}
