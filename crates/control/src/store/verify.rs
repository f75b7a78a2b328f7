//! Online verification: the file is looked through while it is in use, a part at a time.
//!
//! First each document where it stands in the table: it is held against its seal, and looked up in the index, because what
//! is there and not found by its key would be made a second time. Then each entry of the index: one that leads nowhere has
//! lost its document. A part is one moment of the store, so what others write between two of them is no damage, and it is
//! short, because the log is not begun anew while somebody reads in it. Nothing is written, and nothing is owned.

use std::time::Duration;

use rusqlite::{Connection, ErrorCode as Sqlite, OptionalExtension as _};

use super::index_repair::leads;
use super::sqlite::document;
use super::{Document, StructureFault, VerifiedPart, VerifyCursor};
use hauki_contract::system::clock;

/// A part ends then, wherever it is: a document may be long.
const LONGEST_US: u64 = 5_000;
const MOST: usize = 128;

const OUT_OF_ORDER: &str = "what it holds is out of order";

pub(super) fn part(connection: &Connection, from: &VerifyCursor) -> rusqlite::Result<VerifiedPart> {
    let part = looked_at(connection, from);
    // The next one is to see what is in the file, and not what is remembered of it.
    connection.execute_batch("PRAGMA shrink_memory")?;
    part
}

fn looked_at(connection: &Connection, from: &VerifyCursor) -> rusqlite::Result<VerifiedPart> {
    let moment = connection.unchecked_transaction()?;
    let mut part = VerifiedPart::default();
    let next = match from {
        VerifyCursor::Start => table(&moment, i64::MIN, &mut part),
        VerifyCursor::Row(last) => table(&moment, *last, &mut part),
        VerifyCursor::Key(last) => index(&moment, last, &mut part),
    };
    match next {
        Ok(next) => part.next = next,
        Err(error) if is_damage(&error) => part.pages(error.to_string()),
        Err(error) => return Err(error),
    }
    Ok(part)
}

/// What stands in the file is to blame, and not who reads it.
fn is_damage(error: &rusqlite::Error) -> bool {
    use Sqlite::{DatabaseCorrupt, NotADatabase, SystemIoFailure};
    matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase | SystemIoFailure))
}

impl VerifiedPart {
    fn astray(&mut self, key: &[u8]) {
        let key = String::from_utf8_lossy(key).into_owned();
        self.fault.get_or_insert(StructureFault::Astray { key });
    }

    fn pages(&mut self, what: String) {
        self.fault = Some(StructureFault::Pages { what });
    }
}

/// The documents that do not read as they were written, and whether all of them were looked at in that time. One whose key
/// leads elsewhere is none of them: what stands under that key may be whole.
pub(super) fn damaged(connection: &Connection, within: Duration) -> rusqlite::Result<(Vec<Document>, bool)> {
    let began = clock::mono();
    let mut read = connection.prepare("SELECT key, revision, value, seal, id FROM document")?;
    let (mut rows, mut found) = (read.query([])?, Vec::new());
    while let Some(row) = rows.next()? {
        let document = document(row)?;
        if !document.intact && leads(connection, &document.key, row.get(4)?)? {
            found.push(document);
        }
        if u128::from(clock::mono().since(began)) > within.as_micros() {
            return Ok((found, false));
        }
    }
    Ok((found, true))
}

fn table(
    moment: &Connection,
    mut last: i64,
    part: &mut VerifiedPart,
) -> rusqlite::Result<Option<VerifyCursor>> {
    let began = clock::mono();
    // The identity comes last, so that the others are where every reader of documents finds them.
    let mut rows = moment.prepare_cached(
        "SELECT key, revision, value, seal, id FROM document NOT INDEXED WHERE id > ?1 ORDER BY id",
    )?;
    let mut rows = rows.query([last])?;
    let mut seen = 0;
    while let Some(row) = rows.next()? {
        let (document, id) = (document(row)?, row.get::<_, i64>(4)?);
        if id <= last {
            part.pages(OUT_OF_ORDER.into());
            return Ok(None);
        }
        if !leads(moment, &document.key, id)? {
            // It may be its key that is damaged, under which nobody could set it aside.
            part.astray(document.key.as_bytes());
        } else if !document.intact {
            part.damaged.push(document);
        }
        (last, seen) = (id, seen + 1);
        if seen == MOST || clock::mono().since(began) > LONGEST_US {
            return Ok(Some(VerifyCursor::Row(last)));
        }
    }
    Ok(Some(VerifyCursor::Key(String::new())))
}

fn index(moment: &Connection, last: &str, part: &mut VerifiedPart) -> rusqlite::Result<Option<VerifyCursor>> {
    let began = clock::mono();
    // Only what the index has, so that the table is not read for it.
    let mut entries = moment.prepare_cached("SELECT key, id FROM document WHERE key > ?1 ORDER BY key")?;
    let mut row = moment.prepare_cached("SELECT key FROM document NOT INDEXED WHERE id = ?1")?;
    let mut entries = entries.query([last])?;
    let (mut last, mut seen) = (last.as_bytes().to_vec(), 0);
    while let Some(entry) = entries.next()? {
        let (key, id) = (entry.get_ref(0)?.as_bytes().unwrap_or_default(), entry.get::<_, i64>(1)?);
        if key <= last.as_slice() {
            part.pages(OUT_OF_ORDER.into());
            return Ok(None);
        }
        let is_its = row.query_row([id], |row| Ok(row.get_ref(0)?.as_bytes().unwrap_or_default() == key));
        if is_its.optional()? != Some(true) {
            part.astray(key);
        }
        (last, seen) = (key.to_vec(), seen + 1);
        if seen == MOST || clock::mono().since(began) > LONGEST_US {
            return Ok(Some(VerifyCursor::Key(String::from_utf8_lossy(&last).into_owned())));
        }
    }
    Ok(None)
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
