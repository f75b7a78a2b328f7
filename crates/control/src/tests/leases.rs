use super::*;
use crate::fake_node::FakeCall;
use hauki_contract::api::ErrorCode;
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::api::teardown::{BeatRequest, BeatTarget, DestructQuery, ReapRequest};
use hauki_contract::api::vault::{TicketRequest, VaultQuery};
use hauki_contract::model::death::Cause;
use hauki_contract::model::id::VaultId;
use hauki_contract::model::phase::Phase;
use hauki_contract::system::random;

async fn spawned(core: &Arc<Core>, key: &str) -> VaultId {
    core.spawn(spawning(key)).await.expect("spawns").vault.id
}

fn target(vault: &VaultId) -> BeatTarget {
    BeatTarget { vault: vault.clone(), generation: Some(1) }
}

#[tokio::test]
async fn heartbeats_answer_one_by_one_in_their_order() {
    let Swarm { core, node, .. } = swarm();
    let (one, dead, two) = (spawned(&core, "1").await, spawned(&core, "2").await, spawned(&core, "3").await);
    core.destruct(&dead, DestructQuery::default(), None).await.expect("ends");
    let stranger = random::vault_id();
    let old = BeatTarget { generation: Some(7), ..target(&two) };
    let vaults = vec![target(&one), target(&dead), target(&stranger), old, target(&two)];
    let beats = core.heartbeats(BeatRequest { vaults, by: None }).await.expect("beats").beats;
    let codes: Vec<Option<ErrorCode>> =
        beats.iter().map(|beat| beat.error.as_ref().and_then(|error| error.code.known())).collect();
    let expected =
        [None, Some(ErrorCode::VaultDead), Some(ErrorCode::NotFound), Some(ErrorCode::Conflict), None];
    assert_eq!(codes, expected);
    assert_eq!(beats[0].lease_left_ms, Some(60_000));
    assert_eq!(node.living().len(), 2);
    let none = BeatRequest { vaults: Vec::new(), by: None };
    assert_eq!(core.heartbeats(none).await.expect_err("is empty").code, ErrorCode::BadRequest);
}

#[tokio::test]
async fn everything_asked_of_the_dead_is_answered_with_the_tombstone() {
    let Swarm { core, .. } = swarm();
    let vault = spawned(&core, "k").await;
    let by = Some("uid 0 pid 4242".to_owned());
    let ended = core.destruct(&vault, DestructQuery::default(), by.clone()).await.expect("ends");
    let receipt = ended.receipt.expect("has one");
    assert!(ended.changed);
    assert_eq!((receipt.death.cause, &receipt.death.by), (Cause::Destruct.into(), &by));

    let request = TicketRequest { vault: vault.clone(), wishes: TicketWishes::default() };
    let error = core.ticket(request).await.expect_err("is dead");
    assert_eq!(error.receipt.as_deref(), Some(&receipt));
    let again = core.destruct(&vault, DestructQuery::default(), None).await.expect("answers");
    assert_eq!((again.changed, again.receipt.as_ref()), (false, Some(&receipt)));
    let shown = core.vault(&vault).await.expect("shows");
    assert_eq!((shown.phase, shown.receipt), (Phase::Dead.into(), Some(receipt)));
    assert_eq!(core.vaults(VaultQuery::default()).await.expect("lists").vaults, []);
    let all = VaultQuery { all: true, ..VaultQuery::default() };
    assert_eq!(core.vaults(all).await.expect("lists").vaults.len(), 1);
    let unknown = core.destruct(&random::vault_id(), DestructQuery::default(), None).await;
    assert_eq!(unknown.expect_err("is unknown").code, ErrorCode::NotFound);
}

#[tokio::test]
async fn a_death_that_only_the_node_knows_is_learned_from_its_answer() {
    let Swarm { core, node, .. } = unwatched();
    let vault = spawned(&core, "k").await;
    node.kill(&vault, Cause::OutOfMemory);
    let beats =
        core.heartbeats(BeatRequest { vaults: vec![target(&vault)], by: None }).await.expect("answers").beats;
    let receipt = beats[0].error.as_ref().and_then(|error| error.receipt.clone()).expect("is dead");
    assert_eq!(receipt.death.cause, Cause::OutOfMemory);
    assert_eq!(core.vault(&vault).await.expect("shows").receipt, Some(*receipt));
}

#[tokio::test]
async fn a_destruct_that_cannot_reach_the_node_says_so_and_buries_nothing() {
    let Swarm { core, node, .. } = unwatched();
    let vault = spawned(&core, "k").await;
    node.set_down(true);
    let error = core.destruct(&vault, DestructQuery::default(), None).await.expect_err("is down");
    assert_eq!((error.code, error.retryable), (ErrorCode::Temporary.into(), true));
    let shown = core.vault(&vault).await.expect("shows");
    assert_eq!((shown.receipt, shown.phase), (None, Phase::Ticketed.into()));
    assert!(shown.unreachable.expect("says why").contains("connection refused"));
    let dry = DestructQuery { dry_run: true, ..DestructQuery::default() };
    assert!(core.destruct(&vault, dry, None).await.expect("plans").receipt.is_none());
    node.set_down(false);
    assert!(core.destruct(&vault, DestructQuery::default(), None).await.expect("ends").changed);
}

#[tokio::test]
async fn reap_ends_what_fits_every_rule_and_nothing_without_one() {
    let Swarm { core, node, .. } = swarm();
    let mut tagged = spawning("tagged");
    tagged.summons.labels.insert("job".into(), "nightly".into());
    let tagged = core.spawn(tagged).await.expect("spawns").vault.id;
    let plain = spawned(&core, "plain").await;
    let rules = |labels: &[(&str, &str)], older_than_ms| ReapRequest {
        labels: labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        older_than_ms,
        ..ReapRequest::default()
    };
    let error = core.reap(ReapRequest::default()).await.expect_err("has no rule");
    assert_eq!(error.code, ErrorCode::BadRequest);
    let hour = rules(&[], Some(3_600_000));
    assert_eq!(core.reap(hour).await.expect("reaps").reaped, []);
    let dry = ReapRequest { dry_run: true, ..rules(&[("job", "nightly")], Some(0)) };
    assert_eq!(core.reap(dry).await.expect("plans").reaped[0].vault, tagged);
    assert_eq!(node.living().len(), 2);
    let done = core.reap(rules(&[("job", "nightly")], Some(0))).await.expect("reaps");
    assert_eq!(done.reaped.len(), 1);
    assert_eq!(
        done.reaped[0].receipt.as_ref().map(|receipt| receipt.death.cause),
        Some(Cause::Reaped.into())
    );
    assert_eq!(node.living(), std::slice::from_ref(&plain));

    let down = NodeError::new(NodeFault::Silent, "connection refused");
    node.fail_next(FakeCall::Doom, down);
    let done = core.reap(rules(&[], Some(0))).await.expect("tells");
    assert_eq!((done.reaped.len(), done.nodes[0].reaped, done.nodes[0].left), (0, 0, 1));
    assert_eq!(node.living(), std::slice::from_ref(&plain));

    // A node of an older version.
    node.fail_next(FakeCall::Doom, NodeError::new(NodeFault::NotAsked, "no such path on a node"));
    let done = core.reap(rules(&[], Some(0))).await.expect("reaps");
    assert_eq!((done.reaped.len(), done.nodes[0].left, done.nodes[0].error.is_none()), (1, 0, true));
    assert_eq!(node.living(), []);
}

#[tokio::test]
async fn a_reap_kills_all_before_it_waits_for_the_first_receipt() {
    let Swarm { core, node, .. } = swarm();
    for key in ["a", "b", "c"] {
        spawned(&core, key).await;
    }
    node.hold(Some(FakeCall::Destruct));
    let all = ReapRequest { older_than_ms: Some(0), ..ReapRequest::default() };
    let reaping = tokio::spawn({
        let core = core.clone();
        async move { core.reap(all).await }
    });
    node.somebody_waits().await;
    assert_eq!(node.living(), []);
    node.hold(None);
    let done = reaping.await.expect("ends").expect("reaps");
    assert_eq!(done.reaped.len(), 3);
    assert!(
        done.reaped
            .iter()
            .all(|vault| vault.receipt.as_ref().is_some_and(|receipt| receipt.death.cause == Cause::Reaped))
    );
}

#[tokio::test]
async fn a_daemon_that_stops_forges_nothing_more() {
    let Swarm { core, .. } = swarm();
    let vault = spawned(&core, "k").await;
    assert_eq!(core.activity().await.expect("tells").vaults, 1);
    core.drain();
    assert_eq!(core.spawn(spawning("k2")).await.expect_err("stops").code, ErrorCode::Temporary);
    assert_eq!(core.health().await.expect("tells").status, "draining");
    assert!(core.destruct(&vault, DestructQuery::default(), None).await.expect("ends").changed);
    let request = core.request();
    assert_eq!(core.activity().await.expect("tells").requests, 1);
    drop(request);
    let activity = core.activity().await.expect("tells");
    assert_eq!((activity.requests, activity.vaults), (0, 0));
}

#[tokio::test]
async fn a_node_that_cannot_be_asked_is_an_error_of_that_node_only() {
    let names = ["n1", "n2", "n3"];
    let nodes = names.map(|name| Arc::new(FakeNode::new(name.parse().expect("a name"))));
    let core = core_over(Arc::new(MemoryStore::default()), &nodes.each_ref(), &names);
    for number in 0..4 {
        let node = names[number % 2].parse().ok();
        let placement = Placement { node, ..Placement::default() };
        let key = format!("k{number}");
        core.spawn(SpawnRequest { placement, ..spawning(&key) }).await.expect("spawns");
    }
    nodes[0].set_down(true);
    nodes[2].set_down(true);
    let rule = || ReapRequest { older_than_ms: Some(0), ..ReapRequest::default() };
    let done = core.reap(rule()).await.expect("tells");
    let told: Vec<_> = done
        .nodes
        .iter()
        .map(|node| (node.node.as_str(), node.reaped, node.left, node.error.is_some()))
        .collect();
    assert_eq!(told, [("n1", 0, 2, true), ("n2", 2, 0, false), ("n3", 0, 0, true)]);
    assert_eq!((done.reaped.len(), nodes[0].living().len(), nodes[1].living().len()), (2, 2, 0));
    let one = ReapRequest { node: "n2".parse().ok(), ..rule() };
    let done = core.reap(one).await.expect("tells").nodes;
    assert!(done.len() == 1 && done[0].error.is_none(), "who is not meant is not asked: {done:?}");
    let nobody = ReapRequest { node: "n9".parse().ok(), ..rule() };
    assert!(core.reap(nobody).await.expect("tells").nodes[0].error.is_some());
    nodes[0].set_down(false);
    nodes[2].set_down(false);
    let done = core.reap(rule()).await.expect("tells");
    assert!(done.nodes.iter().all(|node| node.error.is_none()) && nodes[0].living().is_empty());
}
