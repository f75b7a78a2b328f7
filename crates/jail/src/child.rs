//! Confinement of a child: the channel that its parent handed over, bounds on what it may take, and a life no longer than
//! its parent's.
//!
//! For programs that `hauki` starts at the caller, where nothing else stands around them. The filter comes last, from
//! [`super::lockdown::install`], when the child has done what the filter forbids.

use std::io;

use hauki_contract::rpc::channel::CHANNEL_FD;
use hauki_contract::rpc::script::HANDED_OVER;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::BorrowedFd;
use rustix::process::{Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit};

use super::lockdown::{self, LockdownError};

#[derive(Debug, thiserror::Error)]
pub enum ConfinementError {
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

/// Whether somebody has handed over a channel, and not a terminal or a file.
#[must_use]
pub fn is_handed_over() -> bool {
    // SAFETY: the number is only asked about.
    let handed = unsafe { BorrowedFd::borrow_raw(HANDED_OVER) };
    rustix::net::sockopt::socket_type(handed).is_ok()
}

/// From here on nothing can be opened for writing, no process begun, and the process ends with its parent.
pub fn confine(most_bytes: u64) -> Result<BorrowedFd<'static>, ConfinementError> {
    // SAFETY: these numbers are nobody's in this process yet; 0 becomes what 1 is, which cannot be read.
    unsafe {
        lockdown::check(libc::dup2(HANDED_OVER, CHANNEL_FD).into()).map_err(ConfinementError::Channel)?;
        lockdown::check(libc::dup2(libc::STDOUT_FILENO, HANDED_OVER).into())
            .map_err(ConfinementError::Channel)?;
    }
    lockdown::disinherit()?;
    // SAFETY: it has just been put there, and nothing closes it before the process ends.
    let channel = unsafe { BorrowedFd::borrow_raw(CHANNEL_FD) };
    die_with_parent(channel)?;
    for (what, resource, most) in [
        ("memory", Resource::As, most_bytes),
        ("processes", Resource::Nproc, 0),
        ("files", Resource::Fsize, 0),
    ] {
        // Somebody may have set one that is narrower already.
        let most = getrlimit(resource).maximum.map_or(most, |before| before.min(most));
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        setrlimit(resource, limit).map_err(|error| ConfinementError::Limit { what, source: error.into() })?;
    }
    // What a terminal sends to all of a command is for hauki to judge.
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        // SAFETY: to ignore a signal needs no code of ours.
        unsafe { libc::signal(signal.as_raw(), libc::SIG_IGN) };
    }
    Ok(channel)
}

/// The kernel kills us when hauki dies, however it does; also if we are stopped, or deep in somebody's text.
fn die_with_parent(channel: BorrowedFd<'_>) -> Result<(), ConfinementError> {
    let parent = |error: rustix::io::Errno| ConfinementError::Parent(error.into());
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(parent)?;
    // One that died before that has closed its end of the channel before.
    let mut looked = [PollFd::new(&channel, PollFlags::RDHUP)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut looked, Some(&now)).map_err(parent)?;
    if looked[0].revents().is_empty() { Ok(()) } else { Err(parent(rustix::io::Errno::PIPE)) }
}
