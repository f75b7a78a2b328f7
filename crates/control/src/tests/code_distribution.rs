//! Code on its way to the nodes.

use super::*;
use crate::fake_node::FakeCall;
use hauki_contract::api::ErrorCode;
use hauki_contract::api::gem::GemPush;
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::api::vault::ProvisionRequest;
use hauki_contract::model::digest::Sha256;
use hauki_contract::model::gem::Manifest;

fn of_size(key: &str, bytes: usize) -> (SummonsRequest, Sha256) {
    let text = format!("function scan() {{}} // {}", "x".repeat(bytes));
    let sha256 = Sha256::of(text.as_bytes());
    (
        SummonsRequest {
            origin: Origin::Source { text, file: "scout.js".into(), compilation: None },
            ..summons(key)
        },
        sha256,
    )
}

fn on(node: &str, summons: SummonsRequest) -> SpawnRequest {
    let placement = Placement { node: node.parse().ok(), ..Placement::default() };
    SpawnRequest { placement, summons, ..spawning("") }
}

#[tokio::test]
async fn code_travels_once_and_again_only_where_it_is_gone() {
    for bytes in [10, 100_000] {
        let Swarm { core, node, .. } = unwatched();
        let spawn = async |key: &str| {
            let (summons, sha256) = of_size(key, bytes);
            core.spawn(on("n1", summons)).await.expect("spawns");
            sha256
        };
        let sha256 = spawn("first").await;
        assert_eq!((spawn("second").await, node.came()), (sha256, vec![sha256]));
        // Silently, and then with a word of it.
        node.forget_code();
        spawn("third").await;
        assert_eq!(node.came(), [sha256; 2]);
        node.forget_code();
        core.nodes().await;
        spawn("fourth").await;
        assert_eq!((node.came(), node.living().len()), (vec![sha256; 3], 4));
    }
}

#[tokio::test]
async fn many_orders_at_once_send_a_large_source_once() {
    let Swarm { core, node, .. } = unwatched();
    let spawns = (0..20).map(|number| {
        let (core, summons) = (core.clone(), of_size(&format!("k{number}"), 100_000).0);
        async move { core.spawn(on("n1", summons)).await.map(drop) }
    });
    futures_util::future::try_join_all(spawns).await.expect("all spawn");
    assert_eq!((node.came().len(), node.living().len()), (1, 20));
}

/// It is on every node before it is forged there, and a node that is away does not matter.
#[tokio::test]
async fn a_gem_travels_ahead_when_it_is_summoned() {
    let names = ["n1", "n2", "n3"];
    let nodes = names.map(|name| Arc::new(FakeNode::new(name.parse().expect("a name"))));
    let core = core_over(Arc::new(MemoryStore::default()), &nodes.each_ref(), &names);
    core.nodes().await;
    nodes[2].set_down(true);
    let source = "function scan() {}".to_owned();
    let sha256 = Sha256::of(source.as_bytes());
    let push = GemPush {
        path: "workers/scout".into(),
        version: None,
        source,
        compilation: None,
        original: None,
        manifest: Manifest::default(),
    };
    core.basis().gems.push(push).await.expect("is pushed");
    let pointer = "gem-pointer://workers/scout".parse().expect("a pointer");
    let request = SummonsRequest { origin: Origin::Gem(pointer), ..summons("k") };
    let summons = core.summon(request).await.expect("summons").id;
    while nodes[..2].iter().any(|node| node.came() != [sha256]) {
        tokio::task::yield_now().await;
    }
    let request =
        ProvisionRequest { key: "p".into(), summons, placement: Placement::default(), dry_run: true };
    let explained = core.provision(request.clone()).await.expect("plans").explanation;
    let has: Vec<_> = explained.iter().map(|score| (score.node.as_str(), score.code)).collect();
    assert_eq!(has, [("n1", Some(true)), ("n2", Some(true)), ("n3", Some(false))]);
    core.provision(ProvisionRequest { dry_run: false, ..request }).await.expect("forges");
    assert_eq!(nodes[0].came(), [sha256], "the order went by hash");
}

/// What the store holds was changed behind the core's back: nothing is made of it.
#[tokio::test]
async fn a_node_refuses_other_bytes_than_the_hash_says() {
    for bytes in [10, 100_000] {
        let Swarm { core, node, store, .. } = unwatched();
        let (request, _) = of_size("k", bytes);
        let id = core.summon(request).await.expect("summons").id;
        let evil = format!("function evil() {{}} // {}", "x".repeat(bytes)).into_bytes();
        let txn = crate::store::Txn::default().put(crate::ledger::source_key(&id), evil);
        assert!(matches!(store.commit(txn).await, Ok(crate::store::CommitOutcome::Committed { .. })));
        let placement = Placement::default();
        let request = ProvisionRequest { key: "p".into(), summons: id, placement, dry_run: false };
        let error = core.provision(request).await.expect_err("is refused");
        assert_eq!(error.code, ErrorCode::BadRequest);
        while !node.living().is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!((node.provisioned(), node.came()), (0, vec![]));
    }
}

#[tokio::test]
async fn a_node_that_cannot_take_the_code_is_not_the_end() {
    let names = ["n1", "n2"];
    let nodes = names.map(|name| Arc::new(FakeNode::new(name.parse().expect("a name"))));
    let core = core_over(Arc::new(MemoryStore::default()), &nodes.each_ref(), &names);
    nodes[0].fail_next(FakeCall::Keep, NodeError::new(NodeFault::Silent, "connection reset"));
    let spawned = core.spawn(SpawnRequest { summons: of_size("k", 100_000).0, ..spawning("") }).await;
    assert_eq!(spawned.expect("spawns").vault.node.as_str(), "n2");
}
