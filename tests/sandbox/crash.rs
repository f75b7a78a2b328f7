//! Kills each process that takes part, with SIGKILL, and looks for what is left. No vault outlives
//! its daemon or its spawner, and after the next start's sweep there is nothing.

use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use crate::support::leak::{Ground, vault_id};
use crate::support::probe;
use crate::support::until;
use hauki::model::limits::Limits;
use hauki_sandbox::lxc::{LxcConfig, LxcDriver, LxcSandbox};
use hauki_sandbox::pidfd::{Pid, PidFd, Watched};
use hauki_sandbox::{Driver, InitExit, Sandbox};
use rustix::process::{Signal, pidfd_send_signal};

fn process(pid: u32) -> Watched {
    let pid = Pid::new(pid.cast_signed()).expect("a process of ours");
    Watched::new(PidFd::open(pid).expect("lives")).expect("within a runtime")
}

/// The caller has looked that the number is of a process that its own test started.
async fn kill(watched: &Watched) {
    watched.process().kill().expect("is ours");
    watched.gone().await;
}

async fn start(driver: &LxcDriver) -> (OwnedFd, Arc<LxcSandbox>) {
    driver.launch(&vault_id(), &Limits::default()).await.expect("starts")
}

async fn close(driver: LxcDriver, ground: Ground) {
    driver.idle().await;
    driver.close().await;
    ground.assert_clean(driver.group());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_init_killed_from_outside_is_no_memory_death() {
    let ground = Ground::new("init");
    let driver = ground.driver(&probe::init_binary());
    let (_channel, sandbox) = start(&driver).await;
    kill(&process(sandbox.init_pid())).await;
    assert_eq!(sandbox.died().await, InitExit::Signal(9));
    assert!(sandbox.reclaim().await.iter().all(|line| line.gone));
    close(driver, ground).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_takes_its_vault_along_and_the_groups_are_pruned() {
    let ground = Ground::new("monitor");
    let driver = ground.driver(&probe::init_binary());
    let (_channel, sandbox) = start(&driver).await;
    let (_other_channel, other) = start(&driver).await;
    let init = process(sandbox.init_pid());
    kill(&process(sandbox.monitor_pid())).await;
    init.gone().await;
    assert_eq!(sandbox.died().await, InitExit::Unknown, "nobody was left to read its status");
    let lines = sandbox.reclaim().await;
    assert!(lines.iter().all(|line| line.gone), "{lines:?}");
    assert!(!process(other.init_pid()).process().is_dead(), "its neighbour goes on");
    other.reclaim().await;
    close(driver, ground).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_that_is_killed_at_once_is_gone_to_the_last() {
    let ground = Ground::new("many");
    let driver = ground.driver(&probe::init_binary());
    let mut crowd = Vec::new();
    for _ in 0..12 {
        crowd.push(start(&driver).await);
    }
    crowd.iter().for_each(|(_, sandbox)| sandbox.kill());
    for (_, sandbox) in &crowd {
        assert_eq!(sandbox.died().await, InitExit::Signal(9));
        let lines = sandbox.reclaim().await;
        assert!(lines.iter().all(|line| line.gone), "{lines:?}");
    }
    close(driver, ground).await;
}

/// What a process has written of its stack, in KiB.
fn stack_kib(pid: u32) -> u32 {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/smaps")).expect("is there");
    let (_, stack) = maps.split_once("[stack]").expect("has one");
    let line = stack.lines().find_map(|line| line.strip_prefix("Private_Dirty:")).expect("is told");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_that_waits_gives_back_the_stack_of_its_start_and_goes_on() {
    let ground = Ground::new("stack");
    let driver = ground.driver(&probe::init_binary());
    let (_channel, sandbox) = start(&driver).await;
    let given_back = async {
        while stack_kib(sandbox.monitor_pid()) > 40 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), given_back).await.expect("gives back");
    assert!(!sandbox.is_dead());
    kill(&process(sandbox.init_pid())).await;
    assert_eq!(sandbox.died().await, InitExit::Signal(9), "as its monitor learned");
    assert!(sandbox.reclaim().await.iter().all(|line| line.gone));
    close(driver, ground).await;
}

/// As in a crowd that is dying when the spawner goes.
#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_that_was_stopped_does_not_outlive_its_spawner() {
    let ground = Ground::new("stopped");
    let driver = ground.driver(&probe::init_binary());
    let (_channel, sandbox) = start(&driver).await;
    let (monitor, init) = (process(sandbox.monitor_pid()), process(sandbox.init_pid()));
    monitor.process().stop().expect("is ours");
    let spawner = process(driver.spawner_pid().await.expect("runs"));
    kill(&spawner).await;
    monitor.gone().await;
    init.gone().await;
    assert!(sandbox.reclaim().await.iter().all(|line| line.gone));
    close(driver, ground).await;
}

fn children(parent: u32) -> Vec<u32> {
    let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
    let children = children.expect("is there");
    children.split_whitespace().map(|child| child.parse().expect("a number")).collect()
}

/// Whether the process gets only what nobody else wants of the cores.
fn is_idle(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("is there");
    let (_, rest) = stat.rsplit_once(") ").expect("a name");
    // The policy is the 41st field, the first of `rest` the third.
    rest.split(' ').nth(38) == Some("5")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_that_waits_is_used_and_its_loss_is_nobodys_failure() {
    let ground = Ground::new("spare");
    let driver = ground.driver(&probe::init_binary());
    let (_channel, first) = start(&driver).await;
    let spawner = driver.spawner_pid().await.expect("runs");
    let spare = async |busy: &[u32]| {
        let mut found = None;
        until::until("another monitor", async || {
            found = children(spawner).into_iter().find(|child| !busy.contains(child));
            found.is_some()
        })
        .await;
        found.expect("was found")
    };
    let used = spare(&[first.monitor_pid()]).await;
    // Until it is used it goes before nobody.
    let idle = async {
        while !is_idle(used) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), idle).await.expect("stands back");
    let (_other_channel, second) = start(&driver).await;
    assert_eq!(second.monitor_pid(), used);
    assert!(![used, second.init_pid()].into_iter().any(is_idle));
    let lost = spare(&[first.monitor_pid(), used]).await;
    kill(&process(lost)).await;
    let (_third_channel, third) = start(&driver).await;
    assert_ne!(third.monitor_pid(), lost);
    for sandbox in [first, second, third] {
        assert!(sandbox.reclaim().await.iter().all(|line| line.gone));
    }
    close(driver, ground).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_spawner_collects_the_inits_of_monitors_that_were_ended() {
    let ground = Ground::new("orphans");
    let driver = ground.driver(&probe::init_binary());
    let (_channel, kept) = start(&driver).await;
    for _ in 0..3 {
        let (_channel, sandbox) = start(&driver).await;
        sandbox.kill();
        assert_eq!(sandbox.died().await, InitExit::Signal(9));
        assert!(sandbox.reclaim().await.iter().all(|line| line.gone));
    }
    let spawner = driver.spawner_pid().await.expect("runs");
    let children = children(spawner);
    assert!(children.contains(&kept.monitor_pid()), "{children:?}");
    for child in &children {
        let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        assert!(!stat.contains(") Z "), "nobody has waited for {stat}");
    }
    assert!(children.len() <= 2, "more than it and the one that waits for a task: {children:?}");
    kept.reclaim().await;
    close(driver, ground).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spawner_takes_all_vaults_along_and_is_replaced() {
    let ground = Ground::new("spawner");
    let driver = ground.driver(&probe::init_binary());
    let mut vaults = Vec::new();
    for _ in 0..3 {
        vaults.push(start(&driver).await);
    }
    let inits: Vec<_> = vaults.iter().map(|(_, sandbox)| process(sandbox.init_pid())).collect();
    let first = driver.spawner_pid().await.expect("runs");
    kill(&process(first)).await;
    for init in &inits {
        init.gone().await;
    }
    for (_, sandbox) in &vaults {
        assert_eq!(sandbox.died().await, InitExit::Unknown);
        let lines = sandbox.reclaim().await;
        assert!(lines.iter().all(|line| line.gone), "{lines:?}");
    }
    let (_channel, sandbox) = start(&driver).await;
    assert_ne!(driver.spawner_pid().await.expect("runs again"), first);
    sandbox.reclaim().await;
    close(driver, ground).await;
}

/// As an init that lost its monitor before it spoke: it is nobody's child that the kernel ends with it,
/// and in no vault's group.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_a_spawners_hall_ends_with_it() {
    let ground = Ground::new("hall");
    let driver = ground.driver(&probe::init_binary());
    let (_channel, sandbox) = start(&driver).await;
    let spawner = driver.spawner_pid().await.expect("runs");
    let groups = std::fs::read_to_string(format!("/proc/{spawner}/cgroup")).expect("lives");
    let hall = groups.lines().find_map(|line| {
        let (_, group) = line.rsplit_once(':')?;
        group.contains("/hall.").then(|| hierarchy().join(group.trim_start_matches('/')))
    });
    let mut stray = Command::new("sleep").arg("1000").spawn().expect("is there");
    std::fs::write(hall.expect("has one").join("cgroup.procs"), stray.id().to_string()).expect("is let in");
    kill(&process(spawner)).await;
    process(stray.id()).gone().await;
    stray.wait().expect("is ours");
    assert!(sandbox.reclaim().await.iter().all(|line| line.gone));
    close(driver, ground).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spawner_killed_during_starts_leaves_nothing_and_no_start_hangs() {
    let ground = Ground::new("during");
    let driver = ground.driver(&probe::init_binary());
    for _ in 0..5 {
        let (_channel, sandbox) = start(&driver).await;
        let spawner = process(driver.spawner_pid().await.expect("runs"));
        let starts: Vec<_> = (0..8)
            .map(|_| {
                let driver = driver.clone();
                tokio::spawn(async move { driver.launch(&vault_id(), &Limits::default()).await })
            })
            .collect();
        kill(&spawner).await;
        for start in starts {
            // Some had started, some fail, some came after and got the next spawner: all end.
            if let Ok((_channel, sandbox)) = start.await.expect("does not panic") {
                assert!(sandbox.reclaim().await.iter().all(|line| line.gone));
            }
        }
        assert!(sandbox.reclaim().await.iter().all(|line| line.gone));
    }
    close(driver, ground).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spawner_that_cannot_start_is_an_error() {
    let ground = Ground::new("nospawner");
    let mut config = ground.config(&probe::init_binary());
    config.spawner_command = vec!["/nowhere/haukid".into()];
    let driver = LxcDriver::start_new(config).expect("is prepared");
    assert!(driver.launch(&vault_id(), &Limits::default()).await.is_err());
    close(driver, ground).await;
}

const STATE: &str = "HAUKI_TEST_STATE";
const INIT: &str = "HAUKI_TEST_INIT";
const NAME: &str = "HAUKI_TEST_NAME";

/// A daemon for other tests to kill: not a test of its own.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the tests that kill it"]
async fn a_driver_of_its_own() {
    let variable = |name| std::env::var(name).expect("is run by another test");
    let init = std::fs::read(variable(INIT)).expect("is built");
    let mut config = LxcConfig::new(variable(STATE).into(), init);
    config.name_prefix = variable(NAME);
    config.spawner_command = vec![env!("CARGO_BIN_EXE_haukid").into()];
    let driver = LxcDriver::start_new(config).expect("is prepared");
    let one = start(&driver).await;
    let two = start(&driver).await;
    let spawner = driver.spawner_pid().await.expect("runs");
    // On a line of their own: the test harness prints without ending its line.
    println!("\npids {spawner} {} {}", one.1.init_pid(), two.1.init_pid());
    std::future::pending::<()>().await;
}

struct Daemon {
    child: Child,
    spawner: Watched,
    inits: Vec<Watched>,
}

/// Starts a daemon that holds two vaults.
fn daemon(config: &LxcConfig, init: &Path) -> Daemon {
    let mut child = Command::new(std::env::current_exe().expect("is a test"))
        .args(["--ignored", "--exact", "crash::a_driver_of_its_own", "--nocapture"])
        .env(STATE, &config.state_dir)
        .env(INIT, init)
        .env(NAME, &config.name_prefix)
        .stdout(Stdio::piped())
        .spawn()
        .expect("runs");
    let lines = BufReader::new(child.stdout.take().expect("is piped")).lines();
    let pids: Vec<u32> = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("pids ").map(str::to_owned))
        .expect("the daemon started its vaults")
        .split(' ')
        .map(|pid| pid.parse().expect("a number"))
        .collect();
    Daemon { child, spawner: process(pids[0]), inits: pids[1..].iter().map(|pid| process(*pid)).collect() }
}

/// A hierarchy of version 1, where this machine has them.
fn hierarchy() -> &'static Path {
    let version_1 = Path::new("/sys/fs/cgroup/pids");
    if version_1.exists() { version_1 } else { Path::new("/sys/fs/cgroup") }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_vault_outlives_its_daemon() {
    let ground = Ground::new("daemon");
    let init = probe::init_binary();
    let config = ground.config(&init);
    let mut daemon = daemon(&config, &init);
    daemon.child.kill().expect("is ours");
    daemon.child.wait().expect("is reaped");
    for init in &daemon.inits {
        init.gone().await;
    }
    // It waits until the monitors have ended, and then removes their vaults' groups.
    daemon.spawner.gone().await;
    let driver = LxcDriver::start_new(config).expect("is prepared");
    let swept = driver.sweep().await.expect("sweeps");
    assert_eq!((swept.processes, swept.cgroups), (0, 0), "the spawner had done it all");
    close(driver, ground).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lost_spawner_and_daemon_leave_is_swept() {
    let ground = Ground::new("both");
    let init = probe::init_binary();
    let config = ground.config(&init);
    let mut daemon = daemon(&config, &init);
    // Neither can the dead spawner remove the groups, nor the daemon, which is held still.
    let child = process(daemon.child.id());
    pidfd_send_signal(child.process(), Signal::STOP).expect("is ours");
    kill(&daemon.spawner).await;
    for init in &daemon.inits {
        init.gone().await;
    }
    daemon.child.kill().expect("is ours");
    daemon.child.wait().expect("is reaped");
    let driver = LxcDriver::start_new(config).expect("is prepared");
    let swept = driver.sweep().await.expect("sweeps");
    assert!(swept.cgroups >= 2, "{swept:?}");
    ground.assert_clean(driver.group());
    let again = driver.sweep().await.expect("sweeps");
    assert_eq!((again.processes, again.cgroups), (0, 0));
    let (_channel, sandbox) = start(&driver).await;
    sandbox.reclaim().await;
    close(driver, ground).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_ends_what_still_runs_and_spares_the_living_and_the_neighbours() {
    let (ground, neighbour) = (Ground::new("sweep"), Ground::new("neighbour"));
    let init = probe::init_binary();
    let (driver, other) = (ground.driver(&init), neighbour.driver(&init));
    let (_channel, living) = start(&driver).await;
    let (_other_channel, theirs) = start(&other).await;
    // What a predecessor's vault would look like: a group with a process, and one inside it.
    let base = hierarchy();
    let stray = base.join(driver.group()).join(format!("{}.vault", vault_id()));
    std::fs::create_dir_all(stray.join("inner")).expect("cgroups are mounted here");
    let mut sleeper = Command::new("sleep").arg("1000").spawn().expect("runs");
    std::fs::write(stray.join("inner/cgroup.procs"), sleeper.id().to_string()).expect("is moved");
    let swept = driver.sweep().await.expect("sweeps");
    assert_eq!((swept.processes, swept.cgroups), (1, 2));
    sleeper.wait().expect("is reaped");
    assert!(!stray.exists());
    assert!(!process(living.init_pid()).process().is_dead());
    assert!(!process(theirs.init_pid()).process().is_dead());
    living.reclaim().await;
    theirs.reclaim().await;
    close(driver, ground).await;
    close(other, neighbour).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_directory_that_vaults_cannot_pass_is_named() {
    let ground = Ground::new("closed");
    std::fs::set_permissions(ground.state_dir(), std::fs::Permissions::from_mode(0o700)).expect("is ours");
    let error = LxcDriver::start_new(ground.config(&probe::init_binary())).err().expect("is closed");
    assert!(error.to_string().contains("chmod o+x"), "{error}");
}

/// It stands still, and its socket takes orders all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_spawner_that_hangs_is_passed_over_and_ends_with_its_vaults() {
    let ground = Ground::new("hangs");
    let driver = ground.driver(&probe::init_binary());
    let (_channel, sandbox) = start(&driver).await;
    let first = process(driver.spawner_pid().await.expect("runs"));
    first.process().stop().expect("is ours");
    let patience = std::time::Duration::from_secs(30);
    let (_other_channel, other) =
        tokio::time::timeout(patience, start(&driver)).await.expect("does not wait for it");
    assert_ne!(driver.spawner_pid().await, Some(first.process().pid().as_u32()));
    assert!(!sandbox.is_dead() && !first.process().is_dead(), "its vault lives on");
    let lines = tokio::time::timeout(patience, sandbox.reclaim()).await.expect("needs no spawner");
    assert!(lines.iter().all(|line| line.gone), "{lines:?}");
    assert_eq!(sandbox.died().await, InitExit::Signal(9));
    tokio::time::timeout(patience, first.gone()).await.expect("nobody needs it any more");
    assert!(!other.is_dead());
    other.reclaim().await;
    close(driver, ground).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_closes_over_a_spawner_that_hangs() {
    let ground = Ground::new("closes");
    let driver = ground.driver(&probe::init_binary());
    let (_channel, sandbox) = start(&driver).await;
    let spawner = process(driver.spawner_pid().await.expect("runs"));
    spawner.process().stop().expect("is ours");
    sandbox.reclaim().await;
    close(driver, ground).await;
    assert!(spawner.process().is_dead());
}

/// What another try may mend, and what it may not, where vaults have started before.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_killed_while_it_starts_may_be_tried_again() {
    let ground = Ground::new("again");
    let driver = ground.driver(&probe::init_binary());
    start(&driver).await.1.reclaim().await;
    let (mut failed, mut rounds) = (0, 0);
    while failed < 6 && rounds < 300 {
        let spawner = driver.spawner_pid().await.expect("runs");
        let starting = driver.clone();
        let start = tokio::spawn(async move { starting.launch(&vault_id(), &Limits::default()).await });
        // Monitors and inits at whatever step they are, by turns; of one that has started there is nothing
        // to see.
        let depth = rounds % 2;
        tokio::time::sleep(std::time::Duration::from_micros(200 * (rounds % 20))).await;
        for monitor in children(spawner) {
            let victims = if depth == 0 { vec![monitor] } else { children_of(monitor) };
            for victim in victims {
                if let Some(process) = Pid::new(victim.cast_signed()).and_then(|pid| PidFd::open(pid).ok())
                    && parents(victim).contains(&spawner)
                {
                    process.kill().expect("is ours");
                }
            }
        }
        match start.await.expect("does not panic") {
            Ok((_channel, sandbox)) => assert!(sandbox.reclaim().await.iter().all(|line| line.gone)),
            Err(error) => {
                failed += 1;
                assert!(error.is_passing(), "{error:?}");
            }
        }
        rounds += 1;
    }
    assert!(failed > 0, "nothing was hit in {rounds} rounds");
    close(driver, ground).await;
}

fn children_of(parent: u32) -> Vec<u32> {
    let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
    children.unwrap_or_default().split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

/// The next two above.
fn parents(pid: u32) -> Vec<u32> {
    let parent = |pid: u32| {
        let pid = Pid::new(pid.cast_signed())?;
        Some(hauki_sandbox::pidfd::parent_of(pid).ok()??.as_u32())
    };
    std::iter::successors(parent(pid), |pid| parent(*pid)).take(2).collect()
}
