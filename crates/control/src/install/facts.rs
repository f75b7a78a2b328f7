//! Host facts: what a machine is, by its own word; one script, one line for each fact.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::InstallError;
use super::remote::Remote;

/// `wg` knows the interfaces of wireguard-go as well; without it the kernel's own are found.
const SCRIPT: &str = r#"
echo "uid=$(id -u)"
echo "arch=$(uname -m)"
echo "os=$(. /etc/os-release 2>/dev/null; echo "$PRETTY_NAME")"
echo "cores=$(nproc)"
echo "memory_kib=$(sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo)"
[ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1 && echo "systemd=yes"
[ "$(id -u)" = 0 ] || { sudo -n true 2>/dev/null && echo "sudo=yes"; }
for interface in $( { wg show interfaces 2>/dev/null; ip -o link show type wireguard 2>/dev/null | cut -d: -f2; } | tr ' ' '\n' | sort -u); do
    ip -o addr show dev "$interface" scope global 2>/dev/null | while read -r _ name _ address _; do
        echo "vpn.$name.$address="
    done
done
"#;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct HostFacts {
    pub(super) root: bool,
    pub(super) sudo: bool,
    pub(super) arch: String,
    pub(super) systemd: bool,
    pub(super) os: String,
    pub(super) cores: u32,
    pub(super) memory_bytes: u64,
    /// WireGuard's addresses with their interfaces.
    pub(super) vpn: Vec<(String, IpAddr)>,
}

impl HostFacts {
    pub(super) fn look(remote: &Remote) -> Result<Self, InstallError> {
        Ok(Self::read(&remote.must("look at the machine", SCRIPT, b"")?))
    }

    fn read(text: &str) -> Self {
        let facts: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once('=')).collect();
        let fact = |name: &str| facts.get(name).copied().unwrap_or_default();
        let vpn = facts.keys().filter_map(|key| key.strip_prefix("vpn.")).filter_map(|rest| {
            let (interface, address) = rest.split_once('.')?;
            Some((interface.to_owned(), address.split('/').next()?.parse().ok()?))
        });
        Self {
            root: fact("uid") == "0",
            sudo: fact("sudo") == "yes",
            arch: fact("arch").to_owned(),
            systemd: fact("systemd") == "yes",
            os: fact("os").chars().filter(|letter| !letter.is_control()).take(80).collect(),
            cores: fact("cores").parse().unwrap_or(0),
            memory_bytes: fact("memory_kib").parse::<u64>().unwrap_or(0).saturating_mul(1024),
            vpn: vpn.collect(),
        }
    }

    /// The address for tickets: what was said, or that of the one VPN; never a guess among several.
    pub(super) fn data_plane(&self, wanted: Option<IpAddr>) -> Result<(IpAddr, String), InstallError> {
        if let Some(address) = wanted {
            let interface = self.vpn.iter().find(|(_, known)| *known == address).map(|(name, _)| name);
            return Ok((address, interface.map_or("as it was given".into(), |name| format!("on {name}"))));
        }
        match self.vpn.as_slice() {
            [(interface, address)] => Ok((*address, format!("on {interface}"))),
            [] => Err(InstallError::NoVpn),
            several => {
                let found = several.iter().map(|(name, address)| format!("{address} on {name}"));
                Err(InstallError::SeveralVpns { found: found.collect::<Vec<_>>().join(", ") })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_and_noise_is_not() {
        let machine = HostFacts::read(
            "bash: warning: something\nuid=0\narch=x86_64\nos=Debian GNU/Linux 12 (bookworm)\ncores=16\n\
             memory_kib=65000000\nsystemd=yes\nvpn.wg0.10.66.0.7/24=\n",
        );
        assert!(machine.root && machine.systemd && !machine.sudo);
        assert_eq!((machine.cores, machine.memory_bytes), (16, 65_000_000 * 1024));
        let (address, why) = machine.data_plane(None).expect("is the one");
        assert_eq!((address.to_string(), why.as_str()), ("10.66.0.7".into(), "on wg0"));
        let nothing = HostFacts::read("");
        assert!(!nothing.root && matches!(nothing.data_plane(None), Err(InstallError::NoVpn)));
        let given = nothing.data_plane(Some("10.1.1.1".parse().expect("an address"))).expect("is given");
        assert_eq!(given.1, "as it was given");
        let two = HostFacts::read("vpn.wg0.10.66.0.7/24=\nvpn.wg1.10.67.0.7/24=\n");
        assert!(matches!(two.data_plane(None), Err(InstallError::SeveralVpns { .. })));
    }
}
