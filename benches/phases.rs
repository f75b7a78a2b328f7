//! The phases on a real daemon: `cargo bench`, as root.
//!
//! Each figure is a percentile over many rounds on this machine, now. Beside them, in the same run,
//! stand the floors and peers that make them comparable: a fork and exec of a program that does
//! nothing, an echo over the same TLS, and `lxc-start` where it is installed. The load by others is
//! printed, because without it the figures mean little.

#[path = "phases/floor.rs"]
mod floor;
#[path = "phases/table.rs"]
mod table;

#[allow(dead_code, reason = "the harness of the tests serves here too")]
#[path = "../tests/support/daemon.rs"]
mod daemon;

use std::time::Instant;

use daemon::Daemon;
use hauki::api::teardown::DestructQuery;
use hauki::client::ghost::{Ghost, Options};
use table::Table;

const WORKER: &str = "function echo(x) { return x; }";
const ROUNDS: usize = 100;
const CALLS: usize = 5_000;

fn main() {
    if std::env::args().any(|word| word == "--test") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut table = Table::new();
    runtime.block_on(life(&mut table));
    runtime.block_on(calls(&mut table));
    floor::fork_and_exec(&mut table);
    floor::tls_echo(&mut table);
    floor::lxc_start(&mut table);
    table.print();
}

#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Instant {
    Instant::now()
}

/// Request to ticket, first call, destruct to receipt; each round is a vault of its own.
async fn life(table: &mut Table) {
    let daemon = Daemon::start();
    let endpoint = daemon.endpoint();
    for round in 0..ROUNDS + 5 {
        let warm = round >= 5;
        let start = now();
        let spawned = daemon.spawn(WORKER).await;
        let spawn = start.elapsed();
        let start = now();
        let options = Options { beat: false, ..Options::default() };
        let ghost = Ghost::connect(&spawned.ticket, options).await.expect("connects");
        ghost.call("echo", Some("[1]")).await.expect("answers");
        let first_call = start.elapsed();
        drop(ghost);
        let start = now();
        let torn = endpoint.destruct(&spawned.vault.id, &DestructQuery::default()).await.expect("destructs");
        let destruct = start.elapsed();
        if warm {
            table.add("request to ticket, cold, through the API", spawn);
            table.add_micros("  of which on the node: order to loaded worker", spawned.vault.forged_us);
            table.add("connect, authenticate, first call", first_call);
            table.add("destruct to receipt, through the API", destruct);
            let receipt = torn.receipt.expect("a receipt");
            table.add_micros("  of which on the node: kill to all reclaimed", receipt.reclaimed_us);
            if let Some(process) = receipt.reclaimed.first() {
                table.add_micros("  of which: kill to init seen dead", process.gone_after_us);
            }
        }
    }
}

async fn calls(table: &mut Table) {
    let daemon = Daemon::start();
    let spawned = daemon.spawn(WORKER).await;
    let ghost = Ghost::connect(&spawned.ticket, Options::default()).await.expect("connects");
    let small = r#"[{"n":1,"s":"scout"}]"#;
    for round in 0..CALLS + 500 {
        let start = now();
        ghost.call("echo", Some(small)).await.expect("answers");
        if round >= 500 {
            table.add("one call, 20 bytes each way", start.elapsed());
        }
    }
    let large = format!("[\"{}\"]", "x".repeat(64 * 1024));
    for round in 0..CALLS / 10 + 50 {
        let start = now();
        ghost.call("echo", Some(&large)).await.expect("answers");
        if round >= 50 {
            table.add("one call, 64 KiB each way", start.elapsed());
        }
    }
    let start = now();
    let mut flights = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let ghost = ghost.clone();
        flights.spawn(async move {
            for _ in 0..CALLS / 16 {
                ghost.call("echo", Some(r#"[{"n":1,"s":"scout"}]"#)).await.expect("answers");
            }
        });
    }
    flights.join_all().await;
    let rate = (64 * (CALLS / 16)) as f64 / start.elapsed().as_secs_f64();
    table.note(format!("64 in flight, one connection, one vault: {rate:.0} calls/s"));
}
