//! Compiler: JavaScript of today and TypeScript, lowered to what the engine reads.
//!
//! A pure function from text to text over the single crates of swc: it opens nothing, and keeps nothing from one source
//! to the next. Who runs it is `hauki-compile`, a program of its own that has a channel and no way out, because a parser
//! of a hundred thousand lines meets text that others wrote.
//!
//! ```text
//!   text --> arrows --> parse --> early_errors, absent, refusals --> link, modules --> lower --> dialect --> write --> text
//!                                          |
//!                                          '--> all faults of the source, each with its place
//! ```
//!
//! What comes out begins with [`DIRECTIVE`] and ends with its source map. Exports are a worker's methods: `export
//! default` of a function is one under the function's name, or `main` where it has none; that of anything else is
//! refused, because nobody could call it. Classes are no methods, whether they are exported or not.

mod faults;
mod depth;
mod arrows;
mod call_other;
mod parse;
mod scopes;
mod early_errors;
mod absent;
mod refusals;
mod regex;
mod graph;
mod common_js;
mod replace_imports;
mod link;
mod built_in;
mod modules;
mod top_level_await;
mod private_in;
mod instance_of;
mod close_loops;
mod lower;
mod separate;
mod dialect;
mod brackets;
mod source_map;
mod write;
mod compile;
mod channel;
mod run;

pub use compile::{DIRECTIVE, LoweredSource, compile, compile_with};
pub use graph::{ModuleSource, ModuleText, NoModules};
pub use run::run;
