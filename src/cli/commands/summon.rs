//! `hauki summon`: phase 1, a worker is asked for.

use std::collections::BTreeMap;
use std::rc::Rc;

use clap::{Args, ValueEnum};
use clap_complete::ArgValueCompleter;
use serde_json::Value;

use super::spool::QueueArgs;
use crate::api::summons::{Origin, SummonsRequest};
use crate::api::vault::Placement;
use crate::cli::batch::BatchItem;
use crate::cli::complete;
use crate::cli::context::Ctx;
use crate::cli::error::CliError;
use crate::cli::number_args::whole;
use crate::cli::record::Record;
use crate::cli::source::{self, AuthorText, Lang};
use crate::cli::source_faults;
use crate::client::Exit;
use crate::model::gem::{SCHEME, Wishes};
use crate::model::invitation::Invitation;
use crate::model::limits::LimitError;
use crate::model::name::ServiceName;
use crate::model::secret_use::SecretUse;
use crate::model::units::{parse_duration, parse_size};
use hauki_contract::strict::{self, DocumentLimits};
use hauki_contract::system::random;

const AFTER: &str = "\
The source is checked here, before anything is sent: that it can be read, is UTF-8 and not empty,
and that the worker language takes it. What it lacks is named with what to write instead, exit 65.
Nothing runs yet: `hauki forge` spends a sandbox on it.

Examples:
  hauki summon scout.js | hauki forge - | hauki ticket - --out t.json
  hauki summon -n 3 scout.js --memory 8MiB --lease 30s
  hauki summon gem-pointer://workers/scout@3 --args '[{\"depth\":2}]'
  generate | hauki summon - --file-name scout
  hauki summon news.ts --allow-net 'GET https://api.example.com/v1/'
  hauki summon ask.ts --allow-net https://api.openai.com/v1/ --secret openai=Authorization:Bearer
  hauki summon scout.js --dry-run                check only
  hauki summon scout.js --dry-run --emit js      what the engine will see";

/// Ask for a worker: resolve, hash and check its source
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct SummonArgs {
    #[command(flatten)]
    pub(crate) worker: WorkerArgs,
    #[command(flatten)]
    queue: QueueArgs,
    /// Wait in the queue until it is forged, with the place shown; the record is the vault's
    #[arg(long, requires = "spool")]
    wait: bool,
    /// Check everything and store nothing
    #[arg(long, conflicts_with = "spool")]
    dry_run: bool,
    /// Print no records but the source as the engine sees it, its arrows rewritten
    #[arg(long, value_name = "FORM", requires = "dry_run")]
    emit: Option<Emit>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Emit {
    Js,
}

/// What `summon` and `clone` say about a worker.
#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    /// Files, gem-pointers, or - for a source on standard input
    #[arg(value_name = "SOURCE", required = true, add = ArgValueCompleter::new(complete::sources))]
    pub(crate) sources: Vec<String>,
    /// So many of each
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 1, allow_negative_numbers = true,
          value_parser = whole::<u32, 1, 10_000>)]
    pub(crate) count: u32,
    /// What it is found by as long as it lives, for example scout/eu
    #[arg(long)]
    pub(crate) name: Option<ServiceName>,
    /// What the file is called in errors, and without its ending the worker
    #[arg(long, value_name = "NAME")]
    file_name: Option<String>,
    /// What the source is written in, where the ending of its file does not say it
    #[arg(long, value_name = "LANGUAGE")]
    lang: Option<Lang>,
    /// The arguments of create(), as a JSON array
    #[arg(long, value_name = "JSON")]
    args: Option<String>,
    /// The heap, for example 4MiB
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    memory: Option<u64>,
    /// Processor time, in percent of one core
    #[arg(long, value_name = "PERCENT", allow_negative_numbers = true, value_parser = whole::<u32, 1, 10_000>)]
    cpu: Option<u32>,
    /// The longest that one call may run, for example 5s
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    deadline: Option<u64>,
    /// The longest request or reply, for example 1MiB
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    max_frame: Option<u64>,
    /// How long it lives from one heartbeat or call to the next
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    lease: Option<u64>,
    /// How soon its ticket must be used
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    claim: Option<u64>,
    /// After this it dies, heartbeats or not
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    lifetime: Option<u64>,
    /// So many workers it may clone itself, their clones included
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = whole::<u32, 0, 10_000>)]
    spawn: Option<u32>,
    /// Where it may fetch from, for example https://api.example.com/v1/, or before that methods and a space; may be repeated
    #[arg(long, value_name = "[METHODS ]URL")]
    allow_net: Vec<Invitation>,
    /// A secret of one's own that its requests carry, for example openai=Authorization:Bearer or maps=?key; behind a space an invitation, if it has more than one; may be repeated
    #[arg(long, value_name = "NAME=PLACE[ URL]", requires = "allow_net")]
    secret: Vec<SecretUse>,
    /// It dies with the connection that first uses its ticket
    #[arg(long)]
    link: bool,
    /// A label to find it by; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_label)]
    label: Vec<(String, String)>,
}

pub(crate) fn parse_label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("a label is written key=value".into()),
    }
}

impl WorkerArgs {
    fn wishes(&self) -> Wishes {
        let short = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        Wishes {
            memory_bytes: self.memory,
            cpu_percent: self.cpu,
            call_deadline_ms: self.deadline.map(short),
            max_frame_bytes: self.max_frame.map(short),
            claim_ms: self.claim,
            lease_ms: self.lease,
            lifetime_ms: self.lifetime,
            link: self.link.then_some(true),
            spawn: self.spawn,
            net: self.allow_net.clone(),
            secrets: self.secret.clone(),
        }
    }

    fn create_args(&self) -> Result<Vec<Value>, CliError> {
        self.args.as_deref().map_or_else(|| Ok(Vec::new()), listed)
    }

    /// One request for each worker that is wanted. Everything that can be checked here is.
    pub(crate) async fn requests(&self, ctx: &Ctx) -> Result<Vec<SummonItem>, CliError> {
        if self.sources.iter().filter(|source| *source == "-").count() > 1 {
            return Err(CliError::usage("- was given more than once"));
        }
        if self.file_name.is_some() && self.sources.len() > 1 {
            return Err(CliError::usage("--file-name fits one source only"));
        }
        if self.name.is_some() && (self.sources.len() > 1 || self.count > 1) {
            return Err(CliError::usage("--name fits one worker only: a name has one holder"));
        }
        let (args, wishes) = (self.create_args()?, self.wishes());
        let within = wishes.limits().check().and_then(|()| wishes.terms().check());
        within.map_err(|error| CliError::usage(flagged(&error)))?;
        wishes.limits().check_secrets().map_err(|error| CliError::usage(error.to_string()))?;
        if self.sources.iter().any(|source| !source.starts_with(SCHEME)) {
            // The child starts while the client of the control plane is made. What goes wrong here goes wrong
            // again where it matters.
            let _ = ctx.toolchain.lock().await.checker.begin();
            let _ = ctx.endpoint_if_live().await;
        }
        let labels: BTreeMap<_, _> = self.label.iter().cloned().collect();
        let base = ctx.globals.idempotency_key.clone().unwrap_or_else(random::idempotency_key);
        let mut all = Vec::new();
        for argument in &self.sources {
            let read = source::read(
                ctx,
                argument,
                self.file_name.as_deref(),
                (self.lang, !self.allow_net.is_empty()),
            )
            .await;
            for _ in 0..self.count {
                // One key must not stand for two workers; with the same command line it is the same again.
                let key = if self.sources.len() == 1 && self.count == 1 {
                    base.clone()
                } else {
                    format!("{base}.{}", all.len())
                };
                let (author, compiled) =
                    read.as_ref().map_or((None, None), |read| (read.author.clone(), read.compiled.clone()));
                let request = read.clone().map(|read| SummonsRequest {
                    key,
                    origin: read.origin,
                    args: args.clone(),
                    wishes: wishes.clone(),
                    labels: labels.clone(),
                    name: self.name.clone(),
                    dry_run: false,
                });
                all.push(SummonItem { name: argument.clone(), request, author, compiled });
            }
        }
        Ok(all)
    }
}

/// The arguments of `create`, as strictly read as the body that they go into.
fn listed(text: &str) -> Result<Vec<Value>, CliError> {
    let read = strict::text(text.as_bytes());
    match read.and_then(|text| strict::from_str(text, DocumentLimits::bytes(text.len()))) {
        Ok(Value::Array(args)) => Ok(args),
        Ok(_) => Err(CliError::data("bad_json", "--args is not a JSON array")
            .hint("one element for each argument of create(), for example --args '[{\"depth\":2}]'")),
        Err(error) => Err(CliError::data("bad_json", format!("--args is not JSON: {error}"))),
    }
}

/// A limit in the words of the command line, where the error has those of the wire.
pub(super) fn flagged(error: &LimitError) -> String {
    error.told(&format!("--{}", error.word().replace('_', "-")))
}

/// A worker that is to be summoned, or why its source cannot be sent.
#[derive(Debug)]
pub(crate) struct SummonItem {
    pub(crate) name: String,
    pub(crate) request: Result<SummonsRequest, CliError>,
    pub(crate) author: Option<Rc<AuthorText>>,
    /// In words, where it was compiled.
    pub(crate) compiled: Option<String>,
}

impl BatchItem for SummonItem {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn passed_on(&self) -> Option<&Value> {
        None
    }
}

impl SummonItem {
    /// How progress calls it.
    pub(crate) fn short(&self) -> String {
        match self.request.as_ref().map(|request| &request.origin) {
            Ok(Origin::Source { file, .. }) => file.clone(),
            Ok(Origin::Gem(pointer)) => pointer.path.clone(),
            Err(_) => self.name.clone(),
        }
    }
}

pub(crate) fn run(ctx: &Ctx, args: &SummonArgs) -> Result<Exit, CliError> {
    ctx.block_on(args.queue.limit(args.wait), async {
        let wanted = args.worker.requests(ctx).await?;
        if let Some(Emit::Js) = args.emit {
            for wanted in wanted {
                emit(ctx, wanted.request?.origin).await?;
            }
            return Ok(Exit::Ok);
        }
        crate::cli::batch::run(ctx, wanted, ctx.globals.jobs(), async |wanted: SummonItem| {
            let request = SummonsRequest { dry_run: args.dry_run, ..wanted.request? };
            let summons = ctx.endpoint().await?.summon(&request).await;
            let key = request.key;
            let summons =
                summons.map_err(|error| CliError::from(error).with("idempotency_key", key.clone()))?;
            if args.queue.spool {
                let put = args.queue.put(ctx, key, &summons.id, Placement::default(), args.wait).await?;
                return Ok(vec![put]);
            }
            Ok(vec![Record::new(&summons)])
        })
        .await
    })
}

/// A file needs no control plane for this; a gem's source is there.
async fn emit(ctx: &Ctx, origin: Origin) -> Result<(), CliError> {
    let (text, file, compilation) = match origin {
        Origin::Source { text, file, compilation } => (text, file, compilation),
        Origin::Gem(pointer) => {
            let gem = ctx.endpoint().await?.gem_resolve(&pointer).await?;
            (gem.source.unwrap_or_default(), format!("{}.js", gem.path), gem.compilation)
        }
    };
    // Nothing is rewritten in it any more, and its map is part of it.
    if compilation.is_some() {
        return ctx.out.verbatim(&text);
    }
    let shown = ctx.toolchain.lock().await.checker.show(&text, &file).await;
    ctx.out.verbatim(&shown.map_err(|error| source_faults::unchecked(error, &text, &file))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_of_create_are_read_strictly() {
        assert_eq!(listed("\u{feff}[2]").expect("is a list"), [2], "an editor's mark before it");
        assert_eq!(listed(" [1, 10928588.983213553]\n").expect("is a list")[1], 10_928_588.983_213_553);
        let deep = format!("{}1{}", "[".repeat(121), "]".repeat(121));
        for (wrong, reason) in [
            (r#"[{"a":1,"a":2}]"#, "there twice"),
            (r#"["\ud800"]"#, "surrogate"),
            (deep.as_str(), "deeper than 120 levels"),
            (r#"{"a":1}"#, "not a JSON array"),
            ("\u{a0}[]", "not JSON"),
        ] {
            let error = listed(wrong).expect_err(wrong);
            assert_eq!(error.kind.exit, Exit::Data);
            assert!(error.text(None).contains(reason), "{wrong}: {}", error.text(None));
        }
    }
}
