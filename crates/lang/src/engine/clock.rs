//! Clock interface: what the engine asks of the clocks, and when a run of it must end.

use hauki_contract::system::clock;

/// What the preludes ask of the clocks: `now` and `monotonic`, in milliseconds.
#[must_use]
pub fn tell(word: &str) -> Option<String> {
    match word {
        "now" => Some((clock::unix_us() / 1000).to_string()),
        "monotonic" => {
            let now = clock::running_us();
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
        Self { at_us: clock::running_us() }.plus_ms(milliseconds)
    }

    #[must_use]
    pub fn plus_ms(self, milliseconds: u32) -> Self {
        Self { at_us: self.at_us + u64::from(milliseconds) * 1000 }
    }

    /// Zero when it has passed.
    #[must_use]
    pub fn left_us(self) -> u64 {
        self.at_us.saturating_sub(clock::running_us())
    }

    #[must_use]
    pub fn at_us(at_us: u64) -> Self {
        Self { at_us }
    }

    #[must_use]
    pub fn passed(self) -> bool {
        clock::running_us() >= self.at_us
    }
}
