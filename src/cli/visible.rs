//! The one printer of text that others wrote: file names, workers' words, names, errors.
//!
//! A terminal takes orders from what is printed on it: escape sequences (also by the one byte of C1),
//! marks that turn the direction of writing, and letters without width, which make two names look the
//! same. For people each of them is spelled out as JSON spells it, so that nothing vanishes; JSON stays
//! the same JSON, because there the spelling means the letter.

use std::borrow::Cow;
use std::fmt::Write as _;

/// One line for people.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    spelled(text, |letter| letter.is_control() || is_unseen(letter))
}

/// Lines for people: breaks and tabs are their own.
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    spelled(text, |letter| (letter.is_control() && !matches!(letter, '\n' | '\t')) || is_unseen(letter))
}

/// JSON text, whose controls below U+0020 are its own white space or spelled out already.
pub(crate) fn json(text: &str) -> Cow<'_, str> {
    spelled(text, |letter| letter == '\u{7f}' || ('\u{80}'..='\u{9f}').contains(&letter) || is_unseen(letter))
}

/// Marks of direction, letters without width, and what ends lines for some readers only.
fn is_unseen(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn spelled(text: &str, is_spelled: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_spelled) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if is_spelled(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(letter);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_spelled_out() {
        let text = "a\u{1b}]52;c;aGk=\u{7}b\u{9b}2J\u{7f}\u{202e}c\u{200b}\u{feff}\u{e0041}ä😀\n\td";
        let one = r"a\u001b]52;c;aGk=\u0007b\u009b2J\u007f\u202ec\u200b\ufeff\udb40\udc41ä😀";
        assert_eq!(line(text), format!(r"{one}\u000a\u0009d"));
        assert_eq!(lines(text), format!("{one}\n\td"));
        assert!(matches!(lines("plain ä😀\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_is_the_same_json() {
        let value = serde_json::json!({ "a\u{7f}\u{9b}": ["\u{1b}", "\u{202e}\u{e0041}\u{200d}", "ä"] });
        let text = serde_json::to_string_pretty(&value).expect("serializes");
        let shown = json(&text);
        assert!(!shown.chars().any(|letter| is_unseen(letter) || (letter.is_control() && letter != '\n')));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("is JSON"), value);
    }
}
