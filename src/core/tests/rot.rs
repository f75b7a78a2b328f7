//! Records that cannot be read: each is said and set aside, and everything else goes on.

use super::*;
use crate::api::ErrorCode;
use crate::api::event::Happening;
use crate::api::teardown::ReapRequest;
use crate::core::aside::ASIDE;
use crate::core::record::{
    VaultRecord, budget_key, idempotency_key, name_key, summons_key, tomb_key, vault_key,
};
use crate::core::store::Txn;
use crate::model::death::Cause;
use crate::system::clock;

async fn write(store: &MemoryStore, key: &str, value: &str) {
    let _ = store.commit(Txn::default().put(key, value.into())).await.expect("commits");
}

/// As a flipped bit leaves it: its bytes are there, and it does not read as it was written.
#[tokio::test]
async fn one_unreadable_record_of_each_kind_stops_nothing() {
    let Swarm { core, store, node, _tasks } = swarm();
    event(&core, |event| matches!(event.what, Happening::NodeUp { .. })).await;
    let mut vaults = Vec::new();
    for number in 0..4 {
        vaults.push(core.spawn(spawning(&format!("k{number}"))).await.expect("spawns").vault);
    }
    core.destruct(&vaults[3].id, Default::default(), None).await.expect("ends");
    let (rotten, key) = (&vaults[0], idempotency_key("spawn", "k0"));
    for key in [vault_key(&rotten.id), key, summons_key(&rotten.summons), tomb_key(&vaults[3].id)] {
        store.spoil(&key);
    }
    for prefix in ["budget", "loan", "spool", "name", "gem", "node", "vault", "tomb", "key", "summons"] {
        write(&store, &format!("{prefix}/!"), "{\"half").await;
    }

    let listed = core.vaults(crate::api::vault::VaultQuery { all: true, ..Default::default() }).await;
    assert_eq!(listed.expect("lists").vaults.len(), 2);
    assert_eq!(core.spool_list(Default::default()).await.expect("lists").entries, []);
    assert_eq!(core.services().await.expect("lists").services, []);
    core.gems.list().await.expect("lists");
    core.load_nodes().await.expect("loads");
    core.prune(clock::now(), Default::default()).await.expect("prunes");
    core.end_orphaned().await.expect("ends nobody");
    core.metrics_text().await.expect("counts");
    let new = core.spawn(spawning("new")).await.expect("spawns").vault.id;
    let all = ReapRequest { older_than_ms: Some(0), ..ReapRequest::default() };
    let reaped = core.reap(all).await.expect("reaps").reaped;
    assert_eq!(reaped.len(), 3, "those that can be read");
    assert!(reaped.iter().any(|reaped| reaped.vault == new));

    // The one is damaged and neither absent nor free to be made again.
    let error = core.vault(&rotten.id).await.expect_err("is damaged");
    assert_eq!(error.code, ErrorCode::Environment);
    assert!(error.message.contains("set aside"), "{}", error.message);
    let error = core.spawn(spawning("k0")).await.expect_err("is not made twice");
    assert_eq!(error.code, ErrorCode::Environment);
    assert_eq!(node.living(), std::slice::from_ref(&rotten.id), "it lives as long as its lease");
    let findings = core.health().await.expect("tells").findings;
    assert!(findings.iter().any(|check| check.what.contains("damaged records")), "{findings:?}");
    let kept = store.list(ASIDE, None, 100).await.expect("lists");
    assert!(kept.iter().any(|document| document.key == format!("{ASIDE}{}", vault_key(&rotten.id))));

    // Its death, of which no record can tell, is no reason to stop listening to its node.
    node.kill(&rotten.id, Cause::OutOfMemory);
    let after = core.spawn(spawning("after")).await.expect("spawns").vault.id;
    node.kill(&after, Cause::OutOfMemory);
    event(&core, |event| matches!(&event.what, Happening::Died { vault, .. } if *vault == after)).await;
}

#[tokio::test]
async fn a_new_core_knows_what_was_set_aside_and_ends_no_vault_for_it() {
    let Swarm { core, store, node, .. } = unwatched();
    let mut request = spawning("k");
    request.summons.name = Some("boss".parse().expect("a name"));
    let vault = core.spawn(request).await.expect("spawns").vault.id;
    drop(core);
    store.spoil(&vault_key(&vault));
    store.spoil(&name_key(&"boss".parse().expect("a name")));
    for _ in 0..2 {
        let core = core_over(store.clone(), &[&node], &["n1"]);
        core.look_through().await.expect("looks");
        let _tasks = core.start();
        event(&core, |event| matches!(event.what, Happening::NodeUp { .. })).await;
        assert_eq!(node.living(), std::slice::from_ref(&vault));
        let mut again = spawning("other");
        again.summons.name = Some("boss".parse().expect("a name"));
        let error = core.spawn(again).await.expect_err("two would have one name");
        assert_eq!(error.code, ErrorCode::Environment);
        assert_eq!(node.living(), std::slice::from_ref(&vault));
    }
}

#[tokio::test]
async fn a_damaged_budget_ends_no_child_and_what_is_written_anew_is_whole() {
    let Swarm { core, store, .. } = unwatched();
    let mut request = spawning("parent");
    request.summons.wishes.spawn = Some(2);
    let parent = core.spawn(request).await.expect("spawns").vault.id;
    let child = core.spawn(spawning("child")).await.expect("spawns").vault.id;
    let key = vault_key(&child);
    let mut found = core.records.get::<VaultRecord>(&key).await.expect("reads").expect("is there");
    found.value.vault.parent = Some(parent.clone());
    assert!(core.records.replace(&found).await.expect("commits"));
    store.spoil(&budget_key(&parent));
    core.look_through().await.expect("looks");
    core.end_orphaned().await.expect("looks");
    assert!(core.vault(&child).await.expect("shows").receipt.is_none());
    // With its parent's death its budget is gone, wherever it stood.
    core.destruct(&parent, Default::default(), None).await.expect("ends");
    assert_eq!(store.list(ASIDE, None, 10).await.expect("lists"), []);
    core.end_orphaned().await.expect("looks");
    assert_eq!(
        core.vault(&child).await.expect("shows").receipt.expect("is dead").death.cause,
        Cause::ParentDied
    );
}
