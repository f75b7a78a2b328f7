//! Nodes that were added and are removed.

use super::*;
use crate::ledger::encode;
use crate::store::{CommitOutcome, Txn};
use hauki_contract::api::ErrorCode;
use hauki_contract::api::swarm::NodeRemove;
use hauki_contract::api::vault::VaultQuery;
use hauki_contract::model::death::Cause;
use hauki_contract::model::id::{NodeName, VaultId};

/// As if it had been added by command.
async fn added(store: &Arc<MemoryStore>, node: &Arc<FakeNode>) -> Arc<Core> {
    let core = core_over(store.clone(), &[node], &["n1"]);
    let place = serde_json::json!({
        "node": { "name": "n1", "ssh": "root@192.0.2.1" },
        "by_bridge": false, "sudo": false, "draining": false,
    });
    let txn = Txn::default().put("node/n1", encode(&place).expect("is JSON"));
    assert!(matches!(store.commit(txn).await, Ok(CommitOutcome::Committed { .. })));
    core
}

async fn named(core: &Arc<Core>, key: &str) -> Result<VaultId, hauki_contract::api::ApiError> {
    let mut request = spawning(key);
    request.summons.name = "scout/eu".parse().ok();
    Ok(core.spawn(request).await?.vault.id)
}

async fn living(core: &Core) -> usize {
    core.vaults(VaultQuery::default()).await.expect("lists").vaults.len()
}

#[tokio::test]
async fn a_removed_node_leaves_nothing_under_its_name_or_its_workers_names() {
    for down in [false, true] {
        let store = Arc::new(MemoryStore::default());
        let node = Arc::new(FakeNode::new("n1".parse().expect("a name")));
        let core = added(&store, &node).await;
        let vault = named(&core, "first").await.expect("spawns");
        node.set_down(down);
        let name: NodeName = "n1".parse().expect("a name");
        let error = core.remove_node(&name, &NodeRemove { force: false }).await.expect_err("has vaults");
        assert_eq!(error.code, ErrorCode::Conflict);
        core.remove_node(&name, &NodeRemove { force: true }).await.expect("is removed");
        let receipt = core.vault(&vault).await.expect("is known").receipt.expect("is settled");
        // The living end and say so; what cannot be asked is given up.
        let cause = if down { Cause::DaemonLost } else { Cause::Reaped };
        assert_eq!((receipt.death.cause, living(&core).await), (cause, 0));
        assert_eq!(node.living().is_empty(), !down);

        // Another machine of that name, and another worker of that one.
        let other = Arc::new(FakeNode::new(name.clone()));
        let core = added(&store, &other).await;
        let _tasks = core.start();
        let vault = named(&core, "second").await.expect("both names are free");
        assert_eq!((other.living(), living(&core).await), (vec![vault], 1));
    }
}

/// It emptied itself, and the news of that were not read yet.
#[tokio::test]
async fn what_the_node_has_buried_is_buried_before_the_node_goes() {
    let store = Arc::new(MemoryStore::default());
    let node = Arc::new(FakeNode::new("n1".parse().expect("a name")));
    let core = added(&store, &node).await;
    let vault = named(&core, "k").await.expect("spawns");
    node.kill(&vault, Cause::HeartbeatLost);
    let name = "n1".parse().expect("a name");
    core.remove_node(&name, &NodeRemove { force: false }).await.expect("is empty");
    let receipt = core.vault(&vault).await.expect("is known").receipt.expect("is settled");
    assert_eq!(receipt.death.cause, Cause::HeartbeatLost);
}
