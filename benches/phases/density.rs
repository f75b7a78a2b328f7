//! Many vaults: how fast they start, what they take, and their end.

use std::sync::Arc;

use hauki::api::summons::Spawned;
use hauki::api::teardown::ReapRequest;
use hauki::api::vault::Vault;
use hauki::model::gem::Wishes;
use hauki_contract::system::clock;

use crate::memory::Memory;
use crate::report::Report;
use crate::support::daemon::{Daemon, spawning};
use crate::{WORKER, floor, now, witness};

pub(crate) const MEMORY: &str = "memory of an idle vault, all counted";
pub(crate) const RATE: &str = "starts per second, cold, through the API";
pub(crate) const SLOWDOWN: &str = "cold start beside many / on an empty machine";
pub(crate) const FAILED: &str = "starts of many that failed";
pub(crate) const DEAD: &str = "many reaped: the last init dead";
pub(crate) const RECLAIMED: &str = "many reaped: all receipts";

/// How many, unless `-n` says otherwise.
pub(crate) const MANY: usize = 2_000;
/// So many callers at a time.
const ABREAST: usize = 4;
const ROUNDS: usize = 50;

/// Nobody claims them while this runs.
fn patient() -> Wishes {
    Wishes { claim_ms: Some(3_600_000), ..Wishes::default() }
}

/// Starts so many, some at a time; the errors in words.
pub(crate) async fn fill(
    daemon: &Daemon,
    count: usize,
    wishes: &Wishes,
    mut started: impl FnMut(f64),
) -> (Vec<Spawned>, Vec<String>) {
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..ABREAST {
        let (endpoint, wishes) = (daemon.endpoint(), wishes.clone());
        callers.spawn(async move {
            let mut made = Vec::new();
            for _ in (caller..count).step_by(ABREAST) {
                let start = now();
                let spawned = endpoint.spawn(&spawning(WORKER, wishes.clone())).await;
                made.push((spawned, start.elapsed().as_secs_f64() * 1e3));
            }
            made
        });
    }
    let (mut spawned, mut errors) = (Vec::new(), Vec::new());
    for (outcome, millis) in callers.join_all().await.into_iter().flatten() {
        started(millis);
        match outcome {
            Ok(made) => spawned.push(made),
            Err(error) => errors.push(error.to_string()),
        }
    }
    (spawned, errors)
}

pub(crate) async fn living(daemon: &Daemon) -> Vec<Vault> {
    daemon.endpoint().vaults(&Default::default()).await.expect("lists").vaults
}

async fn reap(daemon: &Daemon) -> usize {
    let all = ReapRequest { older_than_ms: Some(0), ..Default::default() };
    daemon.endpoint().reap(&all).await.expect("reaps").reaped.len()
}

/// Whole lives, as many at a time as there are callers; then starts alone.
pub(crate) async fn parallel(report: &mut Report) {
    let daemon = Arc::new(Daemon::start_in(Daemon::ground_of(256), "all", &[]));
    for (width, name) in [
        (1, "lives per second, cold, through the API, 1 caller"),
        (2, "lives per second, cold, through the API, 2 callers"),
        (8, "lives per second, cold, through the API, 8 callers"),
    ] {
        let start = now();
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..width {
            let daemon = Arc::clone(&daemon);
            callers.spawn(async move {
                let endpoint = daemon.endpoint();
                for _ in 0..48 / width {
                    let spawned = endpoint.spawn(&spawning(WORKER, Wishes::default())).await.expect("spawns");
                    endpoint.destruct(&spawned.vault.id, &Default::default()).await.expect("destructs");
                }
            });
        }
        callers.join_all().await;
        report.value(name, "/s", 48.0 / start.elapsed().as_secs_f64());
    }
    for _ in 0..5 {
        report.machine.pause().await;
        let start = now();
        let (started, errors) = fill(&daemon, 250, &patient(), |_| {}).await;
        report.value(RATE, "/s", 250.0 / start.elapsed().as_secs_f64());
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(reap(&daemon).await, started.len());
    }
}

async fn colds(daemon: &Daemon, report: &mut Report, name: &'static str) -> f64 {
    let endpoint = daemon.endpoint();
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let start = now();
        let spawned = endpoint.spawn(&spawning(WORKER, Wishes::default())).await.expect("spawns");
        times.push(start.elapsed());
        endpoint.destruct(&spawned.vault.id, &Default::default()).await.expect("destructs");
    }
    times.iter().for_each(|time| report.add(name, *time));
    times.sort();
    times[ROUNDS / 2].as_secs_f64()
}

pub(crate) async fn many(report: &mut Report, count: usize) {
    report.note(format!("many: {count} vaults"));
    let mut daemon = Daemon::start_in(Daemon::ground_of(count as u32 + 8), "all", &[]);
    colds(&daemon, &mut Report::new(), "to warm caches").await;
    report.machine.pause().await;
    let empty = colds(&daemon, report, "cold start, empty machine").await;
    let before = Memory::look(daemon.pid(), &[]);

    let start = now();
    let mut waits = Vec::new();
    let (started, errors) = fill(&daemon, count, &patient(), |millis| waits.push(millis)).await;
    let seconds = start.elapsed().as_secs_f64();
    waits.into_iter().for_each(|millis| report.value("each of many starts, 4 at a time", "ms", millis));
    report.value("starts per second, many in a row", "/s", count as f64 / seconds);
    report.value(FAILED, "", errors.len() as f64);
    errors.iter().take(3).for_each(|error| report.note(format!("a start failed: {error}")));

    for _ in 0..5 {
        let start = now();
        assert_eq!(living(&daemon).await.len(), started.len());
        report.add("a list of many vaults", start.elapsed());
    }
    let vaults = living(&daemon).await;
    let each = Memory::look(daemon.pid(), &vaults).each_since(before, vaults.len());
    for (name, kib) in [
        (MEMORY, each.all()),
        ("  of which the kernel's", each.kernel),
        ("  of which the monitor", each.monitors),
        ("  of which the init", each.inits),
        ("  of which the daemon and its spawner", each.daemon),
        ("  the same by what is available less", each.available),
    ] {
        report.value(name, "MiB", kib / 1024.0);
    }
    report.machine.pause().await;
    let full = colds(&daemon, report, "cold start beside many").await;
    report.value(SLOWDOWN, "x", full / empty);

    let deaths = witness::watch(vaults.iter().map(witness::init_of).collect());
    let (start, began) = (now(), clock::mono());
    assert_eq!(reap(&daemon).await, started.len());
    report.add(RECLAIMED, start.elapsed());
    let died = deaths.join().expect("sees them").into_iter().max().expect("there were some");
    report.add_micros(DEAD, died.since(began));

    let (started, _) = fill(&daemon, count, &patient(), |_| {}).await;
    let vaults = living(&daemon).await;
    assert_eq!(vaults.len(), started.len());
    let deaths = witness::watch(vaults.iter().map(witness::init_of).collect());
    let (start, began) = (now(), clock::mono());
    assert!(daemon.terminate().success());
    report.add("daemon of many ended: it has left, all reclaimed", start.elapsed());
    let died = deaths.join().expect("sees them").into_iter().max().expect("there were some");
    report.add_micros("daemon of many ended: the last init dead", died.since(began));
    report.machine.pause().await;
    floor::crowd(report, count);
}
