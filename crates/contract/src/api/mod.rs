//! Contract 1: the control plane's HTTP API, defined once and used by both of its sides.
//!
//! [`endpoints`] is the table of them, the other modules hold the bodies; `control::routes` serves them,
//! `client::endpoint` asks for them, and [`openapi`] publishes them. [`node`] is the inner contract
//! between the core and a node, and [`node_error`] how that one fails. Unknown fields are refused everywhere; every
//! other failure is an [`error::ApiError`]. What a body's own words forbid is an [`invalid_request`].

pub mod clone;
pub mod compilation;
pub mod endpoint;
pub mod endpoints;
pub mod error;
pub mod event;
pub mod gem;
pub mod health;
pub mod invalid_request;
pub mod node;
pub mod node_error;
pub mod node_paths;
pub mod openapi;
pub mod peer;
pub mod registry;
pub mod secret;
pub mod spool;
pub mod summons;
pub mod swarm;
pub mod teardown;
pub mod vault;
mod wire_documents;

#[cfg(test)]
mod schema_tests;

pub use endpoints::paths;
pub use error::{ApiError, ErrorCode};
