//! Main loop of the runner, from start to end: take the channel, lock down, serve, leave with the channel.

use std::io;
use std::process::ExitCode;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::BorrowedFd;
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

use super::channel::RunnerChannel;
use super::serve::Server;
use hauki_contract::rpc::channel::CHANNEL_FD;
use hauki_contract::rpc::script::{FromRunner, HANDED_OVER, RunnerReady, UNLOCKED};
use hauki_jail::lockdown::{self, LockdownError};
use hauki_lang::engine::Deadline;

/// As sysexits(3) has it for a wrong command line.
const USAGE: u8 = 64;

#[derive(Debug, thiserror::Error)]
enum RunnerStartError {
    #[error("taking the channel")]
    Channel(#[source] io::Error),
    #[error("asking to die with hauki")]
    Parent(#[source] io::Error),
    #[error("bounding {what}")]
    Limit {
        what: &'static str,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Lockdown(#[from] LockdownError),
}

/// The whole life of the runner. Its one argument is how many bytes it may map.
#[must_use]
#[expect(clippy::print_stderr, reason = "the channel is not there yet, or nobody may read it any more")]
pub fn run() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let most = match (arguments.next().and_then(|text| text.parse().ok()), arguments.next()) {
        (Some(most), None) if is_channel() => most,
        _ => {
            eprintln!("hauki-script runs the scripts of hauki, which starts it: see hauki-proxy-run(1)");
            return USAGE.into();
        }
    };
    if let Err(error) = lock(most) {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        eprintln!("{error}{}", cause.unwrap_or_default());
        return u8::try_from(UNLOCKED).unwrap_or(u8::MAX).into();
    }
    // SAFETY: `lock` has put the channel there, and nothing closes it before the process ends.
    let channel = unsafe { BorrowedFd::borrow_raw(CHANNEL_FD) };
    let mut link = RunnerChannel::new(channel);
    link.send(0, &FromRunner::Ready(RunnerReady { version: env!("CARGO_PKG_VERSION").to_owned() }));
    Server::new(link).serve();
    ExitCode::SUCCESS
}

/// Whether somebody has handed over a channel, and not a terminal or a file.
fn is_channel() -> bool {
    // SAFETY: the number is only asked about.
    let handed = unsafe { BorrowedFd::borrow_raw(HANDED_OVER) };
    rustix::net::sockopt::socket_type(handed).is_ok()
}

/// From here on nothing can be opened, and the process ends with its parent or its channel.
fn lock(most_bytes: u64) -> Result<(), RunnerStartError> {
    // SAFETY: these numbers are nobody's in this process yet; 0 becomes what 1 is, which cannot be read.
    unsafe {
        lockdown::check(libc::dup2(HANDED_OVER, CHANNEL_FD).into()).map_err(RunnerStartError::Channel)?;
        lockdown::check(libc::dup2(libc::STDOUT_FILENO, HANDED_OVER).into())
            .map_err(RunnerStartError::Channel)?;
    }
    lockdown::disinherit()?;
    die_with_parent()?;
    for (what, resource, most) in [
        ("memory", Resource::As, most_bytes),
        ("processes", Resource::Nproc, 0),
        ("files", Resource::Fsize, 0),
    ] {
        // Somebody may have set one that is narrower already.
        let most = getrlimit(resource).maximum.map_or(most, |before| before.min(most));
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        setrlimit(resource, limit).map_err(|error| RunnerStartError::Limit { what, source: error.into() })?;
    }
    // What a terminal sends to all of a command is for hauki to judge.
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        // SAFETY: to ignore a signal needs no code of ours.
        unsafe { libc::signal(signal.as_raw(), libc::SIG_IGN) };
    }
    // The first look at a clock asks the kernel where the vDSO is, which the filter forbids.
    let _ = Deadline::after_ms(0);
    Ok(lockdown::install()?)
}

/// The kernel kills us when hauki dies, however it does; also if we are stopped, or inside the engine.
fn die_with_parent() -> Result<(), RunnerStartError> {
    let parent = |error: rustix::io::Errno| RunnerStartError::Parent(error.into());
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(parent)?;
    // One that died before that has closed its end of the channel before.
    // SAFETY: `lock` has put the channel there.
    let channel = unsafe { BorrowedFd::borrow_raw(CHANNEL_FD) };
    let mut looked = [PollFd::new(&channel, PollFlags::RDHUP)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut looked, Some(&now)).map_err(parent)?;
    if looked[0].revents().is_empty() { Ok(()) } else { Err(parent(rustix::io::Errno::PIPE)) }
}
