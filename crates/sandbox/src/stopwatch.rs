//! Microseconds between a kill and what follows. The sandbox measures, it never decides by time of
//! day, so it needs no clock that tests could hold still.

use rustix::time::{ClockId, clock_gettime};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    us: u64,
}

impl Moment {
    #[must_use]
    pub fn now() -> Self {
        let now = clock_gettime(ClockId::Monotonic);
        // The monotonic clock counts up from boot, so neither part is negative.
        Self { us: now.tv_sec.unsigned_abs() * 1_000_000 + now.tv_nsec.unsigned_abs() / 1_000 }
    }

    #[must_use]
    pub fn elapsed_us(self) -> u64 {
        Self::now().us.saturating_sub(self.us)
    }
}
