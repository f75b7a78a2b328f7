//! The state directory, its locks, and the socket.
//!
//! One core and one node per state directory: each half has a lock of its own, held for life, and
//! `haukid all` holds both, so a `haukid core` and a `haukid node` may share a directory. The locks
//! vanish with the process, however it ends: their descriptors are closed on exec, so neither the
//! spawner nor a monitor keeps one. Who holds a lock may remove a socket file that a predecessor left.
//! A daemon on its way out says so in the lock's file, and its successor waits for it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use tokio::net::UnixListener;

use crate::sandbox::pidfd::{Pid, PidFd};
use crate::system::{clock, dirs};

/// How often a daemon that leaves is looked after: a lock cannot be awaited without a thread.
const LOOK: Duration = Duration::from_millis(10);

/// One that was killed a moment ago still looks alive, and its lock with it.
const DYING: Duration = Duration::from_millis(500);

const LEAVING: &str = "leaving";

/// What of the state directory a daemon may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    Core,
    Node,
}

impl Half {
    fn lock_name(self) -> &'static str {
        match self {
            Self::Core => "core.lock",
            Self::Node => "node.lock",
        }
    }
}

/// Holds the state directory for as long as it lives.
#[derive(Debug)]
pub struct Home {
    pub path: PathBuf,
    locks: Vec<File>,
}

#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    #[error("{step} {}", path.display())]
    System {
        step: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("another haukid (pid {pid}) runs with {}", path.display())]
    Taken { pid: String, path: PathBuf },
    #[error("another haukid listens on {}", path.display())]
    Listening { path: PathBuf },
}

fn failed(step: &'static str, path: &Path) -> impl FnOnce(io::Error) -> HomeError {
    let path = path.to_owned();
    move |source| HomeError::System { step, path, source }
}

impl Home {
    /// The directory may be passed through by the vaults' ids, but not listed; what is secret in it
    /// has its own mode. Who finds a daemon that leaves waits for it, for `patience` at most.
    pub async fn claim(path: &Path, halves: &[Half], patience: Duration) -> Result<Self, HomeError> {
        dirs::make(path, 0o711).map_err(failed("failed to make the state directory", path))?;
        let began = clock::mono();
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let (soon, late) = (began.plus_ms(ms(DYING.min(patience))), began.plus_ms(ms(patience)));
        let mut locks = Vec::new();
        for half in halves {
            let lock_path = path.join(half.lock_name());
            let lock = loop {
                match try_lock(&lock_path)? {
                    Ok(lock) => break lock,
                    Err(holder) if clock::mono() < if holder.is_going() { late } else { soon } => {
                        tokio::time::sleep(LOOK).await;
                    }
                    Err(holder) => {
                        return Err(HomeError::Taken { pid: holder.pid, path: path.to_owned() });
                    }
                }
            };
            locks.push(lock);
        }
        Ok(Self { path: path.to_owned(), locks })
    }

    /// Tells a successor that waiting is worth it.
    pub fn leaving(&self) {
        for lock in &self.locks {
            // Not cut off first: over the same bytes it needs no room on a full disk. If it fails the
            // successor is refused, and may be started again.
            let _ = lock.write_all_at(format!("{} {LEAVING}\n", std::process::id()).as_bytes(), 0);
        }
    }

    /// A directory below, for root's eyes only.
    pub fn private_dir(&self, name: &str) -> Result<PathBuf, HomeError> {
        let path = self.path.join(name);
        dirs::make(&path, 0o700).map_err(failed("failed to make", &path))?;
        Ok(path)
    }
}

/// Who has the lock, by its own word.
struct Holder {
    pid: String,
    says_leaving: bool,
}

impl Holder {
    /// It leaves, it is dead and the kernel has not cleaned up yet, or it has only just come and has
    /// not signed: in each case another look tells more.
    fn is_going(&self) -> bool {
        let Ok(pid) = self.pid.parse() else { return true };
        let dead = || match Pid::new(pid).map(PidFd::open) {
            Some(Ok(process)) => process.is_dead(),
            Some(Err(error)) => error.raw_os_error() == Some(libc::ESRCH),
            None => true,
        };
        self.says_leaving || dead()
    }
}

fn try_lock(path: &Path) -> Result<Result<File, Holder>, HomeError> {
    let mut lock = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(failed("failed to open", path))?;
    match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let mut text = String::new();
            let _ = lock.read_to_string(&mut text);
            let mut words = text.split_whitespace();
            let pid = words.next().unwrap_or_default().to_owned();
            return Ok(Err(Holder { pid, says_leaving: words.next() == Some(LEAVING) }));
        }
        Err(error) => return Err(failed("failed to lock", path)(error.into())),
    }
    let sign = lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id()));
    sign.map_err(failed("failed to write", path))?;
    Ok(Ok(lock))
}

/// The bound control socket; its file goes when this does.
#[derive(Debug)]
pub struct Socket {
    pub listener: Option<UnixListener>,
    path: PathBuf,
}

impl Socket {
    /// The caller holds the state directory's lock. `open` lets every local user connect; who may
    /// do what is then for the peer's credentials to decide.
    pub fn bind(path: &Path, open: bool) -> Result<Self, HomeError> {
        if let Some(parent) = path.parent() {
            dirs::make(parent, 0o755).map_err(failed("failed to make the socket's directory", parent))?;
        }
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(HomeError::Listening { path: path.to_owned() });
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("failed to remove the old socket", path)(error));
            }
            _ => {}
        }
        let listener = UnixListener::bind(path).map_err(failed("failed to bind", path))?;
        let mode = if open { 0o666 } else { 0o600 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
            .map_err(failed("failed to set the mode of", path))?;
        Ok(Self { listener: Some(listener), path: path.to_owned() })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;

    #[tokio::test]
    async fn one_daemon_per_directory_and_half() {
        let dir = tempfile::tempdir().expect("a directory");
        let first = Home::claim(dir.path(), &[Half::Core], NOW).await.expect("claims");
        let error = Home::claim(dir.path(), &[Half::Core, Half::Node], NOW).await.expect_err("is taken");
        assert!(matches!(&error, HomeError::Taken { pid, .. } if *pid == std::process::id().to_string()));
        let node = Home::claim(dir.path(), &[Half::Node], NOW).await.expect("is the other half");
        drop((first, node));
        Home::claim(dir.path(), &[Half::Core, Half::Node], NOW).await.expect("is free again");
    }

    #[tokio::test]
    async fn a_successor_waits_for_who_leaves_and_only_for_that() {
        let dir = tempfile::tempdir().expect("a directory");
        let first = Home::claim(dir.path(), &[Half::Node], NOW).await.expect("claims");
        let long = Duration::from_secs(60);
        assert!(Home::claim(dir.path(), &[Half::Node], long).await.is_err(), "not after a minute");
        first.leaving();
        let next = tokio::spawn({
            let path = dir.path().to_owned();
            async move { Home::claim(&path, &[Half::Node], long).await }
        });
        tokio::task::yield_now().await;
        assert!(!next.is_finished());
        drop(first);
        next.await.expect("ends").expect("claims");
    }
}
