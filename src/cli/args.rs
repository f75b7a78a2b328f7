//! The command line as types: what every verb takes. The verbs are in `commands`, and each one's arguments beside it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Args, FromArgMatches as _};

use super::commands::{Command, one};
use super::number_args::whole;
use super::reflow::flowed;

/// Of requests at the same time.
const MOST_JOBS: u64 = 1024;

const ABOUT: &str = "Summon an ephemeral JavaScript object onto another machine and call it";

const AFTER: &str = "\
Examples:
  hauki clone worker.js --out t.json             an object on a node, and the ticket to it
  hauki proxy call t.json observe '[\"a\",\"b\"]'    call a method of it
  hauki destruct t.json                          end it, and see what was reclaimed

  hauki summon worker.js | hauki forge - | hauki ticket - --out t.json  the same, phase by phase
  hauki heartbeat t.json -- ./long_job.sh        keep it alive while a command runs
  hauki run -e '[3, 1, 2].sort()'                a program in a vault of its own, and its result

Output is a table on a terminal and one JSON record per line (jsonl) in a pipe; scripts should
spell out -o jsonl. Verbs take ids or their beginnings, names of workers, files of records, or
an explicit - for standard input.

More: hauki VERB --help, hauki help exit-codes, hauki help worker-language";

#[derive(Debug, Args)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// Reads the command line. Most begin with the verb, and then only that verb is built: all of them
    /// together take longer than everything else that this program does before its first request.
    pub(crate) fn read() -> Result<Self, clap::Error> {
        let words: Vec<OsString> = std::env::args_os().collect();
        let first = words.get(1).and_then(|word| word.to_str()).unwrap_or_default();
        let lean = || dressed(Globals::augment_args(clap::Command::new("hauki")));
        let whole = match (first, one(first)) {
            ("-V" | "--version", _) => lean(),
            (_, Some(build)) => lean().subcommand(build(clap::Command::new(first.to_owned()))),
            (_, None) => command(),
        };
        let mut whole = flowed(whole);
        let mut found = whole.try_get_matches_from_mut(words)?;
        Self::from_arg_matches_mut(&mut found).map_err(|error| error.format(&mut whole))
    }
}

/// What every verb takes, before or after its name. None has a default here: defaults are the
/// weakest layer of `client::config`, and would otherwise hide the others.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Globals {
    /// How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]
    #[arg(short, long, global = true, value_name = "FORMAT", hide_short_help = false)]
    #[arg(add = clap_complete::ArgValueCandidates::new(super::complete::formats))]
    pub(crate) output: Option<String>,
    /// Columns of a table: titles, or fields as in vitals.calls
    #[arg(long, global = true, value_name = "NAMES", value_delimiter = ',', hide_short_help = true)]
    pub(crate) columns: Vec<String>,
    /// Tables without their first line
    #[arg(long, global = true, hide_short_help = true)]
    pub(crate) no_header: bool,
    /// Show secrets in tables
    #[arg(long, global = true, hide_short_help = true)]
    pub(crate) reveal: bool,
    /// No progress and no remarks; twice: no records either
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) quiet: u8,
    /// Tell more on standard error
    #[arg(short, long, global = true, action = ArgAction::Count, hide_short_help = true)]
    pub(crate) verbose: u8,
    /// auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]
    #[arg(long, global = true, value_name = "MODE", hide_short_help = true)]
    pub(crate) progress: Option<String>,
    /// auto, always or never [HAUKI_COLOR, NO_COLOR]
    #[arg(long, global = true, value_name = "WHEN", hide_short_help = true)]
    pub(crate) color: Option<String>,
    /// Read this configuration file only [HAUKI_CONFIG]
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub(crate) config: Option<PathBuf>,
    /// The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]
    #[arg(long, global = true, value_name = "URL", hide_short_help = true)]
    pub(crate) endpoint: Option<String>,
    /// A file with the bearer token for https [HAUKI_TOKEN_FILE]
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub(crate) token_file: Option<PathBuf>,
    /// A file with the certificate authorities for https, where none is trusted otherwise [HAUKI_CA_FILE]
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub(crate) ca_file: Option<PathBuf>,
    /// For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]
    #[arg(long, global = true, value_name = "TIME")]
    pub(crate) timeout: Option<String>,
    /// To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]
    #[arg(long, global = true, value_name = "TIME", hide_short_help = true)]
    pub(crate) connect_timeout: Option<String>,
    /// How often a failed request is sent again; default 3 [HAUKI_RETRIES]
    #[arg(long, global = true, value_name = "N", hide_short_help = true)]
    #[arg(allow_negative_numbers = true, value_parser = whole::<u32, 0, 1000>)]
    pub(crate) retries: Option<u32>,
    /// Names this request: sent again with the same key and content, it gives the same result
    #[arg(long, global = true, value_name = "KEY", hide_short_help = true)]
    pub(crate) idempotency_key: Option<String>,
    /// Items at the same time, at most 1024; output keeps the order of the input
    #[arg(short, long, global = true, value_name = "N", hide_short_help = true)]
    #[arg(allow_negative_numbers = true, value_parser = whole::<usize, 1, MOST_JOBS>)]
    pub(crate) jobs: Option<usize>,
    /// What this command spent its time on, in OpenTelemetry's form: to a collector, http://HOST[:PORT][/PATH], or into a file
    #[arg(long, global = true, value_name = "FILE-OR-URL", hide_short_help = true)]
    pub(crate) trace: Option<String>,
    /// Never ask a question
    #[arg(long, global = true, hide_short_help = true)]
    pub(crate) no_input: bool,
}

impl Globals {
    /// The flags that are a layer of the settings.
    pub(crate) fn flags(&self) -> BTreeMap<&'static str, String> {
        let shown = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let all = [
            ("endpoint", self.endpoint.clone()),
            ("token_file", shown(&self.token_file)),
            ("ca_file", shown(&self.ca_file)),
            ("output", self.output.clone()),
            ("timeout", self.timeout.clone()),
            ("connect_timeout", self.connect_timeout.clone()),
            ("retries", self.retries.map(|number| number.to_string())),
            ("color", self.color.clone()),
            ("progress", self.progress.clone()),
        ];
        all.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }

    /// `-j`; one after the other by default.
    pub(crate) fn jobs(&self) -> usize {
        self.jobs.unwrap_or(1)
    }
}

/// The whole command line, for completions and man pages.
#[must_use]
pub fn command() -> clap::Command {
    dressed(Cli::augment_args(clap::Command::new("hauki")))
}

fn dressed(command: clap::Command) -> clap::Command {
    command
        .version(env!("CARGO_PKG_VERSION"))
        .about(ABOUT)
        .after_help(AFTER)
        .disable_help_subcommand(true)
        .arg_required_else_help(true)
        .max_term_width(100)
}
