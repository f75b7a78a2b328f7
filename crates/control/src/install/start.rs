//! Service setup: the node's own files, and its daemon, as a systemd service where there is systemd, else detached.

use std::net::IpAddr;

use super::InstallError;
use super::remote::Remote;
use crate::link::quoted;
use hauki_contract::model::config::{Config, Daemon, DataPlane, NodeConfig};
use hauki_contract::model::digest::Sha256;
use hauki_contract::model::swarm::SwarmNode;
use hauki_contract::strict::{DocumentLimits, tolerant_reader};

const UNIT: &str = "hauki-node.service";

/// Beside the state, so that two nodes of one machine have two.
pub(super) fn config_path(node: &SwarmNode) -> String {
    node.state_dir().join("node.yaml").to_string_lossy().into_owned()
}

pub(super) fn configuration(node: &SwarmNode, data_plane: IpAddr) -> String {
    let config = Config {
        daemon: Daemon {
            state_dir: Some(node.state_dir()),
            socket: Some(node.socket()),
            ..Daemon::default()
        },
        data_plane: DataPlane { address: Some(data_plane) },
        node: NodeConfig {
            name: Some(node.name.clone()),
            labels: node.labels.clone(),
            max_vaults: node.max_vaults,
            id_base: node.id_base,
            ..NodeConfig::default()
        },
        ..Config::default()
    };
    // JSON is YAML, and a configuration of plain values can always be written.
    let text = serde_json::to_string_pretty(&config).unwrap_or_default();
    format!("# Written by `hauki node add`, and written again by it.\n{text}\n")
}

/// What of the node is there already.
pub(super) struct Here {
    /// The hash of the program.
    pub(super) program: String,
    pub(super) same_configuration: bool,
    pub(super) running: bool,
}

pub(super) fn look(remote: &Remote, node: &SwarmNode, data_plane: IpAddr) -> Result<Here, InstallError> {
    let program = quoted(&node.program().to_string_lossy());
    let script = format!(
        "sha256sum < {program} 2>/dev/null | cut -d' ' -f1; sha256sum < {config} 2>/dev/null | cut -d' ' -f1; \
         {pid} [ -z \"$pid\" ] || echo running; true",
        config = quoted(&config_path(node)),
        pid = find_pid(node),
    );
    let text = remote.must("look for haukid", &script, b"")?;
    let said: Vec<&str> = text.lines().collect();
    let wanted = Sha256::of(configuration(node, data_plane).as_bytes()).to_string();
    Ok(Here {
        program: said.first().copied().unwrap_or_default().to_owned(),
        same_configuration: said.contains(&wanted.as_str()),
        running: said.last() == Some(&"running"),
    })
}

pub(super) fn configure(remote: &Remote, node: &SwarmNode, data_plane: IpAddr) -> Result<(), InstallError> {
    let text = configuration(node, data_plane);
    let path = quoted(&config_path(node));
    let script = format!(
        "set -e; umask 022; mkdir -p -m 711 \"$(dirname {path})\"; cat > {path}.new; mv -f {path}.new {path}"
    );
    remote.must("write its configuration", &script, text.as_bytes()).map(drop)
}

/// Shell words that set `pid` to the daemon of this state directory, if it lives and is ours.
fn find_pid(node: &SwarmNode) -> String {
    format!(
        "pid=$(head -c 20 {state}/node.lock 2>/dev/null | head -n 1 | cut -d' ' -f1); \
         case \"$pid\" in ''|0|1|*[!0-9]*) pid= ;; *) \
         [ \"$(readlink /proc/$pid/exe | sed 's/ (deleted)$//')\" = {program} ] || pid= ;; esac;",
        state = quoted(&node.state_dir().to_string_lossy()),
        program = quoted(&node.program().to_string_lossy()),
    )
}

/// A machine is one node in one state directory.
pub(super) fn refuse_other_name(remote: &Remote, node: &SwarmNode) -> Result<(), InstallError> {
    let script = format!("cat {} 2>/dev/null || true", quoted(&config_path(node)));
    let text = remote.must("read its configuration", &script, b"")?;
    let json = text.split_once('\n').map(|(_, json)| json).unwrap_or_default();
    match tolerant_reader::from_str::<Config>(json, DocumentLimits::MESSAGE)
        .ok()
        .and_then(|config| config.node.name)
    {
        Some(other) if other != node.name => Err(InstallError::OtherName { other: other.to_string() }),
        _ => Ok(()),
    }
}

/// A word of a command in a unit, whatever letters it has: systemd reads escapes, `%` and `$` in it, the last not in
/// the program's own name.
fn word(text: &str, is_program: bool) -> String {
    let mut word = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => word.extend(['\\', letter]),
            '%' => word.push_str("%%"),
            '$' if !is_program => word.push_str("$$"),
            letter if letter.is_control() => {
                let mut bytes = [0; 4];
                word.extend(letter.encode_utf8(&mut bytes).bytes().map(|byte| format!("\\x{byte:02x}")));
            }
            letter => word.push(letter),
        }
    }
    word + "\""
}

fn unit(node: &SwarmNode) -> String {
    format!(
        "[Unit]\nDescription=hauki swarm node {name}\nWants=network-online.target\nAfter=network-online.target\n\n\
         [Service]\nType=notify\nExecStart={program} node --socket {socket} --config {config}\nRestart=on-failure\n\
         RestartSec=1\nRestartPreventExitStatus=69 78\nDelegate=yes\nKillMode=mixed\nTimeoutStopSec=30\n\n[Install]\nWantedBy=multi-user.target\n",
        name = node.name,
        program = word(&node.program().to_string_lossy(), true),
        socket = word(&node.socket().to_string_lossy(), false),
        config = word(&config_path(node), false),
    )
}

/// Starts the daemon, or starts it anew with what has changed.
pub(super) fn start(remote: &Remote, node: &SwarmNode, systemd: bool) -> Result<(), InstallError> {
    let failed = |error| match error {
        InstallError::Command { said, .. } => InstallError::Start { said },
        other => other,
    };
    if systemd {
        let script = format!(
            "set -e; cat > /etc/systemd/system/{UNIT}; systemctl daemon-reload; systemctl enable -q {UNIT}; \
             systemctl restart {UNIT}"
        );
        return remote.must("start haukid", &script, unit(node).as_bytes()).map(drop).map_err(failed);
    }
    let said = remote.must("start haukid", &detached(node), b"").map_err(failed)?;
    match said.lines().rfind(|line| !line.trim().is_empty()) {
        Some("ready") => Ok(()),
        line => Err(InstallError::Start { said: line.unwrap_or("it said nothing").to_owned() }),
    }
}

/// The predecessor is asked to leave, and its successor waits for it; the last line is its word.
fn detached(node: &SwarmNode) -> String {
    format!(
        "umask 022; mkdir -p -m 711 {state}; {pid} \
         if [ -n \"$pid\" ]; then kill -TERM \"$pid\"; while [ -e /proc/$pid ]; do sleep 0.05; done; fi; \
         {{ setsid {program} node --socket {socket} --config {config} --ready-fd 3 3>&1 >>{state}/haukid.log 2>&1 \
           </dev/null & }} | head -n 1",
        pid = find_pid(node),
        state = quoted(&node.state_dir().to_string_lossy()),
        program = quoted(&node.program().to_string_lossy()),
        socket = quoted(&node.socket().to_string_lossy()),
        config = quoted(&config_path(node)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let node: SwarmNode =
            serde_json::from_str(r#"{"name":"n1","ssh":"root@h","id_base":7}"#).expect("parses");
        let text = configuration(&node, "10.66.0.7".parse().expect("an address"));
        let config: Config = serde_yaml::from_str(&text).expect("is YAML");
        assert_eq!(config.node.name.as_ref().map(|name| name.as_str()), Some("n1"));
        assert_eq!((config.node.id_base, config.data_plane.address.is_some()), (Some(7), true));
    }

    #[test]
    fn no_path_is_more_than_a_word_of_the_unit() {
        let node = |more: &str| -> SwarmNode {
            serde_json::from_str(&format!("{{\"name\":\"n1\",\"ssh\":\"root@h\"{more}}}")).expect("parses")
        };
        let plain = unit(&node(""));
        let line = |unit: &str| unit.lines().find(|line| line.starts_with("ExecStart=")).map(str::to_owned);
        let expected = r#"ExecStart="/usr/local/bin/haukid" node --socket "/run/hauki/node.sock" --config "/var/lib/hauki/node.yaml""#;
        assert_eq!(line(&plain).as_deref(), Some(expected));
        let hostile = unit(&node(
            r#","socket":"/run/a\nExecStartPre=/bin/id\n#","state_dir":"/srv/a \"b\" %h $X \\x","program":"/opt/$x""#,
        ));
        assert_eq!(hostile.lines().count(), plain.lines().count());
        let expected = r#"ExecStart="/opt/$x" node --socket "/run/a\x0aExecStartPre=/bin/id\x0a#" --config "/srv/a \"b\" %%h $$X \\x/node.yaml""#;
        assert_eq!(line(&hostile).as_deref(), Some(expected));
    }
}
