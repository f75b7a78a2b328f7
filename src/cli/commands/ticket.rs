//! `hauki ticket`: phase 3, the right to call a vault.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;

use super::summon::flagged;
use crate::api::vault::{TicketRequest, TicketWishes};
use crate::cli::context::{Ctx, Limit};
use crate::cli::error::CliError;
use crate::cli::record::Record;
use crate::cli::{batch, complete, input};
use crate::client::Exit;
use crate::model::labels::{MOST_KEY, is_line};
use crate::model::lease::Terms;
use crate::model::ticket::Ticket;
use crate::model::units::parse_duration;

const AFTER: &str = "\
A ticket is all that a client in any language needs: address, pinned TLS key, token, methods and
lease. Whoever has it can call, so treat it as a password: --out writes a file that only you can read.
man hauki-ticket describes it; --schema prints its JSON Schema.

Examples:
  hauki ticket vlt_01J… --out t.json
  hauki forge sum_01J… | hauki ticket - --methods top,errors --expires 10m --out t.json
  hauki ticket narrow t.json --methods top --expires 5m --out for_others.json      offline";

/// Open a vault's port and write the ticket to it
#[derive(Debug, Args)]
#[command(after_help = AFTER, args_conflicts_with_subcommands = true)]
pub(crate) struct TicketArgs {
    #[command(subcommand)]
    command: Option<TicketCommand>,
    /// Vault ids, files of records, or - for standard input
    #[arg(value_name = "VAULT", add = ArgValueCompleter::new(complete::items))]
    items: Vec<String>,
    #[command(flatten)]
    wishes: RightsArgs,
    /// How long each heartbeat or call with this ticket keeps the vault; takes nothing from other tickets
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    lease: Option<u64>,
    /// The vault dies with the connection that first uses this ticket
    #[arg(long)]
    link: bool,
    /// Print the JSON Schema of a ticket
    #[arg(long)]
    schema: bool,
}

/// What `ticket` and `clone` say about the ticket's rights.
#[derive(Debug, Args)]
pub(crate) struct RightsArgs {
    /// Only these methods; hauki.destruct among them grants the vault's end
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    methods: Vec<String>,
    /// How long the ticket may be used
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    expires: Option<u64>,
    /// A name for the holder, which the worker and the audit see
    #[arg(long, value_name = "NAME")]
    holder: Option<String>,
    /// Write the records into this file, which only you can read, instead of to standard output
    #[arg(long, value_name = "FILE", value_parser = out_file)]
    pub(crate) out: Option<PathBuf>,
}

/// Where tickets go; `-` would be a file of that name, which nobody means.
pub(super) fn out_file(text: &str) -> Result<PathBuf, String> {
    match text {
        "-" => Err("without --out they go to standard output; ./- is a file of this name".into()),
        path => Ok(path.into()),
    }
}

/// Each name the first time that it is there.
pub(super) fn once(names: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    names.iter().filter(|name| seen.insert(*name)).cloned().collect()
}

impl RightsArgs {
    /// What they ask for, held against what can be told here, in the words of the command line.
    pub(crate) fn wishes(&self) -> Result<TicketWishes, CliError> {
        if self.expires == Some(0) {
            return Err(CliError::usage("--expires is 0: such a ticket could never be used"));
        }
        if !self.holder.as_ref().is_none_or(|holder| is_line(holder, MOST_KEY)) {
            let message = format!("--holder may have {MOST_KEY} characters, none of them a control one");
            return Err(CliError::usage(message));
        }
        Ok(TicketWishes {
            methods: once(&self.methods),
            expires_ms: self.expires,
            label: self.holder.clone(),
            ..TicketWishes::default()
        })
    }
}

#[derive(Debug, Subcommand)]
enum TicketCommand {
    Narrow(super::narrow::NarrowArgs),
}

pub(crate) fn run(ctx: &Ctx, args: &TicketArgs) -> Result<Exit, CliError> {
    if let Some(TicketCommand::Narrow(args)) = &args.command {
        return super::narrow::run(ctx, args);
    }
    if args.schema {
        let schema = serde_json::to_value(Ticket::schema()).expect("a schema is JSON");
        ctx.out.text(&format!("{schema:#}\n"))?;
        return Ok(Exit::Ok);
    }
    ctx.out.keep_for(args.wishes.out.as_ref());
    let rights = args.wishes.wishes()?;
    let wishes = TicketWishes { lease_ms: args.lease, link: args.link.then_some(true), ..rights };
    if let Some(lease_ms) = args.lease {
        let within = Terms { lease_ms, ..Terms::default() }.check();
        within.map_err(|error| CliError::usage(flagged(&error)))?;
    }
    ctx.block_on(Limit::Usual, async {
        let items = input::read_some(ctx, &args.items).await?;
        batch::run(ctx, items, ctx.globals.jobs(), async |item: input::Item| {
            let request = TicketRequest { vault: item.vault()?, wishes: wishes.clone() };
            let ticket = ctx.endpoint().await?.ticket(&request).await?;
            Ok(vec![Record::ticket(&ticket)])
        })
        .await
    })
}
