//! Embedded init: the program that runs in every vault, built with this very crate.

pub static IMAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hauki-vault"));

/// Which build of it that is, as it says itself.
pub const BUILD: &str = env!("HAUKI_VAULT_BUILD");
