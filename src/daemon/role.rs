//! What a role is made of.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;

use super::args::Role;
use super::home::{Home, HomeError};
use super::settings::Settings;
use crate::api::node::NodeApi;
use crate::node::intake::{FrontDesk, Node, NodeError};
use crate::node::routes;
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
    #[error("the store cannot be used")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
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

    #[must_use]
    pub fn desk(&self) -> Arc<dyn NodeApi> {
        Arc::new(FrontDesk(Arc::clone(&self.node)))
    }
}

/// The halves that this role runs.
pub struct Parts {
    local: Option<LocalNode>,
}

impl Parts {
    pub async fn start(role: &Role, home: &Home, settings: &Settings) -> Result<Self, RoleError> {
        let local = match role {
            Role::All(_) | Role::Node(_) => Some(LocalNode::start(home, settings).await?),
            Role::Core(_) => None,
        };
        Ok(Self { local })
    }

    pub fn router(&self) -> Router {
        match &self.local {
            Some(local) => routes::router(local.desk()),
            None => Router::new(),
        }
    }

    /// For how long nothing has been asked, in microseconds; `None` while there is something to do.
    pub async fn quiet_us(&self) -> Option<u64> {
        None
    }

    /// Ends every vault; the answer is how many are left at the deadline.
    pub async fn shut_down(&self, deadline: Duration) -> usize {
        let Some(local) = &self.local else { return 0 };
        let left = local.node.shut_down(deadline).await;
        local.driver.close().await;
        left
    }
}

fn sandbox_dir(home: &Path) -> std::path::PathBuf {
    home.join("sandbox")
}
