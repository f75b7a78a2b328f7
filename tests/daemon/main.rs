//! `haukid` as a process with a store: how it starts, what it keeps, what it refuses, and what its end leaves.

#[path = "../support"]
mod support {
    pub(crate) mod daemon;
    pub(crate) mod death;
    pub(crate) mod earlier;
    pub(crate) mod family;
    pub(crate) mod newer;
    pub(crate) mod old_node;
    pub(crate) mod old_swarm;
    pub(crate) mod puppet;
    pub(crate) mod stranger;
    pub(crate) mod until;
    pub(crate) mod user;
}

mod autostart;
mod disk;
mod evolution;
mod files;
mod limits;
mod node;
mod process;
mod registry;
mod spool;
mod store;
mod users;
mod versions;
