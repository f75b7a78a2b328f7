//! How late vaults die: of their leases among a thousand, and of callers that are silent or gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use hauki::api::summons::Spawned;
use hauki::client::ghost::{Ghost, GhostOptions};
use hauki::model::gem::Wishes;

use crate::density::{fill, living};
use crate::owner::Owner;
use crate::report::Report;
use crate::support::daemon::{Daemon, spawning};
use crate::{WORKER, now, witness};
use hauki_contract::system::clock;

pub(crate) const LEASE: &str = "late after the lease's end, among 1,000 vaults";
const SLEEPER: &str = "floor: late after a sleep, meanwhile";
pub(crate) const SILENT: &str = "late after 0.75 s of an owner's silence";
pub(crate) const KILLED: &str = "kill -9 of an owner to the init dead";

const MANY: usize = 1_000;
const LEASE_MS: u64 = 12_000;
/// From one lease's end to the next.
const APART: Duration = Duration::from_millis(5);
const OWNERS: usize = 12;
const ROUNDS: usize = 5;

pub(crate) async fn ends(report: &mut Report) {
    let daemon = Daemon::start_in(Daemon::ground_of(MANY as u32 + 24), "all", &[]);
    report.machine.pause().await;
    owners(&daemon, report).await;
    report.machine.pause().await;
    leases(&daemon, report).await;
}

/// Each is called once at a known time, and nobody beats.
async fn leases(daemon: &Daemon, report: &mut Report) {
    let wishes = Wishes { lease_ms: Some(LEASE_MS), claim_ms: Some(600_000), ..Wishes::default() };
    let (spawned, errors) = fill(daemon, MANY, &wishes, |_| {}).await;
    assert!(errors.is_empty(), "{errors:?}");
    let mut vaults = living(daemon).await;
    let mut ghosts = Vec::new();
    for spawned in &spawned {
        let options = GhostOptions { beat: false, ..GhostOptions::default() };
        ghosts.push(Ghost::connect(&spawned.ticket, options).await.expect("connects"));
    }
    let place = |id| spawned.iter().position(|spawned| spawned.vault.id == id);
    vaults.sort_by_cached_key(|vault| place(vault.id.clone()));
    let deaths = witness::watch(vaults.iter().map(witness::init_of).collect());
    let over = Arc::new(AtomicBool::new(false));
    let sleeper = sleeper(Arc::clone(&over));
    let (mut called, mut ends) = (Vec::new(), Vec::new());
    let mut timer = tokio::time::interval(APART);
    for ghost in &ghosts {
        timer.tick().await;
        called.push(clock::mono());
        ends.push(clock::now() + Duration::from_millis(LEASE_MS));
        ghost.call("echo", None).await.expect("answers");
    }
    let died = tokio::task::spawn_blocking(|| deaths.join().expect("sees them")).await.expect("sees them");
    over.store(true, Ordering::Relaxed);
    sleeper.join().expect("wakes").into_iter().for_each(|late| report.add(SLEEPER, late));
    for (called, died) in called.into_iter().zip(died) {
        assert!(died >= called.plus_ms(LEASE_MS), "died before its lease's end");
        report.add_micros(LEASE, died.since(called.plus_ms(LEASE_MS)));
    }
    // By the node's own word, when it judged: what is over that is the kernel's, which ends the process.
    for (spawned, end) in spawned.iter().zip(ends) {
        let vault = daemon.endpoint().vault(&spawned.vault.id).await.expect("is kept");
        let receipt = vault.receipt.expect("is dead");
        let late_us = receipt.death.at.as_microsecond() - end.as_microsecond();
        report.add_micros("  of which until the node judged", u64::try_from(late_us).unwrap_or(0));
        let gone = receipt.reclaimed.first().map_or(0, |process| process.gone_after_us);
        report.add_micros("  of which until its init was seen dead", gone);
    }
}

/// How late somebody is at the same time who does nothing but sleep until then.
fn sleeper(over: Arc<AtomicBool>) -> JoinHandle<Vec<Duration>> {
    std::thread::spawn(move || {
        let mut late = Vec::new();
        while !over.load(Ordering::Relaxed) {
            let start = now();
            std::thread::sleep(APART);
            late.push(start.elapsed().saturating_sub(APART));
        }
        late
    })
}

async fn linked(daemon: &Daemon) -> Spawned {
    let mut request = spawning(WORKER, Wishes::default());
    request.ticket.link = Some(true);
    daemon.endpoint().spawn(&request).await.expect("spawns")
}

async fn owners(daemon: &Daemon, report: &mut Report) {
    for _ in 0..ROUNDS {
        for _ in 0..OWNERS {
            let spawned = linked(daemon).await;
            let vault = daemon.endpoint().vault(&spawned.vault.id).await.expect("is there");
            let mut owner = Owner::start(daemon.dir.path(), &spawned.ticket);
            let deaths = witness::watch(vec![witness::init_of(&vault)]);
            let killed_at = clock::mono();
            owner.kill();
            report.add_micros(KILLED, deaths.join().expect("sees it")[0].since(killed_at));
        }
        let mut silent = Vec::new();
        for _ in 0..OWNERS {
            let spawned = linked(daemon).await;
            let vault = daemon.endpoint().vault(&spawned.vault.id).await.expect("is there");
            let init = witness::init_of(&vault);
            let owner = Owner::start(daemon.dir.path(), &spawned.ticket);
            owner.stop();
            let silence_ms = vault.terms.link_silence_ms;
            silent.push((owner.called_at.plus_ms(silence_ms), owner, witness::watch(vec![init])));
        }
        for (end, owner, deaths) in silent {
            let died = deaths.join().expect("sees it")[0];
            assert!(died >= end, "died before its owner was silent for long enough");
            report.add_micros(SILENT, died.since(end));
            drop(owner);
        }
    }
}
