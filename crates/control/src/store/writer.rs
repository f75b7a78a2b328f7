//! Group commit: the one connection that writes into the SQLite file, and the thread that uses it.
//!
//! The thread gathers every commit that waits into one transaction, writes the number of the last one beside the file,
//! and only then answers. In a quiet second it copies the log into the file, so that a copy of the file is a store,
//! and begins the log anew over the old one: the next commit finds it begun, and blocks that are there already.
//!
//! Whoever comes while nobody writes or waits does it himself: that takes less than waking the thread and being woken by it.
//! For a note, which waits for no disk, the caller's thread stays what it is; for a commit it leaves its runtime's work
//! to another meanwhile.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::sync::oneshot;

use super::checksum::seal;
use super::ephemeral::{EphemeralDocuments, Pins, is_ephemeral};
use super::high_water_mark::HighWaterMark;
use super::index_repair::repair;
use super::sqlite::{BUSY, is_passing, write_error};
use super::{CommitOutcome, Revision, StoreError, Txn};
use hauki_contract::model::error_chain;
use hauki_contract::model::lease::Mono;
use hauki_contract::system::clock;

/// How many waiting commits share one transaction at most.
const BATCH: usize = 256;

/// So long after the last commit, or so long after the first in a row without end, the log goes into the file.
const QUIET: Duration = Duration::from_secs(1);
const NEVER_QUIET_US: u64 = 10_000_000;

/// At so many pages SQLite itself copies the log into the file, in whose thread it may be; before that the writer does.
const LOG_PAGES: usize = 900;
const PAGE_BYTES: usize = 4096;

pub(super) struct Commit {
    pub txn: Txn,
    pub reply: oneshot::Sender<Result<CommitOutcome, StoreError>>,
}

pub(super) enum WriteJob {
    Commit(Commit),
    /// Without a flush.
    Note(Commit),
    /// Somebody else wrote into the log, which is to be copied in a quiet second.
    Written,
    /// A document was found by a key that is not its own.
    Repair(oneshot::Sender<bool>),
    Close(oneshot::Sender<()>),
}

/// The one that writes.
pub(super) struct StoreWriter {
    connection: Connection,
    tail: HighWaterMark,
    ephemeral: Arc<EphemeralDocuments>,
    path: PathBuf,
    /// Since when there is something in the log that is not in the file.
    dirty: Option<Mono>,
    /// When something was written last.
    last: Mono,
    /// How many pages the log has at most.
    pages: usize,
    /// As the connection is set.
    flushes: bool,
    /// How many wait in the queue.
    waiting: Arc<AtomicUsize>,
}

impl StoreWriter {
    pub(super) fn new(
        connection: Connection,
        tail: HighWaterMark,
        ephemeral: Arc<EphemeralDocuments>,
        path: PathBuf,
        waiting: Arc<AtomicUsize>,
    ) -> Self {
        let last = clock::mono();
        Self { connection, tail, ephemeral, path, dirty: None, last, pages: 0, flushes: true, waiting }
    }

    /// For who has it, and so knows that nobody writes.
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Ends when the store is dropped and the last commit is answered, or if whoever wrote did not come to an end.
    pub(super) fn work(writer: &Mutex<Self>, jobs: &mpsc::Receiver<WriteJob>) {
        loop {
            let Ok(wait) = writer.lock().map(|writer| writer.until_quiet()) else { return };
            let first = match wait {
                None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(wait) => jobs.recv_timeout(wait),
            };
            let Ok(mut writer) = writer.lock() else { return };
            match first {
                Ok(job) => {
                    writer.batch(std::iter::once(job).chain(std::iter::from_fn(|| jobs.try_recv().ok())));
                }
                // Others may have written meanwhile.
                Err(RecvTimeoutError::Timeout) if writer.until_quiet() == Some(Duration::ZERO) => {
                    writer.settle()
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return writer.empty(),
            }
            let never_quiet = writer.dirty.is_some_and(|since| clock::mono().since(since) > NEVER_QUIET_US);
            if never_quiet || writer.pages > LOG_PAGES {
                writer.settle();
            }
        }
    }

    /// How long it is until a quiet second is over, if there is something to copy then.
    fn until_quiet(&self) -> Option<Duration> {
        let passed = Duration::from_micros(clock::mono().since(self.last));
        self.dirty.map(|_| QUIET.saturating_sub(passed))
    }

    fn wrote<'a>(&mut self, txns: impl IntoIterator<Item = &'a Txn>) {
        self.last = clock::mono();
        self.dirty.get_or_insert(self.last);
        self.pages = txns.into_iter().map(pages).fold(self.pages, usize::saturating_add);
    }

    /// Writes in the caller's own thread. `None` if another process has the file just now, for which only the writer's
    /// own thread waits; `true` tells that it is to hear of it.
    pub(super) fn write_at_once(
        &mut self,
        txn: &Txn,
        flushed: bool,
    ) -> Option<(Result<CommitOutcome, StoreError>, bool)> {
        // Beyond its bound SQLite copies the log when something is written to it, which waits for the disk.
        if !flushed && self.pages > LOG_PAGES {
            return None;
        }
        let is_first = self.dirty.is_none();
        let mut write = || {
            self.connection.busy_timeout(Duration::ZERO)?;
            let written = self.flushing(flushed).and_then(|()| self.write_batch([txn]));
            self.connection.busy_timeout(BUSY)?;
            written
        };
        match write() {
            Err(error) if is_passing(&error) => None,
            Err(error) => Some((Err(self.failed(&error)), false)),
            Ok(outcomes) => {
                self.wrote([txn]);
                if flushed {
                    self.answered(&outcomes);
                }
                outcomes.into_iter().next().map(|outcome| (Ok(outcome), is_first))
            }
        }
    }

    fn batch(&mut self, jobs: impl Iterator<Item = WriteJob>) {
        let (mut commits, mut notes, mut closing) = (Vec::new(), Vec::new(), Vec::new());
        for job in jobs.take(BATCH) {
            if !matches!(job, WriteJob::Written) {
                self.waiting.fetch_sub(1, Ordering::Relaxed);
            }
            match job {
                WriteJob::Commit(commit) => commits.push(commit),
                WriteJob::Note(note) => notes.push(note),
                WriteJob::Written => {}
                WriteJob::Repair(reply) => {
                    self.wrote(std::iter::empty());
                    let _ = reply.send(repair(&self.connection, &self.path));
                }
                WriteJob::Close(reply) => closing.push(reply),
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
        self.wrote(txns(&commits));
        let outcomes = self.flushing(true).and_then(|()| self.write_batch(txns(&commits)));
        if is_for_each(&commits, &outcomes) {
            return commits.into_iter().for_each(|commit| self.commit(vec![commit]));
        }
        if let Ok(outcomes) = &outcomes {
            self.answered(outcomes);
        }
        self.answer(commits, outcomes);
    }

    /// Writes the number of the last one beside the file.
    fn answered(&mut self, outcomes: &[CommitOutcome]) {
        let last = outcomes.iter().filter_map(|outcome| match outcome {
            CommitOutcome::Committed { revision } => Some(*revision),
            CommitOutcome::Conflict { .. } => None,
        });
        if let Some(error) = last.max().and_then(|last| self.tail.answered(last).err()) {
            tracing::warn!(path = %self.path.display(), error = error_chain::told(&error), "the last commit's number is not written down");
        }
    }

    /// Their numbers are not written beside the file: a loss of power may take them back, and that is no damage.
    fn note_down(&mut self, notes: Vec<Commit>) {
        self.wrote(txns(&notes));
        let outcomes = self.flushing(false).and_then(|()| self.write_batch(txns(&notes)));
        if is_for_each(&notes, &outcomes) {
            return notes.into_iter().for_each(|note| self.note_down(vec![note]));
        }
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

    /// One transaction for the batch. Checks come before writes, so a conflict needs no undoing; an
    /// error undoes the whole batch, because nothing of it has been answered.
    fn write_batch<'a>(
        &self,
        batch: impl IntoIterator<Item = &'a Txn>,
    ) -> rusqlite::Result<Vec<CommitOutcome>> {
        let (connection, mut pins) = (&self.connection, self.ephemeral.pins());
        // Not rusqlite's own transaction, which compiles both words for each.
        let say = |word: &str| connection.prepare_cached(word)?.execute([]);
        say("BEGIN IMMEDIATE")?;
        let outcomes: rusqlite::Result<Vec<_>> =
            batch.into_iter().map(|txn| self.apply(&mut pins, txn)).collect();
        let written = outcomes.and_then(|outcomes| say("COMMIT").map(|_| outcomes));
        if written.is_ok() {
            pins.settle();
        } else if !connection.is_autocommit() {
            // That it cannot be undone either changes nothing: it was never committed.
            let _ = say("ROLLBACK");
        }
        written
    }

    fn apply(&self, pins: &mut Pins<'_>, txn: &Txn) -> rusqlite::Result<CommitOutcome> {
        let connection = &self.connection;
        for (key, expect) in &txn.checks {
            let found = if is_ephemeral(key) { pins.revision(key) } else { revision(connection, key)? };
            if !expect.holds(found) {
                return Ok(CommitOutcome::Conflict { key: key.clone() });
            }
        }
        let (last, sum): (Revision, i64) = connection
            .prepare_cached("SELECT revision, sum FROM counter")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let revision = self.ephemeral.next(last);
        // By how much the sum of all seals changes, so that a document that vanishes is missed.
        let mut more = 0_i64;
        let was = |row: &rusqlite::Row<'_>| Ok(row.get_ref(0)?.as_i64().unwrap_or_default());
        let mut add = connection.prepare_cached(
            "INSERT INTO document (key, revision, value, seal) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (key) DO NOTHING",
        )?;
        for (key, value) in &txn.puts {
            if is_ephemeral(key) {
                pins.put(key, value, revision);
                continue;
            }
            let sum = seal(key, revision, value);
            more = more.wrapping_add(sum);
            // Most are new.
            if add.execute(params![key, revision, value, sum])? == 0 {
                let mut old = connection.prepare_cached("SELECT seal FROM document WHERE key = ?1")?;
                more = more.wrapping_sub(old.query_row([key], was)?);
                connection
                    .prepare_cached(
                        "UPDATE document SET revision = ?2, value = ?3, seal = ?4 WHERE key = ?1",
                    )?
                    .execute(params![key, revision, value, sum])?;
            }
        }
        let mut delete = connection.prepare_cached("DELETE FROM document WHERE key = ?1 RETURNING seal")?;
        for key in &txn.deletes {
            if is_ephemeral(key) {
                pins.delete(key);
                continue;
            }
            more = more.wrapping_sub(delete.query_row([key], was).optional()?.unwrap_or_default());
        }
        connection
            .prepare_cached("UPDATE counter SET revision = ?1, sum = ?2")?
            .execute([revision, sum.wrapping_add(more)])?;
        Ok(CommitOutcome::Committed { revision })
    }

    fn answer(&self, commits: Vec<Commit>, outcomes: rusqlite::Result<Vec<CommitOutcome>>) {
        match outcomes {
            Ok(outcomes) => {
                commits.into_iter().zip(outcomes).for_each(|(commit, outcome)| {
                    let _ = commit.reply.send(Ok(outcome));
                });
            }
            Err(error) => {
                commits.into_iter().for_each(|commit| {
                    let _ = commit.reply.send(Err(self.failed(&error)));
                });
            }
        }
    }

    fn failed(&self, error: &rusqlite::Error) -> StoreError {
        tracing::error!(path = %self.path.display(), error = error_chain::told(&error), "the store could not commit");
        write_error(&self.path, error)
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
        self.pages = 0;
        self.dirty = match copied {
            Ok(true) => None,
            Ok(false) => Some(clock::mono()),
            Err(error) => {
                tracing::warn!(path = %self.path.display(), error = error_chain::told(&error), "the store's log stays beside it");
                None
            }
        };
    }
}

/// How many pages it writes at most, or nearly.
fn pages(txn: &Txn) -> usize {
    let values = txn.puts.iter().map(|(_, value)| value.len() / PAGE_BYTES + 3);
    values.sum::<usize>() + 2 * txn.deletes.len() + 2
}

/// Whether one of them may be what fails, for its size or for what it finds in the file: then each goes by itself.
fn is_for_each<T>(batch: &[Commit], outcomes: &rusqlite::Result<T>) -> bool {
    batch.len() > 1 && outcomes.as_ref().is_err_and(|error| !is_passing(error))
}

fn txns(commits: &[Commit]) -> impl Iterator<Item = &Txn> {
    commits.iter().map(|commit| &commit.txn)
}

fn revision(connection: &Connection, key: &str) -> rusqlite::Result<Option<Revision>> {
    connection
        .prepare_cached("SELECT revision FROM document WHERE key = ?1")?
        // Of a damaged row it may be no number, which is no reason to fail the others in the batch.
        .query_row([key], |row| Ok(row.get_ref(0)?.as_i64().unwrap_or_default()))
        .optional()
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
