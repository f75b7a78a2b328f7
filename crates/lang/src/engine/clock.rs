//! The clocks of the engine's side. `system::clock` belongs to the networked halves and is not in the init.

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Microseconds on the monotonic clock.
pub(super) fn monotonic_us() -> u64 {
    micros(clock_gettime(ClockId::Monotonic))
}

/// Microseconds since 1970.
fn unix_us() -> u64 {
    micros(clock_gettime(ClockId::Realtime))
}

fn micros(time: Timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds * 1_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0) / 1000
}

/// What the preludes ask of the clocks: `now` and `monotonic`, in milliseconds.
#[must_use]
pub fn tell(word: &str) -> Option<String> {
    match word {
        "now" => Some((unix_us() / 1000).to_string()),
        "monotonic" => {
            let now = monotonic_us();
            Some(format!("{}.{:03}", now / 1000, now % 1000))
        }
        _ => None,
    }
}

/// When a run of the engine must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline {
    at_us: u64,
}

impl Deadline {
    #[must_use]
    pub fn after_ms(milliseconds: u32) -> Self {
        Self { at_us: monotonic_us() }.plus_ms(milliseconds)
    }

    #[must_use]
    pub fn plus_ms(self, milliseconds: u32) -> Self {
        Self { at_us: self.at_us + u64::from(milliseconds) * 1000 }
    }

    /// Zero when it has passed.
    #[must_use]
    pub fn left_us(self) -> u64 {
        self.at_us.saturating_sub(monotonic_us())
    }

    #[must_use]
    pub fn at_us(at_us: u64) -> Self {
        Self { at_us }
    }

    #[must_use]
    pub fn passed(self) -> bool {
        monotonic_us() >= self.at_us
    }
}
