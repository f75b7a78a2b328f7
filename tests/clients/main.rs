//! Clients in five languages, and an agent's, against real vaults. A binary of its own, for one test counts the memory of its own
//! process.

#[path = "../support"]
mod support {
    pub(crate) mod daemon;
    pub(crate) mod relay;
    pub(crate) mod until;
}

mod callbacks;
mod calls;
mod give_up;
mod mcp;
mod sandboxes;
