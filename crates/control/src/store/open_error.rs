//! Error types of opening: why a store's file is not opened, and the way back.

use std::path::{Path, PathBuf};

use super::error::DatabaseError;
use super::{Revision, START_ANEW, StoreError, high_water_mark};

#[derive(Debug, thiserror::Error)]
pub enum StoreOpenError {
    #[error("open the store {}", path.display())]
    Open { path: PathBuf, source: FileError },
    #[error("the store {} has schema {found}, this program knows up to {known}", path.display())]
    Newer { path: PathBuf, found: u32, known: u32 },
    #[error("the store {} is missing or empty, and {} is there", path.display(), beside.display())]
    Missing { path: PathBuf, beside: PathBuf },
    #[error("the store {} is damaged: {what}", path.display())]
    Damaged {
        path: PathBuf,
        what: String,
        /// The command that finds what is left in a file, given as a shell wants it.
        rescue: fn(&str) -> String,
    },
    #[error("the store {} ends at commit {found}, and commits up to {answered} were acknowledged", path.display())]
    LostTail {
        path: PathBuf,
        found: Revision,
        answered: Revision,
        /// What the last commits stand in, beside the store.
        log: PathBuf,
    },
    #[error("{} is damaged, so whether the store ends where it ended cannot be told", high_water_mark::path_of(path).display())]
    BadTail { path: PathBuf },
    /// It is open, and what was asked first of it failed.
    #[error(transparent)]
    Use(#[from] StoreError),
}

#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("prepare the file")]
    File(#[from] std::io::Error),
    #[error("set up the database")]
    Database { passing: bool, source: DatabaseError },
}

impl StoreOpenError {
    /// Whether the same may succeed later with nothing mended.
    #[must_use]
    pub fn may_be_retried(&self) -> bool {
        match self {
            Self::Open { source: FileError::Database { passing, .. }, .. } => *passing,
            Self::Use(error) => error.may_be_retried(),
            Self::Open { source: FileError::File(_), .. }
            | Self::Newer { .. }
            | Self::Missing { .. }
            | Self::Damaged { .. }
            | Self::LostTail { .. }
            | Self::BadTail { .. } => false,
        }
    }

    /// The way back, with what is to be typed for it.
    #[must_use]
    pub fn way_back(&self) -> Option<String> {
        let word = |path: &Path| crate::link::quoted(&path.to_string_lossy());
        let anew = |store: &Path| word(&store.with_file_name(START_ANEW));
        match self {
            Self::Missing { path, .. } => Some(format!(
                "put the file back from a copy; to start with nothing on purpose, `touch {}`: living vaults are then \
                 ended, and added nodes must be added again",
                anew(path)
            )),
            Self::Damaged { path, rescue, .. } => {
                let (store, old) = (word(path), word(&path.with_file_name("damaged")));
                Some(format!(
                    "put the directory back from a copy, or save what `{}` finds; to start with \
                     nothing on purpose, `mkdir -p {old} && mv {store}* {old} && touch {}`",
                    rescue(&store),
                    anew(path)
                ))
            }
            Self::LostTail { path, log, .. } => Some(format!(
                "what was acknowledged last is lost, by a damaged {} or an older copy; to go on without it, \
                 `rm {}`: vaults that are not on record are then ended",
                log.file_name().unwrap_or_default().to_string_lossy(),
                word(&high_water_mark::path_of(path))
            )),
            Self::BadTail { path } => Some(format!(
                "compare with a copy; to go on, though what was acknowledged last may be lost, `rm {}`",
                word(&high_water_mark::path_of(path))
            )),
            Self::Newer { .. } => Some(
                "it was written by a newer haukid: install that one again; nothing was changed".to_owned(),
            ),
            Self::Open { .. } | Self::Use(_) => None,
        }
    }

    /// As it is told of another file, of which this one was a copy.
    pub(super) fn told_of(mut self, of: &Path) -> Self {
        match &mut self {
            Self::Open { path, .. }
            | Self::Newer { path, .. }
            | Self::Missing { path, .. }
            | Self::Damaged { path, .. }
            | Self::LostTail { path, .. }
            | Self::BadTail { path } => of.clone_into(path),
            Self::Use(
                StoreError::Full { place }
                | StoreError::Read { place, .. }
                | StoreError::Write { place, .. }
                | StoreError::Stopped { place },
            ) => *place = of.display().to_string(),
        }
        self
    }
}
