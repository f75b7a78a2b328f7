//! Stopwatch: microseconds between a kill and what follows. The sandbox measures, it never decides by time of
//! day, so it needs no clock that tests could hold still.

use hauki_contract::system::clock;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    us: u64,
}

impl Moment {
    #[must_use]
    pub fn now() -> Self {
        Self { us: clock::running_us() }
    }

    #[must_use]
    pub fn elapsed_us(self) -> u64 {
        Self::now().us.saturating_sub(self.us)
    }
}
