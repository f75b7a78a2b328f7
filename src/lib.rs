//! hauki puts a JavaScript object on another machine and calls it.
//!
//! ```text
//!            records                HTTP over a Unix socket              api::node
//!   cli  ------------->  client  ---------------------->  core  ----------------------->  node
//!    |                     |                                |  (UAH CORE: store, gems,      |
//!    |                     |                                |   placement, tickets)         v
//!    |                     |                                                             sandbox
//!    |                     |        ticket: ip, port, key, token                            |
//!    |                     |  <----------------------------------------------               v
//!    '---- proxy call ---->'==== TLS 1.3, JSON-RPC 2.0 ==================> node::gate --> vault
//! ```
//!
//! Control and data planes are apart: calls go from the client straight to the node's gate and never
//! through the core. Allowed directions, checked by `tests/architecture.rs`: everything may use
//! [`model`], [`strict`] and [`system`]; `cli` uses `client`, never `core`, `node` or `sandbox`; `core` and
//! `node` meet only through [`api`]; `vault` uses [`rpc`], [`lpc`], `jail` and `model` only.

pub mod lpc;
pub mod model;
pub mod rpc;
pub mod strict;

#[cfg(feature = "contract")]
pub mod api;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod client;
#[cfg(feature = "daemon")]
pub mod core;
#[cfg(feature = "daemon")]
pub mod daemon;
#[cfg(feature = "jail")]
pub mod jail;
#[cfg(feature = "daemon")]
pub mod node;
#[cfg(feature = "daemon")]
pub mod sandbox;
#[cfg(feature = "script")]
pub mod script;
#[cfg(feature = "net")]
pub mod system;
#[cfg(feature = "vault-init")]
pub mod vault;
