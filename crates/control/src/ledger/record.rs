//! Repository: the store, seen as records; what everybody reads, and the door through which others than the ledger
//! write.

use std::sync::{Arc, Mutex, PoisonError};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::documents::{
    AGED, APART, BUDGET, FORGING, KEY, LOAN, NAME, TERM, TOMB, VAULT, tomb_key, vault_key,
};
use super::error::LedgerError;
use super::quarantine::{Quarantine, damaged};
use super::vault::VaultRecord;
use crate::store::{CommitOutcome, Document, Expect, Revision, Size, Store, Txn};
use hauki_contract::model::error_chain::told;
use hauki_contract::model::id::VaultId;

const PAGE: usize = 500;

/// What only the ledger writes. That is held by [`Records::commit`], and by the compiler as far as it can be: nobody
/// else can make a [`VaultRecord`] or change one.
const OWN: &[&str] = &[VAULT, TOMB, NAME, KEY, AGED, BUDGET, LOAN, FORGING, TERM, APART];

/// Refuses what would write past the ledger. It may look at anything.
pub(super) fn refuse_foreign(txn: &Txn) -> Result<(), LedgerError> {
    let mut own = txn.written().filter(|key| OWN.iter().any(|prefix| key.starts_with(prefix)));
    match own.next() {
        None => Ok(()),
        Some(key) => Err(LedgerError::Foreign { key: key.to_owned() }),
    }
}

#[derive(Debug, Clone)]
pub struct Versioned<T> {
    pub key: String,
    pub value: T,
    pub revision: Revision,
}

impl<T: Serialize> Versioned<T> {
    /// Written over, if it is still the one that was read.
    pub(super) fn anew(&self) -> Result<Txn, LedgerError> {
        Ok(self.still().put(self.key.as_str(), encode(&self.value)?))
    }
}

impl<T> Versioned<T> {
    /// Goes ahead if it is still the one that was read.
    pub(crate) fn still(&self) -> Txn {
        Txn::when(self.key.as_str(), Expect::At(self.revision))
    }

    /// Taken away, if it is still the one that was read.
    pub(crate) fn gone(&self) -> Txn {
        self.still().delete(self.key.as_str())
    }
}

/// The store, seen as records. What cannot be read is set aside and stops nothing else (`Quarantine`).
#[derive(Clone)]
pub struct Records {
    store: Arc<dyn Store>,
    aside: Arc<Quarantine>,
    /// Why the last commit was none, while it is the last.
    failing: Arc<Mutex<Option<String>>>,
}

pub(crate) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, LedgerError> {
    Ok(crate::user_limits::aside(|| serde_json::to_vec(value))?)
}

/// A record, or its document and why that is none.
fn decode<T: DeserializeOwned>(document: Document) -> Result<Versioned<T>, (Document, String)> {
    if !document.intact {
        return Err((document, "its checksum is another".into()));
    }
    match serde_json::from_slice(&document.value) {
        Ok(value) => Ok(Versioned { key: document.key, value, revision: document.revision }),
        Err(error) => Err((document, error.to_string())),
    }
}

/// Whose vault a document is of, without reading the rest of it; nothing if that cannot be told.
pub(crate) fn owner_of(document: &Document) -> Option<Option<u32>> {
    #[derive(Deserialize)]
    struct Record {
        vault: Owned,
    }
    #[derive(Deserialize)]
    struct Owned {
        #[serde(default)]
        owner: Option<u32>,
    }
    serde_json::from_slice(&document.value).ok().map(|record: Record| record.vault.owner)
}

impl Records {
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, aside: Arc::default(), failing: Arc::default() }
    }

    pub(super) fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    pub(crate) fn aside(&self) -> &Quarantine {
        &self.aside
    }

    /// A document that is no record. One that was set aside is an error and not an absence.
    pub async fn raw(&self, key: &str) -> Result<Option<Document>, LedgerError> {
        match self.look_up(key).await? {
            Some(document) if !document.intact => {
                self.set_aside(&document, "its checksum is another").await?;
                Err(damaged(key))
            }
            Some(document) => Ok(Some(document)),
            None => self.absent(key).await,
        }
    }

    /// A record. One that cannot be read is an error and not an absence: an idempotency key must not be used
    /// twice, and a name must not be given twice, because what stood there is damaged.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<Versioned<T>>, LedgerError> {
        match self.get_to_take(key).await? {
            Some(found) => Ok(Some(found)),
            None => self.absent(key).await,
        }
    }

    /// As [`Records::get`], for who takes the key if it is free: what another core has set aside there stops him at his
    /// commit, so he need not ask for it here.
    pub(crate) async fn get_to_take<T: DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Option<Versioned<T>>, LedgerError> {
        match self.look_up(key).await?.map(decode).transpose() {
            Ok(Some(found)) => Ok(Some(found)),
            Ok(None) if self.aside().knows(key) => self.absent(key).await,
            Ok(None) => Ok(None),
            Err((document, why)) => {
                self.set_aside(&document, &why).await?;
                Err(damaged(key))
            }
        }
    }

    /// A record, for who goes on with others: one that cannot be read is none.
    pub async fn find<T: DeserializeOwned>(&self, key: &str) -> Result<Option<Versioned<T>>, LedgerError> {
        match self.look_up(key).await?.map(decode).transpose() {
            Ok(found) => Ok(found),
            Err((document, why)) => self.set_aside(&document, &why).await.map(|()| None),
        }
    }

    /// Nothing stands under the key, nor aside.
    async fn absent<T>(&self, key: &str) -> Result<Option<T>, LedgerError> {
        match self.stands_aside(key).await? {
            true => Err(damaged(key)),
            false => Ok(None),
        }
    }

    /// Whether something stands there, though it may not be readable.
    pub async fn is_there(&self, key: &str) -> Result<bool, LedgerError> {
        Ok(self.look_up(key).await?.is_some() || self.stands_aside(key).await?)
    }

    /// The next of them that can be read, and whether these are the last.
    pub async fn page<T: DeserializeOwned>(
        &self,
        prefix: &str,
        after: Option<&str>,
        most: usize,
    ) -> Result<(Vec<Versioned<T>>, Option<String>), LedgerError> {
        self.page_that(prefix, after, most, |_| true).await
    }

    /// Of the documents that may be read.
    async fn page_that<T: DeserializeOwned>(
        &self,
        prefix: &str,
        after: Option<&str>,
        most: usize,
        may: impl Fn(&Document) -> bool,
    ) -> Result<(Vec<Versioned<T>>, Option<String>), LedgerError> {
        let documents = self.store.list(prefix, after, most).await?;
        let next = documents.last().filter(|_| documents.len() == most).map(|last| last.key.clone());
        let mut page = Vec::new();
        for document in documents.into_iter().filter(may) {
            match decode(document) {
                Ok(found) => page.push(found),
                Err((document, why)) => self.set_aside(&document, &why).await?,
            }
        }
        Ok((page, next))
    }

    pub async fn all<T: DeserializeOwned>(&self, prefix: &str) -> Result<Vec<Versioned<T>>, LedgerError> {
        self.all_that(prefix, |_| true).await
    }

    /// The others are let go page by page.
    pub async fn all_that<T: DeserializeOwned>(
        &self,
        prefix: &str,
        fits: impl Fn(&T) -> bool,
    ) -> Result<Vec<Versioned<T>>, LedgerError> {
        self.select(prefix, |_| true, fits).await
    }

    /// This user's vaults, or everybody's. Of what is others' only the owner is read.
    pub(crate) async fn vaults_of(
        &self,
        prefix: &str,
        only: Option<u32>,
    ) -> Result<Vec<Versioned<VaultRecord>>, LedgerError> {
        // What does not say whose it is may be damaged, and is found to be.
        let may =
            |document: &Document| only.is_none() || owner_of(document).is_none_or(|owner| owner == only);
        self.select(prefix, may, |record: &VaultRecord| only.is_none() || record.vault().owner == only).await
    }

    async fn select<T: DeserializeOwned>(
        &self,
        prefix: &str,
        may: impl Fn(&Document) -> bool,
        fits: impl Fn(&T) -> bool,
    ) -> Result<Vec<Versioned<T>>, LedgerError> {
        let (mut all, mut next) = self.page_that(prefix, None, PAGE, &may).await?;
        all.retain(|found| fits(&found.value));
        while let Some(after) = next {
            let (page, more) = self.page_that(prefix, Some(&after), PAGE, &may).await?;
            all.extend(page.into_iter().filter(|found| fits(&found.value)));
            next = more;
        }
        Ok(all)
    }

    /// One document. Whoever asks for many gives way to others now and then, though none is waited for.
    async fn look_up(&self, key: &str) -> Result<Option<Document>, LedgerError> {
        tokio::task::consume_budget().await;
        Ok(self.store.get(key).await?)
    }

    pub async fn size(&self, prefix: &str) -> Result<Size, LedgerError> {
        Ok(self.store.size(prefix).await?)
    }

    /// Documents as they are, whether or not they can be read.
    pub async fn documents(
        &self,
        prefix: &str,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<Document>, LedgerError> {
        Ok(self.store.list(prefix, after, most).await?)
    }

    /// What the store was suspected of when it was opened.
    pub fn suspicion(&self) -> Option<&'static str> {
        self.store.suspicion()
    }

    /// Nothing is committed after this.
    pub async fn close(&self) -> Result<(), LedgerError> {
        Ok(self.store.close().await?)
    }

    /// For those who keep something else than the ledger does: what is the ledger's only the ledger writes.
    pub async fn commit(&self, txn: Txn) -> Result<CommitOutcome, LedgerError> {
        refuse_foreign(&txn)?;
        self.write(txn).await
    }

    pub(super) async fn write(&self, txn: Txn) -> Result<CommitOutcome, LedgerError> {
        let (txn, gone) = self.whole(txn);
        self.told(self.mend(txn).await?, &gone)
    }

    /// As [`Records::write`], for who knows what stands aside and says what becomes of that.
    pub(super) async fn mend(&self, txn: Txn) -> Result<CommitOutcome, LedgerError> {
        let outcome = self.store.commit(txn).await;
        let why = outcome.as_ref().err().filter(|error| !error.may_be_retried()).map(|error| told(error));
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = why;
        Ok(outcome?)
    }

    /// A file system that turned read-only under the daemon says so to who writes, and to nobody who looks.
    pub fn failing(&self) -> Option<String> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// As [`Records::write`], and nobody waits for a flush.
    pub(super) async fn note(&self, txn: Txn) -> Result<CommitOutcome, LedgerError> {
        let (txn, gone) = self.whole(txn);
        self.told(self.store.note(txn).await?, &gone)
    }

    /// What was set aside so long ago that nobody will look at it. A record that was made anew stays.
    pub async fn forget_aside_of(&self, document: &Document) -> Result<(), LedgerError> {
        let still = Txn::when(document.key.as_str(), Expect::At(document.revision));
        let _ = self.mend(still.delete(document.key.as_str())).await?;
        let key = document.key.strip_prefix(super::quarantine::ASIDE).unwrap_or(&document.key);
        self.forget_aside(&[key.to_owned()]);
        Ok(())
    }

    /// A vault, living or dead.
    pub async fn vault(&self, id: &VaultId) -> Result<Option<Versioned<VaultRecord>>, LedgerError> {
        match self.get(&vault_key(id)).await? {
            Some(found) => Ok(Some(found)),
            // It can only move from the living to the dead, so this order misses nothing.
            None => self.get(&tomb_key(id)).await,
        }
    }

    /// Writes over a record if it is still the one that was read.
    pub async fn replace<T: Serialize>(&self, found: &Versioned<T>) -> Result<bool, LedgerError> {
        Ok(matches!(self.commit(found.anew()?).await?, CommitOutcome::Committed { .. }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{ASIDE, Posting};
    use crate::tests::{Swarm, spawning, unwatched};

    #[tokio::test]
    async fn what_is_the_ledgers_nobody_writes_past_it() {
        let Swarm { core, store, .. } = unwatched();
        for prefix in OWN {
            let key = format!("{prefix}x");
            for txn in [Txn::default().put(key.as_str(), Vec::new()), Txn::default().delete(key.as_str())] {
                let refused = core.basis().records.commit(txn.clone()).await.expect_err("is the ledger's");
                assert!(matches!(refused, LedgerError::Foreign { key: told } if told == key));
                assert!(Posting::with(txn).is_err());
            }
        }
        assert_eq!(store.commits(), 0);
        // Anybody may hold his own against it.
        let looked = Txn::default().check("name/x", Expect::Absent).put("gem/x", Vec::new());
        assert!(matches!(core.basis().records.commit(looked).await, Ok(CommitOutcome::Committed { .. })));
    }

    /// A vault may live for longer than what was damaged of it is kept.
    #[tokio::test]
    async fn what_stood_aside_for_long_goes_and_the_record_that_was_made_anew_stays() {
        let Swarm { core, store, .. } = unwatched();
        let vault = core.spawn(spawning("k")).await.expect("spawns").vault.id;
        store.spoil(&vault_key(&vault));
        core.look_through().await.expect("looks");
        core.phases().vaults.salvage_all().await;
        assert!(core.vault(&vault).await.expect("is recorded again").damaged);
        let later = hauki_contract::system::clock::now() + jiff::SignedDuration::from_hours(31 * 24);
        core.phases().retention.prune(later, Default::default()).await.expect("prunes");
        assert_eq!(store.list(ASIDE, None, 10).await.expect("lists"), []);
        assert_eq!(core.basis().records.aside().count(), 0);
        assert!(core.vault(&vault).await.expect("is still recorded").receipt.is_none());
    }
}
