//! Ephemeral documents, as keys under a lease are in etcd: they are there for as long as the store is open.
//!
//! They are in memory, so who writes one waits for no disk and for nobody who does. They are of one row with those in the
//! file: one transaction may check and change both. What it changes here is pinned from its checks until it has come to
//! its end in the file: whoever reads it finds it as it was, and whoever would change it queues behind it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{CommitOutcome, Document, EPHEMERAL, Expect, Revision, Size, Txn};

pub(super) fn is_ephemeral(key: &str) -> bool {
    key.starts_with(EPHEMERAL)
}

impl Expect {
    pub(super) fn holds(self, found: Option<Revision>) -> bool {
        match self {
            Self::Absent => found.is_none(),
            Self::At(revision) => found == Some(revision),
        }
    }
}

type Held = (Vec<u8>, Revision);

#[derive(Debug, Default)]
struct State {
    documents: BTreeMap<String, Held>,
    pinned: BTreeSet<String>,
    /// The number of the last transaction here or in the file.
    last: Revision,
}

#[derive(Debug, Default)]
pub(super) struct EphemeralDocuments {
    state: Mutex<State>,
}

impl State {
    fn revision(&self, key: &str) -> Option<Revision> {
        self.documents.get(key).map(|(_, revision)| *revision)
    }

    fn next(&mut self, last: Revision) -> Revision {
        self.last = self.last.max(last) + 1;
        self.last
    }

    fn change(&mut self, key: String, to: Option<Held>) {
        match to {
            Some(held) => self.documents.insert(key, held),
            None => self.documents.remove(&key),
        };
    }
}

fn document((key, (value, revision)): (&String, &Held)) -> Document {
    Document { key: key.clone(), value: value.clone(), revision: *revision, intact: true }
}

impl EphemeralDocuments {
    /// Beside a file whose last transaction has this number.
    pub(super) fn beside(last: Revision) -> Self {
        Self { state: Mutex::new(State { last, ..State::default() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, key: &str) -> Option<Document> {
        self.state().documents.get_key_value(key).map(document)
    }

    pub(super) fn list(&self, prefix: &str, after: Option<&str>, limit: usize) -> Vec<Document> {
        let state = self.state();
        let within =
            state.documents.range(prefix.to_owned()..).take_while(|(key, _)| key.starts_with(prefix));
        within
            .filter(|(key, _)| after.is_none_or(|after| key.as_str() > after))
            .take(limit)
            .map(document)
            .collect()
    }

    pub(super) fn size(&self, prefix: &str) -> Size {
        let state = self.state();
        let within =
            state.documents.range(prefix.to_owned()..).take_while(|(key, _)| key.starts_with(prefix));
        within.fold(Size::default(), |size, (_, (value, _))| size.with(value.len()))
    }

    /// A number for the transaction after this one of the file.
    pub(super) fn next(&self, last: Revision) -> Revision {
        self.state().next(last)
    }

    /// Does what asks nothing of the file. `None`: it does, or waits for one that does.
    pub(super) fn write(&self, txn: &Txn) -> Option<CommitOutcome> {
        if txn.is_empty() || !txn.keys().all(is_ephemeral) {
            return None;
        }
        let mut state = self.state();
        if txn.keys().any(|key| state.pinned.contains(key)) {
            return None;
        }
        if let Some((key, _)) = txn.checks.iter().find(|(key, expect)| !expect.holds(state.revision(key))) {
            return Some(CommitOutcome::Conflict { key: key.clone() });
        }
        let revision = state.next(0);
        for (key, value) in &txn.puts {
            state.change(key.clone(), Some((value.clone(), revision)));
        }
        for key in &txn.deletes {
            state.change(key.clone(), None);
        }
        Some(CommitOutcome::Committed { revision })
    }

    /// For transactions that are about to be written into the file.
    pub(super) fn pins(&self) -> Pins<'_> {
        Pins { of: self, changes: BTreeMap::new() }
    }
}

/// What transactions in the file have looked at here and change when they are through. Dropped, they change nothing.
pub(super) struct Pins<'a> {
    of: &'a EphemeralDocuments,
    /// `None`: only looked at.
    changes: BTreeMap<String, Option<Option<Held>>>,
}

impl Pins<'_> {
    /// As those before it in the same batch leave it.
    pub(super) fn revision(&mut self, key: &str) -> Option<Revision> {
        self.pin(key);
        match self.changes.get(key) {
            Some(Some(change)) => change.as_ref().map(|(_, revision)| *revision),
            _ => self.of.state().revision(key),
        }
    }

    pub(super) fn put(&mut self, key: &str, value: &[u8], revision: Revision) {
        self.change(key, Some((value.to_vec(), revision)));
    }

    pub(super) fn delete(&mut self, key: &str) {
        self.change(key, None);
    }

    fn change(&mut self, key: &str, to: Option<Held>) {
        self.pin(key);
        self.changes.insert(key.to_owned(), Some(to));
    }

    fn pin(&mut self, key: &str) {
        if !self.changes.contains_key(key) {
            self.of.state().pinned.insert(key.to_owned());
            self.changes.insert(key.to_owned(), None);
        }
    }

    /// They are in the file.
    pub(super) fn settle(mut self) {
        let mut state = self.of.state();
        for (key, change) in std::mem::take(&mut self.changes) {
            state.pinned.remove(&key);
            if let Some(to) = change {
                state.change(key, to);
            }
        }
    }
}

impl Drop for Pins<'_> {
    fn drop(&mut self) {
        if !self.changes.is_empty() {
            let mut state = self.of.state();
            for key in self.changes.keys() {
                state.pinned.remove(key);
            }
        }
    }
}
