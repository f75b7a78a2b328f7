//! Source arguments: workers' sources as people name them, looked at before anything is sent.

use std::path::Path;

use super::bounded_read;
use super::context::Ctx;
use super::error::CliError;
use crate::api::summons::{MAX_SOURCE_BYTES, Origin};
use crate::client::runner::CheckError;
use crate::client::script::ScriptFailure;
use crate::model::gem::{GemPointer, SCHEME};
use crate::rpc::channel::WorkerError;

/// A gem-pointer, a file, or `-` for standard input.
pub(crate) async fn read(ctx: &Ctx, argument: &str, name: Option<&str>) -> Result<Origin, CliError> {
    if argument.starts_with(SCHEME) {
        let pointer: GemPointer = argument.parse().map_err(|error: crate::model::gem::GemPointerError| {
            CliError::data("bad_gem_pointer", error.to_string())
        })?;
        return Ok(Origin::Gem(pointer));
    }
    let file = match (name, argument) {
        (Some(name), _) if name.contains('.') => name.to_owned(),
        (Some(name), _) => format!("{name}.js"),
        (None, "-") => {
            let error = CliError::usage("a source from standard input needs a file name");
            return Err(error.hint("--file-name scout calls it scout.js"));
        }
        (None, path) => Path::new(path)
            .file_name()
            .map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned()),
    };
    let shown = if argument == "-" { "standard input" } else { argument };
    Ok(Origin::Source { text: checked(ctx, Path::new(argument), shown, &file).await?, file })
}

/// The text of a source that its engine takes.
pub(crate) async fn checked(ctx: &Ctx, path: &Path, shown: &str, file: &str) -> Result<String, CliError> {
    let bytes = bounded_read::read(path, MAX_SOURCE_BYTES).await;
    let text = text(shown, bytes.map_err(|error| CliError::unreadable(shown, &error))?)?;
    // The parse-only check of the worker's own engine, so that no sandbox is spent on a typing error.
    let checked = ctx.checker.lock().await.check(&text, file).await;
    checked.map_err(|error| unchecked(error, &text, file))?;
    Ok(text)
}

/// What a source must be, whoever runs it.
fn text(shown: &str, bytes: Vec<u8>) -> Result<String, CliError> {
    let bad = |what: String| Err(CliError::data("bad_source", format!("{shown} {what}")));
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return bad(format!("is not UTF-8 (byte {})", error.utf8_error().valid_up_to())),
    };
    if text.trim().is_empty() {
        return bad("is empty".into());
    }
    Ok(text)
}

/// Why the engine has no verdict on a source, or a bad one.
pub(crate) fn unchecked(error: CheckError, text: &str, file: &str) -> CliError {
    match error {
        CheckError::Refused(error) => refusal(text, file, &error),
        CheckError::Slow(_) => CliError::data("bad_source", format!("{file}: {error}")),
        CheckError::Runner(error) => {
            CliError::from(ScriptFailure::from(error)).note(format!("   while it read {file}"))
        }
    }
}

pub(crate) fn refusal(text: &str, file: &str, error: &WorkerError) -> CliError {
    // A missing feature is explained as "…, which MicroQuickJS does not have; what to write instead".
    let (what, advice) = match error.message.split_once(" does not have; ") {
        Some((what, advice)) => (format!("{what} does not have"), Some(advice)),
        None => (error.message.clone(), None),
    };
    let place = match (error.line, error.column) {
        (Some(line), Some(column)) => format!("  ({file}:{line}:{column})"),
        (Some(line), None) => format!("  ({file}:{line})"),
        (None, _) => format!("  ({file})"),
    };
    let mut refused = CliError::data("bad_source", format!("{what}{place}"));
    if let Some(line) = error.line {
        for note in excerpt(text, line, error.column, advice) {
            refused = refused.note(note);
        }
    }
    let worker = serde_json::to_value(error).unwrap_or_default();
    let refused = refused.with("worker", worker);
    match advice {
        Some(_) => refused.hint("hauki help worker-language lists what is there"),
        None => refused,
    }
}

/// A source line with a caret below, as people expect it from a compiler.
fn excerpt(text: &str, line: u32, place: Option<u32>, advice: Option<&str>) -> Vec<String> {
    let index = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
    let Some(source) = text.lines().nth(index) else { return Vec::new() };
    let column = usize::try_from(place.unwrap_or(1)).unwrap_or(1).max(1);
    // A long line is shown around the place.
    let from = column.saturating_sub(60);
    let shown: String = source
        .chars()
        .skip(from)
        .take(100)
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    let number = format!("{line:>5}");
    let mut lines = vec![format!("{number} | {}", shown.trim_end())];
    let advice = advice.map(|advice| format!(" {advice}")).unwrap_or_default();
    let before = if place.is_some() { " ".repeat(column - 1 - from) + "^" } else { String::new() };
    let below = format!("{:>5} | {before}{advice}", "");
    lines.push(below.trim_end_matches([' ', '|']).to_owned());
    lines.retain(|line| !line.is_empty());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_source_is_named() {
        for (bytes, words) in [(&b" \n"[..], "is empty"), (&b"a\xff"[..], "is not UTF-8 (byte 1)")] {
            let error = text("x.js", bytes.to_vec()).expect_err("is refused");
            assert_eq!(error.kind.exit.code(), 65);
            assert!(error.message.contains(words), "{}", error.message);
        }
    }

    #[test]
    fn a_modern_feature_is_named_with_what_to_write() {
        let source = "var a = [];\nfunction f() { return a.map(x => x.id); }\n";
        let check = |text: &str, file: &str| {
            let error = hauki_lang::engine::check(text, file).expect_err("is refused");
            unchecked(CheckError::Refused(Box::new(error)), text, file)
        };
        let error = check(source, "m.js");
        assert_eq!((error.kind.code, error.kind.exit.code()), ("bad_source", 65));
        let text = anstream::adapter::strip_str(&error.text(None)).to_string();
        assert!(text.contains("    2 | function f() { return a.map(x => x.id); }\n"), "{text}");
        assert!(text.contains("^ write `function"), "{text}");
        let error = check("function f( {", "s.js");
        assert!(error.message.contains("s.js:1:"), "{}", error.message);
    }

    #[test]
    fn the_caret_stands_below_the_place() {
        let lines = excerpt("one\nitems.map(x => x.id)\n", 2, Some(13), Some("write: function"));
        assert_eq!(lines, ["    2 | items.map(x => x.id)", "      |             ^ write: function"]);
        assert!(excerpt("one", 9, None, None).is_empty());
    }
}
