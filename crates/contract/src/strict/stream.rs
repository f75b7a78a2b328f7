//! Record stream: documents and words in a row, as people and pipes write them: documents one per line, printed over
//! many lines or in arrays; words one per line.
//!
//! What cannot be read is a piece as well, and the next line that begins like a document is where sense may
//! begin again. Lines are counted once, however many pieces there are.

use serde_json::Value;

use super::error_text::plain;
use super::{SPACE, Strict, trimmed};

#[derive(Debug)]
pub struct Piece<'a> {
    /// Where it begins, from 1; of what is broken, where.
    pub line: usize,
    pub what: StreamItem<'a>,
}

#[derive(Debug)]
pub enum StreamItem<'a> {
    /// Neither an array, nor in one.
    Document(Value),
    /// The documents of one array.
    Array(Vec<Value>),
    /// A line that begins like no document, without the space around it.
    Word(&'a str),
    Broken {
        column: usize,
        reason: String,
    },
}

/// Without its place, which is the piece's.
fn reason(error: &serde_json::Error) -> String {
    let (told, place) = (error.to_string(), format!(" at line {} column {}", error.line(), error.column()));
    plain(told.strip_suffix(&place).unwrap_or(&told))
}

/// The pieces of a text, the first one first.
pub struct Pieces<'a> {
    text: &'a str,
    at: usize,
    /// How far lines are counted, and how many there were.
    counted: usize,
    line: usize,
}

impl<'a> Pieces<'a> {
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, counted: 0, line: 1 }
    }

    fn line(&mut self) -> usize {
        self.line += memchr::memchr_iter(b'\n', &self.text.as_bytes()[self.counted..self.at]).count();
        self.counted = self.at;
        self.line
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        self.at = self.text.len() - self.text[self.at..].trim_start_matches(SPACE).len();
        let rest = &self.text[self.at..];
        if rest.is_empty() {
            return None;
        }
        let line = self.line();
        if !rest.starts_with(['{', '[']) {
            let word = rest.lines().next()?;
            self.at += word.len();
            return Some(Piece { line, what: StreamItem::Word(trimmed(word)) });
        }
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Strict<Value>>();
        let what = match values.next()? {
            Ok(Strict(Value::Array(array))) => StreamItem::Array(array),
            Ok(Strict(value)) => StreamItem::Document(value),
            Err(error) => {
                let next = self.text[self.at + 1..].find("\n{");
                self.at = next.map_or(self.text.len(), |offset| self.at + 1 + offset);
                let line = line + error.line().saturating_sub(1);
                return Some(Piece {
                    line,
                    what: StreamItem::Broken { column: error.column(), reason: reason(&error) },
                });
            }
        };
        self.at += values.byte_offset();
        Some(Piece { line, what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_stand_where_they_are_said_to_stand() {
        let text = "a\n\n{\"x\":1}{\n\"y\":2} \r\n  b c \n[1,\n{}]\n{oops\n\n{}";
        let told: Vec<String> = Pieces::new(text)
            .map(|Piece { line, what }| match what {
                StreamItem::Document(value) => format!("{line} {value}"),
                StreamItem::Array(values) => format!("{line} of {}", values.len()),
                StreamItem::Word(word) => format!("{line} {word}"),
                StreamItem::Broken { column, .. } => format!("{line}:{column} broken"),
            })
            .collect();
        assert_eq!(told, ["1 a", "3 {\"x\":1}", "3 {\"y\":2}", "5 b c", "6 of 2", "8:2 broken", "10 {}"]);
        assert_eq!(Pieces::new(" \t\r\n").count(), 0);
    }

    /// A program that writes one has a fault, and the next reader may take it for something else.
    #[test]
    fn white_space_that_json_does_not_have_is_not_passed_over() {
        for space in ["\u{b}", "\u{c}", "\u{85}", "\u{a0}", "\u{2003}", "\u{3000}"] {
            for text in [format!("{space}{{}}"), format!("{{}}{space}\n"), format!("{{}}{space}{{}}")] {
                let mut words = Pieces::new(&text).filter(|piece| matches!(piece.what, StreamItem::Word(_)));
                assert!(words.next().is_some(), "{text:?}");
            }
            let text = format!("a{space}\n");
            let said = Pieces::new(&text).next().expect("is a piece").what;
            assert!(matches!(said, StreamItem::Word(word) if word.len() > 1), "{space:?}");
        }
    }

    /// A file of ids is as long as somebody's swarm is large.
    #[test]
    fn many_pieces_are_read_in_one_pass() {
        let used = || {
            let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
            std::time::Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap_or(0))
        };
        for (piece, most) in
            [("vlt_01HF7YAT00000000000000001A\n", 100_000), ("{}\n", 100_000), ("{oops\n", 50_000)]
        {
            let text = piece.repeat(most);
            let before = used();
            assert_eq!(Pieces::new(&text).count(), most);
            // Counting the lines anew for each would be minutes.
            assert!(used() - before < std::time::Duration::from_secs(5), "{piece:?}: {:?}", used() - before);
        }
    }
}
