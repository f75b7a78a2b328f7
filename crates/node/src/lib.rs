//! The swarm node: it forges vaults, opens their ports, keeps their leases and buries them.
//!
//! One task per vault, the [`keeper`], owns its channel and its life; [`gate`] connections hand it
//! calls through [`vault::Vault`]. All state is in memory: a vault cannot outlive this process (end
//! of file on its channel ends it), so a crash leaves only what the driver's sweep removes, and the
//! core learns from a new boot id that everything is gone.

pub mod affinity;
mod allowance;
pub mod asked;
pub mod audience;
pub mod calls;
pub mod desk;
mod forge;
mod frames;
pub mod gate;
pub mod host;
pub mod init;
pub mod intake;
pub mod keeper;
pub mod lanes;
mod late;
pub mod news;
pub mod pipe;
pub mod pool;
pub mod reach;
pub mod routes;
pub mod settings;
mod shelf;
pub mod vault;
pub mod waking;
pub mod wishes;
