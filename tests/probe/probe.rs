//! Native attacks from inside a vault: what a worker could do if it broke out of the engine.
//!
//! JavaScript makes no system calls, so the sandbox is tested by putting this static binary in the
//! place of the init. It reads one command per line from fd 3, tries the thing, and answers one line:
//! `ok`, `ok DETAIL`, the name of the errno (`EPERM`, `EROFS`, …), or `refused REASON`. It never
//! exits by itself before end of file, and undoes what succeeded where that is possible.
//!
//! | command | tries |
//! |---|---|
//! | `identity` | answers `ok pid=… uid=… gid=… groups=…` |
//! | `environment` | answers the environment, `ok A=1;B=2` |
//! | `fds` | answers the open file descriptors, `ok 0,1,2,3` |
//! | `capabilities` | answers the effective, permitted and bounding sets in hexadecimal |
//! | `flags` | answers `ok no_new_privs=1 dumpable=0 seccomp=2` |
//! | `lockdown` | locks down as the init does; what its filter forbids kills the probe afterwards |
//! | `read PATH`, `write PATH`, `list PATH`, `mkdir PATH`, `mknod PATH`, `chmod PATH` | the file system |
//! | `socket unix\|inet\|inet6\|netlink\|packet\|vsock`, `connect IP PORT` | the network |
//! | `mount`, `proc`, `remount`, `umount PATH`, `chroot PATH`, `sethostname` | the name spaces (pid 1 only) |
//! | `clone user`, `unshare user\|net\|mount\|pid\|cgroup`, `setns` | new name spaces |
//! | `kill PID` | signal 0: whether the process can be seen and signalled |
//! | `ptrace PID`, `setuid UID`, `setgid GID`, `priority` | other processes, other users |
//! | `forks MAX`, `threads MAX` | answers `ok N` or `ERRNO N`: how many there could be at once |
//! | `allocate MIB` | maps and touches memory, kept until `release` |
//! | `cpu MS` | spins for that long by the wall clock, answers the processor time it got, in ms |
//! | `futex OPERATION`, `madvise ADVICE`, `map FLAGS PROTECTION FD`, `move text\|own`, `poll COUNT`, `receive FLAGS`, `send FLAGS`, `clock ID` | arguments of calls that the init itself makes |
//! | `keyctl`, `bpf`, `io_uring`, `userfaultfd`, `perf`, `module`, `kexec`, `reboot`, `memfd`, `execmem`, `exec` | the kernel's surface |
//! | `syscall NR` | a bare system call with zeros |
//! | `spin` | an endless loop; never answers |
//! | `crash abort\|fault` | ends by SIGABRT, or by SIGSEGV |
//! | `exit CODE` | ends |

mod attack;
mod process;

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::FromRawFd;

use attack::Outcome;

fn main() {
    // SAFETY: fd 3 is the channel that the test handed over; nothing else in this process owns it.
    let channel = unsafe { File::from_raw_fd(3) };
    // No second descriptor: the init's filter allows the channel's number only.
    let mut answers = &channel;
    // Inside a vault the driver waits for a first sign of life, as the init gives with its `Ready`.
    if std::process::id() == 1 && writeln!(answers, "ready").is_err() {
        return;
    }
    for line in BufReader::new(&channel).lines() {
        let Ok(line) = line else { return };
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some((command, arguments)) = words.split_first() else { continue };
        let answer = match attack::run(command, arguments) {
            Outcome::Done(detail) if detail.is_empty() => "ok".to_owned(),
            Outcome::Done(detail) => format!("ok {detail}"),
            Outcome::Errno(error) => attack::errno_name(error),
            Outcome::ErrnoAfter(error, count) => format!("{} {count}", attack::errno_name(error)),
            Outcome::Refused(reason) => format!("refused {reason}"),
        };
        if writeln!(answers, "{answer}").is_err() {
            return;
        }
    }
}
