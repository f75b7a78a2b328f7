//! FFI: everything `unsafe` about liblxc and about forking.
//!
//! The `lxc` crate 0.8 is used where it is sound: `new(name, None)`, `set_config_path` and
//! `set_config_item` keep their C strings alive for the call and hand back owned text. Its
//! `new(_, Some(path))` frees the path before C reads it, `start` with no arguments executes the
//! program "(null)", and `get_config_item` writes one byte too far, so the start goes through
//! `lxc-sys`, and nothing is ever asked back. Only the spawner and the monitors, which have one
//! thread, call into this file; `haukid` itself never does.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};

use crate::pidfd::Pid;
use hauki_contract::system::signals;

#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    #[error("{what} holds a zero byte")]
    Zero { what: &'static str },
    #[error("liblxc does not start in the foreground")]
    Foreground,
    #[error("liblxc made no container")]
    New,
    #[error("liblxc does not take {path} as its directory")]
    Path { path: String },
    #[error("liblxc does not take {key} = {value}")]
    Item { key: String, value: String },
}

/// A container of liblxc, not yet started.
pub struct Container(lxc::Container);

/// How the start of a container went, known when the container has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartOutcome {
    pub started: bool,
    /// The wait status of the init.
    pub init: i32,
}

impl Container {
    pub fn new(name: &str, lxc_path: &str) -> Result<Self, ContainerError> {
        // The crate panics on zero bytes.
        if name.contains('\0') || lxc_path.contains('\0') {
            return Err(ContainerError::Zero { what: "a name" });
        }
        let container = lxc::Container::new(name, None).map_err(|_| ContainerError::New)?;
        container
            .set_config_path(lxc_path)
            .map_err(|_| ContainerError::Path { path: lxc_path.to_owned() })?;
        Ok(Self(container))
    }

    pub fn set(&mut self, key: &str, value: &str) -> Result<(), ContainerError> {
        if key.contains('\0') || value.contains('\0') {
            return Err(ContainerError::Zero { what: "a configuration item" });
        }
        self.0
            .set_config_item(key, value)
            .map_err(|_| ContainerError::Item { key: key.to_owned(), value: value.to_owned() })
    }

    /// Runs the container in the foreground, `lxc.init.cmd` as its init, until it ends.
    pub fn run(&mut self) -> Result<StartOutcome, ContainerError> {
        // In the background, which is what liblxc does unless told, it would fork once more, close
        // the channel, and move this process into the vault's cgroup. It can be told only after the
        // first item was set.
        self.0.want_daemonize(false).map_err(|_| ContainerError::Foreground)?;
        let inner = self.0.as_mut_ptr();
        // SAFETY: `inner` is the live container that `self` owns, and no other thread exists that
        // could use it. liblxc fills in `start` for each container it makes; it takes a null `argv`
        // to mean that the configured init is run, and does not keep the pointer.
        unsafe {
            let started = (*inner).start.is_some_and(|start| start(inner, 0, std::ptr::null_mut()));
            Ok(StartOutcome { started, init: (*inner).error_num })
        }
    }
}

pub enum ForkSide {
    Child,
    Parent(Pid),
}

/// # Safety
/// The process must have one thread: the child may do anything that a program may do.
pub unsafe fn fork() -> io::Result<ForkSide> {
    // SAFETY: fork has no memory preconditions; that the child may go on in Rust and in liblxc, with
    // all locks free, is what the caller promises.
    match unsafe { libc::fork() } {
        0 => Ok(ForkSide::Child),
        raw => Pid::new(raw).map(ForkSide::Parent).ok_or_else(io::Error::last_os_error),
    }
}

/// What strays here ends neither this process nor what it forks. What is ignored stays ignored in an init.
pub fn ignore_strays() {
    for number in signals::numbers().filter(|number| signals::is_stray(*number)) {
        // SAFETY: to ignore a signal needs no code of ours.
        unsafe { libc::signal(number, libc::SIG_IGN) };
    }
}

/// The ends of children as something to wait for: the signal is blocked and read from a descriptor. That a
/// child stands still is no such end: of a crowd each would be looked for among all of them.
pub fn children() -> io::Result<OwnedFd> {
    use std::os::fd::FromRawFd;
    // SAFETY: all zeros is a valid action, the default one, and the kernel copies it.
    let told = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = libc::SIG_DFL;
        action.sa_flags = libc::SA_NOCLDSTOP;
        libc::sigaction(libc::SIGCHLD, &raw const action, std::ptr::null_mut())
    };
    if told < 0 {
        return Err(io::Error::last_os_error());
    }
    let set = mask_children(libc::SIG_BLOCK)?;
    // SAFETY: `set` is initialised and only read; the answer is checked and is nobody else's.
    unsafe {
        let fd = libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(OwnedFd::from_raw_fd(fd)) }
    }
}

/// Takes back in a forked child what [`children`] did to its parent: masks are inherited, and the
/// init of a vault would have it too.
pub fn unmask_children() -> io::Result<()> {
    mask_children(libc::SIG_UNBLOCK).map(drop)
}

fn mask_children(how: libc::c_int) -> io::Result<libc::sigset_t> {
    let mut set = std::mem::MaybeUninit::uninit();
    // SAFETY: sigemptyset initialises the whole set before it is used, and a null pointer says that
    // the mask of before is not wanted.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGCHLD);
        if libc::sigprocmask(how, set.as_ptr(), std::ptr::null_mut()) < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(set.assume_init())
    }
}

/// Gives this process mounts of its own: what it mounts from now on nobody else sees.
///
/// # Safety
/// The process must have one thread, or the others would keep the old ones.
pub unsafe fn own_mounts() -> io::Result<()> {
    // SAFETY: mounts are not memory, and that there is one thread is the caller's promise.
    unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::NEWNS) }?;
    use rustix::mount::{MountPropagationFlags as Flags, mount_change};
    // Before anything else, or the machine would see every mount of ours. What the machine mounts
    // still comes in.
    Ok(mount_change("/", Flags::DOWNSTREAM | Flags::REC)?)
}

/// The deepest that [`give_back`] looks below itself. The kernel keeps twice as much free below a stack.
const DEPTH: usize = 512 * 1024;
/// Below its own frame, for what it calls itself.
const OWN: usize = 8 * 1024;

/// From now on SIGWINCH, which nothing else here means anything to, gives back what this process has touched
/// of its stack and does not use: starting a container takes eight times what waiting for its end does.
///
/// # Safety
/// The process must have one thread, which stays on the stack that the kernel gave it.
pub unsafe fn give_back_when_told() -> io::Result<()> {
    // Asked for the first time here and not in the handler.
    rustix::param::page_size();
    let handler: extern "C" fn(libc::c_int) = give_back;
    // SAFETY: all of the structure is defined when it is zero; the handler does what one may do.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as libc::sighandler_t;
        action.sa_flags = libc::SA_RESTART;
        match libc::sigaction(libc::SIGWINCH, &raw const action, std::ptr::null_mut()) {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// Makes one system call, and leaves errno alone.
extern "C" fn give_back(_: libc::c_int) {
    let here = 0u8;
    let here = (&raw const here).cast_mut();
    let end = here.wrapping_sub(here.addr() % rustix::param::page_size()).wrapping_sub(OWN);
    // SAFETY: below the frame of the only thread nothing is in use, and `OWN` is left for what runs now. What
    // is not mapped there is passed over.
    let _ = unsafe {
        rustix::mm::madvise(end.wrapping_sub(DEPTH).cast(), DEPTH, rustix::mm::Advice::LinuxDontNeed)
    };
}

/// Gives a process what nobody else wants of the cores, or its share again.
pub fn set_idle(process: Pid, idle: bool) -> io::Result<()> {
    let policy = if idle { libc::SCHED_IDLE } else { libc::SCHED_OTHER };
    let none = libc::sched_param { sched_priority: 0 };
    // SAFETY: the kernel reads the one structure and nothing else.
    match unsafe { libc::sched_setscheduler(process.as_u32().cast_signed(), policy, &raw const none) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Ends a forked child without running what its parent registered for its own exit.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit takes any value and does not return.
    unsafe { libc::_exit(code) }
}

/// Puts descriptors at the numbers 0, 1, 2 … in the order given and closes all others. `keep`
/// says which of them survive an exec.
///
/// # Safety
/// The caller's descriptors below and above all change their meaning: nothing that owns one may be
/// used or dropped afterwards, except through the numbers that this function laid out.
pub unsafe fn lay_out(plan: &[(BorrowedFd<'_>, bool)]) -> io::Result<()> {
    let count = RawFd::try_from(plan.len()).unwrap_or(RawFd::MAX);
    let mut high = Vec::with_capacity(plan.len());
    for (fd, _) in plan {
        // First out of the way, or one could overwrite another that is still needed.
        high.push(rustix::io::fcntl_dupfd_cloexec(fd, count)?);
    }
    for ((number, (_, keep)), fd) in (0..).zip(plan).zip(&high) {
        let flags = if *keep { 0 } else { libc::O_CLOEXEC };
        // SAFETY: dup3 works on numbers; `fd` is open, and what `number` was before is given up by
        // the contract of this function.
        if unsafe { libc::dup3(fd.as_raw_fd(), number, flags) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    // The copies are above `count` and go with the rest.
    high.into_iter().for_each(std::mem::forget);
    // SAFETY: as above, whoever owned these numbers does not use them again.
    if unsafe { libc::close_range(count.unsigned_abs(), u32::MAX, 0) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// The descriptor that this process was started with as its standard input.
///
/// # Safety
/// Nothing else in the process may use or own descriptor 0.
#[must_use]
pub unsafe fn standard_input() -> OwnedFd {
    use std::os::fd::FromRawFd;
    // SAFETY: 0 is open in every Rust program (the runtime sees to it), and the caller promises
    // that it has no other owner.
    unsafe { OwnedFd::from_raw_fd(0) }
}

/// The version of the liblxc that this process runs with.
#[must_use]
pub fn version() -> String {
    lxc::version()
}
