//! Token bucket, in processor time: how much the node does for a vault that nobody asked of it.
//!
//! What a worker prints, emits, calls out and asks of others costs the vault next to nothing to send and the
//! node much more to pass on. So what its shard has spent on such frames is measured, and a vault may spend a
//! tenth of the processor time that its limit gives it. Beyond that the supervisor does not read its channel for a while: the vault
//! waits on its own socket, in its own cgroup, and nobody else does. Answers to calls have no price here: they
//! are asked for by callers, whose own bounds hold.

use std::time::Duration;

use hauki_contract::model::lease::Mono;
use hauki_contract::rpc::channel::MAX_LINE;

/// Of a tenth of one core: as many nanoseconds come back in a microsecond as the limit has percent.
const MOST_PERCENT: u32 = 200;

/// What is spared is not more than so much time brings, and neither is what is owed.
const SPARE_US: u64 = 1_000_000;

/// A pause is worth at least so much time, so that waking up is not what costs most.
const SLICE_US: u64 = 10_000;

/// What other threads spend on a frame that is passed on, and on each KiB of it: its way to the core is not
/// measured.
const FRAME_NS: u64 = 1_000;
const KIB_NS: u64 = 500;

/// More callers who hear of it cost no more: whoever has a ticket could silence the vault by connecting.
const MOST_PAID: u64 = 9;

/// What a vault pays of what was spent on so many, for each of whom as much was.
#[must_use]
pub(crate) fn paid(spent_ns: u64, heard_by: usize) -> u64 {
    let all = (heard_by as u64).max(1);
    if all <= MOST_PAID { spent_ns } else { spent_ns.saturating_mul(MOST_PAID) / all }
}

/// What it asks of other vaults is work that it wants done, and may cost the node as much as its whole limit and not a
/// tenth of that: at two gates, which spend alike, and of which one is measured.
const ASKED: u64 = 10 / 2;

pub struct TokenBucket {
    rate: u64,
    balance_ns: i64,
    at: Mono,
    said: u64,
}

impl TokenBucket {
    #[must_use]
    pub fn new(cpu_percent: u32, now: Mono) -> Self {
        let rate = u64::from(cpu_percent.clamp(1, MOST_PERCENT));
        Self { rate, balance_ns: signed(rate * SPARE_US), at: now, said: 0 }
    }

    /// A frame of so many bytes has come that nobody asked for.
    pub fn came(&mut self, bytes: usize) {
        self.said = self.said.saturating_add(bytes.min(MAX_LINE) as u64);
        self.spend(FRAME_NS + bytes as u64 * KIB_NS / 1024);
    }

    /// So much was spent on what has come.
    pub fn spend(&mut self, ns: u64) {
        let least = -signed(self.rate * SPARE_US);
        self.balance_ns = self.balance_ns.saturating_sub(signed(ns)).max(least);
    }

    /// So much was spent on carrying what it asks of others.
    pub fn asks(&mut self, ns: u64) {
        self.spend(ns / ASKED);
    }

    /// All bytes so far; a frame that is longer than a line counts as one, since the socket need not hold it.
    #[must_use]
    pub fn said(&self) -> u64 {
        self.said
    }

    /// How long to wait before the next; `None` if there is something left.
    pub fn pause(&mut self, now: impl FnOnce() -> Mono) -> Option<Duration> {
        // Nearly always: no call needs to know what time it is.
        if self.balance_ns >= 0 {
            return None;
        }
        let now = now();
        let earned = signed(self.rate.saturating_mul(now.since(self.at)));
        self.at = now;
        self.balance_ns = self.balance_ns.saturating_add(earned).min(signed(self.rate * SPARE_US));
        let owed = u64::try_from(-self.balance_ns).ok().filter(|owed| *owed > 0)?;
        Some(Duration::from_micros(owed / self.rate + SLICE_US))
    }
}

fn signed(ns: u64) -> i64 {
    i64::try_from(ns).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many empty frames are read within so many seconds by who keeps to the pauses, if each costs so much.
    fn read(allowance: &mut TokenBucket, seconds: u64, bytes: usize, cost_ns: u64) -> u64 {
        let (mut now, mut count) = (Mono(0), 0);
        while now.0 < seconds * 1_000_000 {
            match allowance.pause(|| now) {
                Some(pause) => now = now.plus_ms(u64::try_from(pause.as_millis()).expect("is short") + 1),
                None => {
                    allowance.came(bytes);
                    allowance.spend(cost_ns);
                    count += 1;
                }
            }
        }
        count
    }

    #[test]
    fn frames_are_paid_for_out_of_the_vaults_own_processor_limit() {
        // A second's worth at once, and then what comes back: a tenth of 5 percent, at 4 us each.
        let small = read(&mut TokenBucket::new(5, Mono(0)), 10, 0, 3_000);
        assert!((12_000..=14_500).contains(&small), "{small}");
        let whole = read(&mut TokenBucket::new(100, Mono(0)), 10, 0, 3_000);
        assert!((18 * small..=22 * small).contains(&whole), "{whole}");
        let dear = read(&mut TokenBucket::new(100, Mono(0)), 10, 0, 39_000);
        assert!((whole / 11..=whole / 9).contains(&dear), "{dear}");
        let long = read(&mut TokenBucket::new(100, Mono(0)), 10, 16 * 1024, 3_000);
        assert!((whole / 4..=whole / 2).contains(&long), "{long}");
    }

    #[test]
    fn what_it_asks_of_others_costs_two_gates_as_much_as_the_vaults_own_limit() {
        let (mut allowance, mut now, mut spent_us) = (TokenBucket::new(5, Mono(0)), Mono(0), 0);
        while now.0 < 10_000_000 {
            match allowance.pause(|| now) {
                Some(pause) => now = Mono(now.0 + u64::try_from(pause.as_micros()).expect("is short")),
                None => {
                    allowance.asks(100_000);
                    spent_us += 2 * 100;
                }
            }
        }
        // Five percent, and a second's worth ahead.
        assert!((500_000..=560_000).contains(&spent_us), "{spent_us}");
    }

    #[test]
    fn idle_callers_cannot_silence_it() {
        // What it pays altogether, where each who hears of it costs as much.
        let whole = |callers: usize| callers as u64 * paid(1_000_000, callers);
        assert_eq!([0, 1, 5, 9, 10, 60, 64].map(whole), [0, 1, 5, 9, 9, 9, 9].map(|paid| paid * 1_000_000));
        assert_eq!(paid(u64::MAX, 64), u64::MAX / 64);
    }

    #[test]
    fn one_giant_is_paid_for_in_a_second_and_what_is_saved_is_bounded() {
        let mut allowance = TokenBucket::new(1, Mono(0));
        allowance.came(usize::MAX / 2048);
        allowance.spend(u64::MAX);
        let pause = allowance.pause(|| Mono(0)).expect("is owed");
        assert!(pause <= Duration::from_millis(1_010), "{pause:?}");
        assert_eq!(allowance.pause(|| Mono(0).plus_ms(1_011)), None);
        let mut rested = TokenBucket::new(1, Mono(0));
        assert_eq!(rested.pause(|| Mono(0).plus_ms(3_600_000)), None);
        assert!(read(&mut rested, 0, 0, 0) == 0);
        rested.spend(1_004_000);
        assert_eq!(rested.pause(|| Mono(0).plus_ms(3_600_000)), None);
        rested.spend(1_004_000);
        assert!(rested.pause(|| Mono(0).plus_ms(3_600_000)).is_some(), "an hour is worth a second");
    }
}
