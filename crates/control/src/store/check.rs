//! Integrity check: what is looked at before a store is used, that it is there, that it is whole, that it ends where
//! it ended.
//!
//! Each finding is a refusal that names the way back, because going on would make it worse: an empty store
//! takes every living vault for one that nobody ordered, and a lost tail does so for the youngest. A single
//! document that is damaged is no such finding: `ledger::record` sets it aside.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::checksum::seal;
use super::high_water_mark::HighWaterMark;
use super::open_error::FileError;
use super::schema::{INDEXED, rebuild};
use super::sqlite::{document, unopened};
use super::{Revision, StoreOpenError};
use hauki_contract::system::clock;

/// A file of this name beside a store that is missing says that a new one is wanted.
pub const START_ANEW: &str = "start-anew";

/// A file of this name beside it says that the store's index is to be made anew, whatever can be seen of it in time.
pub const INDEX_ANEW: &str = "index-anew";

/// How long the pages are looked through; what is not reached is found when it is read.
const LOOK: Duration = Duration::from_secs(2);

/// Whether there is a store in the file. Beside other state there must be, or it was lost: it is refused unless
/// somebody wants it so.
pub(super) fn is_there(path: &Path, beside: Option<&Path>) -> Result<(), StoreOpenError> {
    let wanted = path.with_file_name(START_ANEW);
    let log = log_of(path);
    let other = beside.map(Path::to_owned).or_else(|| log.exists().then_some(log));
    let length = std::fs::metadata(path).map(|found| found.len()).ok();
    match (length, other) {
        (None | Some(0), Some(beside)) if !wanted.exists() => {
            Err(StoreOpenError::Missing { path: path.to_owned(), beside })
        }
        _ => Ok(()),
    }
}

/// One that has no table yet, though others of its age have: a copy that was made without its log.
pub(super) fn is_filled(
    connection: &Connection,
    path: &Path,
    beside: Option<&Path>,
) -> Result<(), StoreOpenError> {
    let Some(beside) = beside.filter(|_| !path.with_file_name(START_ANEW).exists()) else { return Ok(()) };
    match has_documents(connection, path)? {
        true => Ok(()),
        false => Err(StoreOpenError::Missing { path: path.to_owned(), beside: beside.to_owned() }),
    }
}

/// Whether there was no store, and somebody wants it so.
pub(super) fn begins_anew(connection: &Connection, path: &Path) -> Result<bool, StoreOpenError> {
    Ok(path.with_file_name(START_ANEW).exists() && !has_documents(connection, path)?)
}

fn has_documents(connection: &Connection, path: &Path) -> Result<bool, StoreOpenError> {
    let failed = |error: rusqlite::Error| unopened(path, error);
    let table = "SELECT 1 FROM sqlite_schema WHERE name = 'document'";
    let found: Option<i64> = connection.query_row(table, [], |row| row.get(0)).optional().map_err(failed)?;
    Ok(found.is_some())
}

/// What a look has come to.
enum Seen {
    Whole,
    /// Nothing was wrong in time.
    InPart,
    Wrong(String),
}

/// SQLite's own look at its pages; `false`: in part only. An index that is not that of its table is made anew.
pub(super) fn is_whole(connection: &mut Connection, path: &Path) -> Result<bool, StoreOpenError> {
    let damaged = |what: String| damaged(path, what);
    let wanted = path.with_file_name(INDEX_ANEW);
    let wrong = match looked(connection, path, "PRAGMA integrity_check(1)")? {
        Seen::Wrong(wrong) => wrong,
        Seen::Whole | Seen::InPart if wanted.exists() => "somebody wants it so".into(),
        Seen::Whole => return Ok(true),
        Seen::InPart => return Ok(false),
    };
    let whole = match looked(connection, path, "PRAGMA quick_check(1)")? {
        Seen::Wrong(wrong) => return Err(damaged(wrong)),
        Seen::Whole => true,
        Seen::InPart => false,
    };
    let mut mend = || {
        let schema: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        // An older one is written anew when it is brought up to date.
        if schema >= INDEXED {
            tracing::warn!(path = %path.display(), %wrong, "the store's index was damaged; it is made anew");
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            rebuild(&transaction)?;
            transaction.commit()?;
        }
        Ok(())
    };
    mend().map_err(|error| unopened(path, error))?;
    // It has been done, and is not wanted again.
    let _ = std::fs::remove_file(wanted);
    Ok(whole)
}

/// The first thing that is wrong, as far as it is seen in time.
fn looked(connection: &Connection, path: &Path, how: &str) -> Result<Seen, StoreOpenError> {
    let stop = connection.get_interrupt_handle();
    let (done, waiting) = mpsc::channel::<()>();
    let watch = std::thread::Builder::new().name("store-check".into()).spawn(move || {
        if let Err(mpsc::RecvTimeoutError::Timeout) = waiting.recv_timeout(LOOK) {
            stop.interrupt();
        }
    });
    let said = connection.query_row(how, [], |row| row.get::<_, String>(0));
    drop(done);
    if let Ok(watch) = watch {
        let _ = watch.join();
    }
    match said {
        Ok(said) if said == "ok" => Ok(Seen::Whole),
        Ok(said) => Ok(Seen::Wrong(said)),
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted) => {
            tracing::info!(path = %path.display(), "the store is large and was looked through in part");
            Ok(Seen::InPart)
        }
        Err(error) => Err(damaged(path, error.to_string())),
    }
}

/// The last commits, which are not in the file itself yet.
pub(super) fn log_of(path: &Path) -> PathBuf {
    path.with_extension("db-wal")
}

pub(super) fn damaged(path: &Path, what: String) -> StoreOpenError {
    let rescue = |file: &str| format!("sqlite3 {file} .recover");
    StoreOpenError::Damaged { path: path.to_owned(), what, rescue }
}

/// Whether it has all that was answered.
pub(super) fn is_complete(connection: &Connection, path: &Path) -> Result<HighWaterMark, StoreOpenError> {
    let found: Revision = connection
        .query_row("SELECT revision FROM counter", [], |row| row.get(0))
        .map_err(|error| unopened(path, error))?;
    let failed = |source: FileError| StoreOpenError::Open { path: path.to_owned(), source };
    let tail = HighWaterMark::open(path, found).map_err(|error| failed(error.into()))?;
    match tail.last() {
        Some(answered) if answered > found => {
            let (path, log) = (path.to_owned(), log_of(path));
            Err(StoreOpenError::LostTail { path, found, answered, log })
        }
        Some(_) => Ok(tail),
        None => Err(StoreOpenError::BadTail { path: path.to_owned() }),
    }
}

/// What the operator hears then.
const MAY_MISS: &str =
    "records of the store are damaged, and others may be missing: what there is does not add up";

/// Whether the missing sum is that of damaged documents of which the checksum itself was hit. Of more than a few
/// that cannot be tried, and they are believed.
fn explains(differ: &[i64], missing: i64) -> bool {
    const TRIED: usize = 12;
    if differ.len() > TRIED {
        return true;
    }
    (0..1_u32 << differ.len()).any(|chosen| {
        let chosen = differ.iter().enumerate().filter(|(place, _)| chosen >> place & 1 == 1);
        chosen.fold(0_i64, |sum, (_, differs)| sum.wrapping_add(*differs)) == missing
    })
}

/// Whether the documents that are there are those that were written. One that is damaged is said later, by its
/// own seal; a sum that is wrong without any such says that some are missing, and one that they do not explain is told.
/// With it whether all of them were looked at.
pub(super) fn adds_up(
    connection: &Connection,
    path: &Path,
) -> Result<(Option<&'static str>, bool), StoreOpenError> {
    let began = clock::mono();
    // What was found, and by how much each damaged one may differ from what was written.
    let scan = || -> rusqlite::Result<Option<(i64, Vec<i64>)>> {
        let mut read = connection.prepare("SELECT key, revision, value, seal FROM document")?;
        let (mut sum, mut damaged) = (0_i64, Vec::new());
        for found in
            read.query_map([], |row| Ok((row.get_ref(3)?.as_i64().unwrap_or_default(), document(row)?)))?
        {
            let (stored, document) = found?;
            sum = sum.wrapping_add(stored);
            if !document.intact {
                damaged.push(seal(&document.key, document.revision, &document.value).wrapping_sub(stored));
            }
            if u128::from(clock::mono().since(began)) > LOOK.as_micros() {
                return Ok(None);
            }
        }
        Ok(Some((sum, damaged)))
    };
    let damaged = |what: String| damaged(path, what);
    let known = connection.query_row("SELECT sum FROM counter", [], |row| row.get::<_, i64>(0));
    match (scan().map_err(|error| damaged(error.to_string()))?, known) {
        (_, Err(error)) => Err(damaged(error.to_string())),
        (Some((sum, differ)), Ok(known)) if sum != known && differ.is_empty() => {
            Err(damaged("documents are missing".into()))
        }
        (Some((sum, differ)), Ok(known)) if sum != known => {
            let suspicion = (!explains(&differ, known.wrapping_sub(sum))).then_some(MAY_MISS);
            if let Some(suspicion) = suspicion {
                tracing::error!(path = %path.display(), "{suspicion}");
            }
            // From here on it is the sum of what there is.
            let mended = connection.execute("UPDATE counter SET sum = ?1", [sum]);
            mended.map(|_| (suspicion, true)).map_err(|error| damaged(error.to_string()))
        }
        (None, _) => {
            tracing::info!(path = %path.display(), "the rest of the store is checked when it is read");
            Ok((None, false))
        }
        (Some(_), Ok(_)) => Ok((None, true)),
    }
}
