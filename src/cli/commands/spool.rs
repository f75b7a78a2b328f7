//! `hauki spool`: the durable queue of summons that wait for capacity; and how `summon` and `forge`
//! put one in.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::{Args, Subcommand};
use clap_complete::ArgValueCandidates;

use crate::api::spool::{
    SpoolAct, SpoolDone, SpoolOrder, SpoolQuery, SpoolRequest, SpoolState, SpoolWait, Spooled, usual_priority,
};
use crate::api::vault::Placement;
use crate::api::{ApiError, ErrorCode};
use crate::cli::context::{Ctx, Limit};
use crate::cli::error::CliError;
use crate::cli::number_args::whole;
use crate::cli::record::Record;
use crate::cli::{batch, complete, input};
use crate::client::{ClientError, Exit};
use crate::model::id::{SpoolId, SummonsId};
use crate::model::open_word::OpenWord;
use crate::model::units::parse_duration;
use hauki_contract::strict;
use hauki_contract::system::clock;

const AFTER: &str = "\
What waits is forged as soon as a node has room: the urgent first, then the owners in turn, then the
older. What fails for a passing reason is tried again, ever later; what cannot succeed becomes a
dead letter. An entry gives at most one vault, also through crashes of the daemon.

Examples:
  hauki summon scout.js --spool --wait | hauki ticket - --out t.json
  hauki forge sum_01J… --spool --priority 9 --patience 1h
  hauki spool ls --state dead
  hauki spool retry spl_01J…";

/// How long one question about an entry stays open.
const LOOK_MS: u64 = 10_000;

/// Look at the queue of summons that wait for capacity
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct SpoolArgs {
    #[command(subcommand)]
    command: SpoolCommand,
}

#[derive(Debug, Subcommand)]
enum SpoolCommand {
    /// List what waits, in the order of the queue, then what is done
    Ls {
        /// Only these: waiting, forged or dead
        #[arg(long, value_parser = parse_state)]
        state: Option<SpoolState>,
    },
    /// Show entries in full
    Show(EntryArgs),
    /// Forget entries, whatever their state; a vault that one became lives on
    Rm(EntryArgs),
    /// Let dead letters wait again
    Retry(EntryArgs),
}

#[derive(Debug, Args)]
struct EntryArgs {
    /// Ids, files of records, or - for standard input
    #[arg(value_name = "ENTRY", add = ArgValueCandidates::new(complete::spooled))]
    items: Vec<String>,
}

fn parse_state(text: &str) -> Result<SpoolState, String> {
    strict::from_value(&text.into()).map_err(|_| "it is waiting, forged or dead".to_owned())
}

/// What `summon` and `forge` say about the queue.
#[derive(Debug, Args)]
pub(crate) struct QueueArgs {
    /// Queue it for a node with room, durably; with --wait, until it is forged
    #[arg(long)]
    pub(crate) spool: bool,
    /// In the queue: 0 to 9, the higher goes first; default 5
    #[arg(long, value_name = "N", requires = "spool", allow_negative_numbers = true,
          value_parser = whole::<u8, 0, 9>)]
    priority: Option<u8>,
    /// In the queue: how long it may wait before it is a dead letter
    #[arg(long, value_name = "TIME", requires = "spool", value_parser = parse_duration)]
    patience: Option<u64>,
}

impl QueueArgs {
    /// Who waits for a node has no deadline but the one that was given.
    pub(crate) fn limit(&self, wait: bool) -> Limit {
        if self.spool && wait { Limit::OnlyIfSet } else { Limit::Usual }
    }

    /// Puts a summons in; with `wait`, the record is that of its vault.
    pub(crate) async fn put(
        &self,
        ctx: &Ctx,
        key: String,
        summons: &SummonsId,
        placement: Placement,
        wait: bool,
    ) -> Result<Record, CliError> {
        let request = SpoolRequest {
            key,
            summons: summons.clone(),
            placement,
            priority: self.priority.unwrap_or_else(usual_priority),
            deadline_ms: self.patience,
        };
        let endpoint = ctx.endpoint().await?;
        let put = endpoint.spool_put(&request).await;
        let entry = put.map_err(|error| CliError::from(error).with("idempotency_key", request.key))?;
        if !wait {
            return Ok(Record::new(&entry));
        }
        let job = format!("spool {}", entry.id);
        let began = clock::mono();
        ctx.progress.begin(&job);
        let mut place = entry.place;
        loop {
            if let Some(place) = place {
                ctx.progress.at(&job, &format!("place {place}"));
            }
            let Spooled { entry: now, vault } =
                endpoint.spool_show(&entry.id, &SpoolWait { wait_ms: LOOK_MS, place }).await?;
            place = now.place;
            match (now.state, vault) {
                (OpenWord::Known(SpoolState::Waiting), _) => {}
                // A state that is not known is no end, unless there is a vault.
                (OpenWord::Other(_), None) => tokio::time::sleep(Duration::from_millis(LOOK_MS)).await,
                (OpenWord::Known(SpoolState::Dead), _) => {
                    let lost = || ApiError::new(crate::api::ErrorCode::Internal, "it is a dead letter");
                    let error = ClientError::Api(now.error.unwrap_or_else(lost));
                    return Err(CliError::from(error).with("spool", entry.id.to_string()));
                }
                (OpenWord::Known(SpoolState::Forged) | OpenWord::Other(_), Some(vault)) => {
                    ctx.progress.done(&job, &format!("forged on {}", vault.node));
                    ctx.progress.end(&job, began);
                    if let Some(receipt) = vault.receipt {
                        return Err(ClientError::Api(ApiError::vault_dead(receipt)).into());
                    }
                    let record = Record::new(&vault);
                    if !entry.changed {
                        return Ok(record);
                    }
                    ctx.made(&vault.id);
                    return Ok(record.made(&vault.id));
                }
                (OpenWord::Known(SpoolState::Forged), None) => {
                    let error = ApiError::new(crate::api::ErrorCode::NotFound, "its vault is forgotten");
                    return Err(ClientError::Api(error).into());
                }
            }
        }
    }
}

pub(crate) fn run(ctx: &Ctx, args: &SpoolArgs) -> Result<Exit, CliError> {
    ctx.block_on(Limit::Usual, async {
        match &args.command {
            SpoolCommand::Ls { state } => {
                ctx.out.list();
                let list = ctx.endpoint().await?.spool_list(&SpoolQuery { state: *state }).await?;
                list.entries.iter().try_for_each(|entry| ctx.out.record(Record::new(entry)))?;
                Ok(Exit::Ok)
            }
            SpoolCommand::Show(args) => {
                let items = input::read_some(ctx, &args.items).await?;
                batch::run(ctx, items, ctx.globals.jobs(), async |item: input::Item| {
                    let id = item.spool()?;
                    let shown = ctx.endpoint().await?.spool_show(&id, &SpoolWait::default()).await?;
                    Ok(vec![Record::new(&shown.entry)])
                })
                .await
            }
            SpoolCommand::Rm(args) => order(ctx, SpoolAct::Remove, &args.items).await,
            SpoolCommand::Retry(args) => order(ctx, SpoolAct::Retry, &args.items).await,
        }
    })
}

/// One order for all of them, so that it is carried out whether or not anybody reads what became of it.
async fn order(ctx: &Ctx, act: SpoolAct, arguments: &[String]) -> Result<Exit, CliError> {
    let items = input::read_some(ctx, arguments).await?;
    let entries: Vec<SpoolId> = items.iter().filter_map(|item| item.spool().ok()).collect();
    let done = match entries.is_empty() {
        true => Vec::new(),
        false => ctx.endpoint().await?.spool_order(&SpoolOrder { act, entries }).await?.done,
    };
    let done: BTreeMap<SpoolId, SpoolDone> = done.into_iter().map(|done| (done.id.clone(), done)).collect();
    batch::run(ctx, items, 1, async |item: input::Item| {
        let id = item.spool()?;
        match done.get(&id).cloned() {
            Some(SpoolDone { entry: Some(entry), .. }) => Ok(vec![Record::new(&entry)]),
            Some(SpoolDone { error: Some(error), .. }) => Err(error.into()),
            Some(_) | None => {
                Err(ApiError::new(ErrorCode::Internal, format!("nothing was said of {id}")).into())
            }
        }
    })
    .await
}
