use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use super::*;
use hauki_contract::api::{ApiError, ErrorCode};

const CHILD: &str = "HAUKI_TEST_STORE_CHILD";

fn open(directory: &tempfile::TempDir) -> SqliteStore {
    SqliteStore::open(&directory.path().join("core/store.db")).expect("opens")
}

#[tokio::test]
async fn it_keeps_what_it_promised_when_opened_again_and_only_its_owner_can_read_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(&directory);
    let CommitOutcome::Committed { revision } =
        store.commit(Txn::default().put("a/1", b"one".to_vec())).await.expect("commits")
    else {
        panic!("no conflict is possible");
    };
    let mode = |name: &str| {
        std::fs::metadata(directory.path().join("core").join(name)).expect("is there").permissions().mode()
            & 0o777
    };
    assert_eq!((mode("store.db"), mode("store.db-wal")), (0o600, 0o600));
    drop(store);
    let found = open(&directory).get("a/1").await.expect("reads").expect("is there");
    assert_eq!((found.value, found.revision), (b"one".to_vec(), revision));
}

/// How often this thread has read from a file, this reading apart.
fn file_reads() -> u64 {
    let said = std::fs::read_to_string("/proc/thread-self/io").expect("is told");
    let count = said.lines().find_map(|line| line.strip_prefix("syscr: ")).expect("is counted");
    count.parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_was_just_written_is_read_without_a_look_at_the_file_and_while_somebody_writes_it_is_read_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(&directory);
    let of_counting = {
        let before = file_reads();
        file_reads() - before
    };
    let mut at_hand = 0;
    for number in 0..50_u8 {
        let _ = store.commit(Txn::default().put("a/1", vec![number; 300])).await.expect("commits");
        let before = file_reads();
        let found = store.get("a/1").await.expect("reads").expect("is there");
        // The writer's thread may have it for a moment.
        at_hand += usize::from(file_reads() - before == of_counting);
        assert_eq!(found.value, vec![number; 300]);
        let writing = store.writer.lock().expect("nobody died with it");
        let found = store.get("a/1");
        drop(writing);
        assert_eq!(found.await.expect("reads").expect("is there").value, vec![number; 300]);
    }
    assert!(at_hand > 25, "{at_hand}");
    let begin = "BEGIN; UPDATE document SET value = x'00'";
    {
        let failed = store.writer.lock().expect("nobody died with it");
        failed.connection().execute_batch(begin).expect("is not undone");
    }
    let found = store.get("a/1").await.expect("reads").expect("is there");
    assert!(found.intact && found.value == vec![49; 300], "what was never committed is nobody's to read");
}

#[tokio::test]
async fn a_full_disk_is_an_error_that_names_the_file_and_half_does_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("store.db");
    let store = SqliteStore::open_bounded(&path, None, Some(32)).expect("opens");
    let txn = Txn::default().put("small", b"x".to_vec()).put("big", vec![0; 4 << 20]);
    let error = ApiError::from(store.commit(txn).await.expect_err("is full"));
    assert_eq!(error.code, ErrorCode::Environment);
    assert!(error.message.contains("store.db") && error.message.contains("no space"), "{}", error.message);
    assert_eq!(store.get("small").await.expect("reads"), None);
    // It goes on as soon as there is room.
    assert!(matches!(
        store.commit(Txn::default().put("small", b"x".to_vec())).await,
        Ok(CommitOutcome::Committed { .. })
    ));
}

/// The child commits and says so; it kills itself with `SIGKILL` in the middle of more commits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_survives_kill_9() {
    if let Some(path) = std::env::var_os(CHILD) {
        commit_until_killed(Path::new(&path)).await;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("store.db");
    let mut child = Command::new(std::env::current_exe().expect("a test binary"))
        .args(["--exact", "--nocapture", "store::sqlite::tests::what_was_answered_survives_kill_9"])
        .env(CHILD, &path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let answered: Vec<String> = BufReader::new(child.stdout.take().expect("is piped"))
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| line.strip_prefix("answered ").map(str::to_owned))
        .collect();
    assert!(!child.wait().expect("ends").success(), "the child was killed");
    assert!(answered.len() >= 50, "the child came to commit: {}", answered.len());
    let store = SqliteStore::open(&path).expect("opens");
    for key in answered {
        assert!(store.get(&key).await.expect("reads").is_some(), "{key} was answered and is lost");
    }
}

async fn commit_until_killed(path: &Path) {
    let store = std::sync::Arc::new(SqliteStore::open(path).expect("opens"));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..80 {
        let store = store.clone();
        tasks.spawn(async move {
            let key = format!("k/{number}");
            let outcome = store.commit(Txn::default().put(key.as_str(), vec![7; 2000])).await;
            assert!(matches!(outcome, Ok(CommitOutcome::Committed { .. })));
            println!("\nanswered {key}");
        });
    }
    for _ in 0..60 {
        tasks.join_next().await;
    }
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
}

pub(in crate::store) const DOCUMENTS: usize = 300;

pub(in crate::store) fn value_of(number: usize) -> Vec<u8> {
    format!("{{\"number\":{number},\"filler\":\"{}\"}}", "x".repeat(number % 700)).into_bytes()
}

pub(in crate::store) async fn fill(store: &SqliteStore) {
    for number in 0..DOCUMENTS {
        let txn = Txn::default().put(format!("k/{number:04}"), value_of(number));
        assert!(matches!(store.commit(txn).await, Ok(CommitOutcome::Committed { .. })));
    }
}

/// The files as they are at this moment, as a power cut or a copy leaves them.
pub(in crate::store) fn copied(from: &Path, names: &[&str]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    for name in names {
        std::fs::copy(from.join(name), directory.path().join(name)).expect("copies");
    }
    directory
}

pub(in crate::store) fn flip(path: &Path, bit: usize) {
    let mut bytes = std::fs::read(path).expect("reads");
    bytes[bit / 8] ^= 1 << (bit % 8);
    std::fs::write(path, bytes).expect("writes");
}

/// Whether every document is as it was written, or said to be damaged; otherwise the first that is lost in silence.
pub(in crate::store) async fn lost_in_silence(store: &SqliteStore) -> Option<String> {
    let Ok(said) = store.damaged(Duration::from_secs(60)).await else { return None };
    let said: Vec<String> = said.into_iter().map(|document| document.key).collect();
    for number in 0..DOCUMENTS {
        let key = format!("k/{number:04}");
        match store.get(&key).await {
            Err(_) => {}
            Ok(Some(found)) if !found.intact || found.value == value_of(number) => {}
            // Its key is what was flipped, and the document under the other key is said to be damaged.
            Ok(None) if !said.is_empty() => {}
            Ok(found) => {
                let listed = store.list("k/", None, 1000).await.map(|all| all.len());
                return Some(format!("{key}: {:?} of {listed:?}", found.map(|found| found.revision)));
            }
        }
    }
    None
}

#[tokio::test]
async fn a_flipped_bit_in_the_file_is_refused_or_said_and_never_silent() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("store.db");
    let store = SqliteStore::open(&path).expect("opens");
    fill(&store).await;
    store.close().await.expect("closes");
    let bits = std::fs::metadata(&path).expect("is there").len() as usize * 8;
    let (mut refused, mut set_aside, mut seed) = (0, 0, 88_172_645_463_325_252_u64);
    for _ in 0..250 {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let copy = copied(directory.path(), &["store.db", "store.tail"]);
        let path = copy.path().join("store.db");
        let bit = seed as usize % bits;
        flip(&path, bit);
        match SqliteStore::open(&path) {
            Err(_) => refused += 1,
            Ok(store) => {
                let lost = lost_in_silence(&store).await;
                assert_eq!(lost, None, "bit {bit} of byte {:#x}", bit / 8);
                set_aside +=
                    usize::from(store.damaged(Duration::from_secs(60)).await.map_or(0, |all| all.len()) > 0);
            }
        }
    }
    assert!(refused > 0 && set_aside > 100, "{refused} refused, {set_aside} with a document that is said");
}

/// In the table it makes two rows of one key, in the index a key that is not the row's.
#[tokio::test]
async fn a_key_that_a_bit_makes_anothers_is_set_aside_wherever_it_stands() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("store.db");
    let store = SqliteStore::open(&path).expect("opens");
    fill(&store).await;
    store.close().await.expect("closes");
    let bytes = std::fs::read(&path).expect("reads");
    let places: Vec<usize> = (0..bytes.len() - 6).filter(|at| &bytes[*at..*at + 6] == b"k/0003").collect();
    assert!(places.len() >= 2, "in the table and in its index");
    for place in places {
        let copy = copied(directory.path(), &["store.db", "store.tail"]);
        flip(&copy.path().join("store.db"), (place + 5) * 8);
        let store = SqliteStore::open(&copy.path().join("store.db")).expect("opens");
        assert_eq!(lost_in_silence(&store).await, None, "byte {place:#x}");
        let kept = store.get("k/0002").await.expect("reads").expect("is there");
        assert!(kept.intact && kept.value == value_of(2));
    }
}

#[tokio::test]
async fn a_flipped_bit_in_the_log_is_a_lost_tail_by_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("store.db");
    // Its writer would move the log into the file when it has a quiet second.
    let (mut lost, mut seed) = (0, 1_234_567_u64);
    let store = SqliteStore::open(&path).expect("opens");
    fill(&store).await;
    let copy = copied(directory.path(), &["store.db", "store.db-wal", "store.tail"]);
    assert!(
        SqliteStore::open(
            &copied(copy.path(), &["store.db", "store.db-wal", "store.tail"]).path().join("store.db")
        )
        .is_ok()
    );
    let bits = std::fs::metadata(copy.path().join("store.db-wal")).expect("is there").len() as usize * 8;
    assert!(bits > 0, "the log has been moved already: the machine is too slow for this test");
    for _ in 0..40 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let torn = copied(copy.path(), &["store.db", "store.db-wal", "store.tail"]);
        let path = torn.path().join("store.db");
        flip(&torn.path().join("store.db-wal"), (seed >> 8) as usize % bits);
        match SqliteStore::open(&path) {
            Err(error) => {
                lost += 1;
                assert!(matches!(error, StoreOpenError::LostTail { .. }), "{error}");
                assert!(error.way_back().is_some_and(|way| way.contains("store.tail")));
                // Who accepts the loss goes on with what there is.
                std::fs::remove_file(torn.path().join("store.tail")).expect("removes");
                drop(SqliteStore::open(&path).expect("opens"));
            }
            Ok(store) => assert_eq!(lost_in_silence(&store).await, None),
        }
    }
    assert!(lost >= 20, "{lost} of 40");
}

#[tokio::test]
async fn a_store_that_is_gone_or_was_copied_without_its_log_is_refused_beside_other_state() {
    let directory = tempfile::tempdir().expect("a directory");
    let (path, key) = (directory.path().join("store.db"), directory.path().join("issuer.key"));
    drop(SqliteStore::open_beside(&path, &key).expect("the first start finds nothing"));
    std::fs::write(&key, "a key").expect("writes");
    let store = SqliteStore::open_beside(&path, &key).expect("opens");
    fill(&store).await;
    store.close().await.expect("closes");
    drop(store);
    let whole = std::fs::read(&path).expect("reads");
    let bare = directory.path().join("bare.db");
    Connection::open(&bare).expect("opens").pragma_update(None, "journal_mode", "WAL").expect("sets");
    let bare = std::fs::read(bare).expect("reads");
    for left in [None, Some(Vec::new()), Some(bare)] {
        let _ = std::fs::remove_file(directory.path().join("store.db-wal"));
        std::fs::remove_file(&path).expect("removes");
        if let Some(bytes) = left {
            std::fs::write(&path, bytes).expect("writes");
        } else {
            // The log alone is something too.
            let log = directory.path().join("store.db-wal");
            std::fs::write(&log, "x").expect("writes");
            let error = SqliteStore::open(&path).err().expect("is refused");
            assert!(matches!(error, StoreOpenError::Missing { .. }), "{error}");
            std::fs::remove_file(&log).expect("removes");
        }
        let error = SqliteStore::open_beside(&path, &key).err().expect("is refused");
        assert!(matches!(error, StoreOpenError::Missing { .. }), "{error}");
        assert!(ApiError::from(error).hint.is_some_and(|hint| hint.contains("start-anew")));
        std::fs::write(&path, &whole).expect("writes");
    }
    // The way back as it is printed, and no more: of one that is missing, with its log or without, or empty.
    let wanted = directory.path().join(START_ANEW);
    for (left, log) in [(None, false), (None, true), (Some(""), false)] {
        std::fs::remove_file(&path).expect("removes");
        if log {
            std::fs::write(directory.path().join("store.db-wal"), "x").expect("writes");
        }
        if let Some(left) = left {
            std::fs::write(&path, left).expect("writes");
        }
        std::fs::write(&wanted, "").expect("writes");
        let store = SqliteStore::open_beside(&path, &key).expect("starts anew");
        assert!(!wanted.exists(), "once");
        assert_eq!(store.size("k/").await.expect("counts").documents, 0);
        fill(&store).await;
        store.close().await.expect("closes");
    }
    // Beside a store that is there it takes nothing away.
    std::fs::write(&wanted, "").expect("writes");
    let older = std::fs::read(&path).expect("reads");
    let store = SqliteStore::open_beside(&path, &key).expect("opens");
    assert_eq!(store.size("k/").await.expect("counts").documents, DOCUMENTS as u64);
    fill(&store).await;
    store.close().await.expect("closes");
    drop(store);
    std::fs::write(&wanted, "").expect("writes");
    std::fs::write(&path, older).expect("writes");
    let error = SqliteStore::open_beside(&path, &key).err().expect("is refused");
    assert!(matches!(error, StoreOpenError::LostTail { .. }), "{error}");
}

#[tokio::test]
async fn a_tail_that_is_no_number_is_refused_by_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("store.db");
    let tail = directory.path().join("store.tail");
    let store = SqliteStore::open(&path).expect("opens");
    fill(&store).await;
    store.close().await.expect("closes");
    drop(store);
    let whole = std::fs::read_to_string(&tail).expect("is there");
    for rotten in ["", "garbage", &whole.replacen('0', "+", 1), &whole.replacen('0', "x", 1), &whole[..9]] {
        std::fs::write(&tail, rotten).expect("writes");
        let error = SqliteStore::open(&path).err().expect("is refused");
        assert!(matches!(error, StoreOpenError::BadTail { .. }), "{rotten:?}: {error}");
        assert!(error.way_back().is_some_and(|way| way.contains("rm ")));
    }
    std::fs::remove_file(&tail).expect("removes");
    drop(SqliteStore::open(&path).expect("opens"));
    assert_eq!(std::fs::read_to_string(&tail).expect("is made anew"), whole);
}

/// A damaged document does not explain another that is gone, unless its checksum is what was hit.
#[tokio::test]
async fn documents_that_are_missing_are_missed_beside_a_damaged_one() {
    for (hit, gone) in [
        ("value = x'00'", false),
        ("value = x'00'", true),
        ("seal = seal + 1", false),
        ("seal = seal + 1", true),
    ] {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("store.db");
        let store = SqliteStore::open(&path).expect("opens");
        fill(&store).await;
        store.close().await.expect("closes");
        drop(store);
        let file = Connection::open(&path).expect("opens");
        file.execute(&format!("UPDATE document SET {hit} WHERE key = 'k/0003'"), []).expect("spoils");
        if gone {
            file.execute("DELETE FROM document WHERE key = 'k/0005'", []).expect("deletes");
        }
        drop(file);
        let store = SqliteStore::open(&path).expect("the others are read");
        assert_eq!(store.suspicion().is_some(), gone, "{hit}");
        assert_eq!(store.damaged(Duration::from_secs(60)).await.expect("looks").len(), 1);
    }
}

#[test]
fn who_was_kept_waiting_may_come_again_and_a_damaged_file_stays_damaged() {
    use rusqlite::ffi;
    let failure = |code| rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
    assert!([ffi::SQLITE_BUSY, ffi::SQLITE_LOCKED].into_iter().all(|code| is_passing(&failure(code))));
    let lasting = [ffi::SQLITE_CORRUPT, ffi::SQLITE_READONLY, ffi::SQLITE_IOERR, ffi::SQLITE_FULL];
    assert!(!lasting.into_iter().any(|code| is_passing(&failure(code))));
}

#[test]
fn a_file_that_others_hold_may_be_opened_again_later() {
    use rusqlite::ffi::{Error, SQLITE_BUSY, SQLITE_CANTOPEN, SQLITE_CORRUPT};
    for (code, passing) in [(SQLITE_BUSY, true), (SQLITE_CANTOPEN, false), (SQLITE_CORRUPT, false)] {
        let said = rusqlite::Error::SqliteFailure(Error::new(code), None);
        let error = unopened(Path::new("/s/store.db"), said);
        assert_eq!(error.may_be_retried(), passing, "{error}");
        assert_eq!(hauki_contract::api::ApiError::from(error).retryable, passing);
    }
}
