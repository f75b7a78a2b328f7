//! A daemon on a small disk of its own: full at the start, full while it runs, read-only.
//!
//! The disk is a tmpfs over the state directory, in a mount namespace that ends with the test's
//! thread, so nothing of it can stay behind. The log is on it too, as that of an embedded daemon is.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use crate::support::daemon::{self, Daemon};
use crate::support::death::{self, death};
use crate::support::family::HANG;
use hauki::api::ErrorCode;
use hauki::api::teardown::DestructQuery;
use hauki::client::endpoint::ControlPlane;
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_change, mount_remount, unmount,
};
use rustix::thread::UnshareFlags;
use tokio::time::timeout;

const WORKER: &str = "function f() { return 1; }";

/// The directory can only be removed when nothing is mounted on it, also after a panic.
struct Disk(Arc<tempfile::TempDir>);

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = unmount(self.0.path(), UnmountFlags::DETACH);
    }
}

/// Runs a test on a disk of so many KiB.
fn on_a_disk(kib: u32, test: impl FnOnce(Arc<tempfile::TempDir>) + Send + 'static) {
    let running = std::thread::spawn(move || {
        // SAFETY: a mount namespace is this thread's own affair and leaves its descriptors alone.
        unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }.expect("root may");
        let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
        mount_change("/", private).expect("root may");
        let dir = Arc::new(Daemon::ground(""));
        let config = std::fs::read(dir.path().join("hauki.yaml")).expect("was written");
        let data = std::ffi::CString::new(format!("size={kib}k,mode=0711")).expect("has no zero");
        mount("tmpfs", dir.path(), "tmpfs", MountFlags::empty(), Some(data.as_c_str())).expect("root may");
        std::fs::write(dir.path().join("hauki.yaml"), config).expect("there is room");
        let disk = Disk(dir.clone());
        test(dir);
        drop(disk);
    });
    if let Err(panic) = running.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Takes all room but so many bytes.
fn fill(dir: &Path, spare: usize) {
    let mut file = std::fs::File::create(dir.join("filler")).expect("is ours");
    for block in [64 * 1024, 4096] {
        let bytes = vec![b'x'; block];
        while file.write_all(&bytes).is_ok() {}
    }
    let length = file.metadata().expect("is open").len();
    file.set_len(length.saturating_sub(spare as u64)).expect("shrinks");
}

fn free(dir: &Path) {
    std::fs::remove_file(dir.join("filler")).expect("is ours");
}

/// Everything of the test stays on its thread: another one would be in another namespace.
fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(test);
}

#[test]
fn a_disk_that_is_full_at_the_start_is_named_and_spoils_nothing() {
    on_a_disk(8 * 1024, |dir| {
        let path = dir.path().to_owned();
        let mut refused = 0;
        // From no room at all, over room for the init and not the store, to room enough.
        for spare_kib in [0, 4, 64, 1024, 1500, 1800, 2048, 3072] {
            fill(&path, spare_kib * 1024);
            let (word, status) = Daemon::trial_in(&path, "all");
            if word != "ready" {
                refused += 1;
                assert!(word.starts_with("failed: "), "with {spare_kib} KiB: {word:?}");
                let named = ["No space left", "no space is left", "disk is full"];
                assert!(named.iter().any(|part| word.contains(part)), "with {spare_kib} KiB: {word:?}");
                assert_eq!(status.code(), Some(1));
            }
            free(&path);
        }
        assert!(refused >= 3, "{refused}");
        let daemon = Daemon::start_in(dir, "all", &[]);
        run(async {
            let spawned = daemon.spawn(WORKER).await;
            death::destruct(&daemon.endpoint(), &spawned.vault.id).await;
        });
    });
}

/// Before anything is started there, and by the running daemon.
#[test]
fn the_doctor_says_that_a_disk_is_full() {
    on_a_disk(4096, |dir| {
        let doctor = |expected: &str, code: i32| {
            let output = std::process::Command::new(env!("CARGO_BIN_EXE_hauki"))
                .env_clear()
                .env("PATH", "/usr/bin:/bin")
                .env("HAUKI_STATE_DIR", dir.path())
                .env("HAUKI_CONFIG", dir.path().join("hauki.yaml"))
                .args(["doctor", "-o", "jsonl"])
                .output()
                .expect("hauki runs");
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(said.contains(expected), "{expected:?} is not in {said}");
            assert_eq!(output.status.code(), Some(code), "{said}");
        };
        // 4 MiB are little, and enough for one.
        doctor("is full", 0);
        let daemon = Daemon::start_in(dir.clone(), "all", &[]);
        fill(dir.path(), 4096);
        doctor("is full", 78);
        free(dir.path());
        drop(daemon);
        fill(dir.path(), 0);
        doctor("No space left on device", 78);
        free(dir.path());
    });
}

#[test]
fn a_disk_that_cannot_be_written_is_named() {
    on_a_disk(1024, |dir| {
        mount_remount(dir.path(), MountFlags::RDONLY, c"").expect("root may");
        let (word, status) = Daemon::refused_in(dir.path(), "all", &[]);
        assert!(word.starts_with("failed: ") && word.contains("Read-only"), "{word}");
        assert_eq!(status.code(), Some(1));
    });
}

async fn vaults(endpoint: &ControlPlane) -> u32 {
    endpoint.health().await.expect("answers").vaults
}

#[test]
fn a_disk_that_fills_up_refuses_what_cannot_be_promised_and_recovers() {
    on_a_disk(8 * 1024, |dir| {
        let path = dir.path().to_owned();
        let mut daemon = Daemon::start_in(dir, "all", &[]);
        run(async {
            let endpoint = daemon.endpoint();
            let mut living = vec![daemon.spawn(WORKER).await];
            fill(&path, 0);
            // The log's last page too: not one line more can be written.
            let mut log =
                std::fs::File::options().append(true).open(path.join("haukid.log")).expect("is there");
            while log.write_all(b"\n").is_ok() {}
            // What the store has allocated already may still take a few.
            let refused = loop {
                let request = daemon::spawning(WORKER, Default::default());
                match endpoint.spawn(&request).await {
                    Ok(spawned) => living.push(spawned),
                    Err(error) => {
                        assert!(error.is(ErrorCode::Environment), "{error}");
                        break request;
                    }
                }
            };
            let again = endpoint.spawn(&refused).await.expect_err("is as full as before");
            assert!(again.is(ErrorCode::Environment), "{again}");
            // What was not recorded is gone again; what was promised lives and is called as ever.
            let settled = async {
                while vaults(&endpoint).await as usize != living.len() {
                    tokio::task::yield_now().await;
                }
            };
            timeout(HANG, settled).await.expect("nothing is half done");
            // Ends need no disk; only their tombstones wait for room.
            for spawned in &living {
                let torn = endpoint.destruct(&spawned.vault.id, &DestructQuery::default()).await;
                assert!(torn.as_ref().err().is_none_or(|error| error.is(ErrorCode::Environment)), "{torn:?}");
            }
            assert_eq!(daemon.leftovers(), Vec::<String>::new());
            free(&path);
            for spawned in &living {
                assert!(death(&endpoint, &spawned.vault.id).await.is_clean());
            }
            let late = endpoint.spawn(&refused).await.expect("there is room again");
            assert!(late.changed);
            death::destruct(&endpoint, &late.vault.id).await;
            assert_eq!(vaults(&endpoint).await, 0);
        });
        assert_eq!(daemon.terminate().code(), Some(0));
        assert!(!daemon.log().contains("panicked"), "{}", daemon.log());
    });
}
