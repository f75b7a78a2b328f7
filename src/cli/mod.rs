//! The command line: verbs over the shared client.
//!
//! Every verb reads and writes records, one JSON object per line (`record`, `input`, `output`);
//! words go to standard error (`error`, `progress`). One verb is one file in `commands`. What a verb
//! has made and could not report is undone before the process ends (`ledger`).

mod args;
mod author_line;
mod batch;
mod cell;
mod color;
mod commands;
mod complete;
mod connect;
mod context;
mod error;
mod terminal_width;
mod reflow;
mod broken_pipe;
mod sentences;
mod pretty_json;
mod input;
mod keep_alive;
mod kinds;
mod undo;
mod lookup;
mod number_args;
mod output;
mod ticket_files;
mod progress;
mod record;
mod run;
mod session_store;
mod signals;
mod source;
mod source_faults;
mod stdin;
mod stdout;
mod table;
mod suggestions;
mod sanitize;
mod bounded_read;

pub use args::command;
pub use commands::completions::OurShell;
pub use run::main;
