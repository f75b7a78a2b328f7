//! The queue over fake nodes and a fake store: order, crashes, dead letters.

use super::*;
use crate::fake_node::FakeCall;
use crate::ledger::{FORGING, TERM, spool_key};
use crate::retention::Most;
use crate::store::Txn;
use crate::store::memory::InjectedFault;
use hauki_contract::api::ErrorCode;
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::api::spool::{SpoolEntry, SpoolQuery, SpoolRequest, SpoolState, SpoolWait, Spooled};
use hauki_contract::api::teardown::DestructQuery;
use hauki_contract::api::vault::ProvisionRequest;
use hauki_contract::model::id::{SpoolId, SummonsId};
use hauki_contract::system::clock;

fn wish(key: &str, summons: &SummonsId) -> SpoolRequest {
    SpoolRequest {
        key: key.into(),
        summons: summons.clone(),
        placement: Placement::default(),
        priority: 5,
        deadline_ms: None,
    }
}

async fn put(core: &Arc<Core>, key: &str) -> SpoolEntry {
    let summons = core.summon(summons(key)).await.expect("summons").id;
    core.spool_put(wish(key, &summons), "uid 0".into()).await.expect("is queued")
}

/// The entry when it no longer waits.
async fn done(core: &Arc<Core>, id: &SpoolId) -> Spooled {
    let mut place = None;
    loop {
        let shown = core.spool_show(id, SpoolWait { wait_ms: 30_000, place }).await.expect("is there");
        if shown.entry.state != SpoolState::Waiting {
            return shown;
        }
        place = shown.entry.place;
    }
}

async fn until(what: impl Fn() -> bool) {
    while !what() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_finds_no_room_waits_and_is_forged_when_there_is_some() {
    let swarm = swarm();
    let core = &swarm.core;
    swarm.node.set_max_vaults(1);
    let first = core.spawn(spawning("first")).await.expect("fills the node");
    let entry = put(core, "k").await;
    assert_eq!((entry.state, entry.place, entry.changed), (SpoolState::Waiting.into(), Some(1), true));
    let again = put(core, "k").await;
    assert_eq!((again.id.clone(), again.changed), (entry.id.clone(), false));
    core.destruct(&first.vault.id, DestructQuery::default(), None).await.expect("makes room");
    let spooled = done(core, &entry.id).await;
    let vault = spooled.vault.expect("was forged");
    assert_eq!(swarm.node.living(), std::slice::from_ref(&vault.id));
    assert_eq!((spooled.entry.vault, spooled.entry.attempts, spooled.entry.place), (Some(vault.id), 1, None));
    assert_eq!(put(core, "k").await.state, SpoolState::Forged, "the same key has the same answer");
    assert_eq!(swarm.node.provisioned(), 2);
}

#[tokio::test]
async fn the_urgent_and_the_modest_come_first() {
    let swarm = swarm();
    let core = &swarm.core;
    swarm.node.set_max_vaults(0);
    let mut ids = Vec::new();
    for (key, owner, priority) in [("a", "uid 1", 5), ("b", "uid 1", 5), ("c", "uid 2", 5), ("d", "uid 1", 9)]
    {
        let summons = core.summon(summons(key)).await.expect("summons").id;
        let request = SpoolRequest { priority, ..wish(key, &summons) };
        ids.push(core.spool_put(request, owner.into()).await.expect("is queued").id);
    }
    let listed = core.spool_list(SpoolQuery::default()).await.expect("lists").entries;
    let order: Vec<&SpoolId> = listed.iter().map(|entry| &entry.id).collect();
    assert_eq!(order, [&ids[3], &ids[0], &ids[2], &ids[1]]);
    assert_eq!(listed.iter().map(|entry| entry.place).collect::<Vec<_>>(), [1, 2, 3, 4].map(Some));
    // One that waits does not keep others from their places elsewhere.
    core.spool_remove(&ids[3]).await.expect("is removed");
    assert_eq!(core.spool_show(&ids[0], SpoolWait::default()).await.expect("shows").entry.place, Some(1));
}

#[tokio::test]
async fn a_failure_that_passes_is_tried_again_and_one_that_stays_is_a_dead_letter() {
    let swarm = swarm();
    let core = &swarm.core;
    swarm.node.fail_next(FakeCall::Provision, NodeError::new(NodeFault::Late, "too slow"));
    let passing = put(core, "passing").await;
    let forged = done(core, &passing.id).await;
    assert_eq!((forged.entry.state, forged.entry.attempts), (SpoolState::Forged.into(), 2));

    swarm.node.fail_next(FakeCall::Provision, NodeError::new(NodeFault::WorkerFailed(None), "create failed"));
    let staying = put(core, "staying").await;
    let dead = done(core, &staying.id).await.entry;
    assert_eq!((dead.state, dead.attempts, dead.place), (SpoolState::Dead.into(), 1, None));
    assert_eq!(dead.error.expect("says why").code, ErrorCode::WorkerFailed);
    let again = core.spool_retry(&staying.id).await.expect("waits again");
    assert_eq!((again.state, again.attempts, again.error), (SpoolState::Waiting.into(), 0, None));
    assert_eq!(done(core, &staying.id).await.entry.state, SpoolState::Forged);
    assert!(!core.spool_retry(&staying.id).await.expect("is done").changed);
}

#[tokio::test]
async fn what_waits_too_long_is_a_dead_letter() {
    let swarm = swarm();
    swarm.node.set_max_vaults(0);
    let summons = swarm.core.summon(summons("k")).await.expect("summons").id;
    let request = SpoolRequest { deadline_ms: Some(1), ..wish("k", &summons) };
    let entry = swarm.core.spool_put(request, "uid 0".into()).await.expect("is queued");
    let dead = done(&swarm.core, &entry.id).await.entry;
    assert_eq!((dead.state, dead.attempts), (SpoolState::Dead.into(), 0));
    assert_eq!(dead.error.expect("says why").code, ErrorCode::Timeout);
}

#[tokio::test]
async fn a_removed_entry_gives_no_vault_even_while_it_is_forged() {
    let swarm = swarm();
    swarm.node.hold(Some(FakeCall::Provision));
    let entry = put(&swarm.core, "k").await;
    swarm.node.somebody_waits().await;
    swarm.core.spool_remove(&entry.id).await.expect("is removed");
    swarm.node.hold(None);
    until(|| swarm.node.provisioned() == 1 && swarm.node.living().is_empty()).await;
    assert!(swarm.core.vaults(Default::default()).await.expect("lists").vaults.is_empty());
    let error = swarm.core.spool_show(&entry.id, SpoolWait::default()).await.expect_err("is gone");
    assert_eq!(error.code, ErrorCode::NotFound);
}

/// A core that goes away at each of the points of a forging, and the next on the same store.
#[tokio::test]
async fn a_crash_at_any_point_gives_one_vault_in_the_end() {
    for point in ["queued", "in the forge", "before the commit", "after the commit"] {
        let store = Arc::new(MemoryStore::default());
        let node = Arc::new(FakeNode::new("n1".parse().expect("a name")));
        let first = core_over(store.clone(), &[&node], &["n1"]);
        let entry = put(&first, "k").await;
        match point {
            "queued" => {}
            "in the forge" => {
                node.hold(Some(FakeCall::Provision));
                let tasks = first.start();
                node.somebody_waits().await;
                drop(tasks);
                node.nobody_waits().await;
                node.hold(None);
            }
            "before the commit" => {
                node.hold(Some(FakeCall::Provision));
                let tasks = first.start();
                node.somebody_waits().await;
                store.fail_commits(Some(InjectedFault::Stopped));
                node.hold(None);
                // What it made and could not record is ended, and nothing of it is under way any more.
                until(|| node.provisioned() == 1 && node.living().is_empty()).await;
                drop(tasks);
                store.fail_commits(None);
            }
            _ => {
                let tasks = first.start();
                done(&first, &entry.id).await;
                drop(tasks);
            }
        }
        let next = core_over(store.clone(), &[&node], &["n1"]);
        let _tasks = next.start();
        let spooled = done(&next, &entry.id).await;
        let vault = spooled.vault.unwrap_or_else(|| panic!("{point}: was forged")).id;
        let recorded = next.vaults(Default::default()).await.expect("lists").vaults;
        assert_eq!(
            recorded.into_iter().map(|vault| vault.id).collect::<Vec<_>>(),
            std::slice::from_ref(&vault),
            "{point}"
        );
        until(|| node.living() == [vault.clone()]).await;
        assert_eq!(put(&next, "k").await.vault, Some(vault), "{point}: and the key still stands for it");
    }
}

/// Whoever is refused queues with the same key, or the other way round.
#[tokio::test]
async fn one_key_is_one_vault_with_the_queue_and_without() {
    let swarm = swarm();
    let core = &swarm.core;
    let provision = |key: &str, summons: &SummonsId| ProvisionRequest {
        key: key.into(),
        summons: summons.clone(),
        placement: Placement::default(),
        dry_run: false,
    };
    let forged_first = core.summon(summons("forged first")).await.expect("summons").id;
    let vault = core.provision(provision("a", &forged_first)).await.expect("forges").id;
    let entry = core.spool_put(wish("a", &forged_first), "uid 0".into()).await.expect("is known");
    assert_eq!(
        (entry.state, entry.vault, entry.changed),
        (SpoolState::Forged.into(), Some(vault.clone()), false)
    );
    assert_eq!(core.provision(provision("a", &forged_first)).await.expect("is known").id, vault);

    swarm.node.set_max_vaults(1);
    let queued_first = core.summon(summons("queued first")).await.expect("summons").id;
    let refused = core.provision(provision("b", &queued_first)).await.expect_err("there is no room");
    assert_eq!((refused.code, refused.retryable), (ErrorCode::NoCapacity.into(), true));
    let entry = core.spool_put(wish("b", &queued_first), "uid 0".into()).await.expect("is queued");
    let waiting = core.provision(provision("b", &queued_first)).await.expect_err("it waits");
    assert_eq!((waiting.code, waiting.message.contains("at place 1")), (ErrorCode::NoCapacity.into(), true));
    let other = SpoolRequest { priority: 9, ..wish("b", &queued_first) };
    let error = core.spool_put(other, "uid 0".into()).await.expect_err("is another wish");
    assert_eq!(error.code, ErrorCode::KeyReused);
    swarm.node.set_max_vaults(2);
    let vault = done(core, &entry.id).await.entry.vault.expect("is forged");
    assert_eq!(core.provision(provision("b", &queued_first)).await.expect("is known").id, vault);
    assert_eq!(swarm.node.provisioned(), 2);
}

/// One place, and an owner with many entries: the other one's comes second, not last.
#[tokio::test]
async fn owners_take_turns_also_where_one_place_comes_up_at_a_time() {
    let swarm = swarm();
    let core = &swarm.core;
    swarm.node.set_max_vaults(0);
    // Nobody is sent there in the belief that it is as empty as it was.
    core.nodes().await;
    let mut entries = Vec::new();
    for number in 0..5 {
        let key = format!("greedy {number}");
        let summons = core.summon(summons(&key)).await.expect("summons").id;
        entries.push(core.spool_put(wish(&key, &summons), "uid 1".into()).await.expect("is queued").id);
    }
    let summons = core.summon(summons("modest")).await.expect("summons").id;
    let modest = core.spool_put(wish("modest", &summons), "uid 2".into()).await.expect("is queued").id;
    let mut order = Vec::new();
    for most in 1..=3 {
        swarm.node.set_max_vaults(most);
        core.basis().spool.nudge();
        until(|| swarm.node.provisioned() == most).await;
        let list = async || core.spool_list(SpoolQuery { state: Some(SpoolState::Forged) }).await;
        let mut forged = list().await.expect("lists").entries;
        while forged.len() < most as usize {
            tokio::task::yield_now().await;
            forged = list().await.expect("lists").entries;
        }
        order.extend(forged.into_iter().map(|entry| entry.id).find(|id| !order.contains(id)));
    }
    assert_eq!(order, [entries[0].clone(), modest, entries[1].clone()]);
}

/// Its word says that there is room, and it refuses all the same.
#[tokio::test]
async fn a_node_that_refuses_is_not_asked_in_a_circle() {
    let swarm = swarm();
    for _ in 0..50 {
        swarm.node.fail_next(FakeCall::Provision, NodeError::new(NodeFault::Full, "no id range is left"));
    }
    let entry = put(&swarm.core, "k").await;
    let mut shown = entry;
    while shown.error.is_none() {
        tokio::task::yield_now().await;
        shown = swarm.core.spool_show(&shown.id, SpoolWait::default()).await.expect("shows").entry;
    }
    assert_eq!((shown.state, shown.attempts), (SpoolState::Waiting.into(), 0));
    assert!(shown.error.expect("says why").message.contains("no id range is left"));
    for _ in 0..20 {
        swarm.core.basis().spool.nudge();
        tokio::task::yield_now().await;
    }
    assert_eq!(swarm.node.failures_left(FakeCall::Provision), 49);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let Swarm { core, .. } = unwatched();
    let summons = core.summon(summons("k")).await.expect("summons").id;
    let urgent = SpoolRequest { priority: 10, ..wish("k", &summons) };
    let error = core.spool_put(urgent, "uid 0".into()).await.expect_err("is refused");
    assert_eq!(error.code, ErrorCode::BadRequest);
    let unknown = wish("k", &hauki_contract::system::random::summons_id());
    let error = core.spool_put(unknown, "uid 0".into()).await.expect_err("is refused");
    assert_eq!(error.code, ErrorCode::NotFound);
}

#[tokio::test]
async fn what_waits_keeps_its_summons_and_the_daemon_and_what_is_done_is_forgotten() {
    let swarm = swarm();
    let core = &swarm.core;
    swarm.node.set_max_vaults(0);
    let entry = put(core, "k").await;
    let later = clock::now() + jiff::SignedDuration::from_hours(25);
    core.phases().retention.prune(later, Most { tombs: 10, ..Most::default() }).await.expect("prunes");
    let again = core.spool_put(wish("k", &entry.summons), "uid 0".into()).await.expect("is known");
    assert_eq!((&again.id, again.changed), (&entry.id, false), "its key is kept as long as it waits");
    assert_eq!(core.activity().await.expect("counts").vaults, 1, "nobody leaves while something waits");
    swarm.node.set_max_vaults(10);
    assert_eq!(done(core, &entry.id).await.entry.state, SpoolState::Forged);
    core.phases().retention.prune(later, Most { tombs: 10, ..Most::default() }).await.expect("prunes");
    let error = core.spool_show(&entry.id, SpoolWait::default()).await.expect_err("is forgotten");
    assert_eq!(error.code, ErrorCode::NotFound);
}

/// Cores on one store, one of them without an end that anybody knows of.
struct Cores {
    store: Arc<MemoryStore>,
    node: Arc<FakeNode>,
}

impl Cores {
    fn new() -> Self {
        Self { store: Arc::default(), node: Arc::new(FakeNode::new("n1".parse().expect("a name"))) }
    }

    async fn core(&self, alone: bool) -> Arc<Core> {
        let core = core_over(self.store.clone(), &[&self.node], &["n1"]);
        core.basis().ledger.begin(alone).await.expect("begins");
        core
    }
}

async fn attempts(core: &Arc<Core>, id: &SpoolId) -> u32 {
    core.spool_show(id, SpoolWait::default()).await.expect("is there").entry.attempts
}

#[tokio::test]
async fn of_two_cores_one_forges_and_the_other_takes_over_when_its_term_is_over() {
    let cores = Cores::new();
    let first = cores.core(true).await;
    let _first = first.start();
    cores.node.hold(Some(FakeCall::Provision));
    let entry = put(&first, "k").await;
    cores.node.somebody_waits().await;
    let second = cores.core(false).await;
    let _second = second.start();
    // It looked, and left it to the other.
    until(|| second.basis().spool.queue().is_left(&entry.id, clock::mono())).await;
    assert_eq!(cores.store.size(FORGING).await.expect("counts").documents, 1);
    assert_eq!(attempts(&second, &entry.id).await, 1);

    let term = format!("{TERM}{}", first.basis().ledger.term());
    let _ = cores.store.commit(Txn::default().delete(term)).await.expect("is over");
    while attempts(&second, &entry.id).await == 1 {
        tokio::task::yield_now().await;
    }
    cores.node.hold(None);
    let vault = done(&second, &entry.id).await.vault.expect("was forged").id;
    until(|| cores.node.living() == [vault.clone()]).await;
    assert_eq!(attempts(&second, &entry.id).await, 2);
}

#[tokio::test]
async fn what_another_core_has_queued_or_taken_away_is_seen() {
    let cores = Cores::new();
    let first = cores.core(true).await;
    let second = cores.core(false).await;
    cores.node.set_max_vaults(0);
    let _second = second.start();
    let (kept, gone) = (put(&first, "kept").await.id, put(&first, "gone").await.id);
    until(|| second.basis().spool.waiting() == 2).await;
    first.spool_remove(&gone).await.expect("is removed");
    until(|| second.basis().spool.waiting() == 1).await;
    // Nobody works at the first: whose daemon was killed.
    cores.node.set_max_vaults(1);
    assert_eq!(done(&second, &kept).await.entry.state, SpoolState::Forged);
    assert_eq!((cores.node.provisioned(), second.basis().spool.waiting()), (1, 0));
    // And who looks again finds nothing new, so nobody is woken.
    second.phases().processor.read_queue().await.expect("reads");
    let changes = second.basis().spool.changes.subscribe();
    second.phases().processor.read_queue().await.expect("reads");
    assert!(!changes.has_changed().expect("is open"));
}

/// As another version may have written it.
#[tokio::test]
async fn an_entry_that_can_never_be_placed_is_a_dead_letter_and_holds_up_nobody() {
    let store = Arc::new(MemoryStore::default());
    let node = Arc::new(FakeNode::new("n1".parse().expect("a name")));
    let core = core_over(store.clone(), &[&node], &["n1"]);
    let bad = put(&core, "bad").await;
    let labels = (0..65).map(|number| (format!("l{number}"), "x".to_owned())).collect();
    let placement = Placement { anti_affinity: labels, ..Placement::default() };
    let written = SpoolEntry { placement, ..bad.clone() };
    let txn = Txn::default().put(spool_key(&bad.id), serde_json::to_vec(&written).expect("is JSON"));
    let _ = store.commit(txn).await.expect("commits");
    let core = core_over(store, &[&node], &["n1"]);
    let _tasks = core.start();
    let good = put(&core, "good").await;
    let done = async { (done(&core, &good.id).await.entry.state, done(&core, &bad.id).await.entry.state) };
    let states = tokio::time::timeout(std::time::Duration::from_secs(10), done).await.expect("goes on");
    assert_eq!(states, (SpoolState::Forged.into(), SpoolState::Dead.into()));
}
