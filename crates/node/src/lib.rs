//! The swarm node: it forges vaults, opens their ports, keeps their leases and buries them.
//!
//! One task per vault, the [`supervisor`], owns its channel and its life; [`gate`] connections hand it
//! calls through [`vault::VaultHandle`]. All state is in memory: a vault cannot outlive this process (end
//! of file on its channel ends it), so a crash leaves only what the driver's sweep removes, and the
//! core learns from a new boot id that everything is gone.

// The parts from the bottom up: each may use those before it, and `tests/architecture.rs` holds that. What knows no vault
// comes first.
pub mod init;
pub mod waking_clock;
pub mod shards;
pub mod affinity;
mod token_bucket;
pub mod channel;
pub mod requests;
pub mod host_load;
pub mod clone_requests;
pub mod journal;
pub mod pool;
pub mod settings;
mod code_cache;

// The way of a call, and the life of a vault.
pub mod calls;
pub mod gate;
mod deadline_errors;
pub mod subscribers;
pub mod outbound;
pub mod vault;
mod inbound;
pub mod supervisor;
mod forge;

// The service, and who asks it.
pub mod service;
pub mod api;
pub mod routes;
