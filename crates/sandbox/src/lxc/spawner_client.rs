//! Spawner client, the driver's end of its spawner: one child process, one socket, one task that sorts reports.
//!
//! A link belongs to one life of a spawner. When that ends, every waiting start and every vault of
//! this link is told by the closing of its channel, and the driver makes a new link.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::{sleep, timeout};

use super::protocol::{self, ConfigItems, Recipe, Report, SpawnerCommand, StartOrder};
use super::spawner::ARGV0;
use super::spawner_cgroup;
use crate::pidfd::{Pid, PidFd};
use crate::stable_fd::register;
use hauki_contract::system::tasks::{self, TaskKind};

/// A spawner that was told to leave ends its monitors first, for which it gives them two seconds.
const LEAVING: Duration = Duration::from_millis(2_500);

/// How often it is looked whether one that hangs still has vaults.
const LOOK: Duration = Duration::from_millis(500);

/// How a monitor ended, as its spawner saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MonitorExit {
    /// The wait status of the init, where it is known.
    pub init: Option<i32>,
    pub started: bool,
}

/// A monitor, the node's end of its vault's channel, and liblxc's log.
pub(super) struct ForkedMonitor {
    pub monitor: PidFd,
    pub channel: OwnedFd,
    pub log: OwnedFd,
}

/// The reports about one start.
pub(super) struct Launch {
    pub forked: oneshot::Receiver<io::Result<ForkedMonitor>>,
    /// Closed without a value when the spawner is lost.
    pub ended: watch::Receiver<Option<MonitorExit>>,
}

/// Says by its copies that somebody still needs a spawner.
pub(super) type Tenancy = Arc<()>;

struct Pending {
    forked: Option<oneshot::Sender<io::Result<ForkedMonitor>>>,
    ended: watch::Sender<Option<MonitorExit>>,
}

pub(super) struct SpawnerClient {
    socket: AsyncFd<OwnedFd>,
    pending: Mutex<HashMap<u64, Pending>>,
    lost: AtomicBool,
    /// It did not answer in time: it keeps the vaults that it has, and gets no new ones.
    hung: AtomicBool,
    /// Why it could not begin.
    unfit: OnceLock<(String, i32)>,
    end: Notify,
    /// Held by each vault of it until that is buried.
    tenancy: Tenancy,
    pid: u32,
    gone: watch::Receiver<bool>,
}

impl SpawnerClient {
    /// Starts a spawner. `empty` is a directory with nothing in it, for its PATH: liblxc then finds
    /// no `newuidmap` and writes the map itself, which is faster and does not ask /etc/subuid.
    pub(super) fn open(
        program: &[OsString],
        empty: &Path,
        hall: Option<&Path>,
        recipe: &Recipe,
    ) -> io::Result<Arc<Self>> {
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        rustix::io::ioctl_fionbio(&ours, true)?;
        protocol::send(&ours, &SpawnerCommand::Know(recipe.clone()), &[])?;
        let (first, rest) =
            program.split_first().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let mut child = tokio::process::Command::new(first)
            .arg0(ARGV0)
            .args(rest)
            .env_clear()
            .env("PATH", empty)
            // What the spawner has looked up in its libraries no monitor and no child of one looks up again.
            .env("LD_BIND_NOW", "1")
            .envs(hall.map(|hall| (spawner_cgroup::VARIABLE, hall)))
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let (gone_now, gone) = watch::channel(false);
        let link = Arc::new(Self {
            socket: register(ours, Interest::READABLE | Interest::WRITABLE)?,
            pending: Mutex::default(),
            lost: AtomicBool::new(false),
            hung: AtomicBool::new(false),
            unfit: OnceLock::new(),
            end: Notify::new(),
            tenancy: Tenancy::default(),
            pid: child.id().unwrap_or_default(),
            gone,
        });
        let watching = Arc::clone(&link);
        let sorting = Arc::clone(&link);
        // Two tasks: one sorts reports until the socket closes, one collects the dead child.
        tasks::spawn(TaskKind::Support, "spawner-reports", async move {
            sorting.sort_reports().await;
        });
        tasks::spawn(TaskKind::Support, "spawner-child", async move {
            tokio::select! {
                // Whatever its status was: the vaults are judged one by one.
                _ = child.wait() => {}
                () = watching.end.notified() => {
                    // Also of one that stands still. Its monitors, and their inits, die with it.
                    let _ = child.kill().await;
                }
            }
            watching.lose();
            gone_now.send_replace(true);
        });
        Ok(link)
    }

    /// For people and tests.
    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Becomes true when the process has ended and was collected.
    pub(super) fn gone(&self) -> watch::Receiver<bool> {
        self.gone.clone()
    }

    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// Whether it can be given another vault.
    pub(super) fn is_fit(&self) -> bool {
        !self.is_lost() && !self.hung.load(Ordering::Acquire)
    }

    pub(super) fn tenancy(&self) -> Tenancy {
        Arc::clone(&self.tenancy)
    }

    /// What it said before it left, if it could not begin.
    pub(super) fn unfit(&self) -> Option<(String, io::Error)> {
        let (step, errno) = self.unfit.get()?;
        Some((step.clone(), io::Error::from_raw_os_error(*errno)))
    }

    /// It does not answer. Its vaults live on, for their monitors need it only to be buried, and it is ended
    /// when the last of them is.
    pub(super) fn give_up(self: &Arc<Self>) {
        if self.hung.swap(true, Ordering::AcqRel) {
            return;
        }
        let link = Arc::clone(self);
        tasks::spawn(TaskKind::Support, "spawner-given-up", async move {
            let mut gone = link.gone();
            let empty = async {
                while Arc::strong_count(&link.tenancy) > 1 {
                    sleep(LOOK).await;
                }
            };
            tokio::select! {
                _ = gone.wait_for(|gone| *gone) => {}
                () = empty => link.end.notify_one(),
            }
        });
    }

    pub(super) async fn order(&self, order: StartOrder) -> io::Result<Launch> {
        let key = order.key;
        let (forked_tx, forked) = oneshot::channel();
        let (ended_tx, ended) = watch::channel(None);
        self.pending().insert(key, Pending { forked: Some(forked_tx), ended: ended_tx });
        // After the insertion: a link that was lost before it has forgotten everything but this.
        if let Err(error) = self.send(&SpawnerCommand::Start(order)).await {
            self.pending().remove(&key);
            // Short of memory, say, is the trouble of this order alone: a lost link ends all its vaults.
            if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) {
                self.lose();
            }
            return Err(error);
        }
        if self.is_lost() {
            self.pending().remove(&key);
        }
        Ok(Launch { forked, ended })
    }

    /// Asks for a monitor ahead. Without one the next start takes longer.
    pub(super) async fn ahead(&self, items: ConfigItems) {
        let _ = self.send(&SpawnerCommand::Ahead(items)).await;
    }

    async fn send(&self, wish: &SpawnerCommand) -> io::Result<()> {
        self.socket.async_io(Interest::WRITABLE, |socket| protocol::send(socket, wish, &[])).await
    }

    /// Tells the spawner that there will be no more, and waits for it to leave; one that does not is ended.
    pub(super) async fn close(&self) {
        // Half a close is seen by the other end as the end.
        let _ = rustix::net::shutdown(self.socket.get_ref(), rustix::net::Shutdown::Write);
        let mut gone = self.gone();
        if timeout(LEAVING, gone.wait_for(|gone| *gone)).await.is_err() {
            self.end.notify_one();
            let _ = gone.wait_for(|gone| *gone).await;
        }
    }

    async fn sort_reports(&self) {
        loop {
            let received =
                self.socket.async_io(Interest::READABLE, |socket| protocol::receive::<Report>(socket)).await;
            match received {
                Ok(Some((report, fds))) => self.sort(report, fds),
                // Closed, or not speaking our language: either way it is of no more use.
                Ok(None) | Err(_) => return self.lose(),
            }
        }
    }

    fn sort(&self, report: Report, fds: Vec<OwnedFd>) {
        let mut pending = self.pending();
        match report {
            Report::Unfit { step, errno } => {
                let _ = self.unfit.set((step, errno));
            }
            Report::Forked { key, monitor } => {
                let waiting = pending.get_mut(&key).and_then(|pending| pending.forked.take());
                let forked = Pid::new(monitor).zip(<[OwnedFd; protocol::MOST_FDS]>::try_from(fds).ok()).map(
                    |(pid, [process, channel, log])| ForkedMonitor {
                        monitor: PidFd::passed(process, pid),
                        channel,
                        log,
                    },
                );
                if let Some(waiting) = waiting {
                    // Where descriptors run out, the kernel drops those that a message brings. A start that
                    // nobody waits for any more is undone by its own task.
                    let _ = waiting.send(forked.ok_or_else(|| io::Error::from_raw_os_error(libc::EMFILE)));
                }
            }
            Report::NotForked { key, errno } => {
                if let Some(Pending { forked: Some(waiting), .. }) = pending.remove(&key) {
                    let _ = waiting.send(Err(io::Error::from_raw_os_error(errno)));
                }
            }
            Report::Ended { key, init, started } => {
                if let Some(ended) = pending.remove(&key) {
                    ended.ended.send_replace(Some(MonitorExit { init, started }));
                }
            }
        }
    }

    fn lose(&self) {
        self.lost.store(true, Ordering::Release);
        // A spawner that still runs leaves: nobody would ever speak to it again.
        let _ = rustix::net::shutdown(self.socket.get_ref(), rustix::net::Shutdown::Both);
        self.pending().clear();
    }

    fn pending(&self) -> MutexGuard<'_, HashMap<u64, Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MonitorEnd {
    Status(i32),
    Signal(i32),
}

/// Reads the status that liblxc reports for an init. For one that died of a signal liblxc 5 encodes
/// it the way in which the kernel encodes a *stop* by that signal.
pub(super) fn wait_status(status: i32) -> MonitorEnd {
    if libc::WIFSTOPPED(status) {
        MonitorEnd::Signal(libc::WSTOPSIG(status))
    } else if libc::WIFSIGNALED(status) {
        MonitorEnd::Signal(libc::WTERMSIG(status))
    } else {
        MonitorEnd::Status(libc::WEXITSTATUS(status))
    }
}

/// Waits for the end of a monitor; `None` when its spawner was lost and nobody can tell.
pub(super) async fn end_of(ended: &watch::Receiver<Option<MonitorExit>>) -> Option<MonitorExit> {
    let mut ended = ended.clone();
    ended.wait_for(Option::is_some).await.ok().and_then(|ended| *ended)
}
