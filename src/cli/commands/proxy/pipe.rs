//! `hauki proxy pipe`: many calls over one connection.

use clap::Args;
use clap_complete::ArgValueCompleter;
use futures_util::{StreamExt as _, stream};

use super::{argument, result};
use crate::cli::context::{Ctx, Limit};
use crate::cli::error::CliError;
use crate::cli::{complete, connect, input, stdin};
use crate::client::Exit;

const PIPE_AFTER: &str = "\
Each line of standard input is one argument in JSON and makes one call; results come one per line, in
the same order. -j N calls are in flight at a time (16 unless said otherwise).

Example:
  jq -c '.[]' items.json | hauki proxy pipe t.json observe > results.jsonl";

/// Call one method for each line of standard input
#[derive(Debug, Args)]
#[command(after_help = PIPE_AFTER)]
pub(super) struct PipeArgs {
    /// A file with one ticket, or a vault id
    #[arg(value_name = "TICKET", add = ArgValueCompleter::new(complete::items))]
    ticket: String,
    method: String,
    /// Lines are text, not JSON
    #[arg(long)]
    text: bool,
}

pub(super) fn run(ctx: &Ctx, args: &PipeArgs) -> Result<Exit, CliError> {
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
