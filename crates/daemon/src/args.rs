//! Command line of `haukid`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// The hauki daemon: control plane, swarm node, or both.
///
/// `hauki` starts it by itself where none is running. Start it yourself on a machine that is part
/// of a swarm, or as a systemd service (hauki.service).
#[derive(Debug, Parser)]
#[command(name = "haukid", version, arg_required_else_help = true)]
pub struct HaukidArgs {
    #[command(subcommand)]
    pub task: DaemonTask,
}

#[derive(Debug, Subcommand)]
pub enum DaemonTask {
    #[command(flatten)]
    Serve(Role),
    /// Join standard input and output to a node's socket; a core runs it over SSH
    Bridge(BridgeArgs),
}

#[derive(Debug, Subcommand)]
pub enum Role {
    /// Control plane and node in one process
    All(ServeArgs),
    /// The control plane alone (UAH CORE); its nodes are in the configuration
    Core(ServeArgs),
    /// A swarm node alone
    Node(ServeArgs),
    /// Print as JSON whether vaults can run on this machine, and leave
    Findings(ServeArgs),
}

impl Role {
    #[must_use]
    pub fn args(&self) -> &ServeArgs {
        match self {
            Self::All(args) | Self::Core(args) | Self::Node(args) | Self::Findings(args) => args,
        }
    }

    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::All(_) => "all",
            Self::Core(_) => "core",
            Self::Node(_) => "node",
            Self::Findings(_) => "findings",
        }
    }
}

#[derive(Debug, Clone, Args)]
pub struct BridgeArgs {
    /// The Unix socket
    pub socket: PathBuf,
}

#[derive(Debug, Clone, Default, Args)]
pub struct ServeArgs {
    /// Where keys, the store and the vaults' root are kept
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// The Unix socket to serve on
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Read this configuration file instead of /etc/hauki/hauki.yaml
    #[arg(long, value_name = "FILE", env = "HAUKI_CONFIG")]
    pub config: Option<PathBuf>,
    /// Leave after being idle and without vaults for this long, for example 5m
    #[arg(long, value_name = "DURATION")]
    pub idle_exit: Option<String>,
    /// Write "ready" or "failed: reason" to this file descriptor once it is decided
    #[arg(long, value_name = "FD", hide = true)]
    pub ready_fd: Option<i32>,
    /// Log in JSON
    #[arg(long)]
    pub log_json: bool,
}
