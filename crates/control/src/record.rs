//! What the documents of the store mean, and under which keys they are.
//!
//! ```text
//! summons/<id>        a summons           source/<id>            its source, as it is
//! vault/<id>          a living vault      tomb/<id>              a dead one, with its receipt
//! budget/<id>         what a vault that may clone has left, as long as it lives
//! loan/key/…          who paid for a child that is being made under that key
//! spool/<id>          a summons in the queue, or what became of it
//! name/<name>         who holds the name, as long as that one lives
//! key/<what>/<hash>   an idempotency key  gem/…, gemsource/…     pushed gems
//! aged/<time>/<key>   when a key was used, for `core::reaper`
//! issuer              the public half of the key that signs tickets
//! aside/<key>         what could not be read, as it is (`core::aside`)
//! ```
//! A vault is under exactly one of `vault/` and `tomb/`, because one transaction moves it. The same
//! two transactions, of its forging and of its death, write and delete its name. Keys and tombstones are kept for [`KEPT`]; `core::reaper` prunes them.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::aside::{Aside, damaged};
use super::store::{Document, Expect, ISSUER, Outcome, Revision, Size, Store, Txn};
use hauki_contract::api::vault::Vault;
use hauki_contract::api::{ApiError, ErrorCode};
use hauki_contract::model::digest::Sha256;
use hauki_contract::model::id::{SpoolId, SummonsId, VaultId};
use hauki_contract::model::name::ServiceName;
use hauki_contract::model::ticket::Ticket;

/// For how long idempotency keys, summons and tombstones are kept.
pub const KEPT: Duration = Duration::from_secs(24 * 3600);

pub const SUMMONS: &str = "summons/";
pub const VAULT: &str = "vault/";
pub const TOMB: &str = "tomb/";
pub const KEY: &str = "key/";
pub const NAME: &str = "name/";
pub const BUDGET: &str = "budget/";
pub const LOAN: &str = "loan/";
pub const AGED: &str = "aged/";
pub const SPOOL: &str = "spool/";

/// All that a key may begin with.
pub(super) const PREFIXES: &[&str] = &[
    SUMMONS,
    "source/",
    VAULT,
    TOMB,
    BUDGET,
    LOAN,
    SPOOL,
    NAME,
    KEY,
    "gem/",
    "gemsource/",
    AGED,
    ISSUER,
    "aside/",
    "node/",
];

const PAGE: usize = 500;

#[must_use]
pub fn summons_key(id: &SummonsId) -> String {
    format!("{SUMMONS}{id}")
}

#[must_use]
pub fn source_key(id: &SummonsId) -> String {
    format!("source/{id}")
}

#[must_use]
pub fn vault_key(id: &VaultId) -> String {
    format!("{VAULT}{id}")
}

#[must_use]
pub fn tomb_key(id: &VaultId) -> String {
    format!("{TOMB}{id}")
}

#[must_use]
pub fn budget_key(id: &VaultId) -> String {
    format!("{BUDGET}{id}")
}

#[must_use]
pub fn spool_key(id: &SpoolId) -> String {
    format!("{SPOOL}{id}")
}

#[must_use]
pub fn loan_key(idempotency_key: &str) -> String {
    format!("{LOAN}{idempotency_key}")
}

#[must_use]
pub fn name_key(name: &ServiceName) -> String {
    format!("{NAME}{name}")
}

/// In the order of time.
#[must_use]
pub fn aged_key(at: Timestamp, key: &str) -> String {
    format!("{AGED}{:013}/{key}", at.as_millisecond().max(0))
}

/// A caller's key is any text, so its hash stands for it.
#[must_use]
pub fn idempotency_key(what: &str, key: &str) -> String {
    format!("{KEY}{what}/{}", Sha256::of(key.as_bytes()))
}

/// A vault, and the life of the node's daemon in which it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultRecord {
    pub vault: Vault,
    pub boot_id: String,
}

/// What a key was used for. The ticket is kept so that a lost answer can be given again; its token is not,
/// it is signed again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    pub digest: Sha256,
    pub at: Timestamp,
    pub summons: SummonsId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault: Option<VaultId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Ticket>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spool: Option<SpoolId>,
    /// Users' keys are apart. They were not before vaults had owners, and `core::keys` looks for those as well.
    #[serde(default)]
    pub apart: bool,
}

#[derive(Debug, Clone)]
pub struct Found<T> {
    pub key: String,
    pub value: T,
    pub revision: Revision,
}

/// The store, seen as records. What cannot be read is set aside and stops nothing else (`Aside`).
#[derive(Clone)]
pub struct Records {
    store: Arc<dyn Store>,
    aside: Arc<Aside>,
}

pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, ApiError> {
    super::charge::aside(|| serde_json::to_vec(value))
        .map_err(|error| ApiError::new(ErrorCode::Internal, format!("encode a record: {error}")))
}

/// A record, or its document and why that is none.
fn decode<T: DeserializeOwned>(document: Document) -> Result<Found<T>, (Document, String)> {
    if !document.intact {
        return Err((document, "its checksum is another".into()));
    }
    match serde_json::from_slice(&document.value) {
        Ok(value) => Ok(Found { key: document.key, value, revision: document.revision }),
        Err(error) => Err((document, error.to_string())),
    }
}

/// Whose vault a document is of, without reading the rest of it; nothing if that cannot be told.
pub(super) fn owner_of(document: &Document) -> Option<Option<u32>> {
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
        Self { store, aside: Arc::default() }
    }

    pub(super) fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    pub(super) fn aside(&self) -> &Aside {
        &self.aside
    }

    /// A document that is no record. One that was set aside is an error and not an absence.
    pub async fn raw(&self, key: &str) -> Result<Option<Document>, ApiError> {
        match self.look_up(key).await? {
            Some(document) if !document.intact => {
                self.set_aside(&document, "its checksum is another").await?;
                Err(damaged(key))
            }
            Some(document) => Ok(Some(document)),
            None => self.refuse_aside(key).map(|()| None),
        }
    }

    /// A record. One that cannot be read is an error and not an absence: an idempotency key must not be used
    /// twice, and a name must not be given twice, because what stood there is damaged.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<Found<T>>, ApiError> {
        match self.look_up(key).await?.map(decode).transpose() {
            Ok(Some(found)) => Ok(Some(found)),
            Ok(None) => self.refuse_aside(key).map(|()| None),
            Err((document, why)) => {
                self.set_aside(&document, &why).await?;
                Err(damaged(key))
            }
        }
    }

    /// A record, for who goes on with others: one that cannot be read is none.
    pub async fn find<T: DeserializeOwned>(&self, key: &str) -> Result<Option<Found<T>>, ApiError> {
        match self.look_up(key).await?.map(decode).transpose() {
            Ok(found) => Ok(found),
            Err((document, why)) => self.set_aside(&document, &why).await.map(|()| None),
        }
    }

    /// Whether something stands there, though it may not be readable.
    pub async fn is_there(&self, key: &str) -> Result<bool, ApiError> {
        Ok(self.look_up(key).await?.is_some() || self.refuse_aside(key).is_err())
    }

    /// The next of them that can be read, and whether these are the last.
    pub async fn page<T: DeserializeOwned>(
        &self,
        prefix: &str,
        after: Option<&str>,
        most: usize,
    ) -> Result<(Vec<Found<T>>, Option<String>), ApiError> {
        self.page_that(prefix, after, most, |_| true).await
    }

    /// Of the documents that may be read.
    async fn page_that<T: DeserializeOwned>(
        &self,
        prefix: &str,
        after: Option<&str>,
        most: usize,
        may: impl Fn(&Document) -> bool,
    ) -> Result<(Vec<Found<T>>, Option<String>), ApiError> {
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

    pub async fn all<T: DeserializeOwned>(&self, prefix: &str) -> Result<Vec<Found<T>>, ApiError> {
        self.all_that(prefix, |_| true).await
    }

    /// The others are let go page by page.
    pub async fn all_that<T: DeserializeOwned>(
        &self,
        prefix: &str,
        fits: impl Fn(&T) -> bool,
    ) -> Result<Vec<Found<T>>, ApiError> {
        self.select(prefix, |_| true, fits).await
    }

    /// This user's vaults, or everybody's. Of what is others' only the owner is read.
    pub(super) async fn vaults_of(
        &self,
        prefix: &str,
        only: Option<u32>,
    ) -> Result<Vec<Found<VaultRecord>>, ApiError> {
        // What does not say whose it is may be damaged, and is found to be.
        let may =
            |document: &Document| only.is_none() || owner_of(document).is_none_or(|owner| owner == only);
        self.select(prefix, may, |record: &VaultRecord| only.is_none() || record.vault.owner == only).await
    }

    async fn select<T: DeserializeOwned>(
        &self,
        prefix: &str,
        may: impl Fn(&Document) -> bool,
        fits: impl Fn(&T) -> bool,
    ) -> Result<Vec<Found<T>>, ApiError> {
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
    async fn look_up(&self, key: &str) -> Result<Option<Document>, ApiError> {
        tokio::task::consume_budget().await;
        Ok(self.store.get(key).await?)
    }

    pub async fn size(&self, prefix: &str) -> Result<Size, ApiError> {
        Ok(self.store.size(prefix).await?)
    }

    pub async fn commit(&self, txn: Txn) -> Result<Outcome, ApiError> {
        let (txn, gone) = self.beside(txn);
        let outcome = self.store.commit(txn).await?;
        if let Outcome::Committed { .. } = outcome {
            self.forget_aside(&gone);
        }
        Ok(outcome)
    }

    /// A vault, living or dead.
    pub async fn vault(&self, id: &VaultId) -> Result<Option<Found<VaultRecord>>, ApiError> {
        match self.get(&vault_key(id)).await? {
            Some(found) => Ok(Some(found)),
            // It can only move from the living to the dead, so this order misses nothing.
            None => self.get(&tomb_key(id)).await,
        }
    }

    /// Writes over a record if it is still the one that was read.
    pub async fn replace<T: Serialize>(&self, found: &Found<T>) -> Result<bool, ApiError> {
        let txn = Txn::default()
            .check(found.key.as_str(), Expect::At(found.revision))
            .put(found.key.as_str(), encode(&found.value)?);
        Ok(matches!(self.commit(txn).await?, Outcome::Committed { .. }))
    }
}

/// A vault as its record says it, or what anyone hears who asks for one that never was.
#[must_use]
pub fn no_vault(id: &VaultId) -> ApiError {
    ApiError::new(ErrorCode::NotFound, format!("there is no vault {id}"))
        .hint("`hauki ls --all` lists the living and, for 24 hours, the dead")
}
