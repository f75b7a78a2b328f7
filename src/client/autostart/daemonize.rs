//! Daemonizing: what a daemon that starts by itself takes along of whoever started it: nothing.
//!
//! It outlives the command that needed it first, so it must not hold that command's pipes and locks, nor
//! be shaped by its shell: limits, priority, blocked and ignored signals, the umask, half an environment.
//! What runs between fork and exec is async-signal-safe and does not allocate.

use std::ffi::{OsStr, OsString};
use std::io;

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

/// Makes the calling process a stranger to its starter, but for one descriptor, which is kept through exec.
/// What the kernel refuses to who is not root stays as it is.
///
/// # Safety
/// For a process between fork and exec: it changes signals and descriptors under whoever uses them.
pub(super) unsafe fn detach(kept: libc::c_int) -> io::Result<()> {
    rustix::process::setsid()?;
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
        unbend_stack();
        // As a debugger sets it, addresses would be the same in every daemon and every vault.
        libc::personality(PLAIN);
        libc::setpriority(libc::PRIO_PROCESS, 0, 0);
        libc::syscall(libc::SYS_ioprio_set, OF_A_PROCESS, 0, BY_PRIORITY);
        libc::sched_setscheduler(0, libc::SCHED_OTHER, &std::mem::zeroed());
        let everywhere = [!0_u8; size_of::<libc::cpu_set_t>()];
        libc::sched_setaffinity(0, everywhere.len(), everywhere.as_ptr().cast());
        let score = libc::open(c"/proc/self/oom_score_adj".as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        if score >= 0 {
            libc::write(score, c"0".as_ptr().cast(), 1);
            libc::close(score);
        }
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
