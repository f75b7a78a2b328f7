//! Agent server: workers for a language model's client, by the Model Context Protocol over standard input and output.
//!
//! `hauki mcp` decides which control plane is meant and becomes this program, so that no other verb carries the protocol's
//! library. [`stdio`] reads and writes messages, [`server`] answers them, [`session`] is what one client has: its workers,
//! each linked to a connection of this process. Whatever ends this process, be it `kill -9`, ends them.

mod answer;
mod creation;
mod jsdoc;
mod live_worker;
mod method_schema;
mod process;
mod program;
mod resources;
mod roots;
mod server;
mod session;
mod signature;
mod stdio;
mod tool_names;
mod tools;
mod watched_call;
mod worker_table;

pub use process::run;
