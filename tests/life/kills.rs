//! SIGKILL for each process that takes part. No vault outlives its rule, with or without a restart;
//! after a restart nothing is left, what was acknowledged is known, and its end is told truly.

use std::process::Stdio;
use std::time::Duration;

use crate::support::daemon::{self, Daemon};
use crate::support::death::{Traces, death, destruct};
use crate::support::family::{Family, HANG, gone, kill, number};
use crate::support::until::until;
use hauki::api::ErrorCode;
use hauki::api::summons::{SpawnRequest, Spawned};
use hauki::client::Address;
use hauki::client::endpoint::{ControlPlane, EndpointOptions};
use hauki::client::ghost::{Ghost, GhostOptions};
use hauki::client::retry::Retry;
use hauki::model::death::Cause;
use hauki::model::phase::Phase;
use rustix::process::Signal;
use tokio::task::JoinSet;
use tokio::time::timeout;

const WORKER: &str = "function f() { return 1; } function loop() { for (;;) {} }";

async fn init_of(daemon: &Daemon, spawned: &Spawned) -> u32 {
    let seen = daemon.endpoint().vault(&spawned.vault.id).await.expect("is known");
    seen.vitals.expect("lives").init_pid
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_init() {
    let daemon = Daemon::start();
    let spawned = daemon.spawn(WORKER).await;
    let traces = Traces::of(&daemon.endpoint(), &spawned).await;
    let ghost = Ghost::connect(&spawned.ticket, GhostOptions::default()).await.expect("connects");
    let calling = tokio::spawn(async move { ghost.call("loop", None).await });
    let init = init_of(&daemon, &spawned).await;
    kill(Family::find(daemon.pid()).expect("runs").init(init)).await;
    let receipt = death(&daemon.endpoint(), &spawned.vault.id).await;
    traces.assert_agrees(&receipt, Cause::Crashed);
    assert_eq!(receipt.death.detail.as_deref(), Some("signal 9"));
    assert!(timeout(HANG, calling).await.expect("does not hang").expect("ends").is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_monitor() {
    let daemon = Daemon::start();
    let (spawned, neighbour) = (daemon.spawn(WORKER).await, daemon.spawn(WORKER).await);
    let traces = Traces::of(&daemon.endpoint(), &spawned).await;
    let init = init_of(&daemon, &spawned).await;
    let family = Family::find(daemon.pid()).expect("runs");
    kill(family.monitor_of(init)).await;
    gone(family.init(init)).await;
    traces.assert_agrees(&death(&daemon.endpoint(), &spawned.vault.id).await, Cause::Crashed);
    let ghost =
        Ghost::connect(&neighbour.ticket, GhostOptions::default()).await.expect("its neighbour lives");
    assert_eq!(ghost.call_typed::<i32>("f", &[0; 0]).await.expect("answers"), 1);
    assert!(destruct(&daemon.endpoint(), &neighbour.vault.id).await.is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_spawner() {
    let daemon = Daemon::start();
    let spawned = [daemon.spawn(WORKER).await, daemon.spawn(WORKER).await];
    let traces = [
        Traces::of(&daemon.endpoint(), &spawned[0]).await,
        Traces::of(&daemon.endpoint(), &spawned[1]).await,
    ];
    let family = Family::find(daemon.pid()).expect("runs");
    kill(&family.spawner).await;
    family.gone().await;
    for (spawned, traces) in spawned.iter().zip(&traces) {
        traces.assert_agrees(&death(&daemon.endpoint(), &spawned.vault.id).await, Cause::Crashed);
    }
    let next = daemon.spawn(WORKER).await;
    assert!(destruct(&daemon.endpoint(), &next.vault.id).await.is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_daemon() {
    let mut daemon = Daemon::start();
    let request = daemon::spawning(WORKER, Default::default());
    let idle = daemon.endpoint().spawn(&request).await.expect("spawns");
    let looping = daemon.spawn(WORKER).await;
    let traces =
        [Traces::of(&daemon.endpoint(), &idle).await, Traces::of(&daemon.endpoint(), &looping).await];
    let ghost = Ghost::connect(&looping.ticket, GhostOptions::default()).await.expect("connects");
    let calling = tokio::spawn(async move { ghost.call("loop", None).await });
    let endpoint = daemon.endpoint();
    let vitals = async || endpoint.vault(&looping.vault.id).await.expect("is known").vitals.expect("lives");
    until("the call has come", async || vitals().await.calls > 0).await;
    let family = Family::find(daemon.pid()).expect("runs");
    daemon.kill();
    // Without a restart: the end of the channel ends even the one that loops.
    family.gone().await;
    assert!(timeout(HANG, calling).await.expect("does not hang").expect("ends").is_err());
    for traces in &traces {
        assert_eq!(traces.left(), Vec::<String>::new(), "the spawner has cleaned up");
    }
    daemon.restart();
    for spawned in [&idle, &looping] {
        let known = daemon.endpoint().vault(&spawned.vault.id).await.expect("is known");
        let receipt = known.receipt.expect("is dead from the first answer on");
        assert_eq!((known.phase, receipt.death.cause), (Phase::Dead.into(), Cause::DaemonLost.into()));
        assert!(receipt.reclaimed.is_empty(), "nobody watched, so nothing is claimed");
    }
    let error = daemon.endpoint().spawn(&request).await.expect_err("its ticket is dead");
    assert!(error.is(ErrorCode::VaultDead), "{error}");
}

/// The restart does not wait for anything of the dead daemon: not for its lock, nor for its vaults.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_daemon_and_at_once_its_successor() {
    let mut daemon = Daemon::start();
    for _ in 0..5 {
        let spawned = [daemon.spawn(WORKER).await, daemon.spawn(WORKER).await];
        let family = Family::find(daemon.pid()).expect("runs");
        daemon::signal(daemon.pid(), rustix::process::Signal::KILL);
        daemon.succeed();
        for spawned in &spawned {
            let known = daemon.endpoint().vault(&spawned.vault.id).await.expect("is known");
            assert_eq!(known.receipt.map(|receipt| receipt.death.cause), Some(Cause::DaemonLost.into()));
        }
        destruct(&daemon.endpoint(), &daemon.spawn(WORKER).await.vault.id).await;
        family.gone().await;
        assert_eq!(daemon.leftovers(), Vec::<String>::new());
    }
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Twenty callers that do not try again.
fn twenty(daemon: &Daemon) -> JoinSet<(SpawnRequest, Option<Spawned>)> {
    let options = EndpointOptions { retry: Retry::NEVER, ..EndpointOptions::default() };
    let endpoint = ControlPlane::new(Address::Unix(daemon.socket.clone()), options).expect("an endpoint");
    let mut callers = JoinSet::new();
    for _ in 0..20 {
        let endpoint = endpoint.clone();
        callers.spawn(async move {
            let request = daemon::spawning(WORKER, Default::default());
            let answer = endpoint.spawn(&request).await;
            (request, answer.ok())
        });
    }
    callers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_daemon_at_any_moment_of_twenty_spawns() {
    let mut daemon = Daemon::start();
    let mut dice = Dice(7);
    for round in 0..6 {
        // The moment is the test's matter, so it is slept for and not awaited.
        let moment = Duration::from_millis(dice.below(120));
        let callers = twenty(&daemon);
        tokio::time::sleep(moment).await;
        let family = Family::find(daemon.pid());
        daemon.kill();
        let answers = timeout(HANG, callers.join_all()).await.expect("none hangs");
        daemon.restart();
        let acknowledged: Vec<_> = answers.iter().filter_map(|(_, spawned)| spawned.as_ref()).collect();
        println!("round {round}: killed after {moment:?}, {} acknowledged", acknowledged.len());
        for spawned in acknowledged {
            let known = daemon.endpoint().vault(&spawned.vault.id).await.expect("was promised");
            assert_eq!(known.receipt.map(|receipt| receipt.death.cause), Some(Cause::DaemonLost.into()));
        }
        assert!(daemon.endpoint().vaults(&Default::default()).await.expect("lists").vaults.is_empty());
        // One whose answer was lost: the same key gives one vault, or the word that it is dead.
        if let Some((request, _)) = answers.iter().find(|(_, spawned)| spawned.is_none()) {
            match daemon.endpoint().spawn(request).await {
                Ok(spawned) => assert!(destruct(&daemon.endpoint(), &spawned.vault.id).await.is_clean()),
                Err(error) => assert!(error.is(ErrorCode::VaultDead), "{error}"),
            }
        }
        if let Some(family) = family {
            family.gone().await;
        }
        assert_eq!(daemon.leftovers(), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_spawner_at_any_moment_of_twenty_spawns() {
    let daemon = Daemon::start();
    destruct(&daemon.endpoint(), &daemon.spawn(WORKER).await.vault.id).await;
    let (mut dice, mut kills) = (Dice(11), 0);
    for _ in 0..4 {
        let moment = Duration::from_millis(dice.below(120));
        let callers = twenty(&daemon);
        tokio::time::sleep(moment).await;
        if let Some(family) = Family::find(daemon.pid()) {
            // So that it forks none that is not seen.
            daemon::signal(number(&family.spawner), Signal::STOP);
        }
        let family = Family::find(daemon.pid());
        if let Some(family) = &family {
            kill(&family.spawner).await;
            kills += 1;
        }
        for (_, spawned) in timeout(HANG, callers.join_all()).await.expect("none hangs") {
            if let Some(spawned) = spawned {
                destruct(&daemon.endpoint(), &spawned.vault.id).await;
            }
        }
        let endpoint = daemon.endpoint();
        until("no vaults", async || endpoint.health().await.expect("answers").vaults == 0).await;
        if let Some(family) = family {
            // Also the monitor that was ahead, which belonged to no vault.
            family.gone().await;
        }
        assert_eq!(daemon.leftovers(), Vec::<String>::new());
    }
    assert!(kills > 0, "no round met a spawner");
}

/// Half-started inits too: one that liblxc was just giving another user does not die with its monitor.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn monitors_at_any_moment_of_twenty_spawns() {
    let daemon = Daemon::start();
    destruct(&daemon.endpoint(), &daemon.spawn(WORKER).await.vault.id).await;
    let mut dice = Dice(12);
    let mut callers = twenty(&daemon);
    let (mut spawned, mut killed) = (Vec::new(), 0);
    while !callers.is_empty() {
        tokio::time::sleep(Duration::from_micros(dice.below(8_000))).await;
        let family = Family::find(daemon.pid()).expect("runs");
        let victim = family.monitors.iter().find(|_| dice.below(3) == 0).filter(|_| killed < 8);
        if let Some(monitor) = victim {
            // One that ended by itself meanwhile counts as well.
            let _ = monitor.process().kill();
            killed += 1;
        }
        while let Some(ended) = callers.try_join_next() {
            spawned.extend(ended.expect("does not panic").1);
        }
    }
    assert!(killed > 0 && spawned.len() >= 12, "{killed} were killed, {} came", spawned.len());
    for spawned in spawned {
        destruct(&daemon.endpoint(), &spawned.vault.id).await;
    }
    assert_eq!(daemon.leftovers(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_in_the_middle_of_its_spawn() {
    let daemon = Daemon::start();
    let worker = daemon.dir.path().join("endless.js");
    std::fs::write(&worker, "function create() { for (;;) {} } function f() {}").expect("is ours");
    let mut client = daemon.hauki();
    client.arg("clone").arg(&worker).stdout(Stdio::null()).stderr(Stdio::null());
    let mut client = client.spawn().expect("hauki runs");
    let endpoint = daemon.endpoint();
    let vaults = async |count| {
        let looking = async {
            while endpoint.health().await.expect("answers").vaults != count {
                tokio::task::yield_now().await;
            }
        };
        // Before the call deadline of ten seconds ends create by itself.
        timeout(Duration::from_secs(8), looking).await.expect("comes and goes");
    };
    vaults(1).await;
    client.kill().expect("is ours");
    client.wait().expect("was ours");
    vaults(0).await;
    assert_eq!(daemon.leftovers(), Vec::<String>::new());
}
