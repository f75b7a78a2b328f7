//! That events' numbers never fall, also where the clock went back between two starts.
//!
//! Numbers begin at the clock's microseconds. A bound that no number of this life exceeds is in the store, and is
//! raised long before it is reached; the next life begins behind it, or at its clock if that is later.

use super::ledger::encode;
use super::service::Core;
use super::store::Txn;
use hauki_contract::api::ApiError;

const BOUND: &str = "meta/events";

/// More events than there are between two rounds of pruning, which looks at the bound.
const AHEAD: u64 = 1 << 28;

impl Core {
    /// Before anything is told.
    pub async fn number_events(&self) -> Result<(), ApiError> {
        if let Some(bound) = self.records.find::<u64>(BOUND).await? {
            self.events.begin_after(bound.value);
        }
        self.write_bound().await
    }

    pub(super) async fn raise_bound(&self) -> Result<(), ApiError> {
        let bound = self.records.find::<u64>(BOUND).await?.map(|bound| bound.value);
        match bound.is_some_and(|bound| bound < self.events.last().saturating_add(AHEAD / 2)) {
            true => self.write_bound().await,
            false => Ok(()),
        }
    }

    async fn write_bound(&self) -> Result<(), ApiError> {
        let bound = self.events.last().saturating_add(AHEAD);
        let _ = self.records.commit(Txn::default().put(BOUND, encode(&bound)?)).await?;
        Ok(())
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
        core.events.begin_after(core.events.last() + year);
        core.raise_bound().await.expect("raises");
        let last = core.events.last();
        let next = core_over(store, &[], &[]);
        assert!(next.events.last() < last, "the clock alone would let them fall");
        next.number_events().await.expect("numbers");
        assert!(next.events.last() > last);
    }
}
