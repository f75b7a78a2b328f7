//! The shared client: everything that a program needs to summon workers and to call them.
//!
//! [`endpoint`] speaks to a control plane, [`ghost`] to one vault through its ticket, [`relay`] lets
//! other programs of this machine do so, [`autostart`] brings a control plane up where there is none,
//! [`runner`] has the engine in a child, [`compiler`] what lowers modern sources to what the engine reads,
//! [`config`] decides which one is meant, [`mcp_order`] hands it on to the program that serves agents, and [`exit`] publishes what a process ends with. The command
//! line, `hauki`, is one user of it; nothing here prints, reads standard input or ends the
//! process.

mod address;
pub mod autostart;
pub mod compiler;
pub mod config;
pub mod endpoint;
pub mod error;
pub mod exit;
pub mod ghost;
pub mod identity;
pub mod mcp_order;
mod ndjson_stream;
mod operations;
pub mod relay;
pub mod retry;
pub mod runner;
pub mod script;
mod swarm;
pub mod tombstone;
mod trace_header;
pub mod visible;

pub use address::Address;
pub use endpoint::ControlPlane;
pub use error::ClientError;
pub use exit::Exit;
pub use ghost::Ghost;
