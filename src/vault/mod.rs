//! What runs inside a vault: pid 1, one engine, one channel.
//!
//! The init has no network, no file and no power over its own life. It owns the worker's heap and the
//! few bytes of state beside it; the gate owns everything else. A crash of the init leaves nothing
//! behind: the gate sees the end of the channel, and the sandbox reaps the vault.
//!
//! ```text
//!   fd 3 --> link --> session --> lpc::engine        watchdog: a thread that ends all this
//!        <--      <--          <--                             when the other end of fd 3 is gone
//! ```

mod link;
pub mod lockdown;
mod session;
mod stamp;
mod watchdog;

use std::process::ExitCode;

use rustix::fd::BorrowedFd;

use crate::lpc::engine::Deadline;
use crate::rpc::channel::{CHANNEL_FD, FromVault, Ready};
use link::{Link, LinkError};
use lockdown::LockdownError;
use session::{Session, protocol};

#[derive(Debug, thiserror::Error)]
enum InitError {
    #[error("locking down")]
    Lockdown(#[from] LockdownError),
    #[error("starting the watchdog")]
    Watchdog(#[source] std::io::Error),
    #[error("serving the channel")]
    Link(#[from] LinkError),
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

fn serve(channel: BorrowedFd<'static>) -> Result<(), InitError> {
    lockdown::disinherit()?;
    watchdog::start(channel).map_err(InitError::Watchdog)?;
    // The first look at a clock asks the kernel where the vDSO is, which the filter forbids.
    let _ = Deadline::after_ms(0);
    lockdown::install()?;

    let mut session = Session::new(Link::new(channel));
    session.link().send(&FromVault::Ready(Ready { build: stamp::id(), locked: true }));
    loop {
        match session.link().next() {
            Ok(Some(message)) => session.answer(message),
            Ok(None) => return Ok(()),
            Err(error) => {
                // After a broken frame nobody knows where the next one begins.
                if let LinkError::Frame(broken) = &error {
                    session.fail(0, protocol(broken.to_string()));
                    session.link().flush();
                }
                return Err(error.into());
            }
        }
    }
}
