//! Document store: what the control plane has promised, kept as documents under keys.
//!
//! The trait is what SQLite and etcd have in common: documents with revisions, prefix listing, and
//! a transaction that checks revisions before it writes. Everything above decides with
//! compare-and-commit, so that a second core on the same store could not make two vaults of one
//! key. A commit that has been answered is on the disk; one that has not been answered has either
//! happened as a whole or not at all. The store knows nothing of what the documents mean: that is
//! `ledger::record`.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

mod check;
mod ephemeral;
mod error;
mod index_repair;
mod inspect;
mod listing;
pub mod memory;
pub mod open;
mod open_error;
mod schema;
mod checksum;
pub mod sqlite;
mod high_water_mark;
mod verify;
mod writer;

#[cfg(test)]
mod conformance;

pub use check::{INDEX_ANEW, START_ANEW};
pub use error::StoreError;
use inspect::inspect;
pub use inspect::{StoreReport, sweep};
pub use memory::MemoryStore;
pub use open_error::StoreOpenError;
pub use sqlite::ISSUER;
pub use sqlite::SqliteStore;

pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// What is under this prefix is ephemeral: it is there for as long as the store is open, as what is under a lease in etcd.
/// It is written at once, everybody sees it, and a kill takes it back. One transaction may be of both kinds.
pub const EPHEMERAL: &str = "ephemeral/";

/// Signed, as both SQLite and etcd number them.
pub type Revision = i64;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub key: String,
    pub value: Vec<u8>,
    /// The revision of the commit that last wrote it.
    pub revision: Revision,
    /// It reads as it was written, by its checksum.
    pub intact: bool,
}

/// How much is kept under a prefix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    pub documents: u64,
    /// Of their values.
    pub bytes: u64,
}

impl Size {
    fn with(self, bytes: usize) -> Self {
        Self { documents: self.documents + 1, bytes: self.bytes + bytes as u64 }
    }
}

/// Where a verification goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum VerifyCursor {
    #[default]
    Start,
    /// Behind this document, and behind this key, as the store has them.
    Row(i64),
    Key(String),
}

/// What a part of the store looks like.
#[derive(Debug, Default)]
pub struct VerifiedPart {
    /// What does not read as it was written.
    pub damaged: Vec<Document>,
    /// The first thing that is wrong with what holds the documents.
    pub fault: Option<StructureFault>,
    /// Nothing after the last part, or where nobody could go on.
    pub next: Option<VerifyCursor>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StructureFault {
    /// A document and its key do not lead to each other.
    Astray { key: String },
    /// It cannot be read, in the store's own words.
    Pages { what: String },
}

/// What must be true of a key for a transaction to go ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    Absent,
    At(Revision),
}

/// All of it happens, or nothing of it. It begins with what it rests on: who writes something because of what he has seen
/// says what that was, and who writes whatever stands there says why that is right.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Default))]
pub struct Txn {
    checks: Vec<(String, Expect)>,
    puts: Vec<(String, Vec<u8>)>,
    deletes: Vec<String>,
}

impl Txn {
    /// Goes ahead if this is so, and whatever else is checked.
    #[must_use]
    pub fn when(key: impl Into<String>, expect: Expect) -> Self {
        Self { checks: vec![(key.into(), expect)], puts: Vec::new(), deletes: Vec::new() }
    }

    /// Rests on nothing, for a reason that holds with another core on the same store. `tests/architecture.rs` lists who may.
    #[must_use]
    pub fn in_any_case(_because: &'static str) -> Self {
        Self { checks: Vec::new(), puts: Vec::new(), deletes: Vec::new() }
    }

    #[must_use]
    pub fn check(mut self, key: impl Into<String>, expect: Expect) -> Self {
        self.checks.push((key.into(), expect));
        self
    }

    #[must_use]
    pub fn put(mut self, key: impl Into<String>, value: Vec<u8>) -> Self {
        self.puts.push((key.into(), value));
        self
    }

    #[must_use]
    pub fn delete(mut self, key: impl Into<String>) -> Self {
        self.deletes.push(key.into());
        self
    }

    #[must_use]
    pub(crate) fn delete_each(mut self, keys: impl IntoIterator<Item = String>) -> Self {
        self.deletes.extend(keys);
        self
    }

    /// Both, or neither.
    #[must_use]
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.checks.extend(other.checks);
        self.puts.extend(other.puts);
        self.deletes.extend(other.deletes);
        self
    }

    /// Where nothing may stand.
    pub(crate) fn wanted_absent(&self) -> impl Iterator<Item = &str> {
        let absent = self.checks.iter().filter(|(_, expect)| *expect == Expect::Absent);
        absent.map(|(key, _)| key.as_str())
    }

    /// What is put, and what is deleted.
    pub(crate) fn written(&self) -> impl Iterator<Item = &str> {
        self.put_keys().chain(self.deleted_keys())
    }

    pub(crate) fn put_keys(&self) -> impl Iterator<Item = &str> {
        self.puts.iter().map(|(key, _)| key.as_str())
    }

    pub(crate) fn deleted_keys(&self) -> impl Iterator<Item = &str> {
        self.deletes.iter().map(String::as_str)
    }

    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.puts.is_empty() && self.deletes.is_empty()
    }

    /// Of everything that it looks at or changes.
    fn keys(&self) -> impl Iterator<Item = &str> {
        self.checks.iter().map(|(key, _)| key.as_str()).chain(self.written())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum CommitOutcome {
    Committed {
        revision: Revision,
    },
    /// A check failed; nothing was written.
    Conflict {
        key: String,
    },
}

pub trait Store: Send + Sync {
    fn get(&self, key: &str) -> StoreFuture<'_, Option<Document>>;

    /// Documents whose key starts with `prefix` and sorts after `after`, in the order of their keys.
    fn list(&self, prefix: &str, after: Option<&str>, limit: usize) -> StoreFuture<'_, Vec<Document>>;

    /// How much there is with this prefix, without reading it.
    fn size(&self, prefix: &str) -> StoreFuture<'_, Size>;

    /// The documents that do not read as they were written; looked for so long at most.
    fn damaged(&self, within: Duration) -> StoreFuture<'_, Vec<Document>>;

    /// Looks at the next part while the store is in use, and writes nothing.
    fn verify(&self, from: VerifyCursor) -> StoreFuture<'_, VerifiedPart>;

    /// What was found at its opening, and is worth a word for as long as it is open.
    fn suspicion(&self) -> Option<&'static str>;

    /// Puts everything where a copy finds it. Nothing is committed after this.
    fn close(&self) -> StoreFuture<'_, ()>;

    /// Durable once it answers. Dropping the future does not take it back.
    fn commit(&self, txn: Txn) -> StoreFuture<'_, CommitOutcome>;

    /// As a commit for everybody who looks, and for a process that is killed, but no flush is waited for: a loss of
    /// power may take back the last notes, never one that a later commit has come after. For what says something only
    /// as long as those live who say it.
    fn note(&self, txn: Txn) -> StoreFuture<'_, CommitOutcome>;
}

/// The first key that sorts after every key with this prefix.
fn prefix_end(prefix: &str) -> Option<String> {
    // Keys are ASCII, so adding one to the last byte gives a string again.
    let mut bytes = prefix.as_bytes().to_vec();
    *bytes.last_mut()? += 1;
    String::from_utf8(bytes).ok()
}
