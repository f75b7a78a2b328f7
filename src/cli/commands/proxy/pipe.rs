//! `hauki proxy pipe`: many calls over one connection.

use std::cell::Cell;
use std::io::{self, ErrorKind};
use std::pin::pin;

use clap::Args;
use clap_complete::ArgValueCompleter;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt as _, DuplexStream};

use super::{argument, result, single};
use crate::cli::context::{Ctx, Limit};
use crate::cli::error::CliError;
use crate::cli::kinds::Reply;
use crate::cli::record::Record;
use crate::cli::sanitize::OutputKind;
use crate::cli::{complete, connect, stdin, stdout};
use crate::client::relay::{self, RelayError};
use crate::client::{Exit, Ghost};
use crate::rpc::ndjson::LineReader;

/// An argument that is longer fits into no frame.
const MOST_LINE: usize = 64 * 1024 * 1024;

/// What may lie between the session and the screen.
const SCREEN_BYTES: usize = 64 * 1024;

const PIPE_AFTER: &str = "\
Without METHOD, standard input holds JSON-RPC 2.0 requests, one per line, and standard output gets the
replies: batches, notifications and ids of every kind as the specification says. Requests are sent in
their order and worked on 64 at a time; replies come as they come, and the id tells. An error reply is
an answer, so it does not change the exit code. Where the connection is lost, a new one is made: what
was in flight is answered with error -32020 and never sent again. The line
{\"jsonrpc\":\"2.0\",\"method\":\"hauki.cancel\",\"params\":{\"id\":ID}} gives up the request with that id: it is
answered with error -32009, and the worker is stopped.

With METHOD, each line is one argument in JSON and makes one call, and each gives one line, in the same
order: the result, or {\"v\":1,\"kind\":\"error\",\"ok\":false,…,\"input\":\"line 3\"} where the line or the call
failed. The others go on, and the exit code tells: that of the failure if all failed, 6 if some did. On a
terminal failures are told in words. With -o jsonl results are records as well:
{\"v\":1,\"kind\":\"reply\",\"vault\":…,\"method\":…,\"input\":\"line 2\",\"result\":…}. When the vault dies or
the connection breaks, no more lines are read: those that were read have their line, and the exit code is
that of the death, 5, or of the connection. -j N calls are in flight at a time (16 unless said otherwise).

Examples:
  hauki proxy pipe t.json < requests.jsonl > replies.jsonl
  echo '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"report\"}' | hauki proxy pipe t.json
  jq -c '.[]' items.json | hauki proxy pipe t.json observe > results.jsonl
  hauki proxy pipe t.json check -o jsonl < in.jsonl | jq -c 'select(.kind == \"error\")'";

/// Call for each line of standard input
#[derive(Debug, Args)]
#[command(after_help = PIPE_AFTER)]
pub(super) struct PipeArgs {
    /// A file with one ticket, or a vault id
    #[arg(value_name = "TICKET", add = ArgValueCompleter::new(complete::items))]
    ticket: String,
    /// Lines are arguments of this method; absent: JSON-RPC requests
    method: Option<String>,
    /// Lines are text, not JSON
    #[arg(long, requires = "method")]
    text: bool,
    /// Also pass on what the worker prints and emits, as notifications
    #[arg(long, conflicts_with = "method")]
    events: bool,
}

pub(super) fn run(ctx: &Ctx, args: &PipeArgs) -> Result<Exit, CliError> {
    if args.ticket == "-" {
        return Err(CliError::usage("standard input holds the requests; give the ticket as a file"));
    }
    ctx.block_on(Limit::OnlyIfSet, async {
        let ticket = single(ctx, &args.ticket).await?;
        match &args.method {
            Some(method) => {
                let ghost = connect::ghost(ctx, &ticket, true).await?;
                arguments(ctx, &ghost, method, args.text).await
            }
            None => {
                let ghost = connect::session(ctx, &ticket).await?;
                requests(ctx, &ghost, args.events).await
            }
        }
    })
}

async fn requests(ctx: &Ctx, ghost: &Ghost, events: bool) -> Result<Exit, CliError> {
    stdout::check().map_err(RelayError::Write)?;
    // The last line may lack its end.
    let lines = LineReader::new(tokio::io::stdin().chain(&b"\n"[..]), 0);
    let options = relay::RelayOptions { events, patience: None };
    let left = relay::left(std::io::stdout());
    let carried = match ctx.out.shown {
        OutputKind::Elsewhere => relay::carry(ghost, lines, tokio::io::stdout(), options, left).await,
        OutputKind::OnScreen => {
            let (replies, screen) = tokio::io::duplex(SCREEN_BYTES);
            let carried = relay::carry(ghost, lines, replies, options, left);
            let (carried, shown) = tokio::join!(carried, show(ctx, screen));
            shown?;
            carried
        }
    };
    match carried {
        Ok(()) => Ok(Exit::Ok),
        Err(RelayError::Ended(error)) => Err(connect::explain(ctx, ghost.vault(), error).await),
        Err(error) => Err(error.into()),
    }
}

/// Replies on a terminal, which must not take orders from them.
async fn show(ctx: &Ctx, screen: DuplexStream) -> Result<(), CliError> {
    let mut replies = LineReader::new(screen, usize::MAX);
    while let Ok(Some(reply)) = replies.next().await {
        ctx.out.result(&String::from_utf8_lossy(reply))?;
    }
    Ok(())
}

/// Some editors begin a file with a mark, which is no JSON.
fn unmarked(line: String) -> String {
    match line.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => line,
    }
}

/// Why a line of standard input is no argument.
fn unread(name: &str, error: &io::Error) -> CliError {
    match error.kind() {
        ErrorKind::InvalidData => CliError::data("bad_json", format!("{name} is not UTF-8")),
        ErrorKind::FileTooLarge => CliError::data("too_large", format!("{name}: {error}")),
        _ => CliError::io("read standard input", error),
    }
}

async fn arguments(ctx: &Ctx, ghost: &Ghost, method: &str, text: bool) -> Result<Exit, CliError> {
    ctx.out.list();
    let over = Cell::new(None);
    let lines = stream::unfold((stdin::lines(MOST_LINE), 0), async |(mut lines, number)| {
        let line = lines.recv().await?;
        Some(((number + 1, line), (lines, number + 1)))
    });
    let results = lines
        // However long the input goes on: nobody is there to be called. What is under way fails, and is told.
        .take_until(ghost.closed().map(|error| over.set(Some(error))))
        .map(async |(number, line)| {
            let name = format!("line {number}");
            let is_marked = number == 1 && !text;
            let bare = |line: String| if is_marked { unmarked(line) } else { line };
            let line = line.map_err(|error| unread(&name, &error));
            let answer = match line.and_then(|line| argument(&bare(line), &name, text)) {
                Ok(value) => result(ctx, ghost, method, Some(&format!("[{value}]"))).await,
                Err(error) => Err(error),
            };
            (name, answer)
        })
        .buffered(ctx.globals.jobs.unwrap_or(16));
    let mut results = pin!(results);
    let mut exits = Vec::new();
    while let Some((name, answer)) = results.next().await {
        match answer {
            Ok(result) => {
                tell(ctx, ghost, method, name, result)?;
                exits.push(Exit::Ok);
            }
            Err(error) => {
                failed(ctx, &error, &name)?;
                exits.push(error.kind.exit);
            }
        }
    }
    match over.take() {
        Some(error) => Err(connect::explain(ctx, ghost.vault(), error).await),
        None => Ok(Exit::merge(exits)),
    }
}

/// What came of one line.
fn tell(
    ctx: &Ctx,
    ghost: &Ghost,
    method: &str,
    input: String,
    result: Box<RawValue>,
) -> Result<(), CliError> {
    if is_bare(ctx) {
        return ctx.out.result(result.get());
    }
    let (vault, method) = (ghost.vault().clone(), method.to_owned());
    ctx.out.record(Record::new(&Reply { vault, method, input: Some(input), result }))
}

/// In the place of the result, whatever reads on: output has a line for each line of the input.
fn failed(ctx: &Ctx, error: &CliError, input: &str) -> Result<(), CliError> {
    if is_bare(ctx) && ctx.out.shown == OutputKind::Elsewhere {
        return ctx.out.result(&error.json(Some(input)).to_string());
    }
    ctx.item_failed(error, input)
}

/// Results as the worker wrote them, unless records were asked for.
fn is_bare(ctx: &Ctx) -> bool {
    ctx.settings.is_default("output")
}
