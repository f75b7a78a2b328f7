//! The warm pool on a real daemon: what it gives, and that it costs nobody anything.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use crate::support::daemon::Daemon;
use crate::support::family::{self, Family};
use crate::support::until::until;
use hauki::client::ghost::{Ghost, GhostOptions};
use hauki::model::gem::Wishes;

const WORKER: &str = "var n = 0; function next() { n += 1; return n; }";

fn start() -> Daemon {
    Daemon::start_in(Daemon::ground_with(4, ""), "all", &[])
}

/// Resolves when so many blanks wait.
async fn warmed(daemon: &Daemon, count: u32) {
    let endpoint = daemon.endpoint();
    until(&format!("{count} blanks"), async || {
        let nodes = endpoint.nodes().await.expect("is up").nodes;
        let warmed = nodes[0].warm_vaults == count;
        assert!(!warmed || nodes[0].vaults == 0, "a blank is nobody's vault");
        warmed
    })
    .await;
}

/// How many were forged from a blank, and how many not.
fn forged(daemon: &Daemon) -> (u64, u64) {
    let mut stream = UnixStream::connect(&daemon.socket).expect("listens");
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: hauki\r\nConnection: close\r\n\r\n").expect("asks");
    let mut output = String::new();
    stream.read_to_string(&mut output).expect("answers");
    let count = |start: &str| {
        let name = format!("hauki_forge_seconds_count{{start=\"{start}\"}} ");
        output.lines().find_map(|line| line.strip_prefix(&name)?.trim().parse().ok()).unwrap_or(0)
    };
    (count("warm"), count("cold"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blank_becomes_a_worker_of_its_own_and_is_replaced() {
    let daemon = start();
    warmed(&daemon, 2).await;
    let (one, two) = (daemon.spawn(WORKER).await, daemon.spawn(WORKER).await);
    assert_eq!(forged(&daemon).0, 2);
    for spawned in [&one, &two] {
        let ghost = Ghost::connect(&spawned.ticket, GhostOptions::default()).await.expect("connects");
        assert_eq!(ghost.call("next", None).await.expect("answers").get(), "1", "a state of its own");
    }
    for spawned in [&one, &two] {
        let torn = daemon.endpoint().destruct(&spawned.vault.id, &Default::default()).await;
        assert!(torn.expect("destructs").receipt.expect("a receipt").is_clean());
    }
    warmed(&daemon, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_that_the_kernel_keeps_are_never_those_of_a_blank() {
    let daemon = start();
    warmed(&daemon, 2).await;
    let wishes = Wishes { memory_bytes: Some(6 << 20), ..Wishes::default() };
    let spawned = daemon.spawn_with(WORKER, wishes).await;
    assert_eq!(spawned.vault.limits.memory_bytes, 6 << 20);
    assert_eq!(forged(&daemon), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn blanks_that_were_killed_are_no_reason_to_fail() {
    let daemon = start();
    warmed(&daemon, 2).await;
    let family = Family::find(daemon.pid()).expect("there is a spawner");
    for init in &family.inits {
        init.process().kill().expect("is ours");
        family::gone(init).await;
    }
    let spawned = daemon.spawn(WORKER).await;
    let ghost = Ghost::connect(&spawned.ticket, GhostOptions::default()).await.expect("connects");
    assert_eq!(ghost.call("next", None).await.expect("answers").get(), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn blanks_die_with_the_daemon_and_the_next_one_sweeps() {
    let mut daemon = start();
    warmed(&daemon, 2).await;
    let family = Family::find(daemon.pid()).expect("there is a spawner");
    assert!(family.inits.len() >= 2);
    daemon.kill();
    family.gone().await;
    daemon.restart();
    warmed(&daemon, 2).await;
    // The harness looks for leftovers.
    assert!(daemon.terminate().success());
}
