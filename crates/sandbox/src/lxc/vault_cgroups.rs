//! Cgroups of one vault: made, filled and removed by the node, not by liblxc.
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

use super::cgroup::{CgroupVersion, Hierarchy, Layout};
use super::cgroup_limits::{CgroupFile, settings};
use super::isolation_error::IsolationError;
use crate::pidfd::PidFd;
use hauki_contract::model::limits::{Controller, Limits};
use hauki_contract::system::procfs;

/// The last part of the path of each group of a vault.
#[must_use]
pub(super) fn leaf(id: &str) -> String {
    format!("{id}.vault")
}

/// Where a daemon's vaults have their groups.
#[must_use]
pub(super) fn parents(layout: &Layout, daemon: &str) -> Vec<PathBuf> {
    let needed = layout.hierarchies.iter().filter(|hierarchy| !controllers(hierarchy).is_empty());
    needed.map(|hierarchy| hierarchy.base.join(daemon)).collect()
}

/// Does with one controller what a start would do, and undoes it. The group of the daemon stays: a start beside
/// this one may be about to use it.
pub(super) fn trial(layout: &Layout, daemon: &str, controller: Controller) -> Result<(), IsolationError> {
    if layout.with(controller).is_none() {
        return Err(IsolationError::NoController { controller });
    }
    let mut alone = layout.clone();
    let others = Controller::ALL.into_iter().filter(|other| *other != controller);
    others.for_each(|other| alone.give_up(other));
    let id = format!("trial-{}-{controller}", std::process::id());
    let groups = VaultCgroups::new(&alone, daemon, &id, &Limits::default());
    let made = groups.make();
    let left = groups.remove_empty();
    made?;
    match left.into_iter().next() {
        None => Ok(()),
        Some(path) => Err(unwritable(controller, path, io::ErrorKind::ResourceBusy.into())),
    }
}

/// The groups of one vault, whether or not they exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VaultCgroups {
    /// Below the base of each hierarchy.
    pub name: String,
    /// How the group begins in which an init is born.
    hall: String,
    places: Vec<ControllerGroup>,
    /// Says among other things how many processes the kernel has killed for their memory.
    memory_events: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ControllerGroup {
    base: PathBuf,
    path: PathBuf,
    /// What is handed down to the group, on version 2, where that has to be said.
    delegated: Option<String>,
    /// The first that has its limit here, for what is said of the place as a whole.
    controller: Controller,
    settings: Vec<CgroupFile>,
}

impl VaultCgroups {
    #[must_use]
    pub(super) fn new(layout: &Layout, daemon: &str, id: &str, limits: &Limits) -> Self {
        let name = format!("{daemon}/{}", leaf(id));
        let place = |hierarchy: &Hierarchy| {
            let controllers = controllers(hierarchy);
            let names: Vec<_> = controllers.iter().map(|controller| format!("+{controller}")).collect();
            Some(ControllerGroup {
                base: hierarchy.base.clone(),
                path: hierarchy.base.join(&name),
                delegated: (hierarchy.version == CgroupVersion::V2).then(|| names.join(" ")),
                controller: *controllers.first()?,
                settings: settings(&controllers, hierarchy.version, limits),
            })
        };
        let places = layout.hierarchies.iter().filter_map(place).collect();
        let memory_events = layout.with(Controller::Memory).map(|hierarchy| {
            hierarchy.base.join(&name).join(match hierarchy.version {
                CgroupVersion::V1 => "memory.oom_control",
                CgroupVersion::V2 => "memory.events",
            })
        });
        Self { name, hall: format!("/{daemon}/hall."), places, memory_events }
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.places.iter().map(|place| place.path.as_path())
    }

    #[must_use]
    pub(super) fn count(&self) -> usize {
        self.places.len()
    }

    /// Makes them and sets the limits. Blocking, as all that changes groups.
    pub(super) fn make(&self) -> Result<(), IsolationError> {
        self.places.iter().try_for_each(ControllerGroup::make)
    }

    /// Moves a process of a spawner's cgroup with all its threads, and asks the kernel whether it is there. Fails if it
    /// has died.
    pub(super) fn admit(&self, process: &PidFd) -> Result<(), IsolationError> {
        let Some(first) = self.places.first() else { return Ok(()) };
        let number = process.pid().as_u32().to_string();
        let outside = |path: &Path| IsolationError::Outside { path: path.to_owned() };
        // A group takes no pidfd, only a number, which may have become somebody else's.
        let now = || procfs::read(format!("/proc/{number}/cgroup")).unwrap_or_default();
        if !now().contains(&self.hall) || process.is_dead() {
            return Err(outside(&first.path));
        }
        let enter = |place: &ControllerGroup| {
            let path = place.path.join("cgroup.procs");
            write(&path, &number).map_err(|source| unwritable(place.controller, path, source))
        };
        let moved = self.places.iter().try_for_each(enter);
        if process.is_dead() {
            // Its number may have become somebody else's in between, and then that one was moved.
            for place in &self.places {
                let _ = write(&place.base.join("cgroup.procs"), &number);
            }
            return Err(outside(&first.path));
        }
        moved?;
        let there = now();
        let end = format!("/{}", self.name);
        let count = there.lines().filter(|line| line.ends_with(&end)).count();
        if count < self.places.len() { Err(outside(&first.path)) } else { Ok(()) }
    }

    /// To be asked after the init is gone and before the groups are.
    #[must_use]
    pub(super) fn was_oom(&self) -> bool {
        let text = self.memory_events.as_ref().map(std::fs::read_to_string);
        text.and_then(Result::ok).is_some_and(|text| kills(&text).is_some_and(|count| count > 0))
    }

    /// Those that are there after all was removed that is empty.
    #[must_use]
    pub(super) fn remove_empty(&self) -> Vec<PathBuf> {
        let stays = |path: &&Path| std::fs::remove_dir(path).is_err() && path.exists();
        self.paths().filter(stays).map(Path::to_path_buf).collect()
    }
}

impl ControllerGroup {
    fn make(&self) -> Result<(), IsolationError> {
        let daemon = self.path.parent().unwrap_or(&self.base);
        self.make_dir(daemon)?;
        if let Some(delegated) = &self.delegated {
            // Where it is refused, a limit's file is missing below, and that is what is told.
            for above in [&self.base, daemon] {
                let _ = write(&above.join("cgroup.subtree_control"), delegated);
            }
        }
        self.make_dir(&self.path)?;
        self.settings.iter().try_for_each(|setting| setting.set_in(&self.path))
    }

    fn make_dir(&self, path: &Path) -> Result<(), IsolationError> {
        match std::fs::create_dir(path) {
            Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
                Err(unwritable(self.controller, path.to_owned(), source))
            }
            _ => Ok(()),
        }
    }
}

fn unwritable(controller: Controller, path: PathBuf, source: io::Error) -> IsolationError {
    IsolationError::Unwritable { controller, path, source }
}

fn write(path: &Path, value: &str) -> io::Result<()> {
    std::fs::OpenOptions::new()
        .write(true)
        .open(path)
        .and_then(|mut file| io::Write::write_all(&mut file, value.as_bytes()))
}

/// The controllers of this hierarchy that limits need.
fn controllers(hierarchy: &Hierarchy) -> Vec<Controller> {
    Controller::ALL.into_iter().filter(|controller| hierarchy.has(*controller)).collect()
}

/// The line `oom_kill N`, which both versions have.
fn kills(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::super::cgroup::tests::{HYBRID, PURE, layout};
    use super::*;
    use crate::pidfd::Pid;

    /// Each file below the group with what is written to it, and where.
    fn files(layout: &Layout) -> Vec<String> {
        let limits = Limits { cpu_percent: 50, ..Limits::default() };
        let groups = VaultCgroups::new(layout, "d", "i", &limits);
        let lines = |place: &ControllerGroup| {
            let path = place.path.display().to_string();
            place.settings.iter().map(|set| format!("{path}/{}={}", set.file, set.value)).collect::<Vec<_>>()
        };
        groups.places.iter().flat_map(lines).collect()
    }

    #[test]
    fn each_layout_gets_its_own_files_and_no_group_that_limits_do_not_need() {
        let bytes = Limits::default().footprint_bytes();
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
    fn only_who_is_in_a_hall_is_moved() {
        let layout = layout(HYBRID, "", "");
        let groups = VaultCgroups::new(&layout, "d", "i", &Limits::default());
        let pid = Pid::new(std::process::id().cast_signed()).expect("runs");
        let error = groups.admit(&PidFd::open(pid).expect("lives")).expect_err("is a stranger");
        assert!(matches!(error, IsolationError::Outside { .. }), "{error}");
    }

    #[test]
    fn both_versions_tell_of_memory_deaths() {
        assert_eq!(kills("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"), Some(2));
        assert_eq!(kills("low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\noom_group_kill 0\n"), Some(1));
        assert_eq!(kills(""), None);
        let layout = Layout::default();
        assert!(!VaultCgroups::new(&layout, "d", "i", &Limits::default()).was_oom(), "nothing is claimed");
    }
}
