//! Lexer: the tokens of a JavaScript source, modern or not, on which the dialect's explanation and the arrow rewriter
//! both stand.
//!
//! It never fails: rubbish becomes one-character punctuation, something unfinished ends with the text.
//! Spaces and comments are skipped. A template is one word, whatever it holds.
//!
//! One pass, one stack of brackets. What may come next decides whether a slash divides, whether a brace
//! opens an object or a block, and where the expression began that an arrow would call.

use super::scan;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// An identifier or a keyword.
    Name,
    Number,
    Text,
    Template,
    Regex,
    Punctuation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    pub kind: TokenKind,
    pub text: &'a str,
    /// In bytes.
    pub offset: usize,
}

impl Token<'_> {
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        self.text == text && matches!(self.kind, TokenKind::Name | TokenKind::Punctuation)
    }

    #[must_use]
    pub fn end(&self) -> usize {
        self.offset + self.text.len()
    }
}

/// All words of a source.
#[must_use]
pub fn words(source: &str) -> Vec<Token<'_>> {
    Lexer::new(source).collect()
}

/// What the next word may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// A statement begins: a slash is a regular expression, a brace a block, `function` a declaration.
    Statement,
    /// An expression is wanted: a slash is a regular expression, a brace an object.
    Operand,
    /// An expression has ended; it goes on, or the next statement begins.
    Value,
    /// A key of an object literal, where every word is an ordinary name.
    Key,
    /// After a dot or an arrow, where every word is an ordinary name as well.
    Member,
    /// After `if` and its like: the brackets that come are no operand.
    Condition,
    /// Between `function` and its parameters.
    Header(Function),
    /// After the parameters.
    Body(Function),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    Declaration,
    /// With its first byte.
    Expression(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Statements,
    Members,
    Expressions,
}

/// An open bracket. The first of all is the text's own, which nothing closes.
struct Bracket {
    /// The byte that closes it; zero for the text's own.
    closer: u8,
    holds: Holds,
    /// What follows the closing bracket, and where the expression began that it then ends.
    after: Next,
    operand: Option<usize>,
    /// `?` that still wait for their `:`.
    questions: u32,
}

pub struct Lexer<'a> {
    source: &'a str,
    at: usize,
    brackets: Vec<Bracket>,
    next: Next,
    operand: Option<usize>,
    /// The `new` before the operand that comes.
    new: Option<usize>,
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let broken = self.skip_space();
        let rest = &self.source[self.at..];
        let first = *rest.as_bytes().first()?;
        let divides_nothing = matches!(self.next, Next::Statement | Next::Operand);
        let (kind, length) = match first {
            // The two that are most of what there is.
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$' => (TokenKind::Name, scan::name(rest)),
            b'(' | b')' | b'[' | b']' | b'{' | b'}' | b';' | b',' | b':' => (TokenKind::Punctuation, 1),
            b'0'..=b'9' => (TokenKind::Number, scan::number(rest)),
            b'"' | b'\'' => (TokenKind::Text, scan::string(rest, first)),
            b'`' => (TokenKind::Template, scan::template(rest)),
            b'.' if rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit) => {
                (TokenKind::Number, scan::number(rest))
            }
            b'/' if divides_nothing => (TokenKind::Regex, scan::regex(rest)),
            _ => match scan::name(rest) {
                0 => (TokenKind::Punctuation, scan::punctuation(rest)),
                length => (TokenKind::Name, length),
            },
        };
        let word = Token { kind, text: &rest[..length], offset: self.at };
        match kind {
            TokenKind::Name => self.name(word),
            TokenKind::Punctuation => self.punctuation(word, broken),
            _ => self.literal(word),
        }
        self.at += length;
        Some(word)
    }
}

impl<'a> Lexer<'a> {
    #[must_use]
    pub fn new(source: &'a str) -> Self {
        let text = Bracket {
            closer: 0,
            holds: Holds::Statements,
            after: Next::Statement,
            operand: None,
            questions: 0,
        };
        Self { source, at: 0, brackets: vec![text], next: Next::Statement, operand: None, new: None }
    }

    /// Where the member expression began of which the last word is a part: a name, bracket or literal
    /// with all its members, indices and calls, and its `new`. Still there after a dot or an arrow.
    #[must_use]
    pub fn operand(&self) -> Option<usize> {
        self.operand
    }

    /// Says whether there was a line break.
    fn skip_space(&mut self) -> bool {
        let mut broken = false;
        loop {
            // Most words of dense code follow each other at once.
            if self.source.as_bytes().get(self.at).is_some_and(|byte| !scan::may_be_skipped(*byte)) {
                return broken;
            }
            let rest = &self.source[self.at..];
            let space = scan::space(rest);
            let length = if space > 0 { space } else { scan::comment(rest, self.at == 0) };
            if length == 0 {
                return broken;
            }
            broken = broken || scan::find_line_end(&rest[..length]).is_some();
            self.at += length;
        }
    }

    /// A whole operand, or what begins one.
    fn operand_at(&mut self, offset: usize) -> Option<usize> {
        Some(self.new.take().unwrap_or(offset))
    }

    fn expect(&mut self, next: Next) {
        self.next = next;
        self.operand = None;
        self.new = None;
    }

    fn literal(&mut self, word: Token<'_>) {
        match self.next {
            Next::Key | Next::Header(_) => {}
            Next::Member => self.expect(Next::Value),
            _ => {
                self.operand = self.operand_at(word.offset);
                self.next = Next::Value;
            }
        }
    }

    fn name(&mut self, word: Token<'_>) {
        match self.next {
            Next::Member => self.next = Next::Value,
            Next::Key | Next::Header(_) => {}
            _ => match word.text.as_bytes() {
                b"return" | b"typeof" | b"case" | b"in" | b"delete" | b"void" | b"throw" | b"instanceof"
                | b"extends" => {
                    self.expect(Next::Operand);
                }
                // Only here is it no name.
                b"of" if self.next == Next::Value && self.is_condition() => self.expect(Next::Operand),
                b"new" => {
                    let start = self.operand_at(word.offset);
                    self.expect(Next::Operand);
                    self.new = start;
                }
                b"else" | b"do" | b"try" | b"finally" | b"break" | b"continue" | b"debugger" | b"default" => {
                    self.expect(Next::Statement);
                }
                b"function" => {
                    let start = self.new.unwrap_or(word.offset);
                    self.expect(Next::Header(match self.next {
                        Next::Operand => Function::Expression(start),
                        _ => Function::Declaration,
                    }));
                }
                b"if" | b"while" | b"for" | b"with" | b"switch" | b"catch" => self.expect(Next::Condition),
                b"var" | b"const" => self.expect(Next::Operand),
                _ => {
                    self.operand = self.operand_at(word.offset);
                    self.next = Next::Value;
                }
            },
        }
    }

    fn punctuation(&mut self, word: Token<'_>, broken: bool) {
        match word.text.as_bytes() {
            b"(" => self.open(b')', word.offset),
            b"[" => self.open(b']', word.offset),
            b"{" => self.open(b'}', word.offset),
            &[closer @ (b')' | b']' | b'}')] => self.close(closer),
            b";" => {
                if let Some(bracket) = self.brackets.last_mut() {
                    bracket.questions = 0;
                }
                self.expect(Next::Statement);
            }
            b"," if self.brackets.last().is_some_and(|bracket| bracket.holds == Holds::Members) => {
                self.expect(Next::Key);
            }
            b"?" => {
                if let Some(bracket) = self.brackets.last_mut() {
                    bracket.questions += 1;
                }
                self.expect(Next::Operand);
            }
            b":" => {
                let next = self.after_colon();
                self.expect(next);
            }
            b"." | b"?." | b"->" => {
                // `new.target`
                let operand = self.operand.or(self.new.filter(|_| word.text == "."));
                self.expect(Next::Member);
                self.operand = operand;
            }
            // After a value on the same line it belongs to that value, which then has no members.
            b"++" | b"--" if self.next == Next::Value && !broken => self.expect(Next::Value),
            b"=>" => self.expect(Next::Statement),
            b"*" if matches!(self.next, Next::Header(_) | Next::Key) => {}
            _ => self.expect(Next::Operand),
        }
    }

    /// A label's or a case's colon ends nothing that has a value.
    fn after_colon(&mut self) -> Next {
        let Some(bracket) = self.brackets.last_mut() else { return Next::Statement };
        match bracket.questions.checked_sub(1) {
            Some(fewer) => bracket.questions = fewer,
            None if bracket.holds == Holds::Statements => return Next::Statement,
            None => {}
        }
        Next::Operand
    }

    /// Whether the innermost bracket is that of `for (…)` or its like.
    fn is_condition(&self) -> bool {
        self.brackets.last().is_some_and(|bracket| bracket.closer == b')' && bracket.after == Next::Statement)
    }

    fn open(&mut self, closer: u8, offset: usize) {
        let (inside, after, operand) = match (closer, self.next) {
            (b')', Next::Header(function)) => (Holds::Expressions, Next::Body(function), None),
            (b')', Next::Condition) => (Holds::Expressions, Next::Statement, None),
            (b')', Next::Key) => (Holds::Expressions, Next::Body(Function::Declaration), None),
            (b']', Next::Key) => (Holds::Expressions, Next::Key, None),
            (b'}', Next::Operand) => (Holds::Members, Next::Value, self.operand_at(offset)),
            (b'}', Next::Body(Function::Expression(start))) => (Holds::Statements, Next::Value, Some(start)),
            (b'}', _) => (Holds::Statements, Next::Statement, None),
            (_, Next::Value | Next::Member) => (Holds::Expressions, Next::Value, self.operand),
            _ => (Holds::Expressions, Next::Value, self.operand_at(offset)),
        };
        self.brackets.push(Bracket { closer, holds: inside, after, operand, questions: 0 });
        self.expect(match inside {
            Holds::Statements => Next::Statement,
            Holds::Members => Next::Key,
            Holds::Expressions => Next::Operand,
        });
    }

    fn close(&mut self, closer: u8) {
        // A bracket that closes nothing is rubbish; what was open stays so.
        match self.brackets.pop_if(|bracket| bracket.closer == closer) {
            Some(bracket) => {
                self.expect(bracket.after);
                self.operand = bracket.operand;
            }
            None => self.expect(Next::Value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hard_cases() {
        let table: [(&str, &[&str]); 44] = [
            ("a-->b", &["a", "--", ">", "b"]),
            ("a->b(1)", &["a", "->", "b", "(", "1", ")"]),
            ("a / b / c", &["a", "/", "b", "/", "c"]),
            ("x = /a[/]b/g.test(y)", &["x", "=", "/a[/]b/g", ".", "test", "(", "y", ")"]),
            ("return /x/ /2", &["return", "/x/", "/", "2"]),
            ("if (a) /b/.test(c)", &["if", "(", "a", ")", "/b/", ".", "test", "(", "c", ")"]),
            ("do {} while (a) /b/", &["do", "{", "}", "while", "(", "a", ")", "/b/"]),
            ("(a) / b", &["(", "a", ")", "/", "b"]),
            ("f(a) / b / c", &["f", "(", "a", ")", "/", "b", "/", "c"]),
            ("a.if(b) / c", &["a", ".", "if", "(", "b", ")", "/", "c"]),
            ("a.return / b / c", &["a", ".", "return", "/", "b", "/", "c"]),
            ("a->case(b) / c / d", &["a", "->", "case", "(", "b", ")", "/", "c", "/", "d"]),
            ("a[b] / c / d", &["a", "[", "b", "]", "/", "c", "/", "d"]),
            ("this / 2 / 3", &["this", "/", "2", "/", "3"]),
            ("a++ / 2 / 3", &["a", "++", "/", "2", "/", "3"]),
            ("a\n++/b/.c", &["a", "++", "/b/", ".", "c"]),
            ("!/a/.b", &["!", "/a/", ".", "b"]),
            ("{} /r/", &["{", "}", "/r/"]),
            ("x = {} / 2", &["x", "=", "{", "}", "/", "2"]),
            ("x = {a: 1} / 2 / 3", &["x", "=", "{", "a", ":", "1", "}", "/", "2", "/", "3"]),
            ("({return: /a/})", &["(", "{", "return", ":", "/a/", "}", ")"]),
            (
                "({if: 1, a: b / c / d})",
                &["(", "{", "if", ":", "1", ",", "a", ":", "b", "/", "c", "/", "d", "}", ")"],
            ),
            ("a: /b/.c", &["a", ":", "/b/", ".", "c"]),
            ("a ? {} / 1 : {} / 2", &["a", "?", "{", "}", "/", "1", ":", "{", "}", "/", "2"]),
            (
                "switch (a) { case /b/: {} /c/ }",
                &["switch", "(", "a", ")", "{", "case", "/b/", ":", "{", "}", "/c/", "}"],
            ),
            ("function f() {} /a/", &["function", "f", "(", ")", "{", "}", "/a/"]),
            ("x = function () {} / 2 / 3", &["x", "=", "function", "(", ")", "{", "}", "/", "2", "/", "3"]),
            ("(function () {}) / 2", &["(", "function", "(", ")", "{", "}", ")", "/", "2"]),
            ("a\nfunction f() {} /a/", &["a", "function", "f", "(", ")", "{", "}", "/a/"]),
            ("({f() {}}) / 2", &["(", "{", "f", "(", ")", "{", "}", "}", ")", "/", "2"]),
            ("for (a of /b/) c", &["for", "(", "a", "of", "/b/", ")", "c"]),
            ("of / 2 / a", &["of", "/", "2", "/", "a"]),
            ("for (;; /a/) b", &["for", "(", ";", ";", "/a/", ")", "b"]),
            ("else /a/.b", &["else", "/a/", ".", "b"]),
            ("a = b / /c/ / d", &["a", "=", "b", "/", "/c/", "/", "d"]),
            ("/\\//.a", &["/\\//", ".", "a"]),
            ("'a\\'->b' /* -> */ // ->\n\"->\"", &["'a\\'->b'", "\"->\""]),
            ("'a\\\nb' c", &["'a\\\nb'", "c"]),
            ("// a\rb->c()", &["b", "->", "c", "(", ")"]),
            ("a\u{2028}++/b/.c", &["a", "++", "/b/", ".", "c"]),
            ("1e-3->x", &["1e-3", "->", "x"]),
            ("a?.5:b", &["a", "?", ".5", ":", "b"]),
            ("`a${'`'", &["`a${'`'"]),
            ("#!/usr/bin/env x\na", &["a"]),
        ];
        for (source, wanted) in table {
            let found: Vec<&str> = words(source).iter().map(|word| word.text).collect();
            assert_eq!(found, wanted, "{source}");
        }
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
