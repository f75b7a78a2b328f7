//! The ledger: the only writer of vaults, tombstones, names, keys and budgets.
//!
//! ```text
//!   phases --> Ledger: record, open, claim, bury, post, spend, ... --> Records --> store
//!                 '-- VaultRecord: one event of model::phase         '-- Quarantine, of what cannot be read
//! ```
//! Each operation is one transaction of the store and, where a vault is concerned, one event of its state machine, so
//! between any two there is a moment at which everything on record is true. An operation looks, decides and commits
//! under the revision that it has seen, and looks again where somebody was faster; so it is right with another core on
//! the same store as well. It tells nobody and asks no node: that is done by who calls it, after it has answered.
//! Everybody may read ([`Records`]), and what the ledger does not keep (summons, the queue, gems, nodes) others write
//! through the same door, which refuses the rest. A crash leaves what was committed, and nothing half.

mod anti_affinity;
mod quarantine;
mod documents;
mod error;
mod family;
mod forging;
mod idempotency_keys;
mod names;
mod record;
mod recovery;
mod term;
mod vault;
mod vaults;

pub(crate) use anti_affinity::AntiAffinity;
pub(crate) use documents::*;
pub(crate) use error::LedgerError;
pub(crate) use family::{Budget, Paid};
pub(crate) use forging::Noted;
pub(crate) use idempotency_keys::Posting;
pub(crate) use quarantine::{ASIDE, since};
pub(crate) use record::{Records, Versioned, encode, owner_of};
pub(crate) use vault::GENERATION;
pub(crate) use vault::VaultRecord;
pub(crate) use vaults::{Burial, Made};

use std::sync::Arc;

#[derive(Clone)]
pub(crate) struct Ledger {
    records: Records,
    /// Of the core that this ledger belongs to.
    term: Arc<str>,
}

impl Ledger {
    #[must_use]
    pub(crate) fn new(records: Records) -> Self {
        Self { records, term: term::new() }
    }

    /// As a test wants it.
    #[cfg(test)]
    pub(crate) async fn rewrite<T: serde::Serialize>(
        &self,
        found: &Versioned<T>,
    ) -> Result<bool, LedgerError> {
        Ok(matches!(self.records.write(found.anew()?).await?, crate::store::CommitOutcome::Committed { .. }))
    }
}
