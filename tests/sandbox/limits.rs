//! A limit or a wall that cannot be had is a refusal, and not a vault without it: each kind is taken away in
//! a mount namespace that ends with the test's thread.

use std::path::{Path, PathBuf};

use crate::support::leak::{Ground, vault_id};
use crate::support::probe;
use hauki::model::check::{Check, CheckLevel};
use hauki::model::limits::{Controller, Limits};
use hauki_sandbox::lxc::isolation_error::IsolationError;
use hauki_sandbox::lxc::{LxcConfig, LxcDriver, LxcSetupError};
use hauki_sandbox::{Driver, StartError};
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_change, mount_remount, unmount,
};
use rustix::thread::UnshareFlags;

/// Everything of the test stays on threads that this one starts: others would be in another namespace.
fn apart<T: Send + 'static>(test: impl AsyncFnOnce() -> T + Send + 'static) -> T {
    let running = std::thread::spawn(move || {
        // SAFETY: a mount namespace is this thread's own affair and leaves its descriptors alone.
        unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }.expect("root may");
        mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).expect("root may");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(test())
    });
    running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

struct Point {
    path: PathBuf,
    /// Of version 1: what it limits. The one of version 2 has whatever is left.
    options: Vec<String>,
    is_v2: bool,
}

fn points() -> Vec<Point> {
    let mounts = std::fs::read_to_string("/proc/thread-self/mountinfo").expect("proc is mounted");
    let point = |line: &str| {
        let (left, right) = line.split_once(" - ")?;
        let mut right = right.split(' ');
        let is_v2 = match right.next()? {
            "cgroup" => false,
            "cgroup2" => true,
            _ => return None,
        };
        let options = right.nth(1)?.split(',').map(str::to_owned).collect();
        Some(Point { path: left.split(' ').nth(4)?.into(), options, is_v2 })
    };
    mounts.lines().filter_map(point).collect()
}

/// Where a controller is: on version 2 in the one place of all.
fn point_of(controller: Controller) -> PathBuf {
    let points = points();
    let own = points.iter().find(|point| point.options.iter().any(|option| option == controller.name()));
    own.or_else(|| points.iter().find(|point| point.is_v2)).expect("cgroups are mounted").path.clone()
}

async fn refusal(driver: &LxcDriver) -> IsolationError {
    match driver.start(&vault_id(), &Limits::default()).await {
        Err(error @ StartError::Wall { .. }) => {
            assert!(!error.is_passing(), "{error:?}");
            let StartError::Wall { wall, hint, .. } = error else { unreachable!() };
            assert!(!hint.is_empty());
            *wall.downcast().expect("is in the driver's own words")
        }
        Err(other) => panic!("another error: {other:?}"),
        Ok(_) => panic!("it started"),
    }
}

async fn fails(driver: &LxcDriver) -> Vec<Check> {
    driver.diagnose().await.into_iter().filter(|finding| finding.level == CheckLevel::Fail).collect()
}

async fn assert_told_of(driver: &LxcDriver, words: &str) {
    let fails = fails(driver).await;
    assert!(fails.iter().any(|fail| fail.what.contains(words) && fail.hint.is_some()), "{words}: {fails:#?}");
}

fn driver(config: LxcConfig) -> LxcDriver {
    LxcDriver::start_new(config).expect("the driver starts")
}

/// The name of its groups, by which what it left is found.
async fn close(driver: LxcDriver) -> String {
    driver.idle().await;
    driver.close().await;
    driver.group().to_owned()
}

#[test]
fn a_controller_that_is_not_there_is_named_and_nothing_starts() {
    for controller in Controller::ALL {
        let ground = Ground::new("without");
        let config = ground.config(&probe::init_binary());
        let group = apart(async move || {
            unmount(point_of(controller), UnmountFlags::DETACH).expect("root may");
            let driver = driver(config);
            let wall = refusal(&driver).await;
            // On version 2 all went with one mount.
            assert!(matches!(wall, IsolationError::NoController { .. }), "{wall}");
            assert_told_of(&driver, &format!("the {controller} limit cannot be enforced")).await;
            close(driver).await
        });
        ground.assert_clean(&group);
    }
}

#[test]
fn without_any_cgroups_nothing_starts() {
    let ground = Ground::new("none");
    let config = ground.config(&probe::init_binary());
    let group = apart(async move || {
        for point in points() {
            unmount(point.path, UnmountFlags::DETACH).expect("root may");
        }
        let driver = driver(config);
        assert!(matches!(refusal(&driver).await, IsolationError::NoController { .. }));
        assert_told_of(&driver, "no cgroups are mounted").await;
        close(driver).await
    });
    ground.assert_clean(&group);
}

#[test]
fn cgroups_that_cannot_be_written_are_named_and_nothing_starts() {
    for controller in Controller::ALL {
        let ground = Ground::new("readonly");
        let config = ground.config(&probe::init_binary());
        let group = apart(async move || {
            let point = point_of(controller);
            mount_remount(&point, MountFlags::BIND | MountFlags::RDONLY, c"").expect("root may");
            let driver = driver(config);
            let wall = refusal(&driver).await;
            assert!(
                matches!(wall, IsolationError::Unwritable { .. } | IsolationError::NoSpawnerCgroup { .. }),
                "{wall:?}"
            );
            assert_told_of(&driver, &format!("the {controller} limit cannot be enforced")).await;
            close(driver).await
        });
        ground.assert_clean(&group);
    }
}

/// What lies there takes directories and files like cgroups, and limits nothing.
#[test]
fn a_mount_that_hides_a_controller_is_a_refusal() {
    for controller in Controller::ALL {
        let ground = Ground::new("hidden");
        let config = ground.config(&probe::init_binary());
        let group = apart(async move || {
            mount("none", point_of(controller), "tmpfs", MountFlags::empty(), None).expect("root may");
            let driver = driver(config);
            let wall = refusal(&driver).await;
            assert!(
                matches!(wall, IsolationError::Unwritable { .. } | IsolationError::NotKept { .. }),
                "{wall:?}"
            );
            assert_told_of(&driver, &format!("the {controller} limit cannot be enforced")).await;
            close(driver).await
        });
        ground.assert_clean(&group);
    }
}

#[test]
fn a_limit_that_goes_while_the_daemon_runs_is_missed_at_the_next_start() {
    let ground = Ground::new("later");
    let config = ground.config(&probe::init_binary());
    let group = apart(async move || {
        let driver = driver(config);
        let first = driver.start(&vault_id(), &Limits::default()).await.expect("starts");
        unmount(point_of(Controller::Memory), UnmountFlags::DETACH).expect("root may");
        refusal(&driver).await;
        // As its groups cannot be seen from here any more, they are left to be swept.
        first.sandbox.reclaim().await;
        close(driver).await
    });
    sweep_all(&group);
    ground.assert_clean(&group);
}

/// Empty groups of this test, wherever they are.
fn sweep_all(group: &str) {
    fn below(dir: &Path, group: &str, inside: bool) {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let inside = inside || entry.file_name().to_string_lossy().starts_with(group);
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) && inside {
                below(&entry.path(), group, true);
                let _ = std::fs::remove_dir(entry.path());
            }
        }
    }
    points().iter().for_each(|point| below(&point.path, group, false));
}

#[test]
fn what_the_configuration_gives_up_is_said_and_the_rest_holds() {
    for controller in Controller::ALL {
        let ground = Ground::new("given");
        let mut config = ground.config(&probe::init_binary());
        config.unlimited = vec![controller];
        let group = apart(async move || {
            let point = point_of(controller);
            if points().iter().any(|other| other.path == point && other.is_v2) {
                // All limits are there together; what can be had is had all the same.
                let driver = driver(config);
                assert_eq!(driver.unlimited(), []);
                return close(driver).await;
            }
            mount_remount(&point, MountFlags::BIND | MountFlags::RDONLY, c"").expect("root may");
            let driver = driver(config);
            assert_eq!(driver.unlimited(), [controller]);
            let started = driver.start(&vault_id(), &Limits::default()).await.expect("starts");
            let groups = std::fs::read_to_string(format!("/proc/{}/cgroup", started.sandbox.init_pid()));
            let groups = groups.expect("lives");
            assert_eq!(groups.matches(".vault").count(), 2, "{groups}");
            assert!(fails(&driver).await.is_empty());
            let warned = driver.diagnose().await;
            let words = format!("vaults are without a {controller} limit");
            assert!(warned.iter().any(|finding| finding.what.contains(&words)), "{warned:#?}");
            assert!(started.sandbox.reclaim().await.iter().all(|line| line.gone));
            close(driver).await
        });
        ground.assert_clean(&group);
    }
}

#[test]
fn what_can_be_enforced_is_enforced_whatever_may_be_given_up() {
    let ground = Ground::new("still");
    let mut config = ground.config(&probe::init_binary());
    config.unlimited = Controller::ALL.into();
    let group = apart(async move || {
        let driver = driver(config);
        assert_eq!(driver.unlimited(), []);
        close(driver).await
    });
    ground.assert_clean(&group);
}

#[test]
fn a_state_that_nothing_can_be_executed_from_is_named() {
    let ground = Ground::new("noexec");
    let config = ground.config(&probe::init_binary());
    let group = apart(async move || {
        let state = config.state_dir.clone();
        mount_bind(&state, &state).expect("root may");
        mount_remount(&state, MountFlags::BIND | MountFlags::NOEXEC, c"").expect("root may");
        let driver = driver(config);
        let wall = refusal(&driver).await;
        assert!(matches!(wall, IsolationError::NoExec { .. }), "{wall}");
        assert_told_of(&driver, "nothing may be executed").await;
        let group = close(driver).await;
        unmount(&state, UnmountFlags::DETACH).expect("is mounted");
        group
    });
    ground.assert_clean(&group);
}

#[test]
fn a_proc_that_cannot_be_written_is_named() {
    let ground = Ground::new("procro");
    let config = ground.config(&probe::init_binary());
    let group = apart(async move || {
        mount_bind("/proc", "/proc").expect("root may");
        mount_remount("/proc", MountFlags::BIND | MountFlags::RDONLY, c"").expect("root may");
        let driver = driver(config);
        let wall = refusal(&driver).await;
        assert!(matches!(wall, IsolationError::NoMap { .. }), "{wall}");
        assert_told_of(&driver, "no vault can be given user ids").await;
        close(driver).await
    });
    ground.assert_clean(&group);
}

#[tokio::test]
async fn ids_of_the_machine_itself_are_given_to_no_vault() {
    let ground = Ground::new("ids");
    for id_base in [0, 7, 65_535, u32::MAX] {
        let mut config = ground.config(&probe::init_binary());
        config.id_base = id_base;
        assert!(matches!(LxcDriver::start_new(config), Err(LxcSetupError::Ids { .. })), "{id_base}");
    }
}
