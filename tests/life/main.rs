//! Lives and deaths of vaults on a real daemon: leases, links, kills, pauses, clones, and what holds a death up.

#[path = "../support"]
mod support {
    pub(crate) mod daemon;
    pub(crate) mod death;
    pub(crate) mod family;
    pub(crate) mod relay;
    pub(crate) mod screen;
    pub(crate) mod stranger;
    pub(crate) mod until;
}

mod beside;
mod clock;
mod clones;
mod crowd;
mod destruct;
mod five_phases;
mod kills;
mod leases;
mod pauses;
mod reap;
mod stuck;
