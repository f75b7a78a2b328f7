//! Error types of the ledger: why it did not do it, or the records could not be read.

use hauki_contract::model::id::VaultId;
use hauki_contract::model::phase::IllegalTransition;

use super::family::MAX_DEPTH;
use crate::store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("encode a record")]
    Encode(#[from] serde_json::Error),
    #[error("the store's record {key} is damaged and was set aside")]
    Damaged { key: String },
    /// Somebody else wanted to write what is the ledger's.
    #[error("{key} is the ledger's to write")]
    Foreign { key: String },
    #[error("{key} is no tombstone")]
    NoTomb { key: String },
    /// A transaction without checks had a conflict.
    #[error("{key} was checked and nobody asked")]
    Unasked { key: String },
    #[error(transparent)]
    Phase(#[from] IllegalTransition),
    #[error("the spawn budget of {vault} is spent: {spent} of {most}")]
    Spent { vault: VaultId, spent: u32, most: u32 },
    #[error("a family has {MAX_DEPTH} generations at most")]
    TooDeep,
    #[error("{vault} is not a living worker that may clone")]
    NoParent { vault: VaultId },
    #[error("another core is at what {key} is for, or was meanwhile")]
    Elsewhere { key: String },
    #[error("{vault} was given up by another core while it was made")]
    GivenUp { vault: VaultId },
}
