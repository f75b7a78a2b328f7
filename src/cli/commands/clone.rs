//! `hauki clone`: the first three phases in one round trip.

use clap::Args;

use super::forge::PlacementArgs;
use super::summon::{SummonItem, WorkerArgs};
use super::ticket::RightsArgs;
use crate::api::summons::{SpawnRequest, SummonsRequest};
use crate::api::vault::TicketWishes;
use crate::cli::batch;
use crate::cli::context::{Ctx, Limit};
use crate::cli::error::CliError;
use crate::cli::output::Format;
use crate::cli::record::Record;
use crate::cli::source_faults;
use crate::client::Exit;
use crate::model::units::{show_micros, show_millis};
use hauki_contract::system::clock;

const AFTER: &str = "\
Does what `summon | forge | ticket` do. The record is the ticket; with -o wide the summons and the
vault are shown as well. A clone whose ticket cannot be written is destructed again. A --name is
free again as soon as its worker is dead; of any number of --get-or-create at one time, one creates.

Examples:
  hauki clone scout.js --out t.json && hauki proxy call t.json observe '[\"a\",\"b\"]'
  hauki clone gem-pointer://workers/log_stats | hauki proxy call - top '{\"n\":5}'
  hauki clone scout.js --name scout/eu --get-or-create --out t.json
  hauki clone -n 10 -j 4 scout.js --lease 30s --out t.jsonl";

/// Clone an object onto a node and write the ticket to it
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct CloneArgs {
    #[command(flatten)]
    worker: WorkerArgs,
    #[command(flatten)]
    placement: PlacementArgs,
    #[command(flatten)]
    rights: RightsArgs,
    /// If a live worker has the --name, take that one and a fresh ticket to it
    #[arg(long, requires = "name")]
    get_or_create: bool,
    /// Check the worker and make nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(ctx: &Ctx, args: &CloneArgs) -> Result<Exit, CliError> {
    ctx.out.keep_for(args.rights.out.as_ref());
    let rights = args.rights.wishes()?;
    ctx.block_on(Limit::Usual, async {
        let wanted = args.worker.requests(ctx).await?;
        batch::run(ctx, wanted, ctx.globals.jobs(), async |wanted: SummonItem| {
            one(ctx, args, &rights, wanted).await
        })
        .await
    })
}

async fn one(
    ctx: &Ctx,
    args: &CloneArgs,
    rights: &TicketWishes,
    wanted: SummonItem,
) -> Result<Vec<Record>, CliError> {
    let job = format!("clone {}", wanted.short());
    let (author, compiled) = (wanted.author.clone(), wanted.compiled.clone());
    let summons = SummonsRequest { dry_run: args.dry_run, ..wanted.request? };
    let endpoint = ctx.endpoint().await?;
    if args.dry_run {
        return Ok(vec![Record::new(&endpoint.summon(&summons).await?)]);
    }
    let began = clock::mono();
    ctx.progress.begin(&job);
    if let Some(compiled) = &compiled {
        ctx.progress.done(&job, compiled);
    }
    let request = SpawnRequest {
        summons,
        placement: args.placement.placement(&[]),
        ticket: rights.clone(),
        get_or_create: args.get_or_create,
    };
    let spawned = args.placement.patiently(async || endpoint.spawn(&request).await).await;
    let spawned = spawned.map_err(|error| {
        ctx.progress.clear(&job);
        let at = error.worker().cloned();
        let error = CliError::from(error).with("idempotency_key", request.summons.key.clone());
        match (at, author) {
            (Some(at), Some(author)) => source_faults::thrown_at(error, &at, &author.text, &author.file),
            _ => error,
        }
    })?;
    let (vault, ticket) = (&spawned.vault, &spawned.ticket);
    if spawned.changed {
        ctx.progress.done(&job, &format!("placed on {}", vault.node));
        ctx.progress.done(&job, &format!("forged {}", show_micros(vault.forged_us)));
    } else {
        ctx.progress.done(&job, &format!("there already, on {}", vault.node));
    }
    let lease = show_millis(ticket.lease.lease_ms);
    let address = std::net::SocketAddr::new(ticket.endpoint.ip, ticket.endpoint.port);
    ctx.progress.done(&job, &format!("ticket {address}, {lease} lease"));
    ctx.progress.end(&job, began);
    let mut record = Record::ticket(ticket);
    // What an earlier command made under the same key is not ours to undo.
    if spawned.changed {
        ctx.made(&vault.id);
        record = record.made(&vault.id);
    }
    if ctx.out.style.format == Format::Wide {
        let (summons, vault) = (Record::new(&spawned.summons), Record::new(vault));
        return Ok(vec![summons, vault, record]);
    }
    Ok(vec![record])
}
