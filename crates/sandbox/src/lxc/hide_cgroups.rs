//! Hidden cgroups: liblxc sees no cgroups: the vaults' groups are the node's, see [`super::vault_cgroups`].
//!
//! It makes groups in every hierarchy that it finds, and only a configuration file for the whole
//! machine could tell it otherwise. So the spawner, whose mounts are its own, covers the place where
//! liblxc looks for them.

use std::io;

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

/// Where liblxc looks for them.
const PLACE: &str = "/sys/fs/cgroup";

/// For a process with mounts of its own only.
pub(super) fn cover() -> io::Result<()> {
    Ok(mount("none", PLACE, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC, None)?)
}

/// When liblxc is not called any more.
pub(super) fn uncover() -> io::Result<()> {
    Ok(unmount(PLACE, UnmountFlags::DETACH)?)
}
