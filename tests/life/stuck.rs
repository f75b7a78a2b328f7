//! A vault whose process cannot be ended, because the kernel or somebody's freezer holds it: its receipt says so, and
//! it holds up nobody else, neither by its death nor at the next start. And one that is held for a while: what its
//! callers see is the gate's word, and its lease goes on.

use std::path::PathBuf;
use std::time::Duration;

use crate::support::daemon::{self, Daemon, spawning};
use crate::support::until;
use hauki::api::summons::Spawned;
use hauki::api::teardown::DestructRequest;
use hauki::client::ghost::{Ghost, GhostError, GhostOptions};
use hauki::model::death::Cause;
use hauki::model::gem::Wishes;
use hauki::model::receipt::{Receipt, Resource};
use hauki::rpc::message::code;
use tokio::time::timeout;

/// Far beyond what it takes.
const HANG: Duration = Duration::from_secs(60);

/// A group of the freezer of version 1, where not even the killed die; it thaws with the test.
struct Ice(PathBuf);

impl Ice {
    fn around(pid: u32) -> Self {
        Self::of("cgroup.procs", pid)
    }

    /// Around one thread, while the others go on.
    fn around_thread(tid: u32) -> Self {
        Self::of("tasks", tid)
    }

    fn of(file: &str, id: u32) -> Self {
        let group = PathBuf::from(format!("/sys/fs/cgroup/freezer/hauki-test-{}-{id}", std::process::id()));
        std::fs::create_dir(&group).expect("there is a freezer of version 1, as on the machine of CI");
        let ice = Self(group);
        ice.write(file, &id.to_string());
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
        // Whoever died in there is in it until somebody has asked for his status, on a busy machine late.
        for _ in 0..6000 {
            // Who lives on goes back to where all are.
            let tasks = std::fs::read_to_string(self.0.join("tasks")).unwrap_or_default();
            for task in tasks.lines() {
                let _ = std::fs::write("/sys/fs/cgroup/freezer/tasks", task);
            }
            if std::fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

async fn spawned(daemon: &Daemon) -> (Spawned, u32) {
    spawned_with(daemon, Wishes { claim_ms: Some(600_000), ..Wishes::default() }).await
}

async fn spawned_with(daemon: &Daemon, wishes: Wishes) -> (Spawned, u32) {
    let request = spawning("function f(x) { return x; }", wishes);
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

fn patient(call_deadline_ms: u32) -> Wishes {
    Wishes { lease_ms: Some(600_000), call_deadline_ms: Some(call_deadline_ms), ..Wishes::default() }
}

async fn enter(spawned: &Spawned) -> Ghost {
    timeout(HANG, Ghost::connect(&spawned.ticket, GhostOptions::default()))
        .await
        .expect("connects")
        .expect("enters")
}

fn code_of<T>(outcome: Result<T, GhostError>) -> i32 {
    match outcome {
        Err(GhostError::Rpc { error, .. }) => error.code,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("was answered"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vault_that_is_held_for_a_while_answers_late_and_its_lease_goes_on() {
    let daemon = Daemon::start();
    let (held, pid) = spawned_with(&daemon, patient(120_000)).await;
    let ghost = enter(&held).await;
    assert_eq!(ghost.call("f", Some("[1]")).await.expect("answers").get(), "1");
    let ice = Ice::around(pid);
    let caller = ghost.clone();
    let call = tokio::spawn(async move { caller.call("f", Some("[2]")).await });
    // What the vault is not asked is answered, and its lease is renewed by that.
    for _ in 0..3 {
        let lease = timeout(HANG, ghost.heartbeat()).await.expect("is answered").expect("beats");
        assert!((1..=600_000).contains(&lease.lease_left_ms), "{lease:?}");
    }
    timeout(HANG, enter(&held)).await.expect("others get in");
    assert!(!call.is_finished());
    drop(ice);
    let answer = timeout(HANG, call).await.expect("thaws").expect("no panic");
    assert_eq!(answer.expect("is answered").get(), "2");
    let shown = daemon.endpoint().vault(&held.vault.id).await.expect("shows");
    assert!(shown.receipt.is_none(), "{:?}", shown.receipt);
}

/// By the freezer, which keeps it from dying too, and by a signal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vault_that_is_held_beyond_a_deadline_is_ended_and_its_callers_hear_of_it() {
    let mut daemon = Daemon::start();
    for freezes in [true, false] {
        let (held, pid) = spawned_with(&daemon, patient(1_000)).await;
        let ghost = enter(&held).await;
        let ice = if freezes {
            Some(Ice::around(pid))
        } else {
            daemon::signal(pid, rustix::process::Signal::STOP);
            None
        };
        let late = timeout(HANG, ghost.call("f", Some("[1]"))).await.expect("is answered");
        assert_eq!(code_of(late), code::DEADLINE);
        let ended = async {
            loop {
                let shown = daemon.endpoint().vault(&held.vault.id).await.expect("shows");
                if let Some(receipt) = shown.receipt {
                    break receipt;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let receipt = timeout(HANG, ended).await.expect("is ended");
        assert_eq!(receipt.death.cause, Cause::CallOverran, "{receipt:?}");
        assert_eq!(receipt.is_clean(), !freezes, "{receipt:#?}");
        drop(ice);
    }
    // What was left of the first is the next daemon's to remove.
    daemon.kill();
    daemon.restart();
}

/// All that waits there waits, and nobody else does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_lane_that_is_held_holds_up_no_vault_of_another() {
    let daemon = Daemon::start();
    let tasks = std::fs::read_dir(format!("/proc/{}/task", daemon.pid())).expect("lives").flatten();
    let lanes: Vec<u32> = tasks
        .filter(|task| {
            std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.starts_with("lane-"))
        })
        .filter_map(|task| task.file_name().to_str()?.parse().ok())
        .collect();
    if lanes.len() < 2 {
        return until::not_run("there is one lane only");
    }
    let mut ghosts = Vec::new();
    for _ in 0..2 * lanes.len() {
        ghosts.push(enter(&spawned_with(&daemon, patient(120_000)).await.0).await);
    }
    let ice = Ice::around_thread(lanes[0]);
    let mut calls = tokio::task::JoinSet::new();
    for ghost in ghosts {
        calls.spawn(async move {
            for number in 0..50 {
                let answer = ghost.call("f", Some(&format!("[{number}]"))).await.expect("is answered");
                assert_eq!(answer.get(), number.to_string());
            }
        });
    }
    // Some of them at least are on another lane; those of this one wait, and notice nothing else.
    timeout(HANG, calls.join_next()).await.expect("goes on").expect("is there").expect("no panic");
    drop(ice);
    while let Some(rest) = timeout(HANG, calls.join_next()).await.expect("goes on") {
        rest.expect("no panic");
    }
}
