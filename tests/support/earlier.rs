//! State directories of earlier versions, as their documents stood in the store when a daemon of then was killed.
//!
//! `tests/versions/schema-N.jsonl` has the documents for each schema: first the tables as that version made them, then a
//! document a line. What it holds is the same in each: a vault by the three phases and one by name, a dead one, one
//! that may clone, a pushed gem, and a summons that waits in the queue. Times are filled in, since what is old is
//! pruned; tokens are not, since keys do not belong into a repository.
//!
//! `tests/versions/schema-N.tar.gz` is such a directory as a whole, made by a program of then, which `make.py` beside it
//! has started, asked and killed: the store with its log, locks, and what its sandboxes left but for the init. The one thing
//! taken out is the issuer's key, which is made by rule: the program of then was given it, and so is the one of today.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use hauki::model::digest::Sha256;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};
use serde_json::Value;

/// Each with its number, in the order of time.
pub(crate) fn all() -> Vec<(u32, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/versions");
    let named = |number: u32| folder.join(format!("schema-{number}.jsonl"));
    let found: Vec<_> =
        (1..).map(|number| (number, named(number))).take_while(|(_, path)| path.exists()).collect();
    let files = std::fs::read_dir(&folder).expect("is there").count();
    let whole = found.iter().filter(|(_, path)| path.with_extension("tar.gz").exists()).count();
    assert_eq!(whole, found.len(), "each has its directory, made by `make.py`");
    assert_eq!(files, 2 * found.len() + 1, "each file in {} is of a schema", folder.display());
    found
}

/// Puts the directory that a program of `version` left into `into`, with its key, and as if it had been killed just now.
/// Returns the id of the first document below each prefix.
pub(crate) fn unpack(version: &Path, into: &Path, first: &[&str]) -> Vec<String> {
    let archive = version.with_extension("tar.gz");
    let done = Command::new("tar").arg("-xpzf").arg(&archive).arg("-C").arg(into).status();
    assert!(done.expect("tar runs").success(), "{}", archive.display());
    let key = into.join("core/issuer.key");
    std::fs::write(&key, format!("{}\n", issuer())).expect("is ours");
    std::fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("is ours");
    let file = into.join("core/store.db");
    let log = std::fs::metadata(into.join("core/store.db-wal")).expect("was not put in order").modified();
    let left = Timestamp::try_from(log.expect("has a time")).expect("is in the calendar");
    let mut store = Connection::open(file).expect("opens");
    later(&mut store, Timestamp::now().duration_since(left));
    keys(&store, first)
}

/// What is signed by it is worth nothing: everybody can make it.
fn issuer() -> String {
    Sha256::of(b"the issuer of the state directories of earlier versions").to_string()
}

/// The id of the first document below each prefix.
fn keys(store: &Connection, first: &[&str]) -> Vec<String> {
    let query = "SELECT key FROM document WHERE key GLOB ?1 || '*' ORDER BY key LIMIT 1";
    let id = |prefix: &&str| {
        let key: String = store.query_row(query, [prefix], |row| row.get(0)).expect("there is one");
        key[prefix.len()..].to_owned()
    };
    first.iter().map(id).collect()
}

/// Moves each point in time: what is old is pruned.
fn later(store: &mut Connection, by: SignedDuration) {
    let txn = store.transaction().expect("begins");
    let read = "SELECT key, revision, value FROM document";
    let documents: Vec<(String, i64, Vec<u8>)> = {
        let mut query = txn.prepare(read).expect("reads");
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).expect("reads");
        rows.collect::<Result<_, _>>().expect("reads")
    };
    let is_sealed = txn.prepare("SELECT seal FROM document").is_ok();
    let mut sum = 0_i64;
    for (key, revision, value) in documents {
        let is_record =
            value.starts_with(b"{") && !key.starts_with("gemsource/") && !key.starts_with("source/");
        let moved_value = match String::from_utf8(value) {
            Ok(text) if is_record => moved(&text, by).into_bytes(),
            Ok(text) => text.into_bytes(),
            Err(bytes) => bytes.into_bytes(),
        };
        let moved_key = dated(&key, by);
        let change = "UPDATE document SET key = ?1, value = ?2 WHERE key = ?3";
        txn.execute(change, params![moved_key, moved_value, key]).expect("is written");
        if is_sealed {
            let seal = checksum(&moved_key, revision, &moved_value);
            sum = sum.wrapping_add(seal);
            txn.execute("UPDATE document SET seal = ?1 WHERE key = ?2", params![seal, moved_key])
                .expect("is written");
        }
    }
    if is_sealed {
        txn.execute("UPDATE counter SET sum = ?1", [sum]).expect("is written");
    }
    txn.commit().expect("is written");
}

/// The text with each time in quotes moved.
fn moved(text: &str, by: SignedDuration) -> String {
    let shift = |part: &str| match part.parse::<Timestamp>() {
        Ok(time) if part.ends_with('Z') => (time + by).to_string(),
        Ok(_) | Err(_) => part.to_owned(),
    };
    text.split('"').map(shift).collect::<Vec<_>>().join("\"")
}

/// The key of what is in the order of time.
fn dated(key: &str, by: SignedDuration) -> String {
    let Some((time, rest)) = key.strip_prefix("aged/").and_then(|dated| dated.split_once('/')) else {
        return key.to_owned();
    };
    let Ok(time) = time.parse::<i64>() else { return key.to_owned() };
    format!("aged/{:013}/{rest}", i128::from(time) + by.as_millis())
}

/// Writes the store of `version` into `file`, and returns the id of the first document below each prefix.
pub(crate) fn write(version: &Path, file: &Path, first: &[&str]) -> Vec<String> {
    let now = jiff::Timestamp::now();
    let tomorrow = now + jiff::SignedDuration::from_hours(24);
    let filled = |text: &str| {
        text.replace("{now}", &now.to_string())
            .replace("{tomorrow}", &tomorrow.to_string())
            .replace("{now_ms}", &format!("{:013}", now.as_millisecond()))
    };
    let text = std::fs::read_to_string(version).expect("is there");
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("is a document"));
    let head = lines.next().expect("says its schema");
    let mut store = Connection::open(file).expect("opens");
    let txn = store.transaction().expect("begins");
    for table in head["tables"].as_array().expect("lists them") {
        txn.execute(table.as_str().expect("is SQL"), []).expect("is made");
    }
    let sealed = head["schema"].as_u64() > Some(1);
    let (mut last, mut sum, mut keys) = (0, 0_i64, Vec::new());
    for line in lines {
        let (key, value) =
            (line["key"].as_str().expect("has a key"), line["value"].as_str().expect("has a value"));
        let (key, value, revision) =
            (filled(key), filled(value), line["revision"].as_i64().expect("has one"));
        if sealed {
            let seal = checksum(&key, revision, value.as_bytes());
            sum = sum.wrapping_add(seal);
            let into = "INSERT INTO document (key, revision, value, seal) VALUES (?1, ?2, ?3, ?4)";
            txn.execute(into, params![key, revision, value.as_bytes(), seal]).expect("is written");
        } else {
            let into = "INSERT INTO document (key, revision, value) VALUES (?1, ?2, ?3)";
            txn.execute(into, params![key, revision, value.as_bytes()]).expect("is written");
        }
        last = revision.max(last);
        keys.push(key);
    }
    txn.execute("INSERT INTO counter (revision) VALUES (?1)", [last]).expect("is written");
    if sealed {
        txn.execute("UPDATE counter SET sum = ?1", [sum]).expect("is written");
    }
    txn.pragma_update(None, "user_version", head["schema"].as_i64()).expect("is written");
    txn.commit().expect("is written");
    let id = |prefix: &&str| {
        keys.iter().find_map(|key| key.strip_prefix(prefix)).expect("there is one").to_owned()
    };
    first.iter().map(id).collect()
}

/// FNV-1a over the length of the key, the key, the revision and the value, as schema 2 has it.
fn checksum(key: &str, revision: i64, value: &[u8]) -> i64 {
    let bytes = [&key.len().to_le_bytes()[..], key.as_bytes(), &revision.to_le_bytes(), value].concat();
    let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    sum.cast_signed()
}
