//! Destruct in every phase, by one and by many, with and without grace, and what an idempotency key
//! answers afterwards. (While it is being forged a vault has no name outside its node: that phase is
//! in `daemon_node.rs`.)

use std::sync::Arc;
use std::time::Duration;

use crate::support::daemon::{self, Daemon};
use crate::support::death::{Traces, death, destruct, event, follow};
use crate::support::family::{Family, HANG, kill};
use crate::support::until::until;
use hauki::api::ErrorCode;
use hauki::api::event::Happening;
use hauki::api::summons::SpawnRequest;
use hauki::api::teardown::DestructQuery;
use hauki::api::vault::ProvisionRequest;
use hauki::client::endpoint::ControlPlane;
use hauki::client::ghost::{Ghost, GhostOptions};
use hauki::model::death::Cause;
use hauki::model::id::VaultId;
use hauki::model::phase::Phase;
use hauki::model::receipt::{Receipt, Witness};
use hauki_contract::system::random;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::timeout;

const WORKER: &str = "function f() { return 1; } function loop() { for (;;) {} }
    function end() { destruct(this_object()); }";

/// Twenty at one moment: one of them ends it, all hear the same.
async fn by_twenty(endpoint: &ControlPlane, vault: &VaultId) -> (usize, Receipt) {
    let together = Arc::new(Barrier::new(20));
    let mut callers = JoinSet::new();
    for _ in 0..20 {
        let (endpoint, vault, together) = (endpoint.clone(), vault.clone(), together.clone());
        callers.spawn(async move {
            together.wait().await;
            endpoint.destruct(&vault, &DestructQuery::default()).await.expect("is legal")
        });
    }
    let answers = timeout(HANG, callers.join_all()).await.expect("none hangs");
    let first = answers[0].receipt.clone().expect("a receipt");
    assert!(answers.iter().all(|torn| torn.receipt.as_ref() == Some(&first)), "{answers:#?}");
    (answers.iter().filter(|torn| torn.changed).count(), first)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_callers_in_each_phase_hear_one_cause_and_one_receipt() {
    let daemon = Daemon::start();
    let endpoint = daemon.endpoint();

    let request = daemon::spawning(WORKER, Default::default());
    let summons = endpoint.summon(&request.summons).await.expect("summons");
    let order = ProvisionRequest {
        key: random::idempotency_key(),
        summons: summons.id,
        placement: Default::default(),
        dry_run: false,
    };
    let forged = endpoint.provision(&order).await.expect("forges");
    assert_eq!(endpoint.vault(&forged.id).await.expect("is known").phase, Phase::Forged);
    let (changed, receipt) = by_twenty(&endpoint, &forged.id).await;
    assert_eq!((changed, receipt.death.cause, receipt.is_clean()), (1, Cause::Destruct.into(), true));

    for phase in [Phase::Ticketed, Phase::Live] {
        let spawned = daemon.spawn(WORKER).await;
        let traces = Traces::of(&endpoint, &spawned).await;
        let ghost = match phase {
            Phase::Live => {
                Some(Ghost::connect(&spawned.ticket, GhostOptions::default()).await.expect("connects"))
            }
            _ => None,
        };
        let looping = ghost.clone().map(|ghost| tokio::spawn(async move { ghost.call("loop", None).await }));
        assert_eq!(endpoint.vault(&spawned.vault.id).await.expect("is known").phase, phase);
        let (changed, receipt) = by_twenty(&endpoint, &spawned.vault.id).await;
        assert_eq!(changed, 1);
        traces.assert_agrees(&receipt, Cause::Destruct);
        assert!(receipt.death.by.as_ref().is_some_and(|by| by.contains("uid 0")), "{receipt:?}");
        // And once more, of the dead.
        let (changed, again) = by_twenty(&endpoint, &spawned.vault.id).await;
        assert_eq!((changed, again), (0, receipt));
        if let Some(looping) = looping {
            assert!(timeout(HANG, looping).await.expect("does not hang").expect("ends").is_err());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gate_and_the_worker_destruct_as_well() {
    let daemon = Daemon::start();
    let endpoint = daemon.endpoint();
    let by_gate = daemon.spawn(WORKER).await;
    let by_itself = daemon.spawn(WORKER).await;
    let traces = [Traces::of(&endpoint, &by_gate).await, Traces::of(&endpoint, &by_itself).await];
    let ghost = Ghost::connect(&by_gate.ticket, GhostOptions::default()).await.expect("connects");
    let receipt = ghost.destruct(Duration::ZERO).await.expect("destructs");
    traces[0].assert_agrees(&receipt, Cause::Destruct);
    assert_eq!(receipt.death.by.as_deref(), Some(by_gate.ticket.id.as_str()));
    let attributed = Receipt { generation: Some(1), witness: Some(Witness::Node.into()), ..receipt };
    assert_eq!(death(&endpoint, &by_gate.vault.id).await, attributed, "both planes tell the same");
    let ghost = Ghost::connect(&by_itself.ticket, GhostOptions::default()).await.expect("connects");
    let _ = timeout(HANG, ghost.call("end", None)).await.expect("does not hang");
    traces[1].assert_agrees(&death(&endpoint, &by_itself.vault.id).await, Cause::SelfDestruct);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grace_lets_dest_speak_and_cuts_it_when_it_does_not_end() {
    let daemon = Daemon::start();
    let endpoint = daemon.endpoint();
    let graceful = |grace_ms| DestructQuery { grace_ms, dry_run: false };

    let polite = daemon.spawn("function f() {} function dest() { print('farewell'); }").await;
    let traces = Traces::of(&endpoint, &polite).await;
    let mut events = follow(&endpoint, &polite.vault.id).await;
    // The grace is longer than the test may take: only dest's own end can have ended it.
    let torn = timeout(HANG, endpoint.destruct(&polite.vault.id, &graceful(60_000))).await;
    traces.assert_agrees(
        &torn.expect("dest has ended").expect("destructs").receipt.expect("a receipt"),
        Cause::Destruct,
    );
    let text = event(&mut events, |what| match what {
        Happening::Log { text, .. } => Some(text),
        _ => None,
    });
    assert_eq!(text.await.trim(), "farewell");

    let endless = "function f() {} function dest() { for (;;) {} }";
    let stubborn = daemon.spawn(endless).await;
    let traces = Traces::of(&endpoint, &stubborn).await;
    let torn = timeout(HANG, endpoint.destruct(&stubborn.vault.id, &graceful(300))).await;
    traces.assert_agrees(
        &torn.expect("is cut").expect("destructs").receipt.expect("a receipt"),
        Cause::Destruct,
    );

    // Whoever has no patience need not wait for somebody else's.
    let hastened = daemon.spawn(endless).await;
    let traces = Traces::of(&endpoint, &hastened).await;
    let patient = tokio::spawn({
        let (endpoint, id) = (endpoint.clone(), hastened.vault.id.clone());
        async move { endpoint.destruct(&id, &graceful(60_000)).await }
    });
    let phase = async || endpoint.vault(&hastened.vault.id).await.expect("is known").phase;
    until("it is dying", async || phase().await == Phase::Dying).await;
    let receipt = destruct(&endpoint, &hastened.vault.id).await;
    traces.assert_agrees(&receipt, Cause::Destruct);
    let first = timeout(HANG, patient).await.expect("does not hang").expect("ends").expect("destructs");
    assert_eq!((first.receipt, first.changed), (Some(receipt), true));
}

/// Two answers to one key, before and after the vault's death.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_key_answers_the_same_vault_and_never_a_dead_ticket() {
    let daemon = Daemon::start();
    let endpoint = daemon.endpoint();
    let spawn = async |request: &SpawnRequest| endpoint.spawn(request).await;
    let request = daemon::spawning(WORKER, Default::default());
    let first = spawn(&request).await.expect("spawns");
    let again = spawn(&request).await.expect("answers");
    assert_eq!((again.changed, &again.ticket), (false, &first.ticket));
    let receipt = destruct(&endpoint, &first.vault.id).await;
    let error = spawn(&request).await.expect_err("is dead");
    let error = error.api().expect("the core's word");
    assert_eq!((error.code, error.receipt.as_deref()), (ErrorCode::VaultDead.into(), Some(&receipt)));

    // The news of a death need not have arrived: the answer is right at the very next moment.
    for _ in 0..10 {
        let request = daemon::spawning(WORKER, Default::default());
        let spawned = spawn(&request).await.expect("spawns");
        let init = endpoint.vault(&spawned.vault.id).await.expect("is known").vitals.expect("lives").init_pid;
        let family = Family::find(daemon.pid()).expect("runs");
        kill(family.init(init)).await;
        let answer = spawn(&request).await;
        match answer {
            Err(error) => assert!(error.is(ErrorCode::VaultDead), "{error}"),
            // The init has just gone and its supervisor has not been woken yet: the ticket is good for
            // hearing of the death, nothing else.
            Ok(early) => assert_eq!(early.ticket, spawned.ticket),
        }
        death(&endpoint, &spawned.vault.id).await;
        assert!(spawn(&request).await.expect_err("is dead").is(ErrorCode::VaultDead));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_away_while_it_is_forged_leaves_nothing() {
    let daemon = Daemon::start();
    let endpoint = daemon.endpoint();
    for source in ["for (;;) {} function f() {}", "function create() { for (;;) {} } function f() {}"] {
        let request = daemon::spawning(source, Default::default());
        let caller = tokio::spawn({
            let (endpoint, request) = (endpoint.clone(), request.clone());
            async move { endpoint.spawn(&request).await }
        });
        until_vaults(&endpoint, 1).await;
        caller.abort();
        // Well before the call deadline of ten seconds would have ended it.
        timeout(Duration::from_secs(8), until_vaults(&endpoint, 0)).await.expect("is cancelled");
        assert_eq!(daemon.leftovers(), Vec::<String>::new());
    }
    // Neither is a key lost with its caller.
    let request = daemon::spawning(WORKER, Default::default());
    let spawned = endpoint.spawn(&request).await.expect("spawns");
    destruct(&endpoint, &spawned.vault.id).await;
}

async fn until_vaults(endpoint: &ControlPlane, count: u32) {
    until("so many vaults", async || endpoint.health().await.expect("answers").vaults == count).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seventy_at_once_are_served_or_told_that_there_is_no_room() {
    let daemon = Daemon::start();
    let endpoint = daemon.endpoint();
    let mut callers = JoinSet::new();
    for _ in 0..70 {
        let endpoint = endpoint.clone();
        callers.spawn(async move { endpoint.spawn(&daemon::spawning(WORKER, Default::default())).await });
    }
    let mut vaults = Vec::new();
    let mut refused = 0;
    while let Some(answer) = timeout(3 * HANG, callers.join_next()).await.expect("none hangs") {
        match answer.expect("ends") {
            Ok(spawned) => vaults.push(spawned.vault.id),
            Err(error) if error.is(ErrorCode::NoCapacity) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((vaults.len(), refused), (64, 6));
    let mut ends = JoinSet::new();
    for vault in vaults {
        let endpoint = endpoint.clone();
        ends.spawn(async move { destruct(&endpoint, &vault).await });
    }
    assert!(ends.join_all().await.iter().all(Receipt::is_clean));
    assert_eq!(daemon.leftovers(), Vec::<String>::new());
    destruct(&endpoint, &daemon.spawn(WORKER).await.vault.id).await;
}
