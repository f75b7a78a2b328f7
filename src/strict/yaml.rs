//! Documents that people write: the same rules, and no text that makes the parser work for long.
//!
//! The parser looks at each open bracket again with every word: 60 KB of `[` cost it 24 s. It also
//! loads a document whole before any type sees it, so size and depth are bounded on the text.

use serde::de::DeserializeOwned;

use super::{Limits, Shape, StrictError, bounded};

/// Brackets open at the same time; nothing that we read nests deeper than four.
const OPEN: usize = 32;

pub fn from_yaml<T: DeserializeOwned>(text: &str, limits: Limits) -> Result<T, StrictError> {
    bounded(text, limits)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(line) = too_deep(text, limits.depth.min(OPEN)) {
        let reason = format!("it nests deeper than {OPEN} levels");
        return Err(StrictError { line, column: 1, ..StrictError::whole(reason) });
    }
    T::deserialize(Shape::new(serde_yaml::Deserializer::from_str(text))).map_err(|error| {
        let (line, column) = error.location().map_or((0, 0), |place| (place.line(), place.column()));
        StrictError { line, column, ..StrictError::whole(error.to_string()) }
    })
}

/// The line at which too much is open, counted without regard to quotes: a bracket in a text counts
/// too, and nobody writes that many.
fn too_deep(text: &str, most: usize) -> Option<usize> {
    let (mut brackets, mut line) = (0_usize, 1);
    // Marks of a sequence or a complex key, each of which opens a level: `- - - a`.
    let (mut marks, mut only_marks) = (0, true);
    for byte in text.bytes() {
        match byte {
            b'\n' => {
                line += 1;
                (marks, only_marks) = (0, true);
            }
            b'[' | b'{' => brackets += 1,
            b']' | b'}' => brackets = brackets.saturating_sub(1),
            b'-' | b'?' | b':' if only_marks => marks += 1,
            b' ' | b'\t' => {}
            _ => only_marks = false,
        }
        if brackets > most || marks > most {
            // `---` and rulers of dashes are no levels, and few of them are that long.
            return Some(line);
        }
    }
    None
}
