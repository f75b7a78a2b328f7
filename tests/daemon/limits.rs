//! Limits that this machine cannot enforce, as their users see it: the word, its number, and the doctor.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use crate::support::daemon::Daemon;
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags, mount_change, mount_remount, unmount};
use rustix::thread::UnshareFlags;

/// Everything of the test stays on its thread, whose mounts are its own.
fn apart(test: impl FnOnce() + Send + 'static) {
    let running = std::thread::spawn(move || {
        // SAFETY: a mount namespace is this thread's own affair and leaves its descriptors alone.
        unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }.expect("root may");
        mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).expect("root may");
        test();
    });
    if let Err(panic) = running.join() {
        std::panic::resume_unwind(panic);
    }
}

/// All mounts of cgroups that have this controller, or that of version 2.
fn points(controller: &str) -> Vec<String> {
    let mounts = std::fs::read_to_string("/proc/thread-self/mountinfo").expect("proc is mounted");
    let has = |line: &&str| {
        let Some((_, right)) = line.split_once(" - cgroup") else { return false };
        right.starts_with("2 ") || right.trim().split([' ', ',']).any(|option| option == controller)
    };
    mounts.lines().filter(has).map(|line| line.split(' ').nth(4).expect("has a place").to_owned()).collect()
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn clone(daemon: &Daemon, dir: &Path) -> Output {
    let worker = dir.join("worker.js");
    std::fs::write(&worker, "function f() { return 1; }").expect("is ours");
    daemon.hauki().args(["clone", "-o", "json"]).arg(worker).output().expect("hauki runs")
}

#[test]
fn a_vault_without_its_limit_is_refused_with_78_and_the_doctor_knows() {
    apart(|| {
        for point in points("cpu") {
            unmount(point, UnmountFlags::DETACH).expect("root may");
        }
        let dir = Arc::new(Daemon::ground(""));
        let path = dir.path().to_owned();
        let daemon = Daemon::start_in(dir, "all", &[]);
        let refused = clone(&daemon, &path);
        let words = told(&refused);
        assert_eq!(refused.status.code(), Some(78), "{words}");
        assert!(words.contains("limit cannot be enforced") && words.contains("node.unlimited"), "{words}");
        let doctor = daemon.hauki().arg("doctor").output().expect("hauki runs");
        assert_eq!(doctor.status.code(), Some(78), "{}", told(&doctor));
        assert!(told(&doctor).contains("the cpu limit cannot be enforced"), "{}", told(&doctor));
        drop(daemon);
        let dir = Arc::new(Daemon::ground(""));
        let config = dir.path().join("hauki.yaml");
        let text = std::fs::read_to_string(&config).expect("is ours");
        let without = text.replacen(" }", ", unlimited: [memory, pids, cpu] }", 1);
        std::fs::write(config, without).expect("is ours");
        let path = dir.path().to_owned();
        let daemon = Daemon::start_in(dir, "all", &[]);
        let made = clone(&daemon, &path);
        assert_eq!(made.status.code(), Some(0), "{}", told(&made));
        let listed = daemon.hauki().args(["ls", "-o", "json"]).output().expect("hauki runs");
        assert!(
            told(&listed).contains("\"unlimited\"") && told(&listed).contains("\"cpu\""),
            "{}",
            told(&listed)
        );
        let doctor = daemon.hauki().arg("doctor").output().expect("hauki runs");
        assert!(told(&doctor).contains("vaults are without a cpu limit"), "{}", told(&doctor));
    });
}

#[test]
fn read_only_cgroups_are_no_lost_spawner() {
    apart(|| {
        for point in ["memory", "pids", "cpu"].iter().flat_map(|controller| points(controller)) {
            mount_remount(point, MountFlags::BIND | MountFlags::RDONLY, c"").expect("root may");
        }
        let dir = Arc::new(Daemon::ground(""));
        let path = dir.path().to_owned();
        let daemon = Daemon::start_in(dir, "all", &[]);
        let refused = clone(&daemon, &path);
        let words = told(&refused);
        assert_eq!(refused.status.code(), Some(78), "{words}");
        assert!(words.contains("Read-only") && words.contains("mount cgroups writable"), "{words}");
        let doctor = daemon.hauki().arg("doctor").output().expect("hauki runs");
        assert_eq!(doctor.status.code(), Some(78), "{}", told(&doctor));
        assert!(told(&doctor).contains("Read-only"), "{}", told(&doctor));
    });
}

#[test]
fn a_root_of_the_vaults_that_was_removed_is_no_passing_reason() {
    let dir = Arc::new(Daemon::ground(""));
    let path = dir.path().to_owned();
    let daemon = Daemon::start_in(dir, "all", &[]);
    std::fs::remove_dir_all(path.join("sandbox/rootfs")).expect("is ours");
    // Some were started before.
    let refused = (0..20).map(|_| clone(&daemon, &path)).find(|made| !made.status.success());
    let refused = refused.expect("needs it");
    let words = told(&refused);
    assert_eq!(refused.status.code(), Some(78), "{words}");
    assert!(words.contains("was removed while it was in use") && words.contains("restart haukid"), "{words}");
    let doctor = daemon.hauki().arg("doctor").output().expect("hauki runs");
    assert_eq!(doctor.status.code(), Some(78), "{}", told(&doctor));
    assert!(told(&doctor).contains("was removed while it was in use"), "{}", told(&doctor));
}

fn hauki(state_dir: &Path, verb: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hauki"));
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HAUKI_STATE_DIR", state_dir);
    command.arg(verb).output().expect("hauki runs")
}

#[test]
fn the_doctor_names_where_the_state_will_be() {
    let dir = Daemon::ground("");
    let state_dir = dir.path().join("not").join("yet");
    let doctor = told(&hauki(&state_dir, "doctor"));
    assert!(doctor.contains(&format!("state in {}", state_dir.display())), "{doctor}");
    assert!(!doctor.contains("haukid-findings"), "{doctor}");
    assert!(!state_dir.exists());
}

#[test]
fn a_path_that_is_too_long_for_a_socket_gets_the_hint_that_fits() {
    let dir = Daemon::ground("");
    let state_dir = dir.path().join("x".repeat(110));
    for verb in ["ls", "doctor"] {
        let output = hauki(&state_dir, verb);
        let words = told(&output);
        assert_eq!(output.status.code(), Some(78), "{words}");
        assert!(words.contains("107 bytes") && !words.contains("allow_uids"), "{words}");
    }
}
