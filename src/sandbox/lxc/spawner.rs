//! The spawner: a process with one thread that forks one monitor per vault.
//!
//! liblxc refuses to start a container in the foreground from a process with several threads, sets
//! environment variables and keeps global state, and in the background it moves its *caller* into
//! the vault's cgroup; so `haukid`, which has many threads, re-executes itself as this. The spawner
//! owns the monitors' pids (it alone reaps them) and nothing else; it does what it is told and
//! reports what it sees. It leaves when the driver's end of the socket closes: the inits see the end
//! of their channels at the same moment and end by themselves, and the monitors clean up. What has
//! not ended within `GRACE_MS` dies with the spawner.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::process::{Resource, Rlimit, WaitId, WaitIdOptions, getrlimit, setrlimit, waitid};

use super::ffi::{self, Forked};
use super::monitor::{self, Birth};
use super::wire::{self, LastWord, Order, Report};
use crate::sandbox::pidfd::{Pid, PidFd};
use crate::sandbox::stopwatch::Moment;

/// The name under which `haukid` starts itself as a spawner.
pub const ARGV0: &str = "hauki-spawner";

/// How long the monitors may take to clean up after the driver is gone.
const GRACE_MS: u64 = 2_000;

const CONTROL: u64 = u64::MAX;
const WORDS: u64 = u64::MAX - 1;

/// Becomes the spawner if this process was started as one. Must be called first in `main`, before
/// anything starts a thread or opens a file.
#[must_use]
pub fn dispatch() -> Option<ExitCode> {
    let argv0 = std::env::args_os().next()?;
    if argv0 != OsStr::new(ARGV0) {
        return None;
    }
    // SAFETY: the driver starts a spawner with the control socket as standard input, and nothing
    // has run in this process that could use it for anything else.
    let control = unsafe { ffi::standard_input() };
    Some(main(control))
}

fn main(control: OwnedFd) -> ExitCode {
    raise_descriptor_limit();
    // Nobody reads this process's standard error: its files are those of a daemon. What goes wrong
    // shows at the driver as the loss of the spawner.
    match Spawner::new(control).and_then(|mut spawner| spawner.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// As many descriptors as this process may have: each vault takes one here and five in `haukid`.
pub(super) fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    // Without it there is only room for fewer vaults.
    let _ = setrlimit(Resource::Nofile, raised);
}

struct Spawner {
    pid: Pid,
    control: OwnedFd,
    epoll: OwnedFd,
    null: OwnedFd,
    words: OwnedFd,
    words_in: OwnedFd,
    monitors: HashMap<u64, PidFd>,
    last_words: HashMap<u64, LastWord>,
}

impl Spawner {
    fn new(control: OwnedFd) -> io::Result<Self> {
        // Of a session of its own: a Ctrl-C meant for a `haukid` in the foreground is not for the
        // monitors, which have to clean up.
        rustix::process::setsid()?;
        rustix::process::chdir("/")?;
        let control = rustix::io::fcntl_dupfd_cloexec(&control, 3)?;
        let null = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
        let plan =
            [(null.as_fd(), true), (null.as_fd(), true), (null.as_fd(), true), (control.as_fd(), false)];
        // SAFETY: the owners of the numbers that change are the two above, which are forgotten next.
        unsafe { ffi::lay_out(&plan) }?;
        std::mem::forget((null, control));
        let control = {
            use std::os::fd::FromRawFd;
            // SAFETY: `lay_out` has put the control socket at 3, and nothing owns that number yet.
            unsafe { OwnedFd::from_raw_fd(3) }
        };
        let null = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null")?.into();
        let (words, words_in) =
            rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC | rustix::pipe::PipeFlags::NONBLOCK)?;
        // The monitors must block rather than lose their last word.
        rustix::io::ioctl_fionbio(&words_in, false)?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &control, epoll::EventData::new_u64(CONTROL), epoll::EventFlags::IN)?;
        epoll::add(&epoll, &words, epoll::EventData::new_u64(WORDS), epoll::EventFlags::IN)?;
        let pid = Pid::new(std::process::id().cast_signed()).ok_or(io::ErrorKind::Unsupported)?;
        Ok(Self {
            pid,
            control,
            epoll,
            null,
            words,
            words_in,
            monitors: HashMap::new(),
            last_words: HashMap::new(),
        })
    }

    fn run(&mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(64);
        let mut alone_since = None;
        loop {
            let timeout = match alone_since {
                None => None,
                Some(_) if self.monitors.is_empty() => return Ok(()),
                Some(since) => match (GRACE_MS * 1_000).checked_sub(Moment::elapsed_us(since)) {
                    None => return Ok(()),
                    Some(us) => Some(Timespec {
                        tv_sec: (us / 1_000_000).cast_signed(),
                        tv_nsec: (us % 1_000_000 * 1_000).cast_signed(),
                    }),
                },
            };
            events.clear();
            match epoll::wait(&self.epoll, spare_capacity(&mut events), timeout.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            for event in &events {
                let data = event.data;
                match data.u64() {
                    CONTROL => {
                        if !self.obey()? {
                            epoll::delete(&self.epoll, &self.control)?;
                            alone_since = Some(Moment::now());
                        }
                    }
                    WORDS => self.listen()?,
                    key => self.reap(key)?,
                }
            }
        }
    }

    /// Takes one order; `false` when there will be no more.
    fn obey(&mut self) -> io::Result<bool> {
        let (order, fds) = match wire::receive::<Order>(&self.control) {
            Ok(Some(received)) => received,
            Ok(None) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(false),
            Err(error) => return Err(error),
        };
        let key = order.key;
        let report = match self.fork(&order, fds) {
            Ok(process) => {
                let monitor = process.pid();
                epoll::add(&self.epoll, &process, epoll::EventData::new_u64(key), epoll::EventFlags::IN)?;
                let fork = Report::Forked { key, monitor: monitor.as_u32().cast_signed() };
                let sent = self.tell(&fork, &[process.as_fd()]);
                self.monitors.insert(key, process);
                return sent.map(|()| true);
            }
            Err(error) => Report::NotForked { key, errno: error.raw_os_error().unwrap_or(libc::EINVAL) },
        };
        self.tell(&report, &[]).map(|()| true)
    }

    fn fork(&mut self, order: &Order, fds: Vec<OwnedFd>) -> io::Result<PidFd> {
        let mut fds = fds.into_iter();
        let (Some(channel), Some(log)) = (fds.next(), fds.next()) else {
            // Where descriptors run out, the kernel drops those that a message brings.
            return Err(io::Error::from_raw_os_error(libc::EMFILE));
        };
        // Held free for the pidfd: a monitor without one could neither be watched nor ended.
        let room = self.null.try_clone()?;
        // SAFETY: this process has one thread: it has started none, and liblxc is never called here
        // but only in the children.
        match unsafe { ffi::fork() }? {
            Forked::Parent(monitor) => {
                drop(room);
                // Not reaped before `reap`, so the number is still its own.
                PidFd::open(monitor)
            }
            Forked::Child => {
                std::mem::forget(room);
                monitor::live(Birth {
                    order,
                    null: self.null.as_fd(),
                    channel,
                    log,
                    report: self.words_in.as_fd(),
                    spawner: self.pid,
                })
            }
        }
    }

    /// Collects what the monitors said before they exited.
    fn listen(&mut self) -> io::Result<()> {
        let mut bytes = [0; LastWord::LENGTH];
        loop {
            match rustix::io::read(&self.words, &mut bytes) {
                // Records are written whole, and this process holds a writing end itself.
                Ok(_) => {
                    let word = LastWord::decode(&bytes);
                    self.last_words.insert(word.key, word);
                }
                Err(rustix::io::Errno::AGAIN) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn reap(&mut self, key: u64) -> io::Result<()> {
        let Some(process) = self.monitors.get(&key) else { return Ok(()) };
        if waitid(WaitId::PidFd(process.as_fd()), WaitIdOptions::EXITED | WaitIdOptions::NOHANG)?.is_none() {
            return Ok(());
        }
        // The driver holds a copy of this pidfd, so closing ours would leave it in the epoll set.
        epoll::delete(&self.epoll, process)?;
        // Its word, if it had one, was in the pipe before it died.
        self.listen()?;
        self.monitors.remove(&key);
        let word = self.last_words.remove(&key);
        let ended = Report::Ended {
            key,
            init: word.filter(|word| word.started || word.init != 0).map(|word| word.init),
            started: word.is_some_and(|word| word.started),
        };
        self.tell(&ended, &[])
    }

    /// A driver that is gone does not have to be told; the closing of its end is seen elsewhere.
    fn tell(&self, report: &Report, fds: &[std::os::fd::BorrowedFd<'_>]) -> io::Result<()> {
        match wire::send(&self.control, report, fds) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            sent => sent,
        }
    }
}
