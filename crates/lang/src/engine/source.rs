//! Source analysis: the author's text before it runs, what is program in it, and why the engine refused it.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::arrow::{self, Rewritten};
use crate::directive::{self, SourceForm};
use crate::position::Position;
use crate::source_map::SourceMap;
use crate::unsupported;
use hauki_contract::rpc::channel::{WorkerError, WorkerErrorKind};

use super::error_text::{self, ErrorText, plain};
use super::ffi::{Context, Thrown};
use super::invocation::{Run, Silence};
use super::memory::{MapAddress, Memory};
use super::state::WorkerState;

/// A text as the engine sees it.
#[derive(Debug)]
pub(super) struct Prepared<'a> {
    pub text: Cow<'a, str>,
    pub map: SourceMap,
    pub form: SourceForm,
    /// The author's, or the compiler's.
    source: &'a str,
}

impl<'a> Prepared<'a> {
    pub(super) fn read(source: &'a str, file: &str) -> Result<Self, WorkerError> {
        let source = program(source, file)?;
        let form = directive::form(source).map_err(|unknown| WorkerError {
            file: Some(file.to_owned()),
            ..plain(WorkerErrorKind::Syntax, unknown.to_string())
        })?;
        Ok(match form {
            SourceForm::Plain => {
                let Rewritten { text, map } = arrow::rewrite(source);
                Self { text, map, form, source }
            }
            SourceForm::Compiled => {
                let (source, map) = directive::parted(source);
                let map = map.map(SourceMap::encoded).unwrap_or_default();
                Self { text: source.into(), map, form, source }
            }
        })
    }

    /// Of a text whose author is elsewhere, with its map.
    pub(super) fn verbatim(source: &'a str, file: &str) -> Result<Self, WorkerError> {
        let source = program(source, file)?;
        let form = directive::form(source).map_err(|unknown| WorkerError {
            file: Some(file.to_owned()),
            ..plain(WorkerErrorKind::Syntax, unknown.to_string())
        })?;
        Ok(Self { text: source.into(), map: SourceMap::default(), form, source })
    }

    /// Where names are looked for, for errors: in what the author wrote, if it is here.
    pub(super) fn named(&self) -> &'a str {
        self.source
    }

    /// Why the engine refused it.
    pub(super) fn syntax_error(&self, thrown: &Thrown, file: &str) -> WorkerError {
        let author = (self.form == SourceForm::Plain).then_some(self.source);
        syntax_error(thrown, author, &self.map, file)
    }
}

/// What a source is, which the engine must know before it is loaded.
pub fn form(source: &str, file: &str) -> Result<SourceForm, WorkerError> {
    Ok(Prepared::read(source, file)?.form)
}

/// What the engine gets to see of an author's text.
pub fn seen<'a>(source: &'a str, file: &str) -> Result<Cow<'a, str>, WorkerError> {
    Ok(Prepared::read(source, file)?.text)
}

/// Parses a source without running it, for the caller's side: where would the worker's engine refuse it?
pub fn check(source: &str, file: &str) -> Result<(), WorkerError> {
    let prepared = Prepared::read(source, file)?;
    // The parser keeps byte code, strings and debug information: a few times the text.
    let bytes = (source.len() as u64 * 16).clamp(1 << 20, 1 << 30);
    let memory = Memory::map(MapAddress::Anywhere, bytes)
        .map_err(|error| plain(WorkerErrorKind::Memory, format!("cannot check the source: {error}")))?;
    let mut silence = Silence;
    let mut state = WorkerState::default();
    let mut run = Run::new(&mut silence, None, "", &mut state);
    Context::new(memory, 1)
        .parse(&mut run, &prepared.text, error_text::WORKER)
        .map_err(|thrown| prepared.syntax_error(&thrown, file))
}

/// The text without what is not program: a byte order mark is dropped; a zero byte, at which the engine
/// would quietly stop reading, is refused.
fn program<'a>(source: &'a str, file: &str) -> Result<&'a str, WorkerError> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let Some(at) = source.find('\0') else { return Ok(source) };
    let place = Position::of(source, at);
    Err(WorkerError {
        line: Some(place.line),
        column: Some(place.column),
        file: Some(file.to_owned()),
        ..plain(WorkerErrorKind::Syntax, "the source holds a zero byte".to_owned())
    })
}

/// Names the modern feature that the engine lacks, if one explains the refusal of what an author wrote.
fn syntax_error(Thrown(text): &Thrown, author: Option<&str>, map: &SourceMap, file: &str) -> WorkerError {
    let fault = ErrorText::read(text);
    if fault.is_memory() {
        return fault.into_error(WorkerErrorKind::Memory, Some("the source does not fit".into()), file, map);
    }
    let mut error = fault.into_error(WorkerErrorKind::Syntax, None, file, map);
    let place = error.line.zip(error.column).map(|(line, column)| Position { line, column });
    if let Some(found) = author.and_then(|source| unsupported::explain(source, place)) {
        error.message = found.to_string();
        error.line = Some(found.place.line);
        error.column = Some(found.place.column);
    }
    error
}

/// An error's words are few, and a name may fill a source.
const MOST_NAMED: usize = 64;

/// The engine says that something cannot be called, and not what.
pub(super) fn name_callee(error: &mut WorkerError, source: &str, place: Option<Position>) {
    let why = match error.message.as_str() {
        "TypeError: not a function" => "not a function",
        "TypeError: not a constructor" => "not a constructor",
        _ => return,
    };
    let name = place.and_then(|place| unsupported::callee(source, place));
    let Some(name) = name.filter(|name| name.len() <= MOST_NAMED) else { return };
    error.message = format!("TypeError: {name} is {why}");
    if let Some((object, method)) = name.rsplit_once('.') {
        let _ = write!(error.message, "; where {object} is a clone, write {object}->{method}(...)");
    }
}
