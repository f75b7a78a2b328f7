//! State directory: its locks, and the socket.
//!
//! One core and one node per state directory: each half has a lock of its own, held for life, and
//! `haukid all` holds both, so a `haukid core` and a `haukid node` may share a directory. The locks
//! vanish with the process, however it ends: their descriptors are closed on exec, so neither the
//! spawner nor a monitor keeps one. Who holds a lock may remove a socket file that a predecessor left.
//! A daemon on its way out says so in the lock's file, and its successor waits for it; one that a tool has started for
//! itself says that, and leaves for one that was started to stay.
//!
//! Files can go away under a running daemon. Each half's own directory is locked as well, so that a
//! removed lock file lets nobody in; a socket that is gone is made anew; without the directory, a half's own, or the
//! store the daemon leaves.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use tokio::net::UnixListener;

use hauki_contract::system::{clock, dirs};
use hauki_sandbox::pidfd::{Pid, PidFd};

/// How often a daemon that leaves is looked after: a lock cannot be awaited without a thread.
const LOOK: Duration = Duration::from_millis(10);

/// One that was killed a moment ago still looks alive, and its lock with it.
const DYING: Duration = Duration::from_millis(500);

/// How long one that was asked may take to leave, if it has nothing to do.
const ASKED: Duration = Duration::from_secs(5);

const LEAVING: &str = "leaving";
/// Started by a tool, for as long as there is something to do.
const BRIEF: &str = "brief";

/// What of the state directory a daemon may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Half {
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

    /// Its own directory, and the mode of that.
    fn dir(self) -> (&'static str, u32) {
        match self {
            Self::Core => ("core", 0o700),
            Self::Node => ("sandbox", 0o711),
        }
    }
}

/// Holds the state directory for as long as it lives.
#[derive(Debug)]
pub(crate) struct StateDir {
    pub path: PathBuf,
    /// What stood there when it was claimed, and in it as a half's own. Open, so that nothing else gets their numbers.
    dirs: Vec<(PathBuf, File)>,
    locks: Vec<File>,
    /// The store's file and its device and number. Not open: to close it would let go of the store's own locks.
    store: OnceLock<(PathBuf, (u64, u64))>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum StateDirError {
    #[error("{step} {}", path.display())]
    System {
        step: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("another haukid (pid {pid}) runs with {}", path.display())]
    Taken { pid: String, path: PathBuf },
    #[error(
        "a haukid that a tool has started (pid {pid}) runs with {} and has vaults: it leaves when they have ended",
        path.display()
    )]
    Busy { pid: String, path: PathBuf },
    #[error("another haukid listens on {}", path.display())]
    Listening { path: PathBuf },
    #[error("{} is in the control socket's place and is no socket: move it away", path.display())]
    InPlace { path: PathBuf },
    #[error(
        "the state directory is not safe: another user could exchange {}; it and what is above it must be root's or the \
         daemon's own, and closed to the writing of others",
        path.display()
    )]
    Exposed { path: PathBuf },
}

fn failed(step: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StateDirError {
    let path = path.to_owned();
    move |source| StateDirError::System { step, path, source }
}

impl StateDir {
    /// The directory may be passed through by the vaults' ids, but not listed; what is secret in it
    /// has its own mode. Who finds a daemon that leaves waits for it, for `patience` at most.
    /// One that is to stay asks one that is not to leave.
    pub(crate) async fn claim(
        path: &Path,
        halves: &[Half],
        stays: bool,
        patience: Duration,
    ) -> Result<Self, StateDirError> {
        dirs::make(path, 0o711).map_err(failed("failed to make the state directory", path))?;
        nobody_elses(path)?;
        let began = clock::mono();
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let (soon, late) = (began.plus_ms(ms(DYING.min(patience))), began.plus_ms(ms(patience)));
        let dir = File::open(path).map_err(failed("failed to open", path))?;
        let (mut locks, mut dirs) = (Vec::new(), vec![(path.to_owned(), dir)]);
        let mut asked = None;
        for half in halves {
            let lock_path = path.join(half.lock_name());
            let lock = loop {
                match try_lock(&lock_path)? {
                    Ok(lock) => break lock,
                    Err(holder) if clock::mono() < if holder.is_going() { late } else { soon } => {
                        tokio::time::sleep(LOOK).await;
                    }
                    Err(holder) if stays && holder.is_brief && asked.is_none() => {
                        asked = Some(clock::mono().plus_ms(ms(ASKED)));
                        holder.ask_to_leave();
                    }
                    Err(_) if asked.is_some_and(|until| clock::mono() < until) => {
                        tokio::time::sleep(LOOK).await;
                    }
                    Err(holder) if asked.is_some() => {
                        return Err(StateDirError::Busy { pid: holder.pid, path: path.to_owned() });
                    }
                    Err(holder) => {
                        return Err(StateDirError::Taken { pid: holder.pid, path: path.to_owned() });
                    }
                }
            };
            if !stays {
                // That it can be asked is all that this tells; who does not ask loses nothing.
                let _ = lock.write_all_at(format!("{} {BRIEF}\n", std::process::id()).as_bytes(), 0);
            }
            locks.push(lock);
            // A process that ends lets go of its locks one after the other.
            let let_go = clock::mono().plus_ms(ms(DYING));
            dirs.push(loop {
                match own_dir(path, *half) {
                    Err(StateDirError::Taken { .. }) if clock::mono() < let_go => {
                        tokio::time::sleep(LOOK).await;
                    }
                    claimed => break claimed?,
                }
            });
        }
        Ok(Self { path: path.to_owned(), dirs, locks, store: OnceLock::new() })
    }

    /// From now on this file must stand where it is as well. Who keeps it open keeps its number from others.
    pub(crate) fn keep_store(&self, path: PathBuf) {
        if let Ok(made) = fs::metadata(&path).map(number) {
            let _ = self.store.set((path, made));
        }
    }

    /// What does not stand where it was claimed any more. A disk that fails to tell is no reason to think so:
    /// everything that lives would be ended for it.
    #[must_use]
    pub(crate) fn lost(&self) -> Option<&Path> {
        let dirs = self.dirs.iter().filter_map(|(path, dir)| Some((path, number(dir.metadata().ok()?))));
        let mut kept = dirs.chain(self.store.get().map(|(path, made)| (path, *made)));
        let gone = kept.find(|(path, made)| match fs::metadata(path).map(number) {
            Ok(there) => there != *made,
            Err(error) => matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
        });
        gone.map(|(path, _)| path.as_path())
    }

    /// Tells a successor that waiting is worth it.
    pub(crate) fn leaving(&self) {
        for lock in &self.locks {
            // Not cut off first: over the same bytes it needs no room on a full disk. If it fails the
            // successor is refused, and may be started again.
            let _ = lock.write_all_at(format!("{} {LEAVING}\n", std::process::id()).as_bytes(), 0);
        }
    }
}

/// Who has the lock, by its own word.
struct LockHolder {
    pid: String,
    says_leaving: bool,
    is_brief: bool,
}

impl LockHolder {
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

    fn ask_to_leave(&self) {
        let process = self.pid.parse().ok().and_then(Pid::new).and_then(|pid| PidFd::open(pid).ok());
        // A number that somebody else has by now is not a haukid's.
        let name = fs::read_to_string(format!("/proc/{}/comm", self.pid)).unwrap_or_default();
        if let Some(process) = process.filter(|_| name.trim() == "haukid") {
            let _ = rustix::process::pidfd_send_signal(&process, rustix::process::Signal::USR1);
        }
    }
}

/// Keys, records and what root executes lie there.
fn nobody_elses(path: &Path) -> Result<(), StateDirError> {
    match dirs::exposed_within(path).map_err(failed("failed to look at", path))? {
        Some(path) => Err(StateDirError::Exposed { path }),
        None => Ok(()),
    }
}

/// The half's directory, locked.
fn own_dir(path: &Path, half: Half) -> Result<(PathBuf, File), StateDirError> {
    let (name, mode) = half.dir();
    let own = path.join(name);
    dirs::make(&own, mode).map_err(failed("failed to make", &own))?;
    nobody_elses(&own)?;
    let dir = File::open(&own).map_err(failed("failed to open", &own))?;
    match flock(&dir, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok((own, dir)),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(StateDirError::Taken { pid: "unknown".into(), path: own }),
        Err(error) => Err(failed("failed to lock", &own)(error.into())),
    }
}

fn try_lock(path: &Path) -> Result<Result<File, LockHolder>, StateDirError> {
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
            let word = words.next();
            return Ok(Err(LockHolder {
                pid,
                says_leaving: word == Some(LEAVING),
                is_brief: word == Some(BRIEF),
            }));
        }
        Err(error) => return Err(failed("failed to lock", path)(error.into())),
    }
    let sign = lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id()));
    sign.map_err(failed("failed to write", path))?;
    Ok(Ok(lock))
}

/// What stands where a control socket was bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SocketPlace {
    There,
    /// It was removed, and is made anew.
    Anew,
    /// Something that was put there since, under which nobody finds the socket.
    Anothers,
}

/// The bound control socket; its file goes when this does.
#[derive(Debug)]
pub(crate) struct ControlSocket {
    pub listener: UnixListener,
    path: PathBuf,
    mode: u32,
    /// The file's device and number.
    made: (u64, u64),
}

impl ControlSocket {
    /// The caller holds the state directory's lock. `open` lets every local user connect; who may
    /// do what is then for the peer's credentials to decide.
    pub(crate) fn bind(path: &Path, open: bool) -> Result<Self, StateDirError> {
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(StateDirError::Listening { path: path.to_owned() });
        }
        // Why it cannot be looked at otherwise, the binding says.
        match fs::symlink_metadata(path).map(|found| found.file_type().is_socket()) {
            Ok(true) => fs::remove_file(path).map_err(failed("failed to remove the old socket", path))?,
            Ok(false) => return Err(StateDirError::InPlace { path: path.to_owned() }),
            Err(_) => {}
        }
        let mode = if open { 0o666 } else { 0o600 };
        let (listener, made) = Self::make(path, mode)?;
        Ok(Self { listener, path: path.to_owned(), mode, made })
    }

    fn make(path: &Path, mode: u32) -> Result<(UnixListener, (u64, u64)), StateDirError> {
        if let Some(parent) = path.parent() {
            dirs::make(parent, 0o755).map_err(failed("failed to make the socket's directory", parent))?;
        }
        let listener = UnixListener::bind(path).map_err(failed("failed to bind", path))?;
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
            .map_err(failed("failed to set the mode of", path))?;
        let made = key(path).map_err(failed("failed to look at", path))?;
        Ok((listener, made))
    }

    /// Makes the file anew if it is gone. What somebody else has put there stays.
    pub(crate) fn restore(&mut self) -> Result<SocketPlace, StateDirError> {
        match key(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Ok(there) if there != self.made => return Ok(SocketPlace::Anothers),
            _ => return Ok(SocketPlace::There),
        }
        (self.listener, self.made) = Self::make(&self.path, self.mode)?;
        Ok(SocketPlace::Anew)
    }
}

fn key(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(number)
}

/// No two files that are there at a time have one.
fn number(found: fs::Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        if key(&self.path).is_ok_and(|there| there == self.made) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;

    #[tokio::test]
    async fn one_daemon_per_directory_and_half() {
        let dir = tempfile::tempdir().expect("a directory");
        let first = StateDir::claim(dir.path(), &[Half::Core], true, NOW).await.expect("claims");
        let error =
            StateDir::claim(dir.path(), &[Half::Core, Half::Node], true, NOW).await.expect_err("is taken");
        assert!(matches!(&error, StateDirError::Taken { pid, .. } if *pid == std::process::id().to_string()));
        let node = StateDir::claim(dir.path(), &[Half::Node], true, NOW).await.expect("is the other half");
        drop((first, node));
        StateDir::claim(dir.path(), &[Half::Core, Half::Node], true, NOW).await.expect("is free again");
    }

    #[tokio::test]
    async fn a_successor_waits_for_who_leaves_and_only_for_that() {
        let dir = tempfile::tempdir().expect("a directory");
        let first = StateDir::claim(dir.path(), &[Half::Node], true, NOW).await.expect("claims");
        let long = Duration::from_secs(60);
        assert!(StateDir::claim(dir.path(), &[Half::Node], true, long).await.is_err(), "not after a minute");
        first.leaving();
        let next = tokio::spawn({
            let path = dir.path().to_owned();
            async move { StateDir::claim(&path, &[Half::Node], true, long).await }
        });
        tokio::task::yield_now().await;
        assert!(!next.is_finished());
        drop(first);
        next.await.expect("ends").expect("claims");
    }
}
