//! One file per verb: its arguments, its help, and `run`.

pub(super) mod bench;
pub(super) mod clone;
pub(super) mod completions;
pub(super) mod config;
pub(super) mod destruct;
pub(super) mod doctor;
pub(super) mod events;
pub(super) mod forge;
pub(super) mod gem;
pub(super) mod heartbeat;
pub(super) mod help;
pub(super) mod ls;
mod narrow;
pub(super) mod node;
pub(super) mod proxy;
pub(super) mod resolve;
pub(super) mod show;
pub(super) mod spool;
pub(super) mod summon;
pub(super) mod ticket;
pub(super) mod version;
