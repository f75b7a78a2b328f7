//! High-water mark: the number of the last commit that was answered, in a file beside the store.
//!
//! SQLite recovers from its log up to the first frame that is not whole, without a word: a flipped bit there takes
//! every later commit with it, though each was answered. So the number is written down before an answer goes out,
//! and a store that ends before it has lost something. There is no `fsync` for it but for the first, without which
//! the file could be empty: after a loss of power it may be behind the store, which says nothing, and is never before it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::Revision;

/// As many digits as the largest number has, so that each overwrites the one before as a whole.
const DIGITS: usize = 19;

pub(super) struct HighWaterMark(File);

#[must_use]
pub(super) fn path_of(store: &Path) -> PathBuf {
    store.with_extension("tail")
}

/// The file goes too, if it is there.
pub(super) fn remove(store: &Path) -> io::Result<()> {
    match std::fs::remove_file(path_of(store)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

impl HighWaterMark {
    /// One that is not there is made, of a store that ends at `found`; as a whole, so that an empty one is damaged.
    pub(super) fn open(store: &Path, found: Revision) -> io::Result<Self> {
        let path = path_of(store);
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600);
        match options.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened.map(Self),
        }
        let new = store.with_extension("tail.new");
        let made = Self(options.create(true).truncate(true).open(&new)?);
        made.answered(found)?;
        made.0.sync_all()?;
        std::fs::rename(new, &path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(made)
    }

    /// What was answered. `None`: it cannot be read any more.
    pub(super) fn last(&self) -> Option<Revision> {
        let mut digits = [0; DIGITS];
        self.0.read_exact_at(&mut digits, 0).ok()?;
        let is_number = digits.iter().all(u8::is_ascii_digit);
        std::str::from_utf8(&digits).ok().filter(|_| is_number)?.parse().ok()
    }

    pub(super) fn answered(&self, revision: Revision) -> io::Result<()> {
        self.0.write_all_at(format!("{revision:0DIGITS$}\n").as_bytes(), 0)
    }
}
