use std::time::Duration;

use super::*;
use crate::store::{SqliteStore, Store as _};
use hauki_contract::api::ApiError;

/// Schema 3 had the tables of schema 2, and says that there are notes; schema 4 has others.
#[tokio::test]
async fn a_store_of_schemas_2_and_3_opens_and_is_of_this_one_from_then_on() {
    for schema in [2_u32, 3] {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("store.db");
        let old = Connection::open(&path).expect("opens");
        for step in &MIGRATIONS[..schema as usize] {
            old.execute_batch(step).expect("makes");
        }
        let sum = seal("a/1", 7, b"one");
        let row = params!["a/1", 7, b"one".as_slice(), sum];
        old.execute("INSERT INTO document VALUES (?1, ?2, ?3, ?4)", row).expect("inserts");
        for number in [2, 3] {
            let key = format!("b/{number}");
            let row = params![key, 8, b"two".as_slice(), seal("b/2", 8, b"two")];
            old.execute("INSERT INTO document VALUES (?1, ?2, ?3, ?4)", row).expect("inserts");
        }
        // As a flipped bit leaves them.
        for rotten in ["x'612f34', 9, x'00', 5", "'a/5', 'nine', 'text', x'00'"] {
            old.execute(&format!("INSERT INTO document VALUES ({rotten})"), []).expect("inserts");
        }
        let sum = sum.wrapping_add(5).wrapping_add(seal("b/2", 8, b"two").wrapping_mul(2));
        old.execute("UPDATE counter SET revision = 9, sum = ?1", [sum]).expect("counts");
        old.pragma_update(None, "user_version", schema).expect("sets");
        drop(old);
        // One bit makes two of one key.
        let mut bytes = std::fs::read(&path).expect("reads");
        let key = bytes.windows(3).position(|window| window == b"b/3").expect("is in the file");
        bytes[key + 2] ^= 1;
        std::fs::write(&path, bytes).expect("writes");
        let store = SqliteStore::open(&path).expect("opens");
        for (key, revision, value) in [("a/1", 7, b"one"), ("b/2", 8, b"two")] {
            let found = store.get(key).await.expect("reads").expect("is there");
            assert_eq!((found.value, found.revision, found.intact), (value.to_vec(), revision, true));
        }
        assert_eq!(store.damaged(Duration::from_secs(60)).await.expect("looks").len(), 3);
        assert_eq!(store.suspicion(), None);
        drop(store);
        let now = Connection::open(&path).expect("opens");
        let version: u32 = now.pragma_query_value(None, "user_version", |row| row.get(0)).expect("reads");
        assert_eq!(version, 4, "so a program that knows {schema} refuses it by name");
    }
}

#[test]
fn a_newer_schema_is_refused_by_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("store.db");
    drop(SqliteStore::open(&path).expect("opens"));
    Connection::open(&path).expect("opens").pragma_update(None, "user_version", 99).expect("sets");
    let error = SqliteStore::open(&path).err().expect("is refused");
    assert!(matches!(error, StoreOpenError::Newer { found: 99, .. }), "{error}");
    assert!(ApiError::from(error).message.contains("schema 99"));
}

#[tokio::test]
async fn a_store_of_the_first_schema_is_sealed_as_it_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("store.db");
    let old = Connection::open(&path).expect("opens");
    old.execute_batch(MIGRATIONS[0]).expect("makes");
    old.execute("INSERT INTO document VALUES ('a/1', 7, x'01ff')", []).expect("inserts");
    old.execute("INSERT INTO document VALUES ('a/2', 8, x'')", []).expect("inserts");
    // As a flipped bit leaves them: a text, a key that is none, a revision that is none.
    for rotten in ["'a/3', 9, 'text'", "x'612f34', 9, x'00'", "'a/5', 'nine', x'00'"] {
        old.execute(&format!("INSERT INTO document VALUES ({rotten})"), []).expect("inserts");
    }
    old.pragma_update(None, "user_version", 1).expect("sets");
    drop(old);
    let store = SqliteStore::open(&path).expect("opens");
    let found = store.get("a/1").await.expect("reads").expect("is there");
    assert_eq!((found.value, found.revision, found.intact), (vec![1, 255], 7, true));
    let damaged = store.damaged(Duration::from_secs(60)).await.expect("looks");
    let damaged: Vec<&str> = damaged.iter().map(|document| document.key.as_str()).collect();
    assert_eq!(damaged, ["a/3", "a/5", "a/4"]);
    assert_eq!(store.suspicion(), None);
}
