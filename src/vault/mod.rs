//! What runs inside a vault: pid 1, one engine, one channel.
//!
//! The init has no network, no file and no clock but the kernel's. It owns the worker's heap and the
//! few bytes of state beside it; the gate owns everything else, the worker's life included. A crash of
//! the init leaves nothing behind: the gate sees the end of the channel, the sandbox reaps the vault.

pub mod lockdown;
mod stamp;
mod watchdog;

use std::process::ExitCode;

use rustix::fd::BorrowedFd;

use crate::rpc::channel::{CHANNEL_FD, FromVault, Ready};

/// The whole life of the init. It ends with the channel.
#[must_use]
pub fn run() -> ExitCode {
    // SAFETY: the sandbox passes the channel as fd 3, and nothing closes it before the process ends.
    let channel = unsafe { BorrowedFd::borrow_raw(CHANNEL_FD) };
    if lockdown::disinherit().is_err() || watchdog::start(channel).is_err() || lockdown::install().is_err() {
        return ExitCode::FAILURE;
    }
    let mut out = Vec::new();
    FromVault::Ready(Ready { build: stamp::id(), locked: true }).encode(&mut out);
    let _ = rustix::io::write(channel, &out);
    let _ = rustix::io::read(channel, &mut [0u8; 1]);
    ExitCode::SUCCESS
}
