//! The state directory, its lock, and the socket.
//!
//! One daemon per state directory: the lock is held for life and vanishes with the process. Who
//! holds the lock may remove a socket file that a predecessor left.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use tokio::net::UnixListener;

/// Holds the state directory for as long as it lives.
#[derive(Debug)]
pub struct Home {
    pub path: PathBuf,
    _lock: File,
}

#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    #[error("{step} {path}")]
    System {
        step: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("another haukid (pid {pid}) runs with {path}")]
    Taken { pid: String, path: PathBuf },
}

fn failed(step: &'static str, path: &Path) -> impl FnOnce(io::Error) -> HomeError {
    let path = path.to_owned();
    move |source| HomeError::System { step, path, source }
}

impl Home {
    /// The directory may be passed through by the vaults' ids, but not listed; what is secret in it
    /// has its own mode.
    pub fn claim(path: &Path) -> Result<Self, HomeError> {
        let create = DirBuilder::new().recursive(true).mode(0o711).create(path);
        create.map_err(failed("failed to make the state directory", path))?;
        let lock_path = path.join("haukid.lock");
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock_path)
            .map_err(failed("failed to open", &lock_path))?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut pid = String::new();
            let _ = lock.read_to_string(&mut pid);
            return Err(HomeError::Taken { pid: pid.trim().to_owned(), path: path.to_owned() });
        }
        let write = || {
            lock.set_len(0)?;
            lock.rewind()?;
            writeln!(lock, "{}", std::process::id())
        };
        let mut write = write;
        write().map_err(failed("failed to write", &lock_path))?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// A directory below, for root's eyes only.
    pub fn private_dir(&self, name: &str) -> Result<PathBuf, HomeError> {
        let path = self.path.join(name);
        let create = DirBuilder::new().recursive(true).mode(0o700).create(&path);
        create.map_err(failed("failed to make", &path))?;
        Ok(path)
    }
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
            let create = DirBuilder::new().recursive(true).mode(0o755).create(parent);
            create.map_err(failed("failed to make the socket's directory", parent))?;
        }
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(HomeError::Taken { pid: "unknown".into(), path: path.to_owned() });
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

    #[test]
    fn one_daemon_per_directory() {
        let dir = tempfile::tempdir().expect("a directory");
        let first = Home::claim(dir.path()).expect("claims");
        let error = Home::claim(dir.path()).expect_err("is taken");
        assert!(matches!(&error, HomeError::Taken { pid, .. } if *pid == std::process::id().to_string()));
        drop(first);
        Home::claim(dir.path()).expect("is free again");
    }
}
