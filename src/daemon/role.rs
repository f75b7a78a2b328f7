//! What a role is made of.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;

use super::args::Role;
use super::home::{Home, HomeError};
use super::settings::Settings;
use crate::api::node::NodeApi;
use crate::core::link::{HttpNode, LinkError};
use crate::core::nodes::Member;
use crate::core::service::Core;
use crate::core::watch::Tasks;
use crate::model::config::RemoteNode;
use crate::node::intake::{FrontDesk, Node, NodeError};
use crate::{core, node};
use crate::node::settings::{NodeSettings, SettingsError};
use crate::sandbox::lxc::{LxcConfig, LxcDriver, LxcSetupError};

/// The init that runs in every vault, built with this very binary.
static INIT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hauki-vault"));

#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error("the node's settings are not usable")]
    Settings(#[from] SettingsError),
    #[error("the sandbox driver cannot work here")]
    Driver(#[from] LxcSetupError),
    #[error("the node could not start")]
    Node(#[from] NodeError),
    #[error("the control plane cannot start")]
    Core(#[from] core::start::StartError),
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error("no nodes are configured: name them under `nodes:` in the configuration, or run `haukid all`")]
    NoNodes,
}

pub struct LocalNode {
    pub node: Arc<Node>,
    pub driver: LxcDriver,
}

impl LocalNode {
    pub async fn start(home: &Home, settings: &Settings) -> Result<Self, RoleError> {
        let node_settings = NodeSettings::new(&settings.config)?;
        let mut config = LxcConfig::new(sandbox_dir(&home.path), INIT.to_vec());
        if let Some(id_base) = settings.config.node.id_base {
            config.id_base = id_base;
        }
        config.most_vaults = node_settings.max_vaults as usize;
        let driver = LxcDriver::start_new(config)?;
        let node = Node::start(node_settings, Arc::new(driver.clone())).await?;
        Ok(Self { node, driver })
    }

    fn member(&self, settings: &Settings) -> Member {
        let name = self.node.name().clone();
        Member { name, labels: settings.config.node.labels.clone(), api: self.desk() }
    }

    #[must_use]
    pub fn desk(&self) -> Arc<dyn NodeApi> {
        Arc::new(FrontDesk(Arc::clone(&self.node)))
    }
}

/// The halves that this role runs.
pub struct Parts {
    local: Option<LocalNode>,
    core: Option<(Arc<Core>, Tasks)>,
}

impl Parts {
    pub async fn start(role: &Role, home: &Home, settings: &Settings) -> Result<Self, RoleError> {
        let local = match role {
            Role::All(_) | Role::Node(_) => Some(LocalNode::start(home, settings).await?),
            Role::Core(_) => None,
        };
        let members = match (role, &local) {
            (Role::Node(_), _) => return Ok(Self { local, core: None }),
            (_, Some(local)) => vec![local.member(settings)],
            (_, None) => remote_members(settings)?,
        };
        let gems = settings.config.gems.directories.clone();
        let core = core::start::open(&home.path, members, gems, role.name())?;
        let tasks = core.start();
        Ok(Self { local, core: Some((core, tasks)) })
    }

    pub fn router(&self) -> Router {
        match (&self.core, &self.local) {
            (Some((core, _)), _) => core::routes::router(Arc::clone(core)),
            (None, Some(local)) => node::routes::router(local.desk()),
            (None, None) => Router::new(),
        }
    }

    /// For how long nothing has been asked, in microseconds; `None` while there is something to do.
    pub async fn quiet_us(&self) -> Option<u64> {
        let (core, _) = self.core.as_ref()?;
        let activity = core.activity().await.ok()?;
        (activity.vaults == 0 && activity.requests == 0).then_some(activity.idle_us)
    }

    /// Ends every vault of this process; the answer is how many are left at the deadline.
    pub async fn shut_down(&self, deadline: Duration) -> usize {
        if let Some((core, _)) = &self.core {
            core.drain();
        }
        let Some(local) = &self.local else { return 0 };
        let left = local.node.shut_down(deadline).await;
        if let Some((core, _)) = &self.core {
            core.catch_up().await;
        }
        local.driver.close().await;
        left
    }
}

fn remote_members(settings: &Settings) -> Result<Vec<Member>, RoleError> {
    let nodes = &settings.config.nodes;
    if nodes.is_empty() {
        return Err(RoleError::NoNodes);
    }
    let member = |node: &RemoteNode| {
        let api = Arc::new(HttpNode::new(&node.socket)?);
        Ok(Member { name: node.name.clone(), labels: node.labels.clone(), api })
    };
    nodes.iter().map(member).collect()
}

fn sandbox_dir(home: &Path) -> std::path::PathBuf {
    home.join("sandbox")
}
