//! `hauki events`: what happens.

use clap::Args;
use clap_complete::ArgValueCandidates;

use crate::api::event::{Event, EventQuery};
use crate::cli::complete;
use crate::cli::context::{Ctx, Limit};
use crate::cli::error::CliError;
use crate::cli::record::Record;
use crate::client::Exit;
use crate::model::id::VaultId;

const AFTER: &str = "\
Each event has a number; --after goes on where an earlier reader stopped.

Examples:
  hauki events -f
  hauki events -f -o jsonl | jq -c 'select(.event == \"died\")'
  hauki events --vault vlt_01J…                  also what the worker printed";

/// Show what happened, and go on with -f
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct EventsArgs {
    /// Go on with what happens next
    #[arg(short, long)]
    follow: bool,
    /// Only events after this number
    #[arg(long, value_name = "SEQ")]
    after: Option<u64>,
    /// Only this vault's
    #[arg(long, value_name = "ID", add = ArgValueCandidates::new(complete::vaults))]
    vault: Option<VaultId>,
}

pub(crate) fn run(ctx: &Ctx, args: &EventsArgs) -> Result<Exit, CliError> {
    ctx.out.list();
    let query = EventQuery { follow: args.follow, after: args.after, vault: args.vault.clone() };
    let limit = if args.follow { Limit::OnlyIfSet } else { Limit::Usual };
    ctx.block_on(limit, async {
        let mut events = ctx.endpoint().await?.events(&query).await?;
        while let Some(event) = events.next::<Event>().await? {
            let record = Record::new("event", &event);
            if args.follow {
                ctx.out.stream(record)?;
            } else {
                ctx.out.record(record)?;
            }
        }
        Ok(Exit::Ok)
    })
}
