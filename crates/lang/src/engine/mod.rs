//! The JavaScript engine: one worker in one fixed piece of memory.
//!
//! Only strings cross between Rust and the engine; JSON is the data format in both directions. A worker
//! is its [`Memory`] and its [`WorkerState`]; whatever else a run needs (the deadline, who calls, where
//! its lines go) is passed in for that run and forgotten. Errors leave the engine usable: a call that
//! threw, ran out of time or filled the heap is over, and the next one starts fresh.

mod base64;
mod bytes;
mod call_out;
pub mod clock;
mod host_call;
mod error_text;
mod ffi;
mod heap;
mod json;
mod long_strings;
mod memory;
mod number;
mod json_writer;
mod invocation;
mod powers;
mod runtime_parts;
#[cfg(feature = "script")]
mod script;
mod source;
mod state;
mod turn;
mod worker;

pub use crate::directive::SourceForm;
pub use call_out::{CallOut, CallOuts};
pub use clock::Deadline;
pub use host_call::{Argument, EfunValue, Efuns, Want};
pub use invocation::Host;
pub use memory::{FIXED_BASE, LEAST_HEAP_BYTES, MapAddress, Memory, MemoryError};
pub use powers::{Powers, TooManyPowers};
#[cfg(feature = "script")]
pub use script::{Script, Uncaught};
pub use source::{check, form, seen};
pub use state::WorkerState;
pub use turn::{Turn, TurnValue};
pub use worker::{Engine, WorkerCall};

#[cfg(test)]
mod tests;
