//! Prefix listing: the documents of a store whose keys begin alike, in the order of their keys.

use rusqlite::{Connection, params};

use super::index_repair::is_astray;
use super::prefix_end;
use super::sqlite::document;
use super::{Document, Size};

/// Those after a key, and whether one was found by a key that is not its own: what stands there is then another than what
/// is told.
pub(super) fn list(
    connection: &Connection,
    prefix: &str,
    after: &str,
    limit: usize,
) -> rusqlite::Result<(Vec<Document>, bool)> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let found = connection
        .prepare_cached(
            "SELECT key, revision, value, seal FROM document
             WHERE key >= ?1 AND (?2 IS NULL OR key < ?2) AND key > ?3 ORDER BY key LIMIT ?4",
        )?
        .query_map(params![prefix, prefix_end(prefix), after, limit], document)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    for damaged in found.iter().filter(|document| !document.intact) {
        if is_astray(connection, &damaged.key)? {
            return Ok((found, true));
        }
    }
    Ok((found, false))
}

pub(super) fn size(connection: &Connection, prefix: &str) -> rusqlite::Result<Size> {
    connection
        .prepare_cached(
            "SELECT count(*), coalesce(sum(length(value)), 0) FROM document
             WHERE key >= ?1 AND (?2 IS NULL OR key < ?2)",
        )?
        .query_row(params![prefix, prefix_end(prefix)], |row| {
            let (documents, bytes): (i64, i64) = (row.get(0)?, row.get(1)?);
            Ok(Size { documents: documents.unsigned_abs(), bytes: bytes.unsigned_abs() })
        })
}
