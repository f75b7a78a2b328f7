//! The main job on a real daemon with real vaults, through the library.

use std::time::Duration;

use crate::support::daemon::{self, Daemon};
use crate::support::until::{not_run, until};
use hauki::api::ErrorCode;
use hauki::api::teardown::DestructQuery;
use hauki::client::ghost::{Ghost, GhostOptions};
use hauki::model::death::Cause;
use hauki::model::phase::Phase;
use hauki_contract::system::clock;
use rustix::time::{ClockId, clock_gettime};

const COUNTER: &str =
    "var n = 0; function add(x) { n += x; return n; } function boom() { throw new Error('ouch'); }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_is_summoned_called_and_destructed() {
    let daemon = Daemon::start();
    let endpoint = daemon.endpoint();
    let spawned = daemon.spawn(COUNTER).await;
    assert_eq!(spawned.vault.methods, ["add", "boom"]);
    let ghost = Ghost::connect(&spawned.ticket, GhostOptions::default()).await.expect("connects");
    assert_eq!(ghost.call_typed::<i64>("add", &[40]).await.expect("answers"), 40);
    assert_eq!(ghost.call_typed::<i64>("add", &[2]).await.expect("answers"), 42);
    let seen = endpoint.vault(&spawned.vault.id).await.expect("is known");
    assert_eq!((seen.phase, seen.vitals.expect("lives").calls), (Phase::Live.into(), 2));
    let torn = endpoint.destruct(&spawned.vault.id, &DestructQuery::default()).await.expect("destructs");
    let receipt = torn.receipt.expect("a receipt");
    assert!(receipt.is_clean(), "{receipt:?}");
    assert_eq!((receipt.death.cause, receipt.calls, torn.changed), (Cause::Destruct.into(), 2, true));
    let again = endpoint.destruct(&spawned.vault.id, &DestructQuery::default()).await.expect("is idempotent");
    assert!(!again.changed);
    let error = tokio::time::timeout(Duration::from_secs(5), ghost.call("add", Some("[1]")))
        .await
        .expect("does not hang");
    assert!(error.is_err());
    assert_eq!(daemon.leftovers(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_syntax_error_is_told_with_its_place_and_leaves_nothing() {
    let daemon = Daemon::start();
    let request = daemon::spawning("function f() {\n  var a = ;\n}\n", Default::default());
    let error = daemon.endpoint().spawn(&request).await.expect_err("does not parse");
    let error = error.api().expect("the core's word");
    assert_eq!(error.code, ErrorCode::BadSource);
    assert_eq!(error.worker.as_ref().expect("the worker's error").line, Some(2));
    assert_eq!(daemon.leftovers(), Vec::<String>::new());
}

/// The cores that a process's first thread may run on, as the kernel writes them.
fn cores(pid: u32) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("lives");
    let line = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    line.expect("is written").trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vault_shares_its_lanes_core_for_as_long_as_nobody_is_worse_off() {
    if std::thread::available_parallelism().is_ok_and(|cores| cores.get() == 1) {
        return not_run("a machine with one core has nothing to share out");
    }
    let daemon = Daemon::start();
    let worker = "function echo(x) { return x; }
        function work(ms) { var until = Date.now() + ms; while (Date.now() < until) {} return ms; }";
    let spawned = daemon.spawn(worker).await;
    let seen = daemon.endpoint().vault(&spawned.vault.id).await.expect("is known");
    let init = seen.vitals.expect("lives").init_pid;
    let all = cores(init);
    let ghost = Ghost::connect(&spawned.ticket, GhostOptions::default()).await.expect("connects");
    let draw = async || {
        let began = clock::mono();
        for _ in 0..5000 {
            ghost.call("echo", Some("[1]")).await.expect("answers");
            if cores(init) != all {
                return true;
            }
        }
        // An emulated machine has no call that is short.
        assert!(clock::mono().since(began) > 5_000_000, "calls one by one leave the vault on {all}");
        false
    };

    if !draw().await {
        return not_run("no call is short on this machine, so no vault is drawn to a core");
    }
    assert!(cores(init).parse::<usize>().is_ok(), "{}", cores(init));
    let caller = ghost.clone();
    let long = tokio::spawn(async move { caller.call("work", Some("[1000]")).await });
    while cores(init) != all {
        assert!(!long.is_finished(), "a long call keeps the vault on one core");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    long.await.expect("runs").expect("answers");

    assert!(draw().await);
    let many = (0..64).map(|number| {
        let caller = ghost.clone();
        tokio::spawn(async move { caller.call("work", Some(&format!("[{}]", number % 2))).await })
    });
    for call in many.collect::<Vec<_>>() {
        call.await.expect("runs").expect("answers");
    }
    assert_eq!(cores(init), all, "calls that overlap have both cores");

    assert!(draw().await);
    until("idle, it has both cores", async || cores(init) == all).await;
}

/// Both ends wait awake for a moment while calls come one by one; a moment has an end.
#[tokio::test]
async fn nobody_waits_awake_when_nothing_is_called() {
    let daemon = Daemon::start();
    let spawned = daemon.spawn("function echo(x) { return x; }").await;
    let ghost = Ghost::connect(&spawned.ticket, GhostOptions::default()).await.expect("connects");
    for _ in 0..500 {
        ghost.call("echo", Some("[1]")).await.expect("answers");
    }
    let (ours, theirs) = (clock_gettime(ClockId::ThreadCPUTime), ticks(daemon.pid()));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let worked = clock_gettime(ClockId::ThreadCPUTime) - ours;
    assert!(
        worked.tv_sec == 0 && worked.tv_nsec < 250_000_000,
        "the caller worked for {worked:?} of a second"
    );
    let worked = ticks(daemon.pid()) - theirs;
    assert!(worked < 25, "the daemon worked for {worked} ticks of a second");
}

/// What a process has worked, in hundredths of a second.
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("is there");
    let (_, fields) = stat.rsplit_once(") ").expect("has a name");
    fields.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().expect("a number")).sum()
}
