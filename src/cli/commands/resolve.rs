//! `hauki resolve`: a live worker is found by its name.

use clap::Args;
use clap_complete::ArgValueCandidates;

use super::ticket::RightsArgs;
use crate::api::registry::{Holder, ResolveRequest, WatchQuery};
use crate::cli::context::{Ctx, Limit};
use crate::cli::error::CliError;
use crate::cli::output::Format;
use crate::cli::record::Record;
use crate::cli::{broken_pipe, complete};
use crate::client::Exit;
use crate::model::name::ServiceName;
use hauki_contract::strict::tolerant_reader::WithText;

const AFTER: &str = "\
A name is given with `hauki clone --name` or `hauki summon --name`, has one holder, and is free
again as soon as that one is dead. The record is a fresh ticket; with -o wide the vault is shown as
well, with --no-ticket the vault alone. Exit 3 if no live worker has the name.

Examples:
  hauki resolve scout/eu --out t.json && hauki proxy call t.json observe '[\"a\"]'
  hauki resolve scout/eu --methods report --expires 5m --out for_others.json
  hauki resolve scout/eu --no-ticket | hauki destruct -
  hauki resolve scout/eu --watch -o jsonl        a line now, and one at each change; null: nobody
  hauki resolve --watch                          every name";

/// Find a live worker by its name and write a ticket to it
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct ResolveArgs {
    /// The name, for example scout/eu
    #[arg(required_unless_present = "watch", add = ArgValueCandidates::new(complete::names))]
    name: Option<ServiceName>,
    #[command(flatten)]
    rights: RightsArgs,
    /// Show the vault and mint no ticket
    #[arg(long, conflicts_with_all = ["methods", "expires", "holder", "out"])]
    no_ticket: bool,
    /// Show who holds the name, and go on with each change
    #[arg(short, long, conflicts_with_all = ["no_ticket", "methods", "expires", "holder", "out"])]
    watch: bool,
}

pub(crate) fn run(ctx: &Ctx, args: &ResolveArgs) -> Result<Exit, CliError> {
    match &args.name {
        Some(name) if !args.watch => ctx.block_on(Limit::Usual, resolve(ctx, args, name)),
        name => ctx.block_on(Limit::OnlyIfSet, watch(ctx, WatchQuery { name: name.clone() })),
    }
}

async fn resolve(ctx: &Ctx, args: &ResolveArgs, name: &ServiceName) -> Result<Exit, CliError> {
    ctx.out.keep_for(args.rights.out.as_ref());
    let ticket = (!args.no_ticket).then(|| args.rights.wishes()).transpose()?;
    let resolved = ctx.endpoint().await?.resolve(&ResolveRequest { name: name.clone(), ticket }).await?;
    if args.no_ticket || ctx.out.style.format == Format::Wide {
        ctx.out.record(Record::new(&resolved.vault))?;
    }
    if let Some(ticket) = &resolved.ticket {
        ctx.out.record(Record::ticket(ticket))?;
    }
    Ok(Exit::Ok)
}

async fn watch(ctx: &Ctx, query: WatchQuery) -> Result<Exit, CliError> {
    ctx.out.list();
    let mut holders = ctx.endpoint().await?.watch_services(&query).await?;
    let mut left = std::pin::pin!(broken_pipe::reader());
    loop {
        let holder = tokio::select! {
            holder = holders.next::<WithText<Holder>>() => holder?,
            () = &mut left => return Err(CliError::unread()),
        };
        let Some(holder) = holder else { return Ok(Exit::Ok) };
        ctx.out.stream(Record::told::<Holder>(&holder.text))?;
    }
}
