use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::*;
use crate::store::sqlite::tests::{DOCUMENTS, copied, fill, flip};
use crate::store::{INDEX_ANEW, SqliteStore, Store as _, Txn};

const FILES: &[&str] = &["store.db", "store.tail"];

/// What is told of the whole of it, how many documents are damaged, and in how many parts it was looked at.
async fn looked(store: &SqliteStore) -> (Option<StructureFault>, usize, usize) {
    let (mut from, mut fault, mut damaged, mut parts) = (VerifyCursor::default(), None, 0, 0);
    loop {
        let part = store.verify(from).await.expect("looks");
        fault = fault.or(part.fault);
        (damaged, parts) = (damaged + part.damaged.len(), parts + 1);
        match part.next {
            Some(next) => from = next,
            None => return (fault, damaged, parts),
        }
    }
}

async fn filled() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let store = SqliteStore::open(&directory.path().join("store.db")).expect("opens");
    fill(&store).await;
    store.close().await.expect("closes");
    directory
}

/// Whether a start that takes its time finds anything in a copy of the file.
async fn a_start_finds_something(path: &Path) -> bool {
    let said = |connection: &Connection| {
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0))
    };
    if Connection::open(path).and_then(|connection| said(&connection)).map_or(true, |said| said != "ok") {
        return true;
    }
    match SqliteStore::open(path) {
        Err(_) => true,
        Ok(store) => !store.damaged(Duration::from_secs(60)).await.is_ok_and(|found| found.is_empty()),
    }
}

/// The pages that hold nothing, and the first, which holds no documents.
fn holds_nothing(path: &Path) -> Vec<usize> {
    let bytes = std::fs::read(path).expect("reads");
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("are four")) as usize;
    let page = number(16) >> 16;
    let (mut free, mut trunk) = (vec![1], number(32));
    while trunk > 0 {
        let at = (trunk - 1) * page;
        free.push(trunk);
        free.extend((0..number(at + 4)).map(|leaf| number(at + 8 + 4 * leaf)));
        trunk = number(at);
    }
    free.into_iter().map(|number| number - 1).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_bit_flips_under_an_open_store_is_seen_if_a_start_would_see_it() {
    let directory = filled().await;
    let path = directory.path().join("store.db");
    let free = holds_nothing(&path);
    let bits = std::fs::metadata(&path).expect("is there").len() as usize * 8;
    let (mut seen, mut nothing, mut seed) = (0, 0, 88_172_645_463_325_252_u64);
    while seen + nothing < 80 {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let bit = seed as usize % bits;
        if free.contains(&(bit / 8 / 4096)) {
            continue;
        }
        let (open, next) = (copied(directory.path(), FILES), copied(directory.path(), FILES));
        let store = SqliteStore::open(&open.path().join("store.db")).expect("opens");
        let (fault, damaged, parts) = looked(&store).await;
        assert!(fault.is_none() && damaged == 0 && parts > 4, "{fault:?} {damaged} {parts}");
        [&open, &next].iter().for_each(|copy| flip(&copy.path().join("store.db"), bit));
        let (fault, damaged, _) = looked(&store).await;
        let is_seen = fault.is_some() || damaged > 0;
        if a_start_finds_something(&next.path().join("store.db")).await {
            assert!(is_seen, "bit {bit} of byte {:#x}", bit / 8);
        }
        if is_seen { seen += 1 } else { nothing += 1 }
    }
    assert!(seen > 40, "{seen} seen, {nothing} in no use");
}

/// In the table it makes two rows of one key, in the index a key that is not the row's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_flips_in_the_table_or_in_the_index_is_told_by_its_name_and_made_anew_on_purpose() {
    let directory = filled().await;
    let bytes = std::fs::read(directory.path().join("store.db")).expect("reads");
    let places: Vec<usize> = (0..bytes.len() - 6).filter(|at| &bytes[*at..*at + 6] == b"k/0003").collect();
    assert!(places.len() >= 2, "in the table and in its index");
    let mut told = Vec::new();
    for place in places {
        let copy = copied(directory.path(), FILES);
        let path = copy.path().join("store.db");
        let store = SqliteStore::open(&path).expect("opens");
        flip(&path, (place + 5) * 8);
        let (fault, damaged, _) = looked(&store).await;
        if let Some(StructureFault::Astray { key }) = fault {
            told.push(key);
        }
        assert_eq!(damaged, 0, "what cannot be set aside under its key");
        drop(store);
    }
    told.sort();
    assert_eq!(told, ["k/0002", "k/0003"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_is_made_anew_because_somebody_wants_it_so_and_once() {
    let directory = filled().await;
    let path = directory.path().join("store.db");
    let wanted = path.with_file_name(INDEX_ANEW);
    let root = || -> i64 {
        let connection = Connection::open(&path).expect("opens");
        let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'document'";
        connection.query_row(root, [], |row| row.get(0)).expect("is there")
    };
    let before = root();
    drop(SqliteStore::open(&path).expect("opens"));
    assert_eq!(root(), before);
    std::fs::write(&wanted, "").expect("writes");
    let store = SqliteStore::open(&path).expect("opens");
    assert!(!wanted.exists() && root() != before);
    assert_eq!(store.size("k/").await.expect("counts").documents, DOCUMENTS as u64);
    assert_eq!(looked(&store).await.0, None);
}

/// What comes and goes between two parts, and within one, is no damage; nor does it keep who writes or closes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_write_meanwhile_and_close_in_the_middle() {
    let directory = filled().await;
    let store = Arc::new(SqliteStore::open(&directory.path().join("store.db")).expect("opens"));
    let done = Arc::new(AtomicBool::new(false));
    let (its, ended) = (store.clone(), done.clone());
    let looking = tokio::spawn(async move {
        let mut rounds = 0;
        while !ended.load(Ordering::Relaxed) || rounds == 0 {
            let (fault, damaged, _) = looked(&its).await;
            assert!(fault.is_none() && damaged == 0, "{fault:?} {damaged}");
            rounds += 1;
        }
    });
    for number in 0..300_usize {
        let (old, new) = (format!("k/{:04}", number * 7 % DOCUMENTS), format!("n/{number}"));
        let txn = Txn::default().delete(old).put(new, vec![7; number * 13 % 6000]);
        let _ = store.commit(txn.put("k/0001", vec![1; number])).await.expect("commits");
    }
    store.close().await.expect("closes");
    done.store(true, Ordering::Relaxed);
    looking.await.expect("saw no damage");
    let log = std::fs::metadata(directory.path().join("store.db-wal")).map_or(0, |log| log.len());
    assert_eq!(log, 0, "all of it is in the file");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_of_long_documents_is_short_as_well() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = SqliteStore::open(&directory.path().join("store.db")).expect("opens");
    for number in 0..30 {
        let txn = Txn::default().put(format!("k/{number}"), vec![7; 1 << 20]);
        let _ = store.commit(txn).await.expect("commits");
    }
    let (fault, damaged, parts) = looked(&store).await;
    assert!(fault.is_none() && damaged == 0 && parts >= 5, "{fault:?} {damaged} {parts}");
}
