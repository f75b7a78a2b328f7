//! The gate, an RPC server in front of the vaults: everything between a caller on the network and a vault.
//!
//! It owns the port, TLS, the token, the rights, the bounds and the deadlines, so that a vault has
//! none of them. Plain calls of an authenticated caller are all that passes on.

pub(crate) mod byte_accounts;
mod rate_limit;
pub mod connection;
mod unauthenticated;
pub mod hello;
pub mod identity;
mod offload;
mod source_check;
mod batch;
pub mod replies;
pub(crate) mod callbacks;
mod method_params;
mod offering;
pub mod port;
mod receiving;
pub mod authorization;
mod sending;
pub mod session;
pub mod fair_scheduler;
