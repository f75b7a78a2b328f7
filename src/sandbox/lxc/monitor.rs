//! The monitor: one forked process per vault, blocked in liblxc until its vault has ended.
//!
//! It is forked before there is a vault for it, prepares what all vaults have in common, and waits for
//! its task: a fork and its page faults, and half of liblxc's configuration, are then no part of a start.
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
use super::wire::{self, LastWord, Recipe, Task};
use crate::sandbox::pidfd::Pid;

/// Where liblxc finds its log: a memory file, reached through its number so that it has no name
/// and nobody has to remove it.
const LOG_PATH: &str = "/proc/self/fd/5";
const REPORT: i32 = 4;
const LOG: i32 = 5;
/// Before there is a log.
const DESK: i32 = 5;

/// What a monitor is born with.
pub struct Birth<'a> {
    pub recipe: &'a Recipe,
    pub null: BorrowedFd<'a>,
    /// Where its task will come from.
    pub desk: OwnedFd,
    pub report: BorrowedFd<'a>,
    pub spawner: Pid,
}

/// The life of a forked monitor.
pub fn live(birth: Birth<'_>) -> ! {
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
    let null = birth.null;
    let plan = [
        (null, true),
        (null, true),
        (null, true),
        // Until there is a channel.
        (null, true),
        (birth.report, false),
        (birth.desk.as_fd(), false),
    ];
    // SAFETY: this process is a fresh fork that goes on only here; of the descriptors it was born
    // with, the owned one is forgotten next and the borrowed ones are not touched again.
    let laid_out = unsafe { ffi::lay_out(&plan) };
    std::mem::forget(birth.desk);
    if laid_out.is_err() {
        return 73;
    }
    // Only what `ps` shows.
    let _ = rustix::thread::set_name(c"hauki-spare");
    let container = prepared(birth.recipe);
    // SAFETY: `lay_out` has put the desk at this number, and nothing else here owns it.
    let desk = unsafe { OwnedFd::from_raw_fd(DESK) };
    match wire::receive::<Task>(&desk) {
        Ok(Some((task, fds))) => watch_over(container, &task, fds, desk),
        // Not needed, or the spawner is gone.
        Ok(None) | Err(_) => 0,
    }
}

fn watch_over(
    container: Result<Container, ContainerError>,
    task: &Task,
    fds: Vec<OwnedFd>,
    desk: OwnedFd,
) -> i32 {
    let [channel, log] = &fds[..] else { return 74 };
    let _ = rustix::thread::set_name(c"hauki-monitor");
    // SAFETY: these were laid out when this process began, and are open until the next layout.
    let [zero, one, two, report] = [0, 1, 2, REPORT].map(|number| unsafe { BorrowedFd::borrow_raw(number) });
    let plan = [
        (zero, true),
        (one, true),
        (two, true),
        (channel.as_fd(), true),
        (report, false),
        (log.as_fd(), false),
    ];
    // SAFETY: the owned descriptors are forgotten next, the borrowed ones are not touched again, and
    // liblxc has opened none that it keeps before it runs.
    let laid_out = unsafe { ffi::lay_out(&plan) };
    std::mem::forget((fds, desk));
    if laid_out.is_err() {
        return 75;
    }
    // SAFETY: `lay_out` has put the pipe and the log at these numbers for this process, and nothing
    // else here owns them.
    let (mut report, mut log) =
        unsafe { (std::fs::File::from_raw_fd(REPORT), std::fs::File::from_raw_fd(LOG)) };
    let word = match container.and_then(|container| run(container, task)) {
        Ok(outcome) => LastWord { key: task.key, init: outcome.init, started: outcome.started },
        Err(error) => {
            // The driver reads the log for the reason; without it the message is only shorter.
            let _ = writeln!(log, "{error}");
            LastWord { key: task.key, init: 0, started: false }
        }
    };
    // If the spawner is gone there is nobody to tell.
    let _ = report.write_all(&word.encode());
    0
}

/// Everything that needs no vault.
fn prepared(recipe: &Recipe) -> Result<Container, ContainerError> {
    let number = rustix::process::getpid().as_raw_nonzero().get();
    let number = Pid::new(number).ok_or(ContainerError::New)?;
    let mut container = Container::new(&recipe.name(number), &recipe.lxc_path)?;
    for (key, value) in &recipe.items {
        container.set(key, value)?;
    }
    touch_stack();
    touch_heap();
    Ok(container)
}

/// How much of its stack and of its heap liblxc uses before it forks.
const STACK: usize = 104 * 1024;
const HEAP: usize = 104 * 1024;

/// Every start would meet these pages for the first time.
#[inline(never)]
fn touch_stack() {
    std::hint::black_box(&mut [0_u8; STACK]);
}

fn touch_heap() {
    drop(std::hint::black_box(vec![1_u8; HEAP]));
}

fn run(mut container: Container, task: &Task) -> Result<ffi::Outcome, ContainerError> {
    container.set("lxc.log.level", "WARN")?;
    container.set("lxc.log.file", LOG_PATH)?;
    for (key, value) in &task.items {
        container.set(key, value)?;
    }
    let outcome = container.run()?;
    // Not dropped: the process ends now, and liblxc's own clean-up is done.
    std::mem::forget(container);
    Ok(outcome)
}
