//! hauki puts a JavaScript object on another machine and calls it.
//!
//! ```text
//!            records                HTTP over a Unix socket              api::node
//!   cli  ------------->  client  ---------------------->  control  -------------------->  node
//!    |                     |                                |  (UAH CORE: store, gems,      |
//!    |                     |                                |   placement, tickets)         v
//!    |                     |                                                             sandbox
//!    |                     |        ticket: ip, port, key, token                            |
//!    |                     |  <----------------------------------------------               v
//!    '---- proxy call ---->'==== TLS 1.3, JSON-RPC 2.0 ==================> node::gate --> vault
//! ```
//!
//! Control and data planes are apart: calls go from the client straight to the node's gate and never
//! through the core. This package is the tool, [`cli`], and it shows what programs build on: the [`client`], and of what
//! all say to one another [`model`], [`rpc`] and [`api`]. Each is a crate of its own below `crates`, and so are the others;
//! the programs in `src/bin` are shells around them; who may use whom, `ARCHITECTURE.md` says.

pub mod cli;

pub use hauki_client as client;
pub use hauki_contract::{api, model, rpc};
