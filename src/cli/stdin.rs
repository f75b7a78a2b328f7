//! Standard input, read by a plain thread: a blocked read must not keep the process from ending.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use std::thread;

use tokio::sync::{mpsc, oneshot};

/// The most that is read as one piece, from a file as well.
pub(crate) const MOST_BYTES: usize = 256 * 1024 * 1024;

/// Whether somebody has piped something in, for the hint that names `-`.
pub(crate) fn is_piped() -> bool {
    !io::stdin().is_terminal()
}

/// All of it.
pub(crate) async fn read_all() -> io::Result<Vec<u8>> {
    let (sender, receiver) = oneshot::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX).saturating_add(1);
        let read = io::stdin().lock().take(most).read_to_end(&mut bytes).and_then(|_| {
            let fits = bytes.len() <= MOST_BYTES;
            if fits { Ok(bytes) } else { Err(io::Error::other("standard input is longer than 256 MiB")) }
        });
        // Nobody waits any more if the command was cancelled.
        let _ = sender.send(read);
    });
    receiver.await.unwrap_or_else(|_| Err(io::Error::other("the reader of standard input ended")))
}

/// Line by line, without newlines.
pub(crate) fn lines() -> mpsc::Receiver<io::Result<String>> {
    let (sender, receiver) = mpsc::channel(64);
    thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
