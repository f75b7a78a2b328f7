//! Attempts around processes, memory and the probe's own state.

use std::io;
use std::sync::Mutex;
use std::thread;

use super::attack::Outcome;

/// What `allocate` holds, as address and length.
static HELD: Mutex<Vec<(usize, usize)>> = Mutex::new(Vec::new());

pub(crate) fn identity() -> Outcome {
    let mut groups = [0; 64];
    // SAFETY: the calls read the process's own ids; the buffer's length is given.
    let (pid, uid, gid, count) =
        unsafe { (libc::getpid(), libc::getuid(), libc::getgid(), libc::getgroups(64, groups.as_mut_ptr())) };
    let groups = groups.iter().take(count.max(0) as usize).map(ToString::to_string).collect::<Vec<_>>();
    Outcome::Done(format!("pid={pid} uid={uid} gid={gid} groups={}", groups.join(",")))
}

pub(crate) fn descriptors() -> Outcome {
    // SAFETY: F_GETFD only asks whether the descriptor is open.
    let open = (0..4096).filter(|fd| unsafe { libc::fcntl(*fd, libc::F_GETFD) } >= 0);
    Outcome::Done(open.map(|fd| fd.to_string()).collect::<Vec<_>>().join(","))
}

pub(crate) fn capabilities() -> Outcome {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: i32,
    }
    let header = Header { version: 0x2008_0522, pid: 0 };
    let mut data = [[0u32; 3]; 2];
    // SAFETY: version 3 of the structure takes two triples of effective, permitted, inheritable.
    if unsafe { libc::syscall(libc::SYS_capget, &raw const header, data.as_mut_ptr()) } < 0 {
        return Outcome::last();
    }
    let whole = |which: usize| u64::from(data[0][which]) | (u64::from(data[1][which]) << 32);
    // SAFETY: PR_CAPBSET_READ takes a number and answers one.
    let bounding = (0..64).filter(|bit| unsafe { libc::prctl(libc::PR_CAPBSET_READ, *bit, 0, 0, 0) } == 1);
    let bounding = bounding.fold(0u64, |set, bit| set | (1 << bit));
    Outcome::Done(format!("effective={:x} permitted={:x} bounding={bounding:x}", whole(0), whole(1)))
}

pub(crate) fn flags() -> Outcome {
    // SAFETY: these options only read the process's own state.
    let (privileges, dumpable, seccomp) = unsafe {
        (
            libc::prctl(libc::PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
            libc::prctl(libc::PR_GET_DUMPABLE, 0, 0, 0, 0),
            libc::prctl(libc::PR_GET_SECCOMP, 0, 0, 0, 0),
        )
    };
    Outcome::Done(format!("no_new_privs={privileges} dumpable={dumpable} seccomp={seccomp}"))
}

/// A child in a user namespace of its own, by the system call itself, which needs no new stack.
pub(crate) fn clone_user() -> Outcome {
    let flags = libc::c_long::from(libc::CLONE_NEWUSER | libc::SIGCHLD);
    // SAFETY: without CLONE_VM the child has a copy of everything; it leaves by `_exit`.
    match unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) } {
        -1 => Outcome::last(),
        // SAFETY: as above.
        0 => unsafe { libc::_exit(0) },
        _ => Outcome::Done("in a user namespace".to_owned()),
    }
}

/// In a child, because a success would change the probe itself.
pub(crate) fn unshare(which: &str) -> Outcome {
    let flag = match which {
        "user" => libc::CLONE_NEWUSER,
        "net" => libc::CLONE_NEWNET,
        "mount" => libc::CLONE_NEWNS,
        "pid" => libc::CLONE_NEWPID,
        "cgroup" => libc::CLONE_NEWCGROUP,
        _ => return Outcome::Refused("no such name space"),
    };
    // SAFETY: the child only makes system calls and leaves by `_exit`.
    match unsafe { libc::fork() } {
        -1 => Outcome::last(),
        0 => {
            // SAFETY: as above; the errno travels as the exit status.
            unsafe {
                let failed = libc::unshare(flag) < 0;
                libc::_exit(if failed { *libc::__errno_location() } else { 0 })
            }
        }
        child => {
            let mut status = 0;
            // SAFETY: waits for the child made above.
            unsafe { libc::waitpid(child, &raw mut status, 0) };
            match libc::WEXITSTATUS(status) {
                _ if libc::WIFSIGNALED(status) => Outcome::Refused("killed by a signal"),
                0 => Outcome::Done(String::new()),
                error => Outcome::Errno(error),
            }
        }
    }
}

/// Children wait for the end of a pipe, so that closing it ends them all without a signal.
pub(crate) fn forks(most: i64) -> Outcome {
    let mut pipe = [0; 2];
    // SAFETY: the array holds the two descriptors that the call makes.
    if unsafe { libc::pipe(pipe.as_mut_ptr()) } < 0 {
        return Outcome::last();
    }
    let mut children = Vec::new();
    let mut failure = None;
    for _ in 0..most.clamp(0, 4096) {
        // SAFETY: the child only reads and leaves by `_exit`.
        match unsafe { libc::fork() } {
            -1 => {
                failure = io::Error::last_os_error().raw_os_error();
                break;
            }
            0 => {
                let mut byte = 0u8;
                // SAFETY: closes the child's copy of the writing end, then reads until end of file.
                unsafe {
                    libc::close(pipe[1]);
                    libc::read(pipe[0], (&raw mut byte).cast(), 1);
                    libc::_exit(0)
                }
            }
            child => children.push(child),
        }
    }
    // SAFETY: both descriptors were made above; the children are ours.
    unsafe {
        libc::close(pipe[1]);
        libc::close(pipe[0]);
        for child in &children {
            libc::waitpid(*child, std::ptr::null_mut(), 0);
        }
    }
    counted(failure, children.len())
}

pub(crate) fn threads(most: i64) -> Outcome {
    let (hold, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Arc::new(Mutex::new(wait));
    let mut running = Vec::new();
    let mut failure = None;
    for _ in 0..most.clamp(0, 4096) {
        let wait = wait.clone();
        let stack = thread::Builder::new().stack_size(64 * 1024);
        match stack.spawn(move || drop(wait.lock().map(|end| end.recv()))) {
            Ok(thread) => running.push(thread),
            Err(error) => {
                failure = error.raw_os_error();
                break;
            }
        }
    }
    let count = running.len();
    drop(hold);
    running.into_iter().for_each(|thread| drop(thread.join()));
    counted(failure, count)
}

fn counted(failure: Option<i32>, count: usize) -> Outcome {
    failure.map_or_else(|| Outcome::Done(count.to_string()), |error| Outcome::ErrnoAfter(error, count))
}

pub(crate) fn allocate(mebibytes: i64) -> Outcome {
    let length = (mebibytes.clamp(1, 1 << 16) as usize) << 20;
    let (protection, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a fresh anonymous mapping at an address of the kernel's choice.
    let address = unsafe { libc::mmap(std::ptr::null_mut(), length, protection, kind, -1, 0) };
    if address == libc::MAP_FAILED {
        return Outcome::last();
    }
    for offset in (0..length).step_by(4096) {
        // SAFETY: the offset lies within the mapping made above.
        unsafe { address.cast::<u8>().add(offset).write_volatile(1) };
    }
    if let Ok(mut held) = HELD.lock() {
        held.push((address as usize, length));
    }
    Outcome::Done(String::new())
}

pub(crate) fn release() -> Outcome {
    for (address, length) in HELD.lock().map(|mut held| std::mem::take(&mut *held)).unwrap_or_default() {
        // SAFETY: the mapping was made by `allocate` and is forgotten here.
        unsafe { libc::munmap(address as *mut libc::c_void, length) };
    }
    Outcome::Done(String::new())
}

pub(crate) fn burn(milliseconds: i64) -> Outcome {
    let now = |clock| {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: writes the structure given.
        unsafe { libc::clock_gettime(clock, &raw mut time) };
        time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    };
    let (wall, used) = (now(libc::CLOCK_MONOTONIC), now(libc::CLOCK_PROCESS_CPUTIME_ID));
    while now(libc::CLOCK_MONOTONIC) - wall < milliseconds {
        std::hint::spin_loop();
    }
    Outcome::Done((now(libc::CLOCK_PROCESS_CPUTIME_ID) - used).to_string())
}

pub(crate) fn memfd() -> Outcome {
    // SAFETY: the name is a C string; the descriptor is closed at once.
    let fd = unsafe { libc::memfd_create(c"probe".as_ptr(), 0) };
    if fd >= 0 {
        // SAFETY: made above.
        unsafe { libc::close(fd) };
    }
    Outcome::of(fd.into())
}

pub(crate) fn executable_memory() -> Outcome {
    let protection = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
    let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a fresh mapping that nothing uses.
    let address = unsafe { libc::mmap(std::ptr::null_mut(), 4096, protection, kind, -1, 0) };
    if address == libc::MAP_FAILED { Outcome::last() } else { Outcome::Done(String::new()) }
}

pub(crate) fn exec() -> Outcome {
    let arguments = [c"/bin/true".as_ptr(), std::ptr::null()];
    // SAFETY: a fork that either executes or leaves by `_exit`; the array ends with null.
    match unsafe { libc::fork() } {
        -1 => Outcome::last(),
        // SAFETY: as above.
        0 => unsafe {
            libc::execv(arguments[0], arguments.as_ptr());
            libc::_exit(*libc::__errno_location())
        },
        child => {
            let mut status = 0;
            // SAFETY: waits for the child made above.
            unsafe { libc::waitpid(child, &raw mut status, 0) };
            match libc::WEXITSTATUS(status) {
                _ if libc::WIFSIGNALED(status) => Outcome::Refused("killed by a signal"),
                0 => Outcome::Done(String::new()),
                error => Outcome::Errno(error),
            }
        }
    }
}

/// A wait for another value than there is, a wake of nobody, and whatever else the number means.
pub(crate) fn futex(operation: i64) -> Outcome {
    let word = [0_u32; 2];
    // SAFETY: the words live on; who waits for a value that they do not have is sent away at once, and a
    // time that is over ends any other wait.
    Outcome::of(unsafe {
        let over = libc::timespec { tv_sec: 0, tv_nsec: 1 };
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            operation as libc::c_int,
            1,
            &raw const over,
            &raw const word[1],
            1,
        )
    })
}

const PAGE: usize = 4096;

fn page() -> *mut libc::c_void {
    let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a fresh mapping.
    unsafe { libc::mmap(std::ptr::null_mut(), PAGE, libc::PROT_READ | libc::PROT_WRITE, kind, -1, 0) }
}

pub(crate) fn advise(advice: i64) -> Outcome {
    let page = page();
    // SAFETY: the page is nobody else's, whatever becomes of it.
    unsafe {
        let outcome = Outcome::of(libc::madvise(page, PAGE, advice as libc::c_int).into());
        libc::munmap(page, PAGE);
        outcome
    }
}

pub(crate) fn map(arguments: &[&str]) -> Outcome {
    let number =
        |at: usize| arguments.get(at).and_then(|text| text.parse::<libc::c_int>().ok()).unwrap_or(-1);
    // SAFETY: a fresh mapping, at no place of our choice, that nothing uses.
    unsafe {
        let page = libc::mmap(std::ptr::null_mut(), PAGE, number(1), number(0), number(2), 0);
        if page == libc::MAP_FAILED {
            return Outcome::last();
        }
        libc::munmap(page, PAGE);
    }
    Outcome::Done(String::new())
}

/// Moves a page of its own, or one of its code, which would be the end of it.
pub(crate) fn move_memory(what: &str) -> Outcome {
    let own = page();
    let from = match what {
        "text" => ((move_memory as fn(&str) -> Outcome as usize) & !(PAGE - 1)) as *mut libc::c_void,
        _ => own,
    };
    // SAFETY: `own` is nobody else's; of code a length of zero would make a copy, and is an error for what is
    // not shared.
    let moved =
        unsafe { libc::mremap(from, if what == "text" { 0 } else { PAGE }, 2 * PAGE, libc::MREMAP_MAYMOVE) };
    if moved == libc::MAP_FAILED { Outcome::last() } else { Outcome::Done(String::new()) }
}

pub(crate) fn poll(count: i64) -> Outcome {
    let mut watched = [libc::pollfd { fd: 3, events: libc::POLLOUT, revents: 0 }; 64];
    // SAFETY: at most as many are looked at as there are.
    let ready = unsafe { libc::poll(watched.as_mut_ptr(), count.clamp(0, 64) as libc::nfds_t, 0) };
    if ready < 0 { Outcome::last() } else { Outcome::Done(String::new()) }
}

pub(crate) fn receive(flags: i64) -> Outcome {
    let mut byte = [0_u8; 1];
    // SAFETY: one byte for one byte.
    Outcome::of(unsafe {
        libc::recv(3, byte.as_mut_ptr().cast(), 1, flags as libc::c_int | libc::MSG_DONTWAIT)
    } as libc::c_long)
}

/// Of no bytes, which a stream does not send on.
pub(crate) fn send(flags: i64) -> Outcome {
    // SAFETY: nothing is read.
    Outcome::of(unsafe { libc::send(3, std::ptr::null(), 0, flags as libc::c_int) } as libc::c_long)
}

pub(crate) fn clock(id: i64) -> Outcome {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes the structure given. Not by the library, which may know without asking.
    Outcome::of(unsafe { libc::syscall(libc::SYS_clock_gettime, id as libc::clockid_t, &raw mut time) })
}
