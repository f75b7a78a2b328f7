//! LXC driver, the real one: liblxc containers, started by a process of their own.
//!
//! ```text
//!   haukid (many threads)                 spawner (one thread)          monitor (one per vault)
//!   LxcDriver --Order-->                  forks                -->      liblxc, blocks in start
//!             <--its pidfd, the channel--                                      |
//!             <========== the init's first bytes, with its pid =============  init
//!             <--Ended-------------       reaps                <--      has seen the init's end
//! ```
//!
//! `haukid` never calls liblxc. It owns: the id ranges in use, the channel ends, the cgroups, pidfds of
//! inits and monitors. A crash of `haukid` closes the channels, upon which the inits and monitors end and
//! the spawner removes the cgroups; a crash of the spawner kills everything, and the supervisors of the vaults
//! remove the cgroups; what a crash of both leaves is found by `orphan_sweep`, by the name of the state directory.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::{Semaphore, watch};

mod cgroup;
mod config;
mod hide_cgroups;
mod diagnose;
mod teardown_batch;
mod failure;
pub mod ffi;
mod group_names;
mod vault_cgroups;
mod spawner_cgroup;
pub mod idrange;
mod launch;
mod spawner_client;
mod monitor;
mod prune;
mod cgroup_limits;
mod capacity;
mod rootfs;
mod prefork;
pub mod spawner;
mod spawner_supervisor;
mod unkillable;
mod orphan_sweep;
mod vault;
pub mod isolation_error;
mod isolation_check;
mod protocol;

pub use vault::LxcSandbox;

use super::{BoxFuture, Driver, StartError, Started, SweepError, Swept, outer_limits};
use cgroup::Layout;
use config::Spec;
use hauki_contract::model::check::Check;
use hauki_contract::model::error_chain;
use hauki_contract::model::id::VaultId;
use hauki_contract::model::limits::{Controller, Limits};
use hauki_contract::system::tasks::{self, TaskKind};
use idrange::IdSlots;
use isolation_check::Ours;
use isolation_error::IsolationError;
use protocol::Recipe;
use spawner_supervisor::SpawnerSupervisor;
use teardown_batch::TeardownBatch;
use unkillable::Unkillable;

/// What errors call it.
const SPAWNER: &str = "spawner";

/// What the driver is to be like.
#[derive(Debug, Clone)]
pub struct LxcConfig {
    /// Ours alone; strangers must be able to pass through it and all above it.
    pub state_dir: PathBuf,
    /// The beginning of all container and cgroup names; what follows comes from `state_dir`.
    pub name_prefix: String,
    /// The first id of the first vault's range.
    pub id_base: u32,
    pub most_vaults: usize,
    /// The program that runs as process 1 of each vault: static, for there is nothing else inside.
    pub init: Vec<u8>,
    /// A program that calls [`spawner::dispatch`] first, with its arguments: `haukid` itself.
    pub spawner_command: Vec<OsString>,
    /// Limits that vaults may be without where this machine cannot enforce them.
    pub unlimited: Vec<Controller>,
    /// Where people find the state, if not in `state_dir`: for a driver that only looks around.
    pub shown_dir: Option<PathBuf>,
}

impl LxcConfig {
    #[must_use]
    pub fn new(state_dir: PathBuf, init: Vec<u8>) -> Self {
        Self {
            state_dir,
            name_prefix: "hauki".into(),
            id_base: idrange::BASE,
            most_vaults: 4096,
            init,
            spawner_command: vec!["/proc/self/exe".into()],
            unlimited: Vec::new(),
            shown_dir: None,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum LxcSetupError {
    #[error("{name:?} cannot begin a cgroup's name: expected 1 to 32 of a-z, 0-9 and -")]
    Name { name: String },
    #[error("node.id_base is {first}: expected {least} to {most}, above the users of the machine itself")]
    Ids { first: u32, least: u32, most: u32 },
    #[error("the vaults may not pass through {path}; `chmod o+x {path}` lets them")]
    Closed { path: PathBuf },
    #[error(transparent)]
    IsolationError(#[from] IsolationError),
    #[error("{step} {path}")]
    System {
        step: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// What the driver and its vaults share.
struct Shared {
    layout: Layout,
    /// The group of this daemon in every hierarchy; also how its containers' names begin.
    group: String,
    /// Other names that it had here before, until what was under them is gone.
    former: Mutex<Vec<String>>,
    state_dir: PathBuf,
    rootfs: PathBuf,
    shown_dir: PathBuf,
    /// What this process itself is surrounded by.
    ours: Ours,
    /// A vault has started: this machine can.
    proven: AtomicBool,
    slots: IdSlots,
    live: watch::Sender<HashSet<String>>,
    next_key: AtomicU64,
    spawners: SpawnerSupervisor,
    dying: TeardownBatch,
    stuck: Unkillable,
    /// As many starts at a time as there are cores: more only makes each of them slower.
    starting: Semaphore,
    width: u32,
}

impl Shared {
    /// `false` if that vault is there already.
    fn remember(&self, id: &str) -> bool {
        self.live.send_if_modified(|live| live.insert(id.to_owned()))
    }

    fn forget(&self, id: &str) {
        self.live.send_if_modified(|live| live.remove(id));
    }

    fn lives(&self) -> HashSet<String> {
        self.live.borrow().clone()
    }

    fn key(&self) -> u64 {
        self.next_key.fetch_add(1, Ordering::Relaxed)
    }
}

/// How the groups of who uses this directory begin. A path is not enough: what stands there may have been removed and
/// made anew, or be another directory in another mount namespace, while vaults of the first live on. The
/// directory itself is held by whoever uses it, so as long as one lives no other gets its number.
pub fn group_of(prefix: &str, state_dir: &Path) -> io::Result<String> {
    use std::os::unix::fs::MetadataExt as _;
    let found = std::fs::metadata(state_dir)?;
    let mut identity = state_dir.as_os_str().as_encoded_bytes().to_vec();
    identity.extend(found.dev().to_le_bytes());
    identity.extend(found.ino().to_le_bytes());
    Ok(format!("{prefix}-{}", rootfs::short_hash(&identity)))
}

/// Takes this process out of the groups of whoever started it, to where the vaults' groups are made: a session, a
/// scope or a job that ends must not end what serves others, and its limits are not meant for that. What the kernel
/// refuses stays as it is.
pub fn leave_starter() {
    let layout = Layout::detect(Vec::new()).unwrap_or_default();
    for hierarchy in &layout.hierarchies {
        if let Err(error) = spawner_cgroup::move_to(&hierarchy.base) {
            tracing::info!(group = %hierarchy.base.display(), error = error_chain::told(&error), "this daemon stays in its starter's group");
        }
    }
}

#[derive(Clone)]
pub struct LxcDriver {
    shared: Arc<Shared>,
}

impl LxcDriver {
    /// Prepares the state directory and raises this process's limit of open files; starts no
    /// process yet. Must be called within a tokio runtime.
    pub fn start_new(config: LxcConfig) -> Result<Self, LxcSetupError> {
        let LxcConfig { state_dir, name_prefix, id_base, most_vaults, init, spawner_command, .. } = config;
        let fits = (1..=32).contains(&name_prefix.len())
            && name_prefix
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !fits {
            return Err(LxcSetupError::Name { name: name_prefix });
        }
        let (least, most) = (idrange::WIDTH, u32::MAX - idrange::WIDTH);
        if !(least..=most).contains(&id_base) {
            return Err(LxcSetupError::Ids { first: id_base, least, most });
        }
        let failed = |step, path: &Path| {
            let path = path.to_path_buf();
            move |source| LxcSetupError::System { step, path, source }
        };
        let state_dir = std::path::absolute(&state_dir).map_err(failed("find", &state_dir))?;
        let lxc_path = state_dir.join("lxc");
        let empty = state_dir.join("empty");
        let roots = state_dir.join("rootfs");
        for dir in [&lxc_path, &empty, &roots] {
            rootfs::make_open_dir(dir).map_err(failed("make", dir))?;
        }
        if let Some(path) = rootfs::closed_parent(&roots) {
            return Err(LxcSetupError::Closed { path });
        }
        let rootfs = rootfs::provide(&roots, &init).map_err(failed("fill", &roots))?;
        spawner::raise_descriptor_limit();
        let detected = Layout::detect(config.unlimited);
        let mut layout = detected.map_err(failed("read", Path::new("/proc/thread-self/mountinfo")))?;
        let width = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        let width = u32::try_from(width).unwrap_or(u32::MAX);
        let group = group_of(&name_prefix, &state_dir).map_err(failed("find", &state_dir))?;
        let former =
            group_names::note(&state_dir, &name_prefix, &group).map_err(failed("write in", &state_dir))?;
        for controller in layout.dispensable.clone() {
            // Nobody's vault is refused for what it may be without.
            match vault_cgroups::trial(&layout, &group, controller) {
                // A bad moment is no reason to be without it for a whole life.
                Ok(()) => {}
                Err(wall) if wall.is_passing() => {
                    tracing::warn!(%controller, "it is tried at each start: {wall}")
                }
                Err(wall) => {
                    tracing::warn!(%controller, "vaults are without this limit, as node.unlimited allows: {wall}");
                    layout.give_up(controller);
                }
            }
        }
        let apparmor = config::apparmor_is_on();
        let spec = Spec { rootfs: &rootfs, apparmor };
        let recipe = Recipe {
            prefix: group.clone(),
            lxc_path: lxc_path.display().to_string(),
            groups: vault_cgroups::parents(&layout, &group),
            items: config::common_items(spec),
        };
        let spawners = SpawnerSupervisor::new(spawner_command, empty, recipe, layout.clone(), group.clone());
        Ok(Self {
            shared: Arc::new(Shared {
                layout,
                group,
                former: Mutex::new(former),
                state_dir: state_dir.clone(),
                rootfs,
                shown_dir: config.shown_dir.unwrap_or(state_dir),
                ours: Ours::read()?,
                proven: AtomicBool::new(false),
                slots: IdSlots::new(id_base, most_vaults),
                live: watch::Sender::default(),
                next_key: AtomicU64::new(0),
                spawners,
                dying: TeardownBatch::default(),
                stuck: Unkillable::default(),
                starting: Semaphore::new(width as usize),
                width,
            }),
        })
    }

    /// The group in each cgroup hierarchy below which all vaults of this driver are.
    #[must_use]
    pub fn group(&self) -> &str {
        &self.shared.group
    }

    /// The spawner that runs now, for people and tests.
    pub async fn spawner_pid(&self) -> Option<u32> {
        self.shared.spawners.pid().await
    }

    /// As [`Driver::start`], with the handle of this driver.
    pub async fn launch(
        &self,
        id: &VaultId,
        limits: &Limits,
    ) -> Result<(std::os::fd::OwnedFd, Arc<LxcSandbox>), StartError> {
        let (shared, id, limits) = (Arc::clone(&self.shared), id.clone(), limits.clone());
        let vault = id.clone();
        if !shared.remember(id.as_str()) {
            let source = io::ErrorKind::AlreadyExists.into();
            return Err(StartError::System { vault, step: "start it twice", source });
        }
        // A task of its own: a caller that goes away must not leave half a vault.
        let launch = async move { launch::launch(shared, &id, &limits).await };
        let task = tasks::spawn(TaskKind::Order, "sandbox-start", launch);
        task.await.unwrap_or_else(|error| {
            Err(StartError::System { vault, step: "wait for the start", source: io::Error::other(error) })
        })
    }
}

impl Driver for LxcDriver {
    fn start<'a>(
        &'a self,
        id: &'a VaultId,
        limits: &'a Limits,
    ) -> BoxFuture<'a, Result<Started, StartError>> {
        Box::pin(async move {
            let (channel, sandbox) = self.launch(id, limits).await?;
            Ok(Started { channel, sandbox })
        })
    }

    fn sweep(&self) -> BoxFuture<'_, Result<Swept, SweepError>> {
        Box::pin(orphan_sweep::sweep(Arc::clone(&self.shared)))
    }

    fn serves(&self, blank: &Limits, wanted: &Limits) -> bool {
        outer_limits(blank) == outer_limits(wanted)
    }

    fn unlimited(&self) -> Vec<Controller> {
        self.shared.layout.unlimited()
    }

    fn diagnose(&self) -> BoxFuture<'_, Vec<Check>> {
        Box::pin(diagnose::diagnose(Arc::clone(&self.shared)))
    }

    fn idle(&self) -> BoxFuture<'_, ()> {
        let mut live = self.shared.live.subscribe();
        // The sender lives in `shared`, so it cannot be gone.
        Box::pin(async move { drop(live.wait_for(HashSet::is_empty).await) })
    }

    /// Ends the spawner and removes this daemon's own groups.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.shared.spawners.close().await;
            orphan_sweep::remove_daemon_groups(&self.shared);
        })
    }
}
