//! State directories of earlier versions, as their documents stood in the store when a daemon of then was killed.
//!
//! `tests/versions/schema-N.jsonl` has one for each schema: first the tables as that version made them, then a
//! document a line. What it holds is the same in each: a vault by the three phases and one by name, a dead one, one
//! that may clone, a pushed gem, and a summons that waits in the queue. Times are filled in, since what is old is
//! pruned; tokens are not, since keys do not belong into a repository.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};
use serde_json::Value;

/// Each with its number, in the order of time.
pub(crate) fn all() -> Vec<(u32, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/versions");
    let named = |number: u32| folder.join(format!("schema-{number}.jsonl"));
    let found: Vec<_> =
        (1..).map(|number| (number, named(number))).take_while(|(_, path)| path.exists()).collect();
    let files = std::fs::read_dir(&folder).expect("is there").count();
    assert_eq!(files, found.len(), "each file in {} is of a schema", folder.display());
    found
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
            let seal = checksum(&key, revision, &value);
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
fn checksum(key: &str, revision: i64, value: &str) -> i64 {
    let bytes =
        [&key.len().to_le_bytes()[..], key.as_bytes(), &revision.to_le_bytes(), value.as_bytes()].concat();
    let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    sum.cast_signed()
}
