//! Node installation: making a machine a node; check, copy, configure, start, reach. Blocking, on a thread of its own.
//!
//! Every step finds out whether it is done already, so that a half-done installation is repaired by
//! repeating it. Nothing is written on a machine that fails a check. Files there: the program, and
//! `node.yaml` and a unit or a log beside the places that the node was given.

mod facts;
mod remote;
mod start;

use std::io;
use std::path::PathBuf;

use super::ledger::NodeRecord;
use super::link::known_hosts::HostKeyError;
use super::link::login::{LoginError, LoginKeys, Secrets, Way, login};
use super::link::{Overstep, identity, quoted};
use facts::HostFacts;
use hauki_contract::api::swarm::{NodeAdd, NodeAsk, NodeStep};
use hauki_contract::model::check::{Check, CheckLevel};
use hauki_contract::model::digest::Sha256;
use hauki_contract::model::swarm::SwarmNode;
use hauki_contract::model::units::show_size;
use hauki_contract::strict::{DocumentLimits, tolerant_reader};
use hauki_contract::system::random;
use remote::Remote;

#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    #[error(transparent)]
    Login(#[from] LoginError),
    #[error("{what}: the SSH session failed")]
    Session { what: String, source: io::Error },
    #[error("{what}")]
    Overstep { what: String, source: Overstep },
    #[error("{what}: {said}")]
    Command { what: String, said: String },
    #[error("become root: the user is not root, and `sudo -n` asks for a password")]
    NotRoot,
    #[error("check the machine: it is {there}, and this haukid is for {here}")]
    Architecture { there: String, here: &'static str },
    #[error("check the machine: it has no WireGuard interface with an address")]
    NoVpn,
    #[error("check the machine: it has several VPN addresses: {found}")]
    SeveralVpns { found: String },
    #[error("check the machine: it is the node {other} already")]
    OtherName { other: String },
    #[error("check the machine: {what}")]
    Unfit { what: String, hint: Option<String> },
    #[error("read {}", path.display())]
    Own { path: PathBuf, source: io::Error },
    #[error("copy haukid: the server offers no SFTP")]
    Sftp { source: ssh2::Error },
    #[error("copy haukid: {done} of {of} bytes were written")]
    Copy { done: u64, of: u64, source: io::Error },
    #[error(transparent)]
    Identity(#[from] identity::SshIdentityError),
    #[error("start haukid anew: it has {vaults} vaults")]
    Busy { vaults: usize },
    #[error("start haukid: {said}")]
    Start { said: String },
}

impl InstallError {
    /// What to do about it.
    pub(super) fn advice(&self) -> Option<String> {
        match self {
            Self::Login(_) => None,
            Self::Session { .. } | Self::Overstep { .. } => {
                Some("add it again: what is done stays done".into())
            }
            Self::Command { .. } => Some("mend that on the node, then add it again".into()),
            Self::NotRoot => Some("log in as root, or let the user `sudo` without a password".into()),
            Self::Architecture { .. } => Some("nodes must be of the core's architecture".into()),
            Self::NoVpn => Some("set up WireGuard there, or name the address with --data-plane".into()),
            Self::SeveralVpns { .. } => Some("choose one with --data-plane".into()),
            Self::OtherName { .. } => Some("use that name, or remove that node first".into()),
            Self::Unfit { hint, .. } => hint.clone(),
            Self::Own { .. } | Self::Identity(_) => Some("look at the core's machine".into()),
            Self::Sftp { .. } => Some("sshd_config there needs `Subsystem sftp internal-sftp`".into()),
            Self::Copy { .. } => Some("is the disk there full? make room, then add it again".into()),
            Self::Busy { .. } => Some("`hauki node upgrade` drains it first".into()),
            Self::Start { .. } => Some("its log on the node tells more".into()),
        }
    }

    /// What a person could add, so that it goes on.
    pub(super) fn asks(&self) -> Option<NodeAsk> {
        match self {
            Self::Login(LoginError::HostKey { source: HostKeyError::Unknown { fingerprint }, .. }) => {
                Some(NodeAsk::HostKey { fingerprint: fingerprint.clone() })
            }
            Self::Login(LoginError::Refused { .. }) => Some(NodeAsk::Password),
            _ => None,
        }
    }
}

/// Where the steps are told. Nobody listening is no reason to stop half way.
pub(super) type Tell<'a> = &'a dyn Fn(NodeStep);

/// A whole installation; the answer is what the core must keep. A node that is `busy` with so many
/// vaults is not started anew.
pub(super) fn install(
    order: &NodeAdd,
    keys: &LoginKeys,
    busy: usize,
    tell: Tell<'_>,
) -> Result<NodeRecord, InstallError> {
    let done = |what: String| tell(NodeStep::Done { what });
    let node = &order.node;
    let secrets = Secrets { password: order.password.clone(), host_key: order.host_key.clone() };
    let entered = login(&node.ssh, keys, &secrets)?;
    let known = if order.host_key.is_some() { "confirmed" } else { "known" };
    done(format!("host key {} ({known})", entered.fingerprint));
    let way = match entered.way {
        Way::Key => "by key",
        Way::OwnKey => "by the core's key",
        Way::Agent => "by agent",
        Way::Password => "by password",
    };
    done(format!("logged in {way}"));
    let remote = Remote::new(entered.session);
    let machine = HostFacts::look(&remote)?;
    if !machine.root && !machine.sudo {
        return Err(InstallError::NotRoot);
    }
    if machine.arch != std::env::consts::ARCH {
        return Err(InstallError::Architecture { there: machine.arch, here: std::env::consts::ARCH });
    }
    let data_plane = machine.data_plane(node.data_plane)?;
    let remote = remote.with_sudo(!machine.root);
    start::refuse_other_name(&remote, node)?;
    let HostFacts { os, cores, memory_bytes, .. } = &machine;
    done(format!("checked: {os}, {cores} cores, {}", show_size(*memory_bytes)));
    // By the core's own key too: its line may be of a version that gave it every right.
    if matches!(entered.way, Way::OwnKey | Way::Agent | Way::Password) {
        let line = identity::load_or_make(&keys.own)?;
        let_in(&remote, node, &line)?;
        done("the core's key is let in".into());
    }
    let own = Own::read()?;
    let here = start::look(&remote, node, data_plane.0)?;
    let same_program = here.program == own.hash;
    if here.running && !(same_program && here.same_configuration) && busy > 0 {
        return Err(InstallError::Busy { vaults: busy });
    }
    match same_program {
        true => done("haukid is there already".into()),
        false => copy(&remote, node, &own, tell)?,
    }
    if !here.same_configuration {
        start::configure(&remote, node, data_plane.0)?;
    }
    findings(&remote, node)?;
    match here.running && same_program && here.same_configuration {
        true => done("runs already".into()),
        false => {
            start::start(&remote, node, machine.systemd)?;
            done("started".into());
        }
    }
    done(format!("data plane {} {}", data_plane.0, data_plane.1));
    let sudo = !machine.root;
    let address = Some(data_plane.0);
    Ok(NodeRecord { node: node.clone(), by_bridge: sudo, sudo, draining: false, address })
}

/// What the core's key may do: run commands and copy files, as it must to install, and forward to the node's socket, for
/// which sshd wants the right to forward. No terminal, no agent, no X11, no `~/.ssh/rc`.
const RIGHTS: &str = "restrict,port-forwarding";

/// Puts `$line` into `$file`, and takes `$key` without its rights out. It is replaced as a whole, or not at all: a full
/// disk or a cut connection must not leave a machine that nobody can enter.
const PUT_LINE: &str = "touch \"$file\"; file=$(readlink -f \"$file\"); if grep -qxF \"$key\" \"$file\" || ! grep -qxF \"$line\" \"$file\"; then \
     new=$(mktemp \"$file.XXXXXX\"); trap 'rm -f \"$new\"' EXIT; cp -p \"$file\" \"$new\"; \
     { grep -vxF -e \"$key\" -e \"$line\" \"$file\" || [ $? -eq 1 ]; } > \"$new\"; \
     printf '%s\\n' \"$line\" >> \"$new\"; chmod 600 \"$new\"; mv -f \"$new\" \"$file\"; fi; chmod 600 \"$file\"";

/// The core must get in again without anybody.
fn let_in(remote: &Remote, node: &SwarmNode, line: &str) -> Result<(), InstallError> {
    // A line of an older version, which had every right, makes room for the new one.
    let script = format!(
        "set -e; home=$(getent passwd {user} | cut -d: -f6); key=$(cat); line=\"{RIGHTS} $key\"; \
         mkdir -p -m 700 \"$home/.ssh\"; file=\"$home/.ssh/authorized_keys\"; {PUT_LINE}; \
         chown {user}: \"$home/.ssh\" \"$file\"",
        user = quoted(&node.ssh.user)
    );
    remote.must("let the core's key in", &script, line.as_bytes()).map(drop)
}

/// The program that this core runs, which is the one that its nodes get.
struct Own {
    path: PathBuf,
    hash: String,
}

impl Own {
    fn read() -> Result<Self, InstallError> {
        let path = PathBuf::from("/proc/self/exe");
        let bytes =
            std::fs::read(&path).map_err(|source| InstallError::Own { path: path.clone(), source })?;
        Ok(Self { path, hash: Sha256::of(&bytes).to_string() })
    }
}

fn copy(remote: &Remote, node: &SwarmNode, own: &Own, tell: Tell<'_>) -> Result<(), InstallError> {
    let program = quoted(&node.program().to_string_lossy());
    let upload = PathBuf::from(format!("/tmp/hauki-upload-{:016x}", random::u64()));
    let size = remote.copy(&own.path, &upload, |bytes, of| tell(NodeStep::Copied { bytes, of }))?;
    let (upload, hash) = (quoted(&upload.to_string_lossy()), &own.hash);
    // The running program is replaced under its name, never written over.
    let script = format!(
        "set -e; trap 'rm -f {upload} {program}.new' EXIT; mkdir -p \"$(dirname {program})\"; \
         install -m 755 {upload} {program}.new; \
         [ \"$(sha256sum < {program}.new | cut -d' ' -f1)\" = {hash} ]; mv -f {program}.new {program}"
    );
    remote.must("put haukid in its place", &script, b"")?;
    tell(NodeStep::Done { what: format!("copied haukid, {}", show_size(size)) });
    Ok(())
}

/// Whether vaults can run there, by the word of `haukid` itself.
fn findings(remote: &Remote, node: &SwarmNode) -> Result<(), InstallError> {
    let program = quoted(&node.program().to_string_lossy());
    let path = quoted(&start::config_path(node));
    let said =
        remote.run("ask haukid for its findings", &format!("{program} findings --config {path}"), b"")?;
    let json = said.text.lines().find(|line| line.starts_with('['));
    let checks =
        json.and_then(|line| tolerant_reader::from_str::<Vec<Check>>(line, DocumentLimits::MESSAGE).ok());
    let unfit = |what: String, hint: Option<String>| Err(InstallError::Unfit { what, hint });
    let Some(checks) = checks else {
        let line = said.text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("haukid said nothing");
        // The dynamic linker says this before haukid can say anything.
        let hint = line.contains("liblxc").then(|| "apt-get install liblxc1 on the node".to_owned());
        return unfit(line.chars().filter(|letter| !letter.is_control()).take(400).collect(), hint);
    };
    match checks.into_iter().find(|check| check.level == CheckLevel::Fail) {
        Some(check) => unfit(check.what, check.hint),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// On a file of this machine; with `full` nothing can be written.
    fn put(file: &std::path::Path, full: bool) -> bool {
        let full = if full { "trap '' XFSZ; ulimit -f 0;" } else { "" };
        let script = format!(
            "set -e; {full} key='ssh-ed25519 AAAA core'; line=\"{RIGHTS} $key\"; file={}; {PUT_LINE}",
            quoted(&file.to_string_lossy())
        );
        Command::new("sh").args(["-c", &script]).output().expect("runs").status.success()
    }

    #[test]
    fn the_line_of_the_key_is_replaced_as_a_whole_or_not_at_all() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("authorized_keys");
        let read = || std::fs::read_to_string(&file).expect("is there");
        let line = format!("{RIGHTS} ssh-ed25519 AAAA core\n");
        assert!(put(&file, false) && read() == line, "{}", read());
        let old = "ssh-rsa BBBB operator\nssh-ed25519 AAAA core\nfrom=\"*\" ssh-ed25519 AAAA core\n";
        std::fs::write(&file, old).expect("writes");
        assert!(!put(&file, true));
        assert_eq!(read(), old, "whoever could come in still can");
        for _ in 0..2 {
            assert!(put(&file, false));
            let expected = format!("ssh-rsa BBBB operator\nfrom=\"*\" ssh-ed25519 AAAA core\n{line}");
            assert_eq!(read(), expected);
        }
        std::fs::write(&file, "ssh-ed25519 AAAA core\n").expect("writes");
        assert!(put(&file, false) && read() == line, "{}", read());
        let entries = std::fs::read_dir(directory.path()).expect("lists").count();
        assert_eq!(entries, 1, "nothing is left beside it");
    }
}
