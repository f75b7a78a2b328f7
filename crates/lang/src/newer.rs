//! Feature detection: whether a source, though the engine reads it, uses what only the run-time of compiled text has.
//!
//! By its words alone: comments and strings are none, and a template is not looked into, for the engine reads no
//! template. A source that has a name of its own for a thing, or asks with `typeof` whether it is there, manages
//! without it and stays what it is. A wrong guess costs a compilation that was not needed, or a call error that names
//! what is missing; neither runs anything else than was written.

use std::collections::{BTreeMap, BTreeSet};

use hauki_contract::rpc::compile::Language;

use super::directive::{self, SourceForm};
use super::lexer::{Token, TokenKind, words};
use super::position::Position;
use super::runtime_names::{GLOBALS, METHODS, STATICS};

/// What no vault has. The engine reads the name, and the compiler knows what to say about it.
pub(crate) const ABSENT: &[&str] = &[
    "Atomics",
    "BigInt",
    "Buffer",
    "Bun",
    "Deno",
    "FinalizationRegistry",
    "Intl",
    "Proxy",
    "SharedArrayBuffer",
    "WeakRef",
    "WebAssembly",
    "WebSocket",
    "Worker",
    "XMLHttpRequest",
    "__dirname",
    "__filename",
    "alert",
    "document",
    "exports",
    "fetch",
    "importScripts",
    "indexedDB",
    "localStorage",
    "module",
    "navigator",
    "process",
    "require",
    "sessionStorage",
    "window",
];

/// What follows a method that is not called here but handed on.
const APPLIED: [&str; 3] = ["call", "apply", "bind"];

/// Words between the brackets of a method, beyond which nobody looks for their end.
const MOST_PARAMETERS: usize = 64;

/// Why a source that the engine reads is shown to the compiler all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NewerKind {
    /// Only the run-time has it, so the source must be compiled.
    Runtime,
    /// Nobody has it. The source stays as it is if the compiler has nothing to say.
    Absent,
}

/// A name of a source that is more than the engine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Newer<'a> {
    pub kind: NewerKind,
    /// As it stands there, `Map` or `Object.entries`.
    pub name: &'a str,
    pub place: Position,
}

/// The language that a file's ending alone sends to the compiler. Of all others the engine is asked first.
#[must_use]
pub fn by_ending(file: &str) -> Option<Language> {
    match file.rsplit_once('.')?.1 {
        "ts" | "mts" | "cts" => Some(Language::TypeScript),
        "mjs" => Some(Language::JavaScript),
        _ => None,
    }
}

/// The first thing of a source that only the run-time has; without one, the first that nobody has. What has been
/// compiled uses nothing newer.
#[must_use]
pub fn newer(source: &str) -> Option<Newer<'_>> {
    // Of another version, too, it is the compiler's: whoever runs it says whether it knows that one.
    if directive::form(source) != Ok(SourceForm::Plain) {
        return None;
    }
    let words = words(source);
    let mut found = Found::default();
    let mut lists = VariableLists::default();
    for index in 0..words.len() {
        let is_declared = lists.declares(&words, index);
        found.look(&words, index, is_declared);
    }
    let used = found.used.iter().filter(|(_, use_)| !found.own.contains(use_.own_name));
    let (kind, offset, end) = used.map(|(offset, use_)| (use_.kind, *offset, use_.end)).min()?;
    Some(Newer { kind, name: &source[offset..end], place: Position::of(source, offset) })
}

/// What the words of a source say so far.
#[derive(Default)]
struct Found<'a> {
    /// By the byte at which each begins.
    used: BTreeMap<usize, Use<'a>>,
    /// Names that the source brings itself, or asks about.
    own: BTreeSet<&'a str>,
}

struct Use<'a> {
    kind: NewerKind,
    /// Whoever has this of his own does not mean ours.
    own_name: &'a str,
    end: usize,
}

impl<'a> Found<'a> {
    fn look(&mut self, words: &[Token<'a>], index: usize, is_declared: bool) {
        let around = Around { words, index };
        let word = words[index];
        match word.kind {
            TokenKind::Name if around.is_after(".") || around.is_after("?.") => self.member(&around),
            // What another object has is its own matter.
            TokenKind::Name if around.is_after("->") => {}
            TokenKind::Name if around.is_key() => drop(self.own.insert(word.text)),
            TokenKind::Name if is_declared || around.is_declared() => drop(self.own.insert(word.text)),
            TokenKind::Name => self.global(&around),
            // `{"find": …}`, `o["find"] =`, `"find" in o`, `defineProperty(o, "find", …)`
            TokenKind::Text if around.is_named() => {
                let unquoted = word.text.get(1..word.text.len().saturating_sub(1));
                self.own.extend(unquoted);
            }
            _ => {}
        }
    }

    fn global(&mut self, around: &Around<'_, 'a>) {
        let word = around.word();
        let kind = match word.text {
            text if GLOBALS.contains(&text) => NewerKind::Runtime,
            text if ABSENT.contains(&text) => NewerKind::Absent,
            "Date" if around.is_after("new") || around.is_before("(") => NewerKind::Runtime,
            _ => return,
        };
        self.used.insert(word.offset, Use { kind, own_name: word.text, end: word.end() });
    }

    fn member(&mut self, around: &Around<'_, 'a>) {
        let word = around.word();
        if around.is_before("=") {
            self.own.insert(word.text);
            return;
        }
        let owner = around.back(2).filter(|owner| owner.kind == TokenKind::Name);
        let owner = owner.filter(|_| !around.back(3).is_some_and(|word| word.is(".")));
        let mut used = |offset, own_name| {
            let end = word.end();
            self.used.insert(offset, Use { kind: NewerKind::Runtime, own_name, end });
        };
        match owner.map(|owner| (owner.text, owner.offset)) {
            Some((of, offset)) if is_static(of, word.text) => {
                if around.is_asked() {
                    self.own.insert(word.text);
                } else {
                    // A shim puts one there, and then it is there.
                    used(offset, word.text);
                }
                return;
            }
            Some(("Date", offset)) if word.text != "now" => return used(offset, "Date"),
            Some(("globalThis", _)) if GLOBALS.contains(&word.text) && around.is_before("(") => {
                return used(word.offset, word.text);
            }
            // `Object.keys` is the engine's, and so is what else is called like a method there.
            Some(("Object", _)) => return,
            _ => {}
        }
        if around.is_after(".") && owner.is_none() && around.is_asked() && around.is_of_prototype() {
            self.own.insert(word.text);
            return;
        }
        let applied = || {
            let after = around.ahead(2).filter(|_| around.is_before("."));
            after.is_some_and(|word| APPLIED.contains(&word.text))
        };
        if METHODS.contains(&word.text) && (around.is_before("(") || applied()) {
            used(word.offset, word.text);
        }
    }
}

fn is_static(owner: &str, name: &str) -> bool {
    STATICS.iter().any(|(of, names)| *of == owner && names.contains(&name))
}

/// A word and what stands beside it.
struct Around<'w, 'a> {
    words: &'w [Token<'a>],
    index: usize,
}

impl<'w, 'a> Around<'w, 'a> {
    fn word(&self) -> Token<'a> {
        self.words[self.index]
    }

    fn back(&self, count: usize) -> Option<&'w Token<'a>> {
        self.index.checked_sub(count).and_then(|index| self.words.get(index))
    }

    fn ahead(&self, count: usize) -> Option<&'w Token<'a>> {
        self.words.get(self.index + count)
    }

    fn is_after(&self, text: &str) -> bool {
        self.back(1).is_some_and(|word| word.is(text))
    }

    fn is_before(&self, text: &str) -> bool {
        self.ahead(1).is_some_and(|word| word.is(text))
    }

    fn opens_member(&self) -> bool {
        self.is_after("{") || self.is_after(",")
    }

    /// `{name: …`, `{get name() …`
    fn is_key(&self) -> bool {
        let is_accessor = self.is_before("(") && (self.is_after("get") || self.is_after("set"));
        self.opens_member() && (self.is_before(":") || self.is_method()) || is_accessor
    }

    /// `{name(a, b) {`: brackets, and a block behind them.
    fn is_method(&self) -> bool {
        if !self.is_before("(") {
            return false;
        }
        let mut depth = 0_usize;
        for (word, after) in
            self.words[self.index + 1..].iter().zip(&self.words[self.index + 2..]).take(MOST_PARAMETERS)
        {
            match word.text {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return after.is("{");
            }
        }
        false
    }

    /// `Array.prototype.find`
    fn is_of_prototype(&self) -> bool {
        self.back(2).is_some_and(|word| word.is("prototype"))
    }

    /// `if (Object.assign)`, `!Array.prototype.find`, `Object.assign || …`: whoever asks manages without.
    fn is_asked(&self) -> bool {
        let mut first = self.index;
        while first >= 2 && self.words[first - 1].is(".") && self.words[first - 2].kind == TokenKind::Name {
            first -= 2;
        }
        let chain = Around { words: self.words, index: first };
        let is_condition = chain.is_after("(") && chain.back(2).is_some_and(|word| word.is("if"));
        let goes_on = ["||", "&&", "?"].iter().any(|text| self.is_before(text));
        goes_on || chain.is_after("!") || is_condition && self.is_before(")")
    }

    /// A name that is bound or asked about here; lists of variables are seen elsewhere.
    fn is_declared(&self) -> bool {
        let is_bound = self.is_after("function") || self.is_after("var") || self.is_after("typeof");
        is_bound || self.is_before("=") || self.is_caught()
    }

    fn is_caught(&self) -> bool {
        self.is_after("(") && self.back(2).is_some_and(|word| word.is("catch"))
    }

    fn is_named(&self) -> bool {
        let is_indexed =
            self.is_after("[") && self.is_before("]") && self.ahead(2).is_some_and(|word| word.is("="));
        let is_listed = self.is_after(",") && self.is_before(",");
        self.is_before(":") && self.opens_member() || is_indexed || is_listed || self.is_before("in")
    }
}

/// The lists in which names are bound one after the other: `var a, b` and `function f(a, b)`.
#[derive(Default)]
struct VariableLists {
    depth: usize,
    /// The depths of lists that are open, the innermost last, and what closes each.
    open: Vec<(usize, &'static str)>,
}

impl VariableLists {
    /// Whether the word is bound there. Asked of each word, in their order.
    fn declares(&mut self, words: &[Token<'_>], index: usize) -> bool {
        let around = Around { words, index };
        let word = words[index];
        if word.kind == TokenKind::Punctuation {
            self.punctuation(&around, word.text);
            return false;
        }
        if word.is("var") {
            self.open.push((self.depth, ";"));
        }
        let is_here = self.open.last().is_some_and(|(depth, _)| *depth == self.depth);
        let opens = around.is_after("(") && self.open.last().is_some_and(|(_, closer)| *closer == ")");
        is_here && word.kind == TokenKind::Name && (around.is_after(",") || opens)
    }

    fn punctuation(&mut self, around: &Around<'_, '_>, text: &str) {
        match text {
            "(" | "[" | "{" => {
                self.depth += 1;
                let is_function =
                    around.is_after("function") || around.back(2).is_some_and(|word| word.is("function"));
                if text == "(" && is_function {
                    self.open.push((self.depth, ")"));
                }
            }
            ")" | "]" | "}" => {
                self.depth = self.depth.saturating_sub(1);
                let depth = self.depth;
                self.open.retain(|(of, _)| *of <= depth);
            }
            ";" => {
                let depth = self.depth;
                self.open.retain(|(of, closer)| *of < depth || *closer != ";");
            }
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "newer_tests.rs"]
mod tests;
