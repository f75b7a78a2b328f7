//! Run-time directive: the first statement of a compiled text, which names the version of the run-time that it needs.
//!
//! ES5 ignores such a statement, so a text with it is a program for every reader. Here it makes the engine start the
//! prelude of compiled texts, and says that the text has no arrows and ends with its source map.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// What a compiled text begins with, byte for byte.
pub const DIRECTIVE: &str = "\"hauki runtime 1\";\n";

/// What the last line of a compiled text begins with.
const MAP: &str = "//# hauki-map=";

/// Of the version that is named in an error.
const MOST_NAMED: usize = 32;

/// Who wrote a text: its author, or the compiler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceForm {
    #[default]
    Plain,
    Compiled,
}

/// A text that was compiled for another run-time.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the source is compiled for version {version} of the run-time, and only version 1 is known here; install the same version of hauki on both sides"
)]
pub struct UnknownRuntime {
    pub version: String,
}

/// Which of the two a text is.
pub fn form(source: &str) -> Result<SourceForm, UnknownRuntime> {
    if source.starts_with(DIRECTIVE) {
        return Ok(SourceForm::Compiled);
    }
    let Some(rest) = source.strip_prefix("\"hauki runtime ") else { return Ok(SourceForm::Plain) };
    let version = rest.split(['"', '\n']).next().unwrap_or_default();
    let version = &version[..version.floor_char_boundary(MOST_NAMED)];
    Err(UnknownRuntime { version: version.to_owned() })
}

/// A compiled text without its last line, and the JSON of the map in there.
#[must_use]
pub fn parted(text: &str) -> (&str, Option<&str>) {
    let trimmed = text.trim_end_matches('\n');
    let start = trimmed.rfind('\n').map_or(0, |at| at + 1);
    match trimmed[start..].strip_prefix(MAP) {
        Some(map) => (&text[..start], Some(map)),
        None => (text, None),
    }
}

/// A compiled text with blanks where its directive was: the value of what only declares is none, and every place stays.
#[must_use]
pub fn blanked(text: &str) -> Cow<'_, str> {
    let directive = DIRECTIVE.trim_end();
    match text.strip_prefix(directive) {
        Some(rest) => Cow::Owned(" ".repeat(directive.len()) + rest),
        None => Cow::Borrowed(text),
    }
}

/// Makes a compiled text of a program and the JSON of its map.
#[must_use]
pub fn joined(program: &str, map: &str) -> String {
    let end = if program.ends_with('\n') { "" } else { "\n" };
    format!("{DIRECTIVE}{program}{end}{MAP}{map}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directive_that_is_blanked_moves_nothing() {
        let text = "\"hauki runtime 1\";\nvar a;\n";
        assert_eq!(blanked(text), "                  \nvar a;\n");
        assert_eq!(blanked(text).len(), text.len());
        assert_eq!(blanked("var a;"), "var a;");
    }

    #[test]
    fn a_text_is_what_its_first_bytes_say() {
        let unknown = |version: &str| Err(UnknownRuntime { version: version.to_owned() });
        for (source, wanted) in [
            ("\"hauki runtime 1\";\nvar a", Ok(SourceForm::Compiled)),
            ("", Ok(SourceForm::Plain)),
            ("\"use strict\";\nvar a", Ok(SourceForm::Plain)),
            (" \"hauki runtime 1\";\n", Ok(SourceForm::Plain)),
            ("'hauki runtime 1';\n", Ok(SourceForm::Plain)),
            ("\"hauki runtime 2\";\n", unknown("2")),
            ("\"hauki runtime 1\"\n", unknown("1")),
            ("\"hauki runtime 1\"; var a", unknown("1")),
            ("\"hauki runtime ", unknown("")),
            ("\"hauki runtime 2", unknown("2")),
        ] {
            assert_eq!(form(source), wanted, "{source}");
        }
        let long = form(&format!("\"hauki runtime {}\";", "ä".repeat(1000))).expect_err("is none");
        assert!(long.version.len() <= MOST_NAMED, "{long}");
        assert!(long.to_string().contains("version ää"), "{long}");
    }

    #[test]
    fn the_map_is_the_last_line_and_nothing_else() {
        for (text, wanted) in [
            ("a\n//# hauki-map={}\n", ("a\n", Some("{}"))),
            ("a\n//# hauki-map={}", ("a\n", Some("{}"))),
            ("//# hauki-map=", ("", Some(""))),
            ("//# hauki-map={}\na\n", ("//# hauki-map={}\na\n", None)),
            ("a //# hauki-map={}", ("a //# hauki-map={}", None)),
            ("", ("", None)),
            ("\n\n", ("\n\n", None)),
        ] {
            assert_eq!(parted(text), wanted, "{text}");
        }
        let text = joined("a", "{}");
        assert_eq!(form(&text), Ok(SourceForm::Compiled));
        assert_eq!(parted(&text), ("\"hauki runtime 1\";\na\n", Some("{}")));
    }
}
