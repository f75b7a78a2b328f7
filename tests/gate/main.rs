//! The gate of a node, over TLS: tickets, the protocol, cancelling, hostile callers and vaults that lie.

#[path = "../support"]
mod support {
    pub(crate) mod daemon;
    pub(crate) mod death;
    pub(crate) mod family;
    pub(crate) mod probe;
    pub(crate) mod program;
    pub(crate) mod puppet;
    pub(crate) mod relay;
    pub(crate) mod stranger;
    pub(crate) mod tool;
    pub(crate) mod until;
}

mod budgets;
mod callbacks;
mod cancel;
mod charged;
mod evaluate;
mod fetch;
mod foreign;
mod hostile;
mod offers;
mod outbound;
mod protocol;
mod secrets;
mod tickets;
mod vault;
