//! One order for many vaults: each has its answer, and it goes to its end.

use super::*;
use crate::fake_node::FakeCall;
use crate::store::memory::InjectedFault;
use hauki_contract::api::ErrorCode;
use hauki_contract::api::event::Happening;
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::api::teardown::{DestructRequest, ReapRequest};
use hauki_contract::model::death::Cause;
use hauki_contract::model::id::VaultId;
use hauki_contract::model::phase::Phase;
use hauki_contract::system::random;

async fn spawned(core: &Arc<Core>, key: &str, node: &str) -> VaultId {
    let mut request = spawning(key);
    request.placement.node = Some(node.parse().expect("a name"));
    core.spawn(request).await.expect("spawns").vault.id
}

fn order(vaults: Vec<VaultId>) -> DestructRequest {
    DestructRequest { vaults, grace_ms: 0, dry_run: false }
}

#[tokio::test]
async fn each_vault_of_an_order_has_its_answer_in_its_place() {
    let Swarm { core, node, .. } = swarm();
    let (one, two, dead) =
        (spawned(&core, "1", "n1").await, spawned(&core, "2", "n1").await, spawned(&core, "3", "n1").await);
    core.destruct(&dead, Default::default(), None).await.expect("ends");
    let unknown = random::vault_id();
    let all = vec![two.clone(), unknown.clone(), dead.clone(), one.clone(), two.clone()];
    let dry = DestructRequest { dry_run: true, ..order(all.clone()) };
    let told = core.destruct_many(dry, None).await.expect("tells").ended;
    assert_eq!(told.iter().map(|ended| ended.changed).collect::<Vec<_>>(), [true, false, false, true, true]);
    assert_eq!(node.living().len(), 2, "a dry run ends nothing");
    let told = core.destruct_many(order(all.clone()), Some("me".into())).await.expect("ends").ended;
    assert!(told.iter().map(|ended| &ended.vault).eq(&all));
    assert_eq!(told[1].error.as_ref().map(|error| error.code), Some(ErrorCode::NotFound.into()));
    assert_eq!(told.iter().map(|ended| ended.changed).collect::<Vec<_>>(), [true, false, false, true, true]);
    for place in [0, 3, 4] {
        let death = &told[place].receipt.as_ref().expect("is dead").death;
        assert_eq!((death.cause, death.by.as_deref()), (Cause::Destruct.into(), Some("me")));
    }
    assert_eq!(node.living(), []);
    let again = core.destruct_many(order(all), None).await.expect("answers").ended;
    assert!(again.iter().all(|ended| !ended.changed), "the second run does no harm");
    assert_eq!(
        core.destruct_many(order(Vec::new()), None).await.expect_err("is empty").code,
        ErrorCode::BadRequest
    );
}

#[tokio::test]
async fn of_two_orders_that_are_alike_one_has_ended_each_vault() {
    let Swarm { core, .. } = swarm();
    for round in 0..20 {
        let mut vaults = Vec::new();
        for number in 0..3 {
            vaults.push(spawned(&core, &format!("{round}.{number}"), "n1").await);
        }
        let mut orders = tokio::task::JoinSet::new();
        for _ in 0..3 {
            let (core, order) = (core.clone(), order(vaults.clone()));
            orders.spawn(
                async move { core.destruct_many(order, Some("me".into())).await.expect("ends").ended },
            );
        }
        let told = orders.join_all().await;
        for place in 0..3 {
            let changed = told.iter().filter(|ended| ended[place].changed).count();
            assert_eq!(changed, 1, "{round}: {told:?}");
        }
    }
    assert!(core.phases().life.ordered().is_empty());
}

/// On a full disk nothing can be written down, and what is ended is ended.
#[tokio::test]
async fn what_is_ended_without_room_for_a_tombstone_is_told_as_ended() {
    let Swarm { core, store, node } = swarm();
    let mut vaults = Vec::new();
    for key in ["1", "2", "3"] {
        vaults.push(spawned(&core, key, "n1").await);
    }
    store.fail_commits(Some(InjectedFault::DiskFull));
    let ended = core.destruct(&vaults[0], Default::default(), None).await.expect("is ended");
    assert!(ended.changed && ended.receipt.is_some());
    let all = ReapRequest { node: "n1".parse().ok(), ..ReapRequest::default() };
    let reaped = core.reap(all).await.expect("reaps");
    assert_eq!((reaped.nodes[0].reaped, reaped.nodes[0].left), (3, 0));
    assert_eq!(node.living(), []);
    let listed = core.vaults(Default::default()).await.expect("lists").vaults;
    assert!(listed.iter().all(|vault| vault.phase == Phase::Dying && vault.vitals.is_none()), "{listed:?}");
    store.fail_commits(None);
    for vault in &vaults {
        event(&core, |event| matches!(&event.what, Happening::Died { vault: of, .. } if of == vault)).await;
    }
    let shown = core.vault(&vaults[0]).await.expect("has a tombstone");
    assert_eq!(shown.receipt.expect("is dead").death.cause, Cause::Destruct, "as it was told");
}

/// The word beforehand finds it dead, and so does the order that fetches its receipt.
#[tokio::test]
async fn who_died_of_something_else_was_not_ended_by_the_order() {
    let Swarm { core, node, .. } = unwatched();
    let mut vaults = Vec::new();
    for key in ["1", "2", "3"] {
        vaults.push(spawned(&core, key, "n1").await);
    }
    node.kill(&vaults[1], Cause::LifetimeExpired);
    let told = core.destruct_many(order(vaults), Some("me".into())).await.expect("ends").ended;
    assert_eq!(told.iter().map(|ended| ended.changed).collect::<Vec<_>>(), [true, false, true]);
    let cause = told[1].receipt.as_ref().map(|receipt| receipt.death.cause);
    assert_eq!(cause, Some(Cause::LifetimeExpired.into()));
}

#[tokio::test]
async fn a_silent_node_costs_one_question_and_keeps_the_others_from_nothing() {
    let [here, there] = ["n1", "n2"].map(|name| Arc::new(FakeNode::new(name.parse().expect("a name"))));
    let core = core_over(Arc::new(MemoryStore::default()), &[&here, &there], &["n1", "n2"]);
    let mut vaults = Vec::new();
    for number in 0..200 {
        vaults.push(spawned(&core, &format!("k{number}"), if number % 2 == 0 { "n1" } else { "n2" }).await);
    }
    for call in [FakeCall::Doom, FakeCall::Destruct] {
        for _ in 0..100 {
            there.fail_next(call, NodeError::new(NodeFault::Silent, "connection refused"));
        }
    }
    let told = core.destruct_many(order(vaults), None).await.expect("tells").ended;
    assert_eq!(told.iter().filter(|ended| ended.error.is_none()).count(), 100);
    assert_eq!((here.living().len(), there.living().len()), (0, 100));
    assert_eq!((there.failures_left(FakeCall::Doom), there.failures_left(FakeCall::Destruct)), (99, 100));
}

#[tokio::test]
async fn a_reap_of_the_idle_spares_who_is_used_and_who_cannot_be_asked() {
    let [here, there] = ["n1", "n2"].map(|name| Arc::new(FakeNode::new(name.parse().expect("a name"))));
    let core = core_over(Arc::new(MemoryStore::default()), &[&here, &there], &["n1", "n2"]);
    let (idle, used, away) =
        (spawned(&core, "1", "n1").await, spawned(&core, "2", "n1").await, spawned(&core, "3", "n2").await);
    for (node, vault, idle_ms) in
        [(&here, &idle, 1_800_000), (&here, &used, 1_799_999), (&there, &away, u64::MAX)]
    {
        node.rest(vault, idle_ms);
    }
    there.set_down(true);
    let rule = ReapRequest { idle_ms: Some(1_800_000), ..ReapRequest::default() };
    let done = core.reap(rule).await.expect("reaps");
    assert_eq!(done.reaped.iter().map(|vault| &vault.vault).collect::<Vec<_>>(), [&idle]);
    assert_eq!((here.living(), there.living()), (vec![used], vec![away]));
    assert!(done.nodes[1].error.is_some(), "n2 could not be asked");
}
