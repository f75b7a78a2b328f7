//! `haukid`: the daemon, and, under another name, its own spawner.

use std::process::ExitCode;

use clap::Parser;
use hauki::daemon::args::HaukidArgs;
use hauki::daemon::run;
use hauki::sandbox::lxc::spawner;

fn main() -> ExitCode {
    // First of all: a spawner must have one thread and no files of its own.
    if let Some(code) = spawner::dispatch() {
        return code;
    }
    let args = HaukidArgs::parse();
    // SAFETY: whoever gave --ready-fd on the command line handed the descriptor over for this.
    unsafe { run::main(&args) }
}
