//! `haukid`: the daemon, and, under another name, its own spawner.

use std::process::ExitCode;

fn main() -> ExitCode {
    // First of all: a spawner must have one thread and no files of its own.
    if let Some(code) = hauki::sandbox::lxc::spawner::dispatch() {
        return code;
    }
    ExitCode::SUCCESS
}
