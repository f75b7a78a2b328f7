//! A store that was written before vaults had owners: schema 1, and all users' keys in one.

use std::collections::BTreeMap;
use std::path::Path;

use axum::Extension;
use axum::extract::State;
use rusqlite::{Connection, params};

use super::*;
use crate::extract::Json;
use crate::routes;
use crate::start;
use hauki_contract::api::peer::Peer;
use hauki_contract::api::spool::SpoolRequest;
use hauki_contract::api::vault::ProvisionRequest;

/// As the first schema has it, without what its programs did not know.
fn write_old(path: &Path, documents: &[crate::store::Document]) {
    std::fs::create_dir_all(path.parent().expect("is in a directory")).expect("makes");
    let connection = Connection::open(path).expect("opens");
    let schema =
        "CREATE TABLE document (key TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL, value BLOB NOT NULL);
                  CREATE TABLE counter (revision INTEGER NOT NULL);
                  INSERT INTO counter VALUES (1000);
                  PRAGMA user_version = 1;";
    connection.execute_batch(schema).expect("makes tables");
    for document in documents {
        let mut value = document.value.clone();
        if document.key.starts_with("key/") {
            let mut record: serde_json::Value = serde_json::from_slice(&value).expect("is a record");
            record.as_object_mut().expect("is an object").remove("apart").expect("was not known");
            value = serde_json::to_vec(&record).expect("encodes");
        }
        let text = String::from_utf8_lossy(&value);
        assert!(!text.contains("\"owner\":1"), "{text}");
        let row = params![document.key, document.revision, value];
        connection.execute("INSERT INTO document VALUES (?1, ?2, ?3)", row).expect("inserts");
    }
}

fn asker(uid: u32) -> Option<Extension<Peer>> {
    Some(Extension(Peer { uid, pid: 1, admin: false }))
}

#[tokio::test]
async fn a_listed_users_requests_find_their_first_answers_and_what_is_queued_keeps_its_owner() {
    let Swarm { core, store, node } = unwatched();
    let spawned = core.spawn(spawning("k")).await.expect("spawns");
    let made_of = core.summon(summons("s")).await.expect("summons").id;
    let provision = |key: &str| ProvisionRequest {
        key: key.into(),
        summons: made_of.clone(),
        placement: Placement::default(),
        dry_run: false,
    };
    let forged = core.provision(provision("p")).await.expect("forges");
    let queued = SpoolRequest {
        key: "q".into(),
        summons: made_of.clone(),
        placement: Placement::default(),
        priority: 5,
        deadline_ms: None,
    };
    let entry = core.spool_put(queued.clone(), "uid 1000".into()).await.expect("is queued");
    let documents = store.list("", None, 1000).await.expect("lists");
    drop(core);

    let directory = tempfile::tempdir().expect("a directory");
    write_old(&directory.path().join("core/store.db"), &documents);
    crate::issuer::load_or_make(&directory.path().join("core/issuer.key")).expect("is made");
    let name = "n1".parse().expect("a name");
    let member = Member { name, labels: BTreeMap::new(), api: node.clone(), address: None };
    let core = start::open(directory.path(), CoreSettings::of(vec![member])).expect("opens");
    core.look_through().await.expect("looks");
    let before = node.provisioned();
    let uah = || State(core.clone());
    let Json(again) = routes::spawn(uah(), asker(1000), Json(spawning("k"))).await.ok().expect("answers");
    assert_eq!((again.changed, &again.vault.id), (false, &spawned.vault.id));
    let Json(again) =
        routes::provision(uah(), asker(1000), Json(provision("p"))).await.ok().expect("answers");
    assert_eq!((again.changed, &again.id), (false, &forged.id));
    let Json(again) = routes::summon(uah(), asker(1000), Json(summons("s"))).await.ok().expect("answers");
    assert_eq!((again.changed, &again.id), (false, &made_of));
    let Json(again) = routes::spool::put(uah(), asker(1000), Json(queued)).await.ok().expect("answers");
    assert_eq!((again.changed, &again.id), (false, &entry.id));
    assert_eq!(node.provisioned(), before, "nothing is made twice");

    // Another request under the key of others is one of its own, and what is of today is apart.
    let mut other = spawning("k");
    other.summons.args = vec![1.into()];
    let Json(made) = routes::spawn(uah(), asker(1001), Json(other)).await.ok().expect("spawns");
    assert_eq!((made.changed, made.vault.owner), (true, Some(1001)));
    core.spawn(spawning("today")).await.expect("spawns");
    let Json(made) = routes::spawn(uah(), asker(1000), Json(spawning("today"))).await.ok().expect("spawns");
    assert_eq!((made.changed, made.vault.owner), (true, Some(1000)));
    assert!(routes::provision(uah(), asker(1000), Json(provision("new"))).await.is_err(), "it is nobody's");

    let _tasks = core.start();
    let shown = loop {
        let shown = core.spool_show(&entry.id, Default::default()).await.expect("shows");
        if shown.vault.is_some() {
            break shown;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(shown.vault.expect("is forged").owner, Some(1000), "who queued it");
}
