//! The one thread that writes into the SQLite file.
//!
//! It gathers every commit that waits into one transaction, writes the number of the last one beside the file,
//! and only then answers. In a quiet second it copies the log into the file, so that a copy of the file is a store,
//! and begins the log anew over the old one: the next commit finds it begun, and blocks that are there already.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode as Sqlite, OptionalExtension as _, TransactionBehavior, params};
use tokio::sync::oneshot;

use super::seal::seal;
use super::sqlite::is_passing;
use super::tail::Tail;
use super::{Expect, Outcome, Revision, StoreError, Txn};
use hauki_contract::model::lease::Mono;
use hauki_contract::system::clock;

/// How many waiting commits share one transaction at most.
const BATCH: usize = 256;

/// So long after the last commit, or so long after the first in a row without end, the log goes into the file.
const QUIET: Duration = Duration::from_secs(1);
const NEVER_QUIET_US: u64 = 10_000_000;

pub(super) struct Commit {
    pub txn: Txn,
    pub reply: oneshot::Sender<Result<Outcome, StoreError>>,
}

pub(super) enum Job {
    Commit(Commit),
    /// Without a flush.
    Note(Commit),
    Close(oneshot::Sender<()>),
}

/// The one that writes.
pub(super) struct Writer {
    connection: Connection,
    tail: Tail,
    path: PathBuf,
    /// Since when there is something in the log that is not in the file.
    dirty: Option<Mono>,
    /// As the connection is set.
    flushes: bool,
}

impl Writer {
    pub(super) fn new(connection: Connection, tail: Tail, path: PathBuf) -> Self {
        Self { connection, tail, path, dirty: None, flushes: true }
    }

    /// Ends when the store is dropped and the last commit is answered.
    pub(super) fn work(mut self, jobs: &mpsc::Receiver<Job>) {
        loop {
            let first = match self.dirty {
                None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(_) => jobs.recv_timeout(QUIET),
            };
            match first {
                Ok(job) => {
                    self.batch(std::iter::once(job).chain(std::iter::from_fn(|| jobs.try_recv().ok())))
                }
                Err(RecvTimeoutError::Timeout) => self.settle(),
                Err(RecvTimeoutError::Disconnected) => return self.empty(),
            }
            if self.dirty.is_some_and(|since| clock::mono().since(since) > NEVER_QUIET_US) {
                self.settle();
            }
        }
    }

    fn batch(&mut self, jobs: impl Iterator<Item = Job>) {
        let (mut commits, mut notes, mut closing) = (Vec::new(), Vec::new(), Vec::new());
        for job in jobs.take(BATCH) {
            match job {
                Job::Commit(commit) => commits.push(commit),
                Job::Note(note) => notes.push(note),
                Job::Close(reply) => closing.push(reply),
            }
        }
        // Whoever notes something waits for nobody's flush. What must come after it is sent when it is answered.
        if !notes.is_empty() {
            self.note_down(notes);
        }
        if !commits.is_empty() {
            self.commit(commits);
        }
        if !closing.is_empty() {
            self.empty();
        }
        for reply in closing {
            let _ = reply.send(());
        }
    }

    fn commit(&mut self, commits: Vec<Commit>) {
        self.dirty.get_or_insert_with(clock::mono);
        let outcomes = self.flushing(true).and_then(|()| write_batch(&mut self.connection, &commits));
        if let Ok(outcomes) = &outcomes {
            let last = outcomes.iter().filter_map(|outcome| match outcome {
                Outcome::Committed { revision } => Some(*revision),
                Outcome::Conflict { .. } => None,
            });
            if let Some(error) = last.max().and_then(|last| self.tail.answered(last).err()) {
                tracing::warn!(path = %self.path.display(), %error, "the last commit's number is not written down");
            }
        }
        self.answer(commits, outcomes);
    }

    /// Their numbers are not written beside the file: a loss of power may take them back, and that is no damage.
    fn note_down(&mut self, notes: Vec<Commit>) {
        self.dirty.get_or_insert_with(clock::mono);
        let outcomes = self.flushing(false).and_then(|()| write_batch(&mut self.connection, &notes));
        self.answer(notes, outcomes);
    }

    /// Whether what is written next waits for its flush. The log is whole either way.
    fn flushing(&mut self, on: bool) -> rusqlite::Result<()> {
        if self.flushes != on {
            self.connection.pragma_update(None, "synchronous", if on { "FULL" } else { "NORMAL" })?;
            self.flushes = on;
        }
        Ok(())
    }

    fn answer(&self, commits: Vec<Commit>, outcomes: rusqlite::Result<Vec<Outcome>>) {
        match outcomes {
            Ok(outcomes) => {
                commits.into_iter().zip(outcomes).for_each(|(commit, outcome)| {
                    let _ = commit.reply.send(Ok(outcome));
                });
            }
            Err(error) => {
                tracing::error!(path = %self.path.display(), %error, "the store could not commit");
                commits.into_iter().for_each(|commit| {
                    let _ = commit.reply.send(Err(write_error(&self.path, &error)));
                });
            }
        }
    }

    /// Copies the log into the file, as far as nobody reads in it, and begins it anew. It waits for no reader.
    fn settle(&mut self) {
        let copied = self.flushing(true).and_then(|()| self.copy("PASSIVE")).and_then(|all| {
            if all {
                self.turn()?;
            }
            Ok(all)
        });
        self.note(copied);
    }

    /// At the end: copies the log, and cuts it to nothing.
    fn empty(&mut self) {
        let copied = self.copy("TRUNCATE");
        self.note(copied);
    }

    /// Whether all of the log is in the file now.
    fn copy(&self, how: &str) -> rusqlite::Result<bool> {
        self.connection.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |row| {
            let (busy, log, copied) = (row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?);
            Ok(busy == 0 && log == copied)
        })
    }

    /// Begins the log anew, with a page that is in the file already. The first commit of a log is flushed twice and
    /// each after it once, so it is nobody's who waits; and what is left of the old log is never read again.
    fn turn(&self) -> rusqlite::Result<()> {
        let version: u32 = self.connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        self.connection.pragma_update(None, "user_version", version)
    }

    /// What was not copied now is copied the next time.
    fn note(&mut self, copied: rusqlite::Result<bool>) {
        self.dirty = match copied {
            Ok(true) => None,
            Ok(false) => Some(clock::mono()),
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "the store's log stays beside it");
                None
            }
        };
    }
}

fn write_error(path: &Path, error: &rusqlite::Error) -> StoreError {
    let place = path.display().to_string();
    match error.sqlite_error_code() {
        Some(Sqlite::DiskFull) => StoreError::Full { place },
        _ => StoreError::Write { place, passing: is_passing(error), source: error.to_string().into() },
    }
}

/// One transaction for the batch. Checks come before writes, so a conflict needs no undoing; an
/// error undoes the whole batch, because nothing of it has been answered.
fn write_batch(connection: &mut Connection, batch: &[Commit]) -> rusqlite::Result<Vec<Outcome>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut outcomes = Vec::with_capacity(batch.len());
    for commit in batch {
        outcomes.push(apply(&transaction, &commit.txn)?);
    }
    transaction.commit()?;
    Ok(outcomes)
}

fn apply(connection: &Connection, txn: &Txn) -> rusqlite::Result<Outcome> {
    for (key, expect) in &txn.checks {
        let found: Option<Revision> = connection
            .prepare_cached("SELECT revision FROM document WHERE key = ?1")?
            // Of a damaged row it may be no number, which is no reason to fail the others in the batch.
            .query_row([key], |row| Ok(row.get_ref(0)?.as_i64().unwrap_or_default()))
            .optional()?;
        let holds = match expect {
            Expect::Absent => found.is_none(),
            Expect::At(revision) => found == Some(*revision),
        };
        if !holds {
            return Ok(Outcome::Conflict { key: key.clone() });
        }
    }
    let revision: Revision = connection
        .prepare_cached("UPDATE counter SET revision = revision + 1 RETURNING revision")?
        .query_row([], |row| row.get(0))?;
    let mut old = connection.prepare_cached("SELECT seal FROM document WHERE key = ?1")?;
    let mut seal_of =
        |key: &str| old.query_row([key], |row| Ok(row.get_ref(0)?.as_i64().unwrap_or_default())).optional();
    let mut put = connection.prepare_cached(
        "INSERT INTO document (key, revision, value, seal) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (key) DO UPDATE SET revision = ?2, value = ?3, seal = ?4",
    )?;
    let mut delete = connection.prepare_cached("DELETE FROM document WHERE key = ?1")?;
    // By how much the sum of all seals changes, so that a document that vanishes is missed.
    let mut more = 0_i64;
    for (key, value) in &txn.puts {
        let sum = seal(key, revision, value);
        more = more.wrapping_add(sum).wrapping_sub(seal_of(key)?.unwrap_or_default());
        put.execute(params![key, revision, value, sum])?;
    }
    for key in &txn.deletes {
        if let Some(sum) = seal_of(key)? {
            more = more.wrapping_sub(sum);
            delete.execute([key])?;
        }
    }
    let mut sum = connection.prepare_cached("SELECT sum FROM counter")?;
    let sum: i64 = sum.query_row([], |row| row.get(0))?;
    connection.prepare_cached("UPDATE counter SET sum = ?1")?.execute([sum.wrapping_add(more)])?;
    Ok(Outcome::Committed { revision })
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
