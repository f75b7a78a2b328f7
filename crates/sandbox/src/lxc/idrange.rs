//! Id ranges of user namespaces: each vault has its own range of user and group ids, so that two vaults are strangers
//! to the kernel even where namespaces do not separate them. Ranges are numbered slots above one base; the driver
//! owns the allocation, and a crash leaves nothing, since ids are not recorded anywhere.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Ids in one range.
pub const WIDTH: u32 = 65_536;

/// Above every range that Debian or systemd hand out by default.
pub const BASE: u32 = hauki_contract::model::config::ID_BASE;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdRange {
    first: u32,
}

impl IdRange {
    #[must_use]
    pub fn first(self) -> u32 {
        self.first
    }

    #[must_use]
    pub fn last(self) -> u32 {
        self.first + (WIDTH - 1)
    }
}

/// The slots of one driver.
#[derive(Debug, Clone)]
pub struct IdSlots {
    base: u32,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    taken: Vec<bool>,
    /// Goes before all others if it is free.
    foreseen: Option<usize>,
}

impl IdSlots {
    /// `count` ranges from `base` on, fewer if the id space ends before.
    #[must_use]
    pub fn new(base: u32, count: usize) -> Self {
        let room = usize::try_from((u32::MAX - base) / WIDTH).unwrap_or(usize::MAX);
        let state = State { taken: vec![false; count.min(room)], foreseen: None };
        Self { base, state: Arc::new(Mutex::new(state)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first and the last id of all ranges.
    #[must_use]
    pub fn span(&self) -> (u32, u32) {
        let count = u32::try_from(self.limit()).unwrap_or(u32::MAX);
        (self.base, self.base + (count * WIDTH).saturating_sub(1))
    }

    #[must_use]
    pub fn limit(&self) -> usize {
        self.state().taken.len()
    }

    /// A free slot, until the result is dropped: the one that was foreseen, or the lowest.
    #[must_use]
    pub fn take(&self) -> Option<IdSlot> {
        let mut state = self.state();
        let foreseen = state.foreseen.take().filter(|number| !state.taken[*number]);
        let number = foreseen.or_else(|| state.lowest())?;
        state.taken[number] = true;
        Some(IdSlot { slots: self.clone(), number })
    }

    /// The slot of this id, until the result is dropped; nothing if it is in none of them, or in one that is taken.
    #[must_use]
    pub fn take_of(&self, id: u32) -> Option<IdSlot> {
        let number = usize::try_from(id.checked_sub(self.base)? / WIDTH).ok()?;
        let mut state = self.state();
        let taken = state.taken.get_mut(number).filter(|taken| !**taken)?;
        *taken = true;
        Some(IdSlot { slots: self.clone(), number })
    }

    /// The range that is likely to be the next that is taken. It belongs to nobody yet.
    #[must_use]
    pub fn foresee(&self) -> Option<IdRange> {
        let mut state = self.state();
        let foreseen = state.foreseen.filter(|number| !state.taken[*number]);
        state.foreseen = foreseen.or_else(|| state.lowest());
        state.foreseen.map(|number| self.range(number))
    }

    fn range(&self, number: usize) -> IdRange {
        let number = u32::try_from(number).expect("slots are bounded by the 32-bit id space");
        IdRange { first: self.base + number * WIDTH }
    }
}

impl State {
    fn lowest(&self) -> Option<usize> {
        self.taken.iter().position(|taken| !taken)
    }
}

#[derive(Debug)]
pub struct IdSlot {
    slots: IdSlots,
    number: usize,
}

impl IdSlot {
    #[must_use]
    pub fn range(&self) -> IdRange {
        self.slots.range(self.number)
    }
}

impl Drop for IdSlot {
    fn drop(&mut self) {
        self.slots.state().taken[self.number] = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_do_not_overlap_and_come_back() {
        let slots = IdSlots::new(BASE, 3);
        let taken: Vec<_> = std::iter::from_fn(|| slots.take()).collect();
        let firsts: Vec<_> = taken.iter().map(|slot| slot.range().first()).collect();
        assert_eq!(firsts, [BASE, BASE + WIDTH, BASE + 2 * WIDTH]);
        drop(taken);
        assert_eq!(slots.take().map(|slot| slot.range().first()), Some(BASE));
    }

    #[test]
    fn what_was_foreseen_comes_next_if_it_is_free() {
        let slots = IdSlots::new(BASE, 3);
        let first = slots.take().expect("is free");
        let foreseen = slots.foresee();
        assert_eq!(foreseen.map(IdRange::first), Some(BASE + WIDTH));
        drop(first);
        assert_eq!(slots.foresee(), foreseen, "although a lower one came back");
        let second = slots.take().expect("is free");
        assert_eq!(Some(second.range()), foreseen);
        assert_eq!(slots.take().map(|slot| slot.range().first()), Some(BASE));
        let both: Vec<_> = std::iter::from_fn(|| slots.take()).collect();
        assert_eq!((both.len(), slots.foresee()), (2, None), "all are taken");
    }

    #[test]
    fn the_last_range_ends_within_the_id_space() {
        let slots = IdSlots::new(u32::MAX - 2 * WIDTH, 100);
        assert_eq!(slots.limit(), 2);
    }

    #[test]
    fn ids_that_somebody_still_has_are_nobody_elses() {
        let slots = IdSlots::new(BASE, 2);
        assert!(slots.take_of(BASE - 1).is_none() && slots.take_of(BASE + 2 * WIDTH).is_none());
        let held = slots.take_of(BASE + 7).expect("is in the first");
        assert!(slots.take_of(BASE + 8).is_none(), "it is taken");
        assert_eq!(slots.take().map(|slot| slot.range().first()), Some(BASE + WIDTH));
        drop(held);
        assert_eq!(slots.take().map(|slot| slot.range().first()), Some(BASE));
    }
}
