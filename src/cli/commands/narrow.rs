//! `hauki ticket narrow`: hand on less than one has. Offline: neither core nor node is asked.

use std::path::PathBuf;

use clap::Args;

use super::ticket::{once, out_file};
use crate::cli::context::{Ctx, Limit};
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::record::Record;
use crate::cli::{batch, input};
use crate::client::Exit;
use crate::model::ticket::{ALL_METHODS, Ticket};
use crate::model::units::parse_duration;
use crate::rpc::builtin::GRANTABLE;
use crate::rpc::capability::{self, CapabilityError};
use hauki_contract::system::clock;

const AFTER: &str = "\
The token is narrowed as well as the document: its receiver cannot widen it again.

Example:
  hauki ticket narrow t.json --methods top --expires 5m --out for_others.json";

/// Write a ticket with fewer methods or an earlier end
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct NarrowArgs {
    /// Files of tickets, or - for standard input
    #[arg(value_name = "TICKET")]
    items: Vec<String>,
    /// Only these methods
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    methods: Vec<String>,
    /// From now, for example 5m
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    expires: Option<u64>,
    /// Write the records into this file, which only you can read, instead of to standard output
    #[arg(long, value_name = "FILE", value_parser = out_file)]
    out: Option<PathBuf>,
}

pub(crate) fn run(ctx: &Ctx, args: &NarrowArgs) -> Result<Exit, CliError> {
    if args.methods.is_empty() && args.expires.is_none() {
        return Err(CliError::usage("nothing to narrow was given").hint("--methods NAMES, --expires TIME"));
    }
    ctx.out.keep_for(args.out.as_ref());
    ctx.block_on(Limit::Usual, async {
        let items = input::read_some(ctx, &args.items).await?;
        batch::run(ctx, items, 1, async |item: input::Item| {
            let mut ticket = item.ticket()?;
            narrow(&mut ticket, args)?;
            Ok(vec![Record::ticket(&ticket)])
        })
        .await
    })
}

fn narrow(ticket: &mut Ticket, args: &NarrowArgs) -> Result<(), CliError> {
    let wanted = once(&args.methods);
    if !wanted.is_empty() {
        // The rights to destruct and to evaluate stand in the token, and in the list only of a ticket that was granted
        // them by name.
        let has = |name: &String| {
            GRANTABLE.contains(&name.as_str())
                || ticket.methods.iter().any(|own| own == name || own == ALL_METHODS)
        };
        if let Some(more) = wanted.iter().find(|name| !has(name)) {
            let error = CliError::data("bad_ticket", format!("the ticket does not allow {more}"));
            return Err(error.hint(format!("it allows {}", ticket.methods.join(", "))));
        }
        ticket.methods.clone_from(&wanted);
    }
    if let Some(ms) = args.expires {
        let left = jiff::SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX));
        if let Ok(end) = clock::now().checked_add(left) {
            ticket.expires_at = ticket.expires_at.min(end);
        }
    }
    let methods = (!wanted.is_empty()).then_some(wanted.as_slice());
    let end = args.expires.map(|_| ticket.expires_at);
    ticket.auth.token = capability::narrow(&ticket.auth.token, methods, end)
        .map_err(|error| CliError::of(ErrorKind::new(word(&error), Exit::Data), &error))?;
    Ok(())
}

fn word(error: &CapabilityError) -> &'static str {
    match error {
        CapabilityError::Foreign => "foreign_block",
        _ => "bad_ticket",
    }
}
