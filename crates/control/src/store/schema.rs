//! Schema and migrations: the tables of the store, and how those of earlier versions become today's.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, TransactionBehavior, params};

use super::Document;
use super::StoreOpenError;
use super::checksum::seal;
use super::index_repair::IndexKeys;
use super::sqlite::{document, unopened};

/// Step `n` leads from `user_version` n to n + 1. A step that was released is never changed.
pub(super) const MIGRATIONS: &[&str] = &[
    // 1: documents, and the counter that numbers the commits.
    "CREATE TABLE document (key TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL, value BLOB NOT NULL);
     CREATE TABLE counter (revision INTEGER NOT NULL);
     INSERT INTO counter VALUES (0);",
    // 2: one tree instead of a table and its index, and a checksum for each document (filled in by `seal_all`).
    "CREATE TABLE sealed (key TEXT NOT NULL PRIMARY KEY, revision INTEGER NOT NULL, value BLOB NOT NULL,
                          seal INTEGER NOT NULL) WITHOUT ROWID;
     INSERT INTO sealed SELECT key, revision, value, 0 FROM document;
     DROP TABLE document;
     ALTER TABLE sealed RENAME TO document;
     ALTER TABLE counter ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;",
    // 3: nothing of the tables. Documents under `forging/` and `term/` say who makes what, and a program that does
    // not know them would end what others make.
    "",
    // 4: a table and its index again (`rebuild`). In one tree a document beyond a quarter of a page lies on pages of its
    // own, and whoever looks for a key reads those of each document that it is compared with. New ones stand together
    // here, and the index is held against the table at each opening (`check`).
    "",
];

/// The schema from which on documents are sealed.
const SEALED: u32 = 2;

/// The schema from which on they are in a table with an index.
pub(super) const INDEXED: u32 = 4;

pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreOpenError> {
    let failed = |error: rusqlite::Error| unopened(path, error);
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let found: u32 =
        transaction.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
    if found > known {
        return Err(StoreOpenError::Newer { path: path.to_owned(), found, known });
    }
    for step in MIGRATIONS.iter().skip(found as usize) {
        transaction.execute_batch(step).map_err(failed)?;
    }
    if found < SEALED {
        seal_all(&transaction).map_err(failed)?;
    }
    if found < INDEXED {
        rebuild(&transaction).map_err(failed)?;
    }
    transaction.pragma_update(None, "user_version", known).map_err(failed)?;
    transaction.commit().map_err(failed)
}

/// Documents of an older schema have no checksum: they get the one of what they are now. What has rotted in a way
/// that shows gets none; it is set aside later and stops no other.
fn seal_all(transaction: &rusqlite::Transaction<'_>) -> rusqlite::Result<()> {
    let mut read = transaction.prepare("SELECT key, revision, value, seal FROM document")?;
    let mut seals = Vec::new();
    for found in read.query_map([], |row| {
        let whole = matches!(
            (row.get_ref(0)?, row.get_ref(1)?, row.get_ref(2)?),
            (ValueRef::Text(_), ValueRef::Integer(_), ValueRef::Blob(_))
        );
        Ok((whole, document(row)?))
    })? {
        let (whole, Document { key, revision, value, .. }) = found?;
        if whole {
            seals.push((seal(&key, revision, &value), key));
        }
    }
    let mut write = transaction.prepare("UPDATE document SET seal = ?2 WHERE key = ?1")?;
    let mut sum_of_all = 0_i64;
    for (sum, key) in seals {
        if write.execute(params![key, sum])? > 0 {
            sum_of_all = sum_of_all.wrapping_add(sum);
        }
    }
    transaction.execute("UPDATE counter SET sum = ?1", [sum_of_all]).map(drop)
}

/// All documents into a new table, as they are, but for keys that only the index has whole. Of two under one key, which only damage makes, the sound one or else the
/// later one stays, and the other is put where its seal tells that it is none.
pub(super) fn rebuild(transaction: &Connection) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "CREATE TABLE apart (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL,
                             value BLOB NOT NULL, seal INTEGER NOT NULL)",
    )?;
    {
        // Of an earlier schema nothing is found by what stands elsewhere.
        let keys = IndexKeys::read(transaction).ok();
        let id = if keys.is_some() { "id" } else { "0" };
        let keys = keys.unwrap_or_default();
        let all = format!("SELECT key, revision, value, seal, {id} FROM document NOT INDEXED");
        let mut read = transaction.prepare(&all)?;
        let mut there = transaction.prepare("SELECT key, revision, value, seal FROM apart WHERE key = ?1")?;
        let mut add = transaction.prepare(
            "INSERT INTO apart (key, revision, value, seal) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        )?;
        let mut aside = transaction.prepare("UPDATE apart SET key = ?2 WHERE key = ?1")?;
        let with_seal = |row: &rusqlite::Row<'_>| {
            let (found, sum) = (document(row)?, row.get_ref(3)?.as_i64().unwrap_or_default());
            Ok((keys.mended(row.get(4)?, sum, found), sum))
        };
        for (number, found) in read.query_map([], with_seal)?.enumerate() {
            let (found, sum) = found?;
            let mut put = |key: &str| add.execute(params![key, found.revision, found.value, sum]);
            if put(&found.key)? > 0 {
                continue;
            }
            let twin = there.query_row([&found.key], document)?;
            let doubled = format!("{}~{number}", found.key);
            if (found.intact, found.revision) > (twin.intact, twin.revision) {
                aside.execute([&found.key, &doubled])?;
                put(&found.key)?;
            } else {
                put(&doubled)?;
            }
        }
    }
    transaction.execute_batch("DROP TABLE document; ALTER TABLE apart RENAME TO document")
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
