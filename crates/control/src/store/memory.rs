//! In-memory store, the fake: the same promises without a disk, and failures on demand.
//!
//! It is always compiled and chosen by value. A crash leaves nothing behind, which is the point.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{
    CommitOutcome, Document, Expect, Revision, Size, Store, StoreError, StoreFuture, StructureFault, Txn,
    VerifiedPart, VerifyCursor,
};

#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    documents: BTreeMap<String, (Vec<u8>, Revision)>,
    revision: Revision,
    commits: u64,
    notes: u64,
    failure: Option<InjectedFault>,
    unread: Option<InjectedFault>,
    rotten: BTreeSet<String>,
    fault: Option<StructureFault>,
    read: u64,
}

/// What the store should pretend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InjectedFault {
    DiskFull,
    Stopped,
}

impl InjectedFault {
    fn error(self) -> StoreError {
        let place = "(memory)".to_owned();
        match self {
            Self::DiskFull => StoreError::Full { place },
            Self::Stopped => StoreError::Stopped { place },
        }
    }
}

impl MemoryStore {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every commit from now on fails like this; `None` mends it.
    pub fn fail_commits(&self, failure: Option<InjectedFault>) {
        self.state().failure = failure;
    }

    /// Every listing from now on fails like this; `None` mends it.
    pub fn fail_listings(&self, failure: Option<InjectedFault>) {
        self.state().unread = failure;
    }

    /// How many documents have been handed out.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.state().read
    }

    /// The document does not read any more as it was written.
    pub fn spoil(&self, key: &str) {
        self.state().rotten.insert(key.to_owned());
    }

    /// What is wrong with what holds the documents from now on; `None` mends it.
    pub fn break_structure(&self, fault: Option<StructureFault>) {
        self.state().fault = fault;
    }

    /// How many transactions have been committed, each with a flush.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.state().commits
    }

    /// How many without one.
    #[must_use]
    pub fn notes(&self) -> u64 {
        self.state().notes
    }
}

impl State {
    fn holds(&self, key: &str, expect: Expect) -> bool {
        expect.holds(self.documents.get(key).map(|(_, revision)| *revision))
    }

    fn commit(&mut self, txn: Txn) -> Result<CommitOutcome, StoreError> {
        if let Some(failure) = self.failure {
            return Err(failure.error());
        }
        if let Some((key, _)) = txn.checks.iter().find(|(key, expect)| !self.holds(key, *expect)) {
            return Ok(CommitOutcome::Conflict { key: key.clone() });
        }
        self.revision += 1;
        for (key, value) in txn.puts {
            self.rotten.remove(&key);
            self.documents.insert(key, (value, self.revision));
        }
        for key in txn.deletes {
            self.rotten.remove(&key);
            self.documents.remove(&key);
        }
        Ok(CommitOutcome::Committed { revision: self.revision })
    }
}

impl State {
    fn document(&self, (key, (value, revision)): (&String, &(Vec<u8>, Revision))) -> Document {
        let intact = !self.rotten.contains(key);
        Document { key: key.clone(), value: value.clone(), revision: *revision, intact }
    }
}

impl Store for MemoryStore {
    fn get(&self, key: &str) -> StoreFuture<'_, Option<Document>> {
        let mut state = self.state();
        state.read += 1;
        let found = state.documents.get_key_value(key).map(|found| state.document(found));
        Box::pin(async move { Ok(found) })
    }

    fn list(&self, prefix: &str, after: Option<&str>, limit: usize) -> StoreFuture<'_, Vec<Document>> {
        let mut state = self.state();
        let found: Vec<Document> = state
            .documents
            .range(prefix.to_owned()..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .filter(|(key, _)| after.is_none_or(|after| key.as_str() > after))
            .take(limit)
            .map(|found| state.document(found))
            .collect();
        state.read += found.len() as u64;
        let unread = state.unread;
        Box::pin(async move { unread.map_or(Ok(found), |failure| Err(failure.error())) })
    }

    fn size(&self, prefix: &str) -> StoreFuture<'_, Size> {
        let state = self.state();
        let within =
            state.documents.range(prefix.to_owned()..).take_while(|(key, _)| key.starts_with(prefix));
        let size = within.fold(Size::default(), |size, (_, (value, _))| size.with(value.len()));
        Box::pin(async move { Ok(size) })
    }

    fn damaged(&self, _: Duration) -> StoreFuture<'_, Vec<Document>> {
        let state = self.state();
        let rotten = state.rotten.iter().filter_map(|key| state.documents.get_key_value(key));
        let found = rotten.map(|found| state.document(found)).collect();
        Box::pin(async move { Ok(found) })
    }

    /// One at a time, so that whoever looks goes on.
    fn verify(&self, from: VerifyCursor) -> StoreFuture<'_, VerifiedPart> {
        let state = self.state();
        let after = match from {
            VerifyCursor::Key(last) => Bound::Excluded(last),
            VerifyCursor::Start | VerifyCursor::Row(_) => Bound::Unbounded,
        };
        let found = state.documents.range((after, Bound::Unbounded)).next();
        let next = found.map(|(key, _)| VerifyCursor::Key(key.clone()));
        let damaged = found.map(|found| state.document(found)).filter(|document| !document.intact);
        let part = VerifiedPart { damaged: damaged.into_iter().collect(), fault: state.fault.clone(), next };
        Box::pin(async move { Ok(part) })
    }

    fn suspicion(&self) -> Option<&'static str> {
        None
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn commit(&self, txn: Txn) -> StoreFuture<'_, CommitOutcome> {
        // At the first poll, as a real store would, and with a point where a caller can be dropped.
        Box::pin(async move {
            tokio::task::yield_now().await;
            let mut state = self.state();
            let outcome = state.commit(txn)?;
            state.commits += u64::from(matches!(outcome, CommitOutcome::Committed { .. }));
            Ok(outcome)
        })
    }

    fn note(&self, txn: Txn) -> StoreFuture<'_, CommitOutcome> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let mut state = self.state();
            let outcome = state.commit(txn)?;
            state.notes += u64::from(matches!(outcome, CommitOutcome::Committed { .. }));
            Ok(outcome)
        })
    }
}
