//! `hauki proxy call`: one method, one answer.

use std::fs;

use clap::Args;
use clap_complete::ArgValueCompleter;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{argument, result};
use crate::cli::context::{Ctx, Limit};
use crate::cli::error::CliError;
use crate::cli::output::{Format, pretty};
use crate::cli::record::Record;
use crate::cli::{batch, complete, connect, input, stdin};
use crate::client::Exit;
use crate::model::id::VaultId;

const CALL_AFTER: &str = "\
Every ARG is one argument, written as JSON; @FILE reads its JSON from a file, @- from standard
input. With --text an ARG is taken as it is, so no quoting is needed.

For one ticket the result is printed bare: pretty on a terminal, on one line elsewhere. For several
tickets, or with -o jsonl, each result is a record {\"kind\":\"reply\",\"vault\":…,\"result\":…}.

Examples:
  hauki proxy call t.json observe '[\"a\",\"b\"]'
  hauki proxy call t.json ingest --text @access.log
  hauki proxy call t.jsonl report -j 3 | jq -s 'map(.result.total) | add'
  hauki clone scout.js | hauki proxy call - report";

/// Call one method
#[derive(Debug, Args)]
#[command(after_help = CALL_AFTER)]
pub(super) struct CallArgs {
    /// A file of tickets, - for standard input, or a vault id
    #[arg(value_name = "TICKET", add = ArgValueCompleter::new(complete::items))]
    ticket: String,
    method: String,
    /// Its arguments, one JSON value each
    #[arg(value_name = "ARG")]
    args: Vec<String>,
    /// Arguments are text, not JSON
    #[arg(long)]
    text: bool,
}

#[derive(Serialize)]
struct Reply<'a> {
    vault: &'a VaultId,
    method: &'a str,
    result: &'a RawValue,
}

async fn params(args: &CallArgs) -> Result<Option<String>, CliError> {
    let mut values = Vec::new();
    for (index, arg) in args.args.iter().enumerate() {
        let name = format!("argument {}", index + 1);
        let text = match arg.strip_prefix('@') {
            None => arg.clone(),
            Some("-") if args.ticket == "-" => {
                return Err(CliError::usage("standard input cannot be both the ticket and an argument"));
            }
            Some(path) => {
                let bytes = if path == "-" { stdin::read_all().await } else { fs::read(path) };
                let bytes = bytes.map_err(|error| {
                    CliError::data("unreadable", format!("failed to read {name} from {path}: {error}"))
                })?;
                String::from_utf8(bytes)
                    .map_err(|_| CliError::data("bad_json", format!("{name} ({path}) is not UTF-8")))?
            }
        };
        values.push(argument(&text, &name, args.text)?);
    }
    Ok((!values.is_empty()).then(|| format!("[{}]", values.join(","))))
}

pub(super) fn run(ctx: &Ctx, args: &CallArgs) -> Result<Exit, CliError> {
    ctx.block_on(Limit::Usual, async {
        let params = params(args).await?;
        let items = input::read_some(std::slice::from_ref(&args.ticket)).await?;
        let bare = items.len() == 1 && ctx.settings.is_default("output");
        batch::run(ctx, items, ctx.globals.jobs(), async |item: input::Item| {
            let ticket = connect::ticket(ctx, &item).await?;
            let ghost = connect::ghost(ctx, &ticket, true).await?;
            let result = result(ctx, &ghost, &args.method, params.as_deref()).await?;
            if bare {
                ctx.out.text(&shown(ctx, &result))?;
                return Ok(Vec::new());
            }
            let reply = Reply { vault: &ticket.vault, method: &args.method, result: &result };
            Ok(vec![Record::new("reply", &reply)])
        })
        .await
    })
}

/// Exactly what the worker wrote, or the same drawn for people.
fn shown(ctx: &Ctx, result: &RawValue) -> String {
    match (ctx.out.style.format, serde_json::from_str(result.get())) {
        (Format::Table | Format::Wide, Ok(value)) => pretty(&value),
        _ => format!("{}\n", result.get()),
    }
}
