//! A machine of the swarm as its owner describes it, and `swarm.yaml`, a list of them. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Component, Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::id::NodeName;
use super::labels::{self, LabelError};
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

/// The longest address of a Unix socket.
const MOST_SOCKET: usize = 107;
const MOST_PATH: usize = 4000;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SwarmNodeError {
    #[error(
        "{field} is {path}: it must be an absolute path of at most {most} bytes, in UTF-8, with neither `..` nor control characters"
    )]
    Path { field: &'static str, path: String, most: usize },
    #[error(transparent)]
    Labels(#[from] LabelError),
}

/// It is written into scripts, units and configurations of another machine.
fn is_place(path: &Path, most: usize) -> bool {
    let is_text = path.to_str().is_some_and(|text| text.len() <= most && !text.chars().any(char::is_control));
    is_text && path.is_absolute() && !path.components().any(|part| part == Component::ParentDir)
}

impl SwarmNode {
    /// Before anything is done with it: whether a machine could be set up so.
    pub fn check(&self) -> Result<(), SwarmNodeError> {
        let places = [
            ("state_dir", &self.state_dir, MOST_PATH),
            ("socket", &self.socket, MOST_SOCKET),
            ("program", &self.program, MOST_PATH),
        ];
        for (field, path, most) in places {
            if let Some(path) = path.as_ref().filter(|path| !is_place(path, most)) {
                let path = format!("{:?}", path.to_string_lossy().chars().take(120).collect::<String>());
                return Err(SwarmNodeError::Path { field, path, most });
            }
        }
        Ok(labels::check_labels(&self.labels)?)
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_another_command_on_the_machine_is_refused_by_its_field() {
        let node = |more: &str| -> SwarmNode {
            serde_json::from_str(&format!("{{\"name\":\"n1\",\"ssh\":\"root@h\"{more}}}")).expect("parses")
        };
        let long = format!(r#","socket":"/run/{}""#, "s".repeat(103));
        let fits = format!(r#","socket":"/run/{}""#, "s".repeat(102));
        for good in ["", r#","state_dir":"/srv/a b/%h","labels":{"gpu":"yes"}"#, &fits] {
            assert_eq!(node(good).check(), Ok(()), "{good}");
        }
        for (bad, field) in [
            (r#","socket":"/run/n.sock\nExecStartPre=/bin/sh -c 'id > /tmp/owned'\n#""#, "socket"),
            (long.as_str(), "socket"),
            (r#","program":"relative/haukid""#, "program"),
            (r#","state_dir":"/var/lib/../../etc""#, "state_dir"),
            (r#","state_dir":"/var/\u0085lib""#, "state_dir"),
            (r#","state_dir":"""#, "state_dir"),
            (r#","labels":{"a\nb":"c"}"#, "label"),
        ] {
            let refused = node(bad).check().expect_err(bad).to_string();
            assert!(refused.contains(field), "{bad}: {refused}");
        }
    }
}
