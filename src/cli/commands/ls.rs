//! `hauki ls`: the vaults.

use clap::Args;
use clap_complete::ArgValueCandidates;

use crate::api::vault::VaultQuery;
use crate::cli::complete;
use crate::cli::context::{Ctx, Limit};
use crate::cli::error::CliError;
use crate::cli::record::Record;
use crate::client::Exit;
use crate::model::id::NodeName;

const AFTER: &str = "\
Examples:
  hauki ls
  hauki ls --worker workers/scout -o id | xargs hauki destruct
  hauki ls --all --columns id,phase,cause        the dead as well, while they are remembered";

/// List vaults
#[derive(Debug, Args)]
#[command(after_help = AFTER, visible_alias = "list")]
pub(crate) struct LsArgs {
    /// The dead as well, as long as their tombstones are kept
    #[arg(short, long)]
    all: bool,
    /// Only on this node
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(complete::nodes))]
    node: Option<NodeName>,
    /// Only of this worker
    #[arg(long, value_name = "NAME")]
    worker: Option<String>,
}

pub(crate) fn run(ctx: &Ctx, args: &LsArgs) -> Result<Exit, CliError> {
    ctx.out.list();
    let query = VaultQuery { all: args.all, node: args.node.clone(), worker: args.worker.clone() };
    ctx.block_on(Limit::Usual, async {
        let list = ctx.endpoint().await?.vaults(&query).await?;
        if list.vaults.is_empty() && ctx.out.is_for_people() {
            ctx.remark("no vaults\n");
        }
        list.vaults.iter().try_for_each(|vault| ctx.out.record(Record::new("vault", vault)))?;
        Ok(Exit::Ok)
    })
}
