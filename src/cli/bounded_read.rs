//! Bounded reads: whole files as people name them, and no more of them than can be used.
//!
//! What is not a plain file may take its time or have no end, so a thread reads it: a blocked read must keep
//! the process neither from hearing signals nor from ending. What is made of much of it is made on a thread
//! as well, for the same reason.

use std::fs;
use std::io;
use std::path::Path;
use std::thread;

use tokio::sync::oneshot;

use hauki_contract::system::rlimit;

/// The most that is read as one piece where nothing smaller is the limit.
pub(crate) const MOST_BYTES: usize = 256 * 1024 * 1024;

/// So much is looked through before anybody notices.
const SMALL: usize = 1024 * 1024;

/// A file, or `-` for standard input, that has at most so many bytes.
pub(crate) async fn read(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let is_stdin = path == Path::new("-");
    if !is_stdin && fs::metadata(path)?.is_file() {
        return rlimit::read(path, most);
    }
    let path = path.to_owned();
    let read =
        aside(
            move || {
                if is_stdin { rlimit::read_from(io::stdin().lock(), most) } else { rlimit::read(path, most) }
            },
        );
    read.await.unwrap_or_else(|| Err(io::Error::other("the reader ended")))
}

/// What is made of bytes that were read.
pub(crate) async fn made<T: Send + 'static>(
    bytes: Vec<u8>,
    make: impl FnOnce(&[u8]) -> T + Send + 'static,
) -> Option<T> {
    if bytes.len() <= SMALL { Some(make(&bytes)) } else { aside(move || make(&bytes)).await }
}

/// On a thread that nobody waits for once the command is over; nothing if it panicked.
pub(crate) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, receiver) = oneshot::channel();
    thread::spawn(move || {
        // Nobody waits any more if the command was cancelled.
        let _ = sender.send(work());
    });
    receiver.await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_has_no_end_is_read_as_far_as_it_may_be() {
        let error = read(Path::new("/dev/zero"), 10).await.expect_err("is too long");
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(error.to_string(), "it is longer than 10 bytes");
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("f");
        fs::write(&path, "abc").expect("writes");
        assert_eq!(read(&path, 9).await.expect("reads"), b"abc");
        assert!(read(Path::new("/nowhere/at/all"), 1).await.is_err());
    }
}
