//! Which node takes it, over several nodes at once.

use super::*;
use crate::fake_node::FakeCall;
use crate::ledger::Posting;
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::api::teardown::DestructQuery;
use hauki_contract::api::vault::ProvisionRequest;
use hauki_contract::api::{ApiError, ErrorCode};

const NAMES: [&str; 3] = ["n1", "n2", "n3"];

fn three() -> (Arc<Core>, Vec<Arc<FakeNode>>) {
    let nodes: Vec<_> =
        NAMES.iter().map(|name| Arc::new(FakeNode::new(name.parse().expect("a name")))).collect();
    let core = core_over(Arc::new(MemoryStore::default()), &nodes.iter().collect::<Vec<_>>(), &NAMES);
    (core, nodes)
}

fn scout(key: &str) -> SpawnRequest {
    let app = BTreeMap::from([("app".to_owned(), "scout".to_owned())]);
    let summons = SummonsRequest { labels: app.clone(), ..summons(key) };
    SpawnRequest {
        summons,
        placement: Placement { anti_affinity: app, ..Placement::default() },
        ..spawning(key)
    }
}

/// They look at the same time, before any of them is recorded.
#[tokio::test]
async fn those_that_are_to_stay_apart_do_so_even_at_once() {
    let (core, nodes) = three();
    let mut callers = tokio::task::JoinSet::new();
    for number in 0..4 {
        let core = core.clone();
        callers.spawn(async move { core.spawn(scout(&format!("k{number}"))).await });
    }
    let (made, refused): (Vec<_>, Vec<_>) = callers.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!((made.len(), refused.len()), (3, 1));
    assert!(nodes.iter().all(|node| node.living().len() == 1));
    let error = refused.into_iter().next().expect("one").expect_err("is refused");
    assert_eq!(error.code, ErrorCode::NoCapacity);
    assert!(error.message.contains("apart"), "{error}");
    // Others do not care, and a death makes room.
    assert!(core.spawn(spawning("other")).await.is_ok());
    let first = made.into_iter().next().expect("one").expect("was made").vault;
    core.destruct(&first.id, DestructQuery::default(), None).await.expect("ends");
    assert_eq!(core.spawn(scout("k9")).await.expect("has room").vault.node, first.node);
}

/// Each core's turns are its own: between two the store decides.
#[tokio::test]
async fn those_that_are_to_stay_apart_do_so_with_two_cores_on_one_store() {
    let store = Arc::new(MemoryStore::default());
    let node = Arc::new(FakeNode::new("n1".parse().expect("a name")));
    let [one, two] = [0, 1].map(|_| core_over(store.clone(), &[&node], &["n1"]));
    let SpawnRequest { summons, placement, .. } = scout("one");
    let drafted = one.phases().summoning.draft(summons, Default::default()).await.expect("is drafted");
    let forged = one.phases().forge.forge(&drafted, &placement, None).await.expect("sees nobody there");
    let beside = two.spawn(scout("two")).await.expect("sees nobody there either").vault;
    let recorded = one.phases().forge.record(forged, Posting::default(), Vec::new()).await;
    let refused = ApiError::from(recorded.expect_err("is no longer alone"));
    assert_eq!((refused.code, refused.retryable), (ErrorCode::Temporary.into(), true));
    while node.living() != [beside.id.clone()] {
        tokio::task::yield_now().await;
    }
    // Who looks again sees it.
    let again = one.spawn(scout("one")).await.expect_err("is not alone");
    assert_eq!(again.code, ErrorCode::NoCapacity);
    two.destruct(&beside.id, DestructQuery::default(), None).await.expect("ends");
    one.spawn(scout("one")).await.expect("is alone");
}

#[tokio::test]
async fn a_crowd_is_spread_over_the_nodes() {
    let (core, nodes) = three();
    let mut callers = tokio::task::JoinSet::new();
    for number in 0..60 {
        let core = core.clone();
        callers.spawn(async move { core.spawn(spawning(&format!("k{number}"))).await.expect("spawns") });
    }
    callers.join_all().await;
    let load: Vec<usize> = nodes.iter().map(|node| node.living().len()).collect();
    assert!(load.iter().all(|one| (18..=22).contains(one)), "{load:?}");
}

#[tokio::test]
async fn a_dry_run_tells_of_every_node_even_if_none_fits() {
    let (core, nodes) = three();
    nodes[0].set_draining(true);
    nodes[1].set_down(true);
    let summons = core.summon(summons("k")).await.expect("summons").id;
    let request = |label: Option<(&str, &str)>| ProvisionRequest {
        key: "k".into(),
        summons: summons.clone(),
        placement: Placement {
            labels: label.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            ..Placement::default()
        },
        dry_run: true,
    };
    let planned = core.provision(request(None)).await.expect("n3 fits");
    let told: Vec<_> =
        planned.explanation.iter().map(|score| (score.node.as_str(), score.refused.is_some())).collect();
    assert_eq!(told, [("n3", false), ("n1", true), ("n2", true)]);
    assert!(planned.explanation[0].free_memory_bytes.is_some() && planned.explanation[0].rtt_us.is_some());
    let error = core.provision(request(Some(("gpu", "yes")))).await.expect_err("none fits");
    assert_eq!((error.code, error.explanation.len()), (ErrorCode::NoCapacity.into(), 3));
}

#[tokio::test]
async fn the_answer_names_who_refused_and_who_took_it() {
    let (core, nodes) = three();
    for node in &nodes[..2] {
        node.fail_next(FakeCall::Provision, NodeError::new(NodeFault::Full, "no id range is free"));
    }
    let vault = core.spawn(spawning("k")).await.expect("spawns").vault;
    let told: Vec<_> = vault.explanation.iter().map(|score| (score.node.as_str(), score.chosen)).collect();
    assert_eq!(told, [("n1", false), ("n2", false), ("n3", true)]);
}
