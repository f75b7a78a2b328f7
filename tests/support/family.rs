//! The processes of a daemon under test, found by parentage and held by pidfd: a number alone is
//! never signalled, and every link of the chain is looked at again after its pidfd was opened.

#![allow(dead_code, reason = "not every test target uses all of it")]

use std::time::Duration;

use hauki_sandbox::pidfd::{Pid, PidFd, Watched, parent_of};

/// Longer than anything here may take; only a hang takes this long.
pub(crate) const HANG: Duration = Duration::from_secs(20);

/// A process of ours whose parent is `parent`.
fn hold(pid: u32, parent: u32) -> Option<Watched> {
    let process = PidFd::open(Pid::new(pid.cast_signed())?).ok()?;
    let seen = parent_of(process.pid()).ok()??;
    if seen.as_u32() != parent || process.is_dead() {
        return None;
    }
    Watched::new(process).ok()
}

/// The living children of a process.
pub(crate) fn children(parent: u32) -> Vec<Watched> {
    let entries = std::fs::read_dir("/proc").expect("proc is mounted").flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            let parent_is = |seen: Pid| seen.as_u32() == parent;
            Pid::new(pid.cast_signed()).and_then(|pid| parent_of(pid).ok()?).is_some_and(parent_is)
        })
        .filter_map(|pid| hold(pid, parent))
        .collect()
}

pub(crate) fn number(process: &Watched) -> u32 {
    process.process().pid().as_u32()
}

/// The spawner, its monitors and their inits.
pub(crate) struct Family {
    pub spawner: Watched,
    pub monitors: Vec<Watched>,
    pub inits: Vec<Watched>,
}

impl Family {
    /// `None` while the daemon has no spawner.
    pub(crate) fn find(daemon: u32) -> Option<Self> {
        let spawner = children(daemon).into_iter().next()?;
        let monitors = children(number(&spawner));
        let inits = monitors.iter().flat_map(|monitor| children(number(monitor))).collect();
        Some(Self { spawner, monitors, inits })
    }

    /// The monitor whose child that init is.
    pub(crate) fn monitor_of(&self, init: u32) -> &Watched {
        self.monitors
            .iter()
            .find(|monitor| children(number(monitor)).iter().any(|child| number(child) == init))
            .expect("the init has a monitor")
    }

    pub(crate) fn init(&self, init: u32) -> &Watched {
        self.inits.iter().find(|process| number(process) == init).expect("the init runs")
    }

    /// Waits until every one of them is gone.
    pub(crate) async fn gone(&self) {
        for process in self.inits.iter().chain(&self.monitors).chain([&self.spawner]) {
            gone(process).await;
        }
    }
}

pub(crate) async fn gone(process: &Watched) {
    let waited = tokio::time::timeout(HANG, process.gone()).await;
    assert!(waited.is_ok(), "process {} does not go", number(process));
}

pub(crate) async fn kill(process: &Watched) {
    process.process().kill().expect("is ours");
    gone(process).await;
}
