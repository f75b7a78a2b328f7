use super::*;
use crate::fake_node::FakeCall;
use crate::store::memory::InjectedFault;
use hauki_contract::api::ErrorCode;
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::api::vault::{ProvisionRequest, TicketRequest};
use hauki_contract::model::death::Cause;
use hauki_contract::model::phase::Phase;
use hauki_contract::rpc::capability::{CallFacts, Capability, Issuer};
use hauki_contract::system::clock;

fn provisioning(key: &str, summons: hauki_contract::model::id::SummonsId) -> ProvisionRequest {
    ProvisionRequest { key: key.into(), summons, placement: Placement::default(), dry_run: false }
}

#[tokio::test]
async fn the_three_phases_one_by_one() {
    let Swarm { core, node, .. } = swarm();
    let summons = core.summon(summons("k")).await.expect("summons");
    assert_eq!((summons.worker.name.as_str(), summons.file.as_str()), ("scout", "dir/scout.js"));
    assert_eq!(core.summons(&summons.id).await.expect("is kept").worker, summons.worker);

    let vault = core.provision(provisioning("k", summons.id.clone())).await.expect("forges");
    assert_eq!((vault.phase, vault.generation), (Phase::Forged.into(), 1));
    assert_eq!(node.living(), std::slice::from_ref(&vault.id));

    let ticket = core
        .ticket(TicketRequest { vault: vault.id.clone(), wishes: TicketWishes::default() })
        .await
        .expect("opens");
    assert_eq!(ticket.methods, ["scan", "top"]);
    let issuer = Issuer::from_hex(&core.basis().issuer.public_hex()).expect("a key");
    let ask =
        CallFacts { vault: &vault.id, generation: 1, node: &vault.node, now: clock::now(), method: "scan" };
    let held = Capability::verify(&ticket.auth.token, &issuer, |word| word.holds(&ask)).expect("is signed");
    assert_eq!((held.allows(&ask), &held.holder().ticket), (Ok(()), &ticket.id));
    let shown = core.vault(&vault.id).await.expect("shows");
    assert_eq!((shown.phase, shown.endpoint), (Phase::Ticketed.into(), Some(ticket.endpoint)));
    assert!(shown.vitals.is_some() && shown.unreachable.is_none());
}

#[tokio::test]
async fn one_spawn_is_one_commit() {
    let Swarm { core, store, .. } = unwatched();
    let spawned = core.spawn(spawning("k")).await.expect("spawns");
    assert_eq!(store.commits(), 1);
    assert_eq!(spawned.vault.phase, Phase::Ticketed);
    assert_eq!(core.vaults(Default::default()).await.expect("lists").vaults.len(), 1);
}

#[tokio::test]
async fn a_caller_who_goes_away_leaves_no_vault_and_no_record() {
    for held in [FakeCall::Provision, FakeCall::Open] {
        let Swarm { core, store, node } = swarm();
        node.hold(Some(held));
        let spawning = tokio::spawn({
            let core = core.clone();
            async move { core.spawn(spawning("k")).await }
        });
        node.somebody_waits().await;
        spawning.abort();
        assert!(spawning.await.expect_err("was dropped").is_cancelled());
        node.hold(None);
        while core.basis().ledger.count_forging().await.expect("counts") > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(node.living(), [], "{held:?}");
        assert_eq!(store.commits(), 0, "{held:?}");
        // The key is free: the same request makes a vault now.
        assert!(core.spawn(super::spawning("k")).await.expect("spawns").changed);
    }
}

#[tokio::test]
async fn a_full_disk_leaves_no_vault_and_says_so() {
    let Swarm { core, store, node } = swarm();
    store.fail_commits(Some(InjectedFault::DiskFull));
    let error = core.spawn(spawning("k")).await.expect_err("is full");
    assert_eq!(error.code, ErrorCode::Environment);
    assert!(error.message.contains("(memory)"), "{error}");
    while core.basis().ledger.count_forging().await.expect("counts") > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(node.living(), []);
    store.fail_commits(None);
    core.spawn(spawning("k")).await.expect("spawns");
}

#[tokio::test]
async fn a_vault_that_dies_before_it_is_recorded_gets_its_tombstone() {
    let Swarm { core, node, .. } = swarm();
    node.hold(Some(FakeCall::Open));
    let spawning = tokio::spawn({
        let core = core.clone();
        async move { core.spawn(spawning("k")).await }
    });
    node.somebody_waits().await;
    let id = node.living().remove(0);
    let receipt = crate::vaults::lost(
        &hauki_contract::api::vault::Vault { id: id.clone(), ..forged(&core).await },
        "gone early",
    );
    assert!(!core.phases().vaults.bury(receipt).await.expect("waits"));
    node.hold(None);
    spawning.await.expect("ends").expect("spawns");
    let shown = core.vault(&id).await.expect("shows");
    assert_eq!(shown.receipt.expect("is dead").death.cause, Cause::DaemonLost);
}

/// Some vault that is not in the way.
async fn forged(core: &Arc<Core>) -> hauki_contract::api::vault::Vault {
    let summons = core.summon(summons("other")).await.expect("summons");
    core.provision(provisioning("other", summons.id)).await.expect("forges")
}

#[tokio::test]
async fn a_full_node_passes_it_on_and_the_last_says_why() {
    let (one, two) = (FakeNode::new("n1".parse().expect("a name")), FakeNode::new("n2".parse().expect("ok")));
    let (one, two) = (Arc::new(one), Arc::new(two));
    let core = core_over(Arc::new(MemoryStore::default()), &[&one, &two], &["n1", "n2"]);
    let full = || NodeError::new(NodeFault::Full, "no id range is free");
    one.fail_next(FakeCall::Provision, full());
    let spawned = core.spawn(spawning("k")).await.expect("spawns");
    assert_eq!(spawned.vault.node.as_str(), "n2");
    assert_eq!(spawned.vault.explanation[0].refused.as_deref(), Some("no id range is free"));

    one.set_max_vaults(0);
    let core = core_over(Arc::new(MemoryStore::default()), &[&one, &two], &["n1", "n2"]);
    two.fail_next(FakeCall::Provision, full());
    let error = core.spawn(spawning("k2")).await.expect_err("is full");
    assert_eq!(error.code, ErrorCode::NoCapacity);
    assert!(error.message.contains("n1: full: 0 of 0 vaults; n2: no id range is free"), "{error}");
    assert_eq!(one.living(), []);
}

#[tokio::test]
async fn a_node_that_falls_silent_passes_it_on_and_keeps_nothing() {
    let (one, two) = (FakeNode::new("n1".parse().expect("a name")), FakeNode::new("n2".parse().expect("ok")));
    let (one, two) = (Arc::new(one), Arc::new(two));
    let core = core_over(Arc::new(MemoryStore::default()), &[&one, &two], &["n1", "n2"]);
    core.nodes().await;
    one.set_down(true);
    let spawned = core.spawn(spawning("k")).await.expect("spawns");
    assert_eq!(spawned.vault.node.as_str(), "n2");
    two.set_down(true);
    let error = core.spawn(spawning("k2")).await.expect_err("both are down");
    assert!(error.retryable, "{error}");
    assert_eq!((one.living().len(), two.living().len()), (0, 1));
}

#[tokio::test]
async fn dry_runs_make_nothing() {
    let Swarm { core, store, node } = unwatched();
    let request = SummonsRequest { dry_run: true, ..summons("k") };
    assert!(core.summon(request).await.expect("drafts").dry_run);
    assert_eq!(store.commits(), 0);
    let summons = core.summon(summons("k")).await.expect("summons");
    let request = ProvisionRequest { dry_run: true, ..provisioning("k", summons.id) };
    let planned = core.provision(request).await.expect("plans");
    assert!(planned.dry_run && planned.explanation[0].chosen);
    assert_eq!((store.commits(), node.provisioned()), (1, 0));
}
