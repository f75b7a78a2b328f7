//! Fewer cgroup hierarchies for liblxc to work in.
//!
//! In every hierarchy that it finds, liblxc makes two groups for each vault, hands them over, moves two
//! processes, and removes them at the end; only a configuration file for the whole machine could tell
//! it otherwise. On a machine with version 1 there are ten, of which a vault's limits need three, and
//! the others are half of the work of a vault's life. So the spawner, whose mounts are its own, covers
//! the place where they are mounted and puts only the needed ones back. The daemon goes on looking into
//! all of them: nothing depends on this but time.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::CWD;
use rustix::mount::{
    MountFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags, mount, move_mount, open_tree, unmount,
};

use super::cgroup::{Hierarchy, Layout, Version};

/// Where liblxc looks for them.
const PLACE: &str = "/sys/fs/cgroup";

const NEEDED: [&str; 3] = ["memory", "pids", "cpu"];

/// For the spawner only, after it got mounts of its own.
pub fn hide_unused() -> io::Result<()> {
    let Some(needed) = needed(&Layout::detect()?.hierarchies) else { return Ok(()) };
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let mut trees: Vec<(PathBuf, OwnedFd)> = Vec::new();
    for point in needed {
        let tree = open_tree(CWD, &point, flags)?;
        trees.push((point, tree));
    }
    mount("none", PLACE, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC, None)?;
    put_back(&trees).or_else(|_| Ok(unmount(PLACE, UnmountFlags::DETACH)?))
}

fn put_back(trees: &[(PathBuf, OwnedFd)]) -> io::Result<()> {
    for (point, tree) in trees {
        std::fs::create_dir(point)?;
        move_mount(tree, "", CWD, point, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
    }
    Ok(())
}

/// The mount points of the hierarchies that limits need; `None` where there is nothing to win, or
/// where something is not as expected.
fn needed(all: &[Hierarchy]) -> Option<Vec<PathBuf>> {
    let limits = |hierarchy: &&Hierarchy| NEEDED.iter().any(|name| hierarchy.controllers.contains(*name));
    let needed: Vec<_> = all.iter().filter(limits).collect();
    if needed.len() == all.len() || needed.iter().all(|hierarchy| hierarchy.version == Version::V2) {
        return None;
    }
    let points: Vec<_> = needed.iter().map(|hierarchy| hierarchy.point.clone()).collect();
    points.iter().all(|point| point.parent() == Some(Path::new(PLACE))).then_some(points)
}

#[cfg(test)]
mod tests {
    use super::super::cgroup::tests::{HYBRID, PURE, layout};
    use super::*;

    #[test]
    fn only_what_limits_need_is_kept_and_only_where_that_is_less() {
        let points = |layout: &Layout| {
            needed(&layout.hierarchies)
                .map(|points| points.iter().map(|path| path.display().to_string()).collect::<Vec<_>>())
        };
        let kept = ["cpu,cpuacct", "memory", "pids"].map(|name| format!("{PLACE}/{name}"));
        assert_eq!(points(&layout(HYBRID, "", "")), Some(kept.to_vec()));
        assert_eq!(points(&layout(PURE, "", "memory pids cpu")), None, "one hierarchy is all there is");
        let elsewhere = HYBRID.replace("/sys/fs/cgroup/memory", "/mnt/memory");
        assert_eq!(points(&layout(&elsewhere, "", "")), None, "liblxc would not find it");
    }
}
