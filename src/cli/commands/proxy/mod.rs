//! `hauki proxy`: phase 4, the ticket as an object that is called.

mod call;
mod listen;
mod call_progress;
mod pipe;
mod repl;
mod run;
pub(super) mod script_context;

use clap::{Args, Subcommand};
use serde_json::value::RawValue;

use crate::cli::context::Ctx;
use crate::cli::error::CliError;
use crate::cli::{connect, input};
use crate::client::ghost::CallNumber;
use crate::client::{Exit, Ghost};
use crate::model::ticket::Ticket;
use hauki_contract::strict;

/// Call a worker's methods through its ticket
#[derive(Debug, Args)]
pub(crate) struct ProxyArgs {
    #[command(subcommand)]
    command: ProxyCommand,
}

#[derive(Debug, Subcommand)]
enum ProxyCommand {
    Call(call::CallArgs),
    Pipe(pipe::PipeArgs),
    Run(run::RunArgs),
    Listen(listen::ListenArgs),
    Repl(repl::ReplArgs),
}

pub(crate) fn run(ctx: &Ctx, args: &ProxyArgs) -> Result<Exit, CliError> {
    match &args.command {
        ProxyCommand::Call(args) => call::run(ctx, args),
        ProxyCommand::Pipe(args) => pipe::run(ctx, args),
        ProxyCommand::Run(args) => run::run(ctx, args),
        ProxyCommand::Repl(args) => repl::run(ctx, args),
        ProxyCommand::Listen(args) => listen::run(ctx, args),
    }
}

/// The one ticket that a file holds.
async fn single(ctx: &Ctx, name: &str) -> Result<Ticket, CliError> {
    let items = input::read_some(ctx, &[name.to_owned()]).await?;
    match items.as_slice() {
        [item] => connect::ticket(ctx, item).await,
        _ => Err(CliError::usage(format!("{name} holds more than one ticket"))),
    }
}

/// One argument as JSON text.
fn argument(text: &str, name: &str, as_text: bool) -> Result<String, CliError> {
    if as_text {
        return Ok(serde_json::Value::from(text).to_string());
    }
    let raw = strict::raw(strict::trimmed(text)).map_err(|error| {
        let error = CliError::data("bad_json", format!("{name} is not JSON: {error}"));
        match text.starts_with('@') {
            true => error.hint("--file FILE adds an argument that a file holds"),
            false => error.hint("text needs quotes inside quotes, '\"text\"', or --text"),
        }
    })?;
    Ok(raw.get().to_owned())
}

async fn result(
    ctx: &Ctx,
    ghost: &Ghost,
    method: &str,
    params: Option<&str>,
) -> Result<Box<RawValue>, CliError> {
    result_as(ctx, ghost, ghost.number(), method, params).await
}

async fn result_as(
    ctx: &Ctx,
    ghost: &Ghost,
    number: CallNumber,
    method: &str,
    params: Option<&str>,
) -> Result<Box<RawValue>, CliError> {
    match ghost.call_as(number, method, params).await {
        Ok(result) => Ok(result),
        Err(error) => Err(connect::explain(ctx, ghost.vault(), error).await),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_is_json_or_text() {
        assert_eq!(argument(" [1, 1.10] ", "a", false).expect("is JSON"), "[1, 1.10]");
        assert_eq!(argument("a\"b\n", "a", true).expect("is text"), "\"a\\\"b\\n\"");
        for bad in ["", "abc", "{", "1 2", "\u{b}1", "1\u{c}", "\u{85}1", "1\u{a0}", "\u{3000}[]"] {
            assert_eq!(argument(bad, "a", false).expect_err("is refused").kind.exit, Exit::Data);
        }
    }
}
