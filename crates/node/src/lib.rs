//! The swarm node: it forges vaults, opens their ports, keeps their leases and buries them.
//!
//! One task per vault, the [`supervisor`], owns its channel and its life; [`gate`] connections hand it
//! calls through [`vault::VaultHandle`]. All state is in memory: a vault cannot outlive this process (end
//! of file on its channel ends it), so a crash leaves only what the driver's sweep removes, and the
//! core learns from a new boot id that everything is gone.

// The parts from the bottom up: each may use those before it, and `tests/architecture.rs` holds that. What knows no vault
// comes first.
pub mod init;
mod waking_clock;
mod shards;
mod affinity;
mod token_bucket;
mod channel;
mod requests;
mod host_load;
mod clone_requests;
mod journal;
mod pool;
pub mod settings;
mod code_cache;

// The way of a call, and the life of a vault.
mod calls;
pub mod gate;
mod deadline_errors;
mod subscribers;
mod outbound;
mod vault;
mod inbound;
mod supervisor;
mod forge;

// The service, and who asks it.
pub mod service;
pub mod api;
pub mod routes;
