//! Text escaping: letters of others that a terminal would obey, or that nobody sees, spelled out as JSON spells them.
//!
//! Escape sequences (also by the one byte of C1), marks that turn the direction of writing, and letters without width, which
//! make two names look the same: nothing of them vanishes, and JSON stays the same JSON, because there the spelling means
//! the letter.

use std::borrow::Cow;
use std::fmt::Write as _;

/// One line for people.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    spelled(text, |letter| letter.is_control() || is_unseen(letter))
}

/// Lines for people: breaks and tabs are their own.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    spelled(text, |letter| (letter.is_control() && !matches!(letter, '\n' | '\t')) || is_unseen(letter))
}

/// JSON text. Controls below U+0020 are spelled out already in its texts; between them one may be white
/// space, and a return would put the cursor back over what was said.
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    let is_spelled = |letter: char| (letter.is_control() && letter >= '\u{7f}') || is_unseen(letter);
    match spelled(text, is_spelled) {
        shown if shown.contains('\r') => shown.replace('\r', " ").into(),
        shown => shown,
    }
}

/// Letters that nobody sees: all that Unicode lets a font ignore, which are marks of direction, joiners,
/// selectors, fillers and tags among others, and what ends lines for some readers only.
fn is_unseen(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
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
    fn every_letter_that_a_font_may_ignore_is_shown() {
        let ranges = [
            (0xad, 0xad),
            (0x34f, 0x34f),
            (0x61c, 0x61c),
            (0x115f, 0x1160),
            (0x17b4, 0x17b5),
            (0x180b, 0x180f),
            (0x200b, 0x200f),
            (0x2028, 0x202e),
            (0x2060, 0x206f),
            (0x3164, 0x3164),
            (0xfe00, 0xfe0f),
            (0xfeff, 0xfeff),
            (0xffa0, 0xffa0),
            (0xe0000, 0xe0fff),
        ];
        for letter in ranges.iter().flat_map(|(first, last)| *first..=*last).filter_map(char::from_u32) {
            let text = format!("a{letter}b");
            for shown in [line(&text), lines(&text), json(&text)] {
                assert!(!shown.contains(letter) && shown.contains("\\u"), "{shown}");
            }
        }
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
