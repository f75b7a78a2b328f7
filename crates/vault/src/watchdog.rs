//! Watchdog: the thread that ends the init when the channel ends, also while a worker loops for ever.
//!
//! The main thread cannot do this: it is inside the engine for as long as a call runs. End of file
//! means that the gate, or the daemon that holds it, is gone; nobody is left to answer to, so there
//! is nothing to save, and `_exit` is the whole of the clean-up.

use std::io;
use std::sync::mpsc;
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::BorrowedFd;
use rustix::io::Errno;

const STACK_BYTES: usize = 64 * 1024;

/// Starts the thread and returns when it runs, so that a filter installed afterwards does not have to
/// allow what starting a thread needs.
pub(crate) fn start(channel: BorrowedFd<'static>) -> io::Result<()> {
    let (running, started) = mpsc::channel::<()>();
    thread::Builder::new().name("watchdog".into()).stack_size(STACK_BYTES).spawn(move || {
        drop(running);
        watch(channel);
    })?;
    // The sender sends nothing; that it was dropped is the message.
    let _ = started.recv();
    Ok(())
}

fn watch(channel: BorrowedFd<'static>) -> ! {
    loop {
        // Hang-up and error are always reported; a shut-down peer only when asked for.
        let mut interest = [PollFd::new(&channel, PollFlags::RDHUP)];
        match poll(&mut interest, None) {
            Ok(_) if interest[0].revents().is_empty() => {}
            Err(Errno::INTR | Errno::AGAIN) => {}
            Ok(_) | Err(_) => leave(),
        }
    }
}

fn leave() -> ! {
    // SAFETY: `_exit` takes a number and ends the process; the other thread needs no unwinding.
    unsafe { libc::_exit(0) }
}
