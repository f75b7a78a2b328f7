//! One suite over both drivers: what the node may rely on, whatever runs its vaults.

use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::task::Poll;

use crate::support::leak::{Ground, vault_id};
use crate::support::probe;
use hauki::model::check::CheckLevel;
use hauki::model::limits::Limits;
use hauki::model::receipt::Resource;
use hauki::rpc::channel::FromVault;
use hauki_sandbox::fake::{FakeDriver, Faults, StartFault};
use hauki_sandbox::{BoxFuture, Driver, InitExit, StartError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

fn stream(channel: OwnedFd) -> UnixStream {
    let channel = std::os::unix::net::UnixStream::from(channel);
    UnixStream::from_std(channel).expect("the channel is non-blocking")
}

async fn ready(channel: &mut UnixStream) -> FromVault {
    let mut bytes = Vec::new();
    loop {
        if let Some((message, _)) = FromVault::decode(&bytes, 1 << 16).expect("the init speaks the protocol")
        {
            return message;
        }
        assert_ne!(channel.read_buf(&mut bytes).await.expect("is open"), 0, "the channel closed");
    }
}

/// Polls once.
async fn is_pending<T>(future: &mut BoxFuture<'_, T>) -> bool {
    std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending())).await
}

/// Every promise of the trait that needs nothing but the real init.
async fn promises(driver: &dyn Driver) {
    a_vault_says_ready_and_dies_when_told(driver).await;
    the_end_of_the_channel_is_the_end_of_the_init(driver).await;
    nobody_else_holds_a_channel(driver).await;
    a_lost_handle_is_no_lost_vault(driver).await;
    an_id_starts_once(driver).await;
    many_at_once(driver).await;
    a_blank_serves_who_differs_in_what_is_enforced_within(driver);
    it_is_idle_when_the_last_one_is_gone(driver).await;
}

async fn a_vault_says_ready_and_dies_when_told(driver: &dyn Driver) {
    let started = driver.start(&vault_id(), &Limits::default()).await.expect("starts");
    let mut channel = stream(started.channel);
    assert!(matches!(ready(&mut channel).await, FromVault::Ready(_)));
    assert!(started.sandbox.init_pid() > 1);
    let (first, second) = tokio::join!(started.sandbox.reclaim(), started.sandbox.reclaim());
    assert_eq!(started.sandbox.died().await, InitExit::Signal(9));
    started.sandbox.kill();
    let third = started.sandbox.reclaim().await;
    assert!(first.iter().all(|line| line.gone), "{first:?}");
    assert!(first.iter().any(|line| line.what == Resource::Process));
    assert!(first.is_sorted_by_key(|line| line.gone_after_us), "each line is checked after the one before");
    assert_eq!((&first, &first), (&second, &third), "reclaiming again tells the same");
}

/// The node knows of the death by pidfd, not by its end of the channel.
async fn the_end_of_the_channel_is_the_end_of_the_init(driver: &dyn Driver) {
    let started = driver.start(&vault_id(), &Limits::default()).await.expect("starts");
    let mut channel = stream(started.channel);
    ready(&mut channel).await;
    channel.shutdown().await.expect("is open");
    drop(channel);
    assert_eq!(started.sandbox.died().await, InitExit::Status(0), "its own way out");
    assert!(started.sandbox.reclaim().await.iter().all(|line| line.gone));
}

/// A copy of a vault's end in its neighbour, its neighbour's monitor or the spawner would keep the
/// channel open here.
async fn nobody_else_holds_a_channel(driver: &dyn Driver) {
    let first = driver.start(&vault_id(), &Limits::default()).await.expect("starts");
    let second = driver.start(&vault_id(), &Limits::default()).await.expect("starts");
    let (mut gone, mut stays) = (stream(first.channel), stream(second.channel));
    ready(&mut gone).await;
    ready(&mut stays).await;
    first.sandbox.reclaim().await;
    let mut rest = Vec::new();
    assert_eq!(gone.read_to_end(&mut rest).await.expect("ends"), 0);
    second.sandbox.reclaim().await;
}

async fn a_lost_handle_is_no_lost_vault(driver: &dyn Driver) {
    let started = driver.start(&vault_id(), &Limits::default()).await.expect("starts");
    let mut channel = stream(started.channel);
    ready(&mut channel).await;
    drop(started.sandbox);
    let mut rest = Vec::new();
    // Either kind of end will do; that it comes is the promise.
    let _ = channel.read_to_end(&mut rest).await;
}

async fn an_id_starts_once(driver: &dyn Driver) {
    let id = vault_id();
    let started = driver.start(&id, &Limits::default()).await.expect("starts");
    let again = driver.start(&id, &Limits::default()).await;
    assert!(matches!(again, Err(StartError::System { .. })), "a second one by the same name");
    let mut channel = stream(started.channel);
    ready(&mut channel).await;
    started.sandbox.reclaim().await;
}

async fn many_at_once(driver: &dyn Driver) {
    let ids: Vec<_> = (0..20).map(|_| vault_id()).collect();
    let limits = Limits::default();
    let starts = futures_util::future::join_all(ids.iter().map(|id| driver.start(id, &limits))).await;
    let started: Vec<_> = starts.into_iter().map(|start| start.expect("starts")).collect();
    let pids: HashSet<_> = started.iter().map(|started| started.sandbox.init_pid()).collect();
    assert_eq!(pids.len(), 20, "each has a process of its own");
    started.iter().for_each(|started| started.sandbox.kill());
    for started in &started {
        assert_eq!(started.sandbox.died().await, InitExit::Signal(9));
        assert!(started.sandbox.reclaim().await.iter().all(|line| line.gone));
    }
}

fn a_blank_serves_who_differs_in_what_is_enforced_within(driver: &dyn Driver) {
    let blank = Limits::default();
    assert!(driver.serves(&blank, &Limits { call_deadline_ms: 77, spawn: 3, ..blank.clone() }));
    for other in [
        Limits { memory_bytes: blank.memory_bytes + 1, ..blank.clone() },
        Limits { cpu_percent: 50, ..blank.clone() },
        Limits { pids: 9, ..blank.clone() },
    ] {
        assert!(!driver.serves(&blank, &other), "{other:?}");
    }
}

async fn it_is_idle_when_the_last_one_is_gone(driver: &dyn Driver) {
    driver.idle().await;
    let started = driver.start(&vault_id(), &Limits::default()).await.expect("starts");
    let mut idle = driver.idle();
    assert!(is_pending(&mut idle).await, "one lives");
    started.sandbox.reclaim().await;
    idle.await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fake_keeps_the_promises() {
    let driver = FakeDriver::new(probe::init_binary());
    promises(&driver).await;
    driver.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lxc_keeps_the_promises_and_leaves_nothing() {
    let ground = Ground::new("promises");
    let driver = ground.driver(&probe::init_binary());
    promises(&driver).await;
    driver.close().await;
    ground.assert_clean(driver.group());
}

#[tokio::test(flavor = "multi_thread")]
async fn lxc_checks_every_resource() {
    let ground = Ground::new("receipt");
    let driver = ground.driver(&probe::init_binary());
    let started = driver.start(&vault_id(), &Limits::default()).await.expect("starts");
    let lines = started.sandbox.reclaim().await;
    let what: Vec<_> = lines.iter().map(|line| line.what).collect();
    assert_eq!(what, [Resource::Process, Resource::Monitor, Resource::Cgroups, Resource::Mounts]);
    driver.close().await;
    ground.assert_clean(driver.group());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_says_why_and_leaves_nothing() {
    let ground = Ground::new("failure");
    let not_a_program = ground.state_dir().join("text");
    std::fs::write(&not_a_program, "no program").expect("is ours");
    let driver = ground.driver(&not_a_program);
    let Err(StartError::Refused { detail, .. }) = driver.start(&vault_id(), &Limits::default()).await else {
        panic!("a text file is no init");
    };
    assert!(detail.contains("/init"), "{detail}");
    // Two more, for a failure must not use up anything.
    for _ in 0..2 {
        assert!(driver.start(&vault_id(), &Limits::default()).await.is_err());
    }
    driver.close().await;
    ground.assert_clean(driver.group());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_that_is_gone_is_named_in_the_error() {
    let ground = Ground::new("noroot");
    let driver = ground.driver(&probe::init_binary());
    std::fs::remove_dir_all(ground.state_dir().join("rootfs")).expect("is ours");
    let Err(StartError::Wall { wall, .. }) = driver.start(&vault_id(), &Limits::default()).await else {
        panic!("there is no root");
    };
    assert!(wall.to_string().contains("was removed while it was in use"), "{wall}");
    driver.close().await;
    ground.assert_clean(driver.group());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_init_that_never_speaks_is_given_up_and_leaves_nothing() {
    let ground = Ground::new("silent");
    let driver = ground.driver(&silent_program(&ground));
    let error = driver.start(&vault_id(), &Limits::default()).await.err().expect("nothing was said");
    assert!(matches!(error, StartError::Timeout { .. }), "{error}");
    driver.close().await;
    ground.assert_clean(driver.group());
}

/// A static program that only waits.
fn silent_program(ground: &Ground) -> std::path::PathBuf {
    let source = ground.state_dir().join("silent.c");
    let program = ground.state_dir().join("silent");
    std::fs::write(&source, "#include <unistd.h>\nint main(void) { for (;;) pause(); }\n").expect("is ours");
    let built = std::process::Command::new("cc").arg("-static").arg("-o").arg(&program).arg(&source).status();
    assert!(built.expect("a C compiler is there, for the engine needs one").success());
    program
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_leaves_no_vault() {
    let ground = Ground::new("cancel");
    let driver = ground.driver(&probe::init_binary());
    let (id, limits) = (vault_id(), Limits::default());
    let mut start = driver.start(&id, &limits);
    // Polled once, so that it has begun, and then forgotten.
    assert!(is_pending(&mut start).await);
    drop(start);
    driver.idle().await;
    driver.close().await;
    ground.assert_clean(driver.group());
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_run_out_and_come_back() {
    let ground = Ground::new("slots");
    let mut config = ground.config(&probe::init_binary());
    config.most_vaults = 1;
    let driver = hauki_sandbox::lxc::LxcDriver::start_new(config).expect("is prepared");
    let limits = Limits::default();
    let first = driver.start(&vault_id(), &limits).await.expect("starts");
    let second = driver.start(&vault_id(), &limits).await;
    assert!(matches!(second, Err(StartError::Full { used }) if used == "1 id ranges"));
    first.sandbox.reclaim().await;
    driver.idle().await;
    let third = driver.start(&vault_id(), &limits).await.expect("there is room again");
    third.sandbox.reclaim().await;
    driver.close().await;
    ground.assert_clean(driver.group());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_this_machine_fit() {
    let ground = Ground::new("doctor");
    let driver = ground.driver(&probe::init_binary());
    let findings = driver.diagnose().await;
    assert!(findings.iter().all(|finding| finding.level != CheckLevel::Fail), "{findings:#?}");
    assert!(findings.iter().any(|finding| finding.what.starts_with("liblxc 5")), "{findings:#?}");
    driver.close().await;
    ground.assert_clean(driver.group());
}

#[tokio::test]
async fn the_fake_fails_as_it_is_told() {
    let driver = FakeDriver::new(probe::init_binary());
    driver.set_faults(Faults { start: StartFault::Fails, ..Faults::default() });
    assert!(matches!(driver.start(&vault_id(), &Limits::default()).await, Err(StartError::Refused { .. })));
    driver.set_faults(Faults { start: StartFault::Hangs, ..Faults::default() });
    let (id, limits) = (vault_id(), Limits::default());
    assert!(is_pending(&mut driver.start(&id, &limits)).await);
    driver.set_faults(Faults { start: StartFault::None, leftovers: true, ..Faults::default() });
    let started = driver.start(&vault_id(), &limits).await.expect("starts");
    assert!(started.sandbox.reclaim().await.iter().any(|line| !line.gone));
}
