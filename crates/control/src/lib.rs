//! The control plane, UAH CORE (Universal API Hub).
//!
//! ```text
//!   routes --> service (summon, forge, ticket, spawn, life, vaults) --> nodes --> api::node
//!                 |            |                |                        ^
//!              gems, keys   scheduler  registry, spool, record, store          watch (news, reconcile)
//! ```
//! The core owns the store and the issuer's key; the nodes own the vaults. It never carries a call.
//! It meets the node only through [`hauki_contract::api::node::NodeApi`].

pub mod events;
pub mod fake_node;
pub mod gems;
pub mod issuer;
pub mod ledger;
pub mod link;
pub mod manifest;
pub mod metrics;
pub mod nodes;
pub mod routes;
pub mod scheduler;
pub mod service;
pub mod spool;
pub mod start;
pub mod store;
pub mod watch;

mod adding;
mod api_error;
mod carried;
mod charge;
mod death;
mod ending;
mod extract;
mod flight;
mod forge;
mod forging;
mod hearing;
mod install;
mod keys;
mod lanes;
mod life;
mod lineage;
mod members;
mod numbers;
mod owners;
mod placed;
mod placement;
mod reaper;
mod registry;
mod ring;
mod salvage;
mod spawn;
mod stock;
mod summon;
mod ticket;
mod unseen;
mod vaults;
mod vetting;

#[cfg(test)]
mod tests;

pub use nodes::Member;
pub use service::{Activity, Core, Parts};
pub use start::{StartError, open};
pub use watch::Tasks;
