//! Start lock: whose turn it is to start the daemon: an advisory lock, which the kernel drops with its holder.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::AutostartError;
use hauki_contract::system::{clock, dirs};

const LOOK: Duration = Duration::from_millis(10);

/// Held until it is dropped.
pub(super) struct StartLock(#[expect(dead_code, reason = "its lock goes with it")] File);

/// Waits for the turn, for `patience` at most: who holds the lock is starting a daemon, which has a deadline,
/// or is no tool of ours.
pub(super) fn wait(path: &Path, patience: Duration) -> Result<StartLock, AutostartError> {
    let failed = |source| AutostartError::State { path: path.to_owned(), source };
    let began = clock::mono();
    let mut lock = dirs::private_file(path).map_err(failed)?;
    loop {
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) if dirs::is_at(&lock, path) => return Ok(StartLock(lock)),
            // Somebody has replaced the file meanwhile, and this one is nobody's turn.
            Ok(()) => lock = dirs::private_file(path).map_err(failed)?,
            Err(Errno::WOULDBLOCK | Errno::INTR) => {}
            Err(error) => return Err(failed(error.into())),
        }
        if u128::from(clock::mono().since(began)) > patience.as_micros() {
            let holder = holder(&lock).ok().flatten().unwrap_or_else(|| "somebody".into());
            return Err(AutostartError::Held { path: path.to_owned(), holder, after: patience });
        }
        thread::sleep(LOOK);
    }
}

/// Who locked the file, in the kernel's words.
fn holder(lock: &File) -> io::Result<Option<String>> {
    let inode = lock.metadata()?.ino();
    let locks = fs::read_to_string("/proc/locks")?;
    Ok(locks.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = words.iter().position(|word| *word == "FLOCK")?;
        // FLOCK ADVISORY WRITE <pid> <major>:<minor>:<inode> …
        let (pid, place) = (words.get(at + 3)?, words.get(at + 4)?);
        (place.rsplit(':').next()?.parse() == Ok(inode)).then(|| {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            let name: String = name.trim().chars().filter(|letter| !letter.is_control()).collect();
            if name.is_empty() { format!("process {pid}") } else { format!("process {pid} ({name})") }
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_lock_is_waited_for_and_named() {
        let ground = tempfile::tempdir().expect("a directory");
        let path = ground.path().join("lock");
        let theirs = dirs::private_file(&path).expect("opens");
        flock(&theirs, FlockOperation::LockExclusive).expect("is free");
        match wait(&path, Duration::from_millis(30)) {
            Err(AutostartError::Held { holder, .. }) => {
                assert!(holder.contains(&std::process::id().to_string()), "{holder}");
            }
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("it is held"),
        }
        drop(theirs);
        // A copy lives on for a moment in a child that another test has forked and that has not executed.
        let _turn = wait(&path, Duration::from_secs(10)).expect("is free");
    }
}
