//! A node that was taken over lies in every field, and harms nobody but its own vaults.

use std::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::fake_node::{Lie, Lies};
use crate::service::Tasks;
use hauki_contract::api::ErrorCode;
use hauki_contract::api::clone::CloneAsk;
use hauki_contract::api::event::Happening;
use hauki_contract::api::node::{NewsItem, OpenedPort, TornDown};
use hauki_contract::api::node_error::NodeError;
use hauki_contract::api::teardown::{BeatRequest, BeatTarget};
use hauki_contract::api::vault::{TicketRequest, Vault};
use hauki_contract::model::death::{Cause, Death};
use hauki_contract::model::digest::Sha256;
use hauki_contract::model::id::VaultId;
use hauki_contract::model::receipt::{Receipt, Reclaimed, Resource, Witness};
use hauki_contract::system::clock;

const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 9, 9, 9));

/// `n1` is honest and has the first vault; `n2` lies and has the second.
struct Pair {
    core: Arc<Core>,
    honest: Arc<FakeNode>,
    liar: Arc<FakeNode>,
    of_honest: Vault,
    of_liar: Vault,
    _tasks: Tasks,
}

async fn on(core: &Arc<Core>, node: &str) -> Vault {
    let mut request = spawning(node);
    request.placement.node = Some(node.parse().expect("a name"));
    core.spawn(request).await.expect("spawns").vault
}

async fn pair() -> Pair {
    let [honest, liar] = ["n1", "n2"].map(|name| Arc::new(FakeNode::new(name.parse().expect("a name"))));
    let core = core_over(Arc::new(MemoryStore::default()), &[&honest, &liar], &["n1", "n2"]);
    let tasks = core.start();
    let (of_honest, of_liar) = (on(&core, "n1").await, on(&core, "n2").await);
    Pair { core, honest, liar, of_honest, of_liar, _tasks: tasks }
}

fn forged(vault: &VaultId, node: &str) -> Receipt {
    Receipt {
        vault: vault.clone(),
        node: node.parse().expect("a name"),
        generation: None,
        witness: None,
        death: Death {
            cause: Cause::Destruct.into(),
            at: clock::now(),
            detail: None,
            by: Some("uid 0 pid 1".into()),
        },
        lived_ms: 1,
        calls: 0,
        reclaimed_us: 1,
        reclaimed: Vec::new(),
    }
}

impl Pair {
    /// Until the core has taken all that the liar said before.
    async fn heard(&self) {
        let text = format!("after {}", self.core.basis().events.last());
        self.liar.say(NewsItem::Log { vault: self.of_liar.id.clone(), text: text.clone() });
        event(&self.core, |event| matches!(&event.what, Happening::Log { text: told, .. } if *told == text))
            .await;
    }

    /// The receipt that is on record as soon as there is one.
    async fn buried(&self, vault: &VaultId) -> Receipt {
        event(
            &self.core,
            |event| matches!(&event.what, Happening::Died { vault: died, .. } if died == vault),
        )
        .await;
        self.core.vault(vault).await.expect("shows").receipt.expect("is dead")
    }

    async fn lives(&self, vault: &Vault) -> bool {
        self.core.vault(&vault.id).await.expect("shows").receipt.is_none()
    }

    fn refused(&self) -> u64 {
        self.core.basis().node_table.slot(&"n2".parse().expect("a name")).expect("is there").api.refused()
    }
}

#[tokio::test]
async fn a_death_counts_from_the_vaults_own_node_and_incarnation_only() {
    let pair = pair().await;
    for node in ["n1", "n2"] {
        pair.liar.say(NewsItem::Died(forged(&pair.of_honest.id, node)));
    }
    let other_life = Receipt { generation: Some(2), ..forged(&pair.of_liar.id, "n2") };
    pair.liar.say(NewsItem::Died(other_life));
    pair.heard().await;
    assert!(pair.lives(&pair.of_honest).await && pair.lives(&pair.of_liar).await);
    assert_eq!(pair.refused(), 3);
    assert!(pair.core.metrics_text().await.expect("tells").contains(r#"hauki_distrusted{node="n2"} 3"#));
    // What it says of its own is on record as its word.
    pair.liar.kill(&pair.of_liar.id, Cause::OutOfMemory);
    let dead = pair.buried(&pair.of_liar.id).await;
    assert_eq!((dead.death.cause, dead.witness), (Cause::OutOfMemory.into(), Some(Witness::Node.into())));
    assert!(pair.honest.living().contains(&pair.of_honest.id));
}

#[tokio::test]
async fn an_answer_to_a_destruct_is_of_that_vault_and_of_that_order() {
    let pair = pair().await;
    let honest = pair.of_honest.id.clone();
    let lies: [Lie<TornDown>; 4] = [
        Some(Arc::new(move |torn| torn.receipt.vault = honest.clone())),
        Some(Arc::new(|torn| torn.receipt.node = "n1".parse().expect("a name"))),
        Some(Arc::new(|torn| (torn.changed, torn.receipt.death.cause) = (true, Cause::OutOfMemory.into()))),
        Some(Arc::new(|torn| (torn.changed, torn.receipt.death.by) = (true, Some("uid 0 pid 1".into())))),
    ];
    for (number, lie) in lies.into_iter().enumerate() {
        pair.liar.lie(Lies::default());
        let mut request = spawning(&format!("k{number}"));
        request.placement.node = Some("n2".parse().expect("a name"));
        let own = pair.core.spawn(request).await.expect("spawns").vault.id;
        pair.liar.lie(Lies { torn: lie, ..Lies::default() });
        let told = pair.core.destruct(&own, Default::default(), Some("me".into())).await;
        assert_eq!(told.expect_err("is refused").code, ErrorCode::Temporary);
        assert!(pair.lives(&pair.of_honest).await);
    }
    let foreign = forged(&pair.of_honest.id, "n1");
    pair.liar.lie(Lies {
        error: Some(Arc::new(move |error| *error = NodeError::dead(foreign.clone()))),
        ..Lies::default()
    });
    pair.liar.restart();
    let _ = pair.core.destruct(&pair.of_liar.id, Default::default(), None).await;
    assert!(pair.lives(&pair.of_honest).await);
}

#[tokio::test]
async fn a_ticket_leads_to_the_registered_address_and_says_what_was_ordered() {
    let pair = pair().await;
    let request = || TicketRequest { vault: pair.of_liar.id.clone(), wishes: Default::default() };
    let before = pair.core.ticket(request()).await.expect("opens");
    let lies: [Lie<OpenedPort>; 6] = [
        Some(Arc::new(|opened| opened.ip = ELSEWHERE)),
        Some(Arc::new(|opened| opened.port = 22)),
        Some(Arc::new(|opened| opened.port = 0)),
        Some(Arc::new(|opened| opened.key_sha256 = Sha256::of(b"another"))),
        Some(Arc::new(|opened| opened.cert_sha256 = Sha256::of(b"another"))),
        Some(Arc::new(|opened| opened.terms.lease_ms = u64::MAX)),
    ];
    for lie in lies {
        pair.liar.lie(Lies { opened: lie, ..Lies::default() });
        let error = pair.core.ticket(request()).await.expect_err("is not signed");
        assert!(error.message.contains("n2 is not believed"), "{}", error.message);
    }
    pair.liar.lie(Lies {
        opened: Some(Arc::new(|opened| {
            (opened.max_frame_bytes, opened.call_deadline_ms) = (u32::MAX, u32::MAX);
            opened.methods = vec!["*".into()];
            opened.life_left_ms = u64::MAX;
            opened.terms.link_silence_ms = 60_000;
        })),
        ..Lies::default()
    });
    let after = pair.core.ticket(request()).await.expect("opens");
    assert_eq!((after.protocol, after.methods), (before.protocol, before.methods));
    assert_eq!(after.lease.link_silence_ms, before.lease.link_silence_ms);
    let life = after.expires_at.duration_since(after.issued_at).as_millis();
    assert_eq!(life, i128::from(pair.of_liar.terms.lifetime_ms));
}

#[tokio::test]
async fn a_spawn_goes_to_another_node_where_one_is_not_believed() {
    let pair = pair().await;
    pair.liar.lie(Lies {
        provisioned: Some(Arc::new(|made| made.methods = vec!["*".into()])),
        // It would be the best of all, if numbers were believed without end.
        word: Some(Arc::new(|word| word.free_memory_bytes = u64::MAX)),
        ..Lies::default()
    });
    for slot in pair.core.basis().node_table.slots().values() {
        slot.status().await.expect("answers");
    }
    let spawned = pair.core.spawn(spawning("k")).await.expect("spawns");
    assert_eq!(spawned.vault.node.as_str(), "n1");
    assert!(pair.refused() > 0, "it was asked first");
}

#[tokio::test]
async fn a_node_that_moves_its_data_plane_gets_nothing_new() {
    let pair = pair().await;
    pair.liar.lie(Lies { word: Some(Arc::new(|word| word.data_plane = ELSEWHERE)), ..Lies::default() });
    let slot = pair.core.basis().node_table.slot(&"n2".parse().expect("a name")).expect("is there");
    slot.status().await.expect("answers");
    assert!(slot.last_info().state.contains("registered is 127.0.0.1"), "{}", slot.last_info().state);
    let mut request = spawning("k");
    request.placement.node = Some("n2".parse().expect("a name"));
    assert_eq!(pair.core.spawn(request).await.expect_err("is refused").code, ErrorCode::NoCapacity);
}

#[tokio::test]
async fn news_of_other_nodes_vaults_are_not_told_on_and_texts_are_cut() {
    let pair = pair().await;
    let (foreign, own) = (pair.of_honest.id.clone(), pair.of_liar.id.clone());
    pair.liar.say(NewsItem::Log { vault: foreign.clone(), text: "forged".into() });
    let ticket = hauki_contract::system::random::ticket_id();
    pair.liar.say(NewsItem::Claimed { vault: foreign.clone(), ticket: ticket.clone(), peer: "x".into() });
    let stolen = CloneAsk {
        vault: foreign.clone(),
        number: 1,
        arguments: r#"["function scan() {}"]"#.into(),
        traceparent: None,
    };
    pair.liar.wish(stolen.clone());
    pair.liar.say(NewsItem::Clone(stolen));
    pair.liar.say(NewsItem::Log { vault: own.clone(), text: "x".repeat(7 << 20) });
    let mut receipt = forged(&own, "n2");
    let line = Reclaimed {
        what: Resource::Port.into(),
        name: "\u{9b}31m".repeat(1 << 16),
        gone_after_us: 1,
        gone: true,
    };
    (receipt.death.detail, receipt.death.by) = (Some("d".repeat(1 << 20)), Some("\x1b]0;x\x07".into()));
    receipt.reclaimed = vec![line; 1000];
    // Kept for 24 hours from when the core hears it, not from a date of the node's.
    receipt.death.at = "9999-01-01T00:00:00Z".parse().expect("a time");
    pair.liar.say(NewsItem::Died(receipt));
    let dead = pair.buried(&own).await;
    use futures_util::StreamExt as _;
    let all: Vec<Event> = pair.core.basis().events.read(EventQuery::default()).collect().await;
    let of_foreign = all.iter().filter(|event| event.what.vault() == Some(&foreign));
    let is_news = |event: &&Event| matches!(event.what, Happening::Log { .. } | Happening::Claimed { .. });
    assert_eq!(of_foreign.filter(is_news).count(), 0);
    let longest = all.iter().filter_map(|event| match &event.what {
        Happening::Log { text, .. } => Some(text.len()),
        _ => None,
    });
    assert!(longest.max().is_some_and(|longest| longest <= (64 << 10) + 3));
    assert!(serde_json::to_vec(&dead).expect("encodes").len() < 32 << 10);
    assert!(!dead.death.by.expect("says who").contains(char::is_control));
    assert!(dead.death.at <= clock::now());
    assert_eq!(pair.honest.answers(), []);
}

#[tokio::test]
async fn a_list_says_nothing_of_others_and_a_beat_promises_no_more_than_a_lease() {
    let pair = pair().await;
    let foreign = pair.of_honest.id.clone();
    pair.liar.lie(Lies {
        vaults: Some(Arc::new(move |list| {
            for said in &mut list.vaults {
                (said.vault, said.phase) =
                    (foreign.clone(), hauki_contract::model::phase::Phase::Dead.into());
            }
        })),
        leased: Some(Arc::new(|leased| leased.lease_left_ms = u64::MAX)),
        ..Lies::default()
    });
    let shown = pair.core.vaults(Default::default()).await.expect("lists").vaults;
    assert!(shown.iter().all(|vault| vault.receipt.is_none()));
    // Its own it may leave out.
    let of_honest = shown.iter().find(|vault| vault.id == pair.of_honest.id).expect("is listed");
    assert!(of_honest.phase.is_alive() && of_honest.vitals.is_some());
    let target = BeatTarget { vault: pair.of_liar.id.clone(), generation: None };
    let beats =
        pair.core.heartbeats(BeatRequest { vaults: vec![target], by: None }).await.expect("beats").beats;
    assert!(beats[0].lease_left_ms.is_some_and(|left| left <= 24 * 3_600_000));
}

#[tokio::test]
async fn news_without_end_and_without_content_are_asked_for_at_a_walk() {
    let pair = pair().await;
    let asked = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let count = asked.clone();
    pair.liar.lie(Lies {
        news: Some(Arc::new(move |news| {
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            (news.last, news.items) = (u64::MAX, Vec::new());
        })),
        ..Lies::default()
    });
    // Wakes the question that waits.
    pair.liar.say(NewsItem::Log { vault: pair.of_liar.id.clone(), text: "x".into() });
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let asked = asked.load(std::sync::atomic::Ordering::SeqCst);
    assert!(asked <= 10, "{asked} questions in half a second");
}

#[tokio::test]
async fn a_node_that_starts_anew_with_every_word_keeps_nobody_busy() {
    let Swarm { core, node, .. } = swarm();
    event(&core, |event| matches!(event.what, Happening::NodeUp { .. })).await;
    let boots = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let news: crate::fake_node::Lie<hauki_contract::api::node::News> = Some(Arc::new({
        let boots = boots.clone();
        move |news| {
            let boot = boots.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            news.boot_id = format!("boot {boot}");
        }
    }));
    let before = core.basis().events.last();
    node.lie(Lies { news, ..Lies::default() });
    node.say(NewsItem::Log {
        vault: hauki_contract::system::random::vault_id(),
        text: "wakes whoever waits".into(),
    });
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let told = core.basis().events.last() - before;
    let asked = boots.load(std::sync::atomic::Ordering::Relaxed);
    assert!((1..10).contains(&told) && asked < 50, "{told} events, {asked} questions");
}

#[tokio::test]
async fn news_that_cannot_be_read_are_passed_over_and_what_stands_behind_them_is_heard() {
    let pair = pair().await;
    let say = |text: String| pair.liar.say(NewsItem::Log { vault: pair.of_liar.id.clone(), text });
    (0..5).for_each(|number| say(format!("before {number}")));
    pair.liar.blot_next();
    (0..5).for_each(|number| say(format!("after {number}")));
    pair.heard().await;
    pair.liar.kill(&pair.of_liar.id, Cause::OutOfMemory);
    assert_eq!(pair.buried(&pair.of_liar.id).await.death.cause, Cause::OutOfMemory);
    // Also by a core that reads from the beginning: another one over the same nodes, and at its last words.
    let core = core_over(Arc::new(MemoryStore::default()), &[&pair.honest, &pair.liar], &["n1", "n2"]);
    let late = on(&core, "n2").await;
    pair.liar.kill(&late.id, Cause::OutOfMemory);
    core.close().await;
    let dead = core.vault(&late.id).await.expect("shows").receipt.expect("is dead");
    assert_eq!(dead.death.cause, Cause::OutOfMemory);
}
