use super::*;
use crate::store::sqlite::tests::{DOCUMENTS, copied, fill, flip, lost_in_silence};
use crate::store::sqlite::{LOG_BYTES, SqliteStore};
use crate::store::{EPHEMERAL, Store as _};

/// The log is empty, or begun anew: its second frame is not of the log that its header begins.
fn is_copied(log: &[u8]) -> bool {
    let second = 32 + 24 + 4096;
    log.get(second + 8..second + 16).is_none_or(|salts| salts != &log[16..24])
}

async fn quiet(directory: &tempfile::TempDir) {
    let copied = async {
        while !is_copied(&std::fs::read(directory.path().join("store.db-wal")).expect("is there")) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), copied).await.expect("it has a quiet second");
}

#[tokio::test]
async fn when_it_is_closed_or_quiet_the_file_alone_is_everything() {
    for close in [true, false] {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("store.db");
        let store = SqliteStore::open(&path).expect("opens");
        fill(&store).await;
        if close {
            store.close().await.expect("closes");
        } else {
            quiet(&directory).await;
        }
        let copy = copied(directory.path(), &["store.db"]);
        let store = SqliteStore::open(&copy.path().join("store.db")).expect("opens");
        assert_eq!(store.size("k/").await.expect("counts").documents, DOCUMENTS as u64);
        assert_eq!(lost_in_silence(&store).await, None);
    }
}

/// The log's sequence number and salts, which change when it begins anew, and its length.
fn log_of(directory: &tempfile::TempDir) -> (Vec<u8>, usize) {
    let log = std::fs::read(directory.path().join("store.db-wal")).expect("is there");
    (log[12..24].to_vec(), log.len())
}

/// What is left of a log that was copied is never read again, whatever becomes of its bits; and it is written over.
#[tokio::test]
async fn a_quiet_second_begins_the_log_anew_over_the_old_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = SqliteStore::open(&directory.path().join("store.db")).expect("opens");
    fill(&store).await;
    let length = log_of(&directory).1;
    quiet(&directory).await;
    let (begun, _) = log_of(&directory);
    let names = ["store.db", "store.db-wal", "store.tail"];
    let mut seed = 0x9e37_79b9_u64;
    for _ in 0..40 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let copy = copied(directory.path(), &names);
        flip(&copy.path().join("store.db-wal"), (seed >> 8) as usize % (length * 8));
        let store = SqliteStore::open(&copy.path().join("store.db")).expect("opens");
        assert_eq!(store.size("k/").await.expect("counts").documents, DOCUMENTS as u64);
        assert!(store.damaged(Duration::from_secs(60)).await.expect("reads").is_empty());
    }
    // The next commit is one of the log that was begun, over blocks that are there.
    let next = store.commit(Txn::default().put("next", b"x".to_vec())).await;
    assert!(matches!(next, Ok(CommitOutcome::Committed { .. })));
    assert_eq!(log_of(&directory), (begun, length));
    let copy = copied(directory.path(), &names);
    let store = SqliteStore::open(&copy.path().join("store.db")).expect("opens");
    assert!(store.get("next").await.expect("reads").is_some());
    assert_eq!(lost_in_silence(&store).await, None);
}

/// A log that grew for one large commit does not stay as large.
#[tokio::test]
async fn a_log_that_begins_anew_is_cut_to_its_bound() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = SqliteStore::open(&directory.path().join("store.db")).expect("opens");
    let big = store.commit(Txn::default().put("big", vec![7; 9 << 20])).await;
    assert!(matches!(big, Ok(CommitOutcome::Committed { .. })));
    let cut = async {
        while log_of(&directory).1 > LOG_BYTES as usize + 8192 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), cut).await.expect("it has a quiet second");
}

/// What a loss of power leaves of a store whose last word was a note: the log without it. That is no damage.
#[tokio::test]
async fn a_note_that_power_took_back_is_missed_by_nobody_and_a_commit_after_it_keeps_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = SqliteStore::open(&directory.path().join("store.db")).expect("opens");
    let put = |key: &str| Txn::default().put(key, b"x".to_vec());
    let _ = store.commit(put("first")).await.expect("commits");
    let before = std::fs::read(directory.path().join("store.db-wal")).expect("is there");
    let _ = store.note(put("noted")).await.expect("is noted");
    let names = ["store.db", "store.db-wal", "store.tail"];
    let killed = copied(directory.path(), &names);
    let cut = copied(directory.path(), &names);
    std::fs::write(cut.path().join("store.db-wal"), before).expect("is ours");
    for (copy, there) in [(&killed, true), (&cut, false)] {
        let store = SqliteStore::open(&copy.path().join("store.db")).expect("opens");
        assert_eq!(store.get("noted").await.expect("reads").is_some(), there);
        assert!(store.get("first").await.expect("reads").is_some());
        assert_eq!(store.suspicion(), None);
    }
    let _ = store.commit(put("last")).await.expect("commits");
    // The number of what was answered says so: without its last frames it is refused.
    let short = copied(directory.path(), &names);
    let log = std::fs::read(short.path().join("store.db-wal")).expect("is there");
    std::fs::write(short.path().join("store.db-wal"), &log[..32]).expect("is ours");
    let refused = SqliteStore::open(&short.path().join("store.db")).err().expect("has lost its tail");
    assert!(matches!(refused, crate::store::StoreOpenError::LostTail { .. }), "{refused}");
}

/// Whoever writes himself does not hold his runtime up for another process: the thread waits for that.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_finds_the_file_taken_leaves_it_to_the_thread_to_wait() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("store.db");
    let store = SqliteStore::open(&path).expect("opens");
    let other = Connection::open(&path).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("takes it");
    let put = |key: &str| Txn::default().put(key, b"x".to_vec());
    let (noted, committed) = (store.note(put("noted")), store.commit(put("committed")));
    // Both have begun, and this goes on.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(store.get("noted").await.expect("reads").is_none());
    other.execute_batch("COMMIT").expect("lets go");
    for written in [noted.await, committed.await] {
        assert!(matches!(written, Ok(CommitOutcome::Committed { .. })), "{written:?}");
    }
}

/// Nothing but a note came, so nobody woke the thread that copies the log.
#[tokio::test]
async fn what_was_only_noted_is_copied_in_a_quiet_second_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = SqliteStore::open(&directory.path().join("store.db")).expect("opens");
    fill(&store).await;
    quiet(&directory).await;
    let (begun, _) = log_of(&directory);
    let _ = store.note(Txn::default().put("noted", b"x".to_vec())).await.expect("is noted");
    let copied = async {
        while log_of(&directory).0 == begun {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), copied).await.expect("it has a quiet second");
}

/// Who writes all the time leaves no second quiet, whoever's thread it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_long_as_somebody_writes_the_log_is_not_begun_anew() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = SqliteStore::open(&directory.path().join("store.db")).expect("opens");
    fill(&store).await;
    quiet(&directory).await;
    let mut begun = None;
    let (start, mut last) = (clock::mono(), clock::mono());
    while clock::mono().since(start) < 2_500_000 {
        let _ = store.commit(Txn::default().put("again", b"x".to_vec())).await.expect("commits");
        // On a machine that stands still for a second it was quiet.
        if clock::mono().since(last) > 900_000 {
            begun = None;
        }
        last = clock::mono();
        let log = log_of(&directory).0;
        assert!(begun.as_ref().is_none_or(|begun| *begun == log), "it was begun anew");
        begun = Some(log);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What is ephemeral is gone when the store is opened again, costs the file nothing, and holds when the file is taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_ephemeral_is_not_in_the_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("store.db");
    let store = SqliteStore::open(&path).expect("opens");
    let _ = store.commit(Txn::default().put("kept", b"x".to_vec())).await.expect("commits");
    let files = || ["store.db", "store.db-wal"].map(|name| std::fs::read(directory.path().join(name)).ok());
    let before = files();
    let key = format!("{EPHEMERAL}a");
    let _ = store.note(Txn::default().put(&key, b"x".to_vec())).await.expect("is noted");
    assert!(before == files(), "nothing is written");

    // A transaction that takes it away waits for another process: until then it is there, and whoever changes it waits.
    let other = Connection::open(&path).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("takes it");
    let taking = store.commit(Txn::default().delete(&key).put("made", b"x".to_vec()));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(store.get(&key).await.expect("reads").is_some());
    other.execute_batch("COMMIT").expect("lets go");
    assert!(matches!(taking.await, Ok(CommitOutcome::Committed { .. })));
    assert!(store.get(&key).await.expect("reads").is_none());

    let _ = store.note(Txn::default().put(&key, b"x".to_vec())).await.expect("is noted");
    store.close().await.expect("closes");
    drop(store);
    let store = SqliteStore::open(&path).expect("opens");
    assert!(store.get(&key).await.expect("reads").is_none());
    assert_eq!((store.size("").await.expect("counts").documents, store.suspicion()), (2, None));
}

/// What is gathered into one transaction shares its flush, and nothing else.
#[tokio::test]
async fn one_that_cannot_be_committed_takes_none_of_those_beside_it_along() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = SqliteStore::open_bounded(&directory.path().join("store.db"), None, Some(32)).expect("opens");
    for noted in [false, true] {
        let write = |key: &str, bytes: usize| {
            let txn = Txn::default().put(key, vec![0; bytes]);
            if noted { store.note(txn) } else { store.commit(txn) }
        };
        // They gather behind whoever writes just now.
        let held = store.writer.lock().expect("is free");
        let (before, big, after) = (write("a", 1), write("big", 4 << 20), write("b", 1));
        drop(held);
        assert!(matches!(big.await, Err(StoreError::Full { .. })), "{noted}");
        for small in [before.await, after.await] {
            assert!(matches!(small, Ok(CommitOutcome::Committed { .. })), "{noted}: {small:?}");
        }
        assert_eq!(store.get("big").await.expect("reads"), None);
    }
}
