//! Nodes of a swarm: how they are added, what they promise, and what one that hangs, lies or is lost does to others.

#[path = "../support"]
mod support {
    pub(crate) mod daemon;
    pub(crate) mod death;
    pub(crate) mod family;
    pub(crate) mod probe;
    pub(crate) mod ssh_peer;
    pub(crate) mod sshd;
    pub(crate) mod stranger;
    pub(crate) mod until;
}

mod add;
mod conformance;
mod host_keys;
mod hostile;
mod hundred;
mod liar;
mod pool;
mod ssh;
mod travel;
