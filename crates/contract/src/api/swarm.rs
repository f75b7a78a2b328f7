//! The nodes of the swarm: adding, draining and removing them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::vault::NodeInfo;
use crate::model::check::Check;
use crate::model::id::NodeName;
use crate::model::secret::Secret;
use crate::model::swarm::SwarmNode;

/// `POST /api/v2/nodes`: installs, starts and lists a node. Repeated, it repairs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeAdd {
    pub node: SwarmNode,
    /// For this once; it is not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// The fingerprint of the host key that somebody has compared, `SHA256:…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_key: Option<String>,
}

/// `POST /api/v2/nodes/{id}/upgrade`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NodeUpgrade {
    /// End the vaults that are there, instead of waiting for them.
    pub kill: bool,
}

/// One line of the answer to `POST /api/v2/nodes` and to an upgrade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum NodeStep {
    /// Something is done, in words.
    Done { what: String },
    /// So much of `haukid` has been copied.
    Copied { bytes: u64, of: u64 },
    /// The last line: it is a node of the swarm.
    Added { node: NodeInfo },
    /// The last line: it is not, or not as it should be.
    Failed {
        error: ApiError,
        /// What a person could add, so that the same request goes on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        asks: Option<NodeAsk>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeAsk {
    /// Whether this is the machine's key.
    HostKey {
        fingerprint: String,
    },
    Password,
}

/// `POST /api/v2/nodes/{id}/drain`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeDrain {
    /// Whether the node gets no new vaults; those that it has go on.
    pub draining: bool,
}

/// `DELETE /api/v2/nodes/{id}`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NodeRemove {
    /// Although it has vaults or cannot be asked: they end with their leases.
    pub force: bool,
}

/// What is done to nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeAct {
    /// Give them no new vaults.
    Drain,
    /// Give them some again.
    Undrain,
    /// Take them out of the swarm.
    Remove,
}

/// `POST /api/v2/node_orders`: the core goes on to the end, whatever becomes of who asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeOrder {
    pub act: NodeAct,
    #[schemars(length(min = 1, max = NodeOrder::MOST))]
    pub nodes: Vec<NodeName>,
    /// Of a removal: although it has vaults or cannot be asked.
    #[serde(default)]
    pub force: bool,
}

impl NodeOrder {
    /// Nodes of one order.
    pub const MOST: usize = 1000;
}

/// One answer per node, in the order of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeOrdered {
    pub done: Vec<NodeDone>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeDone {
    pub name: NodeName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeInfo>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ApiError>,
}

/// `GET /api/v2/nodes/{id}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeDetail {
    #[serde(flatten)]
    pub info: NodeInfo,
    /// Where it is and with what it runs; absent for the node in the core's process, and for those of
    /// the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<SwarmNode>,
    /// What `hauki node doctor` shows: the machine, the data plane, the version.
    pub findings: Vec<Check>,
}
