//! Local proxy: a ticket's session for programs that speak JSON-RPC and know nothing of tickets.
//!
//! `forward` takes one program's lines through a [`Ghost`](super::Ghost), which keeps the ids of
//! several programs apart and the connection up; [`Listener`] is a local endpoint where such programs
//! connect. Memory is bounded on the way: what a program may have in flight is limited, and while it
//! does not take its replies no more of its requests are read.

mod answer;
mod forward;
mod listener;
mod write_buffer;
mod listen_address;
mod hangup;
mod fair_queue;

pub use forward::{RelayError, RelayOptions, carry};
pub use hangup::left;
pub use listen_address::{ListenAddress, ListenAddressError};
pub use listener::Listener;
