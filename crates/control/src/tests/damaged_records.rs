//! Records that cannot be read: each is said and set aside, and everything else goes on.

use super::*;
use crate::ledger::ASIDE;
use crate::ledger::{VaultRecord, budget_key, idempotency_key, name_key, summons_key, tomb_key, vault_key};
use crate::store::Txn;
use hauki_contract::api::ErrorCode;
use hauki_contract::api::event::Happening;
use hauki_contract::api::teardown::ReapRequest;
use hauki_contract::model::death::Cause;
use hauki_contract::system::clock;

async fn write(store: &MemoryStore, key: &str, value: &str) {
    let _ = store.commit(Txn::default().put(key, value.into())).await.expect("commits");
}

/// As a flipped bit leaves it: its bytes are there, and it does not read as it was written.
#[tokio::test]
async fn one_unreadable_record_of_each_kind_stops_nothing() {
    let Swarm { core, store, node } = swarm();
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

    let listed =
        core.vaults(hauki_contract::api::vault::VaultQuery { all: true, ..Default::default() }).await;
    let listed = listed.expect("lists").vaults;
    let damaged: Vec<_> = listed.iter().filter(|vault| vault.damaged).map(|vault| &vault.id).collect();
    assert_eq!((listed.len(), damaged), (3, vec![&rotten.id]), "by its node's word");
    assert_eq!(core.spool_list(Default::default()).await.expect("lists").entries, []);
    assert_eq!(core.services().await.expect("lists").services, []);
    core.basis().gems.list().await.expect("lists");
    core.load_nodes().await.expect("loads");
    core.phases().retention.prune(clock::now(), Default::default()).await.expect("prunes");
    core.phases().families.end_orphaned().await.expect("ends nobody");
    core.metrics_text().await.expect("counts");
    let new = core.spawn(spawning("new")).await.expect("spawns").vault.id;
    let all = ReapRequest { older_than_ms: Some(0), ..ReapRequest::default() };
    let reaped = core.reap(all).await.expect("reaps").reaped;
    assert_eq!(reaped.len(), 4, "those that can be read, and the one that cannot");
    assert!([&new, &rotten.id].iter().all(|id| reaped.iter().any(|reaped| reaped.vault == **id)));
    assert_eq!(node.living(), []);

    // Of which the tombstone is damaged has died, and a key is not free to be used again.
    let error = core.vault(&vaults[3].id).await.expect_err("is damaged");
    assert_eq!((error.code, error.receipt), (ErrorCode::VaultDead.into(), None));
    assert!(error.message.contains("is dead, and its tombstone is damaged"), "{}", error.message);
    let others = core.own_vault(crate::authorization::Rights::Of(1000), &vaults[3].id).await;
    assert_eq!(others.expect_err("nobody knows whose").code, ErrorCode::NotFound);
    let error = core.spawn(spawning("k0")).await.expect_err("is not made twice");
    assert_eq!(error.code, ErrorCode::Environment);
    let findings = core.health().await.expect("tells").findings;
    assert!(findings.iter().any(|check| check.what.contains("damaged records")), "{findings:?}");
    let kept = store.list(ASIDE, None, 100).await.expect("lists");
    assert!(kept.iter().any(|document| document.key == format!("{ASIDE}{}", tomb_key(&vaults[3].id))));
    assert!(
        kept.iter().all(|document| document.key != format!("{ASIDE}{}", vault_key(&rotten.id))),
        "it ended"
    );

    // None of it is a reason to stop listening to the node.
    let after = core.spawn(spawning("after")).await.expect("spawns").vault.id;
    node.kill(&after, Cause::OutOfMemory);
    event(&core, |event| matches!(&event.what, Happening::Died { vault, .. } if *vault == after)).await;
}

#[tokio::test]
async fn a_new_core_knows_what_was_set_aside_and_ends_no_vault_for_it() {
    let Swarm { core, store, node } = unwatched();
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
        assert_eq!(error.code, ErrorCode::Conflict);
        assert_eq!(node.living(), std::slice::from_ref(&vault));
        let shown = core.vault(&vault).await.expect("is recorded again");
        assert_eq!((shown.damaged, shown.worker.name.as_str(), shown.node.as_str()), (true, "scout", "n1"));
        assert_eq!(core.health().await.expect("tells").vaults, 1);
    }
}

fn named(key: &str) -> hauki_contract::api::summons::SpawnRequest {
    let mut request = spawning(key);
    request.summons.name = Some("boss".parse().expect("a name"));
    request
}

/// Whatever else is damaged: what its node says is enough to end it.
#[tokio::test]
async fn a_damaged_vault_is_counted_ended_and_frees_its_name() {
    for more in 0..4 {
        let Swarm { core, store, node } = swarm();
        event(&core, |event| matches!(event.what, Happening::NodeUp { .. })).await;
        let made = core.spawn(named("k")).await.expect("spawns").vault;
        let others = [
            idempotency_key("spawn", "k"),
            summons_key(&made.summons),
            name_key(&"boss".parse().expect("a name")),
        ];
        others.iter().take(more).for_each(|key| store.spoil(key));
        store.spoil(&vault_key(&made.id));
        core.look_through().await.expect("looks");
        assert_eq!(core.activity().await.expect("tells").vaults, 1, "an idle daemon stays ({more})");
        match more {
            // By news, by its id, by a reap.
            0 => {
                node.kill(&made.id, Cause::OutOfMemory);
                event(&core, |event| matches!(event.what, Happening::Died { .. })).await;
            }
            1 => {
                let ended = core.destruct(&made.id, Default::default(), None).await.expect("ends");
                assert_eq!(ended.receipt.expect("a receipt").death.cause, Cause::Destruct);
            }
            _ => {
                let all = ReapRequest { older_than_ms: Some(0), ..ReapRequest::default() };
                assert_eq!(core.reap(all).await.expect("reaps").reaped.len(), 1, "{more}");
            }
        }
        assert_eq!((node.living(), core.activity().await.expect("tells").vaults), (Vec::new(), 0), "{more}");
        let shown = core.vault(&made.id).await.expect("has a tombstone");
        assert!(shown.damaged && shown.receipt.is_some());
        core.phases().vaults.salvage_all().await;
        let next = core.spawn(named("next")).await.expect("the name is free");
        assert!(next.changed, "{more}");
    }
}

/// Its node's silence is no death, and no reason to leave.
#[tokio::test]
async fn a_damaged_vault_of_a_silent_node_counts_as_living() {
    let Swarm { core, store, node } = unwatched();
    let made = core.spawn(named("k")).await.expect("spawns").vault;
    store.spoil(&vault_key(&made.id));
    node.set_down(true);
    core.look_through().await.expect("looks");
    core.phases().vaults.salvage_all().await;
    assert_eq!(core.activity().await.expect("tells").vaults, 1);
    assert!(core.destruct(&made.id, Default::default(), None).await.is_err(), "nobody can say that it ended");
    node.set_down(false);
    core.phases().vaults.salvage_all().await;
    assert_eq!(core.activity().await.expect("tells").vaults, 1);
    assert!(core.vaults(Default::default()).await.expect("lists").vaults[0].damaged);
    // With its node's daemon it died, and a new core says so.
    node.restart();
    store.spoil(&vault_key(&made.id));
    core.look_through().await.expect("looks");
    core.phases().vaults.salvage_all().await;
    assert_eq!(core.activity().await.expect("tells").vaults, 0);
    let receipt = core.vault(&made.id).await.expect("has a tombstone").receipt.expect("is dead");
    assert_eq!(receipt.death.cause, Cause::DaemonLost);
}

/// A bit may be flipped in the key itself.
#[tokio::test]
async fn a_vault_whose_record_cannot_even_be_found_is_not_ended() {
    let Swarm { core, store, node } = unwatched();
    let made = core.spawn(named("k")).await.expect("spawns").vault;
    drop(core);
    let key = vault_key(&made.id);
    let document = store.get(&key).await.expect("reads").expect("is there");
    let garbled = key.replace("vault", "vaulu");
    let _ = store
        .commit(Txn::default().delete(key).put(garbled.as_str(), document.value))
        .await
        .expect("commits");
    store.spoil(&garbled);
    let core = core_over(store.clone(), &[&node], &["n1"]);
    core.look_through().await.expect("looks");
    let _tasks = core.start();
    event(&core, |event| matches!(event.what, Happening::NodeUp { .. })).await;
    assert_eq!(node.living(), std::slice::from_ref(&made.id));
    assert!(core.vault(&made.id).await.expect("is recorded again").damaged);
}

#[tokio::test]
async fn a_damaged_budget_ends_no_child_and_what_is_written_anew_is_whole() {
    let Swarm { core, store, .. } = unwatched();
    let mut request = spawning("parent");
    request.summons.wishes.spawn = Some(2);
    let parent = core.spawn(request).await.expect("spawns").vault.id;
    let child = core.spawn(spawning("child")).await.expect("spawns").vault.id;
    let key = vault_key(&child);
    let mut found = core.basis().records.get::<VaultRecord>(&key).await.expect("reads").expect("is there");
    found.value.vault_mut().parent = Some(parent.clone());
    assert!(core.basis().ledger.rewrite(&found).await.expect("commits"));
    store.spoil(&budget_key(&parent));
    core.look_through().await.expect("looks");
    core.phases().families.end_orphaned().await.expect("looks");
    assert!(core.vault(&child).await.expect("shows").receipt.is_none());
    // With its parent's death its budget is gone, wherever it stood.
    core.destruct(&parent, Default::default(), None).await.expect("ends");
    assert_eq!(store.list(ASIDE, None, 10).await.expect("lists"), []);
    core.phases().families.end_orphaned().await.expect("looks");
    assert_eq!(
        core.vault(&child).await.expect("shows").receipt.expect("is dead").death.cause,
        Cause::ParentDied
    );
}

/// They are written anew before anybody asks, and that they were damaged is told all the same.
#[tokio::test]
async fn what_a_start_mends_by_itself_is_told_as_well() {
    let Swarm { core, store, .. } = unwatched();
    core.sign().await.expect("signs");
    core.number_events().await.expect("numbers");
    for key in ["issuer", "meta/events"] {
        store.spoil(key);
    }
    let found = async |core: &Arc<Core>| core.health().await.expect("tells").findings;
    let named = "2 damaged records of the store were set aside: issuer, meta/events";
    for core in [core.clone(), core_over(store.clone(), &[], &[])] {
        core.look_through().await.expect("looks");
        core.sign().await.expect("signs");
        core.number_events().await.expect("numbers");
        assert!(found(&core).await.iter().any(|check| check.what == named), "{:#?}", found(&core).await);
        for key in ["issuer", "meta/events"] {
            assert!(store.get(key).await.expect("reads").is_some_and(|document| document.intact));
        }
    }
    let later = clock::now() + jiff::SignedDuration::from_hours(31 * 24);
    core.phases().retention.prune(later, Default::default()).await.expect("prunes");
    assert!(found(&core).await.iter().all(|check| check.what != named), "not for ever");
}
