//! A machine of the swarm as its owner describes it, and `swarm.yaml`, a list of them. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::id::NodeName;
use super::ssh::SshAddress;

/// The longest swarm.yaml that is read: thousands of nodes.
pub const MAX_SWARM_BYTES: usize = 1024 * 1024;

/// The file that `hauki node add --file` reads.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SwarmFile {
    pub nodes: Vec<SwarmNode>,
}

/// Where a node is and with what it runs. What is absent is the machine's own choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SwarmNode {
    pub name: NodeName,
    /// `USER@HOST[:PORT]`. Root, or a user with `sudo` that asks no password.
    pub ssh: SshAddress,
    /// A private key on the core's machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The VPN address on which ticket ports are opened. Absent: that of the machine's one WireGuard
    /// interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_plane: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_vaults: Option<u32>,
    /// The first host uid of the vaults' id ranges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_base: Option<u32>,
    /// `/var/lib/hauki` otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_dir: Option<PathBuf>,
    /// The node's control socket, `/run/hauki/node.sock` otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<PathBuf>,
    /// Where `haukid` is copied to, `/usr/local/bin/haukid` otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<PathBuf>,
}

impl SwarmNode {
    #[must_use]
    pub fn state_dir(&self) -> PathBuf {
        self.state_dir.clone().unwrap_or_else(|| "/var/lib/hauki".into())
    }

    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.socket.clone().unwrap_or_else(|| "/run/hauki/node.sock".into())
    }

    #[must_use]
    pub fn program(&self) -> PathBuf {
        self.program.clone().unwrap_or_else(|| "/usr/local/bin/haukid".into())
    }
}
