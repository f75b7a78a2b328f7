//! First claims of tickets, between the word of a node and the record of it.
//!
//! The record's phase says that a vault was claimed; this only says whom to tell of it, once, in the life of this core.
//! A crash loses it: the next core may tell a claim again that was not written down yet.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hauki_contract::model::id::VaultId;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    Awaited,
    Told,
}

/// Living vaults whose claim is awaited, or was told and is not written down yet.
#[derive(Debug, Default)]
pub(super) struct Claims(Mutex<HashMap<VaultId, Claim>>);

impl Claims {
    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<VaultId, Claim>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
