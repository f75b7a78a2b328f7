use super::*;
use crate::fake_node::FakeCall;
use crate::store::memory::InjectedFault;
use crate::watch::{CLAIM_PAUSE, Unsettled};
use hauki_contract::api::event::Happening;
use hauki_contract::api::node::NewsItem;
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::api::vault::VaultQuery;
use hauki_contract::model::death::Cause;
use hauki_contract::model::id::VaultId;
use hauki_contract::model::open_word::OpenWord;
use hauki_contract::model::phase::Phase;
use hauki_contract::system::{clock, random};

async fn died(core: &Core, vault: &VaultId) -> OpenWord<Cause> {
    let event =
        event(core, |event| matches!(&event.what, Happening::Died { vault: died, .. } if died == vault))
            .await;
    match event.what {
        Happening::Died { receipt, .. } => receipt.death.cause,
        _ => unreachable!("the filter let it through"),
    }
}

async fn node_up(core: &Core, boot: &str) {
    event(core, |event| matches!(&event.what, Happening::NodeUp { boot_id, .. } if boot_id == boot)).await;
}

#[tokio::test]
async fn news_become_records_and_events() {
    let Swarm { core, node, .. } = swarm();
    let spawned = core.spawn(spawning("k")).await.expect("spawns");
    let vault = spawned.vault.id;
    node.say(NewsItem::Claimed {
        vault: vault.clone(),
        ticket: spawned.ticket.id,
        peer: "10.0.0.9:5".into(),
    });
    event(&core, |event| matches!(event.what, Happening::Claimed { .. })).await;
    node.say(NewsItem::Log { vault: vault.clone(), text: "hello".into() });
    event(&core, |event| matches!(event.what, Happening::Log { .. })).await;
    let written = async {
        while core.vault(&vault).await.expect("shows").phase != Phase::Live {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), written).await.expect("is written");
    node.kill(&vault, Cause::HeartbeatLost);
    assert_eq!(died(&core, &vault).await, Cause::HeartbeatLost);
    assert_eq!(core.vault(&vault).await.expect("shows").phase, Phase::Dead);
}

/// The commits of a claim and a death that follows at once, and how long that took.
async fn short_life() -> (u64, std::time::Duration) {
    let Swarm { core, node, store, .. } = swarm();
    node_up(&core, "boot-1").await;
    let spawned = core.spawn(spawning("k")).await.expect("spawns");
    let vault = spawned.vault.id;
    let (ticket, peer) = (spawned.ticket.id, "10.0.0.9:5".to_owned());
    let claim = NewsItem::Claimed { vault: vault.clone(), ticket, peer };
    let (before, began) = (store.commits(), clock::mono());
    node.say(claim.clone());
    node.say(claim.clone());
    event(&core, |event| matches!(event.what, Happening::Claimed { .. })).await;
    node.kill(&vault, Cause::HeartbeatLost);
    died(&core, &vault).await;
    let took = std::time::Duration::from_micros(clock::mono().since(began));
    node.say(claim);
    node.say(NewsItem::Log { vault, text: "after the claims".into() });
    event(&core, |event| matches!(event.what, Happening::Log { .. })).await;
    // Past the time at which the claim would have been written down.
    tokio::time::sleep(CLAIM_PAUSE * 2).await;
    use futures_util::StreamExt as _;
    let claims = core.basis().events.read(EventQuery::default());
    let claims = claims.filter(|event| std::future::ready(matches!(event.what, Happening::Claimed { .. })));
    assert_eq!(claims.count().await, 1, "it is told once, and not of the dead");
    assert!(core.basis().claims.lock().is_empty());
    (store.commits() - before, took)
}

#[tokio::test]
async fn a_claim_is_told_at_once_and_costs_a_short_life_no_commit() {
    for _ in 0..100 {
        let (commits, took) = short_life().await;
        // A busy machine may have made it a longer life.
        if took < CLAIM_PAUSE / 2 {
            return assert_eq!(commits, 1);
        }
    }
    panic!("no life was short");
}

#[tokio::test]
async fn a_claim_is_written_down_when_the_store_can_again() {
    let Swarm { core, node, store, .. } = swarm();
    node_up(&core, "boot-1").await;
    let spawned = core.spawn(spawning("k")).await.expect("spawns");
    store.fail_commits(Some(InjectedFault::DiskFull));
    let (vault, ticket) = (spawned.vault.id, spawned.ticket.id);
    node.say(NewsItem::Claimed { vault: vault.clone(), ticket, peer: "10.0.0.9:5".into() });
    event(&core, |event| matches!(event.what, Happening::Claimed { .. })).await;
    tokio::time::sleep(CLAIM_PAUSE * 2).await;
    assert_eq!(core.vault(&vault).await.expect("shows").phase, Phase::Ticketed);
    store.fail_commits(None);
    let written = async {
        while core.vault(&vault).await.expect("shows").phase != Phase::Live
            || !core.basis().claims.lock().is_empty()
        {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), written).await.expect("is written");
}

/// As for a vault that was forged and ticketed in two steps, or before this core began.
#[tokio::test]
async fn a_claim_that_nobody_awaits_is_told_once_too() {
    let Swarm { core, node, .. } = swarm();
    node_up(&core, "boot-1").await;
    let spawned = core.spawn(spawning("k")).await.expect("spawns");
    core.basis().claims.lock().clear();
    let (vault, ticket) = (spawned.vault.id, spawned.ticket.id);
    let claim = NewsItem::Claimed { vault: vault.clone(), ticket, peer: "10.0.0.9:5".into() };
    node.say(claim.clone());
    node.say(claim);
    node.say(NewsItem::Log { vault: vault.clone(), text: "after the claims".into() });
    event(&core, |event| matches!(event.what, Happening::Log { .. })).await;
    assert_eq!(core.vault(&vault).await.expect("shows").phase, Phase::Live);
    use futures_util::StreamExt as _;
    let claims = core.basis().events.read(EventQuery::default());
    let claims = claims.filter(|event| std::future::ready(matches!(event.what, Happening::Claimed { .. })));
    assert_eq!((claims.count().await, core.basis().claims.lock().len()), (1, 0));
}

#[tokio::test]
async fn a_death_is_told_once() {
    let Swarm { core, node, .. } = swarm();
    let vault = core.spawn(spawning("k")).await.expect("spawns").vault.id;
    core.destruct(&vault, Default::default(), None).await.expect("ends");
    node.say(NewsItem::Log { vault: vault.clone(), text: "after the news of the death".into() });
    event(&core, |event| matches!(event.what, Happening::Log { .. })).await;
    use futures_util::StreamExt as _;
    let told = core.basis().events.read(EventQuery::default());
    let deaths = told.filter(|event| std::future::ready(matches!(event.what, Happening::Died { .. })));
    assert_eq!(deaths.count().await, 1);
}

#[tokio::test]
async fn vaults_of_a_node_that_started_anew_are_lost() {
    let Swarm { core, node, .. } = swarm();
    node_up(&core, "boot-1").await;
    let vault = core.spawn(spawning("k")).await.expect("spawns").vault.id;
    node.restart();
    assert_eq!(died(&core, &vault).await, Cause::DaemonLost);
    let receipt = core.vault(&vault).await.expect("shows").receipt.expect("is dead");
    assert!(receipt.reclaimed.is_empty(), "nobody saw anything reclaimed");
    node_up(&core, "boot-2").await;
}

#[tokio::test]
async fn silence_is_not_death() {
    let Swarm { core, node, .. } = swarm();
    node_up(&core, "boot-1").await;
    let vault = core.spawn(spawning("k")).await.expect("spawns").vault.id;
    node.set_down(true);
    event(&core, |event| matches!(event.what, Happening::NodeLost { .. })).await;
    let listed = core.vaults(VaultQuery::default()).await.expect("lists").vaults;
    assert!(listed[0].unreachable.is_some() && listed[0].receipt.is_none());
    assert!(core.nodes().await.nodes[0].state.starts_with("unreachable: connection refused"));
    node.set_down(false);
    let last = core.basis().events.last();
    event(&core, |event| event.seq > last && matches!(event.what, Happening::NodeUp { .. })).await;
    let shown = core.vault(&vault).await.expect("shows");
    assert!(shown.unreachable.is_none() && shown.vitals.is_some());
}

#[tokio::test]
async fn a_new_core_makes_the_records_true_again() {
    let Swarm { core, store, node } = unwatched();
    let kept = core.spawn(spawning("kept")).await.expect("spawns").vault.id;
    let gone = core.spawn(spawning("gone")).await.expect("spawns").vault.id;
    let orphan = random::vault_id();
    drop(core);
    // While there was no core: one died, and one was left that nobody recorded.
    node.kill(&gone, Cause::OutOfMemory);
    node.plant(orphan.clone());

    let core = core_over(store, &[&node], &["n1"]);
    let _tasks = core.start();
    node_up(&core, "boot-1").await;
    assert_eq!(died(&core, &gone).await, Cause::OutOfMemory);
    assert_eq!(node.living(), std::slice::from_ref(&kept));
    assert_eq!(node.tombstone(&orphan).expect("ended").death.cause, Cause::Cancelled);
    assert!(core.vault(&kept).await.expect("shows").receipt.is_none());
}

#[tokio::test]
async fn a_core_that_closes_writes_down_the_last_deaths() {
    use futures_util::StreamExt as _;
    let Swarm { core, node, .. } = unwatched();
    let vault = core.spawn(spawning("k")).await.expect("spawns").vault.id;
    let follower = core.basis().events.read(EventQuery { follow: true, ..EventQuery::default() });
    node.kill(&vault, Cause::NodeShutdown);
    core.close().await;
    let last = follower.collect::<Vec<_>>().await.pop().expect("has events");
    assert!(matches!(last.what, Happening::Died { .. }));
    let receipt = core.vault(&vault).await.expect("shows").receipt.expect("is dead");
    assert_eq!(receipt.death.cause, Cause::NodeShutdown);
}

#[tokio::test]
async fn what_is_being_forged_is_no_orphan() {
    let Swarm { core, node, .. } = unwatched();
    node.hold(Some(FakeCall::Open));
    let spawning = tokio::spawn({
        let core = core.clone();
        async move { core.spawn(spawning("k")).await }
    });
    node.somebody_waits().await;
    let _tasks = core.start();
    node_up(&core, "boot-1").await;
    assert_eq!(node.living().len(), 1);
    node.hold(None);
    spawning.await.expect("ends").expect("spawns");
}

#[tokio::test]
async fn a_listing_beside_a_node_that_hangs_says_what_is_known_and_does_not_wait() {
    let Swarm { core, node, .. } = swarm();
    node_up(&core, "boot-1").await;
    let vault = core.spawn(spawning("k")).await.expect("spawns").vault.id;
    node.hold(Some(FakeCall::Word));
    let began = clock::mono();
    for _ in 0..2 {
        let listed = core.vaults(VaultQuery::default()).await.expect("lists").vaults;
        assert_eq!(listed[0].id, vault);
        assert!(listed[0].unreachable.is_some() && listed[0].receipt.is_none());
    }
    let took = clock::mono().since(began) / 1000;
    assert!(took < 1_900, "{took} ms: the node's own deadline is 2 s for each");
    node.hold(None);
    let listed = async {
        while core.vaults(VaultQuery::default()).await.expect("lists").vaults[0].vitals.is_none() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), listed).await.expect("it is asked again");
}

/// What is about one vault is left for later; the node's other vaults are heard.
#[tokio::test]
async fn a_vault_that_cannot_be_settled_keeps_no_others_news() {
    let Swarm { core, node, .. } = unwatched();
    let vaults = [
        core.spawn(spawning("a")).await.expect("spawns").vault.id,
        core.spawn(spawning("b")).await.expect("spawns").vault.id,
    ];
    // One has died and its receipt cannot be told, one was left by a crash and cannot be ended.
    node.kill(&vaults[0], Cause::OutOfMemory);
    node.forget_news();
    let stuck = random::vault_id();
    node.plant(stuck.clone());
    for call in [FakeCall::Receipt, FakeCall::Destruct] {
        for _ in 0..20 {
            node.fail_next(call, NodeError::new(NodeFault::Failed, "it is stuck"));
        }
    }
    let _tasks = core.start();
    let heard = async {
        node_up(&core, "boot-1").await;
        node.kill(&vaults[1], Cause::HeartbeatLost);
        died(&core, &vaults[1]).await
    };
    let cause = tokio::time::timeout(std::time::Duration::from_secs(10), heard).await.expect("goes on");
    assert_eq!(cause, Cause::HeartbeatLost);
    assert_eq!(node.living(), std::slice::from_ref(&stuck));
    // And when it can be, it is.
    let slot = core.basis().node_table.slot(&"n1".parse().expect("a name")).expect("is there");
    let mut left = Unsettled::default();
    let mut again = async || core.phases().watcher.reconcile(&slot, true, &mut left).await.expect("compares");
    while node.failures_left(FakeCall::Receipt) + node.failures_left(FakeCall::Destruct) > 0 {
        again().await;
    }
    again().await;
    assert!(left.is_empty() && node.living().is_empty());
    assert_eq!(core.vault(&vaults[0]).await.expect("shows").phase, Phase::Dead);
}
