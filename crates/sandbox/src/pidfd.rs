//! pidfd: processes by file descriptor, never by bare number.
//!
//! `kill(-1)` ends every process on the machine, and liblxc answers -1 for a container that is gone.
//! So this is the only place in the node that signals, it does so through a pidfd, which names one
//! process for good, and [`Pid`] cannot hold a number of 1 or less.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::stable_fd::{StableFd, register};
use hauki_contract::system::procfs;

/// A process number that may be looked up: greater than 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pid(rustix::process::Pid);

impl Pid {
    #[must_use]
    pub fn new(raw: i32) -> Option<Self> {
        if raw <= 1 {
            return None;
        }
        rustix::process::Pid::from_raw(raw).map(Self)
    }

    #[must_use]
    pub fn as_u32(self) -> u32 {
        self.0.as_raw_nonzero().get().unsigned_abs()
    }
}

/// One process, for as long as this lives: its number cannot come to mean another one here.
#[derive(Debug)]
pub struct PidFd {
    fd: OwnedFd,
    pid: Pid,
}

impl PidFd {
    /// Between learning a number and this call the number may have been reused: whoever calls must
    /// check afterwards that the process is the one that was meant.
    pub fn open(pid: Pid) -> io::Result<Self> {
        Ok(Self { fd: pidfd_open(pid.0, PidfdFlags::empty())?, pid })
    }

    /// A pidfd that another process has opened and passed on.
    #[must_use]
    pub fn passed(fd: OwnedFd, pid: Pid) -> Self {
        Self { fd, pid }
    }

    #[must_use]
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// SIGKILL. A process that is gone already is no error.
    pub fn kill(&self) -> io::Result<()> {
        self.send(Signal::KILL)
    }

    /// SIGSTOP, likewise.
    pub fn stop(&self) -> io::Result<()> {
        self.send(Signal::STOP)
    }

    /// SIGWINCH, which is ignored by whoever has not asked for it.
    pub fn hint(&self) -> io::Result<()> {
        self.send(Signal::WINCH)
    }

    fn send(&self, signal: Signal) -> io::Result<()> {
        match pidfd_send_signal(&self.fd, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Lets the process's first thread run on one core only, or on all that the calling thread may use.
    ///
    /// The kernel takes no pidfd for this. Its number is used right after the process was seen alive;
    /// should it mean another by then, that one runs where it need not, and nothing else comes of it.
    pub fn settle(&self, core: Option<usize>) -> io::Result<()> {
        let cores = match core {
            Some(core) if core < CpuSet::MAX_CPU => {
                let mut cores = CpuSet::new();
                cores.set(core);
                cores
            }
            _ => sched_getaffinity(None)?,
        };
        if self.is_dead() {
            return Ok(());
        }
        Ok(sched_setaffinity(Some(self.pid.0), &cores)?)
    }

    #[must_use]
    pub fn is_dead(&self) -> bool {
        let mut fds = [PollFd::new(&self.fd, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        matches!(poll(&mut fds, Some(&now)), Ok(1..))
    }
}

impl AsRawFd for PidFd {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

// SAFETY: the descriptor is owned, open until the drop, and never exchanged.
unsafe impl StableFd for PidFd {}

/// A process whose end can be awaited.
#[derive(Debug)]
pub struct Watched(AsyncFd<PidFd>);

impl Watched {
    /// Must be called within a tokio runtime.
    pub fn new(process: PidFd) -> io::Result<Self> {
        Ok(Self(register(process, Interest::READABLE)?))
    }

    #[must_use]
    pub fn process(&self) -> &PidFd {
        self.0.get_ref()
    }

    /// Resolves when the process is gone: for the first one of a pid namespace that means that the
    /// kernel has ended everything else in it before.
    pub async fn gone(&self) {
        while !self.process().is_dead() {
            match self.0.readable().await {
                Ok(mut ready) if !self.process().is_dead() => ready.clear_ready(),
                Ok(_) => return,
                // The runtime is shutting down; nobody is left to be told.
                Err(_) => std::future::pending().await,
            }
        }
    }
}

/// The parent of a process, from `/proc/<pid>/stat`. Only true while the process is not reaped.
pub fn parent_of(pid: Pid) -> io::Result<Option<Pid>> {
    let stat = procfs::read(format!("/proc/{}/stat", pid.as_u32()))?;
    // The name, in brackets, may hold anything; what follows its last bracket does not.
    let after = stat.rsplit_once(") ").map_or("", |(_, after)| after);
    Ok(after.split(' ').nth(1).and_then(|text| text.parse().ok()).and_then(Pid::new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_would_name_groups_or_everything_are_refused() {
        for raw in [i32::MIN, -4711, -1, 0, 1] {
            assert_eq!(Pid::new(raw), None, "{raw}");
        }
        assert_eq!(Pid::new(2).map(Pid::as_u32), Some(2));
    }

    #[tokio::test]
    async fn the_end_of_a_process_can_be_awaited_and_killing_twice_is_no_error() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().expect("sleep runs");
        let pid = Pid::new(child.id().cast_signed()).expect("is a child");
        let watched = Watched::new(PidFd::open(pid).expect("opens")).expect("registers");
        assert_eq!(parent_of(pid).expect("is alive").map(Pid::as_u32), Some(std::process::id()));
        assert!(!watched.process().is_dead());
        watched.process().kill().expect("is ours");
        watched.gone().await;
        child.wait().expect("is reaped");
        watched.process().kill().expect("gone is no error");
        watched.gone().await;
    }
}
