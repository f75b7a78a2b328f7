//! `hauki node`: the machines that vaults run on.

use clap::{Args, Subcommand};

use crate::cli::context::{Ctx, Limit};
use crate::cli::error::CliError;
use crate::cli::record::Record;
use crate::client::Exit;

/// Look at the swarm's nodes
#[derive(Debug, Args)]
pub(crate) struct NodeArgs {
    #[command(subcommand)]
    command: NodeCommand,
}

#[derive(Debug, Subcommand)]
enum NodeCommand {
    /// List nodes
    Ls,
}

pub(crate) fn run(ctx: &Ctx, args: &NodeArgs) -> Result<Exit, CliError> {
    let NodeCommand::Ls = args.command;
    ctx.out.list();
    ctx.block_on(Limit::Usual, async {
        let list = ctx.endpoint().await?.nodes().await?;
        list.nodes.iter().try_for_each(|node| ctx.out.record(Record::new("node", node)))?;
        Ok(Exit::Ok)
    })
}
