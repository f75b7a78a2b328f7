//! Prefork: a monitor ahead, forked, configured, and waiting for the last word of its seccomp profile.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::net::sockopt::set_socket_passcred;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{WaitId, WaitIdOptions, waitid};

use super::config::{LAST_WORD, seccomp_profile};
use super::ffi::{self, ForkSide};
use super::monitor::{self, Birth};
use super::protocol::{ConfigItems, Recipe};
use crate::pidfd::{Pid, PidFd};

pub(super) struct PreforkedMonitor {
    items: ConfigItems,
    pub process: PidFd,
    channel: OwnedFd,
    log: OwnedFd,
    profile: File,
    idle: bool,
}

/// A monitor that has begun.
pub(super) struct Begun {
    pub process: PidFd,
    /// The node's end.
    pub channel: OwnedFd,
    pub log: OwnedFd,
}

impl PreforkedMonitor {
    /// Must be called by a process with one thread that has no business with liblxc.
    pub(super) fn breed(
        recipe: &Recipe,
        items: ConfigItems,
        null: BorrowedFd<'_>,
        report: BorrowedFd<'_>,
        spawner: Pid,
    ) -> io::Result<Self> {
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        // Before anything can be sent, or it would come without its sender's number.
        rustix::io::ioctl_fionbio(&ours, true).and_then(|()| set_socket_passcred(&ours, true))?;
        let log = memfd_create("hauki-lxc-log", MemfdFlags::CLOEXEC)?;
        let (profile, told) = pipe_with(PipeFlags::CLOEXEC)?;
        let mut told = File::from(told);
        let whole = seccomp_profile();
        let begun = whole.strip_suffix(LAST_WORD).ok_or(io::ErrorKind::InvalidInput)?;
        told.write_all(begun.as_bytes())?;
        let its_log = log.try_clone()?;
        // Held free for the pidfd: a monitor without one could neither be watched nor ended.
        let room = null.try_clone_to_owned()?;
        // SAFETY: this process has one thread: it has started none, and liblxc is never called here
        // but only in the children.
        match unsafe { ffi::fork() }? {
            ForkSide::Parent(monitor) => {
                drop(room);
                // Not reaped before `reap`, so the number is still its own.
                Ok(Self {
                    process: PidFd::open(monitor)?,
                    items,
                    channel: ours,
                    log,
                    profile: told,
                    idle: false,
                })
            }
            ForkSide::Child => {
                std::mem::forget((room, ours, log, told));
                monitor::live(Birth {
                    recipe,
                    items: &items,
                    null,
                    report,
                    channel: theirs,
                    log: its_log,
                    profile,
                    spawner,
                })
            }
        }
    }

    /// Lets it go before nobody until it begins. For a spawner that can take that back.
    pub(super) fn stand_back(mut self) -> Self {
        self.idle = ffi::set_idle(self.process.pid(), true).is_ok();
        self
    }

    pub(super) fn fits(&self, items: &ConfigItems) -> bool {
        self.items == *items && !self.process.is_dead()
    }

    /// Lets it begin, which it does when the pipe has ended. One that cannot is dead soon.
    pub(super) fn begin(self) -> io::Result<Begun> {
        let ready = self.come_forward();
        let Self { process, channel, log, mut profile, .. } = self;
        match ready.and_then(|()| profile.write_all(LAST_WORD.as_bytes())) {
            Ok(()) => Ok(Begun { process, channel, log }),
            Err(error) => process.kill().and(Err(error)),
        }
    }

    /// Ends it, before its pipe ends. It is reaped like any other.
    pub(super) fn dismiss(self) -> io::Result<()> {
        let _ = self.come_forward();
        self.process.kill()
    }

    /// Dying takes a core too. It is not reaped yet, so the number is still its own.
    fn come_forward(&self) -> io::Result<()> {
        if self.idle { ffi::set_idle(self.process.pid(), false) } else { Ok(()) }
    }

    /// The same, and does not leave it to be ended by this process's own end.
    pub(super) fn see_off(self) -> io::Result<()> {
        let _ = self.come_forward();
        self.process.kill()?;
        waitid(WaitId::PidFd(self.process.as_fd()), WaitIdOptions::EXITED)?;
        Ok(())
    }
}
