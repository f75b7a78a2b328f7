//! Quarantine: documents that cannot be read are moved out of the way, with their bytes, and said.
//!
//! One of them must not stop a listing, the queue, a reaping or the pruning of all others. But it is not absent
//! either: who asks for just this one hears that it is damaged. What is set aside stands under `aside/`, behind the
//! time of that, for 30 days (`core::reaper`), or until what it was about ends: a vault frees its name, though that
//! is unreadable.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::record::Records;
use super::service::Core;
use super::store::{Document, Expect, Txn};
use crate::api::health::{Check, CheckLevel};
use crate::api::{ApiError, ErrorCode};
use crate::system::clock;

pub(super) const ASIDE: &str = "aside/";

/// How long the store is looked through at the start.
const LOOK: Duration = Duration::from_secs(2);

/// How many are named in a finding.
const NAMED: usize = 5;

/// When it was set aside.
pub(super) fn since(document: &Document) -> Option<Timestamp> {
    let digits = document.value.get(..13)?;
    let ms = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Timestamp::from_millisecond(ms).ok()
}

/// The keys of what was set aside.
#[derive(Debug, Default)]
pub struct Aside {
    keys: Mutex<BTreeSet<String>>,
}

impl Aside {
    fn keys(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[must_use]
    pub fn count(&self) -> usize {
        self.keys().len()
    }
}

pub(super) fn damaged(key: &str) -> ApiError {
    ApiError::new(ErrorCode::Environment, format!("the store's record {key} is damaged and was set aside"))
        .hint("`hauki doctor` lists what was set aside; everything else goes on")
}

impl Records {
    /// Finds what was set aside before, and what is damaged now.
    pub(super) async fn look_through(&self) -> Result<(), ApiError> {
        let mut after = None;
        loop {
            let documents = self.store().list(ASIDE, after.as_deref(), 500).await?;
            let known = documents.iter().filter_map(|document| document.key.strip_prefix(ASIDE));
            self.aside().keys().extend(known.map(str::to_owned));
            match documents.last() {
                Some(last) if documents.len() == 500 => after = Some(last.key.clone()),
                _ => break,
            }
        }
        for document in self.store().damaged(LOOK).await? {
            self.set_aside(&document, "its checksum is another").await?;
        }
        Ok(())
    }

    /// Unless somebody wrote to it meanwhile.
    pub(super) async fn set_aside(&self, document: &Document, why: &str) -> Result<(), ApiError> {
        let Document { key, value, revision, .. } = document;
        if key.starts_with(ASIDE) {
            return Ok(());
        }
        // From here on it is not absent for anybody.
        let first = self.aside().keys().insert(key.clone());
        let txn = Txn::default().check(key.as_str(), Expect::At(*revision)).delete(key.as_str());
        let mut kept = format!("{:013} ", clock::unix_ms()).into_bytes();
        kept.extend_from_slice(value);
        let moved = self.store().commit(txn.put(format!("{ASIDE}{key}"), kept)).await;
        if first {
            tracing::error!(record = %key, %why, "a damaged record was set aside");
        }
        // It stays where it is, on a full disk or where its key itself cannot be read, and is passed over.
        if let Err(error) = moved {
            tracing::warn!(record = %key, %error, "it could not be moved");
        }
        Ok(())
    }

    pub(super) fn refuse_aside(&self, key: &str) -> Result<(), ApiError> {
        match self.aside().keys().contains(key) {
            true => Err(damaged(key)),
            false => Ok(()),
        }
    }

    /// What a transaction deletes or writes anew does not stand aside any more.
    pub(super) fn beside(&self, mut txn: Txn) -> Txn {
        let mut keys = self.aside().keys();
        if keys.is_empty() {
            return txn;
        }
        let written = txn.puts.iter().map(|(key, _)| key).chain(&txn.deletes);
        let gone: Vec<String> = written.filter(|key| keys.remove(*key)).cloned().collect();
        txn.deletes.extend(gone.into_iter().map(|key| format!("{ASIDE}{key}")));
        txn
    }

    /// The operator's finding, if there is something to say.
    pub(super) fn aside_check(&self) -> Option<Check> {
        let keys = self.aside().keys();
        let named: Vec<&str> = keys.iter().take(NAMED).map(String::as_str).collect();
        let more = if keys.len() > named.len() { ", …" } else { "" };
        (!keys.is_empty()).then(|| Check {
            level: CheckLevel::Fail,
            what: format!(
                "{} damaged records of the store were set aside: {}{more}",
                keys.len(),
                named.join(", ")
            ),
            hint: Some("the disk or the memory may be failing; everything else goes on".into()),
        })
    }
}

impl Core {
    /// Looks through the store, once, before anybody asks.
    pub async fn look_through(&self) -> Result<(), ApiError> {
        self.records.look_through().await
    }
}
