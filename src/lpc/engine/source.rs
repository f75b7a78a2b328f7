//! The author's text before it runs: what is program in it, and why the engine refused it.

use crate::lpc::{arrow, dialect};
use crate::rpc::channel::{WorkerError, WorkerErrorKind};

use super::fault::{self, Fault, plain};
use super::ffi::{Context, Thrown};
use super::memory::{Memory, Place};
use super::run::{Run, Silence};

/// Parses a source without running it, for the caller's side: where would the worker's engine refuse it?
pub fn check(source: &str, file: &str) -> Result<(), WorkerError> {
    let source = program(source, file)?;
    let text = arrow::rewrite(source);
    // The parser keeps byte code, strings and debug information: a few times the text.
    let bytes = (source.len() as u64 * 16).clamp(1 << 20, 1 << 30);
    let memory = Memory::map(Place::Anywhere, bytes)
        .map_err(|error| plain(WorkerErrorKind::Memory, format!("cannot check the source: {error}")))?;
    let mut silence = Silence;
    let mut run = Run::new(&mut silence, None, "", "");
    Context::new(memory, 1)
        .parse(&mut run, &text, fault::WORKER)
        .map_err(|thrown| syntax_error(&thrown, source, &text, file))
}

/// The text without what is not program: a byte order mark is dropped; a zero byte, at which the engine
/// would quietly stop reading, is refused.
pub(super) fn program<'a>(source: &'a str, file: &str) -> Result<&'a str, WorkerError> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let Some(at) = source.find('\0') else { return Ok(source) };
    let before = &source[..at];
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    Err(WorkerError {
        line: Some(before.matches('\n').count() as u32 + 1),
        column: Some(before[line_start..].chars().count() as u32 + 1),
        file: Some(file.to_owned()),
        ..plain(WorkerErrorKind::Syntax, "the source holds a zero byte".to_owned())
    })
}

/// Names the modern feature that the engine lacks, if one explains the refusal.
pub(super) fn syntax_error(Thrown(text): &Thrown, source: &str, rewritten: &str, file: &str) -> WorkerError {
    let fault = Fault::read(text);
    if fault.is_memory() {
        return fault.into_error(WorkerErrorKind::Memory, Some("the source does not fit".into()), file, &[]);
    }
    let altered = arrow::altered_lines(source, rewritten);
    let mut error = fault.into_error(WorkerErrorKind::Syntax, None, file, &[]);
    if let Some(found) = dialect::explain(rewritten, error.line.zip(error.column)) {
        error.message = found.to_string();
        error.line = Some(found.line);
        error.column = Some(found.column);
    }
    error.column = error.column.filter(|_| !error.line.is_some_and(|line| altered.contains(&line)));
    error
}
