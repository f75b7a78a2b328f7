//! The swarm node: it forges vaults, opens their ports, keeps their leases and buries them.
//!
//! One task per vault, the [`keeper`], owns its channel and its life; [`gate`] connections hand it
//! calls through [`vault::VaultHandle`]. All state is in memory: a vault cannot outlive this process (end
//! of file on its channel ends it), so a crash leaves only what the driver's sweep removes, and the
//! core learns from a new boot id that everything is gone.

// The parts from the bottom up: each may use those before it, and `tests/architecture.rs` holds that. What knows no vault
// comes first.
pub mod init;
pub mod waking;
pub mod lanes;
pub mod affinity;
mod allowance;
pub mod pipe;
pub mod asked;
pub mod host;
pub mod wishes;
pub mod news;
pub mod pool;
pub mod settings;
mod shelf;

// The way of a call, and the life of a vault.
pub mod calls;
pub mod gate;
mod late;
pub mod audience;
pub mod reach;
pub mod vault;
mod frames;
pub mod keeper;
mod forge;

// The desk, and who asks there.
pub mod intake;
pub mod desk;
pub mod routes;
