//! Unkillable processes: what an earlier daemon has left and nobody can end, set aside.
//!
//! A process that waits in the kernel, or is held by somebody's freezer, outlives its kill. It must not keep a whole
//! node from starting: its groups stay where they are, its ids are no other vault's, and it is told. Each sweep tries
//! it again; a crash forgets it, and the next sweep finds it.

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::idrange::{IdSlot, IdSlots};
use super::prune::members;
use hauki_contract::system::procfs;

#[derive(Debug, Default)]
pub(super) struct Unkillable {
    groups: Mutex<Vec<Group>>,
}

#[derive(Debug)]
struct Group {
    path: PathBuf,
    _ids: Vec<IdSlot>,
}

impl Unkillable {
    /// Sets aside what somebody is still in; the rest could not be removed for another reason. No start may be under
    /// way.
    pub(super) fn keep(&self, slots: &IdSlots, left: Vec<(PathBuf, io::Error)>) -> Vec<(PathBuf, io::Error)> {
        let (stuck, others): (Vec<_>, Vec<_>) = left.into_iter().partition(|(path, error)| {
            error.raw_os_error() == Some(libc::EBUSY) && !members(path).is_empty()
        });
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        // First, so that the ids of those that are stuck still are free to be taken.
        groups.clear();
        for (path, _) in stuck {
            let ids = members(&path).into_iter().filter_map(|pid| owner(pid.as_u32()));
            let ids = ids.filter_map(|id| slots.take_of(id)).collect();
            tracing::error!(path = %path.display(), "what an earlier daemon has left cannot be ended");
            groups.push(Group { path, _ids: ids });
        }
        others
    }

    pub(super) fn paths(&self) -> Vec<PathBuf> {
        let groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        groups.iter().map(|group| group.path.clone()).collect()
    }
}

/// The user of a process, as the machine knows it.
fn owner(pid: u32) -> Option<u32> {
    let status = procfs::read(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_whitespace().next()?.parse().ok()
}
