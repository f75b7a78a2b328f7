use super::*;
use crate::api::event::Happening;
use crate::api::node::NewsItem;
use crate::api::vault::VaultQuery;
use crate::core::fake_node::Call;
use crate::model::death::Cause;
use crate::model::id::VaultId;
use crate::model::phase::Phase;
use crate::system::random;

async fn died(core: &Core, vault: &VaultId) -> Cause {
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
    let Swarm { core, node, _tasks, .. } = swarm();
    let spawned = core.spawn(spawning("k")).await.expect("spawns");
    let vault = spawned.vault.id;
    node.say(NewsItem::Claimed {
        vault: vault.clone(),
        ticket: spawned.ticket.id,
        peer: "10.0.0.9:5".into(),
    });
    node.say(NewsItem::Log { vault: vault.clone(), text: "hello".into() });
    event(&core, |event| matches!(event.what, Happening::Log { .. })).await;
    assert_eq!(core.vault(&vault).await.expect("shows").phase, Phase::Live);
    node.kill(&vault, Cause::HeartbeatLost);
    assert_eq!(died(&core, &vault).await, Cause::HeartbeatLost);
    assert_eq!(core.vault(&vault).await.expect("shows").phase, Phase::Dead);
}

#[tokio::test]
async fn a_death_is_told_once() {
    let Swarm { core, node, _tasks, .. } = swarm();
    let vault = core.spawn(spawning("k")).await.expect("spawns").vault.id;
    core.destruct(&vault, Default::default(), None).await.expect("ends");
    node.say(NewsItem::Log { vault: vault.clone(), text: "after the news of the death".into() });
    event(&core, |event| matches!(event.what, Happening::Log { .. })).await;
    use futures_util::StreamExt as _;
    let told = core.events.read(EventQuery::default());
    let deaths = told.filter(|event| std::future::ready(matches!(event.what, Happening::Died { .. })));
    assert_eq!(deaths.count().await, 1);
}

#[tokio::test]
async fn vaults_of_a_node_that_started_anew_are_lost() {
    let Swarm { core, node, _tasks, .. } = swarm();
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
    let Swarm { core, node, _tasks, .. } = swarm();
    node_up(&core, "boot-1").await;
    let vault = core.spawn(spawning("k")).await.expect("spawns").vault.id;
    node.set_down(true);
    event(&core, |event| matches!(event.what, Happening::NodeLost { .. })).await;
    let listed = core.vaults(VaultQuery::default()).await.expect("lists").vaults;
    assert!(listed[0].unreachable.is_some() && listed[0].receipt.is_none());
    assert!(core.nodes().await.nodes[0].state.starts_with("unreachable: connection refused"));
    node.set_down(false);
    let last = core.events.last();
    event(&core, |event| event.seq > last && matches!(event.what, Happening::NodeUp { .. })).await;
    let shown = core.vault(&vault).await.expect("shows");
    assert!(shown.unreachable.is_none() && shown.vitals.is_some());
}

#[tokio::test]
async fn a_new_core_makes_the_records_true_again() {
    let Swarm { core, store, node, .. } = unwatched();
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
async fn what_is_being_forged_is_no_orphan() {
    let Swarm { core, node, .. } = unwatched();
    node.hold(Some(Call::Open));
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
