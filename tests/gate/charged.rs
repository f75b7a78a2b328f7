//! What a vault makes the daemon do is charged to the vault: processor time and memory of both are compared,
//! while one that was taken over talks as fast as its channel takes it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::support::daemon::{Daemon, spawning};
use crate::support::death;
use crate::support::probe;
use crate::support::stranger::{Stranger, request};
use hauki::api::summons::{Origin, Spawned};
use hauki::client::ClientError;
use hauki::client::ghost::{Ghost, GhostError, GhostOptions};
use hauki::model::death::Cause;
use hauki::model::gem::Wishes;
use hauki::rpc::message::code;
use hauki_contract::system::clock;
use serde_json::json;

/// In percent of one core: its budget, and a tenth of that is what the daemon may spend on it unasked.
const CPU: u32 = 5;
const WATCHED: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(180);

/// A daemon whose vaults are all taken over from the beginning.
fn taken_over() -> Daemon {
    let dir = Arc::new(Daemon::ground(""));
    let mut daemon = Daemon::start_in(dir.clone(), "all", &[]);
    daemon.terminate();
    let roots = std::fs::read_dir(dir.path().join("sandbox/rootfs")).expect("was made");
    let init: PathBuf = roots.flatten().next().expect("one root").path().join("init");
    std::fs::remove_file(&init).expect("is ours");
    std::fs::copy(probe::flood_binary(), &init).expect("is ours");
    daemon.restart();
    daemon
}

async fn spawn(daemon: &Daemon, what: &str) -> Spawned {
    try_spawn(daemon, what).await.expect("spawns")
}

async fn try_spawn(daemon: &Daemon, what: &str) -> Result<Spawned, ClientError> {
    let limits = Wishes { cpu_percent: Some(CPU), ..Wishes::default() };
    let mut request = spawning("", limits);
    request.summons.origin =
        Origin::Source { text: format!("// {what}\n"), file: "flood.js".into(), compilation: None };
    daemon.endpoint().spawn(&request).await
}

/// Processor time of a process so far.
fn used(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("lives");
    let fields: Vec<&str> = stat.rsplit_once(") ").expect("is a stat line").1.split(' ').collect();
    let ticks: u64 = fields[11..13].iter().map(|ticks| ticks.parse::<u64>().expect("a number")).sum();
    Duration::from_millis(ticks * 10)
}

fn resident_mib(pid: u32) -> u64 {
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).expect("lives");
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number");
    pages * rustix::param::page_size() as u64 / (1 << 20)
}

async fn init_pid(daemon: &Daemon, spawned: &Spawned) -> u32 {
    let vault = daemon.endpoint().vault(&spawned.vault.id).await.expect("is there");
    vault.vitals.expect("lives").init_pid
}

#[tokio::test]
async fn who_talks_without_end_spends_its_own_time_and_no_memory_of_others() {
    for what in ["empty", "long", "events", "work"] {
        let daemon = taken_over();
        let before = resident_mib(daemon.pid());
        let spawned = spawn(&daemon, what).await;
        let vault = init_pid(&daemon, &spawned).await;
        let (daemon_began, vault_began) = (used(daemon.pid()), used(vault));
        tokio::time::sleep(WATCHED).await;
        let (spent, own) = (used(daemon.pid()) - daemon_began, used(vault) - vault_began);
        let grown = resident_mib(daemon.pid()).saturating_sub(before);
        // What the vault's limit allows it in this time. A tenth of that is the daemon's for it, in any build, for
        // what is spent is measured; beside that it has a second's worth in advance, and its own work.
        let budget = WATCHED * CPU / 100;
        println!("{what}: haukid spent {spent:?}, the vault {own:?} of {budget:?}");
        assert!(spent <= budget, "{what}: haukid spent {spent:?}, the vault {own:?} of {budget:?}");
        assert!(own <= 3 * budget, "{what}: the vault had {own:?}");
        assert!(grown <= 48, "{what}: haukid has grown by {grown} MiB");
        let receipt = death::destruct(&daemon.endpoint(), &spawned.vault.id).await;
        assert_eq!(receipt.death.cause, Cause::Destruct, "{what}");
    }
}

#[tokio::test]
async fn a_line_that_no_init_sends_is_a_vaults_last() {
    let daemon = taken_over();
    let spawned = match try_spawn(&daemon, "megabyte").await {
        Ok(spawned) => spawned,
        // Where it came before the answer to the order, that is the answer.
        Err(error) => return assert!(error.to_string().contains("broke the channel protocol"), "{error}"),
    };
    let receipt = death::death(&daemon.endpoint(), &spawned.vault.id).await;
    assert_eq!(receipt.death.cause, Cause::ProtocolViolation);
}

fn is_late<T>(outcome: &Result<T, GhostError>) -> bool {
    matches!(outcome, Err(GhostError::Rpc { error, .. }) if error.code == code::DEADLINE)
}

#[tokio::test]
async fn who_prints_without_end_fails_its_call_and_lives_on() {
    let daemon = Daemon::start();
    let wishes = Wishes {
        // What lies in the socket when it fails costs this build some seconds, a tenth of which it gets.
        cpu_percent: Some(100),
        call_deadline_ms: Some(1_000),
        lease_ms: Some(600_000),
        ..Wishes::default()
    };
    let source = "function f() { for (;;) print(1); } function g() { return 7; }";
    let spawned = daemon.spawn_with(source, wishes).await;
    let ghost = Ghost::connect(&spawned.ticket, GhostOptions::default()).await.expect("connects");
    let failed = ghost.call("f", None).await;
    assert!(is_late(&failed), "{failed:?}");
    // What it has said is read at the pace that it has paid for, and what comes next comes after that.
    let began = clock::mono();
    loop {
        match ghost.call("g", None).await {
            Ok(value) => break assert_eq!(value.get(), "7"),
            failed => assert!(
                is_late(&failed) && u128::from(clock::mono().since(began)) < PATIENCE.as_micros(),
                "{failed:?}"
            ),
        }
    }
    let receipt = death::destruct(&daemon.endpoint(), &spawned.vault.id).await;
    assert_eq!(receipt.death.cause, Cause::Destruct);
}

/// Two gates carry each call, and both of them are this daemon's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_calls_others_without_end_spends_its_own_time() {
    let daemon = Daemon::start();
    let wishes = Wishes { lease_ms: Some(600_000), call_deadline_ms: Some(600_000), ..Wishes::default() };
    let called = daemon.spawn_with("function echo(x) { return x; }", wishes.clone()).await;
    let wishes = Wishes { cpu_percent: Some(CPU), ..wishes };
    let calling = daemon.spawn_with("function f(o) { for (;;) o->echo(1); }", wishes).await;
    let given = serde_json::to_string(&[&called.ticket]).expect("serializes");
    let ghost = Ghost::connect(&calling.ticket, GhostOptions::default()).await.expect("connects");
    let calls = tokio::spawn(async move { ghost.call("f", Some(&given)).await.map(drop) });
    let count = async || {
        let vault = daemon.endpoint().vault(&called.vault.id).await.expect("is there");
        vault.vitals.expect("lives").calls
    };
    while count().await < 50 {
        assert!(!calls.is_finished(), "{:?}", calls.await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (before, began) = (count().await, used(daemon.pid()));
    tokio::time::sleep(WATCHED).await;
    let (spent, budget) = (used(daemon.pid()) - began, WATCHED * CPU / 100);
    let made = count().await - before;
    println!("{made} calls: haukid spent {spent:?} of {budget:?}");
    assert!(made > 0, "it goes on");
    // As much as the vault may itself, and a second's worth of it in advance.
    assert!(spent <= 2 * budget, "{made} calls: haukid spent {spent:?} of {budget:?}");
    calls.abort();
}

/// What a vault is not asked has no processor limit of a vault, and all callers of the lane would wait for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_says_without_end_what_no_vault_is_asked_is_read_later() {
    let daemon = Daemon::start();
    let wishes = Wishes { lease_ms: Some(600_000), ..Wishes::default() };
    let spawned = daemon.spawn_with("function echo(x) { return x; }", wishes).await;
    let ticket = serde_json::to_value(&spawned.ticket).expect("serializes");
    let note = |method: &str| json!({"jsonrpc": "2.0", "method": method}).to_string();
    let batch: Vec<_> = (0..1024).map(|id| request(id, "hauki.methods", json!([]))).collect();
    for line in [
        note("hauki.heartbeat"),
        note("nope"),
        json!({"jsonrpc": "2.0", "method": "hauki.cancel", "params": {"id": 1}}).to_string(),
        "no request".to_owned(),
        serde_json::Value::from(batch).to_string(),
    ] {
        let mut floods = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let stranger = Stranger::enter(&ticket).await;
            let much = format!("{line}\n").repeat(1 + 20_000 / line.len());
            floods.spawn(async move {
                let (mut input, mut output) = tokio::io::split(stranger.stream);
                let write = async {
                    while tokio::io::AsyncWriteExt::write_all(&mut output, much.as_bytes()).await.is_ok() {}
                };
                let read = async { drop(tokio::io::copy(&mut input, &mut tokio::io::sink()).await) };
                tokio::join!(write, read);
            });
        }
        let mut caller = Stranger::enter(&ticket).await;
        let began = (used(daemon.pid()), clock::mono());
        let watched = WATCHED.as_micros();
        while u128::from(clock::mono().since(began.1)) < watched {
            assert_eq!(caller.result("echo", json!([1])).await, 1);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let spent = used(daemon.pid()) - began.0;
        println!("{:.60}: haukid spent {spent:?}", line);
        // A tenth is what they have, and this build spends much on bytes before they are words.
        assert!(spent <= WATCHED / 2, "{line:.60}: haukid spent {spent:?}");
        floods.shutdown().await;
    }
}

/// Each of them is good, and given up before the vault has heard of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_gives_up_long_calls_pays_for_their_way() {
    let daemon = Daemon::start();
    let wishes = Wishes {
        lease_ms: Some(600_000),
        call_deadline_ms: Some(60_000),
        cpu_percent: Some(CPU),
        max_frame_bytes: Some(4 << 20),
        ..Wishes::default()
    };
    let source = "function size(x) { return x.length; } function spin() { for (;;) {} }";
    let spawned = daemon.spawn_with(source, wishes).await;
    let ticket = serde_json::to_value(&spawned.ticket).expect("serializes");
    let mut spins = Stranger::enter(&ticket).await;
    spins.send(&request(1, "spin", json!([])).to_string()).await;
    let long = request(1, "size", json!(["x".repeat(1 << 20)])).to_string();
    let word = json!({"jsonrpc": "2.0", "method": "hauki.cancel", "params": {"id": 1}}).to_string();
    let much = format!("{long}\n{word}\n");
    let mut floods = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let stranger = Stranger::enter(&ticket).await;
        let much = much.clone();
        floods.spawn(async move {
            let (mut input, mut output) = tokio::io::split(stranger.stream);
            let write = async {
                while tokio::io::AsyncWriteExt::write_all(&mut output, much.as_bytes()).await.is_ok() {}
            };
            let read = async { drop(tokio::io::copy(&mut input, &mut tokio::io::sink()).await) };
            tokio::join!(write, read);
        });
    }
    // What they have ahead of them, in the first second.
    tokio::time::sleep(WATCHED / 3).await;
    let began = used(daemon.pid());
    tokio::time::sleep(WATCHED).await;
    let (spent, budget) = (used(daemon.pid()) - began, WATCHED * CPU / 100);
    println!("haukid spent {spent:?} of {budget:?}");
    // As much as the vault may, and as much again for TLS, which this build does slowly, and a line of each.
    assert!(spent <= 3 * budget, "haukid spent {spent:?} of {budget:?}");
    floods.shutdown().await;
}

/// A line of megabytes takes long to be refused, and a new connection is no new ticket.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_long_lines_refused_pays_for_them_on_whatever_connection() {
    let daemon = Daemon::start();
    let wishes = Wishes { lease_ms: Some(600_000), max_frame_bytes: Some(16 << 20), ..Wishes::default() };
    let spawned = daemon.spawn_with("function echo(x) { return x; }", wishes).await;
    let ticket = serde_json::to_value(&spawned.ticket).expect("serializes");
    let long = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":[{}x]}}\n",
        "1,".repeat(4 << 20)
    );
    let mut caller = Stranger::enter(&ticket).await;
    let (spent, began) = (used(daemon.pid()), clock::mono());
    let refused = async {
        let mut refused = 0;
        loop {
            let mut greedy = Stranger::enter(&ticket).await;
            greedy.raw(long.as_bytes()).await.expect("the gate reads");
            assert_eq!(greedy.reply().await["error"]["code"], code::PARSE);
            refused += 1;
            println!("{refused} after {} ms", clock::mono().since(began) / 1000);
        }
    };
    let others = async {
        while u128::from(clock::mono().since(began)) < 2 * WATCHED.as_micros() {
            assert_eq!(caller.result("echo", json!([1])).await, 1);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        () = refused => {}
        () = others => {}
    }
    let spent = used(daemon.pid()) - spent;
    println!("haukid spent {spent:?}");
    // A tenth for what they say, and as much as that again for the bytes, which this build reads slowly.
    assert!(spent <= 2 * WATCHED / 4, "haukid spent {spent:?}");
}
