//! Node transport: how the core reaches a node, the inner contract over a Unix socket, on this machine or behind SSH.
//!
//! ```text
//!   HttpNode --HTTP--> Unix socket -----------------------------------------> haukid node   (local)
//!   HttpNode --HTTP--> Unix socket of the link --SshLink's thread--> sshd --> haukid node   (ssh)
//! ```
//! So a node opens no control port, and there is one HTTP client for both roads. A link owns one
//! thread and one SSH session; it comes back by itself, and what it is doing now is for everybody to
//! see. A crash leaves a socket file in a directory that only root can enter; the next start
//! replaces it.

pub mod http;
pub mod identity;
pub mod known_hosts;
mod session_memory;
mod unasked_traffic;
pub(crate) mod step_bounds;
mod agent;
pub mod login;
mod channel_opener;
mod pipe;
mod event_loop;
pub mod ssh;

pub use channel_opener::quoted;
pub use http::HttpNode;
pub use login::{LoginError, Secrets};
pub use ssh::{SshLink, SshTarget};
pub use step_bounds::Overstep;
