//! `hauki node add` and `hauki node upgrade`: the core does the work and tells its steps.
//!
//! What only a person can say (whether a host key is right, a password) is asked for on a terminal,
//! and the request is sent again with it; elsewhere the error says what to add.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use clap_complete::ArgValueCandidates;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::api::swarm::{NodeAdd, NodeAsk, NodeStep, NodeUpgrade};
use crate::cli::commands::summon::parse_label;
use crate::cli::complete;
use crate::cli::context::{Ctx, Limit};
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::record::Record;
use crate::cli::{bounded_read, sanitize};
use crate::client::Exit;
use crate::client::endpoint::NdjsonStream;
use crate::model::id::NodeName;
use crate::model::secret::Secret;
use crate::model::ssh::SshAddress;
use crate::model::swarm::{MAX_SWARM_BYTES, SwarmFile, SwarmNode};
use hauki_contract::strict::{self, DocumentLimits};
use hauki_contract::system::clock;

const AFTER: &str = "\
The core logs in (its own key, --key, its agent, the usual keys, or a password that you are asked for),
checks the machine, copies its own haukid there, starts it, and keeps the node in its list. Repeated, it
finds out what is missing and does only that. A host key that is not known is shown and must be confirmed.
One that known_hosts marks @revoked, for whatever host, is refused, --host-key or not.

A key file is a plain file without a passphrase. A server that
takes longer than 10 s to greet or to answer a key, longer than 5 minutes (60 s of them silent) for one command, or
sends without an end is given up (75), and so is an agent after 20 s, for the next way to log in.

Examples:
  hauki node add root@10.0.0.7 --name n3
  hauki node add ops@n4.example:2222 --name n4 --label region=eu --data-plane 10.66.0.9
  hauki node add --file swarm.yaml";

/// Make a machine a node of the swarm, over SSH
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct AddArgs {
    #[arg(value_name = "USER@HOST[:PORT]", required_unless_present = "file", requires = "name")]
    ssh: Option<SshAddress>,
    /// The name that it gets in the swarm
    #[arg(long, conflicts_with = "file")]
    name: Option<NodeName>,
    /// Add every node of this file (swarm.yaml)
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["ssh", "key", "label", "data_plane"])]
    file: Option<PathBuf>,
    /// A private key on the core's machine
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// A label that placement can ask for; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_label)]
    label: Vec<(String, String)>,
    /// The VPN address for ticket ports; otherwise that of the machine's one WireGuard interface
    #[arg(long, value_name = "ADDRESS")]
    data_plane: Option<IpAddr>,
    /// The host key's fingerprint as you compared it, SHA256:...
    #[arg(long, value_name = "FINGERPRINT")]
    host_key: Option<String>,
}

/// Drain a node, wait until it is empty, and install the core's version there
#[derive(Debug, Args)]
pub(super) struct UpgradeArgs {
    #[arg(value_name = "NODE", required = true, add = ArgValueCandidates::new(complete::nodes))]
    nodes: Vec<NodeName>,
    /// End the vaults that are there, instead of waiting for them
    #[arg(long)]
    kill: bool,
}

pub(super) fn run(ctx: &Ctx, args: &AddArgs) -> Result<Exit, CliError> {
    ctx.block_on(Limit::OnlyIfSet, async {
        let nodes = nodes(args).await?;
        let single = nodes.len() == 1;
        let mut batch = (0, 0);
        for node in nodes {
            let name = node.name.clone();
            match add(ctx, node, args.host_key.clone()).await {
                Ok(()) => batch.0 += 1,
                Err(error) if single => return Err(error),
                Err(error) => {
                    batch.1 += 1;
                    ctx.item_failed(&error, name.as_str())?;
                }
            }
        }
        Ok(match batch {
            (_, 0) => Exit::Ok,
            (0, _) => Exit::Failure,
            _ => Exit::Partial,
        })
    })
}

async fn nodes(args: &AddArgs) -> Result<Vec<SwarmNode>, CliError> {
    if let Some(path) = &args.file {
        let bytes = bounded_read::read(path, MAX_SWARM_BYTES).await;
        let bytes = bytes.map_err(|error| CliError::io(&format!("read {}", path.display()), &error))?;
        return read(&path.display().to_string(), &bytes);
    }
    let (Some(ssh), Some(name)) = (args.ssh.clone(), args.name.clone()) else {
        return Err(CliError::usage("a node needs USER@HOST and --name"));
    };
    let labels: BTreeMap<String, String> = args.label.iter().cloned().collect();
    let key_file = match &args.key {
        Some(path) => Some(
            std::path::absolute(path)
                .map_err(|error| CliError::io(&format!("find {}", path.display()), &error))?,
        ),
        None => None,
    };
    let (max_vaults, id_base, state_dir, socket, program) = Default::default();
    let data_plane = args.data_plane;
    Ok(vec![SwarmNode {
        name,
        ssh,
        key_file,
        labels,
        data_plane,
        max_vaults,
        id_base,
        state_dir,
        socket,
        program,
    }])
}

/// Reads a swarm.yaml; what is wrong is told with its line and column.
fn read(path: &str, bytes: &[u8]) -> Result<Vec<SwarmNode>, CliError> {
    let bad = |place: String, reason: String| {
        let kind = ErrorKind::new("bad_swarm_file", Exit::Config);
        Err(CliError::new(kind, format!("{path}{place} is not a swarm.yaml: {reason}"))
            .hint("hauki-swarm.yaml(5) lists the fields of a node"))
    };
    let parsed =
        strict::text(bytes).and_then(|text| strict::from_yaml(text, DocumentLimits::bytes(MAX_SWARM_BYTES)));
    let file: SwarmFile = match parsed {
        Ok(file) => file,
        Err(error) => return bad(error.place(), error.to_string()),
    };
    let mut seen = std::collections::BTreeSet::new();
    for node in &file.nodes {
        if let Err(error) = node.check() {
            return bad(String::new(), format!("node {}: {error}", node.name));
        }
    }
    match file.nodes.iter().find(|node| !seen.insert(&node.name)) {
        Some(twice) => bad(String::new(), format!("two nodes are called {}", twice.name)),
        None => Ok(file.nodes),
    }
}

async fn add(ctx: &Ctx, node: SwarmNode, host_key: Option<String>) -> Result<(), CliError> {
    let job = node.name.to_string();
    let mut order = NodeAdd { node, password: None, host_key };
    loop {
        let lines = ctx.endpoint().await?.node_add(&order).await?;
        let (error, asks) = match follow(ctx, &job, lines).await? {
            Ok(()) => return Ok(()),
            Err(failed) => failed,
        };
        let on_terminal = !ctx.globals.no_input && io::stdin().is_terminal() && io::stderr().is_terminal();
        match asks {
            Some(NodeAsk::HostKey { fingerprint }) if on_terminal && order.host_key.is_none() => {
                let shown = sanitize::line(&fingerprint);
                ctx.say(&format!("{job}: the host key of {} is {shown}\n", order.node.ssh));
                if answer(&format!("{job}: is that the machine's key? [y/N] "), true)? != "y" {
                    return Err(error);
                }
                order.host_key = Some(fingerprint);
            }
            Some(NodeAsk::Password) if on_terminal && order.password.is_none() => {
                let password = answer(&format!("{job}: password of {}: ", order.node.ssh), false)?;
                order.password = Some(Secret::new(password));
            }
            _ => return Err(error),
        }
    }
}

type AddFailure = (CliError, Option<NodeAsk>);

/// Shows the steps as they come; the node's record is the last.
async fn follow(ctx: &Ctx, job: &str, mut lines: NdjsonStream) -> Result<Result<(), AddFailure>, CliError> {
    let began = clock::mono();
    ctx.progress.begin(job);
    let ended = loop {
        match lines.next::<NodeStep>().await? {
            Some(NodeStep::Done { what }) => ctx.progress.done(job, &what),
            Some(NodeStep::Copied { bytes, of }) => {
                ctx.progress.part(job, bytes, of);
            }
            Some(NodeStep::Other) => {}
            Some(NodeStep::Added { node }) => {
                ctx.progress.end(job, began);
                ctx.out.record(Record::new(&node))?;
                return Ok(Ok(()));
            }
            Some(NodeStep::Failed { error, asks }) => {
                break Ok(Err((CliError::from(crate::client::error::ClientError::Api(error)), asks)));
            }
            None => {
                let kind = ErrorKind::new("temporary", Exit::Temporary);
                let error = CliError::new(kind, format!("node {job}: the core left before it was done"));
                break Err(error.hint("repeat it: what is done stays done"));
            }
        }
    };
    ctx.progress.end(job, began);
    ended
}

/// One line from the terminal. A password is not echoed.
fn answer(question: &str, echo: bool) -> Result<String, CliError> {
    let failed = |error: io::Error| CliError::io("ask on the terminal", &error);
    let stdin = io::stdin();
    let before = tcgetattr(&stdin).map_err(|error| failed(error.into()))?;
    if !echo {
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&stdin, OptionalActions::Flush, &silent).map_err(|error| failed(error.into()))?;
    }
    // After that: who answers at once must neither be echoed nor flushed away.
    let asked = io::stderr().write_all(question.as_bytes());
    let mut line = String::new();
    let read = asked.and_then(|()| stdin.lock().read_line(&mut line));
    if !echo {
        tcsetattr(&stdin, OptionalActions::Flush, &before).map_err(|error| failed(error.into()))?;
        let _ = io::stderr().write_all(b"\n");
    }
    read.map_err(failed)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

pub(super) fn upgrade(ctx: &Ctx, args: &UpgradeArgs) -> Result<Exit, CliError> {
    ctx.block_on(Limit::OnlyIfSet, async {
        for node in &args.nodes {
            let lines = ctx.endpoint().await?.node_upgrade(node, &NodeUpgrade { kill: args.kill }).await?;
            follow(ctx, node.as_str(), lines).await?.map_err(|(error, _)| error)?;
        }
        Ok(Exit::Ok)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swarm_file_is_strict_and_says_where() {
        let good = "nodes:\n  - {name: n1, ssh: root@10.0.0.1}\n  - {name: n2, ssh: 'ops@[fd00::2]:2222', labels: {gpu: 'yes'}}\n";
        assert_eq!(read("swarm.yaml", good.as_bytes()).expect("reads").len(), 2);
        for (text, said) in [
            ("nodes:\n  - {name: n1, ssh: root@h, lables: {}}\n", "swarm.yaml:2:"),
            ("nodes:\n  - name: n1\n    ssh: h\n", "swarm.yaml:2:5"),
            ("nodes:\n  - {name: n1, ssh: root@h}\n  - {name: n1, ssh: root@i}\n", "two nodes are called n1"),
            ("node: []\n", "swarm.yaml:1:"),
            ("nodes: [\n", "swarm.yaml:"),
        ] {
            let error = read("swarm.yaml", text.as_bytes()).expect_err(text);
            assert!(error.text(None).contains(said), "{text}: {}", error.text(None));
            assert_eq!(error.kind.exit, Exit::Config);
        }
    }
}
