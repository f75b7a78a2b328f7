//! The control plane, UAH CORE (Universal API Hub).
//!
//! ```text
//!   routes --> service::face --> phases: summon, forge, ticket, spawn, life, watch, members, ...
//!                                   |  each holds the parts that it may touch
//!                                   '--> basis: ledger, records --> store
//!                                               roster --> nodes --> api::node
//!                                               gems, queue, stock, claims, flights, events, ...
//! ```
//! `service` assembles them and does nothing else. The core owns the store and the issuer's key; the nodes own the vaults. It never carries a call.
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
pub mod start;
pub mod store;

mod api_error;
mod basis;
mod carried;
mod charge;
mod claims;
mod clerk;
mod duty;
mod extract;
mod failure;
mod families;
mod flight;
mod forge;
mod health;
mod install;
mod keys;
mod lanes;
mod life;
mod members;
mod numbers;
mod owners;
mod parent;
mod placement;
mod queue;
mod reaper;
mod registry;
mod rights;
mod ring;
mod roster;
mod spawn;
mod spool;
mod stock;
mod summon;
mod ticket;
mod travel;
mod vaults;
mod vetting;
mod watch;

#[cfg(test)]
mod tests;

pub use basis::Parts;
pub use health::Activity;
pub use nodes::Member;
pub use service::{Core, Tasks};
pub use start::{StartError, open};
