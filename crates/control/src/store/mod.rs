//! What the control plane has promised, kept as documents under keys.
//!
//! The trait is what SQLite and etcd have in common: documents with revisions, prefix listing, and
//! a transaction that checks revisions before it writes. Everything above decides with
//! compare-and-commit, so that a second core on the same store could not make two vaults of one
//! key. A commit that has been answered is on the disk; one that has not been answered has either
//! happened as a whole or not at all. The store knows nothing of what the documents mean: that is
//! `ledger::record`.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use hauki_contract::api::{ApiError, ErrorCode};

mod check;
mod inspect;
pub mod memory;
mod seal;
pub mod sqlite;
mod tail;
mod writer;

#[cfg(test)]
mod conformance;

pub use check::START_ANEW;
pub use inspect::{Looked, inspect, sweep};
pub use memory::MemoryStore;
pub use sqlite::ISSUER;
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

    /// How much there is with this prefix, without reading it.
    fn size(&self, prefix: &str) -> Answer<'_, Size>;

    /// The documents that do not read as they were written; looked for so long at most.
    fn damaged(&self, within: Duration) -> Answer<'_, Vec<Document>>;

    /// What was found at its opening, and is worth a word for as long as it is open.
    fn suspicion(&self) -> Option<&'static str>;

    /// Puts everything where a copy finds it. Nothing is committed after this.
    fn close(&self) -> Answer<'_, ()>;

    /// Durable once it answers. Dropping the future does not take it back.
    fn commit(&self, txn: Txn) -> Answer<'_, Outcome>;
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("open the store {}", path.display())]
    Open { path: PathBuf, source: OpenError },
    #[error("the store {} has schema {found}, this program knows up to {known}", path.display())]
    Newer { path: PathBuf, found: u32, known: u32 },
    #[error("the store {} is missing or empty, and {} is there", path.display(), beside.display())]
    Missing { path: PathBuf, beside: PathBuf },
    #[error("the store {} is damaged: {what}", path.display())]
    Damaged { path: PathBuf, what: String },
    #[error("the store {} ends at commit {found}, and commits up to {answered} were acknowledged", path.display())]
    LostTail { path: PathBuf, found: Revision, answered: Revision },
    #[error("{} is damaged, so whether the store ends where it ended cannot be told", tail::path_of(path).display())]
    BadTail { path: PathBuf },
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

impl StoreError {
    /// The way back, with what is to be typed for it.
    #[must_use]
    pub fn way_back(&self) -> Option<String> {
        let word = |path: &Path| crate::link::quoted(&path.to_string_lossy());
        let anew = |store: &Path| word(&store.with_file_name(START_ANEW));
        match self {
            Self::Missing { path, .. } => Some(format!(
                "put the file back from a copy; to start with nothing on purpose, `touch {}`: living vaults are then \
                 ended, and added nodes must be added again",
                anew(path)
            )),
            Self::Damaged { path, .. } => {
                let (store, old) = (word(path), word(&path.with_file_name("damaged")));
                Some(format!(
                    "put the directory back from a copy, or save what `sqlite3 {store} .recover` finds; to start with \
                     nothing on purpose, `mkdir -p {old} && mv {store}* {old} && touch {}`",
                    anew(path)
                ))
            }
            Self::LostTail { path, .. } => Some(format!(
                "what was acknowledged last is lost, by a damaged store.db-wal or an older copy; to go on without it, \
                 `rm {}`: vaults that are not on record are then ended",
                word(&tail::path_of(path))
            )),
            Self::BadTail { path } => Some(format!(
                "compare with a copy; to go on, though what was acknowledged last may be lost, `rm {}`",
                word(&tail::path_of(path))
            )),
            _ => None,
        }
    }

    /// What SQLite said when the file was opened.
    fn opened(path: &Path, error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
                Self::Damaged { path: path.to_owned(), what: error.to_string() }
            }
            _ => Self::Open { path: path.to_owned(), source: error.into() },
        }
    }

    /// As it is told of another file, of which this one was a copy.
    #[must_use]
    pub fn told_of(mut self, of: &Path) -> Self {
        match &mut self {
            Self::Open { path, .. }
            | Self::Newer { path, .. }
            | Self::Missing { path, .. }
            | Self::Damaged { path, .. }
            | Self::LostTail { path, .. }
            | Self::BadTail { path }
            | Self::Full { path }
            | Self::Read { path, .. }
            | Self::Write { path, .. }
            | Self::Stopped { path } => of.clone_into(path),
        }
        self
    }
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
        let hint = error.way_back().unwrap_or_else(|| {
            let words = match &error {
                StoreError::Full { .. } => {
                    "make room on that file system, then ask again: this was not written down"
                }
                StoreError::Newer { .. } => "it was written by a newer haukid: install that one again",
                _ => "see the daemon's log; `hauki doctor` checks the state directory",
            };
            words.into()
        });
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
