//! Idempotency: one key and one body have one answer.
//!
//! The body's digest is kept with what was made. The record of a key is committed together with
//! what it made, under the check that nobody else used the key meanwhile.

use super::record::{Found, KEPT, KeyRecord, aged_key, encode, idempotency_key, spool_key};
use super::service::Core;
use super::store::{Expect, Txn};
use crate::api::{ApiError, ErrorCode};
use crate::model::digest::Sha256;
use crate::system::clock;

/// What a caller may write, and the mark of whose it is.
const MOST_KEY: usize = 128;

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

/// The digest of a request, whatever order its author wrote the fields in.
pub(super) fn digest<T: serde::Serialize>(request: &T) -> Result<Sha256, ApiError> {
    // serde_json's maps are sorted, and a request that was parsed has its defaults filled in.
    let bytes = serde_json::to_value(request).and_then(|value| serde_json::to_vec(&value));
    match bytes {
        Ok(bytes) => Ok(Sha256::of(&bytes)),
        Err(error) => Err(ApiError::new(ErrorCode::Internal, format!("digest a request: {error}"))),
    }
}

impl HeldKey {
    /// What was made of it joins the transaction that makes it.
    pub(super) fn record_in(&self, txn: Txn, record: &KeyRecord) -> Result<Txn, ApiError> {
        let txn = txn.check(self.document.as_str(), self.expect).put(self.document.as_str(), encode(record)?);
        Ok(txn.put(aged_key(record.at, &self.document), Vec::new()))
    }
}

impl Core {
    /// Waits for earlier callers with the same key, then tells what they made.
    pub(super) async fn hold_key(&self, what: &str, key: &str, digest: Sha256) -> Result<HeldKey, ApiError> {
        if key.is_empty() || key.len() > MOST_KEY || key.chars().any(char::is_control) {
            let message = "the idempotency key must have 1 to 128 characters, none of them a control one";
            return Err(ApiError::new(ErrorCode::BadRequest, message));
        }
        let document = idempotency_key(what, key);
        let flight = self.flights.enter(&document).await;
        let found: Option<Found<KeyRecord>> = self.records.get(&document).await?;
        let expect = found.as_ref().map_or(Expect::Absent, |found| Expect::At(found.revision));
        let limit = clock::now() - KEPT;
        let mut earlier = found.map(|found| found.value);
        if let Some(record) = &earlier
            && record.at <= limit
            && !self.still_queued(record).await?
        {
            earlier = None;
        }
        if let Some(record) = &earlier
            && record.digest != digest
        {
            return Err(reused(key, what));
        }
        Ok(HeldKey { document, digest, expect, earlier, _flight: flight })
    }

    /// What waits in the spool may wait for longer than keys are kept, and its key with it.
    async fn still_queued(&self, record: &KeyRecord) -> Result<bool, ApiError> {
        match &record.spool {
            Some(id) => self.records.is_there(&spool_key(id)).await,
            None => Ok(false),
        }
    }
}

pub(super) fn reused(key: &str, what: &str) -> ApiError {
    ApiError::new(ErrorCode::KeyReused, format!("the idempotency key {key:?} was used for another {what}"))
        .hint("use a new key for a new request; keys are kept for 24 hours")
}

/// The store saw the key used by somebody else, who is not in this process.
pub(super) fn lost_race() -> ApiError {
    ApiError::new(ErrorCode::Temporary, "another core used the same idempotency key at the same time")
        .hint("send the same request again: it gets the other's answer")
}
