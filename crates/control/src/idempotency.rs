//! Idempotency: one key and one body have one answer.
//!
//! The body's digest is kept with what was made. The record of a key is committed together with
//! what it made, under the check that nobody else used the key meanwhile.

use std::sync::Arc;

use super::authorization::unmarked;
use super::dependencies::Dependencies;
use super::failure::{Failure, KeyError};
use super::ledger::{KEPT, KeyRecord, LedgerError, Posting, Records, Versioned, idempotency_key, spool_key};
use super::single_flight::SingleFlight;
use super::store::Expect;
use super::user_limits::aside;
use hauki_contract::api::summons::{SpawnRequest, SummonsRequest};
use hauki_contract::api::vault::ProvisionRequest;
use hauki_contract::model::digest::Sha256;
use hauki_contract::model::labels::is_key;
use hauki_contract::system::clock;

/// A request that has its key in it.
pub(super) trait Keyed: serde::Serialize + Clone {
    fn key(&self) -> &str;
    fn key_mut(&mut self) -> &mut String;
}

impl Keyed for SummonsRequest {
    fn key(&self) -> &str {
        &self.key
    }

    fn key_mut(&mut self) -> &mut String {
        &mut self.key
    }
}

impl Keyed for SpawnRequest {
    fn key(&self) -> &str {
        &self.summons.key
    }

    fn key_mut(&mut self) -> &mut String {
        &mut self.summons.key
    }
}

impl Keyed for ProvisionRequest {
    fn key(&self) -> &str {
        &self.key
    }

    fn key_mut(&mut self) -> &mut String {
        &mut self.key
    }
}

/// A key in the hands of the one caller that is in flight.
pub(super) struct HeldKey {
    pub document: String,
    pub digest: Sha256,
    /// What the store must say of the key when the answer is committed.
    pub expect: Expect,
    /// What was made of it before.
    pub earlier: Option<KeyRecord>,
    _flight: tokio::sync::OwnedMutexGuard<()>,
}

/// The digest of a request: whatever order its author wrote the members in.
fn digest<T: serde::Serialize>(request: &T) -> Result<Sha256, Failure> {
    // A request that was parsed has its defaults filled in.
    let sorted = || {
        let mut value = serde_json::to_value(request)?;
        value.sort_all_objects();
        Ok(Sha256::of(&serde_json::to_vec(&value)?))
    };
    Ok(aside(sorted).map_err(KeyError::Digest)?)
}

/// Whether `known`, the digest of an earlier request, is of this one as well; earlier versions took it of the members
/// as they were written.
fn is_of<T: serde::Serialize>(known: &Sha256, digest: &Sha256, request: &T) -> Result<bool, Failure> {
    let as_written = || Ok(Sha256::of(&serde_json::to_vec(&serde_json::to_value(request)?)?));
    Ok(known == digest || *known == aside(as_written).map_err(KeyError::Digest)?)
}

impl HeldKey {
    /// What was made of it joins the transaction that makes it.
    pub(super) fn record_in(&self, posting: Posting, record: &KeyRecord) -> Result<Posting, LedgerError> {
        posting.key(&self.document, self.expect, record)
    }
}

pub(super) struct IdempotencyKeys {
    records: Records,
    flights: Arc<SingleFlight>,
}

impl IdempotencyKeys {
    pub(super) fn new(basis: &Dependencies) -> Arc<Self> {
        Arc::new(Self { records: basis.records.clone(), flights: basis.flights.clone() })
    }

    /// Waits for earlier callers with the same key, then tells what they made.
    pub(super) async fn hold_key<T: Keyed>(&self, what: &str, request: &T) -> Result<HeldKey, Failure> {
        let (key, digest) = (request.key(), digest(request)?);
        check_key(key)?;
        let document = idempotency_key(what, key);
        let flight = self.flights.enter(&document).await;
        let found: Option<Versioned<KeyRecord>> = self.records.get_to_take(&document).await?;
        let expect = found.as_ref().map_or(Expect::Absent, |found| Expect::At(found.revision));
        let mut earlier = found.map(|found| found.value);
        if let Some(record) = &earlier
            && !self.counts(record).await?
        {
            earlier = None;
        }
        if earlier.is_none() {
            earlier = self.before_owners(what, request).await?;
            // It is that request's own, by its body, so it needs no comparison.
            if let Some(record) = earlier {
                return Ok(HeldKey { document, digest, expect, earlier: Some(record), _flight: flight });
            }
        }
        if let Some(record) = &earlier
            && !is_of(&record.digest, &digest, request)?
        {
            return Err(reused(key, what));
        }
        Ok(HeldKey { document, digest, expect, earlier, _flight: flight })
    }

    /// What a listed user's request made before there were owners, when all keys were in one. Whose it was is not
    /// on record, so it is found by who repeats the very same request only.
    pub(super) async fn before_owners<T: Keyed>(
        &self,
        what: &str,
        request: &T,
    ) -> Result<Option<KeyRecord>, Failure> {
        let Some(key) = unmarked(request.key()) else { return Ok(None) };
        let found = self.records.find::<KeyRecord>(&idempotency_key(what, key)).await?;
        let Some(record) = found.map(|found| found.value).filter(|record| !record.apart) else {
            return Ok(None);
        };
        let mut plain = request.clone();
        key.clone_into(plain.key_mut());
        let same = is_of(&record.digest, &digest(&plain)?, &plain)?;
        Ok((same && self.counts(&record).await?).then_some(record))
    }

    async fn counts(&self, record: &KeyRecord) -> Result<bool, Failure> {
        Ok(record.at > clock::now() - KEPT || self.still_queued(record).await?)
    }

    /// What waits in the spool may wait for longer than keys are kept, and its key with it.
    async fn still_queued(&self, record: &KeyRecord) -> Result<bool, Failure> {
        match &record.spool {
            Some(id) => Ok(self.records.is_there(&spool_key(id)).await?),
            None => Ok(false),
        }
    }
}

/// All that a dry run looks at of its key: what a key was used for is nothing that it could change.
pub(super) fn check_key(key: &str) -> Result<(), Failure> {
    // Without the mark of whose it is.
    if is_key(unmarked(key).unwrap_or(key)) {
        return Ok(());
    }
    Err(KeyError::Ill.into())
}

pub(super) fn reused(key: &str, what: &str) -> Failure {
    // As its user wrote it.
    let key = unmarked(key).unwrap_or(key).to_owned();
    KeyError::Reused { key, what: what.to_owned() }.into()
}
