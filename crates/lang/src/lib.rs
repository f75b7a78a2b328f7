//! The language: what both JavaScript sides share: the worker's in a vault and the script's at the caller.

pub mod arrow;
pub mod directive;
mod encoded_map;
pub mod unsupported;
#[cfg(feature = "engine")]
pub mod engine;
pub mod lexer;
pub mod runtime_names;
pub mod newer;
pub mod source_map;
pub mod position;
mod scan;
