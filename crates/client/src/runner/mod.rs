//! Subprocess of the engine: `hauki-script`, as a child of this process.
//!
//! Nothing of the engine is in the caller's process: sources are parsed and scripts run in a child that has
//! locked itself down, and what it says is taken as a stranger's word. `process` starts and ends it, as it does the
//! compiler's child, `locate` finds both, [`Checker`] has it parse sources; a session of `script` has it run programs.
//! A child dies with the thread that started it and with its owner here, whatever it does at that moment,
//! so a crash of either leaves nothing.

mod check;
mod error;
mod locate;
mod process;

pub use check::{CheckError, Checker};
pub use error::{ChildError, ChildFault, ChildProgram};
pub use locate::find;
pub(super) use process::{ChildProtocol, ConfinedChild, RunnerProtocol, StartedChild};

/// One that runs programs and parses sources.
pub(super) type Runner = ConfinedChild<RunnerProtocol>;
