//! Names: one holder, with the vault and not a moment longer.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt as _};

use super::*;
use crate::fake_node::FakeCall;
use crate::retention::Most;
use crate::store::memory::InjectedFault;
use hauki_contract::api::ErrorCode;
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::api::registry::{Holder, ResolveRequest, WatchQuery};
use hauki_contract::api::teardown::DestructQuery;
use hauki_contract::api::vault::ProvisionRequest;
use hauki_contract::model::death::Cause;
use hauki_contract::model::name::ServiceName;
use hauki_contract::system::clock;

fn name(text: &str) -> ServiceName {
    text.parse().expect("a name")
}

fn named(key: &str) -> SpawnRequest {
    let summons = SummonsRequest { name: Some(name("scout/eu")), ..summons(key) };
    SpawnRequest { summons, ..spawning(key) }
}

fn get_or_create(key: &str) -> SpawnRequest {
    SpawnRequest { get_or_create: true, ..named(key) }
}

fn asked() -> ResolveRequest {
    ResolveRequest { name: name("scout/eu"), ticket: None }
}

type Holders = Pin<Box<dyn Stream<Item = Holder> + Send>>;

async fn watched(core: &Arc<Core>, only: Option<&str>) -> Holders {
    let query = WatchQuery { name: only.map(name) };
    Box::pin(core.holders(query).await.expect("watches"))
}

/// A look writes nothing that its answer would need.
#[tokio::test]
async fn a_look_at_the_name_of_who_has_died_needs_no_room_on_the_disk() {
    let Swarm { core, store, node } = unwatched();
    let spawned = core.spawn(named("k")).await.expect("spawns");
    node.kill(&spawned.vault.id, Cause::OutOfMemory);
    store.fail_commits(Some(InjectedFault::DiskFull));
    for _ in 0..2 {
        assert_eq!(core.resolve(asked()).await.expect_err("is dead").code, ErrorCode::NotFound);
    }
    store.fail_commits(None);
    assert_eq!(core.resolve(asked()).await.expect_err("is dead").code, ErrorCode::NotFound);
    let dead = core.vault(&spawned.vault.id).await.expect("is known");
    assert_eq!(
        dead.receipt.map(|receipt| receipt.death.cause),
        Some(Cause::OutOfMemory.into()),
        "it is written down then"
    );
}

#[tokio::test]
async fn a_name_comes_with_its_vault_in_one_commit_and_goes_with_it_in_one() {
    let Swarm { core, store, .. } = unwatched();
    let before = store.commits();
    let spawned = core.spawn(named("k")).await.expect("spawns");
    assert_eq!((store.commits() - before, &spawned.vault.name), (1, &Some(name("scout/eu"))));
    let wished = ResolveRequest { ticket: Some(TicketWishes::default()), ..asked() };
    let found = core.resolve(wished).await.expect("is there");
    assert_eq!(found.vault.id, spawned.vault.id);
    let ticket = found.ticket.expect("was wished");
    assert!(ticket.vault == spawned.vault.id && ticket.id != spawned.ticket.id);
    assert_eq!(core.resolve(asked()).await.expect("is there").ticket, None);
    let before = store.commits();
    core.destruct(&spawned.vault.id, DestructQuery::default(), None).await.expect("ends");
    assert_eq!(store.commits() - before, 1);
    assert_eq!(core.resolve(asked()).await.expect_err("is free").code, ErrorCode::NotFound);
    assert!(core.spawn(named("k2")).await.expect("takes the name").changed);
}

#[tokio::test]
async fn a_taken_name_costs_no_sandbox() {
    let Swarm { core, node, .. } = swarm();
    core.spawn(named("k")).await.expect("spawns");
    assert_eq!(core.spawn(named("k2")).await.expect_err("is taken").code, ErrorCode::Conflict);
    let again = SummonsRequest { name: Some(name("scout/eu")), ..summons("k3") };
    let summons = core.summon(again).await.expect("a wish takes no name").id;
    let request =
        ProvisionRequest { key: "k3".into(), summons, placement: Placement::default(), dry_run: false };
    assert_eq!(core.provision(request).await.expect_err("is taken").code, ErrorCode::Conflict);
    assert_eq!(node.provisioned(), 1);
}

#[tokio::test]
async fn of_fifty_that_get_or_create_one_creates() {
    let Swarm { core, node, .. } = swarm();
    let mut callers = tokio::task::JoinSet::new();
    for number in 0..50 {
        let core = core.clone();
        callers.spawn(async move { core.spawn(get_or_create(&format!("k{number}"))).await });
    }
    let spawned: Vec<_> =
        callers.join_all().await.into_iter().map(|spawned| spawned.expect("has it")).collect();
    assert_eq!(spawned.iter().filter(|spawned| spawned.changed).count(), 1);
    assert!(spawned.iter().all(|other| other.vault.id == spawned[0].vault.id));
    assert!(spawned.iter().all(|other| other.summons.id == spawned[0].summons.id));
    assert_eq!((node.provisioned(), node.living().len()), (1, 1));
}

/// The store alone decides between cores: their turns are apart.
#[tokio::test]
async fn of_two_cores_on_one_store_one_creates() {
    let store = Arc::new(MemoryStore::default());
    let node = Arc::new(FakeNode::new("n1".parse().expect("a name")));
    let cores = [(); 2].map(|()| core_over(store.clone(), &[&node], &["n1"]));
    let mut callers = tokio::task::JoinSet::new();
    for number in 0..20 {
        let core = cores[number % 2].clone();
        callers.spawn(async move { core.spawn(get_or_create(&format!("k{number}"))).await });
    }
    let spawned: Vec<_> =
        callers.join_all().await.into_iter().map(|spawned| spawned.expect("has it")).collect();
    assert_eq!(spawned.iter().filter(|spawned| spawned.changed).count(), 1);
    assert!(spawned.iter().all(|other| other.vault.id == spawned[0].vault.id));
    let taken = cores[1].spawn(named("other")).await.expect_err("is taken");
    assert_eq!(taken.code, ErrorCode::Conflict);
    // What the loser forged is destroyed, once its destruction has been let run.
    while node.living().len() > 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(node.living(), [spawned[0].vault.id.clone()]);
}

#[tokio::test]
async fn a_death_that_nobody_told_yet_frees_the_name() {
    let Swarm { core, node, .. } = unwatched();
    for (number, cause) in [Cause::HeartbeatLost, Cause::Crashed, Cause::OutOfMemory].into_iter().enumerate()
    {
        let one = core.spawn(get_or_create(&format!("a{number}"))).await.expect("spawns");
        node.kill(&one.vault.id, cause);
        assert_eq!(core.resolve(asked()).await.expect_err("is free").code, ErrorCode::NotFound);
        let two = core.spawn(get_or_create(&format!("b{number}"))).await.expect("spawns");
        assert!(two.changed && two.vault.id != one.vault.id, "{cause:?}");
        node.kill(&two.vault.id, cause);
        let three = core.spawn(named(&format!("c{number}"))).await.expect("takes the name");
        node.restart();
        assert!(core.resolve(asked()).await.is_err(), "{} went with its node", three.vault.id);
    }
}

#[tokio::test]
async fn a_silent_node_frees_nothing() {
    let Swarm { core, node, .. } = unwatched();
    let spawned = core.spawn(named("k")).await.expect("spawns");
    node.set_down(true);
    assert_eq!(core.resolve(asked()).await.expect("may well live").vault.id, spawned.vault.id);
    assert_eq!(core.spawn(named("k2")).await.expect_err("is taken").code, ErrorCode::Conflict);
    let error = core.spawn(get_or_create("k3")).await.expect_err("no ticket can be had");
    assert!(error.retryable, "{error:?}");
}

#[tokio::test]
async fn what_could_not_be_recorded_has_no_name() {
    let Swarm { core, store, node } = unwatched();
    store.fail_commits(Some(InjectedFault::DiskFull));
    assert!(core.spawn(named("k")).await.is_err());
    store.fail_commits(None);
    assert_eq!(core.resolve(asked()).await.expect_err("is free").code, ErrorCode::NotFound);
    assert!(core.spawn(named("k")).await.expect("spawns").changed);
    while node.living().len() > 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_caller_that_leaves_passes_its_turn_on() {
    let Swarm { core, node, .. } = swarm();
    node.hold(Some(FakeCall::Provision));
    let first = tokio::spawn({
        let core = core.clone();
        async move { core.spawn(get_or_create("k1")).await }
    });
    node.somebody_waits().await;
    let second = tokio::spawn({
        let core = core.clone();
        async move { core.spawn(get_or_create("k2")).await }
    });
    first.abort();
    assert!(first.await.expect_err("was aborted").is_cancelled());
    node.hold(None);
    let spawned = second.await.expect("runs").expect("creates");
    assert!(spawned.changed);
    assert_eq!(core.resolve(asked()).await.expect("is there").vault.id, spawned.vault.id);
}

#[tokio::test]
async fn each_change_of_a_name_is_a_line() {
    let swarm = swarm();
    let (core, node) = (&swarm.core, &swarm.node);
    let mut all = watched(core, None).await;
    let mut one = watched(core, Some("scout/eu")).await;
    assert_eq!(one.next().await, Some(Holder { name: name("scout/eu"), service: None }));
    core.spawn(SpawnRequest {
        summons: SummonsRequest { name: Some(name("other")), ..summons("o") },
        ..spawning("o")
    })
    .await
    .expect("spawns");
    assert_eq!(all.next().await.expect("a line").name, name("other"));
    for number in 0..3 {
        let spawned = core.spawn(named(&format!("k{number}"))).await.expect("spawns");
        let line = one.next().await.expect("a line");
        assert_eq!(line.service.as_ref().map(|service| &service.vault), Some(&spawned.vault.id));
        assert_eq!(all.next().await, Some(line.clone()));
        assert_eq!(watched(core, Some("scout/eu")).await.next().await, Some(line));
        node.kill(&spawned.vault.id, Cause::SelfDestruct);
        let free = Some(Holder { name: name("scout/eu"), service: None });
        assert_eq!((one.next().await, all.next().await), (free.clone(), free));
    }
    core.close().await;
    assert_eq!((one.next().await, all.next().await), (None, None));
}

#[tokio::test]
async fn a_reader_that_slept_through_the_events_hears_how_it_stands() {
    let Swarm { core, .. } = unwatched();
    let mut lines = watched(&core, None).await;
    let spawned = core.spawn(named("k")).await.expect("spawns");
    let log =
        hauki_contract::api::event::Happening::Log { vault: spawned.vault.id.clone(), text: "x".into() };
    for _ in 0..5000 {
        core.basis().events.tell(log.clone());
    }
    let line = lines.next().await.expect("a line");
    assert_eq!(line.service.map(|service| service.vault), Some(spawned.vault.id));
}

#[tokio::test]
async fn a_worker_that_lives_for_days_can_be_found_with_its_summons() {
    let Swarm { core, .. } = swarm();
    let first = core.spawn(get_or_create("k1")).await.expect("spawns");
    let later = clock::now() + jiff::SignedDuration::from_hours(25);
    core.phases().retention.prune(later, Most { tombs: 10, ..Most::default() }).await.expect("prunes");
    let second = core.spawn(get_or_create("k2")).await.expect("is found");
    assert_eq!((second.changed, second.summons.id), (false, first.summons.id.clone()));
    core.destruct(&first.vault.id, DestructQuery::default(), None).await.expect("ends");
    core.phases().retention.prune(later, Most { tombs: 10, ..Most::default() }).await.expect("prunes");
    assert_eq!(core.summons(&first.summons.id).await.expect_err("is forgotten").code, ErrorCode::NotFound);
}

/// At any look, not only at the first: the name changes hands while the first holder's port is awaited.
#[tokio::test]
async fn a_name_that_becomes_anothers_shows_neither_worker_nor_ticket() {
    let swarm = swarm();
    let (core, node) = (&swarm.core, &swarm.node);
    let first = core.spawn_for(Some(1000), Some(1000), named("k")).await.expect("spawns").vault.id;
    let mut wish = summons("s");
    wish.name = Some(name("scout/eu"));
    let summons = core.summon_for(Some(1001), wish).await.expect("summons").id;
    node.hold(Some(FakeCall::Open));
    let wished = ResolveRequest { ticket: Some(TicketWishes::default()), ..asked() };
    let resolving = tokio::spawn({
        let (core, wished) = (core.clone(), wished.clone());
        async move { core.resolve_own(Some(1000), wished).await }
    });
    node.somebody_waits().await;
    node.kill(&first, Cause::SelfDestruct);
    event(core, |event| matches!(event.what, hauki_contract::api::event::Happening::Freed { .. })).await;
    let request =
        ProvisionRequest { key: "p".into(), summons, placement: Default::default(), dry_run: false };
    let second = core.provision(request).await.expect("takes the name").id;
    node.hold(None);
    let denied = resolving.await.expect("ends").expect_err("is another's");
    assert_eq!(denied.code, ErrorCode::Denied, "{denied:?}");

    // Nor is a port opened before it is refused.
    node.fail_next(FakeCall::Open, NodeError::new(NodeFault::Defect, "was asked"));
    for owner in [1000, u32::MAX] {
        for request in [asked(), wished.clone()] {
            let denied = core.resolve_own(Some(owner), request).await.expect_err("is another's");
            assert_eq!(denied.code, ErrorCode::Denied);
        }
        let denied = core.spawn_for(Some(owner), Some(owner), get_or_create("g")).await;
        assert_eq!(denied.expect_err("is another's").code, ErrorCode::Denied);
    }
    assert_eq!(node.failures_left(FakeCall::Open), 1);
    let there = core.resolve_own(Some(1001), asked()).await.expect("is theirs");
    assert_eq!(there.vault.id, second);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let Swarm { core, node, .. } = unwatched();
    let nameless = SpawnRequest { get_or_create: true, ..spawning("k") };
    assert_eq!(core.spawn(nameless).await.expect_err("is refused").code, ErrorCode::BadRequest);
    let wishes = TicketWishes { methods: vec!["nonsense".into()], ..TicketWishes::default() };
    core.spawn(named("k")).await.expect("spawns");
    let request = ResolveRequest { ticket: Some(wishes), ..asked() };
    assert_eq!(core.resolve(request).await.expect_err("is refused").code, ErrorCode::BadRequest);
    assert_eq!(node.provisioned(), 1);
}
