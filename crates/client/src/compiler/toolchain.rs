//! Toolchain: the engine's parser and the compiler, and which of them a source is shown to.
//!
//! What the engine takes, and what needs nothing but the engine, stays byte for byte what it was. Where the compiler is
//! not installed, such sources go on working.

use std::path::{Path, PathBuf};

use super::compile::{CompileError, Compiled, Compiler};
use crate::runner::{CheckError, Checker, ChildError, ChildFault};
use hauki_contract::api::compilation::Compilation;
use hauki_contract::api::summons::MAX_SOURCE_BYTES;
use hauki_contract::model::digest::Sha256;
use hauki_contract::rpc::body::WorkerError;
use hauki_contract::rpc::compile::{CompileOrder, Language, Purpose, SourceFault};
use hauki_lang::lexer::{TokenKind, words};
use hauki_lang::newer::{Newer, NewerKind, by_ending, newer};
use hauki_lang::position::Position;

/// The first words of what explains a refusal by something that is newer than the engine.
const EXPLAINED: &str = "MicroQuickJS does not have; ";

/// What such an explanation may be about, and no compiler mends: `->` that calls nothing, and what exists nowhere.
const UNMENDED: [&str; 4] = ["an arrow with", "`with`", "a BigInt", "a lookbehind"];

/// A source and what is known about it.
#[derive(Debug, Clone, Copy)]
pub struct SourceOrder<'a> {
    pub source: &'a str,
    /// What errors call it. Its ending says what it is written in, where nobody else does.
    pub file: &'a str,
    pub language: Option<Language>,
    pub purpose: Purpose,
    /// Its file, beside which what it imports is found; without one it imports nothing.
    pub path: Option<&'a Path>,
    /// Whether it must be compiled whatever is in it.
    pub always: bool,
    /// Whether its worker will have `fetch`.
    pub fetch: bool,
}

/// What a vault or a script's engine is given.
#[derive(Debug)]
pub struct PreparedSource {
    pub text: String,
    /// Absent where the text is its author's.
    pub compilation: Option<Compilation>,
    pub warnings: Vec<SourceFault>,
    /// How long the compiler took; nothing where it was not asked.
    pub compiled_us: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum ToolchainError {
    #[error(transparent)]
    Check(#[from] CheckError),
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// It needs the compiler, for a reason in words, and there is none.
    #[error("{why}")]
    Uncompiled {
        why: String,
        #[source]
        source: ChildError,
    },
    #[error("what the compiler made of it the engine does not take: {}", .0.message)]
    Miscompiled(Box<WorkerError>),
    #[error("compiled it is {bytes} bytes long, and the limit is {MAX_SOURCE_BYTES}")]
    TooLong { bytes: usize },
}

/// Both programs, each started when it is first needed.
#[derive(Default)]
pub struct Toolchain {
    pub checker: Checker,
    compiler: Compiler,
}

impl Toolchain {
    /// With the engine's program instead of the one that was installed beside ours.
    #[must_use]
    pub fn with(runner: Option<PathBuf>) -> Self {
        Self { checker: Checker::with(runner), compiler: Compiler::default() }
    }

    /// What the engine takes, or everything that is wrong with the source.
    pub async fn prepare(&mut self, order: SourceOrder<'_>) -> Result<PreparedSource, ToolchainError> {
        let SourceOrder { source, file, .. } = order;
        let newer = newer(source);
        if let Some(prepared) = self.ahead_of(order, newer).await? {
            return Ok(prepared);
        }
        match self.checker.check(source, file).await {
            Ok(()) => {}
            Err(CheckError::Refused(error)) => return self.refused(order, error).await,
            Err(error) => return Err(error.into()),
        }
        let warnings = match newer {
            Some(absent) => self.absent(order, absent.name).await?,
            None => Vec::new(),
        };
        let text = source.to_owned();
        Ok(PreparedSource { text, compilation: None, warnings, compiled_us: 0 })
    }

    /// What must be compiled whether or not the engine takes it; nothing of what need not.
    pub async fn ahead(&mut self, order: SourceOrder<'_>) -> Result<Option<PreparedSource>, ToolchainError> {
        self.ahead_of(order, newer(order.source)).await
    }

    async fn ahead_of(
        &mut self,
        order: SourceOrder<'_>,
        newer: Option<Newer<'_>>,
    ) -> Result<Option<PreparedSource>, ToolchainError> {
        let SourceOrder { file, language, fetch, .. } = order;
        // Of what the engine lacks, the compiler says what the worker will have.
        let always = order.always || fetch && newer.is_some();
        let ending = by_ending(file);
        if always || ending.is_some() || language == Some(Language::TypeScript) {
            let what = match language.or(ending).unwrap_or_default() {
                Language::TypeScript => "TypeScript",
                Language::JavaScript => "modern JavaScript",
            };
            let why = || format!("{file} is {what}, which must be compiled");
            return self.compiled(order, why).await.map(Some);
        }
        let Some(Newer { kind: NewerKind::Runtime, name, place }) = newer else { return Ok(None) };
        let (line, column) = (place.line, place.column);
        let why = || format!("{file} uses {name}, and must be compiled for that  ({file}:{line}:{column})");
        self.compiled(order, why).await.map(Some)
    }

    /// The engine does not take the source: it is modern, or wrong. The compiler's word counts for more, since it knows
    /// the whole language and tells all faults at once.
    pub async fn refused(
        &mut self,
        order: SourceOrder<'_>,
        error: Box<WorkerError>,
    ) -> Result<PreparedSource, ToolchainError> {
        let explained = error.message.split_once(EXPLAINED);
        let explained = explained.filter(|(what, _)| !UNMENDED.iter().any(|feature| what.contains(feature)));
        let why = explained.map(|(what, _)| {
            let place = error.line.zip(error.column).map(|(line, column)| format!(":{line}:{column}"));
            let place = place.unwrap_or_default();
            format!("{what}the engine does not have: it must be compiled  ({}{place})", order.file)
        });
        match self.compiled(order, || why.clone().unwrap_or_default()).await {
            Err(ToolchainError::Uncompiled { .. }) if why.is_none() => Err(CheckError::Refused(error).into()),
            other => other,
        }
    }

    /// What the compiler says about a name that nobody has. Without one, or where it says nothing about that name, the
    /// source stays what it is.
    async fn absent(
        &mut self,
        order: SourceOrder<'_>,
        name: &str,
    ) -> Result<Vec<SourceFault>, ToolchainError> {
        let is_about = |fault: &SourceFault| fault.message.contains(name);
        match self.lower(order).await {
            Err(CompileError::Refused(faults)) if faults.iter().any(is_about) => {
                Err(CompileError::Refused(faults).into())
            }
            _ => Ok(Vec::new()),
        }
    }

    async fn compiled(
        &mut self,
        order: SourceOrder<'_>,
        why: impl FnOnce() -> String,
    ) -> Result<PreparedSource, ToolchainError> {
        let Compiled { text, warnings, took_us } = match self.lower(order).await {
            Ok(compiled) => compiled,
            Err(CompileError::Child(source)) if matches!(source.fault, ChildFault::Missing { .. }) => {
                return Err(ToolchainError::Uncompiled { why: why(), source });
            }
            Err(error) => return Err(error.into()),
        };
        if text.len() > MAX_SOURCE_BYTES {
            return Err(ToolchainError::TooLong { bytes: text.len() });
        }
        // A program is shown to the engine by being run, here and now.
        if order.purpose == Purpose::Worker {
            match self.checker.check(&text, order.file).await {
                Ok(()) => {}
                Err(CheckError::Refused(error)) => {
                    let fault = regex_fault(order.source, &error).or_else(|| depth_fault(&error));
                    let fault = fault.ok_or(ToolchainError::Miscompiled(error))?;
                    return Err(CompileError::Refused(vec![fault]).into());
                }
                Err(error) => return Err(error.into()),
            }
        }
        let compilation = Compilation {
            language: language(order),
            compiler: env!("CARGO_PKG_VERSION").to_owned(),
            source_sha256: Sha256::of(order.source.as_bytes()),
            source_bytes: order.source.len() as u64,
        };
        Ok(PreparedSource { text, compilation: Some(compilation), warnings, compiled_us: took_us })
    }

    async fn lower(&mut self, order: SourceOrder<'_>) -> Result<Compiled, CompileError> {
        let SourceOrder { source, file, path, purpose, fetch, .. } = order;
        let (file, language) = (file.to_owned(), language(order));
        let order = CompileOrder { file, language, purpose, imports: false, fetch };
        self.compiler.compile(source, &order, path).await
    }
}

/// What is in a regular expression the compiler hands on as it is, and only the engine reads: its refusal is the author's
/// fault, where it is about one.
fn regex_fault(source: &str, error: &WorkerError) -> Option<SourceFault> {
    let (line, column) = error.line.zip(error.column)?;
    let at = Position { line, column }.offset(source);
    let words = words(source);
    let within = words.partition_point(|word| word.offset <= at).checked_sub(1)?;
    (words[within].kind == TokenKind::Regex).then(|| SourceFault {
        message: error.message.clone(),
        instead: None,
        line,
        column,
    })
}

/// What the engine's parser says of what goes deeper than it does, be it as its author wrote it or as it was lowered.
const TOO_DEEP: [&str; 2] = ["stack overflow", "too many nested blocks"];

fn depth_fault(error: &WorkerError) -> Option<SourceFault> {
    let (line, column) = error.line.zip(error.column).unwrap_or((1, 1));
    TOO_DEEP.iter().any(|words| error.message.contains(words)).then(|| SourceFault {
        message: "it is nested too deep for the engine".to_owned(),
        instead: Some("name what is inside, or make it data".to_owned()),
        line,
        column,
    })
}

fn language(order: SourceOrder<'_>) -> Language {
    order.language.or_else(|| by_ending(order.file)).unwrap_or_default()
}
