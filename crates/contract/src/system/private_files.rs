//! Private files, which are to be nobody else's: keys, and what says whom we believe.
//!
//! Whoever can write such a file decides for us, and whoever can read a key is us. So one that is laid open is not
//! used: that it was is something for its owner to know, and no mode that we set afterwards takes it back.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::dirs;

/// What others may do with it at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    MayRead,
    MayNothing,
}

#[derive(Debug, thiserror::Error)]
pub enum PrivateError {
    #[error("{} is another user's (uid {uid})", path.display())]
    Theirs { path: PathBuf, uid: u32 },
    #[error("{} has the mode {mode:04o}, so others may {may} it", path.display())]
    Open { path: PathBuf, mode: u32, may: &'static str },
    #[error("another user could exchange {}, which leads to {}", step.display(), path.display())]
    Exposed { path: PathBuf, step: PathBuf },
    #[error("{} is no file", path.display())]
    NoFile { path: PathBuf },
    #[error("read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
}

impl PrivateError {
    #[must_use]
    pub fn is_absence(&self) -> bool {
        matches!(self, Self::Read { source, .. } if source.kind() == ErrorKind::NotFound)
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Theirs { path, .. }
            | Self::Open { path, .. }
            | Self::Exposed { path, .. }
            | Self::NoFile { path }
            | Self::Read { path, .. } => path,
        }
    }

    /// Whether somebody else may have had it in his hands.
    #[must_use]
    pub fn is_laid_open(&self) -> bool {
        matches!(self, Self::Theirs { .. } | Self::Open { .. } | Self::Exposed { .. })
    }

    /// The command that makes it ours again.
    #[must_use]
    pub fn command(&self) -> Option<String> {
        let quoted = |path: &Path| format!("'{}'", path.display().to_string().replace('\'', r"'\''"));
        match self {
            Self::Theirs { path, .. } => Some(format!("chown 0:0 {0} && chmod 600 {0}", quoted(path))),
            Self::Open { path, .. } => Some(format!("chmod 600 {}", quoted(path))),
            Self::Exposed { step, .. } => Some(format!("chown 0:0 {0} && chmod go-w {0}", quoted(step))),
            Self::NoFile { .. } | Self::Read { .. } => None,
        }
    }
}

/// Refuses one that is laid open. That it is not there is no fault.
pub fn check(path: &Path, others: Others) -> Result<(), PrivateError> {
    match open(path, others) {
        Err(error) if error.is_absence() => Ok(()),
        opened => opened.map(drop),
    }
}

/// The text of a secret that only its owner can read.
pub fn read(path: &Path, most: u64) -> Result<String, PrivateError> {
    let mut text = String::new();
    let read = open(path, Others::MayNothing)?.take(most).read_to_string(&mut text);
    read.map_err(|source| PrivateError::Read { path: path.to_owned(), source })?;
    Ok(text)
}

/// The text of one that somebody named who may name any, whosever it is: a key in the home of who calls `sudo` too.
pub fn read_named(path: &Path, most: u64) -> Result<String, PrivateError> {
    let failed = |source| PrivateError::Read { path: path.to_owned(), source };
    let file = open_any(path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(PrivateError::NoFile { path: path.to_owned() });
    }
    let mut text = String::new();
    file.take(most).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// It may be somebody's FIFO.
fn open_any(path: &Path) -> io::Result<File> {
    fs::OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)
}

/// What is judged is what is read from then on.
fn open(path: &Path, others: Others) -> Result<File, PrivateError> {
    let failed = |source| PrivateError::Read { path: path.to_owned(), source };
    let file = open_any(path).map_err(failed)?;
    judge(path, &file.metadata().map_err(failed)?, others)?;
    match dirs::exposed(path).map_err(failed)? {
        Some(step) => Err(PrivateError::Exposed { path: path.to_owned(), step }),
        None => Ok(file),
    }
}

fn judge(path: &Path, found: &Metadata, others: Others) -> Result<(), PrivateError> {
    let path = path.to_owned();
    if !found.is_file() {
        return Err(PrivateError::NoFile { path });
    }
    let uid = found.uid();
    if uid != 0 && uid != rustix::process::geteuid().as_raw() {
        return Err(PrivateError::Theirs { path, uid });
    }
    let mode = found.mode() & 0o7777;
    match others {
        _ if mode & 0o022 != 0 => Err(PrivateError::Open { path, mode, may: "write" }),
        Others::MayNothing if mode & 0o077 != 0 => Err(PrivateError::Open { path, mode, may: "read" }),
        Others::MayRead | Others::MayNothing => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_laid_open_is_refused_with_the_command_that_mends_it() {
        let ground = tempfile::tempdir().expect("a directory");
        let path = ground.path().join("a key");
        assert!(check(&path, Others::MayNothing).is_ok() && read(&path, 9).is_err_and(|e| e.is_absence()));
        fs::write(&path, "secret").expect("is ours");
        let chmod = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("is ours");
        for (mode, as_key, as_list) in [
            (0o600, true, true),
            (0o400, true, true),
            (0o640, false, true),
            (0o644, false, true),
            (0o604, false, true),
            (0o620, false, false),
            (0o602, false, false),
            (0o666, false, false),
        ] {
            chmod(mode);
            assert_eq!(read(&path, 99).is_ok(), as_key, "{mode:o}");
            assert_eq!(check(&path, Others::MayRead).is_ok(), as_list, "{mode:o}");
        }
        let refused = read(&path, 99).expect_err("is open");
        assert!(refused.is_laid_open() && refused.to_string().contains("0666"), "{refused}");
        assert_eq!(refused.command(), Some(format!("chmod 600 '{}'", path.display())));
        chmod(0o600);
        assert_eq!(read(&path, 3).expect("is ours"), "sec", "it ends where its reader says");
        assert!(matches!(check(ground.path(), Others::MayRead), Err(PrivateError::NoFile { .. })));
        // Through a link of ours, in a directory where it could be exchanged.
        let open = ground.path().join("open");
        dirs::make(&open, 0o777).expect("is made");
        std::os::unix::fs::symlink(&path, open.join("link")).expect("is made");
        assert!(matches!(read(&open.join("link"), 99), Err(PrivateError::Exposed { .. })));
        // Only root can give something away; the suite runs as root.
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&path, Some(12_345), None).expect("is root");
            let refused = check(&path, Others::MayRead).expect_err("is theirs");
            assert!(matches!(refused, PrivateError::Theirs { uid: 12_345, .. }), "{refused}");
            assert!(refused.command().is_some_and(|command| command.starts_with("chown 0:0")));
        }
    }
}
