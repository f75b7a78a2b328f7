//! Index repair: rows that are found by a key which is not theirs get it back, in a table that is made anew.
//!
//! A key stands in the table and in its index, and which of the two is right the seal tells. Where a bit of the table's
//! has flipped, a document is found, read and deleted by the index's. Where one of the index's has, it is none by its own
//! key, and a damaged one by another: nobody could delete it, and it would be set aside under the wrong key.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior};

use super::Document;
use super::checksum::seal;
use super::schema::rebuild;
use hauki_contract::model::error_chain;
use hauki_contract::model::lease::Mono;

/// One that failed is tried again after so long.
const AGAIN_US: u64 = 60_000_000;

/// The keys by which rows are found, where they could be read.
#[derive(Default)]
pub(super) struct IndexKeys(HashMap<i64, String>);

impl IndexKeys {
    /// Only what the index has, up to where it cannot be read.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut entries = connection.prepare("SELECT key, id FROM document ORDER BY key")?;
        let entries = entries.query_map([], |row| Ok((row.get(1)?, row.get(0)?)))?;
        Ok(Self(entries.map_while(Result::ok).collect()))
    }

    /// The document with the key by which it is found, if that is the one with which it was sealed.
    pub(super) fn mended(&self, id: i64, sum: i64, found: Document) -> Document {
        match self.0.get(&id) {
            Some(key) if !found.intact && seal(key, found.revision, &found.value) == sum => {
                Document { key: key.clone(), intact: true, ..found }
            }
            _ => found,
        }
    }
}

/// Whether the key leads to the row.
pub(super) fn leads(connection: &Connection, key: &str, id: i64) -> rusqlite::Result<bool> {
    let mut entry = connection.prepare_cached("SELECT id FROM document WHERE key = ?1")?;
    Ok(entry.query_row([key], |row| row.get::<_, i64>(0)).optional()? == Some(id))
}

/// Whether the key leads to a row that has another.
pub(super) fn is_astray(connection: &Connection, key: &str) -> rusqlite::Result<bool> {
    let mut entry = connection.prepare_cached("SELECT id FROM document WHERE key = ?1")?;
    let Some(id) = entry.query_row([key], |row| row.get::<_, i64>(0)).optional()? else { return Ok(false) };
    let mut row = connection.prepare_cached("SELECT key FROM document NOT INDEXED WHERE id = ?1")?;
    let own = row.query_row([id], |row| Ok(row.get_ref(0)?.as_bytes().unwrap_or_default() == key.as_bytes()));
    Ok(own.optional()? != Some(true))
}

/// When the table could last not be made anew, on a full disk: that is not tried with each listing.
#[derive(Default)]
pub(super) struct RepairPace(Mutex<Option<Mono>>);

impl RepairPace {
    fn failed(&self) -> MutexGuard<'_, Option<Mono>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_due(&self, now: Mono) -> bool {
        self.failed().is_none_or(|failed| now.since(failed) >= AGAIN_US)
    }

    pub(super) fn ended(&self, well: bool, now: Mono) {
        *self.failed() = (!well).then_some(now);
    }
}

/// Makes the table anew, with its index; whether that could be done.
pub(super) fn repair(connection: &Connection, path: &Path) -> bool {
    let done =
        Transaction::new_unchecked(connection, TransactionBehavior::Immediate).and_then(|transaction| {
            rebuild(&transaction)?;
            transaction.commit()
        });
    match &done {
        Ok(()) => tracing::error!(path = %path.display(), "the store's index was damaged; it is made anew"),
        Err(error) => {
            tracing::error!(path = %path.display(), error = error_chain::told(&error), "the store's index is damaged")
        }
    }
    done.is_ok()
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::store::sqlite::tests::{DOCUMENTS, copied, fill, flip, value_of};
    use crate::store::{CommitOutcome, SqliteStore, Store as _, Txn};

    const FILES: &[&str] = &["store.db", "store.tail"];

    async fn closed(store: SqliteStore) {
        store.close().await.expect("closes");
    }

    /// The bit that makes `k/0003` of the table, or of its index, `k/0002`, which there is.
    fn bit(path: &Path, in_table: bool) -> usize {
        let bytes = std::fs::read(path).expect("reads");
        let mut places = (0..bytes.len() - 6).filter(|at| &bytes[*at..*at + 6] == b"k/0003");
        let is_it = |place: &usize| {
            let copy = copied(path.parent().expect("is in one"), FILES);
            let path = copy.path().join("store.db");
            flip(&path, (place + 5) * 8);
            let connection = Connection::open(path).expect("opens");
            let all = "SELECT count(*) FROM document NOT INDEXED WHERE key = 'k/0003'";
            let count = connection.query_row(all, [], |row| row.get::<_, i64>(0));
            count.is_ok_and(|count| in_table == (count == 0))
        };
        (places.find(is_it).expect("stands there") + 5) * 8
    }

    async fn has_all_but(store: &SqliteStore, gone: Option<usize>) {
        for number in 0..DOCUMENTS {
            let found = store.get(&format!("k/{number:04}")).await.expect("reads");
            let value = found.filter(|found| found.intact).map(|found| found.value);
            assert_eq!(value, (Some(number) != gone).then(|| value_of(number)), "{number}");
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_key_that_flipped_in_the_table_is_the_one_again_by_which_it_is_found() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("store.db");
        let store = SqliteStore::open(&path).expect("opens");
        fill(&store).await;
        closed(store).await;
        flip(&path, bit(&path, true));
        let store = SqliteStore::open(&path).expect("opens");
        has_all_but(&store, None).await;
        assert_eq!(store.damaged(Duration::MAX).await.expect("looks"), []);
        assert_eq!(store.size("").await.expect("counts").documents, DOCUMENTS as u64);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn whichever_key_flips_under_an_open_store_its_document_is_listed_and_can_be_deleted() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("store.db");
        let store = SqliteStore::open(&path).expect("opens");
        fill(&store).await;
        closed(store).await;
        for in_table in [true, false] {
            let bit = bit(&path, in_table);
            let copy = copied(directory.path(), FILES);
            let path = copy.path().join("store.db");
            let store = SqliteStore::open(&path).expect("opens");
            flip(&path, bit);
            // As if it had read nothing yet.
            let forget = "PRAGMA shrink_memory";
            store.writer.lock().expect("is whole").connection().execute_batch(forget).expect("forgets");
            let listed = store.list("k/", None, usize::MAX).await.expect("lists");
            assert!(listed.iter().all(|found| found.intact), "in the table: {in_table}");
            assert_eq!(listed.len(), DOCUMENTS);
            has_all_but(&store, None).await;
            let deleted = store.commit(Txn::default().delete("k/0003")).await;
            assert!(matches!(deleted, Ok(CommitOutcome::Committed { .. })), "{deleted:?}");
            has_all_but(&store, Some(3)).await;
            assert_eq!(store.damaged(Duration::MAX).await.expect("looks"), []);
            closed(store).await;
            has_all_but(&SqliteStore::open(&path).expect("opens"), Some(3)).await;
        }
    }

    #[test]
    fn what_cannot_be_mended_is_tried_once_a_minute() {
        let pace = RepairPace::default();
        let at = |second: u64| Mono(second * 1_000_000);
        pace.ended(true, at(5));
        assert!(pace.is_due(at(5)));
        pace.ended(false, at(5));
        assert_eq!([5, 64, 65].map(|second| pace.is_due(at(second))), [false, false, true]);
        pace.ended(true, at(65));
        assert!(pace.is_due(at(66)));
    }

    /// They are of one commit, so that no revision tells them apart.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_document_with_anothers_key_does_not_take_the_other_along() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("store.db");
        let store = SqliteStore::open(&path).expect("opens");
        let txn = Txn::default().put("k/0002", value_of(2)).put("k/0003", value_of(3));
        let _ = store.commit(txn).await.expect("commits");
        closed(store).await;
        let bit = bit(&path, true);
        let store = SqliteStore::open(&path).expect("opens");
        flip(&path, bit);
        assert_eq!(store.damaged(Duration::MAX).await.expect("looks"), []);
    }
}
