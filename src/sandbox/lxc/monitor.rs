//! The monitor: one forked process per vault, blocked in liblxc until its vault has ended.
//!
//! It holds nothing of the spawner but the channel end that the init inherits. That copy must stay
//! open while liblxc blocks, so the node learns of the init's death by pidfd, not by end of file;
//! the *init* does learn by end of file that the node is gone, since only the node holds the other
//! end. When the spawner dies the kernel kills the monitor, and liblxc has arranged that the kernel
//! then kills the init: no vault outlives its spawner.

use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::process::{Signal, getppid, set_parent_process_death_signal};

use super::ffi::{self, Container, ContainerError};
use super::wire::{LastWord, Order};
use crate::sandbox::pidfd::Pid;

/// Where liblxc finds its log: a memory file, reached through its number so that it has no name
/// and nobody has to remove it.
const LOG_PATH: &str = "/proc/self/fd/5";
const REPORT: i32 = 4;
const LOG: i32 = 5;

/// What a monitor is born with.
pub struct Birth<'a> {
    pub order: &'a Order,
    pub null: BorrowedFd<'a>,
    pub channel: OwnedFd,
    pub log: OwnedFd,
    pub report: BorrowedFd<'a>,
    pub spawner: Pid,
}

/// The life of a forked monitor.
pub fn live(birth: Birth<'_>) -> ! {
    // A panic must not unwind into the spawner's loop, which this process has a copy of.
    let code = catch_unwind(AssertUnwindSafe(|| watch_over(birth))).unwrap_or(70);
    ffi::exit_now(code)
}

fn watch_over(birth: Birth<'_>) -> i32 {
    let order = birth.order;
    if set_parent_process_death_signal(Some(Signal::KILL)).is_err() || ffi::unmask_children().is_err() {
        return 71;
    }
    // The spawner may have died before the line above.
    if getppid().and_then(|pid| Pid::new(pid.as_raw_nonzero().get())) != Some(birth.spawner) {
        return 72;
    }
    let null = birth.null;
    let plan = [
        (null, true),
        (null, true),
        (null, true),
        (birth.channel.as_fd(), true),
        (birth.report, false),
        (birth.log.as_fd(), false),
    ];
    // SAFETY: this process is a fresh fork that goes on only here; of the descriptors it was born
    // with, the owned ones are forgotten next and the borrowed ones are not touched again.
    let laid_out = unsafe { ffi::lay_out(&plan) };
    std::mem::forget((birth.channel, birth.log));
    if laid_out.is_err() {
        return 73;
    }
    // SAFETY: `lay_out` has put the pipe and the log at these numbers for this process, and nothing
    // else here owns them.
    let (mut report, mut log) =
        unsafe { (std::fs::File::from_raw_fd(REPORT), std::fs::File::from_raw_fd(LOG)) };
    if let Some(name) = ffi::c_string("hauki-monitor") {
        // Only what `ps` shows.
        let _ = rustix::thread::set_name(&name);
    }
    let word = match start(order) {
        Ok(outcome) => LastWord { key: order.key, init: outcome.init, started: outcome.started },
        Err(error) => {
            // The driver reads the log for the reason; without it the message is only shorter.
            let _ = writeln!(log, "{error}");
            LastWord { key: order.key, init: 0, started: false }
        }
    };
    // If the spawner is gone there is nobody to tell.
    let _ = report.write_all(&word.encode());
    0
}

fn start(order: &Order) -> Result<ffi::Outcome, ContainerError> {
    let mut container = Container::new(&order.name, &order.lxc_path)?;
    container.set("lxc.log.level", "WARN")?;
    container.set("lxc.log.file", LOG_PATH)?;
    for (key, value) in &order.items {
        container.set(key, value)?;
    }
    let outcome = container.run()?;
    // Not dropped: the process ends now, and liblxc's own clean-up is done.
    std::mem::forget(container);
    Ok(outcome)
}
