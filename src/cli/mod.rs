//! The command line: verbs over the shared client.
//!
//! Every verb reads and writes records, one JSON object per line (`record`, `input`, `output`);
//! words go to standard error (`error`, `progress`). One verb is one file in `commands`. What a verb
//! has made and could not report is undone before the process ends (`ledger`).

mod args;
mod batch;
mod cell;
mod color;
mod commands;
mod complete;
mod connect;
mod context;
mod error;
mod fit;
mod flow;
mod gone;
mod sentences;
mod indent;
mod input;
mod keep_alive;
mod kinds;
mod undo;
mod named;
mod number;
mod output;
mod private;
mod progress;
mod record;
mod run;
mod signals;
mod source;
mod stdin;
mod stdout;
mod table;
mod tips;
mod visible;
mod whole;

pub use args::command;
pub use commands::completions::OurShell;
pub use run::main;
