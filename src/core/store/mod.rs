//! What the control plane has promised, kept as documents under keys.
//!
//! The trait is what SQLite and etcd have in common: documents with revisions, prefix listing, and
//! a transaction that checks revisions before it writes. Everything above decides with
//! compare-and-commit, so that a second core on the same store could not make two vaults of one
//! key. A commit that has been answered is on the disk; one that has not been answered has either
//! happened as a whole or not at all. The store knows nothing of what the documents mean: that is
//! `core::record`.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

use crate::api::{ApiError, ErrorCode};

pub mod memory;
pub mod sqlite;

#[cfg(test)]
mod conformance;

pub use memory::MemoryStore;
pub use sqlite::SqliteStore;

pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Signed, as both SQLite and etcd number them.
pub type Revision = i64;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub key: String,
    pub value: Vec<u8>,
    /// The revision of the commit that last wrote it.
    pub revision: Revision,
}

/// What must be true of a key for a transaction to go ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    Absent,
    At(Revision),
}

/// All of it happens, or nothing of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Txn {
    pub checks: Vec<(String, Expect)>,
    pub puts: Vec<(String, Vec<u8>)>,
    pub deletes: Vec<String>,
}

impl Txn {
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
    pub fn is_empty(&self) -> bool {
        self.puts.is_empty() && self.deletes.is_empty()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    Committed {
        revision: Revision,
    },
    /// A check failed; nothing was written.
    Conflict {
        key: String,
    },
}

pub trait Store: Send + Sync {
    fn get(&self, key: &str) -> Answer<'_, Option<Document>>;

    /// Documents whose key starts with `prefix` and sorts after `after`, in the order of their keys.
    fn list(&self, prefix: &str, after: Option<&str>, limit: usize) -> Answer<'_, Vec<Document>>;

    /// Durable once it answers. Dropping the future does not take it back.
    fn commit(&self, txn: Txn) -> Answer<'_, Outcome>;
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("open the store {}", path.display())]
    Open { path: PathBuf, source: OpenError },
    #[error("the store {} has schema {found}, this program knows up to {known}", path.display())]
    Newer { path: PathBuf, found: u32, known: u32 },
    #[error("no space is left for the store {}", path.display())]
    Full { path: PathBuf },
    #[error("read from the store {}", path.display())]
    Read { path: PathBuf, source: rusqlite::Error },
    #[error("write to the store {}: {reason}", path.display())]
    Write { path: PathBuf, reason: String },
    #[error("the store {} has stopped", path.display())]
    Stopped { path: PathBuf },
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("prepare the file")]
    File(#[from] std::io::Error),
    #[error("set up the database")]
    Database(#[from] rusqlite::Error),
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        use std::error::Error as _;
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message.push_str(&format!(": {cause}"));
            source = cause.source();
        }
        let hint = match &error {
            StoreError::Full { .. } => {
                "make room on that file system, then ask again: this was not written down"
            }
            StoreError::Newer { .. } => "it was written by a newer haukid: install that one again",
            StoreError::Open { .. }
            | StoreError::Read { .. }
            | StoreError::Write { .. }
            | StoreError::Stopped { .. } => "see the daemon's log; `hauki doctor` checks the state directory",
        };
        Self::new(ErrorCode::Environment, message).hint(hint)
    }
}

/// The first key that sorts after every key with this prefix.
fn prefix_end(prefix: &str) -> Option<String> {
    // Keys are ASCII, so adding one to the last byte gives a string again.
    let mut bytes = prefix.as_bytes().to_vec();
    *bytes.last_mut()? += 1;
    String::from_utf8(bytes).ok()
}
