//! Source rewriter: `object->method(a, b)` becomes `call_other(object, "method", a, b)`.
//!
//! A pure function over the words of [`super::lexer`]: strings, comments, regular expressions and `-->`
//! are not arrows there. `->` followed by a name and a bracket is never JavaScript, so nothing valid is
//! touched, and a program without arrows is returned as it came. Single words are replaced and nothing
//! between them, so every line break stays; the [`SourceMap`] tells the columns.
//!
//! The arrow binds as a dot does. As in LPC it only calls: what another object holds cannot be read, so
//! an arrow without a call stays, and the engine refuses it.

use std::borrow::Cow;
use std::cmp::Reverse;

use super::lexer::{Lexer, Token, TokenKind};
use super::position::Position;
use super::scan;
use super::source_map::SourceMap;

/// What the engine sees, and where it came from.
#[derive(Debug)]
pub struct Rewritten<'a> {
    pub text: Cow<'a, str>,
    pub map: SourceMap,
}

/// The source as the engine sees it.
#[must_use]
pub fn rewrite(source: &str) -> Rewritten<'_> {
    // Also true of most programs, and far cheaper than reading their words.
    if !source.contains("->") {
        return Rewritten { text: Cow::Borrowed(source), map: SourceMap::default() };
    }
    let (edits, mut opens) = edits(source);
    if edits.is_empty() {
        return Rewritten { text: Cow::Borrowed(source), map: SourceMap::default() };
    }
    // An operand ends before its arrow, but where it begins follows no order. The other edits are in theirs.
    opens.sort_unstable();
    let mut writer = Writer::new(source, edits.len());
    let mut opens = opens.into_iter().peekable();
    for edit in &edits {
        while let Some((at, Reverse(call))) = opens.next_if(|(at, _)| *at < edit.at) {
            writer.open(at, call);
        }
        writer.apply(edit);
    }
    writer.finish()
}

/// One changed word of the call with this number.
struct Edit {
    at: usize,
    call: usize,
    change: Change,
}

#[derive(Clone, Copy)]
enum Change {
    /// `,` for the arrow.
    Arrow,
    /// The name, so many bytes, as a string.
    Quote(usize),
    /// `,` for the opening bracket, or nothing where no argument follows.
    Bracket { empty: bool },
}

/// `call_other(` at a place, for a call. Of calls that begin at one place the last of the chain is the
/// outermost.
type Open = (usize, Reverse<usize>);

/// How much of a call has been read.
enum Seen<'a> {
    Nothing,
    Arrow { operand: usize, arrow: usize },
    Name { operand: usize, arrow: usize, name: Token<'a> },
    Bracket { at: usize },
}

fn edits(source: &str) -> (Vec<Edit>, Vec<Open>) {
    let (mut edits, mut opens) = (Vec::new(), Vec::new());
    let mut calls = 0;
    let mut seen = Seen::Nothing;
    let mut lexer = Lexer::new(source);
    while let Some(word) = lexer.next() {
        seen = match seen {
            Seen::Arrow { operand, arrow } if word.kind == TokenKind::Name => {
                Seen::Name { operand, arrow, name: word }
            }
            Seen::Name { operand, arrow, name } if word.is("(") => {
                calls += 1;
                let quote = Change::Quote(name.text.len());
                opens.push((operand, Reverse(calls)));
                for (at, change) in [(arrow, Change::Arrow), (name.offset, quote)] {
                    edits.push(Edit { at, call: calls, change });
                }
                Seen::Bracket { at: word.offset }
            }
            _ => {
                if let Seen::Bracket { at } = seen {
                    edits.push(Edit { at, call: calls, change: Change::Bracket { empty: word.is(")") } });
                }
                match lexer.operand() {
                    Some(operand) if word.is("->") => Seen::Arrow { operand, arrow: word.offset },
                    _ => Seen::Nothing,
                }
            }
        };
    }
    if let Seen::Bracket { at } = seen {
        edits.push(Edit { at, call: calls, change: Change::Bracket { empty: true } });
    }
    (edits, opens)
}

struct Writer<'a> {
    source: &'a str,
    copied: usize,
    text: String,
    map: SourceMap,
    /// Where the next byte will stand, and where it stood.
    at: Position,
    from: Position,
    /// For each call the row that waits for the place of its bracket.
    waiting: Vec<usize>,
}

impl<'a> Writer<'a> {
    fn new(source: &'a str, edits: usize) -> Self {
        // Four letters more for each of the three edits of a call, and its opening.
        let text = String::with_capacity(source.len() + edits * 4);
        let waiting = vec![0; edits / 3 + 1];
        let (at, from) = (Position::START, Position::START);
        Self { source, copied: 0, text, map: SourceMap::default(), at, from, waiting }
    }

    fn open(&mut self, at: usize, call: usize) {
        self.copy(at);
        // `typeof(a)->b()`: the call's name must not run into the word before it.
        if self.text.as_bytes().last().is_some_and(|byte| scan::continues_name(*byte)) {
            self.write(" ");
            self.note();
        }
        self.write("call_other");
        // The engine reports a failing call at its bracket.
        self.waiting[call] = self.map.push(self.at, self.from);
        self.write("(");
        self.note();
    }

    fn apply(&mut self, edit: &Edit) {
        self.copy(edit.at);
        match edit.change {
            Change::Arrow => {
                self.write(",");
                self.skip("->");
            }
            Change::Quote(bytes) => {
                self.write("\"");
                self.copy(edit.at + bytes);
                self.write("\"");
            }
            Change::Bracket { empty } => {
                self.map.set(self.waiting[edit.call], self.from);
                if !empty {
                    self.write(",");
                }
                self.skip("(");
            }
        }
        self.note();
    }

    /// What comes now stood there in the source.
    fn note(&mut self) {
        self.map.push(self.at, self.from);
    }

    fn copy(&mut self, end: usize) {
        let piece = &self.source[self.copied..end];
        self.text.push_str(piece);
        let before = self.from;
        self.from = before.after(piece);
        if self.from.line == before.line {
            self.at.column += self.from.column - before.column;
        } else {
            self.at = self.from;
        }
        self.copied = end;
    }

    fn write(&mut self, ascii: &str) {
        self.text.push_str(ascii);
        self.at.column += ascii.len() as u32;
    }

    fn skip(&mut self, ascii: &str) {
        self.copied += ascii.len();
        self.from.column += ascii.len() as u32;
    }

    fn finish(mut self) -> Rewritten<'a> {
        self.text.push_str(&self.source[self.copied..]);
        Rewritten { text: Cow::Owned(self.text), map: self.map }
    }
}

#[cfg(test)]
#[path = "arrow_tests.rs"]
mod tests;
