//! Did the kernel end this vault for its memory?
//!
//! The counter that says so lives in the vault's cgroup, which liblxc removes within a millisecond
//! of the death. On version 2 counters add up along the path, so a directory of ours above the
//! vault's keeps the answer. On version 1 they do not; there an eventfd is told of each such event
//! *before* the kill, and once more when the group is removed, so the count decides together with
//! the counter, if that can still be read. Both are armed after the start, before any worker runs.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use super::cgroup::{Groups, Layout, Version};

/// How long the removal of a group may take to be told, in the rare case that all hangs on it.
const REMOVAL: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

#[derive(Debug)]
pub enum OomWatch {
    V1 {
        event: OwnedFd,
        control: Mutex<File>,
    },
    V2 {
        events: PathBuf,
    },
    /// No memory controller, or it could not be asked.
    Blind,
}

impl OomWatch {
    #[must_use]
    pub fn arm(layout: &Layout, groups: &Groups) -> Self {
        let Some(memory) = layout.with("memory") else { return Self::Blind };
        match (memory.version, &groups.shell) {
            (Version::V1, _) => arm_v1(&memory.base.join(&groups.vault)).unwrap_or(Self::Blind),
            (Version::V2, Some(shell)) => Self::V2 { events: memory.base.join(shell).join("memory.events") },
            (Version::V2, None) => Self::Blind,
        }
    }

    /// To be asked once, after the init is gone; may block for [`REMOVAL`].
    #[must_use]
    pub fn was_oom(&self) -> bool {
        match self {
            Self::Blind => false,
            Self::V2 { events } => {
                std::fs::read_to_string(events).is_ok_and(|text| kills(&text).is_some_and(|count| count > 0))
            }
            Self::V1 { event, control } => {
                let mut text = String::new();
                let mut control = control.lock().unwrap_or_else(PoisonError::into_inner);
                let read = control.seek(SeekFrom::Start(0)).and_then(|_| control.read_to_string(&mut text));
                if let (Ok(_), Some(count)) = (read, kills(&text)) {
                    return count > 0;
                }
                // The group is gone, so the count may hold one for that.
                match count(event) {
                    0 => false,
                    1 => {
                        let mut fds = [PollFd::new(event, PollFlags::IN)];
                        matches!(poll(&mut fds, Some(&REMOVAL)), Ok(1..))
                    }
                    _ => true,
                }
            }
        }
    }
}

fn arm_v1(group: &Path) -> io::Result<OomWatch> {
    let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
    let control = File::open(group.join("memory.oom_control"))?;
    let registration = format!("{} {}", event.as_raw_fd(), control.as_raw_fd());
    std::fs::write(group.join("cgroup.event_control"), registration)?;
    Ok(OomWatch::V1 { event, control: Mutex::new(control) })
}

/// Reads and resets the eventfd.
fn count(event: &OwnedFd) -> u64 {
    let mut bytes = [0; 8];
    match rustix::io::read(event, &mut bytes) {
        Ok(8) => u64::from_ne_bytes(bytes),
        _ => 0,
    }
}

/// The line `oom_kill N`, which both versions have.
fn kills(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_have_the_line() {
        assert_eq!(kills("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"), Some(2));
        assert_eq!(kills("low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\noom_group_kill 0\n"), Some(1));
        assert_eq!(kills(""), None);
    }

    #[test]
    fn without_a_controller_nothing_is_claimed() {
        let layout = Layout::default();
        assert!(!OomWatch::arm(&layout, &Groups::new(&layout, "d", "i")).was_oom());
    }
}
