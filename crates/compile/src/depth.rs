//! Recursion limit: how deep the tree of a source can be at most, told from its words before anything is parsed.
//!
//! The parser and every pass go as deep as the tree, and so does whoever frees it: a source that is deeper than their
//! stack would end the process. Brackets and templates make depth, and so do words that build upon what stands beside
//! them (`a + b + c`, `x => y => z`, `if (a) if (b)`), up to where a statement or an item of a list ends. Too much is counted
//! rather than too little: the bounds are above what people write, and below what the stack and the memory of this program bear.

use hauki_lang::lexer::{Lexer, Token, TokenKind};

use super::faults::FaultList;

/// Of brackets within each other.
const MOST_BRACKETS: usize = 1_000;
/// Of templates within each other: each is read anew for each around it.
const MOST_TEMPLATES: usize = 64;
/// Of words that build upon each other, through all brackets that are open.
const MOST_WORDS: usize = 2_000;
/// A function within a function is lowered to more than itself.
const ARROW: usize = 20;

const ADVICE: &str = "name what is inside, or make it data: an array, or an argument";

/// Words after which an expression or a statement is still to come, so that the next word begins none.
const OPEN: [&str; 20] = [
    "await",
    "case",
    "delete",
    "do",
    "else",
    "extends",
    "for",
    "if",
    "in",
    "instanceof",
    "new",
    "of",
    "return",
    "throw",
    "try",
    "typeof",
    "void",
    "while",
    "with",
    "yield",
];

/// Words that are no value by themselves, and need nothing after them either.
const BEFORE_NAMES: [&str; 9] =
    ["async", "class", "const", "default", "export", "function", "let", "static", "var"];

/// Words that go on with what stands before them.
const JOINING: [&str; 9] =
    ["as", "catch", "else", "extends", "finally", "in", "instanceof", "of", "satisfies"];

/// A fault at the first word that is too deep.
pub(crate) fn check(source: &str, base: usize, faults: &mut FaultList) {
    let mut depth = SourceDepth { brackets: 0, words: 0, templates: 0 };
    if let Err((at, what)) = depth.read(source) {
        faults.add_at(base + at, what, ADVICE);
    }
}

type TooDeep = (usize, &'static str);

/// What is open where one reads.
struct SourceDepth {
    brackets: usize,
    words: usize,
    templates: usize,
}

impl SourceDepth {
    /// Up to the end of the text, or to the brace that closes what was open before it: says where.
    fn read(&mut self, text: &str) -> Result<usize, TooDeep> {
        // The words of each open bracket.
        let mut open = vec![0];
        let mut last: Option<Token<'_>> = None;
        let mut end = text.len();
        for word in Lexer::new(text) {
            let is_outermost = open.len() == 1;
            let mine = open.last_mut().expect("the text's own is never closed");
            if is_beginning(last, word) {
                self.words -= std::mem::take(mine);
            }
            let more = match (word.kind, word.text) {
                (TokenKind::Punctuation, sign @ ("(" | "[" | "{")) => {
                    // A call of a call of a call goes as deep as it is long.
                    let called = usize::from(sign != "{" && last.is_some_and(is_value));
                    self.words += called;
                    *mine += called;
                    self.brackets += 1;
                    open.push(0);
                    0
                }
                (TokenKind::Punctuation, "}") if is_outermost && self.templates > 0 => {
                    end = word.end();
                    break;
                }
                (TokenKind::Punctuation, ")" | "]" | "}") => {
                    if !is_outermost {
                        self.brackets -= 1;
                        self.words -= open.pop().unwrap_or_default();
                    }
                    0
                }
                (TokenKind::Punctuation, ";" | ",") => {
                    self.words -= std::mem::take(mine);
                    0
                }
                (TokenKind::Punctuation, "=>") => ARROW,
                (TokenKind::Punctuation, _) => 1,
                (TokenKind::Name, name) if OPEN.contains(&name) || JOINING.contains(&name) => 1,
                (TokenKind::Template, _) => {
                    self.template(word.text).map_err(|(at, what)| (word.offset + at, what))?;
                    usize::from(last.is_some_and(is_value))
                }
                _ => 0,
            };
            self.words += more;
            *open.last_mut().expect("the text's own is never closed") += more;
            if self.brackets > MOST_BRACKETS {
                return Err((word.offset, "brackets are nested too deep"));
            }
            if self.words > MOST_WORDS {
                return Err((word.offset, "too much builds upon each other"));
            }
            last = Some(word);
        }
        self.brackets -= open.len() - 1;
        self.words -= open.iter().sum::<usize>();
        Ok(end)
    }

    fn template(&mut self, text: &str) -> Result<(), TooDeep> {
        if self.templates == MOST_TEMPLATES {
            return Err((0, "templates are nested too deep"));
        }
        self.templates += 1;
        let (bytes, mut at) = (text.as_bytes(), 1);
        while at < bytes.len() {
            match bytes[at] {
                b'\\' => at += 2,
                b'$' if bytes.get(at + 1) == Some(&b'{') => {
                    at += 2;
                    // Where a letter was escaped in the middle, nothing follows that could be read.
                    let Some(rest) = text.get(at..) else { break };
                    at += self.read(rest).map_err(|(within, what)| (at + within, what))?;
                }
                b'`' => break,
                _ => at += 1,
            }
        }
        self.templates -= 1;
        Ok(())
    }
}

/// Whether an expression may end here.
fn is_value(last: Token<'_>) -> bool {
    match last.kind {
        TokenKind::Punctuation => matches!(last.text, ")" | "]" | "}"),
        TokenKind::Name => {
            ![&OPEN[..], &JOINING, &BEFORE_NAMES].iter().any(|words| words.contains(&last.text))
        }
        _ => true,
    }
}

/// Whether a statement begins without a semicolon before it: two words stand side by side that nothing joins.
fn is_beginning(last: Option<Token<'_>>, word: Token<'_>) -> bool {
    let Some(last) = last else { return false };
    let begins = match word.kind {
        TokenKind::Punctuation | TokenKind::Template => false,
        // `if (a) if (b)` is one statement.
        TokenKind::Name => !(JOINING.contains(&word.text) || last.is(")") && OPEN.contains(&word.text)),
        _ => true,
    };
    begins && is_value(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(source: &str) -> Option<usize> {
        let mut depth = SourceDepth { brackets: 0, words: 0, templates: 0 };
        let read = depth.read(source);
        if read.is_ok() {
            assert_eq!((depth.brackets, depth.words, depth.templates), (0, 0, 0), "{source:.80}");
        }
        read.err().map(|(at, _)| at)
    }

    #[test]
    fn what_goes_deep_is_seen_in_whatever_way_it_does() {
        let n = 20_000;
        for deep in [
            format!("x = {}1{}", "(".repeat(n), ")".repeat(n)),
            format!("x = {}", "[".repeat(n)),
            "{".repeat(n),
            "f(function () {".repeat(n),
            format!("x = 1{}", " + 1".repeat(n)),
            format!("x = {}1", "!".repeat(n)),
            format!("x = {}1", "typeof ".repeat(n)),
            format!("x = {}1", "x => ".repeat(n)),
            format!("x = {}1", "a ? b : ".repeat(n)),
            format!("x = {}1", "y = ".repeat(n)),
            format!("x = y{}", ".z".repeat(n)),
            format!("x = y{}", "()".repeat(n)),
            format!("x = y{}", "[0]".repeat(n)),
            format!("x = y{}", "``".repeat(n)),
            format!("x = y{}", "?.z".repeat(n)),
            format!("x = {}1", "async x => ".repeat(n)),
            format!("x = {}", "class A extends ".repeat(n)),
            format!("{}x", "if (a) ".repeat(n)),
            format!("{}x", "for (;;) ".repeat(n)),
            format!("{}x", "do ".repeat(n)),
            format!("if (a) {{}} {}", "else if (b) {} ".repeat(n)),
            format!("{}x", "a: ".repeat(n)),
            "x = `${".repeat(n),
            format!("x = `${{{}1", "-".repeat(n)),
            format!("type A = {}B", "C<".repeat(n)),
            format!("x = y{}", " as any".repeat(n)),
        ] {
            assert!(told(&deep).is_some(), "{deep:.60}");
        }
    }

    #[test]
    fn what_is_long_and_not_deep_passes() {
        let n = 100_000;
        for flat in [
            "a = b + 1;\n".repeat(n),
            "a = b + 1\n".repeat(n),
            "f(a, { b: 1 })\n".repeat(n),
            "if (a) { b() } else { c() }\n".repeat(n),
            "function f() { return 1 }\n".repeat(n),
            "class A { x = 1\n y = 2\n z() { return -1 } }\n".repeat(n),
            format!("x = [{}]", "-1, ".repeat(n)),
            format!("x = {{{}}}", "a: !b, ".repeat(n)),
            format!("switch (a) {{{}}}", "case 1: b = 2; break; ".repeat(n)),
            format!("switch (a) {{{}}}", "case 1: b = 2\n break\n".repeat(n)),
            "x = `a${b + `c${d}`}`;\n".repeat(n),
            "import { a as b } from 'c'\n".repeat(n),
            "export const a: number = 1\n".repeat(n),
            format!("x = 'a'{}", " + 'b'".repeat(1_900)),
            "[".repeat(500) + &"]".repeat(500),
        ] {
            assert_eq!(told(&flat), None, "{flat:.60}");
        }
    }

    #[test]
    fn anything_can_be_read() {
        for text in ["`", "`${", "`${`", "}", "`${}}`", ")))", "\u{e4}`\\\u{e4}${", "/", "/*", "'", "`\\"] {
            told(text);
        }
    }
}
