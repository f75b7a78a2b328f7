//! Commands, one file per verb: its arguments, its help, and `run`. Which verbs there are is the table here.

use clap::{Args, Subcommand};

use super::context::Ctx;
use super::error::CliError;
use crate::client::Exit;

pub(super) mod bench;
pub(super) mod clone;
pub(super) mod completions;
pub(super) mod config;
pub(super) mod destruct;
pub(super) mod doctor;
pub(super) mod events;
pub(super) mod forge;
pub(super) mod gem;
pub(super) mod heartbeat;
pub(super) mod help;
pub(super) mod ls;
pub(super) mod mcp;
mod narrow;
pub(super) mod node;
pub(super) mod proxy;
pub(super) mod resolve;
pub(super) mod run;
pub(super) mod secret;
pub(super) mod show;
pub(super) mod spool;
pub(super) mod summon;
pub(super) mod ticket;
pub(super) mod version;

/// The verbs: for each its name, its arguments and what it does.
macro_rules! verbs {
    ($($(#[$attribute:meta])* $verb:ident($name:literal, $args:path) => $run:path,)*) => {
        #[derive(Debug, Subcommand)]
        pub(crate) enum Command {
            $($(#[$attribute])* #[command(name = $name)] $verb($args),)*
        }

        impl Command {
            pub(crate) fn run(self, ctx: &Ctx) -> Result<Exit, CliError> {
                match self {
                    $(Self::$verb(args) => $run(ctx, &args),)*
                }
            }
        }

        /// What builds one verb.
        pub(super) fn one(name: &str) -> Option<fn(clap::Command) -> clap::Command> {
            match name {
                $($name => Some(<$args as Args>::augment_args),)*
                _ => None,
            }
        }
    };
}

verbs! {
    Clone("clone", clone::CloneArgs) => clone::run,
    Run("run", run::RunOnceArgs) => run::run,
    Summon("summon", summon::SummonArgs) => summon::run,
    Forge("forge", forge::ForgeArgs) => forge::run,
    Ticket("ticket", ticket::TicketArgs) => ticket::run,
    Proxy("proxy", proxy::ProxyArgs) => proxy::run,
    Heartbeat("heartbeat", heartbeat::HeartbeatArgs) => heartbeat::run,
    Destruct("destruct", destruct::DestructArgs) => destruct::run,
    Ls("ls", ls::LsArgs) => ls::run,
    Resolve("resolve", resolve::ResolveArgs) => resolve::run,
    Show("show", show::ShowArgs) => show::run,
    Spool("spool", spool::SpoolArgs) => spool::run,
    Events("events", events::EventsArgs) => events::run,
    Gem("gem", gem::GemArgs) => gem::run,
    Mcp("mcp", mcp::McpArgs) => mcp::run,
    Secret("secret", secret::SecretArgs) => secret::run,
    #[command(hide = true)]
    MeshfsResolve("meshfs_resolve", gem::GemResolveArgs) => gem::resolve,
    Node("node", node::NodeArgs) => node::run,
    Doctor("doctor", doctor::DoctorArgs) => doctor::run,
    Bench("bench", bench::BenchArgs) => bench::run,
    Config("config", config::ConfigArgs) => config::run,
    Completions("completions", completions::CompletionsArgs) => completions::run,
    Help("help", help::HelpArgs) => help::run,
    Version("version", version::VersionArgs) => version::run,
}
