//! Error types of gems: why a source cannot be used, and why a gem is not found, pushed or removed.

use std::io;

use crate::ledger::LedgerError;
use hauki_contract::api::invalid_request::InvalidRequest;
use hauki_contract::api::summons::MAX_SOURCE_BYTES;
use hauki_contract::model::digest::Sha256;
use hauki_contract::model::gem::{GemPointer, GemPointerError, ManifestError};
use hauki_contract::strict::StrictError;

#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("{what} is empty")]
    Empty { what: String },
    // How much longer is not known of a file that was read no further.
    #[error("{what} is too long: {MAX_SOURCE_BYTES} bytes are allowed")]
    TooLong { what: String },
    #[error("{what} is not UTF-8 at byte {offset}")]
    NotText { what: String, offset: usize },
}

#[derive(Debug, thiserror::Error)]
pub enum GemError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("{what}")]
    Manifest { what: String, source: ManifestError },
    #[error("{what}")]
    Document { what: String, source: StrictError },
    #[error("read {path}")]
    Read { path: String, source: io::Error },
    /// Of a path or a version that is to be pushed.
    #[error(transparent)]
    Name(#[from] GemPointerError),
    #[error("{path} has no version after {last}")]
    NoVersionLeft { path: String, last: u64 },
    #[error(transparent)]
    Push(#[from] InvalidRequest),
    #[error("{place} {path} has the hash {found}, wanted is {wanted}")]
    Changed { place: String, path: String, found: Sha256, wanted: Sha256 },
    #[error("there is no {name}: looked in {}", looked.join(", "))]
    Missing {
        name: Box<GemPointer>,
        looked: Vec<String>,
        /// Absent where nobody could look.
        near: Option<Vec<String>>,
    },
    #[error("gem {path}@{version} exists with another source or manifest (its hash is {found})")]
    Taken { path: String, version: String, found: Sha256 },
    #[error("gem {path} is a file of a gem directory")]
    IsFile { path: String },
    #[error("no pushed version of {path} has the hash {wanted}")]
    NoSuchHash { path: String, wanted: Sha256 },
    #[error("look up a gem")]
    Lost(#[from] tokio::task::JoinError),
    /// What was pushed cannot be read or written just now.
    #[error(transparent)]
    Kept(#[from] LedgerError),
}
