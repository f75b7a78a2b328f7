//! Files that go away under a running daemon, and files that only look like its own.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::support::daemon::{Daemon, signal};
use crate::support::family::HANG;
use hauki::client::ghost::{Ghost, GhostError, GhostOptions};
use hauki::model::death::Cause;
use rustix::process::Signal;
use tokio::time::timeout;

const WORKER: &str = "function f() { return 1; }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_was_removed_is_there_again() {
    let mut daemon = Daemon::start();
    let ghost =
        Ghost::connect(&daemon.spawn(WORKER).await.ticket, GhostOptions::default()).await.expect("connects");
    std::fs::remove_file(&daemon.socket).expect("is there");
    let again = async {
        while !daemon.socket.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(HANG, again).await.expect("is made anew");
    assert_eq!(daemon.endpoint().health().await.expect("answers").pid, daemon.pid());
    assert_eq!(ghost.call_typed::<i32>("f", &[0; 0]).await.expect("lives"), 1);
    assert!(daemon.is_running() && daemon.log().contains("was removed"), "{}", daemon.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_put_in_the_sockets_place_is_named_and_stays() {
    let mut daemon = Daemon::start();
    std::fs::remove_file(&daemon.socket).expect("is there");
    let taken = async {
        // The daemon may be faster than whoever puts something there.
        while std::fs::OpenOptions::new().write(true).create_new(true).open(&daemon.socket).is_err() {
            let _ = std::fs::remove_file(&daemon.socket);
        }
        while !daemon.log().contains("stands in the control socket's place") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(HANG, taken).await.expect("is told");
    let seen = hauki::client::autostart::is_live(&daemon.socket).expect_err("is no socket");
    assert!(seen.to_string().ends_with("is no socket"), "{seen}");
    assert!(std::fs::symlink_metadata(&daemon.socket).expect("stays").is_file());
    std::fs::remove_file(&daemon.socket).expect("is there");
    let again = async {
        while !matches!(hauki::client::autostart::is_live(&daemon.socket), Ok(true)) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(HANG, again).await.expect("is made anew");
    let told = daemon.log().matches("stands in the control socket's place").count();
    assert_eq!((told, daemon.is_running()), (1, true));
}

/// A second daemon at the same path is another installation: what it finds there is not the first one's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_directory_a_daemon_leaves_in_order_and_no_other_ends_its_vaults() {
    let ground = tempfile::TempDir::new_in("/tmp").expect("a directory");
    let mut first = Daemon::start();
    let ghost =
        Ghost::connect(&first.spawn(WORKER).await.ticket, GhostOptions::default()).await.expect("connects");
    let (path, aside) = (first.dir.path().to_owned(), ground.path().join("aside"));
    signal(first.pid(), Signal::STOP);
    std::fs::rename(&path, &aside).expect("is ours");
    std::fs::create_dir(&path).expect("is gone");
    let second_ground = Daemon::ground("");
    std::fs::copy(second_ground.path().join("hauki.yaml"), path.join("hauki.yaml")).expect("copies");
    // The first can do nothing about it: whatever ends its vault now is the second.
    let (word, status) = Daemon::trial_in(&path, "all");
    assert!(word.contains("chmod o+x") || word == "ready", "{word}");
    assert!(status.code().is_some());
    signal(first.pid(), Signal::CONT);
    let end = timeout(HANG, ghost.closed()).await.expect("is told");
    assert!(matches!(&end, GhostError::Dead { death, .. } if death.cause == Cause::NodeShutdown), "{end:?}");
    let status = first.wait();
    assert_eq!(status.code(), Some(1));
    let log = std::fs::read_to_string(aside.join("haukid.log")).expect("was kept");
    assert!(log.contains("was removed or replaced"), "{log}");
}

/// What is acknowledged into a file that has no name any more is lost with the process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_store_or_a_directory_of_its_own_a_daemon_leaves_as_well() {
    for lost in ["core/store.db", "core", "sandbox"] {
        let mut daemon = Daemon::start();
        let ghost = Ghost::connect(&daemon.spawn(WORKER).await.ticket, GhostOptions::default())
            .await
            .expect("connects");
        let path = daemon.dir.path().join(lost);
        match path.is_dir() {
            true => std::fs::rename(&path, path.with_extension("aside")).expect("is ours"),
            false => std::fs::remove_file(&path).expect("is ours"),
        }
        let end = timeout(HANG, ghost.closed()).await.expect("is told");
        let is_shutdown =
            matches!(&end, GhostError::Dead { death, .. } if death.cause == Cause::NodeShutdown);
        assert!(is_shutdown, "{lost}: {end:?}");
        assert_eq!(daemon.wait().code(), Some(1), "{lost}");
        let words = format!("{} was removed or replaced", path.display());
        assert!(daemon.log().contains(&words), "{lost}: {}", daemon.log());
    }
}

/// One that is exchanged is another one, whatever is in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_put_in_the_place_of_the_one_in_use_is_left_as_it_is() {
    let mut daemon = Daemon::start();
    let path = daemon.dir.path().join("core/store.db");
    std::fs::write(path.with_extension("new"), "another store").expect("is ours");
    std::fs::rename(path.with_extension("new"), &path).expect("is ours");
    assert_eq!(daemon.wait().code(), Some(1));
    assert_eq!(std::fs::read_to_string(&path).expect("is there"), "another store");
}

/// The same path in another mount namespace.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_elsewhere_with_the_same_path_ends_nothing_here() {
    let daemon = Daemon::start();
    let ghost =
        Ghost::connect(&daemon.spawn(WORKER).await.ticket, GhostOptions::default()).await.expect("connects");
    let other = Daemon::ground("");
    let config = std::fs::read_to_string(other.path().join("hauki.yaml")).expect("is there");
    let script = "mount -t tmpfs -o mode=711 none \"$1\" && printf '%s' \"$2\" > \"$1/hauki.yaml\" && \
                  export HAUKI_STATE_DIR=\"$1\" HAUKI_CONFIG=\"$1/hauki.yaml\" && exec \"$3\" all --idle-exit 300ms";
    let mut elsewhere = tokio::process::Command::new("unshare");
    elsewhere.args(["-m", "sh", "-c", script, "sh"]).arg(daemon.dir.path()).arg(config);
    elsewhere
        .arg(Path::new(env!("CARGO_BIN_EXE_haukid")))
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let output = elsewhere.stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).output();
    let output = timeout(HANG, output).await.expect("leaves when idle").expect("runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("serving"), "{said}");
    assert_eq!(ghost.call_typed::<i32>("f", &[0; 0]).await.expect("lives"), 1);
}

/// What a killed daemon left is its directory's, wherever that stands by now; a copy of the directory owns nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_left_under_an_old_path_is_ended_by_who_has_the_directory() {
    let mut first = Daemon::start();
    let dir = first.dir.clone();
    let group = hauki_sandbox::lxc::group_of("hauki", &dir.path().join("sandbox")).expect("is there");
    first.kill();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("proc is mounted");
    let points = mounts.lines().filter(|line| line.contains(" - cgroup ") || line.contains(" - cgroup2 "));
    let point = points
        .filter_map(|line| line.split(' ').nth(4))
        .map(Path::new)
        .find(|point| point.join("pids.max").exists() || point.ends_with("pids"))
        .expect("limits of pids");
    let left = point.join(&group).join("vlt_left");
    std::fs::create_dir_all(&left).expect("makes");
    let mut stray = std::process::Command::new("sleep").arg("600").spawn().expect("starts");
    std::fs::write(left.join("cgroup.procs"), stray.id().to_string()).expect("moves");

    let copied = Daemon::ground("");
    let status = std::process::Command::new("cp")
        .args(["-a".as_ref(), dir.path().join("sandbox").as_os_str(), copied.path().as_os_str()])
        .status();
    assert!(status.expect("runs").success());
    let mut copy = Daemon::start_in(copied, "all", &[]);
    copy.terminate();
    assert_eq!(stray.try_wait().expect("is ours"), None, "a copy ends nothing of the first");

    let moved = Daemon::ground("");
    std::fs::rename(dir.path().join("sandbox"), moved.path().join("sandbox")).expect("moves");
    let second = Daemon::start_in(moved, "all", &[]);
    assert!(!stray.wait().expect("is ours").success(), "it was killed");
    assert!(!point.join(&group).exists());
    second.spawn(WORKER).await;
}
