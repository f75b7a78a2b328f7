//! Running container: one vault of the LXC driver.
//!
//! Each vault has a supervisor: a task that waits for the init's end, finds out why, waits for the
//! monitor to be reaped, looks at what the kernel still shows, mends it, and publishes each result.
//! So a vault is reclaimed whether or not anybody asks, and all who ask get the same lines. When the
//! last [`LxcSandbox`] is dropped the vault is killed: a handle that was lost is no vault lost.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::Shared;
use super::idrange::IdSlot;
use super::prune::prune;
use super::spawner_client::{MonitorEnd, MonitorExit, Tenancy, end_of, wait_status};
use super::vault_cgroups::VaultCgroups;
use crate::pidfd::Watched;
use crate::stopwatch::Moment;
use crate::{BoxFuture, InitExit, Sandbox};
use hauki_contract::model::receipt::{Reclaimed, Resource};
use hauki_contract::system::procfs;
use hauki_contract::system::tasks::{self, TaskKind};

/// A monitor that has not cleaned up by then is stuck, and is killed.
const MONITOR_PATIENCE: Duration = Duration::from_secs(3);
/// From a monitor's end to its spawner's word of it. Who was killed has no need of that word.
const REAPED: Duration = Duration::from_millis(100);
/// Who was killed and lives on after this is held by the kernel or by somebody's freezer, and may be for ever.
const STUCK: Duration = Duration::from_secs(5);
/// After that nothing of the start goes on any more.
const SETTLED: Duration = Duration::from_secs(1);

pub(super) struct LxcVault {
    pub(super) shared: Arc<Shared>,
    pub(super) id: String,
    pub(super) groups: VaultCgroups,
    pub(super) init: Arc<Watched>,
    pub(super) monitor: Watched,
    pub(super) ended: watch::Receiver<Option<MonitorExit>>,
    /// When the killing began, or when the end was seen.
    over: OnceLock<Moment>,
    /// It was killed; or it died by itself, and cannot be any more.
    asked: AtomicBool,
    /// It was killed as one of many.
    in_a_crowd: AtomicBool,
    killed: Notify,
}

pub(super) struct VaultParts {
    pub(super) shared: Arc<Shared>,
    pub(super) id: String,
    pub(super) groups: VaultCgroups,
    pub(super) init: Arc<Watched>,
    pub(super) monitor: Watched,
    pub(super) ended: watch::Receiver<Option<MonitorExit>>,
}

pub struct LxcSandbox {
    vault: Arc<LxcVault>,
    exit: watch::Receiver<Option<InitExit>>,
    lines: watch::Receiver<Option<Vec<Reclaimed>>>,
}

impl LxcSandbox {
    /// Takes over a started vault; what it holds is free again when everything is gone.
    pub(super) fn new(parts: VaultParts, held: (IdSlot, Tenancy)) -> Self {
        let VaultParts { shared, id, groups, init, monitor, ended } = parts;
        let vault = Arc::new(LxcVault {
            shared,
            id,
            groups,
            init,
            monitor,
            ended,
            over: OnceLock::new(),
            asked: AtomicBool::new(false),
            in_a_crowd: AtomicBool::new(false),
            killed: Notify::new(),
        });
        let (exit_tx, exit) = watch::channel(None);
        let (lines_tx, lines) = watch::channel(None);
        let kept = Arc::clone(&vault);
        tasks::spawn(TaskKind::Support, "sandbox-vault", async move {
            if !kept.keep(&exit_tx, &lines_tx).await {
                // Its ids and its groups are nobody else's as long as it is there.
                kept.init.gone().await;
                kept.clear_groups().await;
            }
            drop(held);
            kept.shared.forget(&kept.id);
        });
        Self { vault, exit, lines }
    }

    /// For people and tests.
    #[must_use]
    pub fn monitor_pid(&self) -> u32 {
        self.vault.monitor.process().pid().as_u32()
    }
}

impl Sandbox for LxcSandbox {
    fn init_pid(&self) -> u32 {
        self.vault.init.process().pid().as_u32()
    }

    fn settle(&self, core: Option<usize>) {
        let _ = self.vault.init.process().settle(core);
    }

    fn is_dead(&self) -> bool {
        self.vault.init.process().is_dead()
    }

    fn kill(&self) {
        self.vault.kill();
    }

    fn died(&self) -> BoxFuture<'_, InitExit> {
        let mut exit = self.exit.clone();
        Box::pin(async move {
            // The supervisor only goes without a word when the runtime does.
            exit.wait_for(Option::is_some).await.ok().and_then(|exit| *exit).unwrap_or(InitExit::Unknown)
        })
    }

    fn reclaim(&self) -> BoxFuture<'_, Vec<Reclaimed>> {
        let mut lines = self.lines.clone();
        Box::pin(async move {
            self.vault.kill();
            lines.wait_for(Option::is_some).await.ok().and_then(|lines| lines.clone()).unwrap_or_default()
        })
    }
}

impl Drop for LxcSandbox {
    fn drop(&mut self) {
        self.vault.kill();
    }
}

impl LxcVault {
    fn kill(&self) {
        if self.init.process().is_dead() {
            return;
        }
        self.over.get_or_init(Moment::now);
        // Counted before it is said: the supervisor takes back what was said.
        let in_a_crowd = self.shared.dying.killed();
        self.in_a_crowd.fetch_or(in_a_crowd, Ordering::AcqRel);
        let was_asked = self.asked.swap(true, Ordering::AcqRel);
        if was_asked {
            self.shared.dying.died();
        } else if in_a_crowd {
            // It would clear up behind its init, on the core that the next one needs to die. The supervisor
            // kills it then; if the supervisor is gone, the kernel does when the spawner leaves.
            let _ = self.monitor.process().stop();
        }
        if self.init.process().kill().is_err() {
            // Not allowed to signal our own vault: its monitor's death is the other way to end it.
            let _ = self.monitor.process().kill();
        }
        self.killed.notify_one();
    }

    /// Waits for it; `false` if it was killed and lives on.
    async fn has_ended(&self) -> bool {
        if tokio::time::timeout(SETTLED, self.init.gone()).await.is_ok() {
            return true;
        }
        // Who lives that long may live long, and its monitor has nothing to do meanwhile.
        let _ = self.monitor.process().hint();
        let stuck = async {
            self.killed.notified().await;
            tokio::time::sleep(STUCK).await;
        };
        tokio::select! {
            () = self.init.gone() => true,
            () = stuck => self.init.process().is_dead(),
        }
    }

    /// Whether it has ended.
    async fn keep(
        &self,
        exit: &watch::Sender<Option<InitExit>>,
        lines: &watch::Sender<Option<Vec<Reclaimed>>>,
    ) -> bool {
        let mounts = self.mount_namespace();
        let ended = self.has_ended().await;
        let over = *self.over.get_or_init(Moment::now);
        let asked = self.asked.swap(true, Ordering::AcqRel);
        if asked {
            self.shared.dying.died();
        }
        let mut report =
            vec![line(Resource::Process, format!("pid {}", self.init.process().pid().as_u32()), over, ended)];
        let oom = !asked && self.groups.was_oom();
        if asked {
            if self.in_a_crowd.load(Ordering::Acquire) {
                self.shared.dying.calm().await;
            }
            // How it ended is known, and nothing else is left for it to do.
            let _ = self.monitor.process().kill();
        }
        // The monitor is in none of the groups, and ends while they are removed.
        let end = async {
            let (ended, gone) = self.monitor_end(asked).await;
            let status = ended.and_then(|ended| ended.init).or(asked.then_some(libc::SIGKILL));
            exit.send_replace(Some(exit_of(status, oom)));
            gone
        };
        let clear = async {
            // The rest of it is told, and cleared when it has ended.
            if ended { self.clear_groups().await } else { self.groups.paths().map(Into::into).collect() }
        };
        let (monitor_gone, left) = tokio::join!(end, clear);
        report.push(line(
            Resource::Monitor,
            format!("pid {}", self.monitor.process().pid().as_u32()),
            over,
            monitor_gone,
        ));
        report.push(match left.first() {
            None => line(
                Resource::Cgroups,
                format!("{} in {} hierarchies", self.groups.name, self.groups.count()),
                over,
                true,
            ),
            Some(path) => line(Resource::Cgroups, path.display().to_string(), over, false),
        });
        let all = procfs::read("/proc/self/mountinfo").unwrap_or_default();
        let kept = mounts.as_deref().and_then(|namespace| kept_by(&all, namespace)).map(str::to_owned);
        let gone = kept.is_none() && ended;
        let name = kept.or(mounts).unwrap_or_else(|| "mount namespace of its processes".to_owned());
        report.push(line(Resource::Mounts, name, over, gone));
        lines.send_replace(Some(report));
        ended
    }

    /// Waits for the monitor to end and, where that is not known, for the word on how the init did; makes the
    /// first happen if it does not by itself. Whether a dead monitor is reaped is its spawner's affair: it
    /// holds nothing but a number.
    async fn monitor_end(&self, asked: bool) -> (Option<MonitorExit>, bool) {
        let word = async {
            let ended = end_of(&self.ended).await;
            if ended.is_none() {
                // The spawner is lost; its monitors die with it.
                self.monitor.gone().await;
            }
            ended
        };
        let over = async {
            self.monitor.gone().await;
            let patience = if asked { REAPED } else { MONITOR_PATIENCE };
            tokio::time::sleep(patience).await;
        };
        let end = async {
            tokio::select! {
                biased;
                ended = word => ended,
                () = over => None,
            }
        };
        let mut end = std::pin::pin!(end);
        if let Ok(ended) = tokio::time::timeout(MONITOR_PATIENCE, end.as_mut()).await {
            return (ended, self.monitor.process().is_dead());
        }
        let _ = self.monitor.process().kill();
        let ended = tokio::time::timeout(MONITOR_PATIENCE, end).await;
        (ended.ok().flatten(), self.monitor.process().is_dead())
    }

    /// Removes this vault's groups; what cannot be removed is returned.
    async fn clear_groups(&self) -> Vec<PathBuf> {
        let left = self.groups.remove_empty();
        if left.is_empty() {
            return left;
        }
        let again = left.clone();
        // If it panicked, what is left is seen by looking again.
        let _ = tasks::block("sandbox-prune", move || prune(&again)).await;
        left.into_iter().filter(|path| path.exists()).collect()
    }

    /// Its mount namespace as the kernel names it; `None` if the init had died before it was asked.
    fn mount_namespace(&self) -> Option<String> {
        let init = self.init.process();
        let name = std::fs::read_link(format!("/proc/{}/ns/mnt", init.pid().as_u32())).ok()?;
        // Dead by now, its number could have been another's.
        (!init.is_dead()).then(|| name.display().to_string())
    }
}

/// The mount that keeps a namespace, and all that is mounted in it, beyond its processes.
fn kept_by<'a>(mounts: &'a str, namespace: &str) -> Option<&'a str> {
    mounts.lines().find(|line| line.split(' ').nth(3) == Some(namespace))
}

fn line(what: Resource, name: String, over: Moment, gone: bool) -> Reclaimed {
    Reclaimed { what: what.into(), name, gone_after_us: over.elapsed_us(), gone }
}

fn exit_of(status: Option<i32>, oom: bool) -> InitExit {
    if oom {
        return InitExit::OutOfMemory;
    }
    match status {
        None => InitExit::Unknown,
        Some(status) => match wait_status(status) {
            MonitorEnd::Signal(signal) => InitExit::Signal(signal),
            MonitorEnd::Status(status) => InitExit::Status(status),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_statuses_become_exits() {
        for (status, oom, exit) in [
            (None, false, InitExit::Unknown),
            (Some(0), false, InitExit::Status(0)),
            (Some(0x0300), false, InitExit::Status(3)),
            (Some(9), false, InitExit::Signal(9)),
            (Some(0x097f), false, InitExit::Signal(9)),
            (Some(9), true, InitExit::OutOfMemory),
            (None, true, InitExit::OutOfMemory),
        ] {
            assert_eq!(exit_of(status, oom), exit);
        }
    }

    #[test]
    fn a_namespace_is_kept_by_a_mount_of_itself() {
        let kept = "75 22 0:4 mnt:[4026532270] /run/kept rw shared:30 - nsfs nsfs rw";
        let all = format!("22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/root rw\n{kept}\n");
        assert_eq!(kept_by(&all, "mnt:[4026532270]"), Some(kept));
        assert_eq!(kept_by(&all, "mnt:[4026532271]"), None);
    }
}
