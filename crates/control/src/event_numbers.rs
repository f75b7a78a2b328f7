//! Monotonic event numbers: they never fall, also where the clock went back between two starts.
//!
//! Numbers begin at the clock's microseconds. A bound that no number of this life exceeds is in the store, and is
//! raised long before it is reached; the next life begins behind it, or at its clock if that is later. Who raises it
//! does so under the revision that he has seen, and begins behind another's bound: so two cores count in stretches of
//! their own, and no two events have one number.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::dependencies::Dependencies;
use super::events::EventLog;
use super::ledger::{LedgerError, Records, Versioned, encode};
use super::store::{CommitOutcome, Expect, Txn};

const BOUND: &str = "meta/events";

/// More events than there are between two rounds of pruning, which looks at the bound.
const AHEAD: u64 = 1 << 28;

pub(super) struct EventNumbers {
    records: Records,
    events: EventLog,
    /// No event of this core has a number beyond this; nothing as long as it has none of its own.
    stretch: AtomicU64,
}

impl EventNumbers {
    pub(super) fn new(basis: &Dependencies) -> Arc<Self> {
        let (records, events) = (basis.records.clone(), basis.events.clone());
        Arc::new(Self { records, events, stretch: AtomicU64::new(0) })
    }

    /// Before anything is told.
    pub(super) async fn number_events(&self) -> Result<(), LedgerError> {
        while !self.take_stretch().await? {}
        Ok(())
    }

    pub(super) async fn raise_bound(&self) -> Result<(), LedgerError> {
        let own = self.stretch.load(Ordering::SeqCst);
        // Who never took one has none to raise.
        while own > 0 && own < self.events.last().saturating_add(AHEAD / 2) && !self.take_stretch().await? {}
        Ok(())
    }

    /// From here on, or from behind another's, so many numbers are this core's. `false`: another was faster.
    async fn take_stretch(&self) -> Result<bool, LedgerError> {
        let found: Option<Versioned<u64>> = self.records.find(BOUND).await?;
        let (bound, expect) =
            found.map_or((0, Expect::Absent), |found| (found.value, Expect::At(found.revision)));
        let own = self.stretch.load(Ordering::SeqCst);
        if bound != own {
            self.events.begin_after(bound);
        }
        let next = self.events.last().max(own).saturating_add(AHEAD);
        let txn = Txn::when(BOUND, expect).put(BOUND, encode(&next)?);
        match self.records.commit(txn).await? {
            CommitOutcome::Committed { .. } => self.stretch.store(next, Ordering::SeqCst),
            CommitOutcome::Conflict { .. } => return Ok(false),
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::store::MemoryStore;
    use crate::tests::core_over;

    #[tokio::test]
    async fn numbers_never_fall_though_the_clock_went_back() {
        let store = Arc::new(MemoryStore::default());
        let core = core_over(store.clone(), &[], &[]);
        core.number_events().await.expect("numbers");
        // A year ahead, as if the clock were set back after this life.
        let year = 31_536_000_000_000;
        core.basis().events.begin_after(core.basis().events.last() + year);
        core.phases().numbers.raise_bound().await.expect("raises");
        let last = core.basis().events.last();
        let next = core_over(store, &[], &[]);
        assert!(next.basis().events.last() < last, "the clock alone would let them fall");
        next.number_events().await.expect("numbers");
        assert!(next.basis().events.last() > last);
    }

    #[tokio::test]
    async fn two_cores_count_in_stretches_of_their_own() {
        let store = Arc::new(MemoryStore::default());
        let cores = [0, 1].map(|_| core_over(store.clone(), &[], &[]));
        let (one, two) = tokio::join!(cores[0].number_events(), cores[1].number_events());
        one.and(two).expect("numbers");
        let mut stretches = Vec::new();
        for round in 0..4 {
            let core = &cores[round % 2];
            let first = core.basis().events.last();
            // As if so many had happened; the bound is raised long before.
            core.basis().events.begin_after(first + super::AHEAD * 2 / 3);
            stretches.push((first, core.basis().events.last()));
            core.phases().numbers.raise_bound().await.expect("raises");
            assert!(core.basis().events.last() < core.phases().numbers.stretch.load(super::Ordering::SeqCst));
        }
        stretches.sort_unstable();
        assert!(stretches.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{stretches:?}");
    }
}
