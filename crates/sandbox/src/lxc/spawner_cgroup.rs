//! Cgroup of the spawner: it lives there, and everything that it forks is born there.
//!
//! A monitor stays in it; an init leaves it for the groups of its vault when it has said its first word.
//! One that lost its monitor before that may never get so far, and is in no vault's group: it is found
//! here when the spawner is lost, by whoever is left, and by the spawner itself among its children.

use std::io;
use std::path::{Path, PathBuf};

use super::cgroup::Layout;
use super::isolation_error::IsolationError;
use hauki_contract::model::limits::Controller;

/// How a spawner is told where its cgroup is.
pub(super) const VARIABLE: &str = "HAUKI_HALL";

/// The cgroup of the spawner with this number, in one hierarchy that vaults have groups in: in that of
/// `pids` on version 1, where it changes nothing for who is in it.
#[must_use]
pub(super) fn path(layout: &Layout, daemon: &str, number: u64) -> Option<PathBuf> {
    let hierarchy = [Controller::Pids, Controller::Memory, Controller::Cpu]
        .into_iter()
        .find_map(|name| layout.with(name))?;
    Some(hierarchy.base.join(daemon).join(name(number)))
}

/// Two lives of a daemon have different ones, as the one's spawner may still be leaving.
#[must_use]
pub(super) fn name(number: u64) -> String {
    format!("hall.{}.{number}", std::process::id())
}

/// Makes it, for a spawner to come.
pub(super) fn make(hall: &Path) -> Result<(), IsolationError> {
    for dir in hall.parent().into_iter().chain([hall]) {
        match std::fs::create_dir(dir) {
            Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
                return Err(IsolationError::NoSpawnerCgroup { path: dir.to_owned(), source });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Moves the calling process in.
pub(super) fn enter(hall: &Path) -> io::Result<()> {
    move_to(hall)
}

/// Moves the calling process out, and removes the cgroup if nobody else is in it. Below a group of version
/// 2 that is not the machine's root no process may be, and the cgroup is left for the next sweep.
pub(super) fn leave(hall: &Path) -> io::Result<()> {
    if let Some(base) = hall.parent().and_then(Path::parent) {
        move_to(base)?;
    }
    std::fs::remove_dir(hall)
}

pub(super) fn move_to(group: &Path) -> io::Result<()> {
    std::fs::write(group.join("cgroup.procs"), "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hall_that_cannot_be_made_is_named() {
        let base = tempfile::tempdir().expect("a directory");
        let daemon = base.path().join("daemon");
        make(&daemon.join("hall.1")).expect("is made");
        make(&daemon.join("hall.1")).expect("is there");
        let file = base.path().join("file");
        std::fs::write(&file, "").expect("is ours");
        let error = make(&file.join("hall.1")).expect_err("has no place").to_string();
        assert!(error.contains(&*file.join("hall.1").to_string_lossy()), "{error}");
    }
}
