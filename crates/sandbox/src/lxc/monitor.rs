//! The monitor: one forked process per vault, blocked in liblxc until its vault has ended.
//!
//! It is forked before there is a vault for it, and starts it at once: liblxc configures itself, and
//! reads the seccomp profile from a pipe, whose end it waits for until a vault is wanted. So a fork with its
//! page faults and a fifth of liblxc's work are no part of a start. What is still to come is the profile's
//! last word, without which it is refused: a monitor whose spawner is lost starts nothing.
//!
//! Of what the spawner made it holds the pipe, the log, and the channel end that the init inherits. That copy must stay
//! open while liblxc blocks, so the node learns of the init's death by pidfd, not by end of file;
//! the *init* does learn by end of file that the node is gone, since only the node holds the other
//! end. When the spawner dies the kernel kills the monitor, and liblxc has arranged that the kernel
//! then kills the init: no vault outlives its spawner.

use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::process::{Signal, getppid, set_parent_process_death_signal};

use super::ffi::{self, Container, ContainerError};
use super::protocol::{ExitRecord, Recipe};
use crate::pidfd::Pid;

const REPORT: i32 = 4;
const LOG: i32 = 5;
/// Where liblxc finds its log: a memory file, reached through its number so that it has no name
/// and nobody has to remove it.
pub(super) const LOG_PATH: &str = "/proc/self/fd/5";
/// And its seccomp profile: a pipe.
pub(super) const PROFILE_PATH: &str = "/proc/self/fd/6";

/// What a monitor is born with.
pub(super) struct Birth<'a> {
    pub recipe: &'a Recipe,
    /// liblxc configuration of its vault alone.
    pub items: &'a [(String, String)],
    pub null: BorrowedFd<'a>,
    pub report: BorrowedFd<'a>,
    /// The vault's end.
    pub channel: OwnedFd,
    pub log: OwnedFd,
    pub profile: OwnedFd,
    pub spawner: Pid,
}

/// The life of a forked monitor.
pub(super) fn live(birth: Birth<'_>) -> ! {
    // A panic must not unwind into the spawner's loop, which this process has a copy of.
    let code = catch_unwind(AssertUnwindSafe(|| work(birth))).unwrap_or(70);
    ffi::exit_now(code)
}

fn work(birth: Birth<'_>) -> i32 {
    if set_parent_process_death_signal(Some(Signal::KILL)).is_err() || ffi::unmask_children().is_err() {
        return 71;
    }
    // The spawner may have died before the line above.
    if getppid().and_then(|pid| Pid::new(pid.as_raw_nonzero().get())) != Some(birth.spawner) {
        return 72;
    }
    let Birth { recipe, items, null, report, channel, log, profile, .. } = birth;
    let plan = [
        (null, true),
        (null, true),
        (null, true),
        (channel.as_fd(), true),
        (report, false),
        (log.as_fd(), false),
        (profile.as_fd(), false),
    ];
    // SAFETY: this process is a fresh fork that goes on only here; of the descriptors it was born
    // with, the owned ones are forgotten next and the borrowed ones are not touched again.
    let laid_out = unsafe { ffi::lay_out(&plan) };
    std::mem::forget((channel, log, profile));
    if laid_out.is_err() {
        return 73;
    }
    // Only what `ps` shows.
    let _ = rustix::thread::set_name(c"hauki-monitor");
    // SAFETY: a fork of a process with one thread has one, and goes on where that one was.
    if unsafe { ffi::give_back_when_told() }.is_err() {
        return 74;
    }
    // SAFETY: `lay_out` has put the pipe and the log at these numbers for this process, and nothing
    // else here owns them.
    let (mut report, mut log) =
        unsafe { (std::fs::File::from_raw_fd(REPORT), std::fs::File::from_raw_fd(LOG)) };
    let number = rustix::process::getpid().as_raw_nonzero().get();
    let word = match run(recipe, items, number) {
        Ok(outcome) => ExitRecord { monitor: number, init: outcome.init, started: outcome.started },
        Err(error) => {
            // The driver reads the log for the reason; without it the message is only shorter.
            let _ = writeln!(log, "{error}");
            ExitRecord { monitor: number, init: 0, started: false }
        }
    };
    // If the spawner is gone there is nobody to tell.
    let _ = report.write_all(&word.encode());
    0
}

fn run(
    recipe: &Recipe,
    items: &[(String, String)],
    number: i32,
) -> Result<ffi::StartOutcome, ContainerError> {
    let number = Pid::new(number).ok_or(ContainerError::New)?;
    let mut container = Container::new(&recipe.name(number), &recipe.lxc_path)?;
    for (key, value) in recipe.items.iter().chain(items) {
        container.set(key, value)?;
    }
    let outcome = container.run()?;
    // Not dropped: the process ends now, and liblxc's own clean-up is done.
    std::mem::forget(container);
    Ok(outcome)
}
