//! A look at a store that nobody has open, without touching it.
//!
//! Opening recovers, migrates and removes what was asked for once. So the look is at a copy, in a directory of its own
//! beside it that goes again: what is told of it is what the next start would find.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::check::START_ANEW;
use super::{OpenError, SqliteStore, Store as _, StoreError, tail};
use crate::system::random;

/// Nobody waits for the copy of a larger one.
const MOST_BYTES: u64 = 512 << 20;

const LOOK: Duration = Duration::from_secs(2);

/// The copy, until it is dropped.
struct Copy(PathBuf);

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The keys of what is damaged in it; `None` if it was too large to look. `other` is as in
/// [`SqliteStore::open_beside`].
pub async fn inspect(path: &Path, other: &Path) -> Result<Option<Vec<String>>, StoreError> {
    let Some(home) = path.parent().filter(|_| other.exists() || path.exists()) else {
        return Ok(Some(Vec::new()));
    };
    let failed =
        |source: io::Error| StoreError::Open { path: path.to_owned(), source: OpenError::File(source) };
    let name = path.file_name().unwrap_or_default();
    let log = path.with_extension("db-wal");
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
    if size(path).saturating_add(size(&log)) > MOST_BYTES {
        return Ok(None);
    }
    let copy = Copy(home.join(format!("look-{:x}", random::u64())));
    DirBuilder::new().mode(0o700).create(&copy.0).map_err(failed)?;
    for file in [path, &log, &tail::path_of(path), &path.with_file_name(START_ANEW)] {
        let to = copy.0.join(file.file_name().unwrap_or_default());
        match std::fs::copy(file, to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
    }
    let looked = SqliteStore::open_beside(&copy.0.join(name), other).map_err(|error| error.told_of(path))?;
    let damaged = looked.damaged(LOOK).await.map_err(|error| error.told_of(path))?;
    Ok(Some(damaged.into_iter().map(|document| document.key).collect()))
}
