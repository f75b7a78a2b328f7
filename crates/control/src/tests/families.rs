//! Budgets of families: spent, given back, and what a crash leaves.

use super::*;
use crate::fake_node::FakeCall;
use crate::ledger::{BUDGET, LOAN};
use crate::store::Expect;
use hauki_contract::api::clone::{CloneAnswer, CloneAsk};
use hauki_contract::api::node::NewsItem;
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::api::{ApiError, ErrorCode};
use hauki_contract::model::death::Cause;
use hauki_contract::model::id::VaultId;

fn ask(vault: &VaultId, number: u64) -> CloneAsk {
    let arguments = r#"["function f() {}"]"#.to_owned();
    CloneAsk { vault: vault.clone(), number, arguments, traceparent: None }
}

async fn parent(core: &Arc<Core>, spawn: u32) -> VaultId {
    let mut request = spawning("parent");
    request.summons.wishes.spawn = Some(spawn);
    core.spawn(request).await.expect("spawns").vault.id
}

async fn answers(node: &FakeNode, most: usize) -> Vec<CloneAnswer> {
    while node.answers().len() < most {
        tokio::task::yield_now().await;
    }
    node.answers()
}

async fn spent(core: &Core) -> (usize, Vec<u64>) {
    let loans = core.basis().records.all::<serde_json::Value>(LOAN).await.expect("lists").len();
    let budgets = core.basis().records.all::<serde_json::Value>(BUDGET).await.expect("lists");
    (loans, budgets.iter().filter_map(|found| found.value["spent"].as_u64()).collect())
}

#[tokio::test]
async fn what_was_made_stays_spent_and_what_failed_does_not() {
    let Swarm { core, node, .. } = swarm();
    let parent = parent(&core, 1).await;
    node.fail_next(FakeCall::Provision, NodeError::new(NodeFault::WorkerFailed(None), "create failed"));
    node.wish(ask(&parent, 1));
    assert!(answers(&node, 1).await[0].error.is_some());
    assert_eq!(spent(&core).await, (0, vec![0]));
    node.wish(ask(&parent, 2));
    assert_eq!(answers(&node, 2).await[1].error, None);
    assert_eq!(spent(&core).await, (0, vec![1]), "and no loan stands beside it");
    node.wish(ask(&parent, 3));
    assert_eq!(
        answers(&node, 3).await[2].error.as_ref().map(|error| error.code),
        Some(ErrorCode::Quota.into())
    );
}

#[tokio::test]
async fn what_a_crashed_core_spent_is_given_back_by_the_next() {
    let store = Arc::new(MemoryStore::default());
    let node = Arc::new(FakeNode::new("n1".parse().expect("a name")));
    let first = core_over(store.clone(), &[&node], &["n1"]);
    let parent = parent(&first, 1).await;
    // Spent, and then gone before the child was recorded.
    let spend = async |key: &str| first.basis().ledger.spend(&parent, key, Expect::Absent).await;
    spend("key/spawn/1").await.expect("has a budget");
    assert_eq!(spent(&first).await, (1, vec![1]));
    spend("key/spawn/1").await.expect("is paid for");
    let error = spend("key/spawn/2").await.expect_err("is another");
    assert_eq!(ApiError::from(error).code, ErrorCode::Quota);
    drop(first);
    let next = core_over(store, &[&node], &["n1"]);
    let _tasks = next.start();
    while spent(&next).await != (0, vec![0]) {
        tokio::task::yield_now().await;
    }
    node.wish(ask(&parent, 1));
    assert_eq!(answers(&node, 1).await[0].error, None);
}

/// The comparison comes while a child is on its way.
#[tokio::test]
async fn a_budget_is_not_given_back_under_the_hands_of_who_spends_it() {
    let Swarm { core, node, .. } = swarm();
    let parent = parent(&core, 1).await;
    node.hold(Some(FakeCall::Provision));
    node.wish(ask(&parent, 1));
    node.somebody_waits().await;
    core.phases().families.end_orphaned().await.expect("compares");
    assert_eq!(spent(&core).await, (1, vec![1]));
    node.hold(None);
    assert_eq!(answers(&node, 1).await[0].error, None);
    core.phases().families.end_orphaned().await.expect("compares");
    assert_eq!(spent(&core).await, (0, vec![1]));
}

/// A node of an older version has no list of them, and one that has is not answered twice.
#[tokio::test]
async fn a_wish_is_heard_once_by_whatever_way_it_comes() {
    let Swarm { core, node, .. } = swarm();
    let parent = parent(&core, 3).await;
    node.hold(Some(FakeCall::Provision));
    node.wish(ask(&parent, 1));
    node.somebody_waits().await;
    node.say(NewsItem::Clone(ask(&parent, 1)));
    node.say(NewsItem::Log { vault: parent.clone(), text: "all is heard".into() });
    event(&core, |event| matches!(event.what, hauki_contract::api::event::Happening::Log { .. })).await;
    node.hold(None);
    assert_eq!(answers(&node, 1).await[0].error, None);
    // As by an older node: only its news tell of it.
    node.fail_next(FakeCall::Asks, NodeError::new(NodeFault::NotAsked, "no such path on a node"));
    node.wish(ask(&parent, 2));
    node.say(NewsItem::Clone(ask(&parent, 2)));
    assert_eq!(answers(&node, 2).await[1].error, None);
    assert_eq!((node.provisioned(), spent(&core).await), (3, (0, vec![2])));
}

/// Its neighbour prints without end.
#[tokio::test]
async fn a_wish_is_heard_however_much_its_neighbours_print() {
    let Swarm { core, node, .. } = swarm();
    let parent = parent(&core, 1).await;
    node.wish(ask(&parent, 1));
    for number in 0..20_000 {
        node.say(NewsItem::Log { vault: parent.clone(), text: format!("{number}") });
    }
    assert_eq!(answers(&node, 1).await[0].error, None);
}

#[tokio::test]
async fn to_ask_how_a_vault_died_kills_nobody() {
    let Swarm { core, node, .. } = swarm();
    let (lives, dies) = (parent(&core, 0).await, random_spawn(&core).await);
    let slot = core.basis().node_table.slot(&"n1".parse().expect("a name")).expect("is there");
    let asked = core.phases().vaults.ask_for_tombstone(&slot, &lives).await.expect_err("lives");
    assert_eq!((asked.fault, node.living().len()), (NodeFault::NotYet, 2));
    node.kill(&dies, Cause::OutOfMemory);
    let told =
        core.phases().vaults.ask_for_tombstone(&slot, &dies).await.expect("is told").expect("is known");
    assert_eq!(told.death.cause, Cause::OutOfMemory);
    let never = hauki_contract::system::random::vault_id();
    assert_eq!(core.phases().vaults.ask_for_tombstone(&slot, &never).await, Ok(None));
    // It is left out of a list, and lives all the same.
    node.lie(crate::fake_node::Lies {
        vaults: Some(Arc::new(|list| list.vaults.clear())),
        ..crate::fake_node::Lies::default()
    });
    core.phases().watcher.reconcile(&slot, false, &mut Default::default()).await.expect("compares");
    assert_eq!(node.living(), std::slice::from_ref(&lives));
    assert!(core.vault(&lives).await.expect("shows").receipt.is_none());
}

async fn random_spawn(core: &Arc<Core>) -> VaultId {
    core.spawn(spawning("dies")).await.expect("spawns").vault.id
}
