//! A vault whose process cannot be ended, because the kernel or somebody's freezer holds it: its receipt says so, and
//! it holds up nobody else, neither by its death nor at the next start.

#[path = "support/daemon.rs"]
mod daemon;

use std::path::PathBuf;
use std::time::Duration;

use daemon::{Daemon, spawning};
use hauki::api::summons::Spawned;
use hauki::api::teardown::DestructRequest;
use hauki::model::gem::Wishes;
use hauki::model::receipt::{Receipt, Resource};
use tokio::time::timeout;

/// Far beyond what it takes.
const HANG: Duration = Duration::from_secs(60);

/// A group of the freezer of version 1, where not even the killed die; it thaws with the test.
struct Ice(PathBuf);

impl Ice {
    fn around(pid: u32) -> Self {
        let group = PathBuf::from(format!("/sys/fs/cgroup/freezer/hauki-test-{}", std::process::id()));
        std::fs::create_dir(&group).expect("there is a freezer of version 1, as on the machine of CI");
        let ice = Self(group);
        ice.write("cgroup.procs", &pid.to_string());
        ice.write("freezer.state", "FROZEN");
        while std::fs::read_to_string(ice.0.join("freezer.state")).expect("reads").trim() != "FROZEN" {
            std::thread::sleep(Duration::from_millis(10));
        }
        ice
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.0.join(file), text).expect("is ours");
    }
}

impl Drop for Ice {
    fn drop(&mut self) {
        let _ = std::fs::write(self.0.join("freezer.state"), "THAWED");
        for _ in 0..500 {
            if std::fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

async fn spawned(daemon: &Daemon) -> (Spawned, u32) {
    let wishes = Wishes { claim_ms: Some(600_000), ..Wishes::default() };
    let request = spawning("function f() {}", wishes);
    let spawned = daemon.endpoint().spawn(&request).await.expect("spawns");
    let shown = daemon.endpoint().vault(&spawned.vault.id).await.expect("shows");
    (spawned, shown.vitals.expect("lives").init_pid)
}

fn owner(pid: u32) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("is there");
    status.lines().find(|line| line.starts_with("Uid:")).expect("says whose").to_owned()
}

fn doctor(daemon: &Daemon) -> String {
    let output = daemon.hauki().args(["doctor", "-o", "jsonl"]).output().expect("runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_cannot_die_is_told_of_and_holds_up_nobody() {
    let mut daemon = Daemon::start();
    let (held, pid) = spawned(&daemon).await;
    let mut all = vec![held.vault.id.clone()];
    for _ in 0..2 {
        all.push(spawned(&daemon).await.0.vault.id);
    }
    let ice = Ice::around(pid);
    let whose = owner(pid);
    let order = DestructRequest { vaults: all, grace_ms: 0, dry_run: false };
    let ended = timeout(HANG, daemon.endpoint().destruct_many(&order)).await.expect("does not hang");
    let receipts: Vec<Receipt> = ended
        .expect("ends")
        .ended
        .into_iter()
        .map(|ended| ended.receipt.unwrap_or_else(|| panic!("{:?}", ended.error)))
        .collect();
    let gone = |receipt: &Receipt, what| {
        receipt.reclaimed.iter().filter(|line| line.what == what).all(|line| line.gone)
    };
    assert!(
        !gone(&receipts[0], Resource::Process) && !gone(&receipts[0], Resource::Cgroups),
        "{receipts:#?}"
    );
    assert!(receipts[1..].iter().all(Receipt::is_clean), "{receipts:#?}");

    daemon.kill();
    daemon.restart();
    assert!(doctor(&daemon).contains("cannot be ended"), "{}", doctor(&daemon));
    let (next, other) = spawned(&daemon).await;
    assert_ne!(owner(other), whose, "its ids are nobody else's");
    daemon.endpoint().destruct(&next.vault.id, &Default::default()).await.expect("ends");

    drop(ice);
    daemon.kill();
    daemon.restart();
    assert!(!doctor(&daemon).contains("cannot be ended"), "{}", doctor(&daemon));
}
