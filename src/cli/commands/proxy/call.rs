//! `hauki proxy call`: one method, one answer.

use std::time::Duration;

use clap::Args;
use clap_complete::ArgValueCompleter;
use serde_json::value::RawValue;

use super::{argument, call_progress, result};
use crate::cli::context::{Ctx, Limit};
use crate::cli::error::CliError;
use crate::cli::kinds::Reply;
use crate::cli::output::Format;
use crate::cli::record::Record;
use crate::cli::{author_line, batch, bounded_read, complete, connect, input};
use crate::client::ghost::{GhostError, GhostOptions};
use crate::client::{Exit, Ghost};
use crate::rpc::builtin;
use crate::rpc::message::{RpcError, code};
use hauki_contract::strict;
use hauki_contract::system::rlimit;

/// So many connections fit under any usual limit of open files.
const FEW: usize = 200;

const CALL_AFTER: &str = "\
Every ARG is one argument, written as JSON, or with --text as it is, whatever it begins with; put --
before one that begins with a dash and is no number, and before every one that somebody else wrote: it
could be a flag. --file adds an argument that a file holds, behind
the ARGs: JSON as well, or with --text its text.

For one ticket the result is printed bare: pretty on a terminal, on one line elsewhere. For several
tickets, or with -o jsonl, each result is a record {\"kind\":\"reply\",\"vault\":…,\"result\":…}.

--events also shows what the worker prints and emits while it works on this call, and nothing of other
calls. In a pipe each is a record on standard output, before the record of the reply:
{\"kind\":\"event\",\"vault\":…,\"event\":\"log\",\"text\":…} or {…,\"event\":\"emitted\",\"name\":…,\"data\":…}.
With -o json all of them are one array at the end. On a terminal each is a line, and data of the form {done, total[, message]} moves a bar on standard
error (--progress).

--notify waits until the node has the call, not for its end, and prints no result. With --timeout the
node stops the call as well.

Examples:
  hauki proxy call t.json observe '[\"a\",\"b\"]'
  hauki proxy call t.json ingest --text --file access.log
  hauki proxy call t.json say --text -- \"$line\"
  hauki proxy call t.jsonl report -j 3 | jq -s 'map(.result.total) | add'
  hauki clone scout.js | hauki proxy call - report
  hauki proxy call t.json import --file big.json --events";

/// Call one method
#[derive(Debug, Args)]
#[command(after_help = CALL_AFTER)]
pub(super) struct CallArgs {
    /// A file of tickets, - for standard input, or a vault id
    #[arg(value_name = "TICKET", add = ArgValueCompleter::new(complete::items))]
    ticket: String,
    /// One of the worker's: the ticket names them
    method: String,
    /// Its arguments, one JSON value each
    #[arg(value_name = "ARG", allow_negative_numbers = true)]
    args: Vec<String>,
    /// Arguments are text, not JSON
    #[arg(long)]
    text: bool,
    /// One more argument, which this file holds; - for standard input; may be repeated
    #[arg(long, value_name = "FILE")]
    file: Vec<String>,
    /// Do not wait for the answer
    #[arg(long, conflicts_with = "events")]
    notify: bool,
    /// Show what the worker prints and emits meanwhile
    #[arg(long)]
    events: bool,
}

async fn params(args: &CallArgs) -> Result<Option<String>, CliError> {
    let mut values = Vec::new();
    for (index, arg) in args.args.iter().enumerate() {
        values.push(argument(arg, &format!("argument {}", index + 1), args.text)?);
    }
    let piped = std::iter::once(&args.ticket).chain(&args.file).filter(|name| *name == "-").count();
    if piped > 1 {
        return Err(CliError::usage("standard input cannot be two things, a ticket and an argument or two"));
    }
    for path in &args.file {
        let bytes = bounded_read::read(path.as_ref(), bounded_read::MOST_BYTES).await;
        let bytes = bytes.map_err(|error| CliError::unreadable(path, &error))?;
        // A text is what the file holds; a mark before JSON is not part of it.
        let bytes = if args.text { &bytes[..] } else { strict::without_mark(&bytes) };
        let text = std::str::from_utf8(bytes)
            .map_err(|_| CliError::data("bad_json", format!("{path} is not UTF-8")))?;
        values.push(argument(text, path, args.text)?);
    }
    Ok((!values.is_empty()).then(|| format!("[{}]", values.join(","))))
}

pub(super) fn run(ctx: &Ctx, args: &CallArgs) -> Result<Exit, CliError> {
    let jobs = ctx.globals.jobs();
    if jobs > FEW {
        rlimit::raise_limit();
    }
    ctx.block_on(Limit::Usual, async {
        let params = params(args).await?;
        let items = input::read_some(ctx, std::slice::from_ref(&args.ticket)).await?;
        let plain = items.len() == 1 && ctx.settings.is_default("output");
        if args.events && ctx.out.style.format == Format::Json {
            ctx.out.list();
        }
        // Among records the result is one as well, or it could not be told from them.
        let bare = plain && (!args.events || ctx.out.is_for_people());
        let alone = items.len() == 1;
        batch::run(ctx, items, jobs, async |item: input::Item| {
            let ticket = connect::ticket(ctx, &item).await?;
            let ghost = connect::open(ctx, &ticket, options(ctx)?).await?;
            if args.notify {
                notify(ctx, &ghost, &args.method, params.as_deref()).await?;
                return Ok(Vec::new());
            }
            let result = if args.events {
                call_progress::call(ctx, &ghost, &args.method, params.as_deref()).await
            } else {
                result(ctx, &ghost, &args.method, params.as_deref()).await
            };
            let result = match result {
                Ok(result) => result,
                Err(error) if alone && ctx.out.is_for_people() => {
                    return Err(author_line::below(ctx, error, &ticket.worker).await);
                }
                Err(error) => return Err(error),
            };
            if bare {
                return show(ctx, &result).map(|()| Vec::new());
            }
            let (vault, method) = (ticket.vault.clone(), args.method.clone());
            Ok(vec![Record::new(&Reply { vault, method, input: None, result })])
        })
        .await
    })
}

/// One connection for one call; a `--timeout` that somebody set is the node's deadline too.
fn options(ctx: &Ctx) -> Result<GhostOptions, CliError> {
    let set = if ctx.settings.is_default("timeout") { None } else { ctx.settings.duration("timeout")? };
    Ok(GhostOptions { call_deadline: set.map(Duration::from_millis), ..connect::short() })
}

/// The gate takes one line after the other, so its answer to a beat says that it has taken the call.
async fn notify(ctx: &Ctx, ghost: &Ghost, method: &str, params: Option<&str>) -> Result<(), CliError> {
    let sent = async {
        // Nobody would hear the node's word that there is none.
        let methods = &ghost.welcome().await?.methods;
        if !method.starts_with(builtin::PREFIX) && !methods.iter().any(|known| known == method) {
            let message = format!("there is no method {method:?}; there are: {}", methods.join(", "));
            let error = Box::new(RpcError::new(code::METHOD_NOT_FOUND, message));
            return Err(GhostError::Rpc { vault: ghost.vault().clone(), error });
        }
        ghost.notify(method, params).await?;
        ghost.heartbeat().await
    };
    match sent.await {
        Ok(_) => Ok(()),
        Err(error) => Err(connect::explain(ctx, ghost.vault(), error).await),
    }
}

/// Exactly what the worker wrote, or the same laid out for people.
fn show(ctx: &Ctx, result: &RawValue) -> Result<(), CliError> {
    match ctx.out.style.format {
        Format::Table | Format::Wide => ctx.out.laid_out(result.get()),
        _ => ctx.out.result(result.get()),
    }
}
