//! Randomness from the kernel, and the ids made of it.

use crate::model::id::{SpoolId, SummonsId, TicketId, VaultId};
use crate::system::clock;

fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the kernel's random number generator is up before any daemon");
    bytes
}

#[must_use]
pub fn u128() -> u128 {
    u128::from_le_bytes(bytes())
}

#[must_use]
pub fn u64() -> u64 {
    u64::from_le_bytes(bytes())
}

#[must_use]
pub fn summons_id() -> SummonsId {
    SummonsId::mint(clock::unix_ms(), u128())
}

#[must_use]
pub fn vault_id() -> VaultId {
    VaultId::mint(clock::unix_ms(), u128())
}

#[must_use]
pub fn ticket_id() -> TicketId {
    TicketId::mint(clock::unix_ms(), u128())
}

#[must_use]
pub fn spool_id() -> SpoolId {
    SpoolId::mint(clock::unix_ms(), u128())
}

/// A fresh idempotency key.
#[must_use]
pub fn idempotency_key() -> String {
    ulid::Ulid::from_parts(clock::unix_ms(), u128()).to_string()
}
