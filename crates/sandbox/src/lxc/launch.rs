//! Container start: one start, from the order to the init's first byte, and its undoing.
//!
//! The init's pid is learned from the init itself: the kernel attaches the sender's pid to the first
//! bytes on the channel, before any worker runs, and translates it for us. A pidfd made from it is
//! trusted only when the process is a child of the monitor, which cannot have been replaced while
//! we hold a pidfd of it that is alive.

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::net::sockopt::set_socket_passcred;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use tokio::io::Interest;
use tokio::sync::watch;
use tokio::time::timeout;

use super::config;
use super::failure;
use super::idrange::IdRange;
use super::isolation_check;
use super::isolation_error::IsolationError;
use super::protocol::{InlineId, StartOrder};
use super::prune::prune;
use super::spawner_client::{ForkedMonitor, Launch, MonitorExit, end_of};
use super::spawner_supervisor::SpawnerError;
use super::vault::{LxcSandbox, VaultParts};
use super::vault_cgroups::VaultCgroups;
use super::{SPAWNER, Shared};
use crate::StartError;
use crate::pidfd::{Pid, PidFd, Watched, parent_of};
use crate::stable_fd::register;
use hauki_contract::model::id::VaultId;
use hauki_contract::model::limits::Limits;
use hauki_contract::system::cpu_latency;
use hauki_contract::system::tasks::{self, Task, TaskKind};

/// A start takes milliseconds; one that takes this long does not end by itself.
const LONGEST_START: Duration = Duration::from_secs(5);

/// A spawner answers in a millisecond. One that takes this long has been stopped, or waits for what does not come.
const ANSWER: Duration = Duration::from_secs(2);

/// How long an undone start may take to go away.
const UNDO: Duration = Duration::from_secs(5);
/// And before it is looked for.
const LEAVING: Duration = Duration::from_millis(500);

/// From one monitor to the next, which waits for the vault to come. It runs on cores that nobody wants, of
/// which a start leaves one for most of its time; its forking takes one all the same.
const AHEAD: Duration = Duration::from_millis(1);

/// The caller has put the id among the live ones.
pub(super) async fn launch(
    shared: Arc<Shared>,
    id: &VaultId,
    limits: &Limits,
) -> Result<(OwnedFd, Arc<LxcSandbox>), StartError> {
    let mut result = prepared(&shared, id, limits).await;
    if matches!(&result, Err(StartError::HelperLost { source, .. }) if source.kind() == io::ErrorKind::TimedOut)
    {
        // It hangs, and is passed over from now on.
        result = prepared(&shared, id, limits).await;
    }
    if matches!(&result, Err(StartError::Refused { .. })) {
        // The first of all may have met somebody's kill; what is wrong with the machine it meets again.
        result = prepared(&shared, id, limits).await;
    }
    if result.is_err() {
        shared.forget(id.as_str());
    }
    result
}

/// Has a monitor wait for the next vault.
async fn look_ahead(shared: Arc<Shared>) {
    tokio::time::sleep(AHEAD).await;
    let Some(link) = shared.spawners.current().await else { return };
    if let Some(range) = shared.slots.foresee() {
        link.ahead(config::own_items(range)).await;
    }
}

async fn prepared(
    shared: &Arc<Shared>,
    id: &VaultId,
    limits: &Limits,
) -> Result<(OwnedFd, Arc<LxcSandbox>), StartError> {
    let system = |step| move |source: io::Error| StartError::System { vault: id.clone(), step, source };
    // The semaphore is never closed; if it were, a start without it would only be slower.
    let _permit = shared.starting.acquire().await.ok();
    if let Some(controller) = shared.layout.lack() {
        return Err(IsolationError::NoController { controller }.of(id.clone()));
    }
    let slot = shared
        .slots
        .take()
        .ok_or_else(|| StartError::Full { used: format!("{} id ranges", shared.slots.limit()) })?;
    let groups = VaultCgroups::new(&shared.layout, &shared.group, id.as_str(), limits);
    let name = InlineId::new(id.as_str()).ok_or(io::ErrorKind::InvalidInput.into());
    let order = StartOrder {
        key: shared.key(),
        vault: name.map_err(system("name it"))?,
        items: config::own_items(slot.range()),
    };
    let link = shared.spawners.link().await.map_err(|error| match error {
        SpawnerError::Cgroup(wall) => wall.of(id.clone()),
        SpawnerError::Start { source } => {
            StartError::NoHelper { helper: SPAWNER, step: "start it".into(), source }
        }
    })?;
    let lost = |source| match link.unfit() {
        Some((step, source)) => StartError::NoHelper { helper: SPAWNER, step, source },
        None => StartError::HelperLost { helper: SPAWNER, source },
    };
    let launch = timeout(ANSWER, link.order(order)).await;
    let Ok(launch) = launch else {
        link.give_up();
        return Err(StartError::HelperLost { helper: SPAWNER, source: io::ErrorKind::TimedOut.into() });
    };
    let Launch { forked, ended } = launch.map_err(lost)?;
    let mut making = Making::begin(&groups);
    let forked = match timeout(ANSWER, forked).await {
        Ok(Ok(forked)) => forked
            .and_then(|ForkedMonitor { monitor, channel, log }| Ok((Watched::new(monitor)?, channel, log)))
            .map_err(system("fork its monitor")),
        Ok(Err(_)) => Err(lost(io::ErrorKind::ConnectionReset.into())),
        Err(_) => {
            link.give_up();
            undo_groups(&groups, &mut making).await;
            // It may still obey. The ids are given to no other before it has, or cannot any more.
            tasks::spawn(TaskKind::Support, "sandbox-late-start", async move {
                end_of(&ended).await;
                drop(slot);
            });
            return Err(StartError::HelperLost { helper: SPAWNER, source: io::ErrorKind::TimedOut.into() });
        }
    };
    cpu_latency::expect();
    tasks::spawn(TaskKind::Support, "sandbox-look-ahead", look_ahead(Arc::clone(shared)));
    let (monitor, channel, log) = match forked {
        Ok(forked) => forked,
        Err(error) => {
            // There may be a monitor all the same, which we cannot watch: nobody holds the other end of its
            // vault's channel, so it ends by itself.
            undo(&groups, &mut making, None, &ended).await;
            if link.is_lost() {
                // Nobody tells of its end, and its ids are given to the next: it is gone with its spawner.
                let _ = timeout(UNDO, link.gone().wait_for(|gone| *gone)).await;
            }
            return Err(error);
        }
    };
    let first = timeout(LONGEST_START, async {
        tokio::select! {
            // The init's bytes first: if both are there, the vault did start, and then died.
            biased;
            init = find_init(&channel, &monitor) => match init {
                // Nobody holds the vault's end any more: how it ended is about to be told.
                Ok(None) => {
                    end_of(&ended).await;
                    Ok(None)
                }
                found => found,
            },
            _ = end_of(&ended) => Ok(None),
        }
    })
    .await;
    let failed = |ended: &watch::Receiver<Option<MonitorExit>>| {
        failure::of(shared, id, slot.range(), &log, *ended.borrow())
    };
    let error = match first {
        Ok(Ok(Some(init))) => {
            cpu_latency::expect();
            let (init, entered) = making.enter(&groups, init, shared, slot.range()).await;
            match entered {
                Ok(()) => {
                    shared.proven.store(true, Ordering::Relaxed);
                    let (shared, id) = (Arc::clone(shared), id.as_str().to_owned());
                    let parts = VaultParts { shared, id, groups, init, monitor, ended };
                    let held = (slot, link.tenancy());
                    return Ok((channel, Arc::new(LxcSandbox::new(parts, held))));
                }
                Err(_) if init.process().is_dead() => {
                    let _ = timeout(UNDO, end_of(&ended)).await;
                    failed(&ended)
                }
                Err(wall) => wall.of(id.clone()),
            }
        }
        Ok(Ok(None)) => failed(&ended),
        Ok(Err(source)) => system("find its first process")(source),
        Err(_) => {
            let waited_ms = u64::try_from(LONGEST_START.as_millis()).unwrap_or(u64::MAX);
            StartError::Timeout { vault: id.clone(), waited_ms }
        }
    };
    // The kernel ends the init, if there is one, with its monitor.
    let _ = monitor.process().kill();
    undo(&groups, &mut making, Some(&channel), &ended).await;
    Err(error)
}

/// Removes what a failed start made, once nobody is left who could make more. Who does not leave by
/// itself may be in the groups, so they are cleared before the long wait, too; who is in none yet is
/// the spawner's, see [`super::spawner_cgroup`].
async fn undo(
    groups: &VaultCgroups,
    making: &mut Making,
    channel: Option<&OwnedFd>,
    ended: &watch::Receiver<Option<MonitorExit>>,
) {
    for patience in [LEAVING, UNDO] {
        let left = timeout(patience, vacated(channel, ended)).await;
        undo_groups(groups, making).await;
        if left.is_ok() {
            return;
        }
    }
}

/// Resolves when neither a monitor nor an init of this start holds the other end of the channel.
async fn vacated(channel: Option<&OwnedFd>, ended: &watch::Receiver<Option<MonitorExit>>) {
    if let Some(channel) = channel {
        // An init that reads the end leaves.
        let _ = rustix::net::shutdown(channel, rustix::net::Shutdown::Write);
    }
    if let Some(Ok(readable)) = channel.map(|channel| register(channel.as_fd(), Interest::READABLE)) {
        let mut bytes = [0; 512];
        let mut read = |channel: &BorrowedFd<'_>| Ok(rustix::io::read(channel, &mut bytes)?);
        // An error means the same as the end.
        while matches!(readable.async_io(Interest::READABLE, &mut read).await, Ok(1..)) {}
    }
    end_of(ended).await;
}

/// From the moment at which a monitor's children have another parent until it is dead.
const DYING: Duration = Duration::from_millis(250);

/// Waits for the init's first bytes, leaves them where they are, and finds out who sent them;
/// `None` when the channel closed without any.
async fn find_init(channel: &OwnedFd, monitor: &Watched) -> io::Result<Option<Watched>> {
    let readable = register(channel.as_fd(), Interest::READABLE)?;
    let sender = readable.async_io(Interest::READABLE, |channel| peek_sender(channel)).await?;
    // The kernel's work for us is done; the gate reads plain bytes.
    set_socket_passcred(channel, false)?;
    let Some(pid) = sender else { return Ok(None) };
    let init = PidFd::open(pid)?;
    let parent = parent_of(pid)?;
    if parent != Some(monitor.process().pid()) || monitor.process().is_dead() {
        // The kernel gives the children of who dies to another before it says that he is dead.
        return Err(match timeout(DYING, monitor.gone()).await {
            Ok(_) => io::Error::from_raw_os_error(libc::ESRCH),
            Err(_) => io::Error::other("the sender of the first bytes is not the monitor's child"),
        });
    }
    Watched::new(init).map(Some)
}

fn peek_sender(channel: impl AsFd) -> io::Result<Option<Pid>> {
    let mut byte = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let got = recvmsg(channel, &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::PEEK)?;
    if got.bytes == 0 {
        return Ok(None);
    }
    let sender = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmCredentials(sender) => Pid::new(sender.pid.as_raw_nonzero().get()),
        _ => None,
    });
    Ok(sender)
}

/// The making of a vault's groups, which goes on beside the start of its init.
struct Making(Option<Task<Result<(), IsolationError>>>);

impl Making {
    fn begin(groups: &VaultCgroups) -> Self {
        let groups = groups.clone();
        Self(Some(tasks::block("sandbox-groups", move || groups.make())))
    }

    /// Waits for its end, whose outcome is told once.
    async fn end(&mut self) -> Result<(), IsolationError> {
        let Some(task) = self.0.take() else { return Ok(()) };
        task.await.unwrap_or_else(|error| Err(lost(error)))
    }

    /// Moves the init into them, and looks at what else is around it. Not on this thread: on some machines a
    /// move takes milliseconds.
    async fn enter(
        &mut self,
        groups: &VaultCgroups,
        init: Watched,
        shared: &Arc<Shared>,
        ids: IdRange,
    ) -> (Arc<Watched>, Result<(), IsolationError>) {
        let (groups, init) = (groups.clone(), Arc::new(init));
        if let Err(wall) = self.end().await {
            return (init, Err(wall));
        }
        let (moving, shared) = (Arc::clone(&init), Arc::clone(shared));
        let moved = tasks::block("sandbox-admission", move || {
            isolation_check::check(moving.process(), &shared.ours, ids)
                .and_then(|()| groups.admit(moving.process()))
        });
        (init, moved.await.unwrap_or_else(|error| Err(lost(error))))
    }
}

fn lost(error: tokio::task::JoinError) -> IsolationError {
    IsolationError::Unseen { path: PathBuf::from("/proc"), source: io::Error::other(error) }
}

async fn undo_groups(groups: &VaultCgroups, making: &mut Making) {
    let _ = making.end().await;
    let left = groups.remove_empty();
    if !left.is_empty() {
        // What it could not remove is found again by the sweep of the next start.
        let _ = tasks::block("sandbox-prune", move || prune(&left)).await;
    }
}
