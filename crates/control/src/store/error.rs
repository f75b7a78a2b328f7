//! Error types of a store: how one fails while it is used, whatever it is made of.
//!
//! What the caller may do is said, and not read out of a database's numbers: whether the same may be tried again. How
//! a store's file fails to open is the file's matter (`open_error`).

use std::error::Error;

/// What the database said, in its own words.
pub(super) type DatabaseError = Box<dyn Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing was written, nor will be until somebody makes room.
    #[error("no space is left for the store {place}")]
    Full { place: String },
    #[error("read from the store {place}")]
    Read { place: String, passing: bool, source: DatabaseError },
    /// Nothing was written.
    #[error("write to the store {place}")]
    Write { place: String, passing: bool, source: DatabaseError },
    #[error("the store {place} has stopped")]
    Stopped { place: String },
}

impl StoreError {
    /// Whether the same may succeed later with nothing mended: others had the store, or it was cut off.
    #[must_use]
    pub fn may_be_retried(&self) -> bool {
        match self {
            Self::Read { passing, .. } | Self::Write { passing, .. } => *passing,
            Self::Full { .. } | Self::Stopped { .. } => false,
        }
    }
}
