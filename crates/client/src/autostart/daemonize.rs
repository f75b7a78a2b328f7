//! Daemonizing: what a daemon that starts by itself takes along of whoever started it: nothing.
//!
//! It outlives the command that needed it first, so it must not hold that command's pipes and locks, nor
//! be shaped by its shell: limits, priority, blocked and ignored signals, the umask, half an environment.
//! What runs between fork and exec is async-signal-safe and does not allocate.

use std::ffi::{CStr, OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd as _;

use hauki_contract::system::environment::OURS;

/// Besides our own: to find programs, files and SSH keys, to tell the time and to write text.
const KEPT: [&str; 13] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "TZ",
    "TMPDIR",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
    "XDG_RUNTIME_DIR",
    "SSH_AUTH_SOCK",
    "LD_LIBRARY_PATH",
    "RUST_BACKTRACE",
];

/// The environment of the daemon.
pub(super) fn environment() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| is_kept(name))
}

fn is_kept(name: &OsStr) -> bool {
    name.to_str()
        .is_some_and(|name| name.starts_with(OURS) || name.starts_with("LC_") || KEPT.contains(&name))
}

/// Limits that are meant for the command and not for what serves everybody.
const LIMITS: [libc::__rlimit_resource_t; 6] = [
    libc::RLIMIT_CPU,
    libc::RLIMIT_FSIZE,
    libc::RLIMIT_AS,
    libc::RLIMIT_DATA,
    libc::RLIMIT_NPROC,
    libc::RLIMIT_RSS,
];
/// Meant for the command too, but what the machine's own services have is not without bounds: as its first process has them.
/// A core of it would have the keys of everybody's tickets in it.
const USUAL: [libc::__rlimit_resource_t; 8] = [
    libc::RLIMIT_CORE,
    libc::RLIMIT_MEMLOCK,
    libc::RLIMIT_SIGPENDING,
    libc::RLIMIT_MSGQUEUE,
    libc::RLIMIT_LOCKS,
    libc::RLIMIT_NICE,
    libc::RLIMIT_RTPRIO,
    libc::RLIMIT_RTTIME,
];
const NO: libc::c_ulong = 0;
/// The kernel's own default. With none at all it would lay memory out by an older rule, that leaves less to chance.
const STACK: libc::rlim_t = 8 << 20;
/// Where a system gives no number of its own.
const DESCRIPTORS: libc::rlim_t = 524_288;
const LAST_SIGNAL: libc::c_int = 64;
/// PER_LINUX, without a flag.
const PLAIN: libc::c_ulong = 0;
/// IOPRIO_WHO_PROCESS, and no class of its own for what it reads and writes. The C library names neither.
const OF_A_PROCESS: libc::c_int = 1;
const BY_PRIORITY: libc::c_int = 0;

/// Namespaces of which whoever calls a worker must see the same as the daemon.
const SHARED: [&str; 3] = ["net", "ipc", "uts"];

/// The machine's own, of those in which its starter was put alone, as `ip netns exec` does. Where the starter sees other users,
/// processes or files than the machine's first process, it lives in a machine of its own.
pub(super) fn namespaces_of_machine() -> Vec<File> {
    let of = |process: &str, name: &str| format!("/proc/{process}/ns/{name}");
    let is_shared = |name: &&str| fs::read_link(of("self", name)).ok() == fs::read_link(of("1", name)).ok();
    if !["user", "pid", "mnt"].iter().all(is_shared) {
        return Vec::new();
    }
    SHARED.iter().filter(|name| !is_shared(name)).filter_map(|name| File::open(of("1", name)).ok()).collect()
}

/// Makes the calling process a stranger to its starter, but for one descriptor, which is kept through exec, and part of what
/// `machine` leads to.
/// What the kernel refuses to who is not root stays as it is.
///
/// # Safety
/// For a process between fork and exec: it changes signals and descriptors under whoever uses them.
pub(super) unsafe fn detach(kept: libc::c_int, machine: &[File]) -> io::Result<()> {
    rustix::process::setsid()?;
    for namespace in machine {
        // SAFETY: a system call on a number that is open here.
        if unsafe { libc::setns(namespace.as_raw_fd(), 0) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    // SAFETY: all of these are system calls or async-signal-safe functions of the C library, on values of
    // this frame; the caller knows that nobody else uses what they change.
    unsafe {
        libc::umask(0o022);
        // Of zeroes is the kernel's own default. The C library refuses to touch two of them.
        let default = [0_u64; 4];
        for signal in 1..=LAST_SIGNAL {
            libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), 0, size_of::<u64>());
        }
        let mut none = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
        for limit in LIMITS {
            raise(limit, libc::RLIM_INFINITY);
        }
        raise(libc::RLIMIT_NOFILE, DESCRIPTORS);
        for limit in USUAL {
            as_the_first_process(limit);
        }
        unbend_stack();
        // As a debugger sets it, addresses would be the same in every daemon and every vault.
        libc::personality(PLAIN);
        libc::prctl(libc::PR_SET_THP_DISABLE, NO, NO, NO, NO);
        libc::syscall(libc::SYS_set_mempolicy, NO, NO, NO);
        libc::setpriority(libc::PRIO_PROCESS, 0, 0);
        libc::syscall(libc::SYS_ioprio_set, OF_A_PROCESS, 0, BY_PRIORITY);
        libc::sched_setscheduler(0, libc::SCHED_OTHER, &std::mem::zeroed());
        let everywhere = [!0_u8; size_of::<libc::cpu_set_t>()];
        libc::sched_setaffinity(0, everywhere.len(), everywhere.as_ptr().cast());
        write(c"/proc/self/oom_score_adj", b"0");
        write(c"/proc/self/coredump_filter", b"0x33");
        close_from(3);
        if libc::fcntl(kept, libc::F_SETFD, 0) < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// # Safety
/// As for [`daemonize`].
unsafe fn raise(limit: libc::__rlimit_resource_t, most: libc::rlim_t) {
    // SAFETY: passed on to our caller; both structures are of this frame.
    unsafe {
        let mut now: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(limit, &mut now) != 0 {
            return;
        }
        let high = libc::rlimit { rlim_cur: most.max(now.rlim_max), rlim_max: most.max(now.rlim_max) };
        if libc::setrlimit(limit, &high) != 0 {
            libc::setrlimit(limit, &libc::rlimit { rlim_cur: now.rlim_max, ..now });
        }
    }
}

/// # Safety
/// As for [`daemonize`].
unsafe fn as_the_first_process(limit: libc::__rlimit_resource_t) {
    // SAFETY: passed on to our caller; both structures are of this frame.
    unsafe {
        let (mut usual, mut now): (libc::rlimit, libc::rlimit) = std::mem::zeroed();
        let is_known = libc::prlimit(1, limit, std::ptr::null(), &mut usual) == 0;
        if is_known && libc::getrlimit(limit, &mut now) == 0 && libc::setrlimit(limit, &usual) != 0 {
            let most = usual.rlim_cur.min(now.rlim_max);
            libc::setrlimit(limit, &libc::rlimit { rlim_cur: most, ..now });
        }
    }
}

/// # Safety
/// As for [`daemonize`].
unsafe fn write(file: &CStr, text: &[u8]) {
    // SAFETY: passed on to our caller; both are there until it returns.
    unsafe {
        let file = libc::open(file.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        if file >= 0 {
            libc::write(file, text.as_ptr().cast(), text.len());
            libc::close(file);
        }
    }
}

/// # Safety
/// As for [`daemonize`].
unsafe fn unbend_stack() {
    // SAFETY: passed on to our caller; both structures are of this frame.
    unsafe {
        let mut now: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(libc::RLIMIT_STACK, &mut now) != 0 {
            return;
        }
        let usual = libc::rlimit { rlim_cur: STACK, rlim_max: STACK.max(now.rlim_max) };
        if libc::setrlimit(libc::RLIMIT_STACK, &usual) != 0 {
            libc::setrlimit(libc::RLIMIT_STACK, &libc::rlimit { rlim_cur: now.rlim_max, ..now });
        }
    }
}

/// With exec, not at once: what the standard library waits at for the outcome is among them.
///
/// # Safety
/// As for [`daemonize`].
unsafe fn close_from(first: libc::c_int) {
    // SAFETY: passed on to our caller; the arguments are numbers.
    unsafe {
        let flags = libc::CLOSE_RANGE_CLOEXEC;
        if libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, flags) == 0 {
            return;
        }
        // Before Linux 5.11.
        let mut limit: libc::rlimit = std::mem::zeroed();
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        let most = libc::c_int::try_from(limit.rlim_cur.min(1 << 20)).unwrap_or(1 << 20);
        for number in first..most {
            libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_what_a_daemon_needs() {
        for name in ["PATH", "HAUKI_LOG", "LC_ALL", "SSH_AUTH_SOCK"] {
            assert!(is_kept(name.as_ref()), "{name}");
        }
        for name in ["NOTIFY_SOCKET", "LD_PRELOAD", "MAKEFLAGS", "AWS_SECRET_ACCESS_KEY", "PWD", "OLDHAUKI_X"]
        {
            assert!(!is_kept(name.as_ref()), "{name}");
        }
    }
}
