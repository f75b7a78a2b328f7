//! Roles of the daemon: what each is made of.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::time::timeout;

use super::args::Role;
use super::settings::DaemonSettings;
use super::state_dir::{Half, StateDir, StateDirError};
use hauki_contract::api::ApiError;
use hauki_contract::api::node::NodeApi;
use hauki_contract::model::config::RemoteNode;
use hauki_contract::system::paths;
use hauki_contract::system::tasks::{self, TaskKind};
use hauki_control::CoreSettings;
use hauki_control::link::http::{HttpNode, LinkError};
use hauki_control::nodes::Member;
use hauki_control::service::Core;
use hauki_control::service::Tasks;
use hauki_node::api::InProcessNode;
use hauki_node::service::{NodeService, NodeSetupError};
use hauki_node::settings::{NodeSettings, NodeSettingsError};
use hauki_sandbox::{Driver, DriverConfig, DriverOpenError};

/// How long the last starts, and then the driver, may take to end once the vaults are gone.
const CLOSE: Duration = Duration::from_secs(3);
/// How long the orders that are carried out may take to end before the store is put in order.
const ORDERS: Duration = Duration::from_millis(500);

/// What of the state directory a role claims, in the order of claiming.
#[must_use]
pub(crate) fn halves(role: &Role) -> &'static [Half] {
    match role {
        Role::All(_) => &[Half::Core, Half::Node],
        Role::Core(_) => &[Half::Core],
        Role::Node(_) => &[Half::Node],
        Role::Findings(_) => &[],
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum RoleError {
    #[error(transparent)]
    Home(#[from] StateDirError),
    #[error("the node's settings are not usable")]
    Settings(#[from] NodeSettingsError),
    #[error("the sandbox driver cannot work here")]
    Driver(#[from] DriverOpenError),
    #[error("the node could not start")]
    Node(#[from] NodeSetupError),
    #[error("the control plane cannot start")]
    Core(#[from] hauki_control::start::CoreStartError),
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error("the store cannot be looked through")]
    Store(#[source] ApiError),
    #[error("the list of nodes cannot be read")]
    Nodes(#[source] ApiError),
    #[error("{path} was removed or replaced while it was in use")]
    Homeless { path: std::path::PathBuf },
    #[error("the background task {task} has ended")]
    Broken { task: &'static str },
}

impl RoleError {
    /// What its reader can do about it.
    #[must_use]
    pub(crate) fn way_back(&self) -> Option<String> {
        match self {
            Self::Core(error) => error.way_back(),
            _ => None,
        }
    }

    /// Whether it ended what had begun.
    #[must_use]
    pub(crate) fn has_served(&self) -> bool {
        matches!(self, Self::Homeless { .. } | Self::Broken { .. })
    }
}

pub(crate) struct LocalNode {
    pub node: Arc<NodeService>,
    pub driver: Arc<dyn Driver>,
}

impl LocalNode {
    pub(crate) async fn start(home: &StateDir, settings: &DaemonSettings) -> Result<Self, RoleError> {
        let node_settings = NodeSettings::new(&settings.config)?;
        let driver = hauki_sandbox::open(DriverConfig {
            node: &settings.config.node,
            state_dir: sandbox_dir(&home.path),
            shown_dir: None,
            init: hauki_node::init::IMAGE.to_vec(),
            most: Some(node_settings.most_sandboxes()),
        })?;
        let node = NodeService::start(node_settings, Arc::clone(&driver)).await?;
        Ok(Self { node, driver })
    }

    fn member(&self, settings: &DaemonSettings) -> Member {
        let name = self.node.name().clone();
        Member { name, labels: settings.config.node.labels.clone(), api: self.node_api(), address: None }
    }

    #[must_use]
    pub(crate) fn node_api(&self) -> Arc<dyn NodeApi> {
        Arc::new(InProcessNode(Arc::clone(&self.node)))
    }
}

/// The halves that this role runs.
pub(crate) struct RoleParts {
    local: Option<LocalNode>,
    core: Option<(Arc<Core>, Tasks)>,
}

impl RoleParts {
    pub(crate) async fn start(
        role: &Role,
        home: &StateDir,
        settings: &DaemonSettings,
    ) -> Result<Self, RoleError> {
        let local = match role {
            Role::All(_) | Role::Node(_) => Some(LocalNode::start(home, settings).await?),
            Role::Core(_) | Role::Findings(_) => None,
        };
        let made = local.as_ref().map(|local| (Arc::clone(&local.node), Arc::clone(&local.driver)));
        let started = Self::start_core(role, home, settings, local).await;
        if let (Err(_), Some((node, driver))) = (&started, made) {
            // What cannot start takes along what it made: blank vaults, groups.
            node.shut_down(CLOSE).await;
            let _ = timeout(CLOSE, driver.idle()).await;
            let _ = timeout(CLOSE, driver.close()).await;
        }
        started
    }

    async fn start_core(
        role: &Role,
        home: &StateDir,
        settings: &DaemonSettings,
        local: Option<LocalNode>,
    ) -> Result<Self, RoleError> {
        let members = match (role, &local) {
            (Role::Node(_), _) => return Ok(Self { local, core: None }),
            (_, Some(local)) => vec![local.member(settings)],
            (_, None) => remote_members(settings)?,
        };
        let mut gems = settings.config.gems.directories.clone();
        if gems.is_empty() {
            gems = paths::gem_directories();
        }
        let core_settings = CoreSettings {
            members,
            gem_directories: gems,
            policy: settings.config.placement.policy.unwrap_or_default(),
            net: settings.config.net.allow.clone(),
            role: role.name().to_owned(),
        };
        let core = hauki_control::start::open(&home.path, core_settings)?;
        home.keep_store(hauki_control::start::store_file(&home.path));
        core.look_through().await.map_err(RoleError::Store)?;
        core.begin().await.map_err(RoleError::Store)?;
        core.sign().await.map_err(RoleError::Store)?;
        core.number_events().await.map_err(RoleError::Store)?;
        core.load_nodes().await.map_err(RoleError::Nodes)?;
        // Before anybody can ask: what died with an earlier daemon is dead in the records too.
        core.settle().await;
        let tasks = core.start();
        Ok(Self { local, core: Some((core, tasks)) })
    }

    pub(crate) fn router(&self) -> Router {
        match (&self.core, &self.local) {
            (Some((core, _)), _) => hauki_control::routes::router(Arc::clone(core)),
            (None, Some(local)) => hauki_node::routes::router(local.node_api()),
            (None, None) => Router::new(),
        }
    }

    /// For how long nothing has been asked, in microseconds; `None` while there is something to do.
    pub(crate) async fn quiet_us(&self) -> Option<u64> {
        let (core, _) = self.core.as_ref()?;
        let activity = core.activity().await.ok()?;
        (activity.vaults == 0 && activity.requests == 0).then_some(activity.idle_us)
    }

    /// Stops taking work if there is none to do; `false` if somebody came meanwhile.
    pub(crate) async fn retire(&self) -> bool {
        match &self.core {
            Some((core, _)) => core.retire().await,
            None => false,
        }
    }

    /// Ends every vault of this process; the answer is how many are left at the deadline.
    pub(crate) async fn shut_down(&self, deadline: Duration) -> usize {
        if let Some((core, _)) = &self.core {
            core.drain();
        }
        let left = match &self.local {
            Some(local) => local.node.shut_down(deadline).await,
            None => 0,
        };
        // What is half written is written before the store is put in order.
        let _ = timeout(ORDERS, tasks::process().idle(TaskKind::Order)).await;
        // The core hears of the last deaths before it lets its listeners go.
        if let Some((core, _)) = &self.core {
            core.close().await;
        }
        let Some(local) = &self.local else { return left };
        // A vault whose order was given up while its sandbox started may still be starting; and a
        // driver's helper that does not leave is no reason to stay, for it ends with this process.
        let _ = timeout(CLOSE, local.driver.idle()).await;
        if timeout(CLOSE, local.driver.close()).await.is_err() {
            tracing::error!("the sandbox driver did not end in time; the next start sweeps");
        }
        left
    }
}

fn remote_members(settings: &DaemonSettings) -> Result<Vec<Member>, RoleError> {
    let nodes = &settings.config.nodes;
    let member = |node: &RemoteNode| {
        let api = Arc::new(HttpNode::new(&node.socket)?);
        let (name, labels) = (node.name.clone(), node.labels.clone());
        Ok(Member { name, labels, api, address: node.data_plane })
    };
    nodes.iter().map(member).collect()
}

fn sandbox_dir(home: &Path) -> std::path::PathBuf {
    home.join("sandbox")
}
