//! The daemon, haukid: it puts core and node together, serves the control socket, and goes in order.
//!
//! `haukid all` is both halves in one process, `core` and `node` are the halves. State: the lock,
//! the store and the keys under the state directory. A crash leaves the socket file and whatever the
//! next start sweeps; vaults die with the process.

pub mod args;
pub mod bridge;
mod accept;
mod findings;
mod state_dir;
mod ready;
mod role;
pub mod run;
mod settings;
mod request_trace;
mod slow_reader;
