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
//! through the core. This package is the tool and its library, [`cli`] over [`client`]; what it says to the
//! others is `hauki-contract`, of which it shows [`model`], [`rpc`] and [`api`]. The others are crates of their own,
//! and the programs in `src/bin` are shells around them; who may use whom, `ARCHITECTURE.md` says.

pub mod cli;
pub mod client;

pub use hauki_contract::{api, model, rpc};
