//! Whose tombstones are kept, and who reads them.

use super::*;
use crate::ledger::{TOMB, tomb_key};
use crate::retention::Most;
use hauki_contract::api::vault::VaultQuery;
use hauki_contract::model::id::VaultId;
use hauki_contract::system::clock;

async fn died(core: &Arc<Core>, owner: u32, number: usize) -> VaultId {
    let owner = Some(owner);
    let spawning = spawning(&format!("{owner:?} {number}"));
    let id = core.spawn_for(owner, owner, spawning).await.expect("spawns").vault.id;
    core.destruct(&id, Default::default(), None).await.expect("ends");
    id
}

#[tokio::test]
async fn a_user_who_makes_many_pushes_out_nobody_elses_tombstones() {
    let Swarm { core, .. } = unwatched();
    let (mut of_root, mut of_ann) = (Vec::new(), Vec::new());
    for number in 0..3 {
        of_root.push(died(&core, 0, number).await);
    }
    for number in 0..60 {
        of_ann.push(died(&core, 1000, number).await);
    }
    let kept = async || -> Vec<String> {
        let documents = core.basis().records.documents(TOMB, None, 1000).await.expect("lists");
        documents.into_iter().map(|document| document.key).collect()
    };
    core.phases().retention.prune(clock::now(), Most { tombs: 40, ..Most::default() }).await.expect("prunes");
    // Hers that are left are the latest.
    let expected: Vec<String> = of_root.iter().chain(&of_ann[23..]).map(tomb_key).collect();
    assert_eq!(kept().await, expected);
    // By their bytes as well.
    let bytes = core.basis().records.size(TOMB).await.expect("counts").bytes;
    core.phases()
        .retention
        .prune(clock::now(), Most { tomb_bytes: bytes / 4 * 3, ..Most::default() })
        .await
        .expect("prunes");
    let left = kept().await;
    assert!(left.len() > 25 && left.len() < 32 && left[..3] == expected[..3], "{left:?}");
    // Where all have the same, the oldest go; and nothing is left where there is no room at all.
    core.phases().retention.prune(clock::now(), Most { tombs: 0, ..Most::default() }).await.expect("prunes");
    assert_eq!(kept().await, [""; 0]);
}

#[tokio::test]
async fn a_user_lists_his_own_and_what_is_damaged_is_found_by_whoever_lists() {
    let Swarm { core, store, .. } = unwatched();
    let (of_root, of_ann) = (died(&core, 0, 0).await, died(&core, 1000, 0).await);
    let damaged = died(&core, 0, 1).await;
    store.spoil(&tomb_key(&damaged));
    let list = async |only| {
        let query = VaultQuery { all: true, ..VaultQuery::default() };
        let listed = core.vaults_of(only, query).await.expect("lists").vaults;
        listed.into_iter().map(|vault| vault.id).collect::<Vec<_>>()
    };
    assert_eq!(list(Some(1000)).await, std::slice::from_ref(&of_ann));
    assert_eq!(list(Some(1001)).await, [] as [VaultId; 0]);
    assert_eq!(list(None).await, [of_root, of_ann]);
    assert_eq!(core.basis().records.aside().count(), 1);
}

#[tokio::test]
async fn who_hears_of_a_death_after_it_was_written_down_does_not_ask_the_store() {
    let Swarm { core, store, .. } = unwatched();
    let spawned = core.spawn_for(None, None, spawning("k")).await.expect("spawns");
    let ended = core.destruct(&spawned.vault.id, Default::default(), None).await.expect("ends");
    let receipt = ended.receipt.expect("has one");
    let vaults = &core.phases().vaults;
    let (read, written) = (store.read(), store.commits() + store.notes());
    for _ in 0..3 {
        assert!(!vaults.bury(receipt.clone()).await.expect("is known"));
    }
    assert_eq!((store.read(), store.commits() + store.notes()), (read, written));
    // Of the last ones only: of earlier ones the store is asked.
    for number in 0..64 {
        died(&core, 1000, number).await;
    }
    let read = store.read();
    assert!(!vaults.bury(receipt).await.expect("is known"));
    assert!(store.read() > read);
}
