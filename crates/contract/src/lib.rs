//! Contracts: what the parts of hauki say to one another, and how it is read.
//!
//! [`model`] has the nouns, [`strict`] the one way to read a document, [`rpc`] what callers, gates and vaults say,
//! [`api`] what tool, control plane and nodes say; [`system`] what each of their processes needs of its machine.

pub mod model;
pub mod rpc;
pub mod strict;
pub mod system;

#[cfg(feature = "documents")]
pub mod api;
