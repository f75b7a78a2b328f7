//! Token scanner: how long the word at the start of a text is, the part of the lexer that needs no memory.
//!
//! Nothing here fails. What is unfinished ends with its line, or with the text where it may hold lines.

use hauki_contract::strict::byte_search::find_any;

/// Whether a byte may stand in a name; of the bytes beyond ASCII the caller looks at the character.
const NAME: u8 = 1;
const SPACE: u8 = 2;

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        let letter = byte as u8;
        if letter.is_ascii_alphanumeric() || letter == b'_' || letter == b'$' {
            classes[byte] = NAME;
        } else if letter.is_ascii_whitespace() || letter == 0x0b {
            classes[byte] = SPACE;
        }
        byte += 1;
    }
    classes
};

/// Whether white space or a comment may begin with this byte.
#[must_use]
pub(crate) fn may_be_skipped(byte: u8) -> bool {
    CLASSES[byte as usize] == SPACE || matches!(byte, b'/' | b'#' | 0x80..)
}

#[must_use]
pub(crate) fn continues_name(byte: u8) -> bool {
    CLASSES[byte as usize] == NAME || byte >= 0x80
}

/// A name or keyword; zero if there is none.
#[must_use]
pub(crate) fn name(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 0;
    loop {
        while at < bytes.len() && CLASSES[bytes[at] as usize] == NAME {
            at += 1;
        }
        // Letters outside ASCII are rare, so only they are decoded.
        if bytes.get(at).is_none_or(u8::is_ascii) {
            return at;
        }
        match rest[at..].chars().next() {
            Some(letter) if !letter.is_ascii() && letter.is_alphanumeric() => at += letter.len_utf8(),
            _ => return at,
        }
    }
}

/// How long the line end is with which bytes begin, as ES5 has it; zero if there is none.
#[must_use]
pub(crate) fn line_end(bytes: &[u8]) -> usize {
    match bytes {
        [b'\r', b'\n', ..] => 2,
        [b'\n' | b'\r', ..] => 1,
        // U+2028 and U+2029
        [0xe2, 0x80, 0xa8 | 0xa9, ..] => 3,
        _ => 0,
    }
}

/// Whether a line ends in a text, and where first.
#[must_use]
pub(crate) fn find_line_end(text: &str) -> Option<usize> {
    let (bytes, mut at) = (text.as_bytes(), 0);
    loop {
        at += find_any([b'\n', b'\r', 0xe2], &bytes[at..])?;
        if line_end(&bytes[at..]) > 0 {
            return Some(at);
        }
        at += 1;
    }
}

/// White space beyond ASCII, line ends included. Unicode counts U+0085 too, and ES5 does not.
fn is_wide_space(letter: char) -> bool {
    letter.is_whitespace() && letter != '\u{85}' || letter == '\u{feff}'
}

/// White space, line breaks included.
#[must_use]
pub(crate) fn space(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 0;
    loop {
        while at < bytes.len() && CLASSES[bytes[at] as usize] == SPACE {
            at += 1;
        }
        match bytes.get(at) {
            Some(0x80..) => {}
            _ => return at,
        }
        match rest[at..].chars().next() {
            Some(letter) if is_wide_space(letter) => at += letter.len_utf8(),
            _ => return at,
        }
    }
}

/// A comment, or the `#!` line with which a script may begin; zero if there is none.
#[must_use]
pub(crate) fn comment(rest: &str, at_start: bool) -> usize {
    let bytes = rest.as_bytes();
    match (bytes.first(), bytes.get(1)) {
        (Some(b'/'), Some(b'/')) => {}
        (Some(b'#'), Some(b'!')) if at_start => {}
        (Some(b'/'), Some(b'*')) => return rest[2..].find("*/").map_or(rest.len(), |end| end + 4),
        _ => return 0,
    }
    find_line_end(rest).unwrap_or(rest.len())
}

#[must_use]
pub(crate) fn number(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let hexadecimal = bytes.get(1).is_some_and(|byte| matches!(byte, b'x' | b'X'));
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let sign =
            matches!(byte, b'+' | b'-') && !hexadecimal && at > 0 && matches!(bytes[at - 1], b'e' | b'E');
        if !sign && !byte.is_ascii_alphanumeric() && !matches!(byte, b'.' | b'_') {
            break;
        }
        at += 1;
    }
    at
}

/// A string with its quotes. A line break ends it, unless a backslash stands before; U+2028 and U+2029 do not.
#[must_use]
pub(crate) fn string(rest: &str, quote: u8) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += line_end(&bytes[at + 1..]).max(1),
            b'\n' | b'\r' => return at,
            byte if byte == quote => return at + 1,
            _ => {}
        }
        at += 1;
    }
    at.min(bytes.len())
}

/// A template with its back-quotes and whatever its `${…}` hold, strings and templates included.
#[must_use]
pub(crate) fn template(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    // For each open template the braces that are open within its `${`; none while in its text.
    let mut open: Vec<Option<usize>> = vec![None];
    let mut at = 1;
    while at < bytes.len() {
        let Some(braces) = open.last_mut() else { return at };
        match (bytes[at], *braces) {
            (b'\\', None) => at += 1,
            (b'`', None) => drop(open.pop()),
            (b'$', None) if bytes.get(at + 1) == Some(&b'{') => {
                *braces = Some(0);
                at += 1;
            }
            (_, None) => {}
            (b'`', Some(_)) => open.push(None),
            (quote @ (b'"' | b'\''), Some(_)) => at += string(&rest[at..], quote) - 1,
            (b'{', Some(depth)) => *braces = Some(depth + 1),
            (b'}', Some(depth)) => *braces = depth.checked_sub(1),
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// A regular expression with its flags; a slash within a class does not end it.
#[must_use]
pub(crate) fn regex(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let (mut at, mut class) = (1, false);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if at + 1 < bytes.len() && line_end(&bytes[at + 1..]) == 0 => at += 1,
            b'\n' | b'\r' | 0xe2 if line_end(&bytes[at..]) > 0 => return at,
            b'[' => class = true,
            b']' => class = false,
            b'/' if !class => return at + 1 + name(&rest[at + 1..]),
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// An operator or bracket, the longest that fits: `-->` is `--` and `>`.
#[must_use]
pub(crate) fn punctuation(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    match byte(0) {
        b'(' | b')' | b'[' | b']' | b'{' | b'}' | b';' | b',' | b':' | b'~' => return 1,
        0x80.. => return rest.chars().next().map_or(1, char::len_utf8),
        _ => {}
    }
    match [byte(0), byte(1), byte(2), byte(3)] {
        [b'>', b'>', b'>', b'='] => 4,
        [b'.', b'.', b'.', _]
        | [b'=' | b'!', b'=', b'=', _]
        | [b'*', b'*', b'=', _]
        | [b'<', b'<', b'=', _]
        | [b'>', b'>', b'=' | b'>', _]
        | [b'&', b'&', b'=', _]
        | [b'|', b'|', b'=', _]
        | [b'?', b'?', b'=', _] => 3,
        // `a?.5:b` is a condition.
        [b'?', b'.', b'0'..=b'9', _] => 1,
        [b'=', b'>' | b'=', ..]
        | [b'-', b'>' | b'-' | b'=', ..]
        | [b'+', b'+' | b'=', ..]
        | [b'!' | b'/' | b'%' | b'^', b'=', ..]
        | [b'*', b'*' | b'=', ..]
        | [b'<', b'<' | b'=', ..]
        | [b'>', b'>' | b'=', ..]
        | [b'&', b'&' | b'=', ..]
        | [b'|', b'|' | b'=', ..]
        | [b'?', b'?' | b'.', ..] => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_end_where_they_end() {
        for (text, wanted) in [
            ("`a`b", 3),
            ("`a\\`b`c", 6),
            ("`${a}`b", 6),
            ("`${'`'}`b", 8),
            ("`${`}`}`b", 8),
            ("`${{a: {}}}`b", 12),
            ("`$}`b", 4),
            ("`a\nb`c", 5),
            ("`a${`b${", 8),
            ("`", 1),
            ("`\\", 2),
        ] {
            assert_eq!(template(text), wanted, "{text}");
        }
    }

    #[test]
    fn lines_end_as_in_es5() {
        for (text, wanted) in [
            ("// a\nb", 4),
            ("// a\rb", 4),
            ("// a\r\nb", 4),
            ("// a\u{2028}b", 4),
            ("// a\u{2029}b", 4),
            ("// €\u{2027}b", 10),
        ] {
            assert_eq!(comment(text, false), wanted, "{text:?}");
        }
        for (text, wanted) in [
            ("'a\\\nb'c", 6),
            ("'a\\\rb'c", 6),
            ("'a\\\r\nb'c", 7),
            ("'a\\\u{2028}b'c", 8),
            ("'a\u{2028}b'c", 7),
            ("'a\rb'c", 2),
            ("'a\nb'c", 2),
            ("'a\\", 3),
        ] {
            assert_eq!(string(text, b'\''), wanted, "{text:?}");
        }
        for (text, wanted) in [
            ("/a\rb/c", 2),
            ("/a\u{2028}b/c", 2),
            ("/a\\\u{2029}b/c", 3),
            ("/[\\w-.]/gi", 10),
            ("/€[/]/x ", 9),
        ] {
            assert_eq!(regex(text), wanted, "{text:?}");
        }
        assert_eq!(space("\u{a0}\u{feff}\u{3000}\u{2028}\r\u{b}x"), 13);
        assert_eq!(space("\u{85}"), 0);
    }

    #[test]
    fn operators_are_as_long_as_they_can_be() {
        for text in [
            ">>>=", "...", "===", "!==", "**=", "<<=", ">>=", ">>>", "&&=", "||=", "??=", "=>", "->", "==",
            "!=", "<=", ">=", "&&", "||", "??", "?.", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=",
            "^=", "<<", ">>", "**", "?", ".", "<", "@", "\\", "é",
        ] {
            assert_eq!(punctuation(&format!("{text} ")), text.len(), "{text}");
            assert_eq!(punctuation(text), text.len(), "{text}");
        }
        assert_eq!(punctuation("?.5"), 1);
        assert_eq!(punctuation("-->"), 2);
    }
}
