//! Whole files as people name them, and no more of them than can be used.
//!
//! What is not a plain file may take its time or have no end, so a thread reads it: a blocked read must keep
//! the process neither from hearing signals nor from ending.

use std::fs;
use std::io;
use std::path::Path;
use std::thread;

use tokio::sync::oneshot;

use crate::system::files;

/// A file, or `-` for standard input, that has at most so many bytes.
pub(crate) async fn read(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let is_stdin = path == Path::new("-");
    if !is_stdin && fs::metadata(path)?.is_file() {
        return files::read(path, most);
    }
    let (sender, receiver) = oneshot::channel();
    let path = path.to_owned();
    thread::spawn(move || {
        let read =
            if is_stdin { files::read_from(io::stdin().lock(), most) } else { files::read(path, most) };
        // Nobody waits any more if the command was cancelled.
        let _ = sender.send(read);
    });
    receiver.await.unwrap_or_else(|_| Err(io::Error::other("the reader ended")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_has_no_end_is_read_as_far_as_it_may_be() {
        let error = read(Path::new("/dev/zero"), 10).await.expect_err("is too long");
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("f");
        fs::write(&path, "abc").expect("writes");
        assert_eq!(read(&path, 9).await.expect("reads"), b"abc");
        assert!(read(Path::new("/nowhere/at/all"), 1).await.is_err());
    }
}
