//! Terms, as epochs of leadership are called: which cores work on this store.
//!
//! A core's life has a random name, which stands in the store from its start until somebody who knows that it is over
//! takes it away. What a core has under way (a vault that it makes, a child that is paid for) names its term, so that
//! another one can tell what is being worked on from what a crash has left.
//!
//! That a term is over is not told by a clock. Who holds the lock on the state directory knows that nobody else works
//! on its store, and ends all terms but its own; a quorum's lease will say it of one at a time. A term is noted, not
//! committed: whatever takes it back has ended the core as well.

use std::sync::Arc;

use super::Ledger;
use super::documents::{FORGED_BEFORE, TERM, term_key};
use super::error::LedgerError;
use crate::store::Txn;
use hauki_contract::system::random;

/// Of all.
const MOST: usize = 1000;

pub(super) fn new() -> Arc<str> {
    format!("{:016x}", random::u64()).into()
}

impl Ledger {
    /// Before anything is made. Who is alone on the store ends the terms of all who were there before.
    pub(crate) async fn begin(&self, alone: bool) -> Result<(), LedgerError> {
        let txn = Txn::in_any_case("a term has one core, and who is alone has the state directory's lock");
        let mut txn = txn.put(term_key(&self.term), Vec::new());
        if alone {
            let others = self.records.documents(TERM, None, MOST).await?;
            // Nobody else makes anything either.
            let before = self.records.documents(FORGED_BEFORE, None, MOST).await?;
            let gone = others.into_iter().chain(before).map(|found| found.key);
            txn = txn.delete_each(gone.filter(|key| *key != term_key(&self.term)));
        }
        self.records.note(txn).await.map(drop)
    }

    /// Whether others work on this store beside this core, as far as anybody knows.
    pub(crate) async fn has_others(&self) -> Result<bool, LedgerError> {
        let two = self.records.documents(TERM, None, 2).await?;
        Ok(two.iter().any(|term| term.key != term_key(&self.term)))
    }

    /// By whom something in the queue is held that this core is at.
    pub(crate) fn term(&self) -> &str {
        &self.term
    }

    /// Whether what this term holds is another core's. What a core holds whose term is over is nobody's.
    pub(crate) async fn is_held(&self, term: &str) -> Result<bool, LedgerError> {
        Ok(*term != *self.term && self.works(term).await?)
    }

    /// Whether the core of this term still works on what it has begun.
    pub(super) async fn works(&self, term: &str) -> Result<bool, LedgerError> {
        Ok(*term == *self.term || self.records.is_there(&term_key(term)).await?)
    }
}
