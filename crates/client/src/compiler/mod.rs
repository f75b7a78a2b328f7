//! Subprocess of the compiler: `hauki-compile`, as a child of this process.
//!
//! It lowers modern JavaScript and TypeScript to what the engine reads. As the engine's child it has locked itself
//! down, lives as long as its channel, and what it says is taken as a stranger's word: its text is shown to the engine
//! again before it is sent anywhere, and its faults are words for a terminal. [`Compiler`] asks it, [`Toolchain`]
//! decides whether it is asked at all.

mod imports;
mod compile;
mod evaluated;
mod toolchain;
mod turn_maps;

pub use compile::{CompileError, Compiled, Compiler};
pub use evaluated::{EvaluatedText, evaluator};
pub use toolchain::{PreparedSource, SourceOrder, Toolchain, ToolchainError};
pub use turn_maps::{TurnMaps, TurnText};
