//! The configuration file, `hauki.yaml`: one shape for the tool and the daemon.
//!
//! Every field is optional, so that layers can lie over each other: flag, environment, file,
//! default. `system::config_layers` reads the files and lays them over each other, for `client::config` and
//! `daemon::settings`, which know the flags and the defaults.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::id::NodeName;
use super::limits::Controller;
use super::net_ceiling::NetCeiling;
use crate::strict::{self, DocumentLimits, StrictError};

/// The longest configuration file that is read.
pub const MAX_CONFIG_BYTES: usize = 256 * 1024;

/// What a node is called, and has, where the configuration says nothing.
pub const NODE_NAME: &str = "local";
pub const MAX_VAULTS: u32 = 1000;
pub const WARM_VAULTS: u32 = 8;
/// The driver of sandboxes.
pub const SANDBOX: &str = "lxc";
pub const ID_BASE: u32 = 0x4000_0000;
pub const DATA_PLANE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// `auto`, `table`, `wide`, `jsonl`, `json`, `yaml` or `id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// For the whole command, for example `60s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// For reaching the control plane, for example `5s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_timeout: Option<String>,
    /// How often a request that failed for a passing reason is sent again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// The bearer token of an `https` endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// The certificate authority of an `https` endpoint, in PEM form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// `auto`, `always` or `never`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// `auto`, `bar`, `plain`, `json` or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<String>,
    pub daemon: Daemon,
    pub data_plane: DataPlane,
    pub gems: GemsConfig,
    pub net: NetConfig,
    pub node: NodeConfig,
    pub placement: PlacementRules,
    /// The nodes of a `haukid core`; absent: the node in the same process.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<RemoteNode>,
}

impl Config {
    /// What a file says.
    pub fn read(bytes: &[u8]) -> Result<Self, StrictError> {
        strict::from_yaml(strict::text(bytes)?, DocumentLimits::bytes(MAX_CONFIG_BYTES))
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Daemon {
    /// Where keys, the store and the vaults' root are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_dir: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub socket: Option<PathBuf>,
    /// The daemon leaves after being idle and empty for so long. One that the tool starts does so
    /// after 5m where this says nothing; any other stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_exit: Option<String>,
    /// Where spans go: a collector's `http://HOST[:PORT][/PATH]`, or a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// Users besides root who may use the control socket, each for what is their own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow_uids: Vec<u32>,
    /// Users besides root who may do everything there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub admin_uids: Vec<u32>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DataPlane {
    /// The VPN address on which ticket ports are opened; never a wildcard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GemsConfig {
    /// Looked up in this order, before pushed gems. Absent: `/etc/hauki/gems`, and `share/hauki`
    /// beside the `bin` that holds haukid.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub directories: Vec<PathBuf>,
}

/// What workers may fetch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NetConfig {
    /// The most that anybody may invite a worker to: `off`, or a list as `GET https://api.example.com/v1/`. Absent: names
    /// and public addresses; others by administrators only.
    #[serde(deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub allow: Option<NetCeiling>,
    /// Certificate authorities, in PEM form, that may vouch for what is fetched, beside the system's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// A key with nothing behind it would be no ceiling at all.
fn said<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Option<NetCeiling>, D::Error> {
    NetCeiling::deserialize(input).map(Some)
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NodeConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<NodeName>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_vaults: Option<u32>,
    /// The most blank vaults that are kept ready, beside `max_vaults`; 0 starts each one when it is
    /// asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warm_vaults: Option<u32>,
    /// What isolates the vaults, by its driver's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<String>,
    /// The first host uid of the vaults' id ranges.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_base: Option<u32>,
    /// Limits that vaults may be without where this machine cannot enforce them: `memory`, `pids`, `cpu`.
    /// Where this says nothing, such a vault does not start.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unlimited: Vec<Controller>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PlacementRules {
    /// `spread` (the default) prefers the emptier node, `pack` the fuller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
}

/// What room is worth to the scheduler.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// So that the loss of a node takes few vaults along, and none is crowded.
    #[default]
    Spread,
    /// So that whole nodes stay free.
    Pack,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoteNode {
    pub name: NodeName,
    /// The node's Unix socket on this machine.
    pub socket: PathBuf,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Where its ports are; tickets to another address are not signed. Absent: where it says that they are
    /// when the core asks it first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_plane: Option<IpAddr>,
}
