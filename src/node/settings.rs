//! What a node needs to know before it starts.

use std::net::IpAddr;

use crate::model::check::{Check, CheckLevel};
use crate::model::config::{self, Config};
use crate::model::id::NodeName;

#[derive(Debug, Clone)]
pub struct NodeSettings {
    pub name: NodeName,
    /// Ticket ports are opened here and nowhere else.
    pub data_plane: IpAddr,
    /// Why it is that address, for `hauki doctor`.
    pub data_plane_reason: String,
    pub max_vaults: u32,
    /// The most blank vaults that wait for a worker; 0: none.
    pub warm_vaults: u32,
}

#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error(
        "data_plane.address is {0}, which would open ticket ports on every network: name the VPN's address"
    )]
    Wildcard(IpAddr),
}

impl NodeSettings {
    /// Which address ticket ports are opened on, and why, as a line of `hauki doctor`.
    #[must_use]
    pub fn data_plane_check(&self) -> Check {
        let what = format!("data plane {}: {}", self.data_plane, self.data_plane_reason);
        if self.data_plane.is_loopback() {
            let hint = "set data_plane.address in /etc/hauki/hauki.yaml to the VPN's address";
            return Check { level: CheckLevel::Warn, what, hint: Some(hint.into()) };
        }
        Check { level: CheckLevel::Ok, what, hint: None }
    }

    /// Blanks take nobody's place.
    #[must_use]
    pub fn most_sandboxes(&self) -> usize {
        self.max_vaults.saturating_add(self.warm_vaults) as usize
    }

    pub fn new(said: &Config) -> Result<Self, SettingsError> {
        let (data_plane, data_plane_reason) = match said.data_plane.address {
            Some(address) if address.is_unspecified() => return Err(SettingsError::Wildcard(address)),
            Some(address) => (address, "data_plane.address of the configuration".to_owned()),
            None => (
                config::DATA_PLANE,
                "no VPN address is configured (data_plane.address), so tickets work on this machine only"
                    .to_owned(),
            ),
        };
        let name = said.node.name.clone();
        Ok(Self {
            name: name.unwrap_or_else(|| config::NODE_NAME.parse().expect("the default name is valid")),
            data_plane,
            data_plane_reason,
            max_vaults: said.node.max_vaults.unwrap_or(config::MAX_VAULTS),
            warm_vaults: said.node.warm_vaults.unwrap_or(config::WARM_VAULTS),
        })
    }
}
