//! Settings of a node: what it needs to know before it starts.

use std::io;
use std::net::{IpAddr, TcpListener};
use std::path::{Path, PathBuf};

use reqwest::Certificate;

use hauki_contract::model::check::Check;
use hauki_contract::model::config::{self, Config};
use hauki_contract::model::id::NodeName;
use hauki_contract::model::net_ceiling::NetCeiling;
use hauki_contract::system::rlimit;

/// Far more than all that there are.
const MOST_CA_BYTES: usize = 4 * 1024 * 1024;

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
    /// What workers may be invited to at most.
    pub net: Option<NetCeiling>,
    /// Who may vouch for what they fetch, beside the system's own.
    pub authorities: Vec<Certificate>,
}

#[derive(Debug, thiserror::Error)]
pub enum NodeSettingsError {
    #[error("data_plane.address is {0}, which {1}: name the VPN's address")]
    Unusable(IpAddr, &'static str),
    #[error("net.ca_file {} cannot be read", path.display())]
    CaFile { path: PathBuf, source: io::Error },
    #[error("net.ca_file {} holds no certificate in PEM form", path.display())]
    Certificate { path: PathBuf, source: Option<reqwest::Error> },
}

/// Why no ticket can lead to an address, whatever networks the machine has.
fn unusable(address: IpAddr) -> Option<&'static str> {
    match address {
        any if any.is_unspecified() => Some("would open ticket ports on every network"),
        any if any.is_multicast() => Some("is that of a group"),
        IpAddr::V4(one) if one.is_broadcast() => Some("is that of everybody in a network"),
        IpAddr::V4(one) if one.is_link_local() => Some("is another machine on each link"),
        IpAddr::V6(one) if one.is_unicast_link_local() => Some("is another machine on each link"),
        _ => None,
    }
}

/// Those of a file, of which there is one at least.
fn authorities(path: &Path) -> Result<Vec<Certificate>, NodeSettingsError> {
    let failed = |source| NodeSettingsError::CaFile { path: path.to_owned(), source };
    let pem = rlimit::read(path, MOST_CA_BYTES).map_err(failed)?;
    let none = |source| NodeSettingsError::Certificate { path: path.to_owned(), source };
    let read = Certificate::from_pem_bundle(&pem).map_err(|error| none(Some(error)))?;
    if read.is_empty() { Err(none(None)) } else { Ok(read) }
}

impl NodeSettings {
    /// Which address ticket ports are opened on, and why, as a line of `hauki doctor`.
    #[must_use]
    pub fn data_plane_check(&self) -> Check {
        let address = self.data_plane;
        let what = format!("data plane {address}: {}", self.data_plane_reason);
        // As a forge does it.
        if let Err(error) = TcpListener::bind((address, 0)) {
            let what = format!("data plane {address}: no port can be opened there: {error}");
            let hint = "data_plane.address is the VPN's address of this very machine, and the VPN must be up";
            return Check::fail(what, hint);
        }
        if address.is_loopback() {
            let hint = "set data_plane.address in /etc/hauki/hauki.yaml to the VPN's address";
            return Check::warn(what, hint);
        }
        Check::ok(what)
    }

    /// Blanks take nobody's place.
    #[must_use]
    pub fn most_sandboxes(&self) -> usize {
        self.max_vaults.saturating_add(self.warm_vaults) as usize
    }

    pub fn new(said: &Config) -> Result<Self, NodeSettingsError> {
        let address = said.data_plane.address;
        if let Some((address, why)) = address.and_then(|address| Some((address, unusable(address)?))) {
            return Err(NodeSettingsError::Unusable(address, why));
        }
        let data_plane_reason = match address {
            Some(address) if address.is_loopback() => {
                "data_plane.address of the configuration, so tickets work on this machine only"
            }
            Some(_) => "data_plane.address of the configuration",
            None => "no VPN address is configured (data_plane.address), so tickets work on this machine only",
        };
        let (data_plane, data_plane_reason) =
            (address.unwrap_or(config::DATA_PLANE), data_plane_reason.to_owned());
        let name = said.node.name.clone();
        let authorities = said.net.ca_file.as_deref().map(authorities).transpose()?.unwrap_or_default();
        Ok(Self {
            name: name.unwrap_or_else(|| config::NODE_NAME.parse().expect("the default name is valid")),
            data_plane,
            data_plane_reason,
            max_vaults: said.node.max_vaults.unwrap_or(config::MAX_VAULTS),
            warm_vaults: said.node.warm_vaults.unwrap_or(config::WARM_VAULTS),
            net: said.net.allow.clone(),
            authorities,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hauki_contract::model::check::CheckLevel;

    fn settings(address: &str) -> Result<NodeSettings, NodeSettingsError> {
        let mut said = Config::default();
        said.data_plane.address = Some(address.parse().expect("is an address"));
        NodeSettings::new(&said)
    }

    #[test]
    fn a_data_plane_is_one_machines_own_address_and_it_has_it() {
        for address in ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "169.254.1.1", "fe80::1"]
        {
            let told = settings(address).expect_err(address).to_string();
            assert!(told.starts_with(&format!("data_plane.address is {address}, which ")), "{told}");
        }
        // Of the networks that are for documents only.
        let elsewhere = settings("192.0.2.1").expect("could be one's own").data_plane_check();
        assert!(elsewhere.level == CheckLevel::Fail && elsewhere.what.contains("no port"), "{elsewhere:?}");
        let here = settings("127.0.0.1").expect("is an address").data_plane_check();
        assert!(here.level == CheckLevel::Warn && here.what.ends_with("this machine only"), "{here:?}");
    }
}
