//! Package store: gems that were pushed, immutable versions in the store, listing apart from source.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Find, GemError, Gems, check_manifest, check_source};
use crate::ledger::{Versioned, encode};
use crate::store::{CommitOutcome, Expect, Txn};
use hauki_contract::api::compilation::Compilation;
use hauki_contract::api::gem::{Gem, GemPlace, GemPush, GemRemoved};
use hauki_contract::model::digest::Sha256;
use hauki_contract::model::gem::{GemPointer, Manifest, check_path, check_version};
use hauki_contract::system::clock;

const GEM: &str = "gem/";

#[derive(Debug, Clone, Serialize, Deserialize)]
struct GemRecord {
    path: String,
    version: String,
    sha256: Sha256,
    bytes: u64,
    manifest: Manifest,
    pushed_at: Timestamp,
    /// Where the source was compiled, of what, and whether that is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    compilation: Option<Compilation>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    has_original: bool,
}

impl GemRecord {
    fn key(&self) -> String {
        format!("{GEM}{}@{}", self.path, self.version)
    }

    fn source_key(&self) -> String {
        format!("gemsource/{}@{}", self.path, self.version)
    }

    fn original_key(&self) -> String {
        format!("gemoriginal/{}@{}", self.path, self.version)
    }

    fn pointer(&self) -> GemPointer {
        GemPointer { path: self.path.clone(), version: Some(self.version.clone()), sha256: Some(self.sha256) }
    }

    fn into_gem(self, changed: bool) -> Gem {
        Gem {
            pointer: self.pointer(),
            path: self.path,
            version: Some(self.version),
            sha256: self.sha256,
            bytes: self.bytes,
            manifest: self.manifest,
            found_in: GemPlace::Pushed,
            pushed_at: Some(self.pushed_at),
            source: None,
            compilation: self.compilation,
            original: None,
            changed,
        }
    }

    fn number(&self) -> Option<u64> {
        self.version.parse().ok()
    }

    /// Whole numbers come after all other versions, by value; the others by when they were pushed.
    fn age(&self, other: &Self) -> Ordering {
        (self.number(), self.pushed_at).cmp(&(other.number(), other.pushed_at))
    }
}

impl Gems {
    async fn versions(&self, path: &str) -> Result<Vec<GemRecord>, GemError> {
        let found = self.recorded(path).await?;
        Ok(found.into_iter().map(|found| found.value).collect())
    }

    /// From the oldest to the newest.
    async fn recorded(&self, path: &str) -> Result<Vec<Versioned<GemRecord>>, GemError> {
        let mut found: Vec<Versioned<GemRecord>> = self.records.all(&format!("{GEM}{path}@")).await?;
        found.sort_by(|one, other| one.value.age(&other.value));
        Ok(found)
    }

    pub(super) async fn find_pushed(&self, pointer: &GemPointer) -> Result<Option<Find>, GemError> {
        let record = match &pointer.version {
            Some(version) => {
                let key = format!("{GEM}{}@{version}", pointer.path);
                self.records.get::<GemRecord>(&key).await?.map(|found| found.value)
            }
            None => self.versions(&pointer.path).await?.pop(),
        };
        let Some(record) = record else { return Ok(None) };
        let Some(document) = self.records.raw(&record.source_key()).await? else { return Ok(None) };
        let source = check_source(document.value, &record.pointer().to_string())?;
        let original = match record.has_original {
            true => self.records.raw(&record.original_key()).await?,
            false => None,
        };
        let original = original.and_then(|document| String::from_utf8(document.value).ok());
        Ok(Some(Find {
            version: Some(record.version),
            source,
            compilation: record.compilation,
            original,
            manifest: record.manifest,
            place: GemPlace::Pushed,
            pushed_at: Some(record.pushed_at),
        }))
    }

    pub(super) async fn list_pushed(&self) -> Result<Vec<Gem>, GemError> {
        let mut records: Vec<GemRecord> =
            self.records.all(GEM).await?.into_iter().map(|found: Versioned<GemRecord>| found.value).collect();
        records.sort_by(|a, b| a.path.cmp(&b.path).then(a.age(b)));
        Ok(records.into_iter().map(|record| record.into_gem(false)).collect())
    }

    /// A version once pushed is never another source; the same again changes nothing.
    pub async fn push(&self, push: GemPush) -> Result<Gem, GemError> {
        check_path(&push.path)?;
        push.version.as_deref().map(check_version).transpose()?;
        let source = check_source(push.source.into_bytes(), &format!("gem {}", push.path))?;
        let original = push.original.map(String::into_bytes);
        let original = original.map(|text| check_source(text, &format!("the original of gem {}", push.path)));
        let original = original.transpose()?;
        if let Some(compilation) = &push.compilation {
            compilation.check()?;
        }
        check_manifest(&push.manifest, &format!("the manifest of gem {}", push.path))?;
        let sha256 = Sha256::of(source.as_bytes());
        loop {
            let versions = self.versions(&push.path).await?;
            let same = |record: &&GemRecord| record.sha256 == sha256 && record.manifest == push.manifest;
            let version = match &push.version {
                Some(version) => {
                    if let Some(there) = versions.iter().find(|record| record.version == *version) {
                        if same(&there) {
                            return Ok(there.clone().into_gem(false));
                        }
                        let (path, version, found) = (push.path, version.clone(), there.sha256);
                        return Err(GemError::Taken { path, version, found });
                    }
                    // One that is damaged was pushed all the same.
                    self.records.refuse_aside(&format!("{GEM}{}@{version}", push.path))?;
                    version.clone()
                }
                None => {
                    if let Some(latest) = versions.last().filter(same) {
                        return Ok(latest.clone().into_gem(false));
                    }
                    let mut next = versions.iter().filter_map(GemRecord::number).max().unwrap_or(0);
                    loop {
                        let end = || GemError::NoVersionLeft { path: push.path.clone(), last: next };
                        next = next.checked_add(1).ok_or_else(end)?;
                        if !self.records.is_there(&format!("{GEM}{}@{next}", push.path)).await? {
                            break next.to_string();
                        }
                    }
                }
            };
            let record = GemRecord {
                path: push.path.clone(),
                version,
                sha256,
                bytes: source.len() as u64,
                manifest: push.manifest.clone(),
                pushed_at: clock::now(),
                compilation: push.compilation.clone(),
                has_original: original.is_some(),
            };
            let txn = Txn::when(record.key(), Expect::Absent)
                .put(record.key(), encode(&record)?)
                .put(record.source_key(), source.clone().into_bytes());
            let txn = match &original {
                Some(text) => txn.put(record.original_key(), text.clone().into_bytes()),
                None => txn,
            };
            // Another push took this version meanwhile: look again.
            if let CommitOutcome::Committed { .. } = self.records.commit(txn).await? {
                return Ok(record.into_gem(true));
            }
        }
    }

    /// One version, or all of them if the pointer has none.
    pub async fn remove(&self, pointer: &GemPointer) -> Result<GemRemoved, GemError> {
        loop {
            let versions = self.to_remove(pointer).await?;
            let Some(txn) = versions.iter().map(removed).reduce(Txn::and) else {
                return Err(self.missing(pointer).await);
            };
            // What was pushed anew meanwhile is another: look again.
            if let CommitOutcome::Committed { .. } = self.records.commit(txn).await? {
                let removed = versions.iter().map(|found| found.value.pointer()).collect();
                return Ok(GemRemoved { removed, changed: true });
            }
        }
    }

    /// The versions that the pointer means, of which there is one at least.
    async fn to_remove(&self, pointer: &GemPointer) -> Result<Vec<Versioned<GemRecord>>, GemError> {
        let mut versions = self.recorded(&pointer.path).await?;
        versions
            .retain(|found| pointer.version.as_ref().is_none_or(|version| *version == found.value.version));
        if versions.is_empty() {
            if self.find_in_directories(pointer).await?.is_some() {
                return Err(GemError::IsFile { path: pointer.path.clone() });
            }
            return Err(self.missing(pointer).await);
        }
        if let Some(wanted) = pointer.sha256 {
            versions.retain(|found| found.value.sha256 == wanted);
            if versions.is_empty() {
                return Err(GemError::NoSuchHash { path: pointer.path.clone(), wanted });
            }
        }
        Ok(versions)
    }
}

fn removed(found: &Versioned<GemRecord>) -> Txn {
    found.gone().delete(found.value.source_key()).delete(found.value.original_key())
}
