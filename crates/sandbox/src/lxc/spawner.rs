//! The spawner: a process with one thread that forks one monitor per vault, and one ahead when it is told.
//!
//! liblxc refuses to start a container in the foreground from a process with several threads, sets
//! environment variables and keeps global state, and in the background it moves its *caller* into
//! the vault's cgroup; so `haukid`, which has many threads, re-executes itself as this. The spawner
//! owns the monitors' pids (it alone reaps them, and the inits of those that were ended first) and
//! nothing else; it does what it is told and reports what it sees. It leaves when the driver's end of the socket closes: the inits see the end
//! of their channels at the same moment and end by themselves, the monitors after them, and the spawner
//! removes the cgroups, its own last. What has not ended within `GRACE_MS` dies with the spawner.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::ExitCode;

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Resource, Rlimit, WaitOptions, getrlimit, set_child_subreaper, setrlimit, wait};
use rustix::thread::{CapabilitySet, capabilities};

use super::ffi;
use super::hide_cgroups::{cover, uncover};
use super::prefork::{Begun, PreforkedMonitor};
use super::protocol::{self, ConfigItems, ExitRecord, InlineId, Recipe, Report, SpawnerCommand, StartOrder};
use super::spawner_cgroup;
use super::vault_cgroups;
use crate::pidfd::{Pid, PidFd};
use crate::stopwatch::Moment;

/// The name under which `haukid` starts itself as a spawner.
pub const ARGV0: &str = "hauki-spawner";

/// No start takes longer; the driver gives it up long before.
const LONGEST_START_MS: u64 = 10_000;

/// How long the monitors may take to end after the driver is gone.
const GRACE_MS: u64 = 2_000;

/// So many vaults that ended are remembered while there is a driver.
const RECENT: usize = 256;

const CONTROL: u64 = u64::MAX;
const ENDS: u64 = u64::MAX - 1;

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
    // Nobody reads this process's standard error: its files are those of a daemon. What it cannot begin
    // without it says to the driver; what goes wrong later shows there as the loss of the spawner.
    let hall = match settle() {
        Ok(hall) => hall,
        Err((step, error)) => {
            let errno = error.raw_os_error().unwrap_or(libc::EINVAL);
            let _ = protocol::send(&control, &Report::Unfit { step, errno }, &[]);
            return ExitCode::FAILURE;
        }
    };
    let ended = Spawner::new(control, hall).and_then(|mut spawner| {
        let ended = spawner.run();
        spawner.tidy();
        ended
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// As many descriptors as this process may have: each vault takes some in `haukid`.
pub(super) fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    // Without it there is only room for fewer vaults.
    let _ = setrlimit(Resource::Nofile, raised);
}

/// What is left of a time since a moment, in microseconds; `None` when it is over.
fn left(ms: u64, since: Moment) -> Option<u64> {
    (ms * 1_000).checked_sub(since.elapsed_us()).filter(|us| *us > 0)
}

struct Spawner {
    pid: Pid,
    hall: Option<PathBuf>,
    control: OwnedFd,
    epoll: OwnedFd,
    null: OwnedFd,
    /// Readable when children have ended.
    ends: OwnedFd,
    words: OwnedFd,
    words_in: OwnedFd,
    /// The first thing that it is told.
    recipe: Option<Recipe>,
    monitors: HashMap<Pid, Monitor>,
    /// Ended vaults whose groups no driver is there to remove, and those that ended last.
    left: Vec<InlineId>,
    /// By their monitors' numbers.
    last_words: HashMap<i32, ExitRecord>,
    spare: Option<PreforkedMonitor>,
    /// May give a process its share of the cores again.
    is_nice: bool,
}

struct Monitor {
    key: u64,
    vault: InlineId,
    since: Moment,
}

/// Leaves what it was born into, and enters its cgroup.
fn settle() -> Result<Option<PathBuf>, (String, io::Error)> {
    let failed = |step: &str| {
        let step = step.to_owned();
        move |error| (step, error)
    };
    ffi::ignore_strays();
    // A session of its own: a Ctrl-C meant for a `haukid` in the foreground is not for the monitors, which clean up.
    rustix::process::setsid().map_err(|error| failed("begin a session")(error.into()))?;
    rustix::process::chdir("/").map_err(|error| failed("go to /")(error.into()))?;
    let hall = std::env::var_os(spawner_cgroup::VARIABLE).map(PathBuf::from);
    if let Some(hall) = &hall {
        spawner_cgroup::enter(hall).map_err(failed(&format!("enter the cgroup {}", hall.display())))?;
    }
    // SAFETY: a spawner has one thread.
    unsafe { ffi::own_mounts() }.map_err(failed("have mounts of its own"))?;
    cover().map_err(failed("cover /sys/fs/cgroup"))?;
    Ok(hall)
}

impl Spawner {
    fn new(control: OwnedFd, hall: Option<PathBuf>) -> io::Result<Self> {
        let pid = Pid::new(std::process::id().cast_signed()).ok_or(io::ErrorKind::Unsupported)?;
        // The init of a monitor that was ended is left to this process, not to the machine's first.
        set_child_subreaper(Some(rustix::process::getpid()))?;
        // Only what `ps` shows.
        let _ = rustix::thread::set_name(c"hauki-spawner");
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
        let (words, words_in) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        // The monitors must block rather than lose their last word.
        rustix::io::ioctl_fionbio(&words_in, false)?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &control, epoll::EventData::new_u64(CONTROL), epoll::EventFlags::IN)?;
        let ends = ffi::children()?;
        epoll::add(&epoll, &ends, epoll::EventData::new_u64(ENDS), epoll::EventFlags::IN)?;
        Ok(Self {
            pid,
            hall,
            control,
            epoll,
            null,
            ends,
            words,
            words_in,
            recipe: None,
            monitors: HashMap::new(),
            left: Vec::new(),
            last_words: HashMap::new(),
            spare: None,
            is_nice: capabilities(None)?.effective.contains(CapabilitySet::SYS_NICE),
        })
    }

    fn run(&mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(64);
        let mut alone_since = None;
        loop {
            let left_us = match alone_since {
                None => None,
                Some(_) if self.monitors.is_empty() => return Ok(()),
                Some(since) => match left(GRACE_MS, since) {
                    None => return Ok(()),
                    some => some,
                },
            };
            let timeout = left_us.map(|us| Timespec {
                tv_sec: (us / 1_000_000).cast_signed(),
                tv_nsec: (us % 1_000_000 * 1_000).cast_signed(),
            });
            events.clear();
            match epoll::wait(&self.epoll, spare_capacity(&mut events), timeout.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            for event in &events {
                let data = event.data;
                if data.u64() == ENDS {
                    self.reap()?;
                } else if !self.obey()? {
                    epoll::delete(&self.epoll, &self.control)?;
                    self.spare.take().map_or(Ok(()), PreforkedMonitor::see_off)?;
                    alone_since = Some(Moment::now());
                }
            }
        }
    }

    /// Takes one wish; `false` when there will be no more.
    fn obey(&mut self) -> io::Result<bool> {
        let wish = match protocol::receive::<SpawnerCommand>(&self.control) {
            Ok(Some((wish, _))) => wish,
            Ok(None) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(false),
            Err(error) => return Err(error),
        };
        match wish {
            SpawnerCommand::Know(recipe) => self.recipe = Some(recipe),
            SpawnerCommand::Start(order) => self.start(order)?,
            SpawnerCommand::Ahead(items) => {
                if !self.spare.as_ref().is_some_and(|spare| spare.fits(&items)) {
                    self.spare.take().map_or(Ok(()), PreforkedMonitor::dismiss)?;
                    // Without one the next order forks.
                    self.spare = self
                        .breed(items)
                        .ok()
                        .map(|spare| if self.is_nice { spare.stand_back() } else { spare });
                }
            }
        }
        Ok(true)
    }

    fn start(&mut self, order: StartOrder) -> io::Result<()> {
        let StartOrder { key, vault, items } = order;
        match self.employ(items) {
            Ok(Begun { process, channel, log }) => {
                let monitor = process.pid();
                self.monitors.insert(monitor, Monitor { key, vault, since: Moment::now() });
                let fork = Report::Forked { key, monitor: monitor.as_u32().cast_signed() };
                self.tell(&fork, &[process.as_fd(), channel.as_fd(), log.as_fd()])?;
            }
            Err(error) => {
                let errno = error.raw_os_error().unwrap_or(libc::EINVAL);
                self.tell(&Report::NotForked { key, errno }, &[])?;
            }
        }
        Ok(())
    }

    /// Lets the spare monitor begin, or a new one where there is none that fits.
    fn employ(&mut self, items: ConfigItems) -> io::Result<Begun> {
        match self.spare.take() {
            Some(spare) if spare.fits(&items) => {
                match spare.begin() {
                    Ok(begun) => return Ok(begun),
                    // Being privileged here need not be enough to give a process its share again.
                    Err(error) if error.kind() == io::ErrorKind::PermissionDenied => self.is_nice = false,
                    // It may have been ended at this very moment.
                    Err(_) => {}
                }
            }
            spare => spare.map_or(Ok(()), PreforkedMonitor::dismiss)?,
        }
        self.breed(items)?.begin()
    }

    fn breed(&self, items: ConfigItems) -> io::Result<PreforkedMonitor> {
        let recipe = self.recipe.as_ref().ok_or(io::ErrorKind::InvalidInput)?;
        PreforkedMonitor::breed(recipe, items, self.null.as_fd(), self.words_in.as_fd(), self.pid)
    }

    /// Collects what the monitors said before they exited.
    fn listen(&mut self) -> io::Result<()> {
        let mut bytes = [0; ExitRecord::LENGTH];
        loop {
            match rustix::io::read(&self.words, &mut bytes) {
                // Records are written whole, and this process holds a writing end itself.
                Ok(_) => {
                    let word = ExitRecord::decode(&bytes);
                    self.last_words.insert(word.monitor, word);
                }
                Err(rustix::io::Errno::AGAIN) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Collects everything that has ended.
    fn reap(&mut self) -> io::Result<()> {
        let mut signals = [0; 512];
        // Signals of one kind merge, so only that there was one is told; no child is missed, for they
        // are looked at after this.
        match rustix::io::read(&self.ends, &mut signals) {
            Ok(_) | Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut ended = Vec::new();
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, _))) => {
                    let Some(pid) = Pid::new(pid.as_raw_nonzero().get()) else { continue };
                    self.spare.take_if(|spare| spare.process.pid() == pid);
                    // Another than a monitor is an init that was left behind by one.
                    ended.push((pid.as_u32().cast_signed(), self.monitors.remove(&pid)));
                }
                Ok(None) | Err(rustix::io::Errno::CHILD) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // Their words, if they had any, were in the pipe before they died. All are collected before
        // the first is told of: who hears of a monitor's end may take it that its init is gone too.
        self.listen()?;
        let ended: Vec<_> = ended
            .into_iter()
            .map(|(number, monitor)| (self.last_words.remove(&number), monitor))
            .filter_map(|(word, monitor)| Some((word, monitor?)))
            .collect();
        // Of a spare one nobody waits for a word, and its number may come again.
        let living = &self.monitors;
        self.last_words.retain(|number, _| Pid::new(*number).is_some_and(|pid| living.contains_key(&pid)));
        let is_torn = |(word, monitor): &(Option<ExitRecord>, Monitor)| {
            word.is_none() && left(LONGEST_START_MS, monitor.since).is_some()
        };
        if ended.iter().any(is_torn) {
            self.end_orphans();
        }
        for (word, Monitor { key, vault, .. }) in ended {
            let ended = Report::Ended {
                key,
                init: word.filter(|word| word.started || word.init != 0).map(|word| word.init),
                started: word.is_some_and(|word| word.started),
            };
            // Who was told may be dying, and have heard it no more.
            let old = if self.tell(&ended, &[])? { self.left.len().saturating_sub(RECENT) } else { 0 };
            self.left.drain(..old);
            self.left.push(vault);
        }
        Ok(())
    }

    /// Ends the inits that monitors left to this process in the middle of a start. The kernel does so for
    /// most; not for one that liblxc was just giving another user.
    fn end_orphans(&self) {
        let children = std::fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
        let children = children.split_whitespace().filter_map(|pid| pid.parse().ok()).filter_map(Pid::new);
        let spare = self.spare.as_ref().map(|spare| spare.process.pid());
        for orphan in children.filter(|pid| !self.monitors.contains_key(pid) && Some(*pid) != spare) {
            // Ours and not reaped, so the number is still its own.
            let _ = PidFd::open(orphan).and_then(|orphan| orphan.kill());
        }
    }

    /// `false` if the driver is gone; that its end is closed is seen elsewhere.
    fn tell(&self, report: &Report, fds: &[std::os::fd::BorrowedFd<'_>]) -> io::Result<bool> {
        match protocol::send(&self.control, report, fds) {
            Err(error)
                if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) =>
            {
                Ok(false)
            }
            sent => sent.map(|()| true),
        }
    }

    /// Removes what the driver would have removed. What cannot be is left to the sweep of the next one.
    fn tidy(&self) {
        if uncover().is_err() {
            return;
        }
        let places = self.recipe.as_ref().map_or(&[][..], |recipe| &recipe.groups);
        for place in places {
            for vault in &self.left {
                let _ = std::fs::remove_dir(place.join(vault_cgroups::leaf(vault.as_str())));
            }
        }
        if let Some(hall) = &self.hall {
            let _ = spawner_cgroup::leave(hall);
        }
    }
}
