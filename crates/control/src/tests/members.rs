//! Nodes that were added and are removed.

use super::*;
use crate::fake_node::FakeCall;
use crate::ledger::{NodeRecord, encode};
use crate::store::{CommitOutcome, Txn};
use hauki_contract::api::ErrorCode;
use hauki_contract::api::swarm::{NodeDrain, NodeRemove, NodeStep, NodeUpgrade};
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
        assert_eq!((receipt.death.cause, living(&core).await), (cause.into(), 0));
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

/// Two cores that have the same nodes in their configuration, and begin one beside the other.
async fn beside(store: &Arc<MemoryStore>, nodes: &[&Arc<FakeNode>]) -> [Arc<Core>; 2] {
    let cores = [true, false].map(|alone| (alone, core_over(store.clone(), nodes, &["n1", "n2"])));
    for (alone, core) in &cores {
        core.basis().ledger.begin(*alone).await.expect("begins");
    }
    cores.map(|(_, core)| core)
}

fn pair() -> [Arc<FakeNode>; 2] {
    ["n1", "n2"].map(|name| Arc::new(FakeNode::new(name.parse().expect("a name"))))
}

async fn place(core: &Arc<Core>, key: &str) -> String {
    core.spawn(spawning(key)).await.expect("spawns").vault.node.to_string()
}

#[tokio::test]
async fn what_one_core_has_drained_no_other_places_on() {
    let (store, nodes) = (Arc::new(MemoryStore::default()), pair());
    let [first, second] = beside(&store, &[&nodes[0], &nodes[1]]).await;
    // It has looked at both, and would go on for a second.
    let before = place(&second, "before").await;
    let other = if before == "n1" { "n2" } else { "n1" };
    let (draining, name) = (NodeDrain { draining: true }, before.parse().expect("a name"));
    assert_eq!(first.drain_node(&name, &draining).await.expect("drains").state, "draining");
    let made = nodes.iter().map(|node| node.provisioned()).sum::<u32>();
    for number in 0..3 {
        assert_eq!(place(&second, &format!("k{number}")).await, other);
        assert_eq!(place(&first, &format!("f{number}")).await, other);
    }
    assert_eq!(nodes.iter().map(|node| node.provisioned()).sum::<u32>(), made + 6, "none for nothing");
    let listed = second.nodes().await.nodes;
    let states: Vec<&str> = listed.iter().map(|node| node.state.as_str()).collect();
    assert_eq!(states.iter().filter(|state| **state == "draining").count(), 1, "{states:?}");
    // And both ways.
    second.drain_node(&name, &NodeDrain { draining: false }).await.expect("undrains");
    let drained = other.parse().expect("a name");
    second.drain_node(&drained, &draining).await.expect("drains");
    assert_eq!(place(&first, "last").await, before);
    // Who begins alone has drained nothing yet.
    let third = core_over(store.clone(), &[&nodes[0], &nodes[1]], &["n1", "n2"]);
    third.basis().ledger.begin(true).await.expect("begins");
    third.load_nodes().await.expect("loads");
    assert!(third.nodes().await.nodes.iter().all(|node| node.state == "ready"));
}

fn record(name: &str, draining: bool) -> NodeRecord {
    let record = serde_json::json!({
        "node": { "name": name, "ssh": "root@127.0.0.1:1" },
        "by_bridge": false, "sudo": false, "draining": draining,
    });
    serde_json::from_value(record).expect("is one")
}

#[tokio::test]
async fn what_another_core_has_added_or_taken_out_is_seen() {
    let (store, nodes) = (Arc::new(MemoryStore::default()), pair());
    let [first, second] = beside(&store, &[&nodes[0], &nodes[1]]).await;
    let names = async |core: &Arc<Core>| {
        core.nodes().await.nodes.into_iter().map(|node| node.name.to_string()).collect::<Vec<_>>()
    };
    for name in ["a1", "a2"] {
        first.phases().membership.list(&record(name, name == "a2")).await.expect("is listed");
    }
    for core in [&first, &second] {
        assert_eq!(names(core).await, ["a1", "a2", "n1", "n2"]);
        let slots = core.basis().node_table.slots();
        let draining = |name: &str| slots[&name.parse::<NodeName>().expect("a name")].is_draining();
        assert_eq!([draining("a1"), draining("a2")], [false, true]);
    }
    let struck = first.phases().membership.strike(&"a1".parse().expect("a name")).await;
    struck.expect_err("is not drained");
    // What is the same keeps its link, and is watched.
    let kept = second.basis().node_table.slot(&"a1".parse().expect("a name")).expect("is there");
    let _tasks = second.start();
    first.phases().membership.strike(&"a2".parse().expect("a name")).await.expect("goes");
    let gone = || second.basis().node_table.slots().len() == 3;
    while !gone() || !kept.is_watched() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let still = second.basis().node_table.slot(&"a1".parse().expect("a name")).expect("is there");
    assert!(Arc::ptr_eq(&kept, &still));
    // It is asked by the next start as well, and stays drained.
    first.phases().membership.drain(&"a1".parse().expect("a name"), true).await.expect("drains");
    let third = core_over(store.clone(), &[], &[]);
    third.basis().ledger.begin(true).await.expect("begins");
    third.load_nodes().await.expect("loads");
    assert!(third.basis().node_table.slots().values().all(|slot| slot.is_draining()));
}

#[tokio::test]
async fn a_node_on_which_a_vault_is_being_made_is_not_taken_out() {
    let store = Arc::new(MemoryStore::default());
    let node = Arc::new(FakeNode::new("n1".parse().expect("a name")));
    let core = added(&store, &node).await;
    node.hold(Some(FakeCall::Provision));
    let spawning = tokio::spawn({
        let core = core.clone();
        async move { core.spawn(spawning("k")).await }
    });
    node.somebody_waits().await;
    let name = "n1".parse().expect("a name");
    let error = core.remove_node(&name, &NodeRemove { force: false }).await.expect_err("is being used");
    assert_eq!(error.code, ErrorCode::Conflict);
    assert!(error.message.contains("is being made"), "{}", error.message);
    node.hold(None);
    spawning.await.expect("ends").expect("spawns");
    core.spawn(super::spawning("k2")).await.expect("it is as it was");
}

/// Whoever repeats an upgrade that he has given up finds the node drained by the first.
#[tokio::test]
async fn an_upgrade_that_is_repeated_leaves_the_node_as_its_operator_wished_it() {
    let store = Arc::new(MemoryStore::default());
    let node = Arc::new(FakeNode::new("n1".parse().expect("a name")));
    let core = added(&store, &node).await;
    named(&core, "k").await.expect("spawns");
    let name: NodeName = "n1".parse().expect("a name");
    let mut first = core.upgrade_node(&name, NodeUpgrade { kill: false }).await.expect("begins");
    assert!(matches!(first.recv().await, Some(NodeStep::Done { .. })), "it waits for the vault's end");
    let second = core.upgrade_node(&name, NodeUpgrade { kill: false }).await.expect("begins");
    // Time enough to look at the record, if nothing holds it.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    drop((first, second));
    let _both_have_ended = core.basis().flights.enter("emptied/n1").await;
    let record = core.phases().node_operations.node_record(&name).await.expect("reads").expect("is there");
    assert!(!record.draining);
}

/// Whoever makes a slot anew: nobody would hear of its deaths otherwise, where a core is alone.
#[tokio::test]
async fn a_node_that_comes_in_is_watched_by_a_core_that_is_alone_too() {
    let store = Arc::new(MemoryStore::default());
    let core = core_over(store.clone(), &[], &[]);
    core.basis().ledger.begin(true).await.expect("begins");
    let _tasks = core.start();
    let name: NodeName = "a1".parse().expect("a name");
    for _ in 0..2 {
        core.phases().membership.list(&record("a1", false)).await.expect("is listed");
        let slot = core.basis().node_table.slot(&name).expect("is there");
        let watched = async {
            while !slot.is_watched() {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), watched).await.expect("is watched");
    }
}

/// As on a disk with no room for its socket.
#[tokio::test]
async fn a_node_that_cannot_be_linked_keeps_no_other_out_and_comes_in_when_it_can() {
    let (store, nodes, home) =
        (Arc::new(MemoryStore::default()), pair(), tempfile::tempdir().expect("a directory"));
    let [first, _] = beside(&store, &[&nodes[0], &nodes[1]]).await;
    let members = core_members(&[&nodes[0], &nodes[1]], &["n1", "n2"]);
    let core = core_in(home.path(), store.clone(), members);
    core.basis().ledger.begin(false).await.expect("begins");
    let in_the_way = home.path().join("link");
    std::fs::write(&in_the_way, "").expect("writes");
    first.phases().membership.list(&record("a1", true)).await.expect("is listed by who can");
    first.drain_node(&"n1".parse().expect("a name"), &NodeDrain { draining: true }).await.expect("drains");
    for number in 0..2 {
        assert_eq!(place(&core, &format!("k{number}")).await, "n2", "the others go on, as they are");
    }
    let slots = || core.basis().node_table.slots();
    let told = async || {
        let findings = core.health().await.expect("tells").findings;
        findings.iter().any(|check| check.what.starts_with("a1: it is left out"))
    };
    assert!(slots().len() == 2 && told().await);
    let refused = core.phases().membership.list(&record("a2", false)).await;
    assert!(
        refused.is_err()
            && core
                .phases()
                .membership
                .record(&"a2".parse().expect("a name"))
                .await
                .expect("reads")
                .is_none()
    );
    std::fs::remove_file(&in_the_way).expect("was there");
    core.phases().membership.reach_again().await;
    assert!(slots()[&"a1".parse::<NodeName>().expect("a name")].is_draining() && !told().await);
}

#[tokio::test]
async fn an_upgrade_waits_for_a_vault_that_is_being_made() {
    let store = Arc::new(MemoryStore::default());
    let node = Arc::new(FakeNode::new("n1".parse().expect("a name")));
    let core = added(&store, &node).await;
    node.hold(Some(FakeCall::Provision));
    let spawning = tokio::spawn({
        let core = core.clone();
        async move { core.spawn(spawning("k")).await }
    });
    node.somebody_waits().await;
    let name: NodeName = "n1".parse().expect("a name");
    let mut steps = core.upgrade_node(&name, NodeUpgrade { kill: false }).await.expect("begins");
    let Some(NodeStep::Done { what }) = steps.recv().await else { panic!("it installs under a vault") };
    assert!(what.starts_with("draining: 1 vaults"), "{what}");
    drop(steps);
    node.hold(None);
    spawning.await.expect("ends").expect("spawns");
}
