//! Bounded text: how long one may be that is kept, told on or written down, and that none of them
//! commands a terminal.
//!
//! Whoever takes such a text in refuses one that is too long ([`short`]); whoever makes something of it that
//! others keep (a death, an error, a line of the log) cuts it, because the one who said it may be a worker,
//! an init or a node that is nobody's any more.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// A name, an address, a pid: what stands in one field.
pub const NAME: usize = 256;
/// A sentence.
pub const SENTENCE: usize = 2048;

/// At a letter's edge.
pub fn cut(text: &mut String, most: usize) {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.push('…');
        // Or it would hold the room of what it was.
        text.shrink_to_fit();
    }
}

/// Short, and nothing that a terminal would obey.
pub fn clean(text: &mut String, most: usize) {
    cut(text, most);
    if text.contains(char::is_control) {
        *text = text.replace(char::is_control, "\u{fffd}");
    }
}

pub fn clean_some(text: &mut Option<String>, most: usize) {
    if let Some(text) = text {
        clean(text, most);
    }
}

#[must_use]
pub fn name(text: &str) -> String {
    let mut text = text[..text.floor_char_boundary(NAME + 1)].to_owned();
    clean(&mut text, NAME);
    text
}

/// A name in a request or an order, if there is one: who it says is not checked, only how.
pub fn short<'de, D: Deserializer<'de>>(input: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(input)?;
    match &text {
        Some(text) if text.chars().count() > NAME || text.contains(char::is_control) => {
            Err(D::Error::custom(format!(
                "a name has {NAME} characters at most and no control characters, and this one has {} bytes",
                text.len()
            )))
        }
        _ => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_at_a_letters_edge_and_command_no_terminal() {
        let mut text = "ä".repeat(NAME);
        clean(&mut text, NAME - 1);
        assert_eq!((text.len(), text.ends_with("ä…")), (NAME - 2 + '…'.len_utf8(), true));
        let mut text = "a\x1b]52;c;x\x07\u{9b}b".to_owned();
        clean(&mut text, NAME);
        assert!(!text.contains(char::is_control), "{text:?}");
    }
}
