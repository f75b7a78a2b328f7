//! Directory source: gems in directories of the configuration: `<dir>/<path>[@<version>].js`, beside it `.yaml`.
//!
//! Files are opened with `openat2` and `RESOLVE_BENEATH`, so that no symbolic link, however it was
//! put there, leads out of the directory; only regular files are read, and never more than a source
//! may have.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{Find, GemError, Gems, check_manifest, check_source};
use hauki_contract::api::gem::{Gem, GemPlace};
use hauki_contract::api::summons::MAX_SOURCE_BYTES;
use hauki_contract::model::check::Check;
use hauki_contract::model::digest::Sha256;
use hauki_contract::model::gem::{GemPointer, MAX_MANIFEST_BYTES, Manifest, check_path, check_version};
use hauki_contract::strict::StrictError;
use hauki_contract::system::tasks;

/// How deep and how wide a listing looks, so that a directory like `/` cannot hold it up.
const DEPTH: usize = 16;
const FILES: usize = 10_000;
/// How long they may take to say that they are there.
const LOOK: Duration = Duration::from_secs(1);

impl Gems {
    pub(super) async fn find_in_directories(&self, pointer: &GemPointer) -> Result<Option<Find>, GemError> {
        if self.directories.is_empty() {
            return Ok(None);
        }
        let (directories, pointer) = (self.directories.clone(), pointer.clone());
        blocking(move || {
            for directory in &directories {
                if let Some(find) = find(directory, &pointer)? {
                    return Ok(Some(find));
                }
            }
            Ok(None)
        })
        .await
    }

    pub(crate) async fn findings(&self) -> Vec<Check> {
        let directories = self.directories.clone();
        looked(&self.looks, LOOK, move || findings(&directories)).await
    }

    pub(super) async fn list_directories(&self) -> Result<Vec<Gem>, GemError> {
        let directories = self.directories.clone();
        blocking(move || {
            let mut gems = Vec::new();
            for directory in &directories {
                let mut names = Vec::new();
                walk(directory, "", 0, &mut names);
                names.sort();
                // A file that cannot be used is told of when somebody asks for it by name.
                gems.extend(names.iter().filter_map(|name| list_one(directory, name)));
            }
            Ok(gems)
        })
        .await
    }
}

/// The directories from which nothing can come.
#[must_use]
pub fn findings(directories: &[PathBuf]) -> Vec<Check> {
    let wrong = directories.iter().filter_map(|directory| {
        let why = match std::fs::read_dir(directory) {
            Ok(_) => return None,
            Err(error) if error.kind() == io::ErrorKind::NotFound => "is not there".to_owned(),
            Err(error) => format!("cannot be read: {error}"),
        };
        let hint = "make it readable to haukid, or take it out of gems.directories";
        Some(Check::warn(format!("the gem directory {} {why}", directory.display()), hint))
    });
    wrong.collect()
}

/// What a look finds, or that it does not end, which a file system of another machine may do. Whoever asks how a core is
/// must not wait for that, and not leave a thread there each time.
async fn looked(
    looks: &Arc<Semaphore>,
    within: Duration,
    look: impl FnOnce() -> Vec<Check> + Send + 'static,
) -> Vec<Check> {
    let looking = async {
        let turn = Arc::clone(looks).acquire_owned().await;
        tasks::block("gem-directories", move || {
            let found = look();
            drop(turn);
            found
        })
        .await
    };
    match timeout(within, looking).await {
        // One that has panicked has told.
        Ok(found) => found.unwrap_or_default(),
        Err(_) => vec![Check::warn(
            format!("the gem directories do not answer within {} s", within.as_secs()),
            "look at the file systems that they are on",
        )],
    }
}

async fn blocking<T: Send + 'static>(
    run: impl FnOnce() -> Result<T, GemError> + Send + 'static,
) -> Result<T, GemError> {
    tasks::block("gem-directories", run).await?
}

fn find(directory: &Path, pointer: &GemPointer) -> Result<Option<Find>, GemError> {
    let stem = match &pointer.version {
        Some(version) => format!("{}@{version}", pointer.path),
        None => pointer.path.clone(),
    };
    let shown = |ending: &str| directory.join(format!("{stem}.{ending}")).display().to_string();
    let read = |ending: &str, limit| {
        let read = read_beneath(directory, &format!("{stem}.{ending}"), limit);
        read.map_err(|source| GemError::Read { path: shown(ending), source })
    };
    let Some(bytes) = read("js", MAX_SOURCE_BYTES)? else {
        return Ok(None);
    };
    let source = check_source(bytes, &shown("js"))?;
    let manifest = match read("yaml", MAX_MANIFEST_BYTES)? {
        None => Manifest::default(),
        Some(bytes) => {
            let bad = |source: StrictError| GemError::Document {
                what: format!("{}{}", shown("yaml"), source.place()),
                source,
            };
            let manifest = Manifest::read(&bytes).map_err(bad)?;
            check_manifest(&manifest, &shown("yaml"))?;
            manifest
        }
    };
    let place = GemPlace::Directory(directory.display().to_string());
    Ok(Some(Find {
        version: pointer.version.clone(),
        source,
        compilation: None,
        original: None,
        manifest,
        place,
        pushed_at: None,
    }))
}

fn list_one(directory: &Path, name: &str) -> Option<Gem> {
    let (path, version) = match name.split_once('@') {
        None => (name, None),
        Some((path, version)) => (path, Some(version.to_owned())),
    };
    check_path(path).ok()?;
    version.as_deref().map(check_version).transpose().ok()?;
    let pointer = GemPointer { path: path.to_owned(), version: version.clone(), sha256: None };
    let find = find(directory, &pointer).ok()??;
    let sha256 = Sha256::of(find.source.as_bytes());
    Some(Gem {
        pointer: GemPointer { sha256: Some(sha256), ..pointer },
        path: path.to_owned(),
        version,
        sha256,
        bytes: find.source.len() as u64,
        manifest: find.manifest,
        found_in: find.place,
        pushed_at: None,
        source: None,
        compilation: None,
        original: None,
        changed: false,
    })
}

/// The names of gem files below `directory`, without their ending. Links are not followed here.
fn walk(directory: &Path, below: &str, depth: usize, names: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(directory.join(below)) else { return };
    for entry in entries.flatten() {
        if depth >= DEPTH || names.len() >= FILES {
            return;
        }
        let Ok(name) = entry.file_name().into_string() else { continue };
        let Ok(kind) = entry.file_type() else { continue };
        let whole = if below.is_empty() { name } else { format!("{below}/{name}") };
        if kind.is_dir() {
            walk(directory, &whole, depth + 1, names);
        } else if let Some(stem) = whole.strip_suffix(".js") {
            names.push(stem.to_owned());
        }
    }
}

/// At most one byte over `limit`, so that the caller sees that it is too long. `None`: not there.
fn read_beneath(directory: &Path, relative: &str, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let root: PathBuf = directory.to_owned();
    let root = match File::open(&root) {
        Ok(root) => root,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // Without NONBLOCK, opening a pipe would wait for its writer.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let file = match openat2(&root, relative, flags, Mode::empty(), resolve) {
        Ok(file) => File::from(file),
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => return Ok(None),
        Err(rustix::io::Errno::XDEV) => {
            return Err(io::Error::other("it leads out of the gem directory"));
        }
        Err(error) => return Err(error.into()),
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_directory_that_hangs_keeps_one_thread_and_nobody_who_asks() {
        let (looks, begun) = (Arc::new(Semaphore::new(1)), Arc::new(AtomicUsize::new(0)));
        let (answers, hangs) = mpsc::channel::<()>();
        let hangs = Arc::new(std::sync::Mutex::new(hangs));
        for _ in 0..3 {
            let (begun, hangs) = (begun.clone(), hangs.clone());
            let look = move || {
                begun.fetch_add(1, Ordering::Relaxed);
                let _ = hangs.lock().expect("is whole").recv();
                Vec::new()
            };
            let found = looked(&looks, Duration::from_millis(1), look).await;
            assert!(found[0].what.contains("do not answer"), "{found:?}");
        }
        drop(answers);
        let fine = looked(&looks, Duration::from_secs(60), Vec::new).await;
        assert!(fine.is_empty(), "{fine:?}");
        assert!(begun.load(Ordering::Relaxed) <= 1);
    }
}
