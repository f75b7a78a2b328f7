//! Which cgroup hierarchies this machine has, and the vaults' groups in them.
//!
//! A machine has version 1 hierarchies, the version 2 one, or both (hybrid: version 2 without the
//! controllers that version 1 took). All vaults of one daemon live below one group of its own,
//! named after its state directory; so a later daemon finds what an earlier one left, and never touches
//! another's. This file only looks; [`super::groups`] makes, and [`super::prune`] mends.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    V1,
    V2,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    pub version: Version,
    pub controllers: BTreeSet<String>,
    /// Where it is mounted.
    pub point: PathBuf,
    /// Where groups are made: the mount point and the group of process 1.
    pub base: PathBuf,
}

/// The hierarchies, and what some kernels lack.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    pub hierarchies: Vec<Hierarchy>,
    /// Version 1 can limit memory and swap together.
    pub memsw: bool,
    /// Version 2 can limit swap.
    pub swap: bool,
    /// Version 1 can limit processor time.
    pub quota: bool,
}

impl Layout {
    pub fn detect() -> io::Result<Self> {
        let mounts = std::fs::read_to_string("/proc/self/mountinfo")?;
        let first = std::fs::read_to_string("/proc/1/cgroup")?;
        let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
        let mut layout = Self { hierarchies: parse(&mounts, &first, read), ..Self::default() };
        let has = |controller: &str, version, file: &str| {
            layout
                .with(controller)
                .filter(|hierarchy| hierarchy.version == version)
                .is_some_and(|hierarchy| any_group_has(&hierarchy.base, file))
        };
        let (memsw, swap, quota) = (
            has("memory", Version::V1, "memory.memsw.limit_in_bytes"),
            has("memory", Version::V2, "memory.swap.max"),
            has("cpu", Version::V1, "cpu.cfs_quota_us"),
        );
        (layout.memsw, layout.swap, layout.quota) = (memsw, swap, quota);
        Ok(layout)
    }

    /// The hierarchy that has this controller.
    #[must_use]
    pub fn with(&self, controller: &str) -> Option<&Hierarchy> {
        self.hierarchies.iter().find(|hierarchy| hierarchy.controllers.contains(controller))
    }

    /// For people: `v1`, `v2` or `hybrid`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        let has = |version| self.hierarchies.iter().any(|hierarchy| hierarchy.version == version);
        match (has(Version::V1), has(Version::V2)) {
            (true, true) => "hybrid",
            (true, false) => "v1",
            (false, true) => "v2",
            (false, false) => "none",
        }
    }
}

/// The root group of version 2 lacks some files that every other group has.
fn any_group_has(base: &Path, file: &str) -> bool {
    if base.join(file).exists() {
        return true;
    }
    let Ok(entries) = std::fs::read_dir(base) else { return false };
    entries.flatten().any(|entry| entry.path().join(file).exists())
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
        let (Some(point), Some(kind)) = (left.get(4), right.first()) else { continue };
        let options = right.get(2).copied().unwrap_or_default();
        let (version, mut controllers) = match *kind {
            "cgroup" => (
                Version::V1,
                options
                    .split(',')
                    .filter(|option| !SETTINGS.contains(option))
                    .map(str::to_owned)
                    .collect::<BTreeSet<_>>(),
            ),
            "cgroup2" => (Version::V2, BTreeSet::new()),
            _ => continue,
        };
        let base = Path::new(point).join(group_of_first(first, version, &controllers));
        if version == Version::V2 {
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
fn group_of_first(first: &str, version: Version, controllers: &BTreeSet<String>) -> String {
    let group = first.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (names, group) = (parts.next()?, parts.next()?);
        let same = match version {
            Version::V2 => names.is_empty(),
            Version::V1 => names.split(',').any(|name| controllers.contains(name)),
        };
        same.then_some(group)
    });
    let group = group.unwrap_or_default().trim_matches('/');
    group.strip_suffix("init.scope").unwrap_or(group).trim_end_matches('/').to_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::sandbox::lxc) fn layout(mounts: &str, first: &str, v2: &'static str) -> Layout {
        Layout { hierarchies: parse(mounts, first, |_| v2.to_owned()), memsw: true, swap: true, quota: true }
    }

    pub(in crate::sandbox::lxc) const HYBRID: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";
    pub(in crate::sandbox::lxc) const PURE: &str =
        "31 23 0:28 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n";

    #[test]
    fn layouts_are_told_apart() {
        let v1: String =
            HYBRID.lines().filter(|line| !line.contains("cgroup2")).map(|l| format!("{l}\n")).collect();
        for (mounts, v2, name, memory, count) in [
            (HYBRID, "", "hybrid", Version::V1, 5),
            (v1.as_str(), "", "v1", Version::V1, 4),
            (PURE, "cpuset cpu io memory pids", "v2", Version::V2, 1),
        ] {
            let layout = layout(mounts, "", v2);
            assert_eq!(layout.name(), name);
            assert_eq!(layout.with("memory").expect("is there").version, memory, "{name}");
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
        assert_eq!(layout.with("memory").expect("is there").base, Path::new("/sys/fs/cgroup/memory/a/b"));
        assert_eq!(layout.hierarchies[4].base, Path::new("/sys/fs/cgroup/unified/c"));
    }
}
