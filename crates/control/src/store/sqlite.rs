//! SQLite store, in one file.
//!
//! Two threads: the `writer` gathers every commit that waits into one transaction (one `fsync` for all of them), the
//! lister answers beside it, as WAL allows. One document is read by whoever wants it, from the writer's connection or,
//! while somebody writes, from a third, and whoever writes while nobody else does does it himself: that takes less than
//! waking a thread. A fourth is for `verify`. With `synchronous=FULL` an answered commit survives `kill -9` and the loss
//! of power, and a note the first; a crash leaves the file and its `-wal`, from which SQLite recovers at the next open. In
//! a quiet second, and when it is closed, everything is copied into the file itself. Every document has a checksum
//! (`checksum`), and the number of the last answered commit stands beside the file (`high_water_mark`).

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;
use tokio::task::block_in_place;

use super::check::damaged;
use super::checksum::seal;
use super::ephemeral::{EphemeralDocuments, is_ephemeral};
use super::high_water_mark;
use super::index_repair::RepairPace;
use super::open_error::FileError;
use super::schema;
use super::writer::{Commit, StoreWriter, WriteJob};
use super::{
    CommitOutcome, Document, START_ANEW, Size, Store, StoreError, StoreFuture, StoreOpenError, Txn,
    VerifiedPart, VerifyCursor, check, listing, verify,
};
use hauki_contract::strict::{self, DocumentLimits};
use hauki_contract::system::{clock, tasks};

/// To so much a log that has grown beyond it is cut when it begins anew.
pub(super) const LOG_BYTES: u32 = 4 << 20;

/// Under this key stands who signs what is on record.
pub const ISSUER: &str = "issuer";

/// So long it waits for another process that has the file.
pub(super) const BUSY: Duration = Duration::from_secs(5);

type ReadQuery = Box<dyn FnOnce(&Connection) + Send>;

pub struct SqliteStore {
    path: PathBuf,
    suspicion: Option<&'static str>,
    was_seen_whole: bool,
    ephemeral: Arc<EphemeralDocuments>,
    pub(super) writer: Arc<Mutex<StoreWriter>>,
    commits: mpsc::Sender<WriteJob>,
    /// How many wait for the writer's thread. Nobody overtakes them.
    waiting: Arc<AtomicUsize>,
    queries: mpsc::Sender<ReadQuery>,
    one: Mutex<Connection>,
    verifier: Arc<Mutex<Connection>>,
    repairs: RepairPace,
}

impl SqliteStore {
    /// Opens or makes the file (mode 0600) and brings its schema up to date.
    pub fn open(path: &Path) -> Result<Self, StoreOpenError> {
        Self::open_bounded(path, None, None)
    }

    /// As [`SqliteStore::open`], where `other` is a file that was made after the store: if it is there, the
    /// store must be.
    pub fn open_beside(path: &Path, other: &Path) -> Result<Self, StoreOpenError> {
        Self::open_bounded(path, Some(other).filter(|other| other.exists()), None)
    }

    /// `max_pages` makes the database full at that size, for tests of just that.
    pub(super) fn open_bounded(
        path: &Path,
        beside: Option<&Path>,
        max_pages: Option<u32>,
    ) -> Result<Self, StoreOpenError> {
        let failed = |source: FileError| StoreOpenError::Open { path: path.to_owned(), source };
        check::is_there(path, beside)?;
        make_private(path).map_err(|error| failed(error.into()))?;
        let mut writer = connect(path).map_err(|error| unopened(path, error))?;
        check::is_filled(&writer, path, beside)?;
        let pages = check::is_whole(&mut writer, path)?;
        if check::begins_anew(&writer, path)? {
            // What was answered of the one before says nothing of this one. Should it end here, it is done again.
            high_water_mark::remove(path).map_err(|error| failed(error.into()))?;
        }
        schema::migrate(&mut writer, path)?;
        let tail = check::is_complete(&writer, path)?;
        let (suspicion, documents) = check::adds_up(&writer, path)?;
        // It has been done, and is not wanted again.
        let _ = std::fs::remove_file(path.with_file_name(START_ANEW));
        if let Some(pages) = max_pages {
            writer.pragma_update(None, "max_page_count", pages).map_err(|error| failed(unprepared(error)))?;
        }
        let lister = connect(path).map_err(|error| failed(unprepared(error)))?;
        let one = Mutex::new(connect(path).map_err(|error| failed(unprepared(error)))?);
        let verifier = Arc::new(Mutex::new(connect(path).map_err(|error| failed(unprepared(error)))?));

        let (commits, jobs) = mpsc::channel();
        let (queries, asked) = mpsc::channel::<ReadQuery>();
        let waiting = Arc::new(AtomicUsize::new(0));
        let last = writer.query_row("SELECT revision FROM counter", [], |row| row.get(0));
        let ephemeral = EphemeralDocuments::beside(last.map_err(|error| failed(unprepared(error)))?);
        let ephemeral = Arc::new(ephemeral);
        let writer = StoreWriter::new(writer, tail, ephemeral.clone(), path.to_owned(), waiting.clone());
        let writer = Arc::new(Mutex::new(writer));
        let its = writer.clone();
        spawn("store-writer", move || StoreWriter::work(&its, &jobs))
            .map_err(|error| failed(error.into()))?;
        spawn("store-lister", move || {
            for query in asked {
                query(&lister);
            }
        })
        .map_err(|error| failed(error.into()))?;
        let (path, was_seen_whole) = (path.to_owned(), pages && documents);
        Ok(Self {
            path,
            suspicion,
            was_seen_whole,
            ephemeral,
            writer,
            commits,
            waiting,
            queries,
            one,
            verifier,
            repairs: RepairPace::default(),
        })
    }

    /// Whether all of it was looked at when it was opened.
    pub fn was_seen_whole(&self) -> bool {
        self.was_seen_whole
    }

    /// Whether nothing was ever kept in it, or nothing is left, but for whose it is.
    pub fn is_bare(&self) -> Result<bool, StoreError> {
        let any = "SELECT EXISTS (SELECT 1 FROM document WHERE key <> ?1)";
        let any = self.one().query_row(any, [ISSUER], |row| row.get::<_, bool>(0));
        any.map(|any| !any).map_err(|error| self.unread(error))
    }

    /// The public half of the key that signs, if it was ever written down and can be read.
    pub fn issuer(&self) -> Result<Option<String>, StoreError> {
        let found = self.read(ISSUER)?.filter(|document| document.intact);
        Ok(found.and_then(|document| strict::from_slice(&document.value, DocumentLimits::bytes(1024)).ok()))
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn unread(&self, error: rusqlite::Error) -> StoreError {
        StoreError::Read { place: self.place(), passing: is_passing(&error), source: error.into() }
    }

    fn one(&self) -> MutexGuard<'_, Connection> {
        self.one.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, key: &str) -> Result<Option<Document>, StoreError> {
        let read = |connection: &Connection| {
            connection
                .prepare_cached("SELECT key, revision, value, seal FROM document WHERE key = ?1")?
                .query_row([key], document)
                .optional()
        };
        // The writer's has at hand what it has written. The other fetches those pages from the log after each commit; and
        // where what failed could not be undone, only the other sees what was committed.
        let found = match self.writer.try_lock() {
            Ok(writer) if writer.connection().is_autocommit() => read(writer.connection()),
            _ => read(&self.one()),
        };
        found.map_err(|error| self.unread(error))
    }

    fn query<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        let (reply, answer) = oneshot::channel();
        let query: ReadQuery = Box::new(move |connection| {
            // A caller that went away needs no answer.
            let _ = reply.send(ask(connection));
        });
        let sent = self.queries.send(query);
        Box::pin(async move {
            let stopped = || StoreError::Stopped { place: self.place() };
            sent.map_err(|_| stopped())?;
            let answer = answer.await.map_err(|_| stopped())?;
            answer.map_err(|error| self.unread(error))
        })
    }
}

/// Another process, or another connection, has the file just now.
pub(super) fn is_passing(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked, OperationInterrupted};
    matches!(error.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked | OperationInterrupted))
}

/// What SQLite said when something was written.
pub(super) fn write_error(path: &Path, error: &rusqlite::Error) -> StoreError {
    let place = path.display().to_string();
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => StoreError::Full { place },
        _ => StoreError::Write { place, passing: is_passing(error), source: error.to_string().into() },
    }
}

/// What SQLite said when the file was opened.
pub(super) fn unopened(path: &Path, error: rusqlite::Error) -> StoreOpenError {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    match error.sqlite_error_code() {
        Some(NotADatabase | DatabaseCorrupt) => damaged(path, error.to_string()),
        _ => StoreOpenError::Open { path: path.to_owned(), source: unprepared(error) },
    }
}

fn unprepared(error: rusqlite::Error) -> FileError {
    FileError::Database { passing: is_passing(&error), source: error.into() }
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
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

pub(super) fn document(row: &rusqlite::Row<'_>) -> rusqlite::Result<Document> {
    // A damaged row may be anything; reading it must not fail the rows beside it.
    let bytes =
        |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_bytes().unwrap_or_default().to_vec());
    let number = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_i64().ok());
    let (key, value) = (String::from_utf8_lossy(&bytes(0)?).into_owned(), bytes(2)?);
    let revision = number(1)?.unwrap_or_default();
    // One whose key is no text any more is not found under it.
    let is_text = matches!(row.get_ref(0)?, ValueRef::Text(_));
    let intact = is_text && number(3)? == Some(seal(&key, revision, &value));
    Ok(Document { key, revision, value, intact })
}

impl Store for SqliteStore {
    fn get(&self, key: &str) -> StoreFuture<'_, Option<Document>> {
        let found = if is_ephemeral(key) { Ok(self.ephemeral.get(key)) } else { self.read(key) };
        Box::pin(std::future::ready(found))
    }

    fn list(&self, prefix: &str, after: Option<&str>, limit: usize) -> StoreFuture<'_, Vec<Document>> {
        // Of one kind or the other. Who lists everything wants what is kept.
        if is_ephemeral(prefix) {
            return Box::pin(std::future::ready(Ok(self.ephemeral.list(prefix, after, limit))));
        }
        let (prefix, after) = (prefix.to_owned(), after.unwrap_or_default().to_owned());
        Box::pin(async move {
            let listed = || {
                let (prefix, after) = (prefix.clone(), after.clone());
                self.query(move |connection| listing::list(connection, &prefix, &after, limit))
            };
            let (found, astray) = listed().await?;
            if !astray || !self.repairs.is_due(clock::mono()) {
                return Ok(found);
            }
            self.repairs.ended(self.repair().await?, clock::mono());
            listed().await.map(|(found, _)| found)
        })
    }

    fn size(&self, prefix: &str) -> StoreFuture<'_, Size> {
        if is_ephemeral(prefix) {
            return Box::pin(std::future::ready(Ok(self.ephemeral.size(prefix))));
        }
        let prefix = prefix.to_owned();
        self.query(move |connection| listing::size(connection, &prefix))
    }

    fn damaged(&self, within: Duration) -> StoreFuture<'_, Vec<Document>> {
        let path = self.path.clone();
        self.query(move |connection| {
            let (found, all) = verify::damaged(connection, within)?;
            if !all {
                tracing::info!(path = %path.display(), "the rest of the store is checked when it is read");
            }
            Ok(found)
        })
    }

    fn verify(&self, from: VerifyCursor) -> StoreFuture<'_, VerifiedPart> {
        let verifier = self.verifier.clone();
        Box::pin(async move {
            // Beside the lister, behind which others wait.
            let looking = tasks::block("store-verify", move || {
                verify::part(&verifier.lock().unwrap_or_else(PoisonError::into_inner), &from)
            });
            let part = looking.await.map_err(|_| StoreError::Stopped { place: self.place() })?;
            part.map_err(|error| self.unread(error))
        })
    }

    fn suspicion(&self) -> Option<&'static str> {
        self.suspicion
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        let (reply, answer) = oneshot::channel();
        let sent = self.send(WriteJob::Close(reply));
        Box::pin(async move {
            let stopped = || StoreError::Stopped { place: self.place() };
            sent.map_err(|_| stopped())?;
            answer.await.map_err(|_| stopped())
        })
    }

    fn commit(&self, txn: Txn) -> StoreFuture<'_, CommitOutcome> {
        if let Some(done) = self.ephemeral.write(&txn) {
            return Box::pin(std::future::ready(Ok(done)));
        }
        let is_threaded =
            Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
        let at_once = |writer: &mut StoreWriter| {
            is_threaded.then(|| block_in_place(|| writer.write_at_once(&txn, true)))?
        };
        self.at_once(at_once).unwrap_or_else(|| self.write(txn, WriteJob::Commit))
    }

    fn note(&self, txn: Txn) -> StoreFuture<'_, CommitOutcome> {
        if let Some(done) = self.ephemeral.write(&txn) {
            return Box::pin(std::future::ready(Ok(done)));
        }
        self.at_once(|writer| writer.write_at_once(&txn, false))
            .unwrap_or_else(|| self.write(txn, WriteJob::Note))
    }
}

impl SqliteStore {
    /// By who writes. What he could not mend is seen again.
    async fn repair(&self) -> Result<bool, StoreError> {
        let (reply, answer) = oneshot::channel();
        let stopped = || StoreError::Stopped { place: self.place() };
        self.send(WriteJob::Repair(reply)).map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())
    }

    fn send(&self, job: WriteJob) -> Result<(), mpsc::SendError<WriteJob>> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.commits.send(job)
    }

    /// If nobody writes just now. If somebody does, what comes meanwhile is gathered.
    fn at_once(
        &self,
        write: impl FnOnce(&mut StoreWriter) -> Option<(Result<CommitOutcome, StoreError>, bool)>,
    ) -> Option<StoreFuture<'_, CommitOutcome>> {
        let mut writer = self.writer.try_lock().ok().filter(|_| self.waiting.load(Ordering::Relaxed) == 0)?;
        let (written, is_news) = write(&mut writer)?;
        drop(writer);
        if is_news {
            let _ = self.commits.send(WriteJob::Written);
        }
        Some(Box::pin(std::future::ready(written)))
    }

    fn write(&self, txn: Txn, how: impl FnOnce(Commit) -> WriteJob) -> StoreFuture<'_, CommitOutcome> {
        let (reply, answer) = oneshot::channel();
        let sent = self.send(how(Commit { txn, reply }));
        Box::pin(async move {
            let stopped = || StoreError::Stopped { place: self.place() };
            sent.map_err(|_| stopped())?;
            answer.await.map_err(|_| stopped())?
        })
    }
}

#[cfg(test)]
#[path = "sqlite_tests.rs"]
pub(super) mod tests;
