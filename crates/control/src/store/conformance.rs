//! Conformance suite: what every store must do, run over each of them.

use std::sync::Arc;

use super::{CommitOutcome, EPHEMERAL, Expect, MemoryStore, Revision, SqliteStore, Store, Txn};

type Named = (&'static str, Arc<dyn Store>);

fn each() -> (tempfile::TempDir, [Named; 2]) {
    let directory = tempfile::tempdir().expect("a directory");
    let sqlite = SqliteStore::open(&directory.path().join("store.db")).expect("opens");
    (directory, [("memory", Arc::new(MemoryStore::default())), ("sqlite", Arc::new(sqlite))])
}

async fn put(store: &dyn Store, key: &str, value: &str) -> Revision {
    match store.commit(Txn::default().put(key, value.into())).await.expect("commits") {
        CommitOutcome::Committed { revision } => revision,
        CommitOutcome::Conflict { key } => panic!("a conflict on {key} without a check"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revisions_rise_and_checks_hold() {
    let (_directory, stores) = each();
    for (name, store) in stores {
        let first = put(&*store, "a", "1").await;
        let second = put(&*store, "a", "2").await;
        assert!(second > first, "{name}");
        for (expect, goes) in
            [(Expect::Absent, false), (Expect::At(first), false), (Expect::At(second), true)]
        {
            let txn = Txn::default().check("a", expect).put("b", b"x".to_vec()).delete("a");
            let committed = match store.commit(txn).await.expect("answers") {
                CommitOutcome::Committed { .. } => true,
                CommitOutcome::Conflict { key } => {
                    assert_eq!(key, "a", "{name}");
                    false
                }
            };
            assert_eq!(committed, goes, "{name} {expect:?}");
            let found = store.get("b").await.expect("reads").is_some();
            assert_eq!(found, goes, "{name} {expect:?}: a conflict writes nothing");
        }
        assert_eq!(store.get("a").await.expect("reads"), None, "{name}");
    }
}

/// A note is seen as a commit is, and holds against one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notes_and_commits_are_of_one_row() {
    let (_directory, stores) = each();
    for (name, store) in stores {
        let noted = store.note(Txn::default().check("a", Expect::Absent).put("a", b"1".to_vec())).await;
        let Ok(CommitOutcome::Committed { revision: first }) = noted else { panic!("{name}: {noted:?}") };
        assert!(store.get("a").await.expect("reads").is_some(), "{name}");
        let second = put(&*store, "a", "2").await;
        assert!(second > first, "{name}");
        let late =
            store.note(Txn::default().check("a", Expect::At(first)).delete("a")).await.expect("answers");
        assert_eq!(late, CommitOutcome::Conflict { key: "a".into() }, "{name}");
        let last =
            store.note(Txn::default().check("a", Expect::At(second)).delete("a")).await.expect("answers");
        assert!(matches!(last, CommitOutcome::Committed { .. }), "{name}");
        assert_eq!(store.get("a").await.expect("reads"), None, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_are_sorted_paged_and_keep_to_their_prefix() {
    let (_directory, stores) = each();
    for (name, store) in stores {
        for key in ["v/3", "v/1", "w/1", "v/2", "u/9", "v"] {
            put(&*store, key, key).await;
        }
        let keys = |documents: Vec<super::Document>| -> Vec<String> {
            documents.into_iter().map(|document| document.key).collect()
        };
        let all = store.list("v/", None, 10).await.expect("lists");
        assert_eq!(keys(all), ["v/1", "v/2", "v/3"], "{name}");
        let page = store.list("v/", Some("v/1"), 1).await.expect("lists");
        assert_eq!(keys(page), ["v/2"], "{name}");
        assert_eq!(keys(store.list("", None, 2).await.expect("lists")), ["u/9", "v"], "{name}");
        let size = store.size("v/").await.expect("counts");
        assert_eq!((size.documents, size.bytes), (3, 9), "{name}");
        assert_eq!(store.damaged(std::time::Duration::from_secs(1)).await.expect("looks"), [], "{name}");
        store.close().await.expect("closes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_want_the_same_place_one_gets_it() {
    let (_directory, stores) = each();
    for (name, store) in stores {
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..50 {
            let store = store.clone();
            tasks.spawn(async move {
                let txn =
                    Txn::default().check("key", Expect::Absent).put("key", format!("{number}").into_bytes());
                matches!(store.commit(txn).await, Ok(CommitOutcome::Committed { .. }))
            });
        }
        let won = tasks.join_all().await.into_iter().filter(|won| *won).count();
        assert_eq!(won, 1, "{name}");
    }
}

/// What is ephemeral is seen and checked as the rest is, alone and in one transaction with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ephemeral_documents_are_of_one_row_with_the_others() {
    let (_directory, stores) = each();
    for (name, store) in stores {
        let key = format!("{EPHEMERAL}a");
        let first = put(&*store, &key, "1").await;
        assert!(put(&*store, "kept", "1").await > first, "{name}");
        let second =
            match store.note(Txn::default().check(&key, Expect::At(first)).put(&key, b"22".to_vec())).await {
                Ok(CommitOutcome::Committed { revision }) => revision,
                other => panic!("{name}: {other:?}"),
            };
        assert!(second > first, "{name}");
        let found = store.get(&key).await.expect("reads").expect("is there");
        assert_eq!((found.value, found.revision, found.intact), (b"22".to_vec(), second, true), "{name}");
        put(&*store, &format!("{EPHEMERAL}b"), "333").await;
        let listed = store.list(EPHEMERAL, Some(&key), 9).await.expect("lists");
        assert_eq!(
            listed.into_iter().map(|found| found.key).collect::<Vec<_>>(),
            [format!("{EPHEMERAL}b")],
            "{name}"
        );
        let size = store.size(EPHEMERAL).await.expect("counts");
        assert_eq!((size.documents, size.bytes), (2, 5), "{name}");

        let taking = |at| Txn::default().check(&key, Expect::At(at)).delete(&key).put("made", b"x".to_vec());
        let late = store.commit(taking(first)).await.expect("answers");
        assert_eq!(late, CommitOutcome::Conflict { key: key.clone() }, "{name}");
        assert!(store.get("made").await.expect("reads").is_none(), "{name}");
        let beside = store.commit(taking(second).check("kept", Expect::Absent)).await.expect("answers");
        assert_eq!(beside, CommitOutcome::Conflict { key: "kept".into() }, "{name}");
        assert!(store.get(&key).await.expect("reads").is_some(), "{name}: a conflict changes nothing");
        let taken = store.commit(taking(second)).await.expect("answers");
        assert!(matches!(taken, CommitOutcome::Committed { .. }), "{name}");
        assert_eq!(store.get(&key).await.expect("reads"), None, "{name}");
        let again = store.note(Txn::default().check(&key, Expect::At(second)).put(&key, Vec::new())).await;
        assert_eq!(again.expect("answers"), CommitOutcome::Conflict { key: key.clone() }, "{name}");
    }
}

/// One transaction takes the ephemeral one and writes the other: whoever looks for the one first and then for the other
/// finds one of them. Others write meanwhile, alone and in batches, and somebody changes the ephemeral one.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_one_transaction_moves_is_never_nowhere() {
    let (_directory, stores) = each();
    for (name, store) in stores {
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..40 {
            let (store, noted, made) =
                (store.clone(), format!("{EPHEMERAL}{number}"), format!("made/{number}"));
            tasks.spawn(async move {
                let mut revision = put(&*store, &noted, "1").await;
                let mover = tokio::spawn({
                    let (store, noted, made) = (store.clone(), noted.clone(), made.clone());
                    async move {
                        loop {
                            let txn = Txn::default().check(&noted, Expect::At(revision)).delete(&noted);
                            match store.commit(txn.put(&made, b"x".to_vec())).await.expect("answers") {
                                CommitOutcome::Committed { .. } => return,
                                CommitOutcome::Conflict { key } => assert_eq!(key, noted),
                            }
                            revision =
                                store.get(&noted).await.expect("reads").expect("was only changed").revision;
                        }
                    }
                });
                let mut changed = 0;
                while !mover.is_finished() {
                    let found = store.get(&noted).await.expect("reads");
                    assert!(found.is_some() || store.get(&made).await.expect("reads").is_some(), "{name}");
                    if let Some(found) = found.filter(|_| changed < 3) {
                        let txn = Txn::default()
                            .check(&noted, Expect::At(found.revision))
                            .put(&noted, b"2".to_vec());
                        changed +=
                            usize::from(matches!(store.note(txn).await, Ok(CommitOutcome::Committed { .. })));
                    }
                    tokio::task::yield_now().await;
                }
                mover.await.expect("ends");
                assert!(store.get(&noted).await.expect("reads").is_none(), "{name}");
                assert!(store.get(&made).await.expect("reads").is_some(), "{name}");
            });
        }
        tasks.join_all().await;
    }
}
