//! `hauki mcp`: workers for an agent's client, by the Model Context Protocol.
//!
//! The protocol is another program's, `hauki-mcp`: this one decides which control plane is meant and becomes it, so that
//! no other verb carries the protocol's library.

mod install;

use std::io::{self, IsTerminal as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use clap::{Args, Subcommand};

use crate::cli::context::Ctx;
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::number_args::whole;
use crate::client::mcp_order::{McpBounds, McpOrder};
use crate::client::runner::{self, ChildError, ChildFault, ChildProgram};
use crate::client::script::ScriptFailure;
use crate::client::{Exit, autostart};
use crate::model::gem::Wishes;
use crate::model::invitation::Invitation;
use crate::model::units::parse_size;
use hauki_contract::system::paths;

use super::summon::flagged;

const AFTER: &str = "\
It speaks the protocol on standard input and output, and is started by the client: `hauki mcp install`
prints what such a client must be told, or writes it. Its tools: run evaluates a program in a vault of its
own; create makes a worker from a text, a gem-pointer or a file below a --root; call, list and destruct do
what they say. Each method of a worker is a tool too, WORKER__METHOD, with a schema where its types or
its JSDoc say what it takes. hauki://workers/NAME is its record, and hauki://workers/NAME/lines what it has
printed. Lines and emit('progress', {done, total, message}) are the progress of a call, and a call that the
client cancels is stopped in the worker. All that a client makes dies with it.

--timeout is for one call here, 60s if it is not given. Every worker is invited where --allow-net says.

Examples:
  hauki mcp install claude --write
  hauki mcp install cursor -- --memory 16MiB --max-workers 4
  hauki mcp --root ~/workers --allow-net 'GET https://api.example.com/v1/'";

/// Without a `--timeout`, what one call may take.
const CALL_MS: u64 = 60_000;

/// Serve an agent's client by the Model Context Protocol
#[derive(Debug, Args)]
#[command(after_help = AFTER, args_conflicts_with_subcommands = true)]
pub(crate) struct McpArgs {
    #[command(subcommand)]
    command: Option<McpCommand>,
    /// The heap of a worker, and the most that one may wish for, for example 16MiB
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    memory: Option<u64>,
    /// So many workers at one time
    #[arg(long, value_name = "COUNT", default_value_t = 16, allow_negative_numbers = true,
          value_parser = whole::<u32, 1, 1_000>)]
    max_workers: u32,
    /// Where its workers may fetch from, for example https://api.example.com/v1/, or before that methods and a space; may be repeated
    #[arg(long, value_name = "[METHODS ]URL")]
    allow_net: Vec<Invitation>,
    /// A folder below which it may name files as sources; may be repeated
    #[arg(long, value_name = "DIR")]
    root: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum McpCommand {
    Install(install::InstallArgs),
}

pub(crate) fn run(ctx: &Ctx, args: &McpArgs) -> Result<Exit, CliError> {
    match &args.command {
        Some(McpCommand::Install(args)) => install::run(ctx, args),
        None => serve(ctx, args),
    }
}

fn serve(ctx: &Ctx, args: &McpArgs) -> Result<Exit, CliError> {
    let order = order(ctx, args)?;
    let program = runner::find(ChildProgram::AgentServer).map_err(ScriptFailure::from)?;
    let order =
        serde_json::to_string(&order).map_err(|error| CliError::io("write the order", &error.into()))?;
    if io::stdin().is_terminal() {
        ctx.remark("it waits for a client on standard input; hauki mcp install tells one how to start it\n");
    }
    // Returns where this process could not become it.
    let source = Command::new(&program).arg(order).exec();
    let fault = ChildFault::Start { path: program, source };
    Err(ScriptFailure::from(ChildError { program: ChildProgram::AgentServer, fault }).into())
}

fn order(ctx: &Ctx, args: &McpArgs) -> Result<McpOrder, CliError> {
    let call_ms = ctx.timeout_if_set()?.unwrap_or(CALL_MS);
    let wishes = Wishes {
        memory_bytes: args.memory,
        call_deadline_ms: Some(u32::try_from(call_ms).unwrap_or(u32::MAX)),
        net: args.allow_net.clone(),
        ..Wishes::default()
    };
    wishes
        .limits()
        .check()
        .map_err(|error| CliError::usage(flagged(&error).replace("--deadline", "--timeout")))?;
    let roots = args.root.iter().map(|root| folder(root)).collect::<Result<_, _>>()?;
    let number = |text: &str| text.parse::<u32>().ok();
    let mut autostart = ctx.plan();
    if autostart.program.is_none() && rustix::process::geteuid().is_root() {
        // The one beside this program, which is not beside the one that this becomes. Others than root may start none.
        autostart.program = autostart::find().ok();
    }
    let path = |key| ctx.settings.get(key).map(PathBuf::from).map(paths::absolute);
    Ok(McpOrder {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        endpoint: ctx.settings.get("endpoint").map(str::to_owned),
        token_file: path("token_file"),
        ca_file: path("ca_file"),
        connect_timeout_ms: u64::try_from(ctx.connect_timeout()?.as_millis()).unwrap_or(u64::MAX),
        // A worker's creation is waited for as a call is.
        request_timeout_ms: call_ms.max(CALL_MS),
        retries: ctx.settings.choice("retries", "a number", number)?,
        autostart,
        bounds: McpBounds {
            memory_bytes: args.memory,
            call_ms,
            most_workers: usize::try_from(args.max_workers).unwrap_or(usize::MAX),
            net: args.allow_net.clone(),
            roots,
        },
    })
}

/// With all links followed, so that it stays the one that was meant.
fn folder(root: &std::path::Path) -> Result<PathBuf, CliError> {
    let found = root.canonicalize().and_then(|found| match found.is_dir() {
        true => Ok(found),
        false => Err(io::Error::from(io::ErrorKind::NotADirectory)),
    });
    found.map_err(|error| {
        let message = format!("--root {}: {error}", root.display());
        CliError::new(ErrorKind::new("unreadable", Exit::Data), message)
    })
}
