//! One function per attempt; each says what the kernel answered.

use std::ffi::CString;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use hauki_jail::lockdown;

use super::process;

pub(crate) enum Outcome {
    Done(String),
    Errno(i32),
    /// So many succeeded before this errno.
    ErrnoAfter(i32, usize),
    Refused(&'static str),
}

impl Outcome {
    /// For system calls that answer -1 on failure.
    pub(crate) fn of(result: libc::c_long) -> Self {
        if result < 0 { Self::last() } else { Self::Done(String::new()) }
    }

    pub(crate) fn last() -> Self {
        Self::Errno(io::Error::last_os_error().raw_os_error().unwrap_or(0))
    }

    fn of_io<T>(result: io::Result<T>, detail: impl FnOnce(T) -> String) -> Self {
        match result {
            Ok(value) => Self::Done(detail(value)),
            Err(error) => Self::Errno(error.raw_os_error().unwrap_or(0)),
        }
    }
}

pub(crate) fn run(command: &str, arguments: &[&str]) -> Outcome {
    let first = arguments.first().copied().unwrap_or_default();
    let number = first.parse::<i64>().unwrap_or_default();
    // What would change the machine if the probe were started outside a vault by mistake.
    const PID_1_ONLY: [&str; 9] =
        ["mount", "proc", "remount", "umount", "chroot", "sethostname", "setuid", "setgid", "syscall"];
    if PID_1_ONLY.contains(&command) && std::process::id() != 1 {
        return Outcome::Refused("only as pid 1");
    }
    match command {
        "identity" => process::identity(),
        "environment" => Outcome::Done(
            std::env::vars().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(";"),
        ),
        "fds" => process::descriptors(),
        "capabilities" => process::capabilities(),
        "flags" => process::flags(),
        "crash" => {
            // SAFETY: to abort is what is asked for.
            first.eq("abort").then(|| unsafe { libc::abort() });
            // SAFETY: nothing is at the first address, so this is the fault that is asked for.
            unsafe { std::ptr::without_provenance_mut::<u8>(8).write_volatile(1) };
            Outcome::Refused("still alive")
        }
        "lockdown" => match lockdown::disinherit().and_then(|()| lockdown::install()) {
            Ok(()) => Outcome::Done(String::new()),
            Err(_) => Outcome::Refused("the filter cannot be installed"),
        },
        "futex" => process::futex(number),
        "madvise" => process::advise(number),
        "map" => process::map(arguments),
        "move" => process::move_memory(first),
        "poll" => process::poll(number),
        "receive" => process::receive(number),
        "send" => process::send(number),
        "clock" => process::clock(number),
        "read" => Outcome::of_io(std::fs::read(first), |bytes| bytes.len().to_string()),
        "write" => {
            let outcome = Outcome::of_io(std::fs::write(first, b"x"), |()| String::new());
            let _ = matches!(outcome, Outcome::Done(_)).then(|| std::fs::remove_file(first));
            outcome
        }
        "list" => Outcome::of_io(std::fs::read_dir(first), |entries| {
            let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
            names.collect::<Vec<_>>().join(",")
        }),
        "mkdir" => {
            let outcome = Outcome::of_io(std::fs::create_dir(first), |()| String::new());
            let _ = matches!(outcome, Outcome::Done(_)).then(|| std::fs::remove_dir(first));
            outcome
        }
        "mknod" | "chmod" | "umount" | "chroot" => path(command, first),
        "socket" => socket(first),
        "connect" => connect(first, arguments.get(1).copied().unwrap_or_default()),
        "mount" => mount(c"tmpfs", c"/", c"tmpfs", 0),
        "proc" => mount(c"proc", c"/proc", c"proc", 0),
        "remount" => mount(c"none", c"/", c"none", libc::MS_REMOUNT | libc::MS_BIND),
        // SAFETY: the name is a static buffer of the given length.
        "sethostname" => Outcome::of(unsafe { libc::sethostname(c"probe".as_ptr(), 5) }.into()),
        "clone" => process::clone_user(),
        "unshare" => process::unshare(first),
        "setns" => bare(libc::SYS_setns, [3, 0, 0, 0]),
        // SAFETY: signal 0 only asks whether the signal could be sent.
        "kill" if number > 1 => Outcome::of(unsafe { libc::kill(number as libc::pid_t, 0) }.into()),
        "kill" => Outcome::Refused("a pid above 1"),
        "ptrace" => bare(libc::SYS_ptrace, [0x4206, number, 0, 0]),
        "setuid" => bare(libc::SYS_setuid, [number, 0, 0, 0]),
        "setgid" => bare(libc::SYS_setgid, [number, 0, 0, 0]),
        "priority" => bare(libc::SYS_setpriority, [0, 0, -20, 0]),
        "forks" => process::forks(number),
        "threads" => process::threads(number),
        "allocate" => process::allocate(number),
        "release" => process::release(),
        "cpu" => process::burn(number),
        "keyctl" => bare(libc::SYS_keyctl, [0, -3, 1, 0]),
        "bpf" => bare(libc::SYS_bpf, [0, 0, 0, 0]),
        "io_uring" => bare(libc::SYS_io_uring_setup, [1, 0, 0, 0]),
        "userfaultfd" => bare(libc::SYS_userfaultfd, [0, 0, 0, 0]),
        "perf" => bare(libc::SYS_perf_event_open, [0, 0, -1, -1]),
        "module" => bare(libc::SYS_init_module, [0, 0, 0, 0]),
        "kexec" => bare(libc::SYS_kexec_load, [0, 0, 0, 0]),
        // Wrong magic numbers: EINVAL would mean that only they were in the way.
        "reboot" => bare(libc::SYS_reboot, [0, 0, 0, 0]),
        "memfd" => process::memfd(),
        "execmem" => process::executable_memory(),
        "exec" => process::exec(),
        "syscall" => bare(number as libc::c_long, [0, 0, 0, 0]),
        "spin" => loop {
            std::hint::spin_loop();
        },
        "exit" => {
            // SAFETY: `_exit` only ends the process.
            unsafe { libc::_exit(number as i32) }
        }
        _ => Outcome::Refused("no such command"),
    }
}

fn bare(number: libc::c_long, arguments: [i64; 4]) -> Outcome {
    let [a, b, c, d] = arguments;
    // SAFETY: only calls that take numbers, or null where they take pointers, are made this way.
    Outcome::of(unsafe { libc::syscall(number, a, b, c, d, 0) })
}

fn path(command: &str, path: &str) -> Outcome {
    let Ok(path) = CString::new(path) else { return Outcome::Refused("a path without zeros") };
    // SAFETY: the path is a C string that outlives the call.
    let result = unsafe {
        match command {
            "mknod" => libc::mknod(path.as_ptr(), libc::S_IFCHR | 0o600, libc::makedev(1, 3)),
            "chmod" => libc::chmod(path.as_ptr(), 0o777),
            "umount" => libc::umount2(path.as_ptr(), libc::MNT_DETACH),
            _ => libc::chroot(path.as_ptr()),
        }
    };
    Outcome::of(result.into())
}

fn mount(source: &std::ffi::CStr, target: &std::ffi::CStr, kind: &std::ffi::CStr, flags: u64) -> Outcome {
    // SAFETY: all three are C strings; no data is passed.
    let result =
        unsafe { libc::mount(source.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, std::ptr::null()) };
    Outcome::of(result.into())
}

fn socket(family: &str) -> Outcome {
    let (family, kind) = match family {
        "unix" => (libc::AF_UNIX, libc::SOCK_STREAM),
        "inet" => (libc::AF_INET, libc::SOCK_STREAM),
        "inet6" => (libc::AF_INET6, libc::SOCK_STREAM),
        "netlink" => (libc::AF_NETLINK, libc::SOCK_RAW),
        "packet" => (libc::AF_PACKET, libc::SOCK_RAW),
        "vsock" => (libc::AF_VSOCK, libc::SOCK_STREAM),
        _ => return Outcome::Refused("no such family"),
    };
    // SAFETY: takes numbers only; the descriptor is closed below.
    let fd = unsafe { libc::socket(family, kind, 0) };
    if fd < 0 {
        return Outcome::last();
    }
    // SAFETY: the descriptor was just made here.
    unsafe { libc::close(fd) };
    Outcome::Done(String::new())
}

fn connect(ip: &str, port: &str) -> Outcome {
    let Ok(address) = format!("{ip}:{port}").parse::<SocketAddr>() else {
        return Outcome::Refused("an address and a port");
    };
    Outcome::of_io(TcpStream::connect_timeout(&address, Duration::from_secs(1)), |_| String::new())
}

/// The names that tests compare with; any other errno is `E<number>`.
pub(crate) fn errno_name(error: i32) -> String {
    let known = [
        (libc::EACCES, "EACCES"),
        (libc::EAFNOSUPPORT, "EAFNOSUPPORT"),
        (libc::EAGAIN, "EAGAIN"),
        (libc::EBADF, "EBADF"),
        (libc::EBUSY, "EBUSY"),
        (libc::ECONNREFUSED, "ECONNREFUSED"),
        (libc::EEXIST, "EEXIST"),
        (libc::EFAULT, "EFAULT"),
        (libc::EINVAL, "EINVAL"),
        (libc::EISDIR, "EISDIR"),
        (libc::ENETUNREACH, "ENETUNREACH"),
        (libc::ENODEV, "ENODEV"),
        (libc::ENOENT, "ENOENT"),
        (libc::ENOMEM, "ENOMEM"),
        (libc::ENOSPC, "ENOSPC"),
        (libc::ENOSYS, "ENOSYS"),
        (libc::ENOTDIR, "ENOTDIR"),
        (libc::EPERM, "EPERM"),
        (libc::EPROTONOSUPPORT, "EPROTONOSUPPORT"),
        (libc::EROFS, "EROFS"),
        (libc::ESRCH, "ESRCH"),
    ];
    known
        .iter()
        .find(|(number, _)| *number == error)
        .map_or_else(|| format!("E{error}"), |(_, name)| (*name).to_owned())
}
