//! The store in one SQLite file.
//!
//! Two threads own a connection each: the writer gathers every commit that waits into one
//! transaction (one `fsync` for all of them), the lister answers beside it, as WAL allows. One document
//! is read by whoever wants it, from a third connection: that takes less than waking a thread. With
//! `synchronous=FULL` an answered commit survives `kill -9` and the loss of power; a crash leaves
//! the file and its `-wal`, from which SQLite recovers at the next open.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode as Sqlite, OptionalExtension as _, TransactionBehavior, params};
use tokio::sync::oneshot;

use super::{Answer, Document, Expect, OpenError, Outcome, Revision, Store, StoreError, Txn, prefix_end};

/// Step `n` leads from `user_version` n to n + 1. A step that was released is never changed.
const MIGRATIONS: &[&str] = &[
    // 1: documents, and the counter that numbers the commits.
    "CREATE TABLE document (key TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL, value BLOB NOT NULL);
     CREATE TABLE counter (revision INTEGER NOT NULL);
     INSERT INTO counter VALUES (0);",
];

/// How many waiting commits share one transaction at most.
const BATCH: usize = 256;

const BUSY: Duration = Duration::from_secs(5);

struct Commit {
    txn: Txn,
    reply: oneshot::Sender<Result<Outcome, StoreError>>,
}

type Query = Box<dyn FnOnce(&Connection) + Send>;

pub struct SqliteStore {
    path: PathBuf,
    commits: mpsc::Sender<Commit>,
    queries: mpsc::Sender<Query>,
    one: Mutex<Connection>,
}

impl SqliteStore {
    /// Opens or makes the file (mode 0600) and brings its schema up to date.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_bounded(path, None)
    }

    /// `max_pages` makes the database full at that size, for tests of just that.
    fn open_bounded(path: &Path, max_pages: Option<u32>) -> Result<Self, StoreError> {
        let failed = |source: OpenError| StoreError::Open { path: path.to_owned(), source };
        make_private(path).map_err(|error| failed(error.into()))?;
        let mut writer = connect(path).map_err(|error| failed(error.into()))?;
        migrate(&mut writer, path)?;
        if let Some(pages) = max_pages {
            writer.pragma_update(None, "max_page_count", pages).map_err(|error| failed(error.into()))?;
        }
        let lister = connect(path).map_err(|error| failed(error.into()))?;
        let one = Mutex::new(connect(path).map_err(|error| failed(error.into()))?);

        let (commits, waiting) = mpsc::channel();
        let (queries, asked) = mpsc::channel::<Query>();
        let owned = path.to_owned();
        spawn("store-writer", move || write_all(&mut writer, &waiting, &owned))
            .map_err(|error| failed(error.into()))?;
        spawn("store-lister", move || {
            for query in asked {
                query(&lister);
            }
        })
        .map_err(|error| failed(error.into()))?;
        Ok(Self { path: path.to_owned(), commits, queries, one })
    }

    fn query<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answer<'_, T> {
        let (reply, answer) = oneshot::channel();
        let query: Query = Box::new(move |connection| {
            // A caller that went away needs no answer.
            let _ = reply.send(ask(connection));
        });
        let sent = self.queries.send(query);
        Box::pin(async move {
            let stopped = || StoreError::Stopped { path: self.path.clone() };
            sent.map_err(|_| stopped())?;
            let answer = answer.await.map_err(|_| stopped())?;
            answer.map_err(|source| StoreError::Read { path: self.path.clone(), source })
        })
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new().name(name.into()).spawn(run).map(drop)
}

/// The file exists with mode 0600 before SQLite sees it; `-wal` and `-shm` take its mode over.
fn make_private(path: &Path) -> std::io::Result<File> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| StoreError::Open { path: path.to_owned(), source: error.into() };
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let found: u32 =
        transaction.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    for step in MIGRATIONS.iter().skip(found as usize) {
        transaction.execute_batch(step).map_err(failed)?;
    }
    transaction.pragma_update(None, "user_version", known).map_err(failed)?;
    transaction.commit().map_err(failed)
}

/// Ends when the store is dropped and the last commit is answered.
fn write_all(connection: &mut Connection, waiting: &mpsc::Receiver<Commit>, path: &Path) {
    while let Ok(first) = waiting.recv() {
        let batch: Vec<Commit> = std::iter::once(first)
            .chain(std::iter::from_fn(|| waiting.try_recv().ok()).take(BATCH))
            .collect();
        let outcomes = write_batch(connection, &batch);
        if let Err(error) = &outcomes {
            tracing::error!(path = %path.display(), %error, "the store could not commit");
        }
        match outcomes {
            Ok(outcomes) => batch.into_iter().zip(outcomes).for_each(|(commit, outcome)| {
                let _ = commit.reply.send(Ok(outcome));
            }),
            Err(error) => batch.into_iter().for_each(|commit| {
                let _ = commit.reply.send(Err(write_error(path, &error)));
            }),
        }
    }
}

fn write_error(path: &Path, error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(Sqlite::DiskFull) => StoreError::Full { path: path.to_owned() },
        _ => StoreError::Write { path: path.to_owned(), reason: error.to_string() },
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
            .query_row([key], |row| row.get(0))
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
    let mut put = connection.prepare_cached(
        "INSERT INTO document (key, revision, value) VALUES (?1, ?2, ?3)
         ON CONFLICT (key) DO UPDATE SET revision = ?2, value = ?3",
    )?;
    for (key, value) in &txn.puts {
        put.execute(params![key, revision, value])?;
    }
    let mut delete = connection.prepare_cached("DELETE FROM document WHERE key = ?1")?;
    for key in &txn.deletes {
        delete.execute([key])?;
    }
    Ok(Outcome::Committed { revision })
}

fn document(row: &rusqlite::Row<'_>) -> rusqlite::Result<Document> {
    Ok(Document { key: row.get(0)?, revision: row.get(1)?, value: row.get(2)? })
}

impl Store for SqliteStore {
    fn get(&self, key: &str) -> Answer<'_, Option<Document>> {
        let read = |connection: &Connection| {
            connection
                .prepare_cached("SELECT key, revision, value FROM document WHERE key = ?1")?
                .query_row([key], document)
                .optional()
        };
        let found = read(&self.one.lock().unwrap_or_else(PoisonError::into_inner));
        let found = found.map_err(|source| StoreError::Read { path: self.path.clone(), source });
        Box::pin(std::future::ready(found))
    }

    fn list(&self, prefix: &str, after: Option<&str>, limit: usize) -> Answer<'_, Vec<Document>> {
        let from = prefix.to_owned();
        let end = prefix_end(prefix);
        let after = after.unwrap_or_default().to_owned();
        self.query(move |connection| {
            connection
                .prepare_cached(
                    "SELECT key, revision, value FROM document
                     WHERE key >= ?1 AND (?2 IS NULL OR key < ?2) AND key > ?3 ORDER BY key LIMIT ?4",
                )?
                .query_map(params![from, end, after, i64::try_from(limit).unwrap_or(i64::MAX)], document)?
                .collect()
        })
    }

    fn commit(&self, txn: Txn) -> Answer<'_, Outcome> {
        let (reply, answer) = oneshot::channel();
        let sent = self.commits.send(Commit { txn, reply });
        Box::pin(async move {
            let stopped = || StoreError::Stopped { path: self.path.clone() };
            sent.map_err(|_| stopped())?;
            answer.await.map_err(|_| stopped())?
        })
    }
}

#[cfg(test)]
#[path = "sqlite_tests.rs"]
mod tests;
