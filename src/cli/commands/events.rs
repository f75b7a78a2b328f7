//! `hauki events`: what happens.

use clap::Args;
use clap_complete::ArgValueCandidates;
use serde::Deserialize;

use crate::api::event::EventQuery;
use crate::cli::context::{Ctx, Limit};
use crate::cli::error::CliError;
use crate::cli::kinds::EventRecord;
use crate::cli::number_args::whole;
use crate::cli::record::Record;
use crate::cli::{broken_pipe, complete, lookup};
use crate::client::{ClientError, Exit};
use hauki_contract::strict::tolerant_reader::WithText;

const AFTER: &str = "\
Each event has a number; --after goes on where an earlier reader stopped. Where events are missing
because they are not kept any more, an event \"lost\" says how many, and of which node.

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
    #[arg(long, value_name = "SEQ", allow_negative_numbers = true, value_parser = whole::<u64, 0, { u64::MAX }>)]
    after: Option<u64>,
    /// Only this vault's
    #[arg(long, value_name = "VAULT", add = ArgValueCandidates::new(complete::vaults))]
    vault: Option<String>,
}

/// All that is asked of an event here. A newer daemon may tell of what this version does not know.
#[derive(Deserialize)]
struct Numbered {
    seq: u64,
}

hauki_contract::wire_documents!(Numbered);

pub(crate) fn run(ctx: &Ctx, args: &EventsArgs) -> Result<Exit, CliError> {
    ctx.out.list();
    let limit = if args.follow { Limit::OnlyIfSet } else { Limit::Usual };
    ctx.block_on(limit, async {
        let vault = match &args.vault {
            Some(text) => Some(lookup::vault(ctx, text).await?),
            None => None,
        };
        let mut query = EventQuery { follow: args.follow, after: args.after, vault };
        let endpoint = ctx.endpoint().await?;
        let mut events = endpoint.events(&query).await?;
        let mut left = std::pin::pin!(broken_pipe::reader());
        let mut has_come = false;
        loop {
            let event = tokio::select! {
                event = events.next::<WithText<Numbered>>() => event,
                () = &mut left, if args.follow => return Err(CliError::unread()),
            };
            let event = match event {
                // Who does not read for a while is cut off: the rest is asked for, and what was lost by then is told.
                // A daemon that has ended is not started for that.
                Err(ClientError::Broken { .. }) if args.follow && has_come && ctx.is_there().await? => {
                    events = endpoint.events(&query).await?;
                    has_come = false;
                    continue;
                }
                event => event?,
            };
            let Some(event) = event else { break };
            (query.after, has_come) = (Some(event.value.seq), true);
            let record = Record::told::<EventRecord>(&event.text);
            if args.follow {
                ctx.out.stream(record)?;
            } else {
                ctx.out.record(record)?;
            }
        }
        Ok(Exit::Ok)
    })
}
