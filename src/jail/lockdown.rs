//! Descriptors, core dumps, tracers, and the system call filter.
//!
//! In a vault LXC cannot install the tight filter: it would apply before LXC's own last steps and kill the
//! start (`lxc-facts.md`). So the sandbox installs a small denylist, and this is the allowlist: whoever
//! breaks out of the engine into native code can talk on the channel, allocate memory that is not
//! executable, and end. Everything else kills the whole process, because no honest path leads there
//! and a death is what the other end of the channel already knows how to handle.

use std::collections::BTreeMap;
use std::io;

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};

use crate::rpc::channel::CHANNEL_FD;

#[derive(Debug, thiserror::Error)]
pub enum LockdownError {
    #[error("closing inherited descriptors")]
    Close(#[source] io::Error),
    #[error("forbidding core dumps")]
    Core(#[source] io::Error),
    #[error("hiding the process from tracers")]
    Dumpable(#[source] io::Error),
    #[error("compiling the system call filter")]
    Compile(#[from] seccompiler::BackendError),
    #[error("installing the system call filter")]
    Install(#[from] seccompiler::Error),
}

/// Drops what was inherited: descriptors above the channel, core dumps, tracers, and the handlers with which
/// the standard library tells of a stack that overflowed: they would end in a forbidden system call, and a
/// crash has to look like one.
///
/// Descriptors 0 to 2 stay open, because a closed one would be given to the next `open`; the filter
/// makes 0 and 1 unusable and leaves 2 for the text of a panic.
pub fn disinherit() -> Result<(), LockdownError> {
    let above = (CHANNEL_FD + 1) as libc::c_uint;
    // SAFETY: no descriptor above the channel belongs to anything in this process yet.
    check(unsafe { libc::syscall(libc::SYS_close_range, above, libc::c_uint::MAX, 0) })
        .map_err(LockdownError::Close)?;
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure outlives the call, which only reads it.
    check(unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) }.into())
        .map_err(LockdownError::Core)?;
    for signal in [libc::SIGSEGV, libc::SIGBUS] {
        // SAFETY: the default action needs no code of ours.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    // SAFETY: this option takes a number.
    check(unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) }.into()).map_err(LockdownError::Dumpable)
}

/// Installs the filter over all threads. There is no way back.
pub fn install() -> Result<(), LockdownError> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    let filter =
        SeccompFilter::new(rules()?, SeccompAction::KillProcess, SeccompAction::Allow, architecture)?;
    let program: BpfProgram = filter.try_into()?;
    Ok(seccompiler::apply_filter_all_threads(&program)?)
}

fn rules() -> Result<BTreeMap<i64, Vec<SeccompRule>>, seccompiler::BackendError> {
    let any: [c_long; 18] = [
        // The channel's other end is the only thing to wait for.
        libc::SYS_ppoll,
        // The allocator; what it maps is bounded by the cgroup.
        libc::SYS_brk,
        libc::SYS_madvise,
        libc::SYS_mremap,
        libc::SYS_munmap,
        // Two threads.
        libc::SYS_futex,
        libc::SYS_sched_yield,
        libc::SYS_sigaltstack,
        libc::SYS_exit,
        // Clocks, where the vDSO falls back to the kernel.
        libc::SYS_clock_gettime,
        libc::SYS_gettimeofday,
        libc::SYS_restart_syscall,
        libc::SYS_rt_sigreturn,
        libc::SYS_rt_sigprocmask,
        libc::SYS_getrandom,
        libc::SYS_exit_group,
        libc::SYS_getpid,
        libc::SYS_gettid,
    ];
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = any.into_iter().map(|call| (call, Vec::new())).collect();
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_poll, Vec::new());

    let channel = CHANNEL_FD as u64;
    for call in [libc::SYS_read, libc::SYS_recvfrom, libc::SYS_sendto] {
        rules.insert(call, vec![argument(0, SeccompCmpOp::Eq, channel)?]);
    }
    let errors = libc::STDERR_FILENO as u64;
    for call in [libc::SYS_write, libc::SYS_writev] {
        rules.insert(
            call,
            vec![argument(0, SeccompCmpOp::Eq, channel)?, argument(0, SeccompCmpOp::Eq, errors)?],
        );
    }
    // `abort`, which is a crash as well, signals the thread that it runs on.
    let (own, abort) = (u64::from(std::process::id()), libc::SIGABRT as u64);
    for (call, last) in [(libc::SYS_tkill, 1), (libc::SYS_tgkill, 2)] {
        let whom = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, own)?;
        let what = SeccompCondition::new(last, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, abort)?;
        rules.insert(call, vec![SeccompRule::new(vec![whom, what])?]);
    }
    // No memory may become executable, so no machine code can be brought in.
    let executable = SeccompCmpOp::MaskedEq(libc::PROT_EXEC as u64);
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        rules.insert(call, vec![argument(2, executable.clone(), 0)?]);
    }
    Ok(rules)
}

fn argument(
    index: u8,
    operation: SeccompCmpOp,
    value: u64,
) -> Result<SeccompRule, seccompiler::BackendError> {
    let condition = SeccompCondition::new(index, SeccompCmpArgLen::Dword, operation, value)?;
    SeccompRule::new(vec![condition])
}

/// What a system call of libc's answered.
pub(crate) fn check(result: c_long) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
