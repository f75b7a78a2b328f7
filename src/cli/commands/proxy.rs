//! `hauki proxy`: phase 4, the ticket as an object that is called.

use std::fs;

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;
use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::cli::context::{Ctx, Limit};
use crate::cli::error::CliError;
use crate::cli::output::{Format, pretty};
use crate::cli::record::Record;
use crate::cli::{batch, complete, connect, input, stdin};
use crate::client::{Exit, Ghost};
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

const PIPE_AFTER: &str = "\
Each line of standard input is one argument in JSON and makes one call; results come one per line, in
the same order. -j N calls are in flight at a time (16 unless said otherwise).

Example:
  jq -c '.[]' items.json | hauki proxy pipe t.json observe > results.jsonl";

/// Call a worker's methods through its ticket
#[derive(Debug, Args)]
pub(crate) struct ProxyArgs {
    #[command(subcommand)]
    command: ProxyCommand,
}

#[derive(Debug, Subcommand)]
enum ProxyCommand {
    Call(CallArgs),
    Pipe(PipeArgs),
}

/// Call one method
#[derive(Debug, Args)]
#[command(after_help = CALL_AFTER)]
struct CallArgs {
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

/// Call one method for each line of standard input
#[derive(Debug, Args)]
#[command(after_help = PIPE_AFTER)]
struct PipeArgs {
    /// A file with one ticket, or a vault id
    #[arg(value_name = "TICKET", add = ArgValueCompleter::new(complete::items))]
    ticket: String,
    method: String,
    /// Lines are text, not JSON
    #[arg(long)]
    text: bool,
}

#[derive(Serialize)]
struct Reply<'a> {
    vault: &'a VaultId,
    method: &'a str,
    result: &'a RawValue,
}

pub(crate) fn run(ctx: &Ctx, args: &ProxyArgs) -> Result<Exit, CliError> {
    match &args.command {
        ProxyCommand::Call(args) => call(ctx, args),
        ProxyCommand::Pipe(args) => pipe(ctx, args),
    }
}

/// One argument as JSON text.
fn argument(text: &str, name: &str, as_text: bool) -> Result<String, CliError> {
    if as_text {
        return Ok(serde_json::Value::from(text).to_string());
    }
    let raw: &RawValue = serde_json::from_str(text.trim()).map_err(|error| {
        CliError::data("bad_json", format!("{name} is not JSON: {error}"))
            .hint("text needs quotes inside quotes, '\"text\"', or --text")
    })?;
    Ok(raw.get().to_owned())
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

async fn result(
    ctx: &Ctx,
    ghost: &Ghost,
    method: &str,
    params: Option<&str>,
) -> Result<Box<RawValue>, CliError> {
    match ghost.call(method, params).await {
        Ok(result) => Ok(result),
        Err(error) => Err(connect::explain(ctx, &ghost.welcome().vault, error).await),
    }
}

fn call(ctx: &Ctx, args: &CallArgs) -> Result<Exit, CliError> {
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

fn pipe(ctx: &Ctx, args: &PipeArgs) -> Result<Exit, CliError> {
    if args.ticket == "-" {
        return Err(CliError::usage("standard input holds the arguments; give the ticket as a file"));
    }
    ctx.block_on(Limit::OnlyIfSet, async {
        let items = input::read_some(std::slice::from_ref(&args.ticket)).await?;
        let [item] = items.as_slice() else {
            return Err(CliError::usage(format!("{} holds more than one ticket", args.ticket)));
        };
        let ticket = connect::ticket(ctx, item).await?;
        let ghost = connect::ghost(ctx, &ticket, true).await?;
        let lines = stream::unfold((stdin::lines(), 0), async |(mut lines, number)| {
            let line = lines.recv().await?;
            Some(((number + 1, line), (lines, number + 1)))
        });
        let results = lines
            .map(async |(number, line)| {
                let name = format!("line {number}");
                let line = line.map_err(|error| CliError::io("read standard input", &error));
                let answer = match line.and_then(|line| argument(&line, &name, args.text)) {
                    Ok(value) => result(ctx, &ghost, &args.method, Some(&format!("[{value}]"))).await,
                    Err(error) => Err(error),
                };
                (name, answer)
            })
            .buffered(ctx.globals.jobs.unwrap_or(16).clamp(1, 1024));
        let mut results = std::pin::pin!(results);
        let mut exits = Vec::new();
        while let Some((name, answer)) = results.next().await {
            match answer {
                Ok(result) => {
                    ctx.out.text(&format!("{}\n", result.get()))?;
                    exits.push(Exit::Ok);
                }
                Err(error) => {
                    ctx.item_failed(&error, &name)?;
                    exits.push(error.kind.exit);
                }
            }
        }
        Ok(Exit::merge(exits))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_is_json_or_text() {
        assert_eq!(argument(" [1, 1.10] ", "a", false).expect("is JSON"), "[1, 1.10]");
        assert_eq!(argument("a\"b\n", "a", true).expect("is text"), "\"a\\\"b\\n\"");
        for bad in ["", "abc", "{", "1 2"] {
            assert_eq!(argument(bad, "a", false).expect_err("is refused").kind.exit, Exit::Data);
        }
    }
}
