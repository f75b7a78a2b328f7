//! Cgroup detection: which cgroup hierarchies this machine has, and the vaults' groups in them.
//!
//! A machine has version 1 hierarchies, the version 2 one, or both (hybrid: version 2 without the
//! controllers that version 1 took). All vaults of one daemon live below one group of its own,
//! named after its state directory; so a later daemon finds what an earlier one left, and never touches
//! another's. This file only looks; [`super::vault_cgroups`] makes, and [`super::prune`] mends.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use hauki_contract::model::limits::Controller;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CgroupVersion {
    V1,
    V2,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hierarchy {
    pub version: CgroupVersion,
    pub controllers: BTreeSet<String>,
    /// Where it is mounted.
    pub point: PathBuf,
    /// Where groups are made: the mount point and the group of process 1.
    pub base: PathBuf,
}

/// The hierarchies, and which limits may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Layout {
    pub hierarchies: Vec<Hierarchy>,
    /// By the configuration, vaults may be without these.
    pub dispensable: Vec<Controller>,
}

impl Layout {
    pub(super) fn detect(dispensable: Vec<Controller>) -> io::Result<Self> {
        let mounts = std::fs::read_to_string("/proc/thread-self/mountinfo")?;
        let first = std::fs::read_to_string("/proc/1/cgroup")?;
        let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
        Ok(Self { hierarchies: parse(&mounts, &first, read), dispensable })
    }

    /// The hierarchy that has this controller.
    #[must_use]
    pub(super) fn with(&self, controller: Controller) -> Option<&Hierarchy> {
        self.hierarchies.iter().find(|hierarchy| hierarchy.has(controller))
    }

    /// Limits that nothing here keeps, and that vaults may be without.
    #[must_use]
    pub(super) fn unlimited(&self) -> Vec<Controller> {
        self.missing().filter(|controller| self.dispensable.contains(controller)).collect()
    }

    /// A limit that nothing here keeps, though every vault must have it.
    #[must_use]
    pub(super) fn lack(&self) -> Option<Controller> {
        self.missing().find(|controller| !self.dispensable.contains(controller))
    }

    fn missing(&self) -> impl Iterator<Item = Controller> {
        Controller::ALL.into_iter().filter(|controller| self.with(*controller).is_none())
    }

    /// Does as if this machine did not have the controller.
    pub(super) fn give_up(&mut self, controller: Controller) {
        for hierarchy in &mut self.hierarchies {
            hierarchy.controllers.remove(controller.name());
        }
    }

    /// For people: `v1`, `v2` or `hybrid`.
    #[must_use]
    pub(super) fn name(&self) -> &'static str {
        let has = |version| self.hierarchies.iter().any(|hierarchy| hierarchy.version == version);
        match (has(CgroupVersion::V1), has(CgroupVersion::V2)) {
            (true, true) => "hybrid",
            (true, false) => "v1",
            (false, true) => "v2",
            (false, false) => "none",
        }
    }
}

impl Hierarchy {
    #[must_use]
    pub(super) fn has(&self, controller: Controller) -> bool {
        self.controllers.contains(controller.name())
    }
}

/// Mount options of version 1 that are no controllers.
const SETTINGS: [&str; 7] =
    ["rw", "ro", "xattr", "clone_children", "noprefix", "cpuset_v2_mode", "favordynmods"];

/// Reads `/proc/self/mountinfo` and `/proc/1/cgroup`; `read` gives the text of a file of version 2.
fn parse(mounts: &str, first: &str, read: impl Fn(&Path) -> String) -> Vec<Hierarchy> {
    let mut found: Vec<Hierarchy> = Vec::new();
    for line in mounts.lines() {
        let Some((left, right)) = line.split_once(" - ") else { continue };
        let left: Vec<&str> = left.split(' ').collect();
        let right: Vec<&str> = right.split(' ').collect();
        let (Some(root), Some(point), Some(kind)) = (left.get(3), left.get(4), right.first()) else {
            continue;
        };
        let options = right.get(2).copied().unwrap_or_default();
        let (version, mut controllers) = match *kind {
            "cgroup" => (
                CgroupVersion::V1,
                options
                    .split(',')
                    .filter(|option| !SETTINGS.contains(option))
                    .map(str::to_owned)
                    .collect::<BTreeSet<_>>(),
            ),
            "cgroup2" => (CgroupVersion::V2, BTreeSet::new()),
            _ => continue,
        };
        let group = group_of_first(first, version, &controllers);
        // Where a part of a hierarchy is mounted, groups are named from its root all the same.
        let root = root.trim_matches('/');
        let below = group
            .strip_prefix(root)
            .filter(|rest| rest.is_empty() || rest.starts_with('/') || root.is_empty());
        let base = Path::new(point).join(below.unwrap_or(&group).trim_matches('/'));
        if version == CgroupVersion::V2 {
            controllers =
                read(&base.join("cgroup.controllers")).split_whitespace().map(str::to_owned).collect();
        }
        if found.iter().any(|other| other.version == version && other.controllers == controllers) {
            // The same hierarchy, mounted twice.
            continue;
        }
        found.push(Hierarchy { version, controllers, point: point.into(), base });
    }
    found
}

/// The group of process 1 in a hierarchy, relative, as liblxc would take it as its base.
fn group_of_first(first: &str, version: CgroupVersion, controllers: &BTreeSet<String>) -> String {
    let group = first.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (names, group) = (parts.next()?, parts.next()?);
        let same = match version {
            CgroupVersion::V2 => names.is_empty(),
            CgroupVersion::V1 => names.split(',').any(|name| controllers.contains(name)),
        };
        same.then_some(group)
    });
    let group = group.unwrap_or_default().trim_matches('/');
    group.strip_suffix("init.scope").unwrap_or(group).trim_end_matches('/').to_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::lxc) fn layout(mounts: &str, first: &str, v2: &'static str) -> Layout {
        Layout { hierarchies: parse(mounts, first, |_| v2.to_owned()), dispensable: Vec::new() }
    }

    pub(in crate::lxc) const HYBRID: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";
    pub(in crate::lxc) const PURE: &str =
        "31 23 0:28 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n";

    #[test]
    fn layouts_are_told_apart() {
        let v1: String =
            HYBRID.lines().filter(|line| !line.contains("cgroup2")).map(|l| format!("{l}\n")).collect();
        for (mounts, v2, name, memory, count) in [
            (HYBRID, "", "hybrid", CgroupVersion::V1, 5),
            (v1.as_str(), "", "v1", CgroupVersion::V1, 4),
            (PURE, "cpuset cpu io memory pids", "v2", CgroupVersion::V2, 1),
        ] {
            let layout = layout(mounts, "", v2);
            assert_eq!(layout.name(), name);
            assert_eq!(layout.with(Controller::Memory).expect("is there").version, memory, "{name}");
            assert_eq!(layout.hierarchies.len(), count, "{name}");
        }
        assert_eq!(Layout::default().name(), "none");
    }

    #[test]
    fn groups_are_made_beside_process_one_as_liblxc_makes_them() {
        for (first, base) in [
            ("0::/init.scope\n", "/sys/fs/cgroup"),
            ("0::/\n", "/sys/fs/cgroup"),
            ("0::/docker/abc\n", "/sys/fs/cgroup/docker/abc"),
        ] {
            let layout = layout(PURE, first, "memory");
            assert_eq!(layout.hierarchies[0].base, Path::new(base), "{first}");
        }
        let layout = layout(HYBRID, "4:memory:/a/b\n1:name=systemd:/init.scope\n0::/c\n", "");
        assert_eq!(
            layout.with(Controller::Memory).expect("is there").base,
            Path::new("/sys/fs/cgroup/memory/a/b")
        );
        assert_eq!(layout.hierarchies[4].base, Path::new("/sys/fs/cgroup/unified/c"));
        // As in a container of version 1, which is shown its own group only.
        let part = "35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
        for (first, base) in [
            ("4:memory:/docker/abc\n", "/sys/fs/cgroup/memory"),
            ("4:memory:/docker/abc/d\n", "/sys/fs/cgroup/memory/d"),
            ("4:memory:/docker/abcd\n", "/sys/fs/cgroup/memory/docker/abcd"),
        ] {
            assert_eq!(super::tests::layout(part, first, "").hierarchies[0].base, Path::new(base), "{first}");
        }
    }

    #[test]
    fn what_nothing_keeps_is_lacking_unless_it_may_be() {
        let mut layout = layout(HYBRID, "", "");
        assert_eq!((layout.lack(), layout.unlimited()), (None, vec![]));
        layout.give_up(Controller::Pids);
        assert_eq!((layout.lack(), layout.unlimited()), (Some(Controller::Pids), vec![]));
        layout.dispensable = vec![Controller::Pids, Controller::Cpu];
        assert_eq!((layout.lack(), layout.unlimited()), (None, vec![Controller::Pids]));
        assert_eq!(Layout::default().lack(), Some(Controller::Memory));
    }
}
