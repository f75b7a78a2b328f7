//! Source map writer: version 3, in one pass over both texts.
//!
//! Asked for each of its rows where that stands in the source, swc takes seconds for a megabyte.

use serde_json::json;
use swc_common::BytePos;
use swc_common::source_map::LineCol;

use super::call_other::FUNCTION;
use super::faults::{FIRST, byte};
use super::graph::PlacedText;

const PREFIX: &str = "//# hauki-map=";

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Source, line and column, from zero, columns in characters.
type TextPlace = (u32, u32, u32);

/// The line that follows a compiled text. `rows` are in the order of `written`, whose first line comes after `before` others.
pub(crate) fn line(texts: &[PlacedText], written: &str, before: u32, rows: &[(BytePos, LineCol)]) -> String {
    let end = texts.last().map_or(0, |last| last.start as usize + last.text.len());
    let rows: Vec<(usize, LineCol)> = rows
        .iter()
        .filter(|(at, _)| at.0 >= FIRST && at.0 as usize <= end)
        .map(|(at, to)| (byte(*at), *to))
        .collect();
    let origins = origins(texts, rows.iter().map(|(at, _)| *at));
    let mut columns = Columns::new(written);
    let mut placed: Vec<((u32, u32), TextPlace)> = Vec::with_capacity(rows.len());
    for (at, to) in rows {
        let Ok(found) = origins.binary_search_by_key(&at, |(at, _)| *at) else { continue };
        let origin = origins[found].1;
        let here = columns.characters(to.line, to.col);
        placed.push(((to.line, here), origin));
        let from = texts[origin.0 as usize]
            .text
            .get(at - (texts[origin.0 as usize].start - FIRST) as usize..)
            .unwrap_or_default();
        if let Some((word, steps)) = bracket(columns.rest.as_str(), from) {
            placed.push(((to.line, here + word), (origin.0, origin.1, origin.2 + steps)));
        }
    }
    // Of what begins at one place the innermost comes last.
    placed.sort_by_key(|(to, _)| *to);
    let mut mappings = ";".repeat(before as usize);
    let (mut line, mut column, mut from) = (0, 0, (0, 0, 0));
    let mut last = None;
    for (number, (to, origin)) in placed.iter().enumerate() {
        if placed.get(number + 1).is_some_and(|next| next.0 == *to) {
            continue;
        }
        let (origin, here) = (*origin, to.1);
        if line < to.0 {
            mappings.extend(std::iter::repeat_n(';', (to.0 - line) as usize));
            (line, column) = (to.0, 0);
        } else if last == Some(origin) {
            continue;
        } else if last.is_some() {
            mappings.push(',');
        }
        let steps =
            [step(here, column), step(origin.0, from.0), step(origin.1, from.1), step(origin.2, from.2)];
        for step in steps {
            put(&mut mappings, step);
        }
        (column, from, last) = (here, origin, Some(origin));
    }
    let sources: Vec<&str> = texts.iter().map(|text| &*text.name).collect();
    let map = json!({"version": 3, "sources": sources, "names": [], "mappings": mappings}).to_string();
    // In JavaScript these end a comment.
    format!("{PREFIX}{}\n", map.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029"))
}

/// The places of these bytes, in their order.
fn origins(texts: &[PlacedText], bytes: impl Iterator<Item = usize>) -> Vec<(usize, TextPlace)> {
    let mut bytes: Vec<usize> = bytes.collect();
    bytes.sort_unstable();
    bytes.dedup();
    let (mut number, mut at, mut line, mut column) = (0, 0, 0, 0);
    let mut found = Vec::with_capacity(bytes.len());
    for to in bytes {
        while texts.get(number + 1).is_some_and(|next| (next.start - FIRST) as usize <= to) {
            number += 1;
            (at, line, column) = (0, 0, 0);
        }
        let Some(text) = texts.get(number) else { break };
        let within = (to - (text.start - FIRST) as usize).min(text.text.len());
        for byte in &text.text.as_bytes()[at..within] {
            match byte {
                b'\n' => (line, column) = (line + 1, 0),
                byte if byte & 0xc0 == 0x80 => {}
                _ => column += 1,
            }
        }
        at = within;
        found.push((to, (number as u32, line, column)));
    }
    found
}

/// Columns of a written text, which swc counts in halves of surrogate pairs.
struct Columns<'a> {
    lines: std::str::Split<'a, char>,
    /// The line that is looked at, and how many have been taken.
    now: &'a str,
    taken: u32,
    /// How far into it one has come, in halves and in characters.
    halves: u32,
    characters: u32,
    rest: std::str::Chars<'a>,
}

impl<'a> Columns<'a> {
    fn new(written: &'a str) -> Self {
        let mut lines = written.split('\n');
        let now = lines.next().unwrap_or_default();
        Self { lines, now, taken: 0, halves: 0, characters: 0, rest: now.chars() }
    }

    fn characters(&mut self, line: u32, halves: u32) -> u32 {
        while self.taken < line {
            self.now = self.lines.next().unwrap_or_default();
            self.taken += 1;
            (self.halves, self.characters, self.rest) = (0, 0, self.now.chars());
        }
        if halves < self.halves {
            (self.halves, self.characters, self.rest) = (0, 0, self.now.chars());
        }
        while self.halves < halves {
            let Some(letter) = self.rest.next() else { break };
            self.halves += letter.len_utf16() as u32;
            self.characters += 1;
        }
        self.characters
    }
}

/// How many characters a called name has in both texts, up to the bracket, where the engine says that a call fails.
fn bracket(written: &str, source: &str) -> Option<(u32, u32)> {
    let name = |text: &str| {
        let part = |letter: &char| letter.is_alphanumeric() || matches!(letter, '_' | '$');
        text.chars().take_while(part).map(char::len_utf8).sum::<usize>()
    };
    let (to, from) = (name(written), name(source));
    let is_same = written[..to] == source[..from] || written[..to] == *FUNCTION;
    if to == 0 || from == 0 || !is_same || !written[to..].starts_with('(') {
        return None;
    }
    let blanks = source[from..].find(|letter: char| !matches!(letter, ' ' | '\t'))?;
    let characters = |text: &str| text.chars().count() as u32;
    source[from + blanks..]
        .starts_with('(')
        .then(|| (characters(&written[..to]), characters(&source[..from + blanks])))
}

fn step(to: u32, from: u32) -> i64 {
    i64::from(to) - i64::from(from)
}

/// A number in base 64, five bits a digit, its sign in the lowest bit.
fn put(out: &mut String, number: i64) {
    let mut rest = number.unsigned_abs() << 1 | u64::from(number < 0);
    loop {
        let digit = (rest & 31) as usize;
        rest >>= 5;
        let more = if rest > 0 { 32 } else { 0 };
        out.push(char::from(DIGITS[digit | more]));
        if rest == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_format() {
        for (number, wanted) in
            [(0, "A"), (1, "C"), (-1, "D"), (15, "e"), (16, "gB"), (-17, "jB"), (1000, "w+B")]
        {
            let mut out = String::new();
            put(&mut out, number);
            assert_eq!(out, wanted, "{number}");
        }
    }

    #[test]
    fn rows_count_characters_on_both_sides() {
        let at = |byte: u32, line: u32, col: u32| (BytePos(byte + FIRST), LineCol { line, col });
        // `b` is the third character of the source's second line; `d` the second one of the text's second.
        let text = |name: &str, text: &str, start| PlacedText { name: name.into(), text: text.into(), start };
        let texts = [text("ä\u{2028}.js", "a\n😀 b", 1)];
        let line = line(&texts, "x\n😀d", 1, &[at(0, 0, 0), at(7, 1, 2), at(99, 1, 3)]);
        assert_eq!(
            line,
            "//# hauki-map={\"version\":3,\"sources\":[\"ä\\u2028.js\"],\"names\":[],\"mappings\":\";AAAA;CACE\"}\n"
        );
    }
}
