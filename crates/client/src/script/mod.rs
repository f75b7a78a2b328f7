//! Script engine of the caller's side: a local engine in which objects of other machines are values.
//!
//! A [`ScriptSession`] is an engine in a child (`runner`), and its host, which is here. The host holds the
//! objects: a ticket each, and the connection that claimed it. Everything that leaves the engine comes to
//! the host as strings, runs on one small runtime, and can be ended at any moment by the [`CancelHandle`]. The child has
//! no other power than what the host does for it. What a session
//! cloned is linked to its connections, so it dies when the session is dropped, and also when the process
//! is killed, because the kernel closes the sockets. Nothing here prints or reads signals by itself: the
//! [`World`] does, and the command line is one of them.

mod cancel;
mod callbacks;
mod calls;
mod clone;
mod failure;
mod events;
mod files;
mod host;
mod objects;
mod options;
mod runtime;
mod session;
mod statement;

pub use cancel::{CancelHandle, Stop};
pub use events::LineSink;
pub use failure::{FailureDetail, ScriptFailure, as_thrown};
pub use host::World;
pub use session::{ProgramEnd, ScriptSession, ScriptSetupError, Setup};
