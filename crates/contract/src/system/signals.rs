//! Signal dispositions: what each signal means to a daemon.
//!
//! Of many the kernel's answer is to end a process without a word, and with this one go everybody's vaults. So each has a
//! meaning here. What tells of a fault in the program itself keeps the kernel's: there is nothing to go on with.

use std::borrow::Cow;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalMeaning {
    /// Leave in order.
    Drain,
    /// Make room for another.
    Retire,
    /// A line in the log.
    Nothing,
    /// The kernel decides.
    Kernel,
}

/// What it means to a daemon.
#[must_use]
pub fn meaning(number: i32) -> SignalMeaning {
    match number {
        // A power supply and a limit of processor time leave a moment for it.
        libc::SIGTERM | libc::SIGINT | libc::SIGQUIT | libc::SIGPWR | libc::SIGXCPU => SignalMeaning::Drain,
        libc::SIGUSR1 => SignalMeaning::Retire,
        libc::SIGHUP | libc::SIGUSR2 => SignalMeaning::Nothing,
        number if is_stray(number) => SignalMeaning::Nothing,
        _ => SignalMeaning::Kernel,
    }
}

/// What nobody sends on purpose to a process that has not asked for it, and what ends one that does not hear it.
#[must_use]
pub fn is_stray(number: i32) -> bool {
    let named = [libc::SIGALRM, libc::SIGVTALRM, libc::SIGPROF, libc::SIGIO, libc::SIGSTKFLT];
    named.contains(&number) || (libc::SIGRTMIN()..=libc::SIGRTMAX()).contains(&number)
}

/// All of them.
pub fn numbers() -> impl Iterator<Item = i32> {
    1..=libc::SIGRTMAX()
}

/// As a person knows it.
#[must_use]
pub fn word(number: i32) -> Cow<'static, str> {
    match number {
        libc::SIGTERM => "SIGTERM".into(),
        libc::SIGINT => "SIGINT".into(),
        libc::SIGQUIT => "SIGQUIT".into(),
        libc::SIGPWR => "SIGPWR".into(),
        libc::SIGXCPU => "SIGXCPU".into(),
        libc::SIGUSR1 => "SIGUSR1".into(),
        libc::SIGHUP => "SIGHUP".into(),
        libc::SIGUSR2 => "SIGUSR2".into(),
        libc::SIGALRM => "SIGALRM".into(),
        libc::SIGVTALRM => "SIGVTALRM".into(),
        libc::SIGPROF => "SIGPROF".into(),
        libc::SIGIO => "SIGIO".into(),
        libc::SIGSTKFLT => "SIGSTKFLT".into(),
        number if number >= libc::SIGRTMIN() => format!("SIGRTMIN+{}", number - libc::SIGRTMIN()).into(),
        number => format!("signal {number}").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left to the kernel is no end, or cannot be caught, or is a fault.
    #[test]
    fn whatever_would_end_a_daemon_in_silence_has_a_meaning() {
        let no_end = [
            libc::SIGCHLD,
            libc::SIGCONT,
            libc::SIGURG,
            libc::SIGWINCH,
            libc::SIGTSTP,
            libc::SIGTTIN,
            libc::SIGTTOU,
        ];
        let cannot = [libc::SIGKILL, libc::SIGSTOP];
        let faults = [
            libc::SIGILL,
            libc::SIGTRAP,
            libc::SIGABRT,
            libc::SIGBUS,
            libc::SIGFPE,
            libc::SIGSEGV,
            libc::SIGSYS,
        ];
        // The first is ignored by every Rust program, the second by `rlimit::outlive_size_limit`; the C library keeps
        // the others for its threads.
        let seen_to = [libc::SIGPIPE, libc::SIGXFSZ];
        let threads = 32..libc::SIGRTMIN();
        for number in numbers() {
            let left = [&no_end[..], &cannot, &faults, &seen_to].concat().contains(&number)
                || threads.contains(&number);
            assert_eq!(meaning(number) == SignalMeaning::Kernel, left, "{}", word(number));
            assert!(left || word(number).starts_with("SIG"), "{number}");
        }
    }
}
