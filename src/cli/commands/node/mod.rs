//! `hauki node`: the machines that vaults run on.

mod add;

use clap::{Args, Subcommand};
use clap_complete::ArgValueCandidates;

use crate::api::swarm::{NodeAct, NodeDone, NodeOrder};
use crate::cli::complete;
use crate::cli::context::{Ctx, Limit};
use crate::cli::error::CliError;
use crate::cli::record::Record;
use crate::client::Exit;
use crate::model::check::CheckLevel;
use crate::model::id::NodeName;

const AFTER: &str = "\
Examples:
  hauki node add root@10.0.0.7 --name n3         check, copy haukid, start it, list it
  hauki node add --file swarm.yaml               each node of the file; what is done stays done
  hauki node drain n3                            no new vaults there; those that it has go on
  hauki node doctor                              what there is to say of each node";

/// Add, look at, drain, upgrade and remove the swarm's nodes
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct NodeArgs {
    #[command(subcommand)]
    command: NodeCommand,
}

#[derive(Debug, Subcommand)]
enum NodeCommand {
    Add(add::AddArgs),
    /// List nodes
    Ls,
    /// Show one node: where it is, its data plane and why, what was found
    Show(NameArgs),
    /// Give a node no new vaults
    Drain(NamesArgs),
    /// Give a node new vaults again
    Undrain(NamesArgs),
    Rm(RmArgs),
    Doctor(NodeDoctorArgs),
    Upgrade(add::UpgradeArgs),
}

#[derive(Debug, Args)]
struct NameArgs {
    #[arg(value_name = "NODE", add = ArgValueCandidates::new(complete::nodes))]
    node: NodeName,
}

#[derive(Debug, Args)]
struct NamesArgs {
    #[arg(value_name = "NODE", required = true, add = ArgValueCandidates::new(complete::nodes))]
    nodes: Vec<NodeName>,
}

/// Take a node out of the swarm; its daemon is not touched
#[derive(Debug, Args)]
struct RmArgs {
    #[arg(value_name = "NODE", required = true, add = ArgValueCandidates::new(complete::nodes))]
    nodes: Vec<NodeName>,
    /// Although it has vaults, which are ended, or cannot be asked: then they are given up, and end with
    /// their leases
    #[arg(long)]
    force: bool,
}

/// Say of each node what is good and what is not, and what mends it
#[derive(Debug, Args)]
struct NodeDoctorArgs {
    /// All of them otherwise
    #[arg(value_name = "NODE", add = ArgValueCandidates::new(complete::nodes))]
    nodes: Vec<NodeName>,
}

pub(crate) fn run(ctx: &Ctx, args: &NodeArgs) -> Result<Exit, CliError> {
    match &args.command {
        NodeCommand::Add(args) => add::run(ctx, args),
        NodeCommand::Upgrade(args) => add::upgrade(ctx, args),
        NodeCommand::Ls => ls(ctx),
        NodeCommand::Show(args) => ctx.block_on(Limit::Usual, async {
            let detail = ctx.endpoint().await?.node(&args.node).await?;
            let record = Record::new(&detail);
            if !ctx.out.in_full(&record)? {
                ctx.out.record(record)?;
            }
            Ok(Exit::Ok)
        }),
        NodeCommand::Drain(args) => order(ctx, NodeAct::Drain, &args.nodes, false),
        NodeCommand::Undrain(args) => order(ctx, NodeAct::Undrain, &args.nodes, false),
        NodeCommand::Rm(args) => order(ctx, NodeAct::Remove, &args.nodes, args.force),
        NodeCommand::Doctor(args) => doctor(ctx, &args.nodes),
    }
}

fn ls(ctx: &Ctx) -> Result<Exit, CliError> {
    ctx.out.list();
    ctx.block_on(Limit::Usual, async {
        let list = ctx.endpoint().await?.nodes().await?;
        list.nodes.iter().try_for_each(|node| ctx.out.record(Record::new(node)))?;
        Ok(Exit::Ok)
    })
}

/// One order for all of them, so that it is carried out whether or not anybody reads what became of it.
fn order(ctx: &Ctx, act: NodeAct, nodes: &[NodeName], force: bool) -> Result<Exit, CliError> {
    ctx.block_on(Limit::Usual, async {
        let order = NodeOrder { act, nodes: nodes.to_vec(), force };
        let done = ctx.endpoint().await?.node_order(&order).await?.done;
        let alone = done.len() == 1;
        let mut exits = Vec::with_capacity(done.len());
        for NodeDone { name, node, error } in done {
            match (node, error.map(CliError::from)) {
                (Some(node), _) => ctx.out.record(Record::new(&node))?,
                (None, Some(error)) if alone => return Err(error),
                (None, Some(error)) => {
                    exits.push(error.kind.exit);
                    ctx.item_failed(&error, name.as_str())?;
                    continue;
                }
                (None, None) => {}
            }
            exits.push(Exit::Ok);
        }
        Ok(Exit::merge(exits))
    })
}

fn doctor(ctx: &Ctx, nodes: &[NodeName]) -> Result<Exit, CliError> {
    ctx.out.list();
    ctx.block_on(Limit::Usual, async {
        let endpoint = ctx.endpoint().await?;
        let mut names = nodes.to_vec();
        if names.is_empty() {
            names = endpoint.nodes().await?.nodes.into_iter().map(|node| node.name).collect();
        }
        let mut failed = false;
        for name in names {
            for check in endpoint.node(&name).await?.findings {
                failed |= check.level == CheckLevel::Fail;
                ctx.out.record(Record::new(&check.about(&name)))?;
            }
        }
        Ok(if failed { Exit::Config } else { Exit::Ok })
    })
}
