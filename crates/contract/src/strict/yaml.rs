//! YAML, which people write: the same rules, no tag of another program's, and no text that makes the parser work for
//! long.
//!
//! The parser looks at each open level again with every word: 60 KB of `[` cost it 24 s. It also
//! loads a document whole before any type sees it, so size and depth are bounded before it does.

use serde::de::DeserializeOwned;

use super::nesting::{Unfit, unfit};
use super::{DocumentLimits, Shape, StrictError, bounded, error_text};

/// Sequences and mappings within each other; nothing that we read nests deeper than four.
const OPEN: usize = 32;

/// What is told of a tag.
const MOST_TAG: usize = 64;

pub fn from_yaml<T: DeserializeOwned>(text: &str, limits: DocumentLimits) -> Result<T, StrictError> {
    bounded(text, limits)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match unfit(text, limits.depth.min(OPEN)) {
        None => {}
        Some(Unfit::TooDeep { line }) => {
            let reason = format!("it nests deeper than {OPEN} levels");
            return Err(StrictError { line, column: 1, ..StrictError::whole(reason) });
        }
        Some(Unfit::Tag { tag, line, column }) => {
            // It may be as long as the document, and its escapes may stand for anything.
            let tag = tag.chars().take(MOST_TAG).collect::<String>();
            let reason = format!("{tag:?} is a tag that means nothing here");
            return Err(StrictError { line, column, ..StrictError::whole(reason) });
        }
    }
    // What holds comments only says nothing, which is no fault where every field may be absent.
    let is_said = |line: &str| !line.is_empty() && !line.starts_with('#') && line != "---";
    let text = if text.lines().any(|line| is_said(line.trim())) { text } else { "{}" };
    T::deserialize(Shape::new(serde_yaml::Deserializer::from_str(text), None)).map_err(|error| {
        let (line, column) = error.location().map_or((0, 0), |place| (place.line(), place.column()));
        let told = error.to_string();
        let told = told.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&told);
        let reason = error_text::with_quotes(error_text::plain(told));
        StrictError { line, column, ..StrictError::whole(reason) }
    })
}
