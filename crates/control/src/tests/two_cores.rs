//! Two cores on one store: what one of them has done about damage, or is at, is so for the other.

use futures_util::StreamExt as _;

use super::*;
use crate::fake_node::FakeCall;
use crate::ledger::{ASIDE, LOAN, NAME, Posting, budget_key, idempotency_key, name_key, term_key, vault_key};
use crate::store::{Expect, Txn};
use hauki_contract::api::clone::CloneAsk;
use hauki_contract::api::event::Happening;
use hauki_contract::api::gem::GemPush;
use hauki_contract::api::registry::{ResolveRequest, WatchQuery};
use hauki_contract::api::{ApiError, ErrorCode};
use hauki_contract::model::death::Cause;
use hauki_contract::model::id::NodeName;
use hauki_contract::model::name::ServiceName;

struct Pair {
    store: Arc<MemoryStore>,
    node: Arc<FakeNode>,
    one: Arc<Core>,
    two: Arc<Core>,
}

/// Both have begun and know of each other; nothing runs in their background.
async fn pair() -> Pair {
    let store = Arc::new(MemoryStore::default());
    let node = Arc::new(FakeNode::new("n1".parse().expect("a name")));
    let [one, two] = [(); 2].map(|()| core_over(store.clone(), &[&node], &["n1"]));
    for core in [&one, &two] {
        core.basis().ledger.begin(false).await.expect("begins");
    }
    Pair { store, node, one, two }
}

fn boss() -> ServiceName {
    "boss".parse().expect("a name")
}

fn asked() -> ResolveRequest {
    ResolveRequest { name: boss(), ticket: None }
}

fn named(key: &str) -> SpawnRequest {
    SpawnRequest { summons: SummonsRequest { name: Some(boss()), ..summons(key) }, ..spawning(key) }
}

/// What is damaged there is moved out of the way by this core.
async fn sets_aside(core: &Core, store: &MemoryStore, key: &str) {
    store.spoil(key);
    core.basis().records.raw(key).await.expect_err("is damaged");
    let aside = store.get(&format!("{ASIDE}{key}")).await.expect("reads");
    assert!(aside.is_some() && store.get(key).await.expect("reads").is_none());
}

async fn lives_alone(node: &FakeNode, most: usize) {
    while node.living().len() > most {
        tokio::task::yield_now().await;
    }
    assert_eq!(node.living().len(), most);
}

#[tokio::test]
async fn a_key_that_one_core_set_aside_is_used_by_no_other() {
    let Pair { store, node, one, two } = pair().await;
    one.spawn(spawning("k")).await.expect("spawns");
    one.summon(summons("s")).await.expect("summons");
    for what in ["spawn/k", "summons/s"] {
        let (what, key) = what.split_once('/').expect("has both");
        sets_aside(&one, &store, &idempotency_key(what, key)).await;
    }
    for _ in 0..2 {
        let refused = two.spawn(spawning("k")).await.expect_err("is not made twice");
        assert_eq!(refused.code, ErrorCode::Environment, "{refused:?}");
        lives_alone(&node, 1).await;
        let refused = two.summon(summons("s")).await.expect_err("is not made twice");
        assert_eq!(refused.code, ErrorCode::Environment, "{refused:?}");
    }
}

#[tokio::test]
async fn a_name_that_one_core_set_aside_is_given_by_no_other() {
    let Pair { store, node, one, two } = pair().await;
    one.spawn(named("k")).await.expect("spawns");
    sets_aside(&one, &store, &name_key(&boss())).await;
    let refused = two.spawn(named("other")).await.expect_err("two would have it");
    assert_eq!(refused.code, ErrorCode::Environment, "{refused:?}");
    let refused = two.resolve(asked()).await.expect_err("nobody can tell");
    assert_eq!(refused.code, ErrorCode::Environment, "{refused:?}");
    lives_alone(&node, 1).await;
}

#[tokio::test]
async fn a_version_of_a_gem_that_one_core_set_aside_is_no_other_source() {
    let Pair { store, one, two, .. } = pair().await;
    let push = |source: &str| GemPush {
        path: "a".into(),
        version: None,
        source: format!("function f() {{ return {source} }}"),
        compilation: None,
        original: None,
        manifest: Default::default(),
    };
    one.basis().gems.push(push("1")).await.expect("pushes");
    sets_aside(&one, &store, "gem/a@1").await;
    let next = two.basis().gems.push(push("2")).await.expect("pushes");
    assert_eq!(next.version.as_deref(), Some("2"));
}

/// It was free when it was looked for.
#[tokio::test]
async fn a_name_that_is_set_aside_meanwhile_is_not_given_at_the_commit() {
    let Pair { store, node, one, two } = pair().await;
    node.hold(Some(FakeCall::Provision));
    let spawning = tokio::spawn(async move { two.spawn(named("k")).await });
    node.somebody_waits().await;
    let txn = Txn::default().put(name_key(&boss()), b"{}".to_vec());
    let _ = store.commit(txn).await.expect("commits");
    sets_aside(&one, &store, &name_key(&boss())).await;
    node.hold(None);
    let refused = spawning.await.expect("ends").expect_err("two would have it");
    assert_eq!(refused.code, ErrorCode::Environment, "{refused:?}");
    lives_alone(&node, 0).await;
    assert_eq!(store.size(NAME).await.expect("counts").documents, 0);
}

#[tokio::test]
async fn a_vault_whose_record_one_core_set_aside_is_ended_by_no_other() {
    for garbled in [false, true] {
        let Pair { store, node, one, two } = pair().await;
        let made = one.spawn(spawning("k")).await.expect("spawns").vault.id;
        let key = vault_key(&made);
        if garbled {
            let document = store.get(&key).await.expect("reads").expect("is there");
            let other = key.replace("vault", "vaulu");
            let txn = Txn::default().delete(key).put(other.as_str(), document.value);
            let _ = store.commit(txn).await.expect("commits");
            sets_aside(&one, &store, &other).await;
        } else {
            sets_aside(&one, &store, &key).await;
        }
        let _tasks = two.start();
        event(&two, |event| matches!(event.what, Happening::NodeUp { .. })).await;
        assert_eq!(node.living(), std::slice::from_ref(&made), "garbled: {garbled}");
        assert!(two.vault(&made).await.expect("is recorded again").damaged);
    }
}

/// Of what one core has set aside, the other knows, tells and forgets it.
#[tokio::test]
async fn what_one_core_set_aside_the_other_tells_of_until_it_is_gone() {
    let Pair { store, one, two, .. } = pair().await;
    let mut request = spawning("k");
    request.summons.wishes.spawn = Some(1);
    let made = one.spawn(request).await.expect("spawns").vault.id;
    for key in [vault_key(&made), budget_key(&made)] {
        sets_aside(&one, &store, &key).await;
    }
    one.phases().vaults.salvage_all().await;
    two.basis().records.look_aside().await.expect("looks");
    let told = two.health().await.expect("tells").findings;
    assert!(told.iter().any(|check| check.what.starts_with("2 damaged records")), "{told:?}");
    // A third that has seen nothing of it ends the vault.
    let three = core_over(store.clone(), &[], &[]);
    let ended = crate::vaults::lost(&two.vault(&made).await.expect("shows"), "as a test says");
    assert!(three.phases().vaults.bury(ended).await.expect("buries"));
    assert_eq!(store.list(ASIDE, None, 10).await.expect("lists"), []);
    for core in [&one, &two] {
        core.basis().records.look_aside().await.expect("looks");
        assert_eq!(core.basis().records.aside().count(), 0);
    }
}

/// The one makes the child; what the other does about it takes nothing away from that.
#[tokio::test]
async fn a_child_is_paid_for_once_whichever_core_makes_it() {
    let Pair { store, node, one, two } = pair().await;
    let mut request = spawning("parent");
    request.summons.wishes.spawn = Some(1);
    let parent = one.spawn(request).await.expect("spawns").vault.id;
    let paid = one.basis().ledger.spend(&parent, "key/spawn/x", Expect::Absent).await.expect("has a budget");
    let refused = two.basis().ledger.spend(&parent, "key/spawn/x", Expect::Absent).await;
    assert_eq!(ApiError::from(refused.expect_err("is the other's")).code, ErrorCode::Temporary);
    two.phases().families.end_orphaned().await.expect("compares");
    assert_eq!(store.size(LOAN).await.expect("counts").documents, 1, "its core works");
    // The first is killed, and another has the loan by now.
    one.basis().ledger.repay(&paid).await.expect("pays back");
    let stale =
        one.basis().ledger.spend(&parent, "key/spawn/x", Expect::Absent).await.expect("has one again");
    let _ = store.commit(Txn::default().delete(term_key(one.basis().ledger.term()))).await.expect("commits");
    two.basis().ledger.spend(&parent, "key/spawn/x", Expect::Absent).await.expect("takes it over");
    one.basis().ledger.repay(&stale).await.expect("does nothing");
    assert_eq!(store.size(LOAN).await.expect("counts").documents, 1);
    let posting = Posting::default().paid(&stale);
    assert!(!one.basis().ledger.post(posting).await.expect("answers"), "nor records it a child of its own");
    assert_eq!(node.living().len(), 1);
}

#[tokio::test]
async fn a_wish_that_two_cores_hear_is_fulfilled_once_and_answered_by_who_did() {
    let Pair { store, node, one, two } = pair().await;
    let mut request = spawning("parent");
    request.summons.wishes.spawn = Some(1);
    let parent = one.spawn(request).await.expect("spawns").vault.id;
    let _tasks = [one.start(), two.start()];
    for core in [&one, &two] {
        event(core, |event| matches!(event.what, Happening::NodeUp { .. })).await;
    }
    node.hold(Some(FakeCall::Provision));
    let arguments = r#"["function f() {}"]"#.to_owned();
    node.wish(CloneAsk { vault: parent.clone(), number: 1, arguments, traceparent: None });
    node.somebody_waits().await;
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(node.answers(), [], "who lost says nothing");
    node.hold(None);
    while node.answers().is_empty() || store.size(LOAN).await.expect("counts").documents > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!((node.answers()[0].error.as_ref(), node.provisioned(), node.living().len()), (None, 2, 2));
}

/// Of what both have found damaged, one has written the end.
#[tokio::test]
async fn a_vault_that_one_core_has_buried_is_recorded_again_by_no_other() {
    let Pair { store, one, two, .. } = pair().await;
    let made = one.spawn(named("k")).await.expect("spawns").vault;
    let vault = one.vault(&made.id).await.expect("shows");
    sets_aside(&one, &store, &vault_key(&made.id)).await;
    two.basis().records.look_aside().await.expect("looks");
    let ended = crate::vaults::lost(&vault, "as a test says");
    assert!(one.phases().vaults.bury(ended.clone()).await.expect("buries"));
    let other = one.spawn(named("other")).await.expect("takes the name").vault.id;
    let again = two.basis().ledger.record_again(vault.clone(), "").await.expect("answers");
    assert!(!again && store.get(&vault_key(&made.id)).await.expect("reads").is_none());
    let mut ended = ended;
    let buried = two.basis().ledger.bury_damaged(vault, &mut ended).await.expect("answers");
    assert!(matches!(buried, crate::ledger::Burial::Unknown), "{buried:?}");
    let holder = two.resolve(asked()).await.expect("is held").vault.id;
    assert_eq!(holder, other, "and the name is its holder's");
}

#[tokio::test]
async fn what_was_damaged_of_a_vault_is_whole_again_in_one_commit() {
    for dies in [false, true] {
        let Pair { store, node, one, two } = pair().await;
        let made = one.spawn(named("k")).await.expect("spawns").vault.id;
        for key in [vault_key(&made), name_key(&boss())] {
            sets_aside(&one, &store, &key).await;
        }
        if dies {
            node.kill(&made, Cause::OutOfMemory);
        }
        two.basis().records.look_aside().await.expect("looks");
        let before = store.commits();
        let shown = two.vault(&made).await.expect("is recorded again");
        assert!(shown.damaged && shown.receipt.is_some() == dies && shown.name.is_some() != dies);
        assert_eq!(store.commits() - before, 1);
        let held = store.get(&name_key(&boss())).await.expect("reads").is_some();
        assert_eq!(held, !dies);
    }
}

/// Each looked at it while it was damaged.
#[tokio::test]
async fn a_name_that_one_core_has_mended_is_freed_by_no_other() {
    let Pair { store, one, two, .. } = pair().await;
    let first = one.spawn(named("k")).await.expect("spawns").vault.id;
    sets_aside(&one, &store, &name_key(&boss())).await;
    let ledger = &two.basis().ledger;
    let late = [ledger.damaged_name(&boss()).await, ledger.damaged_name(&boss()).await];
    let [freed, renamed] = late.map(|damage| damage.expect("reads").expect("is damaged"));
    let holder = two.basis().records.vault(&first).await.expect("reads").expect("lives");
    one.phases().vaults.salvage_all().await;
    assert_eq!(two.resolve(asked()).await.expect("is held again").vault.id, first);
    one.destruct(&first, Default::default(), None).await.expect("ends");
    let second = one.spawn(named("other")).await.expect("takes the name").vault.id;
    ledger.free_name(freed).await.expect("does nothing");
    ledger.name_again(&boss(), renamed, &holder).await.expect("does nothing");
    assert_eq!(two.resolve(asked()).await.expect("is held").vault.id, second);
}

/// No event tells of them here.
#[tokio::test]
async fn who_watches_names_hears_of_those_that_another_core_gives_and_frees() {
    let Pair { one, two, .. } = pair().await;
    let query = WatchQuery { name: Some(boss()) };
    let mut held = std::pin::pin!(one.holders(query).await.expect("watches"));
    let mut next = async || {
        one.phases().neighbours.follow().await.expect("looks");
        let patience = async {
            for _ in 0..1_000 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            line = held.next() => line.expect("goes on").service.map(|service| service.vault),
            () = patience => panic!("nothing is told"),
        }
    };
    assert_eq!(next().await, None, "how it stands");
    let made = two.spawn(named("k")).await.expect("spawns").vault.id;
    assert_eq!(next().await, Some(made.clone()));
    two.destruct(&made, Default::default(), None).await.expect("ends");
    assert_eq!(next().await, None);
}

#[tokio::test]
async fn a_node_whose_record_one_core_set_aside_is_taken_out_by_no_other() {
    let Pair { store, one, two, .. } = pair().await;
    let name: NodeName = "n2".parse().expect("a name");
    let member = Member {
        name: name.clone(),
        labels: Default::default(),
        api: Arc::new(FakeNode::new(name.clone())),
        address: None,
    };
    one.basis().node_table.put(&Arc::new(crate::nodes::NodeSlot::new(member)));
    let _ = store.commit(Txn::default().put("node/n2", b"{}".to_vec())).await.expect("commits");
    sets_aside(&two, &store, "node/n2").await;
    one.phases().membership.catch_up().await.expect("looks");
    assert!(one.basis().node_table.slot(&name).is_ok(), "it was not taken out");
    let _ = store.commit(Txn::default().delete("aside/node/n2").put("ephemeral/nodes", b"[]".to_vec())).await;
    one.phases().membership.catch_up().await.expect("looks");
    assert!(one.basis().node_table.slot(&name).is_err(), "and by now it was");
}
