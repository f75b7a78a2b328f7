//! What a process costs on this machine, alone and with namespaces of its own, and what a disk.

use std::ffi::CString;
use std::fs::Permissions;
use std::io::Write;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use hauki_contract::system::clock;
use rustix::process::{Signal, WaitId, WaitIdOptions, pidfd_send_signal, waitid};

use crate::report::Report;
use crate::{now, witness};

pub(crate) const EXEC: &str = "floor: fork and exec of a static program, to its exit";
pub(crate) const CLONE: &str = "floor: clone3 with all namespaces, to its exit";

pub(crate) const FLUSH: &str = "floor: 24 KiB appended to a file and flushed";
pub(crate) const RATE: &str = "floor: clone3 with all namespaces and exec, per second";
pub(crate) const DEAD: &str = "floor: many such processes killed: the last one dead";

/// The init: static, and it ends at once when its channel is not there.
static INIT: &[u8] = hauki_node::init::IMAGE;

const ROUNDS: usize = 10;

pub(crate) fn program(path: &Path) {
    std::fs::write(path, INIT).expect("is ours");
    std::fs::set_permissions(path, Permissions::from_mode(0o755)).expect("is ours");
}

pub(crate) fn processes(report: &mut Report) {
    let dir = tempfile::tempdir().expect("a directory");
    let init = dir.path().join("init");
    program(&init);
    for _ in 0..ROUNDS {
        let start = now();
        let mut command = Command::new(&init);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().expect("runs");
        report.add(EXEC, start.elapsed());
        let start = now();
        ended(&cloned(|| ()));
        report.add(CLONE, start.elapsed());
    }
}

/// What a commit with its six pages costs at least that is on the disk when it returns.
pub(crate) fn flushes(report: &mut Report) {
    let mut file = tempfile::tempfile().expect("a file");
    for _ in 0..ROUNDS {
        let start = now();
        file.write_all(&[1; 24 * 1024]).expect("writes");
        file.sync_data().expect("flushes");
        report.add(FLUSH, start.elapsed());
    }
}

/// As many processes with such namespaces as there are to be vaults, each started when the last one has
/// executed its program, by as many threads as there are cores; then all of them killed.
pub(crate) fn crowd(report: &mut Report, count: usize) {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let start = now();
    let starters: Vec<_> = (0..threads)
        .map(|thread| {
            let count = (thread..count).step_by(threads).count();
            std::thread::spawn(move || (0..count).map(|_| sleeper()).collect::<Vec<OwnedFd>>())
        })
        .collect();
    let sleepers: Vec<_> =
        starters.into_iter().flat_map(|thread| thread.join().expect("starts them")).collect();
    report.value(RATE, "/s", count as f64 / start.elapsed().as_secs_f64());

    let watched = sleepers.iter().map(|sleeper| sleeper.try_clone().expect("a copy")).collect();
    let deaths = witness::watch(watched);
    let killed_at = clock::mono();
    for sleeper in &sleepers {
        pidfd_send_signal(sleeper, Signal::KILL).expect("is ours");
    }
    let last = deaths.join().expect("sees them").into_iter().max().expect("there are some");
    report.add_micros(DEAD, last.since(killed_at));
    sleepers.iter().for_each(ended);
}

/// Returns when it has executed its program.
fn sleeper() -> OwnedFd {
    let words = ["sleep", "1000"].map(|word| CString::new(word).expect("has no zero"));
    let words = [words[0].as_ptr(), words[1].as_ptr(), std::ptr::null()];
    let (executed, its_end) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).expect("a pipe");
    let sleeper = cloned(|| {
        // SAFETY: the words end with a null, and outlive the call.
        unsafe { libc::execvp(words[0], words.as_ptr()) };
    });
    drop(its_end);
    let read = rustix::io::read(&executed, &mut [0]).expect("can be read");
    assert_eq!(read, 0, "nobody writes into it");
    sleeper
}

fn ended(process: &OwnedFd) {
    let id = WaitId::PidFd(std::os::fd::AsFd::as_fd(process));
    waitid(id, WaitIdOptions::EXITED).expect("is ours");
}

/// A child with every namespace that a vault has, which does this and exits. It may call only what is safe
/// in the child of a program with several threads.
fn cloned(child: impl FnOnce()) -> OwnedFd {
    const FLAGS: i32 = libc::CLONE_NEWUSER
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNS
        | libc::CLONE_NEWNET
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWCGROUP;
    #[repr(C)]
    #[derive(Default)]
    struct Arguments {
        flags: u64,
        pidfd: u64,
        child_tid: u64,
        parent_tid: u64,
        exit_signal: u64,
        stack: [u64; 2],
        tls: u64,
    }
    let mut pidfd = -1_i32;
    let arguments = Arguments {
        flags: (FLAGS | libc::CLONE_PIDFD) as u64,
        pidfd: (&raw mut pidfd) as u64,
        exit_signal: libc::SIGCHLD as u64,
        ..Arguments::default()
    };
    // SAFETY: without CLONE_VM the child has a copy of the memory, and calls what is safe there; the
    // arguments have the first layout that clone3 ever had, and outlive the call.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw const arguments, size_of::<Arguments>()) };
    if pid == 0 {
        child();
        // SAFETY: as above.
        unsafe { libc::_exit(1) };
    }
    assert!(pid > 1, "clone3: {}", std::io::Error::last_os_error());
    // SAFETY: the kernel has put a descriptor of ours there.
    unsafe { OwnedFd::from_raw_fd(pidfd) }
}
