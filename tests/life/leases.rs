//! Every clock that ends a vault, on real vaults: which cause, and that its receipt is true. Deaths
//! are awaited by their events; how fast they come is measured elsewhere and judged nowhere here.

use std::time::Duration;

use crate::support::daemon::{self, Daemon};
use crate::support::death::{Traces, death};
use crate::support::family::HANG;
use crate::support::until::{bounded, until};
use hauki::api::ErrorCode;
use hauki::api::summons::Spawned;
use hauki::api::teardown::{BeatRequest, BeatTarget};
use hauki::api::vault::{TicketRequest, TicketWishes};
use hauki::client::ghost::{Ghost, GhostError, GhostOptions};
use hauki::model::death::Cause;
use hauki::model::gem::Wishes;
use hauki::rpc::message::code;

const ECHO: &str =
    "function echo(x) { return x; } function loop() { for (;;) {} } function size(x) { return x.length; }";

async fn spawn(daemon: &Daemon, wishes: Wishes, ticket: TicketWishes) -> Spawned {
    let mut request = daemon::spawning(ECHO, wishes);
    request.ticket = ticket;
    daemon.endpoint().spawn(&request).await.expect("spawns")
}

async fn connect(spawned: &Spawned, beat: bool) -> Ghost {
    let options = GhostOptions { beat, client: Some("the test".into()), ..GhostOptions::default() };
    Ghost::connect(&spawned.ticket, options).await.expect("connects")
}

async fn connect_silent(spawned: &Spawned) -> Ghost {
    connect(spawned, false).await
}

fn beat(spawned: &Spawned, generation: Option<u64>) -> BeatRequest {
    let vaults = vec![BeatTarget { vault: spawned.vault.id.clone(), generation }];
    BeatRequest { vaults, by: Some("the test".into()) }
}

fn linked() -> TicketWishes {
    TicketWishes { link: Some(true), ..TicketWishes::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_claims_it() {
    let daemon = Daemon::start();
    let spawned =
        spawn(&daemon, Wishes { claim_ms: Some(1_000), ..Wishes::default() }, Default::default()).await;
    let traces = Traces::of(&daemon.endpoint(), &spawned).await;
    let receipt = death(&daemon.endpoint(), &spawned.vault.id).await;
    traces.assert_agrees(&receipt, Cause::Unclaimed);
    assert_eq!(receipt.death.detail.as_deref(), Some("claim lease 1.0 s"));
    let error = Ghost::connect(&spawned.ticket, GhostOptions::default()).await.expect_err("is closed");
    assert!(matches!(error, GhostError::Connect { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vault_in_use_gets_no_owner_later() {
    let daemon = Daemon::start();
    let endpoint = daemon.endpoint();
    let spawned = spawn(&daemon, Wishes::default(), Default::default()).await;
    let _in_use = connect(&spawned, true).await;
    let request = TicketRequest { vault: spawned.vault.id.clone(), wishes: linked() };
    let error = endpoint.ticket(&request).await.expect_err("comes too late");
    assert!(error.is(ErrorCode::Conflict), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beats_do_not_keep_what_nobody_claims() {
    let daemon = Daemon::start();
    let endpoint = daemon.endpoint();
    let wishes = Wishes { claim_ms: Some(700), ..Wishes::default() };
    let spawned = spawn(&daemon, wishes, Default::default()).await;
    let beating = async {
        loop {
            let _ = endpoint.beat(&beat(&spawned, None)).await;
        }
    };
    tokio::select! {
        () = beating => {}
        receipt = death(&endpoint, &spawned.vault.id) => assert_eq!(receipt.death.cause, Cause::Unclaimed),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beats_of_both_planes_extend_and_their_loss_ends() {
    let daemon = Daemon::start();
    let endpoint = daemon.endpoint();
    let wishes = Wishes { lease_ms: Some(2_000), ..Wishes::default() };
    let by_core = spawn(&daemon, wishes.clone(), Default::default()).await;
    let by_gate = spawn(&daemon, wishes, Default::default()).await;
    let traces = [Traces::of(&endpoint, &by_core).await, Traces::of(&endpoint, &by_gate).await];
    let silent = connect_silent(&by_core).await;
    let beating = connect(&by_gate, true).await;
    // Twice the lease, so that only the beats can have kept them.
    for _ in 0..16 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let reply = endpoint.beat(&beat(&by_core, Some(1))).await.expect("answers");
        let left = reply.beats[0].lease_left_ms.expect("lives");
        assert!(left <= 2_000, "{left}");
    }
    assert!(endpoint.vault(&by_gate.vault.id).await.expect("is known").receipt.is_none());
    drop(beating);
    for (spawned, traces) in [&by_core, &by_gate].into_iter().zip(&traces) {
        let receipt = death(&endpoint, &spawned.vault.id).await;
        traces.assert_agrees(&receipt, Cause::HeartbeatLost);
        let detail = receipt.death.detail.expect("is told");
        assert!(detail.contains("from the test, lease 2.0 s"), "{detail}");
    }
    let reason = tokio::time::timeout(HANG, silent.closed()).await.expect("is told");
    assert!(matches!(reason, GhostError::Dead { death, .. } if death.cause == Cause::HeartbeatLost));
    let late = endpoint.beat(&beat(&by_core, None)).await.expect("answers");
    let error = late.beats[0].error.as_ref().expect("is dead");
    assert_eq!((error.code, error.receipt.is_some()), (ErrorCode::VaultDead.into(), true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_beat_prolongs_the_life_time_and_no_other_generation_beats() {
    let daemon = Daemon::start();
    let endpoint = daemon.endpoint();
    let wishes = Wishes { lifetime_ms: Some(2_000), ..Wishes::default() };
    let spawned = spawn(&daemon, wishes, Default::default()).await;
    let traces = Traces::of(&endpoint, &spawned).await;
    let _beating = connect(&spawned, true).await;
    for generation in [0, 2, u64::MAX] {
        let reply = endpoint.beat(&beat(&spawned, Some(generation))).await.expect("answers");
        assert_eq!(reply.beats[0].error.as_ref().map(|error| error.code), Some(ErrorCode::Conflict.into()));
    }
    traces.assert_agrees(&death(&endpoint, &spawned.vault.id).await, Cause::LifetimeExpired);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_ticket_neither_calls_nor_beats() {
    let daemon = Daemon::start();
    let endpoint = daemon.endpoint();
    let wishes = Wishes { lease_ms: Some(2_000), ..Wishes::default() };
    let ticket = TicketWishes { expires_ms: Some(1_500), ..TicketWishes::default() };
    let spawned = spawn(&daemon, wishes, ticket).await;
    let traces = Traces::of(&endpoint, &spawned).await;
    let ghost = connect(&spawned, true).await;
    let asking = async {
        loop {
            match ghost.call("echo", Some("[1]")).await {
                Ok(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                Err(error) => break error,
            }
        }
    };
    let refused = bounded("the ticket's end", asking).await;
    assert!(matches!(&refused, GhostError::Rpc { error, .. } if error.code == code::DENIED), "{refused:?}");
    traces.assert_agrees(&death(&endpoint, &spawned.vault.id).await, Cause::HeartbeatLost);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_linked_vault_dies_with_its_owners_connection_and_no_other() {
    let daemon = Daemon::start();
    let endpoint = daemon.endpoint();
    let spawned = spawn(&daemon, Wishes::default(), linked()).await;
    let traces = Traces::of(&endpoint, &spawned).await;
    let owner = connect(&spawned, true).await;
    let guest = connect(&spawned, true).await;
    assert_eq!(guest.call_typed::<i32>("echo", &[1]).await.expect("answers"), 1);
    drop(guest);
    let connections = async || {
        let seen = endpoint.vault(&spawned.vault.id).await.expect("is known");
        seen.vitals.expect("lives").connections
    };
    until("the guest has left", async || connections().await == 1).await;
    assert_eq!(owner.call_typed::<i32>("echo", &[2]).await.expect("it lives on"), 2);
    drop(owner);
    traces.assert_agrees(&death(&endpoint, &spawned.vault.id).await, Cause::LinkClosed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_linked_vault_dies_when_its_owner_freezes() {
    let daemon = Daemon::start();
    let endpoint = daemon.endpoint();
    let spawned = spawn(&daemon, Wishes::default(), linked()).await;
    let traces = Traces::of(&endpoint, &spawned).await;
    // Its connection stays open; it only says nothing any more. A guest's beats are not the owner's.
    let frozen = connect_silent(&spawned).await;
    let _guest = connect(&spawned, true).await;
    let receipt = death(&endpoint, &spawned.vault.id).await;
    traces.assert_agrees(&receipt, Cause::LinkSilent);
    assert_eq!(receipt.death.detail.as_deref(), Some("silent for 750.0 ms"));
    let reason = tokio::time::timeout(HANG, frozen.closed()).await.expect("is told");
    assert!(matches!(reason, GhostError::Dead { .. }), "{reason}");
}

/// The channel is full because the worker does not read; the clock must be looked at all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_does_not_read_its_channel_loses_its_lease_in_time() {
    let daemon = Daemon::start();
    let endpoint = daemon.endpoint();
    let wishes = Wishes { lease_ms: Some(1_000), call_deadline_ms: Some(600_000), ..Wishes::default() };
    let spawned = spawn(&daemon, wishes, Default::default()).await;
    let traces = Traces::of(&endpoint, &spawned).await;
    let ghost = connect_silent(&spawned).await;
    let mut calls = tokio::task::JoinSet::new();
    let large = serde_json::to_string(&["x".repeat(500_000)]).expect("is text");
    // It has its place before any other when this returns; calls that are made at once may overtake each other.
    ghost.notify("loop", None).await.expect("is sent");
    for _ in 0..6 {
        let (ghost, large) = (ghost.clone(), large.clone());
        calls.spawn(async move { ghost.call("size", Some(&large)).await });
    }
    traces.assert_agrees(&death(&endpoint, &spawned.vault.id).await, Cause::HeartbeatLost);
    for call in tokio::time::timeout(HANG, calls.join_all()).await.expect("none hangs") {
        assert!(call.is_err());
    }
}

/// Whoever has a ticket is promised what it says; what others ask for, use or leave alone changes nothing of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_ticket_takes_what_another_promises() {
    let daemon = Daemon::start();
    let endpoint = daemon.endpoint();
    let ask = async |spawned: &Spawned, wishes: TicketWishes| {
        let request = TicketRequest { vault: spawned.vault.id.clone(), wishes };
        let ticket = endpoint.ticket(&request).await.expect("is given");
        Spawned { ticket, ..spawned.clone() }
    };
    let lease = |lease_ms| TicketWishes { lease_ms: Some(lease_ms), ..TicketWishes::default() };
    let long = Wishes { lease_ms: Some(600_000), ..Wishes::default() };
    let unused = spawn(&daemon, long.clone(), Default::default()).await;
    let shared = spawn(&daemon, long.clone(), Default::default()).await;
    let alone = spawn(&daemon, long, Default::default()).await;
    let guarded = spawn(&daemon, Wishes::default(), linked()).await;

    let of_unused = connect_silent(&unused).await;
    let never_used = ask(&unused, lease(1_000)).await;
    assert_eq!(never_used.ticket.lease.lease_ms, 1_000);
    let of_shared = connect_silent(&shared).await;
    let brief = connect(&ask(&shared, lease(1_000)).await, true).await;
    let welcome = brief.welcome().await.expect("is in");
    assert_eq!(welcome.lease_ms, 1_000);
    assert!(welcome.lease_left_ms > 590_000, "{welcome:?}");
    drop(brief);
    // Only a short ticket is used: its lease is all that was promised to anybody who is there.
    let alone = ask(&alone, lease(1_000)).await;
    let _silent = connect_silent(&alone).await;
    // A guest's ticket says nothing of a link, and being first does not make it the owner's.
    let guest =
        connect(&ask(&guarded, TicketWishes { link: Some(false), ..Default::default() }).await, true).await;
    let owner = connect(&guarded, true).await;
    assert!(owner.welcome().await.expect("is in").link);

    let receipt = death(&endpoint, &alone.vault.id).await;
    assert_eq!(receipt.death.cause, Cause::HeartbeatLost);
    assert!(receipt.death.detail.is_some_and(|detail| detail.ends_with("lease 1.0 s")));
    for ghost in [&of_unused, &of_shared, &guest] {
        assert_eq!(ghost.call_typed::<i32>("echo", &[1]).await.expect("lives"), 1);
    }
    drop(guest);
    assert_eq!(owner.call_typed::<i32>("echo", &[1]).await.expect("lives"), 1);
    drop(owner);
    assert_eq!(death(&endpoint, &guarded.vault.id).await.death.cause, Cause::LinkClosed);
}
