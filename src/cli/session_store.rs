//! Session store: the workers that a user keeps between two runs, each a file that only this user can read.
//!
//! A file holds the ticket of the session's vault and the maps of its last turns. What is here says nothing of whether the
//! vault lives: its node does. A crash leaves a file whose vault ends with its lease.

use std::fs;
use std::io;
use std::path::PathBuf;

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::error::{CliError, ErrorKind};
use super::{bounded_read, ticket_files};
use crate::client::Exit;
use crate::client::compiler::TurnMaps;
use crate::model::name::ServiceName;
use crate::model::ticket::Ticket;
use hauki_contract::strict::{self, DocumentLimits};
use hauki_contract::system::{dirs, paths, private_files};

/// A ticket, and the maps at their longest, which are written as text in JSON.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// What is kept of one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptSession {
    v: u32,
    pub(crate) ticket: Ticket,
    pub(crate) turns: TurnMaps,
}

impl KeptSession {
    pub(crate) fn new(ticket: Ticket) -> Self {
        Self { v: 1, ticket, turns: TurnMaps::default() }
    }
}

/// The place of one session.
pub(crate) struct SessionPlace {
    name: ServiceName,
    path: PathBuf,
}

/// Held while a session is made, or its file is changed.
pub(crate) struct SessionLock(#[expect(dead_code, reason = "its lock goes with it")] fs::File);

impl SessionPlace {
    pub(crate) fn of(name: &ServiceName) -> Self {
        // A name has slashes, and no `+`.
        let file = format!("{}.json", name.as_str().replace('/', "+"));
        Self { name: name.clone(), path: paths::sessions_dir().join(file) }
    }

    /// Waits for whoever makes or changes this session now.
    pub(crate) async fn lock(&self) -> Result<SessionLock, CliError> {
        let path = self.path.with_extension("lock");
        let locked = move || -> io::Result<SessionLock> {
            dirs::make(path.parent().unwrap_or(&path), 0o700)?;
            loop {
                let file = dirs::private_file(&path)?;
                flock(&file, FlockOperation::LockExclusive)?;
                // Who ended the session has removed the file.
                if dirs::is_at(&file, &path) {
                    return Ok(SessionLock(file));
                }
            }
        };
        let ended = || Err(io::Error::other("the waiter ended"));
        bounded_read::aside(locked).await.unwrap_or_else(ended).map_err(|error| self.failed("lock", &error))
    }

    /// `None` where there is none.
    pub(crate) fn load(&self) -> Result<Option<KeptSession>, CliError> {
        let text = match private_files::read(&self.path, MOST_BYTES) {
            Err(error) if error.is_absence() => return Ok(None),
            read => read.map_err(|error| CliError::of(ErrorKind::new("unreadable", Exit::Data), &error))?,
        };
        let kept: KeptSession =
            strict::from_str(&text, DocumentLimits::bytes(text.len())).map_err(|error| {
                CliError::data(
                    "bad_session",
                    format!("the file of session {} cannot be read: {error}", self.name),
                )
                .hint(format!("hauki run --session {} --end forgets it", self.name))
            })?;
        Ok(Some(kept))
    }

    pub(crate) async fn save(&self, kept: &KeptSession) -> Result<(), CliError> {
        let text = serde_json::to_string(kept).unwrap_or_default();
        ticket_files::write(&self.path, text).await.map_err(|error| self.failed("write", &error))
    }

    /// Nothing is left of it here.
    pub(crate) fn forget(&self) -> Result<(), CliError> {
        for path in [self.path.clone(), self.path.with_extension("lock")] {
            match fs::remove_file(path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(self.failed("forget", &error)),
            }
        }
        Ok(())
    }

    fn failed(&self, what: &str, error: &io::Error) -> CliError {
        CliError::io(&format!("{what} the file of session {}", self.name), error)
    }
}
