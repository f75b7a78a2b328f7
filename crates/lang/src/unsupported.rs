//! Unsupported syntax: why the engine refused a source, the modern JavaScript that MicroQuickJS does not have.
//!
//! Only asked after a refusal, and only about the place of the refusal, so a wrong guess cannot turn a
//! good source away; at worst it words a refusal badly.

use std::fmt;

use super::lexer::{Token, TokenKind, words};
use super::position::Position;

/// A feature in a source, and what to write instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsupported {
    pub feature: &'static str,
    pub instead: &'static str,
    pub place: Position,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the source uses {}, which MicroQuickJS does not have; {}", self.feature, self.instead)
    }
}

/// Each is shown by its word alone.
const BY_WORD: [(&str, &str, &str); 22] = [
    ("let", "`let`", "write `var`"),
    ("const", "`const`", "write `var`"),
    ("class", "a class", "write a constructor function and set its `prototype`"),
    ("super", "`super`", "call the other function with `.call(this)`"),
    ("import", "a module import", "put everything into one file"),
    ("export", "a module export", "top-level functions are the methods already"),
    ("await", "`await`", "calls inside a worker are synchronous"),
    ("yield", "a generator", "collect the values in an array"),
    ("with", "`with`", "name the object"),
    ("debugger", "`debugger`", "use `print()`"),
    ("=>", "an arrow function", "write `function (a) { return a }`"),
    ("...", "spread or rest arguments", "use `f.apply(null, list)`, `concat` or `arguments`"),
    ("?.", "optional chaining", "write `a && a.b`"),
    ("??", "the `??` operator", "compare with `null`"),
    ("??=", "the `??=` operator", "compare with `null` and assign"),
    ("||=", "the `||=` operator", "write `a = a || b`"),
    ("&&=", "the `&&=` operator", "write `a = a && b`"),
    ("**=", "the `**=` operator", "write `a = a ** b`"),
    ("#", "a private member", "use a variable of an enclosing function"),
    ("@", "a decorator", "call the function yourself"),
    ("enum", "an enumeration", "use an object"),
    ("interface", "an interface", "compile TypeScript to ES5 first"),
];

/// The feature at the place where the engine stopped. Without a place, the first one.
#[must_use]
pub fn explain(source: &str, place: Option<Position>) -> Option<Unsupported> {
    let all = words(source);
    let (index, (feature, instead)) = match place {
        None => (0..all.len()).find_map(|index| Some((index, feature(&all, index)?))),
        Some(place) => {
            let offset = place.offset(source);
            // The word at the place, or the last one before it. The engine stops at most two words behind
            // the one that explains it: `async function`, `function* name`.
            let at = all.partition_point(|word| word.offset <= offset).checked_sub(1)?;
            (at.saturating_sub(2)..=at).rev().find_map(|index| Some((index, feature(&all, index)?)))
        }
    }?;
    Some(Unsupported { feature, instead, place: Position::of(source, all[index].offset) })
}

/// What the word is for, and what to write instead.
fn feature(all: &[Token<'_>], index: usize) -> Option<(&'static str, &'static str)> {
    let word = all.get(index)?;
    let before = |count: usize| index.checked_sub(count).and_then(|index| all.get(index));
    let is_before = |text: &str| before(1).is_some_and(|word| word.is(text));
    let is_after = |text: &str| all.get(index + 1).is_some_and(|word| word.is(text));
    let opens_member = |word: Option<&Token<'_>>| word.is_some_and(|word| word.is("{") || word.is(","));
    let found = |feature, instead| Some((feature, instead));

    match (word.kind, word.text) {
        (TokenKind::Template, _) => found("a template string", "join strings with `+`"),
        (TokenKind::Number, text) if text.ends_with('n') && !text.starts_with("0x") => {
            found("a BigInt", "use a number or a string")
        }
        (TokenKind::Number, text)
            if text.len() > 1
                && text.bytes().all(|digit| digit.is_ascii_digit())
                && text.starts_with('0') =>
        {
            found("an octal number of the old kind", "write `0o17`")
        }
        (TokenKind::Regex, text) if text.contains("(?<=") || text.contains("(?<!") => {
            found("a lookbehind in a regular expression", "match more and take a group")
        }
        (TokenKind::Regex, text) if text.contains("(?<") => found("a named group", "count the groups"),
        (TokenKind::Regex, text) if text.contains("\\p{") => found("a Unicode property", "list the letters"),
        // The engine tells a regular expression from a division by the word before it alone.
        (TokenKind::Regex, _) if [")", "case", "do"].iter().any(|word| is_before(word)) => {
            found("a regular expression right after `)`, `case` or `do`", "put it into brackets")
        }
        (TokenKind::Punctuation, "/" | "/=")
            if is_before("}") || before(2).is_some_and(|word| word.is(".")) =>
        {
            found(
                "a division right after `}` or after a member named as a keyword",
                "put what is divided into brackets",
            )
        }
        // A name after a dot or before a colon is an ordinary property.
        (TokenKind::Name, _) if is_before(".") || is_after(":") => None,
        (TokenKind::Name, "async") if is_after("function") || is_after("(") => {
            found("an async function", "calls inside a worker are synchronous")
        }
        (TokenKind::Name, text) if !text.is_ascii() => {
            found("a name with letters outside ASCII", "use ASCII letters in names")
        }
        (TokenKind::Name | TokenKind::Punctuation, text)
            if BY_WORD.iter().any(|(known, _, _)| *known == text) =>
        {
            let (_, feature, instead) = BY_WORD.iter().find(|(known, _, _)| *known == text)?;
            found(feature, instead)
        }
        (TokenKind::Punctuation, "->") => Some(arrow(&all[index + 1..])),
        (TokenKind::Punctuation, "*") if is_before("function") => {
            found("a generator", "collect the values in an array")
        }
        (TokenKind::Punctuation, "{" | "[") if is_before("var") => {
            found("destructuring", "take the members one by one")
        }
        (TokenKind::Punctuation, "{" | "[") if is_parameter(all, index) => {
            found("destructuring in parameters", "take the members one by one")
        }
        (TokenKind::Punctuation, "{") if is_before("catch") => {
            found("`catch` without a name", "write `catch (error)`")
        }
        (TokenKind::Punctuation, "[") if opens_member(before(1)) => {
            found("a computed property", "assign it after making the object")
        }
        (TokenKind::Punctuation, "=") if is_parameter(all, index) => {
            found("a default parameter", "test for `undefined` inside the function")
        }
        // The engine stops at the bracket, before it has seen the arrow.
        (TokenKind::Punctuation, ")") if is_before("(") && is_after("=>") => {
            let (_, feature, instead) = BY_WORD.iter().find(|(known, _, _)| *known == "=>")?;
            found(feature, instead)
        }
        (TokenKind::Punctuation, ")") if is_before(",") => {
            found("a comma after the last argument", "leave it out")
        }
        (TokenKind::Punctuation, "}" | ",")
            if before(1).is_some_and(|word| word.kind == TokenKind::Name) && opens_member(before(2)) =>
        {
            found("a shorthand property", "write `{a: a}`")
        }
        _ => None,
    }
}

/// Why an arrow was not rewritten.
fn arrow(after: &[Token<'_>]) -> (&'static str, &'static str) {
    let named = after.first().is_some_and(|word| word.kind == TokenKind::Name);
    let called = after.get(1).is_some_and(|word| word.is("("));
    match (named, called) {
        (true, true) => ("an arrow with no object before it", "put brackets around the object"),
        (true, false) => (
            "an arrow without a call",
            "write `object->method(arguments)`; what another object holds cannot be read",
        ),
        (false, _) => ("an arrow without a method's name", "write `call_other(object, name, arguments)`"),
    }
}

/// Whether a word stands directly in a function's list of parameters.
fn is_parameter(all: &[Token<'_>], index: usize) -> bool {
    let mut depth = 0;
    for at in (0..index).rev() {
        match all[at].text {
            ")" | "]" | "}" if all[at].kind == TokenKind::Punctuation => depth += 1,
            "[" | "{" if all[at].kind == TokenKind::Punctuation && depth > 0 => depth -= 1,
            "(" if all[at].kind == TokenKind::Punctuation && depth > 0 => depth -= 1,
            "(" if all[at].kind == TokenKind::Punctuation => {
                let named = |back: usize| at.checked_sub(back).is_some_and(|at| all[at].is("function"));
                return named(1) || named(2);
            }
            "[" | "{" | ";" if all[at].kind == TokenKind::Punctuation => return false,
            _ => {}
        }
    }
    false
}

/// What is called, by `new` or without, where the engine found nothing that can be: its place is the bracket
/// behind the name.
#[must_use]
pub fn callee(source: &str, place: Position) -> Option<&str> {
    let all = words(source);
    let offset = place.offset(source);
    let at = all.iter().position(|word| word.offset == offset && word.is("("))?;
    let is_name = |word: &Token<'_>| word.kind == TokenKind::Name;
    let mut first = at.checked_sub(1).filter(|first| is_name(&all[*first]))?;
    while first >= 2 && all[first - 1].is(".") && is_name(&all[first - 2]) {
        first -= 2;
    }
    // What stands before a dot may be longer than a name.
    let is_whole = first == 0 || !all[first - 1].is(".");
    let from = if is_whole { first } else { at - 1 };
    Some(source[all[from].offset..all[at - 1].end()].trim())
}

/// What to say about a global that workers expect and the engine does not have.
#[must_use]
pub fn absent_global(name: &str) -> Option<&'static str> {
    Some(match name {
        "Promise" | "queueMicrotask" => "calls inside a worker are synchronous",
        "setTimeout" | "setInterval" | "setImmediate" => "a worker runs only while it is called",
        "Map" | "WeakMap" => "use an object",
        "Set" | "WeakSet" => "use an object with the members as keys",
        "Proxy" | "Reflect" => "there is nothing like it",
        "Symbol" => "use a string",
        "BigInt" => "use a number or a string",
        "require" | "module" | "exports" | "process" => "a worker is one file without Node.js",
        "fetch" => "a vault has no network; --allow-net URL at its summons lets it fetch from there",
        "XMLHttpRequest" | "WebSocket" => "a vault has no network; pass the data as an argument",
        "window" | "document" => "a worker is not in a browser; the global object is `globalThis`",
        "Buffer" | "TextEncoder" | "TextDecoder" => "use strings or `Uint8Array`",
        "escape" | "unescape" => "use `encodeURIComponent` and `decodeURIComponent`",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Position, callee, explain};
    use crate::engine::check;
    use hauki_contract::rpc::channel::WorkerErrorKind;

    #[test]
    fn what_is_called_in_vain_is_named() {
        for (source, wanted) in [
            ("a.includes(1)", Some("a.includes")),
            ("f (1)", Some("f")),
            ("new X(1)", Some("X")),
            ("g(2).h(1)", Some("h")),
            ("a[0](1)", None),
        ] {
            let column = u32::try_from(source.rfind('(').expect("is there") + 1).expect("fits");
            assert_eq!(callee(source, Position { line: 1, column }), wanted, "{source}");
        }
    }

    #[test]
    fn an_arrow_function_without_parameters_is_one_as_well() {
        for source in ["var f = () => 1;", "list.map(() => 1)"] {
            let column = u32::try_from(source.find("()").expect("is there") + 2).expect("fits");
            let found = explain(source, Some(Position { line: 1, column })).expect("is explained");
            assert_eq!(found.feature, "an arrow function", "{source}");
        }
    }

    #[test]
    fn each_feature_is_named_where_the_engine_really_refuses_it() {
        let table = [
            ("var f = (a) => a", "an arrow function", 13),
            ("var f = a => a", "an arrow function", 11),
            ("let a = 1", "`let`", 1),
            ("for (const i in a) {}", "`const`", 6),
            ("class A {}", "a class", 1),
            ("var s = `a${1}`", "a template string", 9),
            ("var {a} = {}", "destructuring", 5),
            ("var [a] = []", "destructuring", 5),
            ("function f({a}) {}", "destructuring in parameters", 12),
            ("f(...a)", "spread", 3),
            ("var o = {...b}", "spread", 10),
            ("function f(...r) {}", "spread or rest", 12),
            ("function f(a, b = 1) {}", "a default parameter", 17),
            ("async function f() {}", "an async function", 1),
            ("function* g() {}", "a generator", 9),
            ("a?.b", "optional chaining", 2),
            ("a ?? b", "the `??` operator", 3),
            ("a ??= b", "the `??=` operator", 3),
            ("a ||= b", "the `||=` operator", 3),
            ("a **= b", "the `**=` operator", 3),
            ("import x from 'y'", "a module import", 1),
            ("export var a = 1", "a module export", 1),
            ("var o = {a}", "a shorthand property", 11),
            ("var o = {b: 1, a, c: 2}", "a shorthand property", 17),
            ("var o = {[a]: 1}", "a computed property", 10),
            ("try {} catch {}", "`catch` without a name", 14),
            ("var a = 1n", "a BigInt", 9),
            ("var a = 017", "an octal number", 9),
            ("/(?<n>a)/", "a named group", 1),
            ("/(?<=a)b/", "a lookbehind", 1),
            ("/\\p{L}/u", "a Unicode property", 1),
            ("with (a) {}", "`with`", 1),
            ("await x", "`await`", 1),
            ("f(a,)", "a comma after", 5),
            ("var é = 1", "a name with letters outside ASCII", 5),
            ("a->b", "an arrow without a call", 2),
            ("a->b->c()", "an arrow without a call", 2),
            ("x->y(); a->b = 1", "an arrow without a call", 10),
            ("a->(b)(c)", "an arrow without a method's name", 2),
            ("a->'b'(c)", "an arrow without a method's name", 2),
            ("a++->b()", "an arrow with no object before it", 4),
            ("x->y(->b())", "an arrow with no object before it", 6),
            ("if (a) /b/.test(c)", "a regular expression right after", 8),
            ("switch (a) { case /b/: }", "a regular expression right after", 19),
            ("x = {} / 2 / 3", "a division right after", 8),
            ("a.in / 2", "a division right after", 6),
        ];
        for (source, feature, column) in table {
            // On a later line, inside a function, where the engine reads it in its second pass.
            let source = format!("var x = 1;\n// => let class\nfunction m() {{\n{source}\n}}\n");
            let error = check(&source, "f.js").expect_err(&source);
            assert_eq!(error.kind, WorkerErrorKind::Syntax, "{source}");
            assert!(error.message.contains(feature), "{source}: {}", error.message);
            assert_eq!((error.line, error.column), (Some(4), Some(column)), "{source}: {}", error.message);
        }
    }

    #[test]
    fn plain_mistakes_keep_the_engines_words() {
        for source in ["var = 1", "function (", "f(1", "a b", "if (", "'x", "var a = {b: };", "return 1"] {
            let error = check(source, "f.js").expect_err(source);
            assert!(error.message.starts_with("SyntaxError"), "{source}: {}", error.message);
        }
    }

    #[test]
    fn what_the_engine_has_is_not_refused() {
        for source in [
            "for (var x of [1]) {}",
            "2 ** 3",
            "var o = {f() {}, get a() { return 1 }}",
            "0b11 + 0o17 + 1_000",
            "var let_ = 1",
            "var o = {if: 1, class: 2}; o.class",
            "a --> b",
            "new.target",
            "label: for (;;) break label",
        ] {
            check(source, "f.js").expect(source);
        }
    }
}
