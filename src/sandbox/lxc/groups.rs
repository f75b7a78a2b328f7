//! The cgroups of one vault: made, filled and removed by the node, not by liblxc.
//!
//! liblxc would make two groups in each hierarchy, hand them over to the vault's root (for which it
//! forks into the user namespace), move two processes and do it all backwards at the end: a third of
//! the processor time of a vault's life. The node makes one group for each hierarchy that limits need,
//! while liblxc starts the init, and moves the init into them when it has said its first word: until
//! then it is our own code, which has read nothing, and it is given no worker before. The files stay
//! root's. Since nobody else removes the groups, their counters can be read after the death.
//! A crash leaves groups that the spawner removes if it can, and the next sweep if not.

use std::io;
use std::path::{Path, PathBuf};

use super::cgroup::{Hierarchy, Layout, Version};
use crate::model::limits::Limits;
use crate::sandbox::pidfd::PidFd;
use crate::system::proc;

/// The period in which processor time is accounted.
const PERIOD_US: u64 = 100_000;

/// The controllers that limits need.
const NEEDED: [&str; 3] = ["memory", "pids", "cpu"];

#[derive(Debug, thiserror::Error)]
#[error("{}", path.display())]
pub struct GroupError {
    pub path: PathBuf,
    #[source]
    pub source: io::Error,
}

/// The last part of the path of each group of a vault.
#[must_use]
pub fn leaf(id: &str) -> String {
    format!("{id}.vault")
}

/// Where a daemon's vaults have their groups.
#[must_use]
pub fn parents(layout: &Layout, daemon: &str) -> Vec<PathBuf> {
    let needed = layout.hierarchies.iter().filter(|hierarchy| !controllers(hierarchy).is_empty());
    needed.map(|hierarchy| hierarchy.base.join(daemon)).collect()
}

/// The groups of one vault, whether or not they exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    /// Below the base of each hierarchy.
    pub name: String,
    /// How the group begins in which an init is born.
    hall: String,
    places: Vec<Place>,
    /// Says among other things how many processes the kernel has killed for their memory.
    memory_events: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    base: PathBuf,
    path: PathBuf,
    /// What is handed down to the group, on version 2, where that has to be said.
    delegated: Option<String>,
    limits: Vec<(&'static str, String)>,
}

impl Groups {
    #[must_use]
    pub fn new(layout: &Layout, daemon: &str, id: &str, limits: &Limits) -> Self {
        let name = format!("{daemon}/{}", leaf(id));
        let is_needed = |hierarchy: &&Hierarchy| !controllers(hierarchy).is_empty();
        let place = |hierarchy: &Hierarchy| Place {
            base: hierarchy.base.clone(),
            path: hierarchy.base.join(&name),
            delegated: (hierarchy.version == Version::V2)
                .then(|| format!("+{}", controllers(hierarchy).join(" +"))),
            limits: limits_in(layout, hierarchy, limits),
        };
        let places = layout.hierarchies.iter().filter(is_needed).map(place).collect();
        let memory_events = layout.with("memory").map(|hierarchy| {
            hierarchy.base.join(&name).join(match hierarchy.version {
                Version::V1 => "memory.oom_control",
                Version::V2 => "memory.events",
            })
        });
        Self { name, hall: format!("/{daemon}/hall."), places, memory_events }
    }

    fn paths(&self) -> impl Iterator<Item = &Path> {
        self.places.iter().map(|place| place.path.as_path())
    }

    #[must_use]
    pub fn count(&self) -> usize {
        self.places.len()
    }

    /// Makes them and sets the limits. Blocking, as all that changes groups.
    pub fn make(&self) -> Result<(), GroupError> {
        for place in &self.places {
            place.make()?;
        }
        Ok(())
    }

    /// Moves a process of a hall with all its threads. Fails if it has died.
    pub fn admit(&self, process: &PidFd) -> Result<(), GroupError> {
        let number = process.pid().as_u32().to_string();
        let gone = || {
            let path = self.places.first().map(|place| place.path.clone()).unwrap_or_default();
            GroupError { path, source: io::Error::from_raw_os_error(libc::ESRCH) }
        };
        // A group takes no pidfd, only a number, which may have become somebody else's.
        let now = proc::read(format!("/proc/{number}/cgroup")).unwrap_or_default();
        if !self.places.is_empty() && !now.contains(&self.hall) || process.is_dead() {
            return Err(gone());
        }
        let moved = self.places.iter().try_for_each(|place| write(place.path.join("cgroup.procs"), &number));
        if process.is_dead() {
            // Its number may have become somebody else's in between, and then that one was moved.
            for place in &self.places {
                let _ = write(place.base.join("cgroup.procs"), &number);
            }
            return Err(gone());
        }
        moved
    }

    /// To be asked after the init is gone and before the groups are.
    #[must_use]
    pub fn was_oom(&self) -> bool {
        let text = self.memory_events.as_ref().map(std::fs::read_to_string);
        text.and_then(Result::ok).is_some_and(|text| kills(&text).is_some_and(|count| count > 0))
    }

    /// Those that are there after all was removed that is empty.
    #[must_use]
    pub fn remove_empty(&self) -> Vec<PathBuf> {
        let stays = |path: &&Path| std::fs::remove_dir(path).is_err() && path.exists();
        self.paths().filter(stays).map(Path::to_path_buf).collect()
    }
}

impl Place {
    fn make(&self) -> Result<(), GroupError> {
        let daemon = self.path.parent().unwrap_or(&self.base);
        make_dir(daemon)?;
        if let Some(delegated) = &self.delegated {
            // Where it is refused, a limit's file is missing below, and that is what is told.
            for above in [&self.base, daemon] {
                let _ = write(above.join("cgroup.subtree_control"), delegated);
            }
        }
        make_dir(&self.path)?;
        self.limits.iter().try_for_each(|(file, value)| write(self.path.join(file), value))
    }
}

fn make_dir(path: &Path) -> Result<(), GroupError> {
    match std::fs::create_dir(path) {
        Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
            Err(GroupError { path: path.to_path_buf(), source })
        }
        _ => Ok(()),
    }
}

fn write(path: PathBuf, value: &str) -> Result<(), GroupError> {
    let written = std::fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .and_then(|mut file| io::Write::write_all(&mut file, value.as_bytes()));
    written.map_err(|source| GroupError { path, source })
}

fn controllers(hierarchy: &Hierarchy) -> Vec<&'static str> {
    NEEDED.into_iter().filter(|name| hierarchy.controllers.contains(*name)).collect()
}

/// The files of a group in this hierarchy, in the order in which they are written.
fn limits_in(layout: &Layout, hierarchy: &Hierarchy, limits: &Limits) -> Vec<(&'static str, String)> {
    let bytes = limits.cgroup_memory_bytes().to_string();
    let quota = (u64::from(limits.cpu_percent) * PERIOD_US / 100).max(1_000);
    let mut files = Vec::new();
    for controller in controllers(hierarchy) {
        match (controller, hierarchy.version) {
            ("memory", Version::V1) => {
                files.push(("memory.limit_in_bytes", bytes.clone()));
                if layout.memsw {
                    // Memory and swap together may not be more than memory: no swap.
                    files.push(("memory.memsw.limit_in_bytes", bytes.clone()));
                }
            }
            ("memory", Version::V2) => {
                files.push(("memory.max", bytes.clone()));
                // A vault that lost one process to the limit is of no use: all of it goes.
                files.push(("memory.oom.group", "1".into()));
                if layout.swap {
                    files.push(("memory.swap.max", "0".into()));
                }
            }
            ("pids", _) => files.push(("pids.max", limits.pids.to_string())),
            (_, Version::V1) if layout.quota => {
                files.push(("cpu.cfs_period_us", PERIOD_US.to_string()));
                files.push(("cpu.cfs_quota_us", quota.to_string()));
            }
            (_, Version::V1) => {}
            (_, Version::V2) => files.push(("cpu.max", format!("{quota} {PERIOD_US}"))),
        }
    }
    files
}

/// The line `oom_kill N`, which both versions have.
fn kills(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::super::cgroup::tests::{HYBRID, PURE, layout};
    use super::*;
    use crate::sandbox::pidfd::Pid;

    /// Each file below the group with what is written to it, and where.
    fn files(layout: &Layout) -> Vec<String> {
        let limits = Limits { cpu_percent: 50, ..Limits::default() };
        let groups = Groups::new(layout, "d", "i", &limits);
        let lines = |place: &Place| {
            let path = place.path.display().to_string();
            place.limits.iter().map(|(file, value)| format!("{path}/{file}={value}")).collect::<Vec<_>>()
        };
        groups.places.iter().flat_map(lines).collect()
    }

    #[test]
    fn each_layout_gets_its_own_files_and_no_group_that_limits_do_not_need() {
        let bytes = Limits::default().cgroup_memory_bytes();
        let v1 = vec![
            "/sys/fs/cgroup/cpu,cpuacct/d/i.vault/cpu.cfs_period_us=100000".into(),
            "/sys/fs/cgroup/cpu,cpuacct/d/i.vault/cpu.cfs_quota_us=50000".into(),
            format!("/sys/fs/cgroup/memory/d/i.vault/memory.limit_in_bytes={bytes}"),
            format!("/sys/fs/cgroup/memory/d/i.vault/memory.memsw.limit_in_bytes={bytes}"),
            "/sys/fs/cgroup/pids/d/i.vault/pids.max=8".into(),
        ];
        let v2 = vec![
            format!("/sys/fs/cgroup/d/i.vault/memory.max={bytes}"),
            "/sys/fs/cgroup/d/i.vault/memory.oom.group=1".into(),
            "/sys/fs/cgroup/d/i.vault/memory.swap.max=0".into(),
            "/sys/fs/cgroup/d/i.vault/pids.max=8".into(),
            "/sys/fs/cgroup/d/i.vault/cpu.max=50000 100000".into(),
        ];
        assert_eq!(files(&layout(HYBRID, "", "")), v1);
        let only_v1 = HYBRID.replace("cgroup2 cgroup2", "nothing nothing");
        assert_eq!(files(&layout(&only_v1, "", "")), v1);
        assert_eq!(files(&layout(PURE, "", "cpu memory pids")), v2);
        // Version 2 mounted, but its controllers taken by nobody we know: no file rather than a wrong one.
        assert_eq!(files(&layout(PURE, "", "")), Vec::<String>::new());
    }

    #[test]
    fn what_the_kernel_lacks_is_left_out() {
        let poor = Layout { memsw: false, swap: false, quota: false, ..layout(HYBRID, "", "") };
        assert!(!files(&poor).iter().any(|file| file.contains("memsw") || file.contains("cfs")));
        let poor = Layout { swap: false, ..layout(PURE, "", "memory") };
        assert!(!files(&poor).iter().any(|file| file.contains("swap")));
    }

    #[test]
    fn only_who_is_in_a_hall_is_moved() {
        let layout = layout(HYBRID, "", "");
        let groups = Groups::new(&layout, "d", "i", &Limits::default());
        let pid = Pid::new(std::process::id().cast_signed()).expect("runs");
        let error = groups.admit(&PidFd::open(pid).expect("lives")).expect_err("is a stranger");
        assert_eq!(error.source.raw_os_error(), Some(libc::ESRCH));
    }

    #[test]
    fn both_versions_tell_of_memory_deaths() {
        assert_eq!(kills("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"), Some(2));
        assert_eq!(kills("low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\noom_group_kill 0\n"), Some(1));
        assert_eq!(kills(""), None);
        let layout = Layout::default();
        assert!(!Groups::new(&layout, "d", "i", &Limits::default()).was_oom(), "nothing is claimed");
    }
}
