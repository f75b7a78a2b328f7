//! `hauki proxy run`: a local script whose objects live on other machines.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use clap::builder::ValueHint;

use super::script_context::{self, Play};
use crate::cli::bounded_read;
use crate::cli::context::Ctx;
use crate::cli::error::CliError;
use crate::cli::source::Lang;
use crate::client::Exit;
use crate::client::script::Stop;
use crate::model::units::parse_size;

const RUN_AFTER: &str = "\
The script runs here, in the engine of the workers, and has clone_object(), object->method(), later()
and gather(), find_object(), destruct(), print(), args, read_file() and more: man 7 hauki-script.
What it clones dies with it, however it ends, unless it is cloned with {detached: true}. Paths of
workers are looked up beside the script. What stands behind SCRIPT belongs to the script.
Modern JavaScript and TypeScript (.ts, .mts, --lang ts) are compiled first, by hauki-compile.

An error that nobody catches ends it with the exit code of that error: 7 for a worker's, 5 for a dead
vault, 75 for no capacity; 1 for the script's own, 65 if it does not parse. The engine runs in a child that
has locked itself down, hauki-script: a crash of it is 70, and where it is missing or refused 78.

Examples:
  hauki proxy run hunt.js -- access.log 10
  echo 'print(clone_object(\"scout.js\")->report())' | hauki proxy run -
  #!/usr/bin/env -S hauki proxy run              as the first line of an executable script";

/// Run a local script that clones workers and calls them
#[derive(Debug, Args)]
#[command(after_help = RUN_AFTER)]
pub(super) struct RunArgs {
    /// The heap of the script itself
    #[arg(long, value_name = "SIZE", value_parser = parse_size, default_value = "64MiB")]
    memory: u64,
    /// What the script is written in, where the ending of its file does not say it
    #[arg(long, value_name = "LANGUAGE")]
    lang: Option<Lang>,
    /// A file, or - for standard input
    #[arg(value_hint = ValueHint::FilePath)]
    script: PathBuf,
    /// What the script finds in `args`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

pub(super) fn run(ctx: &Ctx, args: &RunArgs) -> Result<Exit, CliError> {
    // From standard input there is no folder beside which workers could be.
    let base = args.script.parent().map(Path::to_owned).unwrap_or_default();
    let play = Play { args: args.args.clone(), base, heap_bytes: args.memory, compiled: false, bare: false };
    let (mut session, cancel) = script_context::open(ctx, play)?;
    if let Some(ms) = ctx.timeout_if_set()? {
        let limit = Duration::from_millis(ms);
        session.spawn(async move {
            tokio::time::sleep(limit).await;
            cancel.cancel(Stop::TimedOut(limit));
        });
    }
    let read = session.wait(read(&args.script, args.memory));
    let (source, file) = read.map_err(script_context::stopped)??;
    match session.run(&source, &file, args.lang.map(Into::into)) {
        Ok(()) => Ok(Exit::Ok),
        Err(end) => script_context::outcome(ctx, end, &source, &file),
    }
}

/// The text, and what errors call it. One that cannot fit into the heap is not read to its end.
async fn read(path: &Path, heap_bytes: u64) -> Result<(String, String), CliError> {
    let is_stdin = path == Path::new("-");
    let file = if is_stdin { "stdin".to_owned() } else { path.display().to_string() };
    let most = usize::try_from(heap_bytes).unwrap_or(usize::MAX);
    let bytes = bounded_read::read(path, most).await.map_err(|error| {
        let unread = CliError::unreadable(&file, &error);
        let fits = error.kind() != ErrorKind::FileTooLarge;
        if fits { unread } else { unread.hint("--memory gives the script more") }
    })?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok((text, file)),
        Err(error) => Err(CliError::unreadable(file, &std::io::Error::other(error))),
    }
}
