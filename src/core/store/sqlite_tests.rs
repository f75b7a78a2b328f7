use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use super::*;
use crate::api::{ApiError, ErrorCode};

const CHILD: &str = "HAUKI_TEST_STORE_CHILD";

fn open(directory: &tempfile::TempDir) -> SqliteStore {
    SqliteStore::open(&directory.path().join("core/store.db")).expect("opens")
}

#[tokio::test]
async fn it_keeps_what_it_promised_when_opened_again_and_only_its_owner_can_read_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(&directory);
    let Outcome::Committed { revision } =
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

#[test]
fn a_newer_schema_is_refused_by_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("store.db");
    drop(SqliteStore::open(&path).expect("opens"));
    Connection::open(&path).expect("opens").pragma_update(None, "user_version", 99).expect("sets");
    let error = SqliteStore::open(&path).err().expect("is refused");
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
    assert!(ApiError::from(error).message.contains("schema 99"));
}

#[tokio::test]
async fn a_full_disk_is_an_error_that_names_the_file_and_half_does_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("store.db");
    let store = SqliteStore::open_bounded(&path, Some(32)).expect("opens");
    let txn = Txn::default().put("small", b"x".to_vec()).put("big", vec![0; 4 << 20]);
    let error = ApiError::from(store.commit(txn).await.expect_err("is full"));
    assert_eq!(error.code, ErrorCode::Environment);
    assert!(error.message.contains("store.db") && error.message.contains("no space"), "{}", error.message);
    assert_eq!(store.get("small").await.expect("reads"), None);
    // It goes on as soon as there is room.
    assert!(matches!(
        store.commit(Txn::default().put("small", b"x".to_vec())).await,
        Ok(Outcome::Committed { .. })
    ));
}

/// The child commits and says so; it kills itself with `SIGKILL` in the middle of more commits.
#[tokio::test]
async fn what_was_answered_survives_kill_9() {
    if let Some(path) = std::env::var_os(CHILD) {
        commit_until_killed(Path::new(&path)).await;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("store.db");
    let mut child = Command::new(std::env::current_exe().expect("a test binary"))
        .args(["--exact", "--nocapture", "core::store::sqlite::tests::what_was_answered_survives_kill_9"])
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
            assert!(matches!(outcome, Ok(Outcome::Committed { .. })));
            println!("\nanswered {key}");
        });
    }
    for _ in 0..60 {
        tasks.join_next().await;
    }
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
}
