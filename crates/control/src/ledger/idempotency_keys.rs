//! Idempotency keys on record, and what one transaction writes together with one.

use jiff::Timestamp;

use super::Ledger;
use super::documents::{AGED, KeyRecord, TOMB, aged_key};
use super::error::LedgerError;
use super::family::Paid;
use super::record::{Versioned, encode, refuse_foreign};
use crate::store::{CommitOutcome, Document, Expect, Txn};

/// What is written together with a vault, or with the answer that a key brings back.
#[derive(Debug, Clone, Default)]
pub(crate) struct Posting(Option<Txn>);

impl Posting {
    /// What others keep (a summons, an entry of the queue), under the revisions that they have seen.
    pub(crate) fn with(others: Txn) -> Result<Self, LedgerError> {
        refuse_foreign(&others)?;
        Ok(Self(Some(others)))
    }

    /// What the key was used for, unless somebody else has used it meanwhile.
    pub(crate) fn key(self, document: &str, expect: Expect, record: &KeyRecord) -> Result<Self, LedgerError> {
        let txn = Txn::when(document, expect).put(document, encode(record)?);
        Ok(self.and(txn.put(aged_key(record.at, document), Vec::new())))
    }

    /// The child is made that was paid for, if nobody else has the loan by now.
    pub(crate) fn paid(self, paid: &Paid) -> Self {
        self.and(Txn::when(paid.loan.as_str(), Expect::At(paid.revision)).delete(paid.loan.as_str()))
    }

    pub(super) fn and(self, more: Txn) -> Self {
        Self(Some(self.join(more)))
    }

    /// One transaction of both.
    pub(super) fn join(self, more: Txn) -> Txn {
        match self.0 {
            Some(txn) => txn.and(more),
            None => more,
        }
    }
}

impl Ledger {
    /// Where no vault is made. `false`: somebody else used the key meanwhile.
    pub(crate) async fn post(&self, posting: Posting) -> Result<bool, LedgerError> {
        let Some(txn) = posting.0 else { return Ok(true) };
        Ok(matches!(self.records.write(txn).await?, CommitOutcome::Committed { .. }))
    }

    /// A key is not kept any more, unless somebody uses it again now; that one dates it anew.
    pub(crate) async fn forget_key(
        &self,
        dated: &Document,
        key: Option<&Versioned<KeyRecord>>,
    ) -> Result<(), LedgerError> {
        let txn = match key {
            Some(key) => as_dated(dated).and(key.gone()),
            None => as_dated(dated),
        };
        self.records.write(txn).await.map(drop)
    }

    /// It is looked at again when it would be old had it been used at that time.
    pub(crate) async fn redate_key(
        &self,
        dated: &Document,
        key: &str,
        used: Timestamp,
    ) -> Result<(), LedgerError> {
        let txn = as_dated(dated).put(aged_key(used, key), Vec::new());
        self.records.write(txn).await.map(drop)
    }

    /// Whether the keys of earlier versions have their dates.
    pub(crate) async fn keys_are_dated(&self) -> Result<bool, LedgerError> {
        self.records.is_there(&all_dated()).await
    }

    /// Dates these, which are the last or not.
    pub(crate) async fn date_keys(
        &self,
        page: &[Versioned<KeyRecord>],
        are_last: bool,
    ) -> Result<(), LedgerError> {
        let dated = |txn: Txn, found: &Versioned<KeyRecord>| {
            txn.put(aged_key(found.value.at, &found.key), Vec::new())
        };
        let txn = Txn::in_any_case("a date says only when its key is to be looked at");
        let txn = page.iter().fold(txn, dated);
        let txn = if are_last { txn.put(all_dated(), Vec::new()) } else { txn };
        self.records.write(txn).await.map(drop)
    }

    /// Tombstones that are kept no longer.
    pub(crate) async fn forget_tombs(&self, keys: &[String]) -> Result<(), LedgerError> {
        let foreign = keys.iter().find(|key| !key.starts_with(TOMB));
        if let Some(key) = foreign {
            return Err(LedgerError::NoTomb { key: key.clone() });
        }
        let txn = Txn::in_any_case("a tombstone is written once, and never anew");
        self.records.write(txn.delete_each(keys.iter().cloned())).await.map(drop)
    }
}

/// A date is taken away, if nobody was faster.
fn as_dated(dated: &Document) -> Txn {
    Txn::when(dated.key.as_str(), Expect::At(dated.revision)).delete(dated.key.as_str())
}

fn all_dated() -> String {
    format!("{AGED}dated")
}
