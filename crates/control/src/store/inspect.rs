//! Read-only inspection of a store that nobody has open, without touching it.
//!
//! Opening recovers, migrates and removes what was asked for once. So the look is at a copy, in a directory of its own
//! beside it that goes again: what is told of it is what the next start would find. What a daemon writes meanwhile makes
//! a copy of no moment, which looks damaged: then nothing is said. A daemon's start is not held up for it: the lock is
//! looked at before and after, and the files as well. What a killed look has left, the next look or start removes.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use super::check::START_ANEW;
use super::open_error::FileError;
use super::{SqliteStore, Store as _, StoreOpenError, high_water_mark};
use hauki_contract::model::error_chain;
use hauki_contract::system::random;

/// Nobody waits for the copy of a larger one.
const MOST_BYTES: u64 = 512 << 20;

const LOOK: Duration = Duration::from_secs(2);

const PREFIX: &str = "look-";

/// The copy, until it is dropped.
struct Copy {
    path: PathBuf,
    /// Locked, so that others know that somebody still looks.
    _dir: File,
}

impl Copy {
    fn make(home: &Path) -> io::Result<Self> {
        let path = home.join(format!("{PREFIX}{:x}", random::u64()));
        DirBuilder::new().mode(0o700).create(&path)?;
        let dir = File::open(&path)?;
        flock(&dir, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Self { path, _dir: dir })
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Removes the copies of those who were killed while they looked.
pub fn sweep(home: &Path) {
    for entry in std::fs::read_dir(home).into_iter().flatten().flatten() {
        let is_left = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX))
            && File::open(entry.path())
                .is_ok_and(|dir| flock(&dir, FlockOperation::NonBlockingLockExclusive).is_ok());
        if is_left && let Err(error) = std::fs::remove_dir_all(entry.path()) {
            tracing::warn!(path = %entry.path().display(), error = error_chain::told(&error), "what a killed look has left stays there");
        }
    }
}

/// What a look has found.
#[derive(Debug)]
pub struct StoreReport {
    /// The keys of what is damaged.
    pub damaged: Vec<String>,
    pub is_bare: bool,
    /// All of it was looked at.
    pub is_whole: bool,
    /// Whose tickets are on record.
    pub issuer: Option<String>,
}

/// Whether a daemon has claimed the directory. Only for this moment.
fn is_claimed(home: &Path) -> io::Result<bool> {
    match flock(File::open(home)?, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(false),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// What tells that a file is as it was.
fn state(path: &Path) -> Option<(u64, u64, i64, i64)> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.ino(), found.len(), found.mtime(), found.mtime_nsec()))
}

/// `None` if a daemon has it open, or there was no room to look. `other` is as in [`SqliteStore::open_beside`].
pub(super) async fn inspect(path: &Path, other: &Path) -> Result<Option<StoreReport>, StoreOpenError> {
    let Some(home) = path.parent().filter(|_| other.exists() || path.exists()) else {
        return Ok(Some(StoreReport { damaged: Vec::new(), is_bare: true, is_whole: true, issuer: None }));
    };
    let failed =
        |source: io::Error| StoreOpenError::Open { path: path.to_owned(), source: FileError::File(source) };
    sweep(home);
    let name = path.file_name().unwrap_or_default();
    let files = [
        path,
        &high_water_mark::path_of(path),
        &path.with_extension("db-wal"),
        &path.with_file_name(START_ANEW),
    ]
    .map(Path::to_owned);
    let size: u64 = files.iter().filter_map(|file| state(file)).map(|(_, length, ..)| length).sum();
    let room = rustix::fs::statvfs(home).map_err(|error| failed(error.into()))?;
    // The copy is written to as well when it is opened.
    if size > MOST_BYTES {
        return Ok(Some(StoreReport { damaged: Vec::new(), is_bare: false, is_whole: false, issuer: None }));
    }
    if room.f_bavail.saturating_mul(room.f_frsize) < 2 * size {
        return Ok(None);
    }
    let before = files.each_ref().map(|file| state(file));
    if is_claimed(home).map_err(failed)? {
        return Ok(None);
    }
    let copy = Copy::make(home).map_err(failed)?;
    for file in &files {
        let to = copy.path.join(file.file_name().unwrap_or_default());
        match std::fs::copy(file, to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
    }
    if is_claimed(home).map_err(failed)? || before != files.each_ref().map(|file| state(file)) {
        return Ok(None);
    }
    let told = |error: StoreOpenError| error.told_of(path);
    let looked = SqliteStore::open_beside(&copy.path.join(name), other).map_err(told)?;
    let used = |error| told(StoreOpenError::Use(error));
    let damaged = looked.damaged(LOOK).await.map_err(used)?;
    let damaged = damaged.into_iter().map(|document| document.key).collect();
    Ok(Some(StoreReport {
        damaged,
        is_whole: looked.was_seen_whole(),
        is_bare: looked.is_bare().map_err(used)?,
        issuer: looked.issuer().map_err(used)?,
    }))
}
