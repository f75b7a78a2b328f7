//! `haukid`: the daemon, and, under another name, its own spawner.

use std::process::ExitCode;

use clap::Parser;
use hauki_contract::system::{clock, environment, rlimit};
use hauki_daemon::args::{DaemonTask, HaukidArgs};
use hauki_daemon::{bridge, run};

fn main() -> ExitCode {
    // First of all: a helper of the sandbox driver must have one thread and no files of its own.
    if let Some(code) = hauki_sandbox::dispatch() {
        return code;
    }
    // SAFETY: there is one thread yet.
    unsafe { environment::forget_empty() };
    rlimit::outlive_size_limit();
    clock::be_in_time();
    match HaukidArgs::parse().task {
        DaemonTask::Bridge(args) => bridge::main(&args.socket),
        // SAFETY: whoever gave --ready-fd on the command line handed the descriptor over for this.
        DaemonTask::Serve(role) => unsafe { run::main(&role) },
    }
}
