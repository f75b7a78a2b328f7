//! Budgets of families: spent, given back, and what a crash leaves.

use super::*;
use crate::fake_node::Call;
use crate::ledger::{BUDGET, LOAN, loan_key};
use hauki_contract::api::ErrorCode;
use hauki_contract::api::clone::{CloneAnswer, CloneAsk};
use hauki_contract::api::node::NewsItem;
use hauki_contract::model::id::VaultId;

fn ask(vault: &VaultId, number: u64) -> NewsItem {
    let arguments = r#"["function f() {}"]"#.to_owned();
    NewsItem::Clone(CloneAsk { vault: vault.clone(), number, arguments })
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
    let loans = core.records.all::<serde_json::Value>(LOAN).await.expect("lists").len();
    let budgets = core.records.all::<serde_json::Value>(BUDGET).await.expect("lists");
    (loans, budgets.iter().filter_map(|found| found.value["spent"].as_u64()).collect())
}

#[tokio::test]
async fn what_was_made_stays_spent_and_what_failed_does_not() {
    let Swarm { core, node, .. } = swarm();
    let parent = parent(&core, 1).await;
    node.fail_next(
        Call::Provision,
        hauki_contract::api::ApiError::new(ErrorCode::WorkerFailed, "create failed"),
    );
    node.say(ask(&parent, 1));
    assert!(answers(&node, 1).await[0].error.is_some());
    assert_eq!(spent(&core).await, (0, vec![0]));
    node.say(ask(&parent, 2));
    assert_eq!(answers(&node, 2).await[1].error, None);
    assert_eq!(spent(&core).await, (0, vec![1]), "and no loan stands beside it");
    node.say(ask(&parent, 3));
    assert_eq!(answers(&node, 3).await[2].error.as_ref().map(|error| error.code), Some(ErrorCode::Quota));
}

#[tokio::test]
async fn what_a_crashed_core_spent_is_given_back_by_the_next() {
    let store = Arc::new(MemoryStore::default());
    let node = Arc::new(FakeNode::new("n1".parse().expect("a name")));
    let first = core_over(store.clone(), &[&node], &["n1"]);
    let parent = parent(&first, 1).await;
    // Spent, and then gone before the child was recorded.
    first.ledger.spend(&parent, &loan_key("key/spawn/1")).await.expect("has a budget");
    assert_eq!(spent(&first).await, (1, vec![1]));
    first.ledger.spend(&parent, &loan_key("key/spawn/1")).await.expect("is paid for");
    let error = first.ledger.spend(&parent, &loan_key("key/spawn/2")).await.expect_err("is another");
    assert_eq!(error.code, ErrorCode::Quota);
    drop(first);
    let next = core_over(store, &[&node], &["n1"]);
    let _tasks = next.start();
    while spent(&next).await != (0, vec![0]) {
        tokio::task::yield_now().await;
    }
    node.say(ask(&parent, 1));
    assert_eq!(answers(&node, 1).await[0].error, None);
}

/// The comparison comes while a child is on its way.
#[tokio::test]
async fn a_budget_is_not_given_back_under_the_hands_of_who_spends_it() {
    let Swarm { core, node, .. } = swarm();
    let parent = parent(&core, 1).await;
    node.hold(Some(Call::Provision));
    node.say(ask(&parent, 1));
    node.somebody_waits().await;
    core.end_orphaned().await.expect("compares");
    assert_eq!(spent(&core).await, (1, vec![1]));
    node.hold(None);
    assert_eq!(answers(&node, 1).await[0].error, None);
    core.end_orphaned().await.expect("compares");
    assert_eq!(spent(&core).await, (0, vec![1]));
}
