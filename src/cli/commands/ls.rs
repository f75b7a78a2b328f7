//! `hauki ls`: the vaults.

use clap::Args;
use clap_complete::ArgValueCandidates;

use super::show::parse_phase;
use super::summon::parse_label;
use crate::api::vault::{Vault, VaultQuery};
use crate::cli::complete;
use crate::cli::context::{Ctx, Limit};
use crate::cli::error::CliError;
use crate::cli::record::Record;
use crate::client::Exit;
use crate::model::id::NodeName;
use crate::model::name::ServiceName;
use crate::model::phase::Phase;

const AFTER: &str = "\
Examples:
  hauki ls
  hauki ls --worker workers/scout -o id | hauki destruct -
  hauki ls --label app=scout --phase live
  hauki ls --all --columns id,phase,receipt.death.cause    the dead as well, while they are remembered";

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
    /// Only with this label; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_label)]
    label: Vec<(String, String)>,
    /// Only the one of this name
    #[arg(long, add = ArgValueCandidates::new(complete::names))]
    name: Option<ServiceName>,
    /// Only in this phase: forging, forged, ticketed, live, dying or, with --all, dead
    #[arg(long, value_name = "PHASE", value_parser = parse_phase)]
    phase: Option<Phase>,
}

impl LsArgs {
    fn wants(&self, vault: &Vault) -> bool {
        self.label.iter().all(|(key, value)| vault.labels.get(key) == Some(value))
            && self.name.as_ref().is_none_or(|name| vault.name.as_ref() == Some(name))
            && self.phase.is_none_or(|phase| vault.phase == phase)
    }
}

pub(crate) fn run(ctx: &Ctx, args: &LsArgs) -> Result<Exit, CliError> {
    ctx.out.list();
    let query = VaultQuery { all: args.all, node: args.node.clone(), worker: args.worker.clone() };
    ctx.block_on(Limit::Usual, async {
        let list = ctx.endpoint().await?.vaults(&query).await?;
        let vaults: Vec<&Vault> = list.vaults.iter().filter(|vault| args.wants(vault)).collect();
        if vaults.is_empty() && ctx.out.is_for_people() {
            ctx.remark("no vaults\n");
        }
        vaults.into_iter().try_for_each(|vault| ctx.out.record(Record::new(vault)))?;
        Ok(Exit::Ok)
    })
}
