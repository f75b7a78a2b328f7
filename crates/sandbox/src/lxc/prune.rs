//! Cgroup removal: removes groups with whatever still lives in them.
//!
//! Needed when a start failed half-way, when a spawner was lost, and after a crash of the daemon.
//! Blocking, for it waits for processes to end; the callers put it on a thread of its own.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::pidfd::{Pid, PidFd};
use crate::stopwatch::Moment;

/// How long killed processes may take to leave their groups.
const PATIENCE_US: u64 = 3_000_000;

#[derive(Debug, Default)]
pub(super) struct Pruned {
    pub processes: usize,
    pub cgroups: usize,
    /// What could not be removed, and why.
    pub left: Vec<(PathBuf, io::Error)>,
}

/// Kills everything in `groups` and removes them with all that is below them.
pub(super) fn prune(groups: &[PathBuf]) -> Pruned {
    let mut pruned = Pruned::default();
    let all: Vec<PathBuf> = groups.iter().flat_map(|group| bottom_up(group)).collect();
    let began = Moment::now();
    let mut killed = HashMap::new();
    loop {
        for group in &all {
            kill_members(group, &mut killed);
        }
        wait_for(&killed);
        let mut busy = false;
        for group in &all {
            match std::fs::remove_dir(group) {
                Ok(()) => pruned.cgroups += 1,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                // Somebody forked between our look and our kill.
                Err(error) if error.raw_os_error() == Some(libc::EBUSY) => busy = true,
                Err(error) => pruned.left.push((group.clone(), error)),
            }
        }
        if !busy || !pruned.left.is_empty() {
            break;
        }
        if began.elapsed_us() > PATIENCE_US {
            let still = all.iter().filter(|group| group.exists());
            pruned.left.extend(still.map(|group| (group.clone(), io::Error::from_raw_os_error(libc::EBUSY))));
            break;
        }
    }
    pruned.processes = killed.len();
    pruned
}

/// A group and all below it, children before parents.
fn bottom_up(group: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    if let Ok(entries) = std::fs::read_dir(group) {
        for entry in entries.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                all.extend(bottom_up(&entry.path()));
            }
        }
    }
    all.push(group.to_path_buf());
    all
}

fn kill_members(group: &Path, killed: &mut HashMap<u32, PidFd>) {
    // A frozen process of version 1 does not even die.
    let state = group.join("freezer.state");
    if state.exists() {
        let _ = std::fs::write(state, "THAWED");
    }
    for pid in members(group) {
        if killed.contains_key(&pid.as_u32()) {
            continue;
        }
        let Ok(process) = PidFd::open(pid) else { continue };
        // The number may have been reused since it was read; the group is what names the target.
        if members(group).contains(&pid) && process.kill().is_ok() {
            killed.insert(pid.as_u32(), process);
        }
    }
    let kill = group.join("cgroup.kill");
    if kill.exists() {
        let _ = std::fs::write(kill, "1");
    }
}

pub(super) fn members(group: &Path) -> Vec<Pid> {
    let text = std::fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).filter_map(Pid::new).collect()
}

fn wait_for(killed: &HashMap<u32, PidFd>) {
    let began = Moment::now();
    for process in killed.values() {
        let left = PATIENCE_US.saturating_sub(began.elapsed_us());
        let timeout = Timespec {
            tv_sec: (left / 1_000_000).cast_signed(),
            tv_nsec: (left % 1_000_000 * 1_000).cast_signed(),
        };
        let mut fds = [PollFd::new(process, PollFlags::IN)];
        // Its result does not matter: whether the groups are empty is seen when they are removed.
        let _ = poll(&mut fds, Some(&timeout));
    }
}
