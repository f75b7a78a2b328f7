//! Node operations: the nodes of the swarm, as a [`ControlPlane`] sees them.

use reqwest::Method;

use super::endpoint::{ControlPlane, NdjsonStream};
use super::error::ClientError;
use hauki_contract::api::paths;
use hauki_contract::api::swarm::{
    NodeAdd, NodeDetail, NodeDrain, NodeOrder, NodeOrdered, NodeRemove, NodeUpgrade,
};
use hauki_contract::api::vault::{NodeInfo, NodeList};
use hauki_contract::model::id::NodeName;

fn path(of: &str, node: &NodeName) -> String {
    paths::with_id(of, node.as_str())
}

impl ControlPlane {
    pub async fn nodes(&self) -> Result<NodeList, ClientError> {
        self.get(paths::NODES, &()).await
    }

    pub async fn node(&self, name: &NodeName) -> Result<NodeDetail, ClientError> {
        self.get(&path(paths::NODE, name), &()).await
    }

    /// The steps of the installation, as [`NodeStep`](hauki_contract::api::swarm::NodeStep)s; the last one says
    /// how it ended.
    pub async fn node_add(&self, order: &NodeAdd) -> Result<NdjsonStream, ClientError> {
        self.lines(paths::NODES, self.request(Method::POST, paths::NODES).json(order)).await
    }

    /// As [`ControlPlane::node_add`].
    pub async fn node_upgrade(
        &self,
        name: &NodeName,
        order: &NodeUpgrade,
    ) -> Result<NdjsonStream, ClientError> {
        let request = self.request(Method::POST, &path(paths::NODE_UPGRADE, name)).json(order);
        self.lines(paths::NODE_UPGRADE, request).await
    }

    pub async fn node_order(&self, order: &NodeOrder) -> Result<NodeOrdered, ClientError> {
        self.post(paths::NODE_ORDERS, order).await
    }

    pub async fn node_drain(&self, name: &NodeName, draining: bool) -> Result<NodeInfo, ClientError> {
        self.post(&path(paths::NODE_DRAIN, name), &NodeDrain { draining }).await
    }

    pub async fn node_remove(&self, name: &NodeName, force: bool) -> Result<NodeInfo, ClientError> {
        self.ask(Method::DELETE, &path(paths::NODE, name), &NodeRemove { force }, None::<&()>).await
    }
}
