//! Gems: sources by name.
//!
//! A pointer is looked up in the configured directories, in their order, then among the pushed
//! gems. Directories belong to the operator and may change under our feet, so a hash is checked at
//! each resolve; pushed versions are immutable and belong to the store.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::ledger::Records;
use hauki_contract::api::compilation::Compilation;
use hauki_contract::api::gem::{Gem, GemList, GemPlace};
use hauki_contract::api::summons::MAX_SOURCE_BYTES;
use hauki_contract::model::digest::Sha256;
use hauki_contract::model::gem::{GemPointer, Manifest};
use hauki_contract::model::labels::check_labels;

mod directory;
mod error;
mod suggest;
mod pushed;

pub use directory::findings;
pub use error::{GemError, SourceError};

#[cfg(test)]
mod tests;

pub struct Gems {
    directories: Vec<PathBuf>,
    records: Records,
    /// One at a time looks whether the directories are there.
    looks: Arc<Semaphore>,
}

/// A source that can be injected: not empty, not too long, UTF-8.
pub fn check_source(bytes: Vec<u8>, what: &str) -> Result<String, SourceError> {
    let what = what.to_owned();
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(SourceError::Empty { what });
    }
    if bytes.len() > MAX_SOURCE_BYTES {
        return Err(SourceError::TooLong { what });
    }
    String::from_utf8(bytes)
        .map_err(|error| SourceError::NotText { what, offset: error.utf8_error().valid_up_to() })
}

/// A manifest whose words can be read and whose wishes are within the limits.
fn check_manifest(manifest: &Manifest, what: &str) -> Result<(), GemError> {
    let checked = manifest.check_texts().and_then(|()| manifest.wishes());
    let checked = checked.and_then(|_| Ok(check_labels(&manifest.labels)?));
    checked.map_err(|source| GemError::Manifest { what: what.to_owned(), source })
}

/// A gem that was found, its source at hand.
struct Find {
    version: Option<String>,
    source: String,
    compilation: Option<Compilation>,
    original: Option<String>,
    manifest: Manifest,
    place: GemPlace,
    pushed_at: Option<jiff::Timestamp>,
}

impl Gems {
    #[must_use]
    pub fn new(directories: Vec<PathBuf>, records: Records) -> Self {
        Self { directories, records, looks: Arc::new(Semaphore::new(1)) }
    }

    /// The gem with its source. `pointer` in the answer is whole: version and hash.
    pub async fn resolve(&self, pointer: &GemPointer) -> Result<Gem, GemError> {
        let find = match self.find_in_directories(pointer).await? {
            Some(find) => find,
            None => match self.find_pushed(pointer).await? {
                Some(find) => find,
                None => return Err(self.missing(pointer).await),
            },
        };
        let sha256 = Sha256::of(find.source.as_bytes());
        if let Some(wanted) = pointer.sha256
            && wanted != sha256
        {
            let place = match &find.place {
                GemPlace::Pushed => "the pushed gem".to_owned(),
                GemPlace::Directory(directory) => format!("the gem in {directory}"),
                GemPlace::Other => "the gem".to_owned(),
            };
            let path = pointer.path.clone();
            return Err(GemError::Changed { place, path, found: sha256, wanted });
        }
        let whole =
            GemPointer { path: pointer.path.clone(), version: find.version.clone(), sha256: Some(sha256) };
        Ok(Gem {
            pointer: whole,
            path: pointer.path.clone(),
            version: find.version,
            sha256,
            bytes: find.source.len() as u64,
            manifest: find.manifest,
            found_in: find.place,
            pushed_at: find.pushed_at,
            source: Some(find.source),
            compilation: find.compilation,
            original: find.original,
            changed: false,
        })
    }

    /// Every gem that can be found, by path and version, without sources.
    pub async fn list(&self) -> Result<GemList, GemError> {
        let mut gems = self.list_directories().await?;
        gems.extend(self.list_pushed().await?);
        gems.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(GemList { gems })
    }

    async fn missing(&self, pointer: &GemPointer) -> GemError {
        let mut looked: Vec<String> =
            self.directories.iter().map(|directory| directory.display().to_string()).collect();
        looked.push("the pushed gems".into());
        let name = Box::new(GemPointer { sha256: None, ..pointer.clone() });
        let Ok(list) = self.list().await else { return GemError::Missing { name, looked, near: None } };
        let names = list.gems.iter().map(|gem| match &gem.version {
            Some(version) => format!("{}@{version}", gem.path),
            None => gem.path.clone(),
        });
        let wanted = match &pointer.version {
            Some(version) => format!("{}@{version}", pointer.path),
            None => pointer.path.clone(),
        };
        GemError::Missing { name, looked, near: Some(suggest::nearest(&wanted, names)) }
    }
}
