//! Init process: pid 1 from start to end: give up what was inherited, lock down, serve, leave with the channel.

use std::process::ExitCode;

use rustix::fd::BorrowedFd;

use super::channel::{InitChannel, InitChannelError, NextInput};
use super::session::{InitSession, protocol};
use super::{build_id, watchdog};
use hauki_contract::model::error_chain;
use hauki_contract::rpc::channel::{CHANNEL_FD, FromVault, WorkerReady};
use hauki_jail::lockdown::{self, LockdownError};
use hauki_lang::engine::Deadline;

#[derive(Debug, thiserror::Error)]
enum InitError {
    #[error("locking down")]
    Lockdown(#[from] LockdownError),
    #[error("starting the watchdog")]
    Watchdog(#[source] std::io::Error),
    #[error("serving the channel")]
    Link(#[from] InitChannelError),
}

/// The whole life of the init. It ends with the channel.
#[must_use]
pub fn run() -> ExitCode {
    // SAFETY: the sandbox passes the channel as fd 3, and nothing closes it before the process ends.
    let channel = unsafe { BorrowedFd::borrow_raw(CHANNEL_FD) };
    match serve(channel) {
        Ok(()) => ExitCode::SUCCESS,
        // Nobody reads a vault's stderr by default; the exit code is all there is to say.
        Err(_) => ExitCode::FAILURE,
    }
}

/// Gives up what was inherited and what is not needed from now on.
fn lock_down(channel: BorrowedFd<'static>) -> Result<(), InitError> {
    lockdown::disinherit()?;
    watchdog::start(channel).map_err(InitError::Watchdog)?;
    // The first look at a clock asks the kernel where the vDSO is, which the filter forbids.
    let _ = Deadline::after_ms(0);
    Ok(lockdown::install()?)
}

fn serve(channel: BorrowedFd<'static>) -> Result<(), InitError> {
    if let Err(error) = lock_down(channel) {
        // Said instead of being ready: nothing has been read, and nothing will be.
        let words = error_chain::told(&error);
        let mut link = InitChannel::new(channel);
        link.send(&FromVault::Error { call: 0, error: protocol(words) });
        link.flush();
        return Err(error);
    }

    let mut session = InitSession::new(InitChannel::new(channel));
    session.link().send(&FromVault::Ready(WorkerReady { build: build_id::id(), locked: true }));
    loop {
        session.rest();
        let due = session.next_due();
        match session.link().next(due) {
            Ok(NextInput::Message(message)) => session.answer(message),
            Ok(NextInput::Due) => session.due(),
            Ok(NextInput::End) => return Ok(()),
            Err(error) => {
                // After a broken frame nobody knows where the next one begins.
                if let InitChannelError::Frame(broken) = &error {
                    session.fail(0, protocol(broken.to_string()));
                    session.link().flush();
                }
                return Err(error.into());
            }
        }
    }
}
