//! Listen address: where a local endpoint may listen: a Unix socket, or a loopback address.

use std::fmt;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use rustix::fs::Mode;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    Unix(PathBuf),
    /// Loopback; port 0 takes a free one.
    Tcp(SocketAddr),
}

#[derive(Debug, thiserror::Error)]
pub enum ListenAddressError {
    #[error("{text:?} is no place to listen: write unix:PATH, 127.0.0.1:PORT or [::1]:PORT")]
    Unknown { text: String },
    #[error("{address} is not a loopback address: the port is for programs of this machine")]
    Public { address: SocketAddr },
    #[error("somebody listens on {path} already", path = .path.display())]
    Taken { path: PathBuf },
    #[error("{path} exists and is no socket", path = .path.display())]
    NoSocket { path: PathBuf },
    #[error("failed to listen on {place}")]
    Bind {
        place: ListenAddress,
        #[source]
        source: io::Error,
    },
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(out, "unix:{}", path.display()),
            Self::Tcp(address) => write!(out, "{address}"),
        }
    }
}

impl FromStr for ListenAddress {
    type Err = ListenAddressError;

    fn from_str(text: &str) -> Result<Self, ListenAddressError> {
        if let Some(path) = text.strip_prefix("unix:")
            && !path.is_empty()
        {
            return Ok(Self::Unix(path.into()));
        }
        let address: SocketAddr =
            text.parse().map_err(|_| ListenAddressError::Unknown { text: text.to_owned() })?;
        if address.ip().is_loopback() {
            Ok(Self::Tcp(address))
        } else {
            Err(ListenAddressError::Public { address })
        }
    }
}

/// A socket's file, removed with this unless another has taken its place. It goes before its listener:
/// a file that nobody listens on is free to be replaced.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    inode: u64,
}

impl SocketFile {
    /// Binds, for this user alone from the first moment on. What a killed predecessor left is replaced.
    pub(super) fn bind(path: &Path) -> Result<(std::os::unix::net::UnixListener, Self), ListenAddressError> {
        let failed =
            |source| ListenAddressError::Bind { place: ListenAddress::Unix(path.to_owned()), source };
        match fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => {
                return Err(ListenAddressError::NoSocket { path: path.to_owned() });
            }
            Ok(_) => match std::os::unix::net::UnixStream::connect(path) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    fs::remove_file(path).map_err(failed)?;
                }
                Ok(_) => return Err(ListenAddressError::Taken { path: path.to_owned() }),
                Err(error) => return Err(failed(error)),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let before = rustix::process::umask(Mode::from_raw_mode(0o177));
        let bound = std::os::unix::net::UnixListener::bind(path);
        rustix::process::umask(before);
        let listener = bound.map_err(failed)?;
        let inode = fs::symlink_metadata(path).map_err(failed)?.ino();
        Ok((listener, Self { path: path.to_owned(), inode }))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn only_this_machine_is_a_place() {
        assert_eq!("unix:/a b".parse::<ListenAddress>().expect("is one"), ListenAddress::Unix("/a b".into()));
        for text in ["127.0.0.1:0", "127.9.9.9:4000", "[::1]:0"] {
            assert_eq!(text.parse::<ListenAddress>().expect("is one").to_string(), text);
        }
        for text in ["0.0.0.0:1", "10.0.0.1:1", "[::]:1", "[::ffff:10.0.0.1]:1"] {
            assert!(
                matches!(text.parse::<ListenAddress>(), Err(ListenAddressError::Public { .. })),
                "{text}"
            );
        }
        for text in ["", "unix:", "localhost:1", "127.0.0.1", "1", "/tmp/x"] {
            assert!(
                matches!(text.parse::<ListenAddress>(), Err(ListenAddressError::Unknown { .. })),
                "{text}"
            );
        }
    }

    #[test]
    fn a_socket_is_private_and_goes_with_its_listener() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("s");
        let (listener, file) = SocketFile::bind(&path).expect("binds");
        assert_eq!(fs::metadata(&path).expect("is there").permissions().mode() & 0o777, 0o600);
        assert!(matches!(SocketFile::bind(&path), Err(ListenAddressError::Taken { .. })));
        // As after kill -9: the file stays and nobody listens.
        drop(listener);
        std::mem::forget(file);
        let (listener, file) = SocketFile::bind(&path).expect("replaces it");
        // Somebody has moved ours away and put another in its place.
        fs::rename(&path, dir.path().join("moved")).expect("moves");
        let (_other, others) = SocketFile::bind(&path).expect("binds");
        drop((file, listener));
        assert!(path.exists(), "another's socket was removed");
        drop(others);
        assert!(!path.exists());
        fs::write(&path, "mine").expect("writes");
        assert!(matches!(SocketFile::bind(&path), Err(ListenAddressError::NoSocket { .. })));
    }
}
