//! Two cores on one store: what one of them has done about damage, or is at, is so for the other.

use super::*;
use crate::fake_node::FakeCall;
use crate::ledger::{ASIDE, LOAN, NAME, Posting, budget_key, idempotency_key, name_key, term_key, vault_key};
use crate::store::{Expect, Txn};
use hauki_contract::api::clone::CloneAsk;
use hauki_contract::api::event::Happening;
use hauki_contract::api::gem::GemPush;
use hauki_contract::api::{ApiError, ErrorCode};
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
    let asked = hauki_contract::api::registry::ResolveRequest { name: boss(), ticket: None };
    let refused = two.resolve(asked).await.expect_err("nobody can tell");
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
    node.wish(CloneAsk { vault: parent.clone(), number: 1, arguments });
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
