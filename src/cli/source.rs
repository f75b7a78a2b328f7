//! Workers' sources as people name them, looked at before anything is sent.

use std::fs;
use std::path::Path;

use super::error::CliError;
use super::stdin;
use crate::api::summons::{MAX_SOURCE_BYTES, Origin};
use crate::model::gem::{GemPointer, SCHEME};

/// A gem-pointer, a file, or `-` for standard input.
pub(crate) async fn read(argument: &str, name: Option<&str>) -> Result<Origin, CliError> {
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
            let error = CliError::usage("a source from standard input needs a name");
            return Err(error.hint("--name scout calls it scout.js"));
        }
        (None, path) => Path::new(path)
            .file_name()
            .map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned()),
    };
    let shown = if argument == "-" { "standard input" } else { argument };
    let bytes = match argument {
        "-" => stdin::read_all().await,
        path => fs::read(path),
    };
    let bytes =
        bytes.map_err(|error| CliError::data("unreadable", format!("failed to read {shown}: {error}")))?;
    Ok(Origin::Source { text: text(shown, &file, bytes)?, file })
}

/// What a source must be, whoever runs it.
pub(crate) fn text(shown: &str, file: &str, bytes: Vec<u8>) -> Result<String, CliError> {
    let bad = |what: String| Err(CliError::data("bad_source", format!("{shown} {what}")));
    if bytes.len() > MAX_SOURCE_BYTES {
        return bad(format!("is {} bytes long, the limit is {MAX_SOURCE_BYTES}", bytes.len()));
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return bad(format!("is not UTF-8 (byte {})", error.utf8_error().valid_up_to())),
    };
    if text.trim().is_empty() {
        return bad("is empty".into());
    }
    check(&text, file)?;
    Ok(text)
}

/// The parse-only check of the worker's engine.
fn check(_text: &str, _file: &str) -> Result<(), CliError> {
    Ok(())
}

/// A source line with a caret below, as people expect it from a compiler.
pub(crate) fn excerpt(text: &str, line: u32, column: Option<u32>, advice: Option<&str>) -> Vec<String> {
    let index = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
    let Some(source) = text.lines().nth(index) else { return Vec::new() };
    let column = usize::try_from(column.unwrap_or(1)).unwrap_or(1).max(1);
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
    lines.push(format!("{:>5} | {}^{advice}", "", " ".repeat(column - 1 - from)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_source_is_named() {
        for (bytes, words) in [
            (&b" \n"[..], "is empty"),
            (&b"a\xff"[..], "is not UTF-8 (byte 1)"),
            (&vec![b'a'; MAX_SOURCE_BYTES + 1][..], "the limit is"),
        ] {
            let error = text("x.js", "x.js", bytes.to_vec()).expect_err("is refused");
            assert_eq!(error.kind.exit.code(), 65);
            assert!(error.message.contains(words), "{}", error.message);
        }
    }

    #[test]
    fn the_caret_stands_below_the_place() {
        let lines = excerpt("one\nitems.map(x => x.id)\n", 2, Some(13), Some("write: function"));
        assert_eq!(lines, ["    2 | items.map(x => x.id)", "      |             ^ write: function"]);
        assert!(excerpt("one", 9, None, None).is_empty());
    }
}
