//! Each vault has its own range of user and group ids, so that two vaults are strangers to the
//! kernel even where namespaces do not separate them. Ranges are numbered slots above one base; the
//! driver owns the allocation, and a crash leaves nothing, since ids are not recorded anywhere.

use std::sync::{Arc, Mutex, PoisonError};

/// Ids in one range.
pub const WIDTH: u32 = 65_536;

/// Above every range that Debian or systemd hand out by default.
pub const BASE: u32 = 0x4000_0000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdRange {
    first: u32,
}

impl IdRange {
    #[must_use]
    pub fn first(self) -> u32 {
        self.first
    }
}

/// The slots of one driver.
#[derive(Debug, Clone)]
pub struct Slots {
    base: u32,
    taken: Arc<Mutex<Vec<bool>>>,
}

impl Slots {
    /// `count` ranges from `base` on, fewer if the id space ends before.
    #[must_use]
    pub fn new(base: u32, count: usize) -> Self {
        let room = usize::try_from((u32::MAX - base) / WIDTH).unwrap_or(usize::MAX);
        Self { base, taken: Arc::new(Mutex::new(vec![false; count.min(room)])) }
    }

    #[must_use]
    pub fn limit(&self) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The lowest free slot, until the result is dropped.
    #[must_use]
    pub fn take(&self) -> Option<Slot> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let number = taken.iter().position(|taken| !taken)?;
        taken[number] = true;
        Some(Slot { slots: self.clone(), number })
    }
}

#[derive(Debug)]
pub struct Slot {
    slots: Slots,
    number: usize,
}

impl Slot {
    #[must_use]
    pub fn range(&self) -> IdRange {
        let number = u32::try_from(self.number).expect("slots are bounded by the 32-bit id space");
        IdRange { first: self.slots.base + number * WIDTH }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken[self.number] = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_do_not_overlap_and_come_back() {
        let slots = Slots::new(BASE, 3);
        let taken: Vec<_> = std::iter::from_fn(|| slots.take()).collect();
        let firsts: Vec<_> = taken.iter().map(|slot| slot.range().first()).collect();
        assert_eq!(firsts, [BASE, BASE + WIDTH, BASE + 2 * WIDTH]);
        drop(taken);
        assert_eq!(slots.take().map(|slot| slot.range().first()), Some(BASE));
    }

    #[test]
    fn the_last_range_ends_within_the_id_space() {
        let slots = Slots::new(u32::MAX - 2 * WIDTH, 100);
        assert_eq!(slots.limit(), 2);
    }
}
