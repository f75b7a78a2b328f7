//! Many vaults: started side by side, their memory, and their end.

use std::sync::Arc;

use hauki::api::teardown::ReapRequest;
use hauki::model::gem::Wishes;

use crate::daemon::{Daemon, spawning};
use crate::report::Report;
use crate::{WORKER, now};

/// Within what one ground of the harness holds.
const MANY: usize = 60;

fn available() -> f64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0.0)
}

/// Whole lives, as many at a time as there are callers.
pub async fn parallel(report: &mut Report) {
    let daemon = Arc::new(Daemon::start());
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
}

pub async fn many(report: &mut Report) {
    let daemon = Daemon::start();
    let endpoint = daemon.endpoint();
    let first = daemon.spawn(WORKER).await;
    endpoint.destruct(&first.vault.id, &Default::default()).await.expect("destructs");
    let before = available();
    let start = now();
    let mut starts = tokio::task::JoinSet::new();
    for _ in 0..MANY {
        let endpoint = daemon.endpoint();
        starts.spawn(
            async move { endpoint.spawn(&spawning(WORKER, Wishes::default())).await.expect("spawns") },
        );
    }
    starts.join_all().await;
    report.add("60 vaults at once, all started", start.elapsed());
    report.value(
        "memory of an idle vault, all counted",
        "MiB",
        (before - available()) / 1024.0 / MANY as f64,
    );
    let start = now();
    let reaped = endpoint.reap(&ReapRequest { older_than_ms: Some(0), ..Default::default() }).await;
    assert_eq!(reaped.expect("reaps").reaped.len(), MANY);
    report.add("60 vaults at once, all reclaimed", start.elapsed());
}
