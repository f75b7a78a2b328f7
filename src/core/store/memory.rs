//! The fake store: the same promises without a disk, and failures on demand.
//!
//! It is always compiled and chosen by value. A crash leaves nothing behind, which is the point.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Answer, Document, Expect, Outcome, Revision, Store, StoreError, Txn};

#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    documents: BTreeMap<String, (Vec<u8>, Revision)>,
    revision: Revision,
    commits: u64,
    failure: Option<Failure>,
}

/// What the store should pretend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    DiskFull,
    Stopped,
}

impl Failure {
    fn error(self) -> StoreError {
        let path = PathBuf::from("(memory)");
        match self {
            Self::DiskFull => StoreError::Full { path },
            Self::Stopped => StoreError::Stopped { path },
        }
    }
}

impl MemoryStore {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every commit from now on fails like this; `None` mends it.
    pub fn fail_commits(&self, failure: Option<Failure>) {
        self.state().failure = failure;
    }

    /// How many transactions have been committed.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.state().commits
    }
}

impl State {
    fn holds(&self, key: &str, expect: Expect) -> bool {
        let found = self.documents.get(key).map(|(_, revision)| *revision);
        match expect {
            Expect::Absent => found.is_none(),
            Expect::At(revision) => found == Some(revision),
        }
    }

    fn commit(&mut self, txn: Txn) -> Result<Outcome, StoreError> {
        if let Some(failure) = self.failure {
            return Err(failure.error());
        }
        if let Some((key, _)) = txn.checks.iter().find(|(key, expect)| !self.holds(key, *expect)) {
            return Ok(Outcome::Conflict { key: key.clone() });
        }
        self.revision += 1;
        self.commits += 1;
        for (key, value) in txn.puts {
            self.documents.insert(key, (value, self.revision));
        }
        for key in txn.deletes {
            self.documents.remove(&key);
        }
        Ok(Outcome::Committed { revision: self.revision })
    }
}

fn document((key, (value, revision)): (&String, &(Vec<u8>, Revision))) -> Document {
    Document { key: key.clone(), value: value.clone(), revision: *revision }
}

impl Store for MemoryStore {
    fn get(&self, key: &str) -> Answer<'_, Option<Document>> {
        let found = self.state().documents.get_key_value(key).map(document);
        Box::pin(async move { Ok(found) })
    }

    fn list(&self, prefix: &str, after: Option<&str>, limit: usize) -> Answer<'_, Vec<Document>> {
        let state = self.state();
        let found = state
            .documents
            .range(prefix.to_owned()..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .filter(|(key, _)| after.is_none_or(|after| key.as_str() > after))
            .take(limit)
            .map(document)
            .collect();
        Box::pin(async move { Ok(found) })
    }

    fn commit(&self, txn: Txn) -> Answer<'_, Outcome> {
        // At the first poll, as a real store would, and with a point where a caller can be dropped.
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.state().commit(txn)
        })
    }
}
