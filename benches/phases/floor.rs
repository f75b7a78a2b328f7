//! What a process costs on this machine, alone and with namespaces of its own.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::now;
use crate::report::Report;

pub const EXEC: &str = "floor: fork and exec of a static program, to its exit";
pub const CLONE: &str = "floor: clone3 with all namespaces, to its exit";

/// The init: static, and it ends at once when its channel is not there.
static INIT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hauki-vault"));

const ROUNDS: usize = 10;

pub fn program(path: &Path) {
    std::fs::write(path, INIT).expect("is ours");
    std::fs::set_permissions(path, Permissions::from_mode(0o755)).expect("is ours");
}

pub fn processes(report: &mut Report) {
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
        clone_all();
        report.add(CLONE, start.elapsed());
    }
}

/// A child with every namespace that a vault has, which exits at once.
fn clone_all() {
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
    // SAFETY: without CLONE_VM the child has a copy of the memory, and calls nothing but _exit; the
    // arguments have the first layout that clone3 ever had, and outlive the call.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw const arguments, size_of::<Arguments>()) };
    if pid == 0 {
        // SAFETY: as above.
        unsafe { libc::_exit(0) };
    }
    assert!(pid > 1, "clone3: {}", std::io::Error::last_os_error());
    // SAFETY: the kernel has put a descriptor of ours there.
    let pidfd: std::os::fd::OwnedFd = unsafe { std::os::fd::FromRawFd::from_raw_fd(pidfd) };
    let id = rustix::process::WaitId::PidFd(std::os::fd::AsFd::as_fd(&pidfd));
    rustix::process::waitid(id, rustix::process::WaitIdOptions::EXITED).expect("is ours");
}
