use super::*;
use crate::watch::KnownSince;
use hauki_contract::api::event::Happening;
use hauki_contract::model::death::Cause;
use hauki_contract::model::lease::{Mono, Terms};
use hauki_contract::system::clock;

/// After this nobody lives who had usual terms.
fn a_life_later(now: Mono) -> Mono {
    now.plus_ms(2 * Terms::default().lifetime_ms)
}

#[tokio::test]
async fn a_vault_is_given_up_when_its_life_time_is_over_and_its_node_silent() {
    let Swarm { core, node, .. } = swarm();
    // A node that was never up is not lost.
    event(&core, |event| matches!(event.what, Happening::NodeUp { .. })).await;
    let vault = core.spawn(spawning("k")).await.expect("spawns").vault.id;
    let (mut known, now) = (KnownSince::default(), clock::mono());
    core.phases().watcher.give_up(&mut known, now).await.expect("looks");
    // However late it is: as long as its node is seen, the node says what lives.
    core.phases().watcher.give_up(&mut known, a_life_later(now)).await.expect("looks");
    assert!(core.vault(&vault).await.expect("shows").receipt.is_none());
    node.set_down(true);
    event(&core, |event| matches!(event.what, Happening::NodeLost { .. })).await;
    core.phases()
        .watcher
        .give_up(&mut known, now.plus_ms(Terms::default().lifetime_ms))
        .await
        .expect("looks");
    assert!(core.vault(&vault).await.expect("shows").receipt.is_none(), "not before it must be");
    // A core that has started anew knows nothing of the time before.
    core.phases().watcher.give_up(&mut KnownSince::default(), a_life_later(now)).await.expect("looks");
    assert!(core.vault(&vault).await.expect("shows").receipt.is_none());
    core.phases().watcher.give_up(&mut known, a_life_later(now)).await.expect("looks");
    let receipt = core.vault(&vault).await.expect("shows").receipt.expect("is given up");
    assert_eq!(receipt.death.cause, Cause::DaemonLost);
    assert!(receipt.reclaimed.is_empty(), "nobody saw anything reclaimed");
}

#[tokio::test]
async fn a_vault_of_a_node_that_was_taken_out_ends_by_word_and_does_not_come_back() {
    let Swarm { core, store, node } = unwatched();
    let vault = core.spawn(spawning("k")).await.expect("spawns").vault.id;
    node.set_down(true);
    core.destruct(&vault, Default::default(), None).await.expect_err("a silent node may be asked later");
    assert!(core.vault(&vault).await.expect("shows").receipt.is_none());
    core.basis().node_table.remove(&"n1".parse().expect("a name"));
    let shown = core.vault(&vault).await.expect("shows");
    assert!(shown.receipt.is_none() && shown.unreachable.is_some(), "taken out is not dead");
    let ended = core.destruct(&vault, Default::default(), None).await.expect("ends the record");
    assert!(ended.changed && ended.receipt.is_some_and(|receipt| receipt.reclaimed.is_empty()));
    assert_eq!(node.living(), std::slice::from_ref(&vault));

    // It was not gone after all: what was declared dead must not be alive.
    node.set_down(false);
    let core = core_over(store, &[&node], &["n1"]);
    let _tasks = core.start();
    event(&core, |event| matches!(event.what, Happening::NodeUp { .. })).await;
    assert!(node.living().is_empty());
    let receipt = core.vault(&vault).await.expect("shows").receipt.expect("is dead");
    assert_eq!(receipt.death.cause, Cause::DaemonLost, "the first tombstone stays");
}
