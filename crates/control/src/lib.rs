//! The control plane, UAH CORE (Universal API Hub).
//!
//! ```text
//!   routes --> service::operations --> phases: summon, forge, ticket, spawn, teardown, watch, ...
//!                                   |  each holds the parts that it may touch
//!                                   '--> dependencies: ledger, records --> store
//!                                                      node_table --> nodes --> api::node
//!                                                      gems, queue, quota, claims, events, ...
//! ```
//! `service` assembles them and does nothing else. The core owns the store and the issuer's key; the nodes own the vaults. It never carries a call.
//! It meets the node only through [`hauki_contract::api::node::NodeApi`].

// The parts from the bottom up: each may use those before it, and `tests/architecture.rs` holds that. What knows nothing
// of the others (rules, formats, the way to a machine) comes first.
mod user_limits;
mod ring;
mod events;
mod extract;
mod outage;
pub mod fake_node;
mod single_flight;
mod bulkhead;
pub mod link;
mod manifest;
pub mod scheduler;
mod validation;
mod authorization;

// What is kept, and who keeps it.
pub mod store;
pub mod nodes;
mod ledger;
mod metrics;
pub mod gems;
mod install;
mod failure;

// What phases are made of.
mod issuer;
mod data_key;
mod quota;
mod queue;
mod claims;
mod admission;
mod node_table;
mod dependencies;

// The phases.
mod run_to_completion;
mod membership;
mod event_numbers;
mod retention;
mod idempotency;
mod secrets;
mod code_distribution;
mod vaults;
mod ticket;
mod registry;
mod summon;
mod teardown;
mod parent;
mod placement;
mod spool;
mod forge;
mod spawn;
mod spool_worker;
mod families;
mod watch;
mod node_operations;
mod neighbours;
mod ownership;
mod scrub;
mod health;

// What assembles them, and who asks for that.
mod api_error;
pub mod service;
pub mod routes;
pub mod start;

#[cfg(test)]
mod tests;

pub use dependencies::{CoreParts, CoreSettings};
pub use health::Activity;
pub use nodes::Member;
pub use service::{Core, Tasks};
pub use start::{CoreStartError, open};
