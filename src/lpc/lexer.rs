//! The words of a JavaScript source, modern or not: what the dialect's explanation and the arrow
//! rewriter both stand on.
//!
//! It never fails: rubbish becomes one-character punctuation, something unfinished ends with the text.
//! Spaces and comments are skipped. A template is one word, whatever it holds.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An identifier or a keyword.
    Name,
    Number,
    Text,
    Template,
    Regex,
    Punctuation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<'a> {
    pub kind: Kind,
    pub text: &'a str,
    /// In bytes.
    pub offset: usize,
    /// One-based.
    pub line: u32,
    /// One-based, in characters.
    pub column: u32,
}

impl Word<'_> {
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        self.text == text && matches!(self.kind, Kind::Name | Kind::Punctuation)
    }

    #[must_use]
    pub fn end(&self) -> usize {
        self.offset + self.text.len()
    }
}

/// All words of a source.
#[must_use]
pub fn words(source: &str) -> Vec<Word<'_>> {
    Lexer { source, at: 0, line: 1, line_start: 0, words: Vec::new(), brackets: Vec::new(), value: false }
        .run()
}

/// Longest first, so that `-->` is `--` and `>`.
const PUNCTUATION: [&str; 33] = [
    ">>>=", "...", "===", "!==", "**=", "<<=", ">>=", ">>>", "&&=", "||=", "??=", "=>", "->", "==", "!=",
    "<=", ">=", "&&", "||", "??", "?.", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<",
    ">>",
];

/// Keywords after which an expression begins, so that a slash starts a regular expression.
const BEFORE_EXPRESSION: [&str; 14] = [
    "return",
    "typeof",
    "case",
    "in",
    "of",
    "delete",
    "void",
    "throw",
    "new",
    "instanceof",
    "else",
    "do",
    "yield",
    "await",
];

/// An open bracket, and what a slash after its closing one is.
struct Bracket {
    value_after: bool,
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
    line: u32,
    line_start: usize,
    words: Vec<Word<'a>>,
    brackets: Vec<Bracket>,
    /// Whether the last word ended a value, so that a slash divides.
    value: bool,
}

impl<'a> Lexer<'a> {
    fn run(mut self) -> Vec<Word<'a>> {
        while self.skip_space() {
            let rest = &self.source[self.at..];
            let first = rest.as_bytes()[0];
            let (kind, length) = match first {
                b'"' | b'\'' => (Kind::Text, quoted(rest, first)),
                b'`' => (Kind::Template, quoted(rest, b'`')),
                b'0'..=b'9' => (Kind::Number, number(rest)),
                b'.' if rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit) => {
                    (Kind::Number, number(rest))
                }
                b'/' if !self.value => (Kind::Regex, regex(rest)),
                _ => {
                    let name = rest.find(|letter: char| !is_name(letter)).unwrap_or(rest.len());
                    if name > 0 { (Kind::Name, name) } else { (Kind::Punctuation, punctuation(rest)) }
                }
            };
            self.push(kind, length);
        }
        self.words
    }

    fn push(&mut self, kind: Kind, length: usize) {
        let text = &self.source[self.at..self.at + length];
        let column = self.source[self.line_start..self.at].chars().count() as u32 + 1;
        let value = self.ends_value(kind, text);
        self.words.push(Word { kind, text, offset: self.at, line: self.line, column });
        self.value = value;
        self.advance(length);
    }

    fn ends_value(&mut self, kind: Kind, text: &str) -> bool {
        match (kind, text) {
            (Kind::Name, _) => !BEFORE_EXPRESSION.contains(&text) || self.last_is("."),
            (Kind::Punctuation, "(" | "[") => {
                let condition =
                    text == "(" && ["if", "while", "for", "with"].iter().any(|word| self.last_is(word));
                self.brackets.push(Bracket { value_after: !condition });
                false
            }
            (Kind::Punctuation, "{") => {
                // After an operator or an opening bracket it is an object, else a block.
                let object = self.words.last().is_some_and(|last| match last.kind {
                    Kind::Punctuation => !matches!(last.text, ")" | "{" | "}" | ";" | "=>"),
                    Kind::Name => {
                        BEFORE_EXPRESSION.contains(&last.text) && !matches!(last.text, "else" | "do")
                    }
                    _ => false,
                });
                self.brackets.push(Bracket { value_after: object });
                false
            }
            (Kind::Punctuation, ")" | "]" | "}") => self.brackets.pop().is_none_or(|open| open.value_after),
            // Postfix after a value, prefix before one: a slash afterwards sees what was before.
            (Kind::Punctuation, "++" | "--") => self.value,
            (Kind::Punctuation, _) => false,
            _ => true,
        }
    }

    fn last_is(&self, text: &str) -> bool {
        self.words.last().is_some_and(|last| last.is(text))
    }

    fn advance(&mut self, length: usize) {
        let skipped = &self.source[self.at..self.at + length];
        if let Some(last) = skipped.rfind('\n') {
            self.line += skipped.bytes().filter(|byte| *byte == b'\n').count() as u32;
            self.line_start = self.at + last + 1;
        }
        self.at += length;
    }

    /// Skips spaces and comments; says whether anything is left.
    fn skip_space(&mut self) -> bool {
        loop {
            let rest = &self.source[self.at..];
            let length = if rest.starts_with("//") || (self.at == 0 && rest.starts_with("#!")) {
                rest.find('\n').unwrap_or(rest.len())
            } else if let Some(comment) = rest.strip_prefix("/*") {
                comment.find("*/").map_or(rest.len(), |end| end + 4)
            } else {
                rest.find(|letter: char| !letter.is_whitespace() && letter != '\u{feff}')
                    .unwrap_or(rest.len())
            };
            if length == 0 {
                return !rest.is_empty();
            }
            self.advance(length);
        }
    }
}

fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '$')
}

fn punctuation(rest: &str) -> usize {
    let long = PUNCTUATION.iter().find(|text| rest.starts_with(**text)).map(|text| text.len());
    // `a?.5:b` is a condition.
    let condition = rest.starts_with("?.") && rest.as_bytes().get(2).is_some_and(u8::is_ascii_digit);
    long.filter(|_| !condition).unwrap_or_else(|| rest.chars().next().map_or(0, char::len_utf8))
}

fn number(rest: &str) -> usize {
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

/// A quoted text ends at its quote or, unless it is a template, before the end of the line.
fn quoted(rest: &str, quote: u8) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'\n' if quote != b'`' => return at,
            byte if byte == quote => return at + 1,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// A regular expression with its flags; a slash within a class does not end it.
fn regex(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let (mut at, mut class) = (1, false);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if bytes.get(at + 1).is_some_and(|byte| *byte != b'\n') => at += 1,
            b'\n' => return at,
            b'[' => class = true,
            b']' => class = false,
            b'/' if !class => {
                let flags = rest[at + 1..].find(|letter: char| !is_name(letter));
                return flags.map_or(rest.len(), |flags| at + 1 + flags);
            }
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hard_cases() {
        let table: [(&str, &[&str]); 14] = [
            ("a-->b", &["a", "--", ">", "b"]),
            ("a->b(1)", &["a", "->", "b", "(", "1", ")"]),
            ("a / b / c", &["a", "/", "b", "/", "c"]),
            ("x = /a[/]b/g.test(y)", &["x", "=", "/a[/]b/g", ".", "test", "(", "y", ")"]),
            ("return /x/ /2", &["return", "/x/", "/", "2"]),
            ("if (a) /b/.test(c)", &["if", "(", "a", ")", "/b/", ".", "test", "(", "c", ")"]),
            ("(a) / b", &["(", "a", ")", "/", "b"]),
            ("a++ / 2", &["a", "++", "/", "2"]),
            ("{} /r/", &["{", "}", "/r/"]),
            ("x = {} / 2", &["x", "=", "{", "}", "/", "2"]),
            ("'a\\'->b' /* -> */ // ->\n\"->\"", &["'a\\'->b'", "\"->\""]),
            ("1e-3->x", &["1e-3", "->", "x"]),
            ("a?.5:b", &["a", "?", ".5", ":", "b"]),
            ("`a${'`'", &["`a${'`", "'"]),
        ];
        for (source, wanted) in table {
            let found: Vec<&str> = words(source).iter().map(|word| word.text).collect();
            assert_eq!(found, wanted, "{source}");
        }
    }

    #[test]
    fn places_are_one_based_and_count_characters() {
        let found = words("ä b\n  /* \n */ c");
        let places: Vec<_> = found.iter().map(|word| (word.text, word.line, word.column)).collect();
        assert_eq!(places, [("ä", 1, 1), ("b", 1, 3), ("c", 3, 5)]);
    }

    proptest::proptest! {
        #[test]
        fn words_lie_in_order_and_apart(source in "[a-z0-9 \\n'\"`/\\\\*\\[\\](){}<>=.+-]{0,60}|\\PC{0,30}") {
            let mut end = 0;
            for word in words(&source) {
                assert!(word.offset >= end && !word.text.is_empty());
                assert_eq!(&source[word.offset..word.end()], word.text);
                end = word.end();
            }
        }
    }
}
