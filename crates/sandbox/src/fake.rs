//! Fake driver, without LXC: the same init as a plain child process, with no isolation whatever.
//!
//! For tests of what happens around a sandbox, on machines without root and for failures that the
//! real one does not show on demand. It is always compiled and chosen by value, and passes the same
//! conformance suite. It owns its child processes; when it crashes they end by themselves, because
//! their channels close, so there is never anything to sweep.

use std::collections::HashSet;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use super::pidfd::{Pid, PidFd};
use super::stopwatch::Moment;
use super::{BoxFuture, Driver, InitExit, Sandbox, StartError, Started, SweepError, Swept, outer_limits};
use hauki_contract::model::check::Check;
use hauki_contract::model::id::VaultId;
use hauki_contract::model::limits::{Controller, Limits};
use hauki_contract::model::receipt::{Reclaimed, Resource};
use hauki_contract::rpc::channel::CHANNEL_FD;
use hauki_contract::system::tasks::{self, TaskKind};

/// What shall go wrong from now on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    pub start: StartFault,
    /// `reclaim` says that the cgroups are still there.
    pub leftovers: bool,
    /// How long it takes until what is dead is gone.
    pub reclaims_after: Duration,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StartFault {
    #[default]
    None,
    /// Every start is refused.
    Fails,
    /// Every start never ends.
    Hangs,
}

#[derive(Clone)]
pub struct FakeDriver {
    init: PathBuf,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    faults: Mutex<Faults>,
    live: watch::Sender<HashSet<VaultId>>,
}

impl State {
    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FakeDriver {
    /// `init` is the program that the real driver would put into a vault.
    #[must_use]
    pub fn new(init: PathBuf) -> Self {
        Self { init, state: Arc::default() }
    }

    pub fn set_faults(&self, faults: Faults) {
        *self.state.faults() = faults;
    }

    fn spawn(&self) -> io::Result<(OwnedFd, Child)> {
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        rustix::io::ioctl_fionbio(&ours, true)?;
        let mut command = Command::new(&self.init);
        command
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let channel = theirs.as_raw_fd();
        let place = move || {
            // SAFETY: dup2 works on numbers and may be called between fork and exec; where the two
            // are the same it changes nothing, so there the flag that closes it is taken off.
            let placed = unsafe {
                if channel == CHANNEL_FD {
                    libc::fcntl(channel, libc::F_SETFD, 0)
                } else {
                    libc::dup2(channel, CHANNEL_FD)
                }
            };
            if placed < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
        };
        // SAFETY: the closure makes two system calls at most, and neither allocates nor locks.
        unsafe { command.pre_exec(place) };
        let child = command.spawn()?;
        Ok((ours, child))
    }

    fn launch(&self, id: &VaultId) -> Result<Started, StartError> {
        let failed = |step| move |source| StartError::System { vault: id.clone(), step, source };
        if !self.state.live.send_if_modified(|live| live.insert(id.clone())) {
            return Err(failed("start it twice")(io::ErrorKind::AlreadyExists.into()));
        }
        let started = self.spawn().and_then(|(channel, child)| {
            let number = child.id().unwrap_or_default();
            let pid = Pid::new(number.cast_signed()).ok_or(io::ErrorKind::NotFound)?;
            // Nobody but our supervisor reaps it, so the number is still its own.
            let init = Arc::new(PidFd::open(pid)?);
            Ok(Started {
                channel,
                sandbox: FakeSandbox::keep(Arc::clone(&self.state), id.clone(), init, child),
            })
        });
        started.map_err(|source| {
            self.state.live.send_if_modified(|live| live.remove(id));
            failed("start its init")(source)
        })
    }
}

impl Driver for FakeDriver {
    fn start<'a>(
        &'a self,
        id: &'a VaultId,
        _limits: &'a Limits,
    ) -> BoxFuture<'a, Result<Started, StartError>> {
        let fault = self.state.faults().start;
        Box::pin(async move {
            match fault {
                StartFault::None => self.launch(id),
                StartFault::Fails => {
                    let (maker, detail) = ("the fake", "it was told to fail".to_owned());
                    Err(StartError::Refused { maker, vault: id.clone(), detail })
                }
                StartFault::Hangs => std::future::pending().await,
            }
        })
    }

    fn sweep(&self) -> BoxFuture<'_, Result<Swept, SweepError>> {
        Box::pin(async { Ok(Swept::default()) })
    }

    fn serves(&self, blank: &Limits, wanted: &Limits) -> bool {
        outer_limits(blank) == outer_limits(wanted)
    }

    fn unlimited(&self) -> Vec<Controller> {
        Controller::ALL.into()
    }

    fn diagnose(&self) -> BoxFuture<'_, Vec<Check>> {
        Box::pin(async { vec![Check::warn("the fake sandbox isolates nothing", "node.sandbox: lxc")] })
    }

    fn idle(&self) -> BoxFuture<'_, ()> {
        let mut live = self.state.live.subscribe();
        // The sender lives in `state`, so it cannot be gone.
        Box::pin(async move { drop(live.wait_for(HashSet::is_empty).await) })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

struct FakeSandbox {
    init: Arc<PidFd>,
    killed: Arc<OnceLock<Moment>>,
    exit: watch::Receiver<Option<InitExit>>,
    lines: watch::Receiver<Option<Vec<Reclaimed>>>,
}

impl FakeSandbox {
    fn keep(state: Arc<State>, id: VaultId, init: Arc<PidFd>, mut child: Child) -> Arc<Self> {
        let (exit_tx, exit) = watch::channel(None);
        let (lines_tx, lines) = watch::channel(None);
        let killed = Arc::new(OnceLock::new());
        let sandbox = Arc::new(Self { init: Arc::clone(&init), killed: Arc::clone(&killed), exit, lines });
        tasks::spawn(TaskKind::Support, "fake-vault", async move {
            let status = child.wait().await;
            let over = *killed.get_or_init(Moment::now);
            exit_tx.send_replace(Some(status.map_or(InitExit::Unknown, exit_of)));
            let line = |what: Resource, name, gone| Reclaimed {
                what: what.into(),
                name,
                gone_after_us: over.elapsed_us(),
                gone,
            };
            let after = state.faults().reclaims_after;
            tokio::time::sleep(after).await;
            let mut lines =
                vec![line(Resource::Process, format!("pid {}", init.pid().as_u32()), init.is_dead())];
            if state.faults().leftovers {
                lines.push(line(Resource::Cgroups, format!("fake/{id}"), false));
            }
            state.live.send_if_modified(|live| live.remove(&id));
            lines_tx.send_replace(Some(lines));
        });
        sandbox
    }
}

impl Sandbox for FakeSandbox {
    fn init_pid(&self) -> u32 {
        self.init.pid().as_u32()
    }

    fn settle(&self, core: Option<usize>) {
        let _ = self.init.settle(core);
    }

    fn is_dead(&self) -> bool {
        self.init.is_dead()
    }

    fn kill(&self) {
        if !self.init.is_dead() {
            self.killed.get_or_init(Moment::now);
            // It is our own child, so there is no other failure than that it is gone.
            let _ = self.init.kill();
        }
    }

    fn died(&self) -> BoxFuture<'_, InitExit> {
        let mut exit = self.exit.clone();
        Box::pin(async move {
            exit.wait_for(Option::is_some).await.ok().and_then(|exit| *exit).unwrap_or(InitExit::Unknown)
        })
    }

    fn reclaim(&self) -> BoxFuture<'_, Vec<Reclaimed>> {
        let mut lines = self.lines.clone();
        Box::pin(async move {
            self.kill();
            lines.wait_for(Option::is_some).await.ok().and_then(|lines| lines.clone()).unwrap_or_default()
        })
    }
}

impl Drop for FakeSandbox {
    fn drop(&mut self) {
        self.kill();
    }
}

fn exit_of(status: ExitStatus) -> InitExit {
    match (status.code(), status.signal()) {
        (Some(code), _) => InitExit::Status(code),
        (None, Some(signal)) => InitExit::Signal(signal),
        (None, None) => InitExit::Unknown,
    }
}
