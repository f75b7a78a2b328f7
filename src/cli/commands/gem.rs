//! `hauki gem`: named, versioned, hashed sources.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use clap_complete::ArgValueCandidates;

use crate::api::gem::GemPush;
use crate::cli::context::{Ctx, Limit};
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::output::Format;
use crate::cli::record::Record;
use crate::cli::source::{self, Lang};
use crate::cli::{bounded_read, complete};
use crate::client::Exit;
use crate::model::gem::{GemPointer, MAX_MANIFEST_BYTES, Manifest, SCHEME};

const AFTER: &str = "\
A gem-pointer is gem-pointer://PATH[@VERSION][#sha256=HASH]. A version once pushed never changes.
Where a pointer is asked for, the scheme may be left out.

Examples:
  hauki gem push scout.js workers/scout          scout.yaml beside it is its manifest
  hauki gem ls
  hauki gem resolve gem-pointer://workers/scout  the pointer with version and hash
  hauki gem show workers/scout@3 -o jsonl | jq -r .source
  hauki gem rm workers/scout@3";

/// Push, find and remove named workers
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct GemArgs {
    #[command(subcommand)]
    command: GemCommand,
}

#[derive(Debug, Subcommand)]
enum GemCommand {
    Push(PushArgs),
    /// List gems
    Ls,
    /// Show one gem with its source
    Show(PointerArgs),
    Resolve(GemResolveArgs),
    /// Remove a pushed gem, or one version of it
    Rm(PointerArgs),
}

/// Store a worker under a name
#[derive(Debug, Args)]
struct PushArgs {
    file: PathBuf,
    /// Its name, for example workers/scout; the file's name without its ending otherwise
    #[arg(value_name = "GEM")]
    path: Option<String>,
    /// The next whole number otherwise
    #[arg(long)]
    version: Option<String>,
    /// Memory, deadline, lease and labels in YAML; otherwise the .yaml file beside the source
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// What the file is written in, where its ending does not say it
    #[arg(long, value_name = "LANGUAGE")]
    lang: Option<Lang>,
}

#[derive(Debug, Args)]
struct PointerArgs {
    #[arg(value_name = "GEM", add = ArgValueCandidates::new(complete::gems), value_parser = parse_pointer)]
    pointer: GemPointer,
}

/// Find a gem's version and hash
#[derive(Debug, Args)]
pub(crate) struct GemResolveArgs {
    #[arg(value_name = "GEM", add = ArgValueCandidates::new(complete::gems), value_parser = parse_pointer)]
    pointer: GemPointer,
}

fn parse_pointer(text: &str) -> Result<GemPointer, String> {
    let whole = if text.contains("://") { text.to_owned() } else { format!("{SCHEME}{text}") };
    whole.parse().map_err(|error: crate::model::gem::GemPointerError| error.to_string())
}

pub(crate) fn run(ctx: &Ctx, args: &GemArgs) -> Result<Exit, CliError> {
    match &args.command {
        GemCommand::Push(args) => push(ctx, args),
        GemCommand::Ls => ls(ctx),
        GemCommand::Show(args) => find(ctx, &args.pointer, true),
        GemCommand::Resolve(args) => resolve(ctx, args),
        GemCommand::Rm(args) => remove(ctx, &args.pointer),
    }
}

pub(crate) fn resolve(ctx: &Ctx, args: &GemResolveArgs) -> Result<Exit, CliError> {
    find(ctx, &args.pointer, false)
}

fn find(ctx: &Ctx, pointer: &GemPointer, with_source: bool) -> Result<Exit, CliError> {
    ctx.block_on(Limit::Usual, async {
        let mut gem = ctx.endpoint().await?.gem_resolve(pointer).await?;
        if with_source && ctx.out.style.format == Format::Table && ctx.out.style.columns.is_empty() {
            let source = gem.source.as_deref().unwrap_or_default();
            ctx.out.verbatim(&format!("// {}\n{source}", gem.pointer))?;
            return Ok(Exit::Ok);
        }
        if !with_source {
            gem.source = None;
        }
        ctx.out.record(Record::new(&gem))?;
        Ok(Exit::Ok)
    })
}

async fn manifest(args: &PushArgs) -> Result<Manifest, CliError> {
    let path = match &args.manifest {
        Some(path) => path.clone(),
        None => {
            let beside = args.file.with_extension("yaml");
            if !beside.is_file() {
                return Ok(Manifest::default());
            }
            beside
        }
    };
    let shown = path.display();
    let bytes = bounded_read::read(&path, MAX_MANIFEST_BYTES).await;
    let bytes = bytes.map_err(|error| CliError::unreadable(&shown, &error))?;
    let manifest: Manifest = Manifest::read(&bytes)
        .map_err(|error| CliError::data("bad_manifest", format!("{shown}{}: {error}", error.place())))?;
    let checked = manifest.check_texts().and_then(|()| manifest.wishes());
    checked.map_err(|error| CliError::data("bad_manifest", format!("{shown}: {error}")))?;
    Ok(manifest)
}

fn push(ctx: &Ctx, args: &PushArgs) -> Result<Exit, CliError> {
    let shown = args.file.display().to_string();
    let stem = || args.file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let path = args.path.clone().unwrap_or_else(stem);
    let path = path.strip_prefix(SCHEME).unwrap_or(&path).to_owned();
    crate::model::gem::check_path(&path)
        .map_err(|error| CliError::data("bad_gem_pointer", error.to_string()))?;
    let file =
        Path::new(&path).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // The language may stand in the ending only.
    let ending = args.file.extension().map_or_else(|| "js".into(), |ending| ending.to_string_lossy());
    let file = format!("{file}.{ending}");
    ctx.block_on(Limit::Usual, async {
        // Who summons it invites it, or does not.
        let (author, prepared) = source::prepared(ctx, &args.file, &shown, &file, (args.lang, true)).await?;
        let original = prepared.compilation.is_some().then_some(author);
        let push = GemPush {
            source: prepared.text,
            compilation: prepared.compilation,
            original,
            path,
            version: args.version.clone(),
            manifest: manifest(args).await?,
        };
        let gem = ctx.endpoint().await?.gem_push(&push).await?;
        ctx.out.record(Record::new(&gem))?;
        Ok(Exit::Ok)
    })
}

fn ls(ctx: &Ctx) -> Result<Exit, CliError> {
    ctx.out.list();
    ctx.block_on(Limit::Usual, async {
        let list = ctx.endpoint().await?.gems().await?;
        list.gems.iter().try_for_each(|gem| ctx.out.record(Record::new(gem)))?;
        Ok(Exit::Ok)
    })
}

fn remove(ctx: &Ctx, pointer: &GemPointer) -> Result<Exit, CliError> {
    ctx.block_on(Limit::Usual, async {
        let removed = ctx.endpoint().await?.gem_remove(pointer).await?;
        if ctx.out.is_for_people() {
            for pointer in &removed.removed {
                ctx.out.text(&format!("{pointer}  removed\n"))?;
            }
            if !removed.changed {
                return Err(CliError::new(
                    ErrorKind::new("not_found", Exit::NotFound),
                    format!("no gem {pointer}"),
                ));
            }
        } else {
            ctx.out.record(Record::new(&removed))?;
        }
        Ok(Exit::Ok)
    })
}
