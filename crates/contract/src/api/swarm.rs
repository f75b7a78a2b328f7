//! The nodes of the swarm: adding, draining and removing them.
//!
//! A step and a node in full are written with serde's `tag` and `flatten` and read as plain structs, since those read
//! into a buffer where no rule of `strict` holds.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
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
    /// Of a later version, with which nothing can be done but to wait for the next.
    #[serde(skip)]
    Other,
}

/// Whatever a step may have.
#[derive(Deserialize)]
struct Line {
    step: String,
    what: Option<String>,
    bytes: Option<u64>,
    of: Option<u64>,
    node: Option<NodeInfo>,
    error: Option<ApiError>,
    asks: Option<NodeAsk>,
}

impl<'de> Deserialize<'de> for NodeStep {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let Line { step, what, bytes, of, node, error, asks } = Line::deserialize(input)?;
        fn has<T, E: serde::de::Error>(field: Option<T>, name: &'static str) -> Result<T, E> {
            field.ok_or_else(|| E::missing_field(name))
        }
        match step.as_str() {
            "done" => Ok(Self::Done { what: has(what, "what")? }),
            "copied" => Ok(Self::Copied { bytes: has(bytes, "bytes")?, of: has(of, "of")? }),
            "added" => Ok(Self::Added { node: has(node, "node")? }),
            "failed" => Ok(Self::Failed { error: has(error, "error")?, asks }),
            _ => Ok(Self::Other),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeAsk {
    /// Whether this is the machine's key.
    HostKey {
        fingerprint: String,
    },
    Password,
    /// Of a later version: nobody here can answer it.
    #[schemars(skip)]
    Other,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
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

/// Whatever a node in full has.
#[derive(Deserialize)]
struct Detail {
    name: NodeName,
    state: String,
    data_plane: String,
    data_plane_reason: String,
    labels: BTreeMap<String, String>,
    vaults: u32,
    max_vaults: u32,
    #[serde(default)]
    warm_vaults: u32,
    free_memory_bytes: u64,
    load_percent: u32,
    version: String,
    boot_id: String,
    place: Option<SwarmNode>,
    findings: Vec<Check>,
}

impl<'de> Deserialize<'de> for NodeDetail {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let Detail {
            name,
            state,
            data_plane,
            data_plane_reason,
            labels,
            vaults,
            max_vaults,
            warm_vaults,
            free_memory_bytes,
            load_percent,
            version,
            boot_id,
            place,
            findings,
        } = Detail::deserialize(input)?;
        let info = NodeInfo {
            name,
            state,
            data_plane,
            data_plane_reason,
            labels,
            vaults,
            max_vaults,
            warm_vaults,
            free_memory_bytes,
            load_percent,
            version,
            boot_id,
        };
        Ok(Self { info, place, findings })
    }
}
