//! Seccomp lockdown: descriptors, core dumps, tracers, and the system call filter.
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

use hauki_contract::rpc::channel::CHANNEL_FD;

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
    use SeccompCmpOp::{Eq, Ge, Le, MaskedEq};
    let any: [c_long; 13] = [
        // The allocator; what it gets is bounded by the cgroup.
        libc::SYS_brk,
        libc::SYS_munmap,
        // Two threads.
        libc::SYS_sched_yield,
        libc::SYS_sigaltstack,
        libc::SYS_exit,
        // Clocks, where the vDSO falls back to the kernel.
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

    let (channel, errors) = (CHANNEL_FD as u64, libc::STDERR_FILENO as u64);
    // The channel's other end is the only thing to wait for.
    rules.insert(libc::SYS_ppoll, vec![all([(1, Eq, 1)])?]);
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_poll, vec![all([(1, Eq, 1)])?]);
    rules.insert(libc::SYS_read, vec![all([(0, Eq, channel)])?]);
    for call in [libc::SYS_write, libc::SYS_writev] {
        rules.insert(call, vec![all([(0, Eq, channel)])?, all([(0, Eq, errors)])?]);
    }
    // `abort`, which is a crash as well, signals the thread that it runs on.
    let (own, abort) = (u64::from(std::process::id()), libc::SIGABRT as u64);
    for (call, last) in [(libc::SYS_tkill, 1), (libc::SYS_tgkill, 2)] {
        rules.insert(call, vec![all([(0, Eq, own), (last, Eq, abort)])?]);
    }
    // Fixed clocks; the others are those of processes and devices.
    rules.insert(libc::SYS_clock_gettime, vec![all([(0, Le, LAST_CLOCK)])?]);
    // Sleeping and waking. Whatever takes over locks of others, or moves sleepers, has been the kernel's
    // weak spot before, and nobody here needs it.
    let plain = [libc::FUTEX_WAIT, libc::FUTEX_WAKE, libc::FUTEX_WAIT_BITSET, libc::FUTEX_WAKE_BITSET];
    let operation = !(libc::FUTEX_PRIVATE_FLAG | libc::FUTEX_CLOCK_REALTIME) as u32;
    let futex = plain.map(|plain| all([(1, MaskedEq(operation.into()), plain as u64)]));
    rules.insert(libc::SYS_futex, futex.into_iter().collect::<Result<_, _>>()?);

    // Memory of one's own, out of nothing: no file, nothing shared, no large pages, none below a stack that
    // grows; and no memory may become executable, so no machine code can be brought in.
    let data = !(libc::PROT_READ | libc::PROT_WRITE) as u32;
    let harmless = libc::MAP_NORESERVE | libc::MAP_STACK | libc::MAP_FIXED_NOREPLACE;
    let own = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as u64;
    let nothing = u64::from(-1_i32 as u32);
    rules.insert(
        libc::SYS_mmap,
        vec![all([
            (2, MaskedEq(data.into()), 0),
            (3, MaskedEq((!harmless as u32).into()), own),
            (4, Eq, nothing),
        ])?],
    );
    rules.insert(libc::SYS_mprotect, vec![all([(2, MaskedEq(data.into()), 0)])?]);
    // What is given back; not what is merged with others' pages, made huge, poisoned or kept.
    let given_back = [libc::MADV_DONTNEED, libc::MADV_FREE].map(|advice| all([(2, Eq, advice as u64)]));
    rules.insert(libc::SYS_madvise, given_back.into_iter().collect::<Result<_, _>>()?);
    // A buffer that grows, and not this program's own code and tables.
    let behind = SeccompCondition::new(0, SeccompCmpArgLen::Qword, Ge, end_of_program())?;
    let flags = SeccompCondition::new(3, SeccompCmpArgLen::Dword, Le, libc::MREMAP_MAYMOVE as u64)?;
    rules.insert(libc::SYS_mremap, vec![SeccompRule::new(vec![behind, flags])?]);
    Ok(rules)
}

/// CLOCK_TAI; what lies above, seen without a sign, is made of process numbers and descriptors.
const LAST_CLOCK: u64 = 11;

/// Where this program's last variable ends.
fn end_of_program() -> u64 {
    unsafe extern "C" {
        /// From the linker; it has an address and no content.
        #[link_name = "_end"]
        static END: u8;
    }
    (&raw const END).addr() as u64
}

/// These conditions together, on the lower halves of arguments: the upper ones of all of them are ignored by
/// the kernel.
fn all<const N: usize>(
    conditions: [(u8, SeccompCmpOp, u64); N],
) -> Result<SeccompRule, seccompiler::BackendError> {
    let condition =
        |(index, operation, value)| SeccompCondition::new(index, SeccompCmpArgLen::Dword, operation, value);
    SeccompRule::new(conditions.into_iter().map(condition).collect::<Result<_, _>>()?)
}

/// What a system call of libc's answered.
pub fn check(result: c_long) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
