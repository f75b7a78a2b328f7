//! The server for agents; see [`hauki_mcp`].

use std::process::ExitCode;

fn main() -> ExitCode {
    hauki_mcp::run()
}
