//! Who is being forged is in the store: what another core sees of it, what a kill leaves, and what it costs.

use std::future::Future as _;
use std::pin::pin;
use std::task::Poll;

use super::*;
use crate::fake_node::FakeCall;
use crate::ledger::{AntiAffinity, BUDGET, FORGING, LOAN, MEMBERSHIP, Made, Posting, TERM, VaultRecord};
use crate::store::{EPHEMERAL, Expect};
use hauki_contract::api::event::Happening;
use hauki_contract::api::vault::Vault;
use hauki_contract::api::{ApiError, ErrorCode};
use hauki_contract::model::id::VaultId;
use hauki_contract::system::random;

struct Pair {
    store: Arc<MemoryStore>,
    node: Arc<FakeNode>,
}

impl Pair {
    fn new() -> Self {
        Self { store: Arc::default(), node: Arc::new(FakeNode::new("n1".parse().expect("a name"))) }
    }

    /// A core that has begun: alone, as one that holds the lock, or beside others.
    async fn core(&self, alone: bool) -> Arc<Core> {
        let core = core_over(self.store.clone(), &[&self.node], &["n1"]);
        core.basis().ledger.begin(alone).await.expect("begins");
        core
    }

    async fn count(&self, prefix: &str) -> u64 {
        self.store.size(prefix).await.expect("counts").documents
    }
}

/// Until it has compared.
async fn up(core: &Core) {
    event(core, |event| matches!(event.what, Happening::NodeUp { .. })).await;
}

async fn recorded(core: &Core) -> Vec<VaultId> {
    let vaults = core.vaults(Default::default()).await.expect("lists").vaults;
    vaults.into_iter().map(|vault| vault.id).collect()
}

fn parent() -> SpawnRequest {
    let mut request = spawning("k");
    request.summons.wishes.spawn = Some(2);
    request
}

#[tokio::test]
async fn a_second_core_on_the_store_leaves_alone_what_the_first_is_at() {
    let pair = Pair::new();
    let first = pair.core(true).await;
    let budget = first
        .spawn(SpawnRequest { summons: SummonsRequest { key: "p".into(), ..parent().summons }, ..parent() });
    let payer = budget.await.expect("spawns").vault.id;
    first.basis().ledger.spend(&payer, "key/spawn/1", Expect::Absent).await.expect("has a budget");
    pair.node.hold(Some(FakeCall::Open));
    let spawning = tokio::spawn({
        let core = first.clone();
        async move { core.spawn(parent()).await }
    });
    pair.node.somebody_waits().await;
    let made = pair.node.living().into_iter().find(|id| *id != payer).expect("is made");
    let second = pair.core(false).await;
    let _tasks = second.start();
    up(&second).await;
    second.phases().families.end_orphaned().await.expect("compares");
    assert_eq!(pair.node.living().len(), 2);
    assert_eq!((pair.count(FORGING).await, pair.count(BUDGET).await, pair.count(LOAN).await), (1, 2, 1));
    assert_eq!(second.activity().await.expect("tells").vaults, 2, "and counts it");
    assert!(
        second
            .basis()
            .ledger
            .noted(&made)
            .await
            .expect("reads")
            .is_some_and(|noted| noted.node.as_str() == "n1")
    );
    pair.node.hold(None);
    assert_eq!(spawning.await.expect("ends").expect("spawns").vault.id, made);
    assert_eq!(pair.count(FORGING).await, 0);

    // Its life is over when somebody says so who knows it.
    let third = pair.core(true).await;
    third.phases().families.end_orphaned().await.expect("compares");
    assert_eq!((pair.count(TERM).await, pair.count(LOAN).await), (1, 0));
    assert_eq!(recorded(&third).await.len(), 2);
}

/// Whoever compares may see a budget before he can see the note that was written with it.
#[tokio::test]
async fn the_budget_of_one_that_is_being_made_or_lives_is_not_revoked() {
    let pair = Pair::new();
    let core = pair.core(true).await;
    let ledger = &core.basis().ledger;
    pair.node.hold(Some(FakeCall::Open));
    let spawning = tokio::spawn({
        let core = core.clone();
        async move { core.spawn(parent()).await }
    });
    pair.node.somebody_waits().await;
    let made = pair.node.living()[0].clone();
    ledger.revoke(&made).await.expect("answers");
    assert_eq!(pair.count(BUDGET).await, 1);
    pair.node.hold(None);
    spawning.await.expect("ends").expect("spawns");
    ledger.revoke(&made).await.expect("answers");
    assert_eq!(pair.count(BUDGET).await, 1);
    ledger.revoke(&random::vault_id()).await.expect("answers");
}

/// Earlier versions had them in the file.
#[tokio::test]
async fn what_an_earlier_version_was_at_is_forgotten() {
    let pair = Pair::new();
    let txn = crate::store::Txn::default().put("forging/earlier", b"{}".to_vec()).put("kept", b"{}".to_vec());
    let _ = pair.store.commit(txn).await.expect("commits");
    pair.core(true).await;
    assert_eq!((pair.count("forging/").await, pair.count("kept").await), (0, 1));
}

/// Two that work on one store and do not know of each other: nothing that is dead is recorded, nothing that is
/// recorded is ended.
#[tokio::test]
async fn who_was_taken_for_dead_records_no_vault_that_was_ended() {
    let pair = Pair::new();
    let first = pair.core(true).await;
    pair.node.hold(Some(FakeCall::Open));
    let spawning = tokio::spawn({
        let core = first.clone();
        async move { core.spawn(parent()).await }
    });
    pair.node.somebody_waits().await;
    let second = pair.core(true).await;
    let _tasks = second.start();
    up(&second).await;
    assert_eq!((pair.node.living(), pair.count(FORGING).await), (Vec::new(), 0));
    pair.node.hold(None);
    spawning.await.expect("ends").expect_err("it was ended");
    assert_eq!((recorded(&second).await, pair.count(BUDGET).await), (Vec::new(), 0));
    let vault = second.spawn(parent()).await.expect("the key is free").vault;

    // Nor if its node had answered before.
    let other = Vault { id: random::vault_id(), ..vault };
    let noted = first
        .basis()
        .ledger
        .forging(&other.id, &other.node, None, None, Expect::Absent)
        .await
        .expect("notes")
        .expect("is noted");
    assert!(second.basis().ledger.condemn(&other.id).await.expect("looks"));
    let record = VaultRecord::loaded(other.clone(), String::new()).expect("is loaded");
    let refused = first
        .basis()
        .ledger
        .record(&record, noted, AntiAffinity::default(), Posting::default())
        .await
        .expect_err("is not its own any more");
    assert!(ApiError::from(refused).retryable);
    assert!(first.basis().records.vault(&other.id).await.expect("reads").is_none());
    // One that is recorded, or that somebody is at, is not for anybody to end.
    assert!(!second.basis().ledger.condemn(&recorded(&second).await[0]).await.expect("looks"));
    let noted = second
        .basis()
        .ledger
        .forging(&other.id, &other.node, None, None, Expect::Absent)
        .await
        .expect("notes")
        .expect("is noted");
    assert!(!first.basis().ledger.condemn(&other.id).await.expect("looks"));
    assert!(
        first
            .basis()
            .ledger
            .died_early(&crate::vaults::lost(&other, "early"))
            .await
            .expect("is left with it")
    );
    let made = second
        .basis()
        .ledger
        .record(&record, noted, AntiAffinity::default(), Posting::default())
        .await
        .expect("is recorded");
    assert!(matches!(made, Made::Recorded(Some(_))), "with its receipt");
}

/// A spawn that gets so many turns, and then its process is killed: nothing of it runs any more, not even what is done
/// when something is dropped. `true`: it had its answer before.
fn killed_after(turns: usize, pair: &Pair) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let done = runtime.block_on(async {
        let core = pair.core(true).await;
        let mut spawn = Box::pin(async move { core.spawn(parent()).await });
        let mut turn = 0;
        let done = std::future::poll_fn(|context| {
            turn += 1;
            if turn > turns {
                return Poll::Ready(false);
            }
            let polled = pin!(&mut spawn).poll(context);
            polled.map(|spawned| spawned.expect("spawns").changed)
        })
        .await;
        std::mem::forget(spawn);
        done
    });
    std::mem::forget(runtime);
    done
}

#[test]
fn a_kill_at_any_point_leaks_no_vault_and_loses_none() {
    let (mut turns, mut points) = (0, [0; 3]);
    loop {
        let pair = Pair::new();
        let done = killed_after(turns, &pair);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let left = (pair.count(FORGING).await, pair.node.living().len());
            match left {
                (1, 0) => points[0] += 1,
                (1, 1) => points[1] += 1,
                _ => points[2] += 1,
            }
            assert!(
                pair.count("vault/").await == left.1 as u64 || left.0 == 1,
                "{turns}: never made and not noted"
            );
            let next = pair.core(true).await;
            let _tasks = next.start();
            up(&next).await;
            assert_eq!(recorded(&next).await, pair.node.living(), "{turns} {left:?}");
            next.phases().families.end_orphaned().await.expect("compares");
            assert_eq!((pair.count(FORGING).await, pair.count(TERM).await), (0, 1), "{turns}");
            assert_eq!(pair.count(BUDGET).await, pair.node.living().len() as u64, "{turns}");
            let again = next.spawn(parent()).await.expect("answers");
            assert!(!done || !again.changed, "{turns}: an answer is kept");
            assert_eq!(pair.node.living(), [again.vault.id], "{turns}");
        });
        if done {
            break;
        }
        turns += 1;
    }
    assert!(points.iter().all(|met| *met > 0), "noted, made, and neither: {points:?} of {turns}");
}

/// A life is two commits, as before there were notes.
#[tokio::test]
async fn who_starts_waits_for_one_flush_and_so_does_who_ends() {
    for request in [spawning("k"), parent()] {
        let Swarm { core, store, .. } = unwatched();
        let vault = core.spawn(request).await.expect("spawns").vault.id;
        assert_eq!((store.commits(), store.notes()), (1, 1), "a budget costs none either");
        core.destruct(&vault, Default::default(), None).await.expect("ends");
        assert_eq!((store.commits(), store.notes()), (2, 1));
    }
}

#[tokio::test]
async fn what_cannot_be_noted_is_not_ordered() {
    let Swarm { core, store, node } = unwatched();
    store.fail_commits(Some(crate::store::memory::InjectedFault::DiskFull));
    let error = core.spawn(spawning("k")).await.expect_err("is full");
    assert_eq!((error.code, node.provisioned()), (ErrorCode::Environment.into(), 0));
}

/// What is no longer made is noted as soon as the store can be written to, and holds no idle daemon back then.
#[tokio::test]
async fn a_note_that_could_not_be_taken_away_goes_later() {
    let Swarm { core, store, node } = unwatched();
    node.hold(Some(FakeCall::Open));
    let spawning = tokio::spawn({
        let core = core.clone();
        async move { core.spawn(spawning("k")).await }
    });
    node.somebody_waits().await;
    store.fail_commits(Some(crate::store::memory::InjectedFault::DiskFull));
    node.hold(None);
    spawning.await.expect("ends").expect_err("cannot be recorded");
    while !node.living().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(core.activity().await.expect("tells").vaults, 1, "as far as the store says");
    let failing = async || {
        let found = core.health().await.expect("tells").findings;
        found.iter().any(|check| check.what.starts_with("the last commit failed: no space is left"))
    };
    assert!(failing().await, "the doctor says so, for who looks and does not write");
    store.fail_commits(None);
    let gone = async {
        while core.activity().await.expect("tells").vaults > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), gone).await.expect("is noted");
    node.hold(None);
    core.spawn(self::spawning("after")).await.expect("is recorded");
    assert!(!failing().await);
}

/// Else each start would wait for the file, and its note be a row in it.
#[test]
fn what_is_noted_and_checked_by_a_start_is_ephemeral() {
    assert!([FORGING, MEMBERSHIP].iter().all(|key| key.starts_with(EPHEMERAL)));
}
