//! `hauki run`: a program in a vault of its own, from its text to its result, and nothing left behind.
//!
//! The vault has a worker that evaluates what it is handed, so that lines come while it runs, and a caller that is linked
//! to it: whatever ends this process ends the vault. With files, powers or a name for it the program is a turn of a worker
//! that takes turns.

mod files;
mod session;

use std::path::Path;
use std::time::Duration;

use clap::builder::ValueHint;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::proxy::script_context::{self, Play};
use crate::api::summons::MAX_SOURCE_BYTES;
use crate::cli::bounded_read;
use crate::cli::context::Ctx;
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::source::Lang;
use crate::cli::source_faults;
use crate::client::Exit;
use crate::client::compiler::{self, EvaluatedText, SourceOrder, TurnText};
use crate::client::script::{ProgramEnd, Stop};
use crate::model::invitation::Invitation;
use crate::model::name::ServiceName;
use crate::model::secret_use::{SecretUse, check_uses};
use crate::model::units::{parse_duration, parse_size};
use crate::rpc::compile::Purpose;
use files::FilePair;
use hauki_contract::rpc::evaluation::TurnPowers;

const AFTER: &str = "\
The program runs in a vault, not on this machine: it has the worker language, no files, and no network but where
--allow-net invites it. Its lines
come to standard error as it prints them. The result is that of main(ARGS), if there is a function of that name,
else the value of the last statement, as JSON on standard output; a promise is waited for. ARGS are texts, and also
in `args`. What it throws ends the command with 7.

--session NAME keeps the worker for the next turn, with all that the program has declared. It is found under NAME
by this user, whose ticket for it lies in sessions/ of the state directory (~/.local/state/hauki), and by hauki ls
and hauki destruct; it ends with --end, or when it was not used for an hour (--lease). --file puts files into the worker, which reads and writes them with read_file(name) and
write_file(name, data); --get takes them out when the program has ended. They are its memory, not a disk. --powers gives
the program less than the worker has, and all that comes after it in the session no more.

Examples:
  hauki run -e '[3, 1, 2].sort()'
  hauki run report.ts access 2026 -r
  generate | hauki run - --lang ts --timeout 5s --memory 16MiB
  hauki run --session lab -e 'const all = await load()'
  hauki run --session lab -e 'all.length' --powers none
  hauki run --session lab --end
  hauki run --file access.log --get top.csv report.ts";

/// What makes the worker, calls it, and has seen its end before the result is told.
const CALLER: &str = "\
var worker = clone_object(args[0], JSON.parse(args[1])), told;
try { told = worker->run(args[2], JSON.parse(args[3])); } finally { destruct(worker); }
if (told.length) print(args[4] === 'raw' && typeof told[0] === 'string' ? told[0] : JSON.stringify(told[0]));
";

/// The heap of this side, through which text and result go.
const HEAP_BYTES: u64 = 64 << 20;

/// Without a `--timeout`, the most that a call may be given.
const LONGEST_MS: u64 = 3_600_000;

/// Run a program in a vault and print its result
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct RunOnceArgs {
    /// The program itself, instead of a file
    #[arg(short = 'e', long, value_name = "CODE")]
    eval: Option<String>,
    /// Print a text as it is, not as JSON
    #[arg(short, long)]
    raw: bool,
    /// The heap, for example 16MiB
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    memory: Option<u64>,
    /// Where it may fetch from, for example https://api.example.com/v1/, or before that methods and a space; may be repeated
    #[arg(long, value_name = "[METHODS ]URL")]
    allow_net: Vec<Invitation>,
    /// A secret of one's own that its requests carry, for example openai=Authorization:Bearer or maps=?key; behind a space an invitation, if it has more than one; may be repeated
    #[arg(long, value_name = "NAME=PLACE[ URL]", requires = "allow_net")]
    secret: Vec<SecretUse>,
    /// What the program is written in, where the ending of its file does not say it
    #[arg(long, value_name = "LANGUAGE")]
    lang: Option<Lang>,
    /// Keep the worker under this name for the next turn, or use the one that there is
    #[arg(long, value_name = "NAME")]
    session: Option<ServiceName>,
    /// End the session
    #[arg(long, requires = "session", conflicts_with_all = ["eval", "words", "file", "get", "powers"])]
    end: bool,
    /// How long a session lives from one turn to the next; an hour without
    #[arg(long, value_name = "TIME", requires = "session", value_parser = parse_duration)]
    lease: Option<u64>,
    /// A file that goes into the worker, and its name there; may be repeated
    #[arg(long, value_name = "LOCAL[:NAME]", value_parser = FilePair::put, value_hint = ValueHint::FilePath)]
    file: Vec<FilePair>,
    /// A file that comes out of the worker, and its name here; may be repeated
    #[arg(long, value_name = "NAME[:LOCAL]", value_parser = FilePair::get)]
    get: Vec<FilePair>,
    /// What the program, and the session after it, may do besides computing: none of it, or some; all without
    #[arg(long, value_name = "POWER", value_delimiter = ',')]
    powers: Vec<Power>,
    /// A file, or - for standard input, and the program's arguments; with -e the arguments only
    #[arg(value_name = "FILE", trailing_var_arg = true, allow_hyphen_values = true, value_hint = ValueHint::FilePath)]
    words: Vec<String>,
}

/// Beyond its heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Power {
    None,
    Destruct,
    Clone,
    Fetch,
}

impl RunOnceArgs {
    fn powers(&self) -> Option<TurnPowers> {
        let has = |power| self.powers.contains(&power);
        let (destruct, clone, fetch) = (has(Power::Destruct), has(Power::Clone), has(Power::Fetch));
        (!self.powers.is_empty()).then(|| TurnPowers { destruct, clone, fetch, objects: Vec::new() })
    }

    fn is_turn(&self) -> bool {
        self.session.is_some() || !(self.file.is_empty() && self.get.is_empty() && self.powers.is_empty())
    }
}

/// A program that is a turn.
struct ProgramText<'a> {
    source: &'a str,
    file: &'a str,
    text: TurnText,
    words: &'a [String],
}

pub(crate) fn run(ctx: &Ctx, args: &RunOnceArgs) -> Result<Exit, CliError> {
    if let Some(name) = args.session.as_ref().filter(|_| args.end) {
        return session::end(ctx, name);
    }
    let (path, words) = match (&args.eval, args.words.split_first()) {
        (Some(_), _) => (None, &args.words[..]),
        (None, Some((path, words))) => (Some(path.as_str()), words),
        (None, None) => return Err(CliError::usage("hauki run needs a file, - or -e CODE")),
    };
    let limit = ctx.timeout_if_set()?;
    check_uses(&args.secret, &args.allow_net).map_err(|error| CliError::usage(error.to_string()))?;
    let (source, file) = ctx.block_on(crate::cli::context::Limit::Usual, async {
        match path {
            Some(path) => read(path).await,
            None => Ok((args.eval.clone().unwrap_or_default(), "program".to_owned())),
        }
    })?;
    let order = SourceOrder {
        source: &source,
        file: &file,
        language: args.lang.map(Into::into),
        purpose: Purpose::Program,
        path: path.filter(|path| *path != "-").map(std::path::Path::new),
        always: false,
        fetch: !args.allow_net.is_empty(),
    };
    let prepared = ctx.block_on(crate::cli::context::Limit::Usual, async {
        let prepared = ctx.toolchain.lock().await.prepare(order).await;
        prepared.map_err(|error| source_faults::unprepared(error, &source, &file))
    })?;
    source_faults::warn(ctx, &prepared.warnings, &source, &file);
    if args.is_turn() {
        let text = TurnText::new(prepared, &file);
        let program = ProgramText { source: &source, file: &file, text, words };
        return match &args.session {
            Some(name) => session::kept(ctx, args, name, program),
            None => session::once(ctx, args, program),
        };
    }
    let worker = compiler::evaluator(&prepared);
    let evaluated = EvaluatedText::new(prepared, &file);
    let options = json!({ "memory": args.memory, "deadline": limit.unwrap_or(LONGEST_MS).min(LONGEST_MS),
        "file_name": "run.js", "allow_net": args.allow_net, "secret": args.secret });
    let options = without_nulls(options);
    let play = Play {
        args: vec![
            worker,
            options,
            evaluated.text.clone(),
            json!(words).to_string(),
            if args.raw { "raw" } else { "json" }.to_owned(),
        ],
        base: ".".into(),
        heap_bytes: HEAP_BYTES,
        compiled: false,
        bare: true,
    };
    let (mut session, cancel) = script_context::open(ctx, play)?;
    if let Some(ms) = limit {
        let limit = Duration::from_millis(ms);
        session.spawn(async move {
            tokio::time::sleep(limit).await;
            cancel.cancel(Stop::TimedOut(limit));
        });
    }
    match session.run(CALLER, "run", None) {
        Ok(()) => Ok(Exit::Ok),
        Err(ProgramEnd::Uncaught(_, Some(failure))) => {
            let Some(thrown) = failure.more.worker.clone() else { return Err(failure.into()) };
            let placed = evaluated.place(thrown);
            let kind = ErrorKind::new(failure.code, failure.exit);
            let error = CliError::new(kind, placed.message.clone());
            Err(source_faults::thrown_at(error, &placed, &source, &file).thrown("worker", &placed))
        }
        Err(end) => script_context::outcome(ctx, end, CALLER, "run"),
    }
}

fn without_nulls(mut options: serde_json::Value) -> String {
    if let Some(fields) = options.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    options.to_string()
}

/// The text, and what errors call it.
async fn read(path: &str) -> Result<(String, String), CliError> {
    let file = if path == "-" { "stdin".to_owned() } else { path.to_owned() };
    let bytes = bounded_read::read(Path::new(path), MAX_SOURCE_BYTES).await;
    let bytes = bytes.map_err(|error| CliError::unreadable(&file, &error))?;
    let text = String::from_utf8(bytes)
        .map_err(|error| CliError::unreadable(&file, &std::io::Error::other(error)))?;
    // The line of `#!` is the kernel's.
    let text = text.strip_prefix("#!").map(|rest| format!("//{rest}")).unwrap_or(text);
    Ok((text, file))
}
