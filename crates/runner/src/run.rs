//! Main loop of the runner, from start to end: take the channel, lock down, serve, leave with the channel.

use std::process::ExitCode;

use super::channel::RunnerChannel;
use super::serve::Server;
use hauki_contract::rpc::script::{FromRunner, RunnerReady, UNLOCKED};
use hauki_jail::child::{self, ConfinementError};
use hauki_jail::lockdown;
use hauki_lang::engine::Deadline;
use rustix::fd::BorrowedFd;

/// As sysexits(3) has it for a wrong command line.
const USAGE: u8 = 64;

/// The whole life of the runner. Its one argument is how many bytes it may map.
#[must_use]
#[expect(clippy::print_stderr, reason = "the channel is not there yet, or nobody may read it any more")]
pub fn run() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let most = match (arguments.next().and_then(|text| text.parse().ok()), arguments.next()) {
        (Some(most), None) if child::is_handed_over() => most,
        _ => {
            eprintln!("hauki-script runs the scripts of hauki, which starts it: see hauki-proxy-run(1)");
            return USAGE.into();
        }
    };
    let channel = match lock(most) {
        Ok(channel) => channel,
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            eprintln!("{error}{}", cause.unwrap_or_default());
            return u8::try_from(UNLOCKED).unwrap_or(u8::MAX).into();
        }
    };
    let mut link = RunnerChannel::new(channel);
    link.send(0, &FromRunner::Ready(RunnerReady { version: env!("CARGO_PKG_VERSION").to_owned() }));
    Server::new(link).serve();
    ExitCode::SUCCESS
}

/// From here on nothing can be opened, and the process ends with its parent or its channel.
fn lock(most_bytes: u64) -> Result<BorrowedFd<'static>, ConfinementError> {
    let channel = child::confine(most_bytes)?;
    // The first look at a clock asks the kernel where the vDSO is, which the filter forbids.
    let _ = Deadline::after_ms(0);
    lockdown::install()?;
    Ok(channel)
}
