//! Method signatures: the parameters of a source's top-level functions, with what its types and its JSDoc say of them.
//!
//! The words of a source are read, not its syntax: what is not understood is a parameter of any type. It is the author's
//! word on what he takes and no check of it; the worker itself decides.

use std::collections::BTreeMap;

use hauki_lang::lexer::{Token, TokenKind, words};
use serde_json::{Map, Value, json};

use crate::jsdoc::FunctionDoc;
use crate::method_schema::typed;

/// Of one source; who has more has them without a description.
const MOST_METHODS: usize = 256;
const MOST_PARAMETERS: usize = 32;

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Signature {
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) about: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parameter {
    /// As a client gives it; the author's, where it can be a key of a tool's arguments.
    pub(crate) name: String,
    schema: Map<String, Value>,
    is_required: bool,
    is_rest: bool,
}

impl Signature {
    pub(crate) fn schema(&self) -> Map<String, Value> {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for Parameter { name, schema, is_required, is_rest } in &self.parameters {
            let schema = match is_rest {
                true => json!({ "type": "array", "items": schema }),
                false => Value::Object(schema.clone()),
            };
            properties.insert(name.clone(), schema);
            if *is_required {
                required.push(Value::from(name.as_str()));
            }
        }
        let mut schema = Map::new();
        schema.insert("type".to_owned(), "object".into());
        schema.insert("properties".to_owned(), properties.into());
        if !required.is_empty() {
            schema.insert("required".to_owned(), required.into());
        }
        schema.insert("additionalProperties".to_owned(), false.into());
        schema
    }

    /// From arguments by name to those by place, as the worker is called.
    pub(crate) fn placed(&self, mut given: Map<String, Value>) -> Result<Vec<Value>, String> {
        let mut placed = Vec::new();
        let mut missing = 0;
        for Parameter { name, is_required, is_rest, .. } in &self.parameters {
            match (given.remove(name), is_rest) {
                (Some(Value::Array(rest)), true) => {
                    placed.extend(std::iter::repeat_n(Value::Null, std::mem::take(&mut missing)));
                    placed.extend(rest);
                }
                (Some(_), true) => return Err(format!("{name} is a list")),
                (Some(value), false) => {
                    placed.extend(std::iter::repeat_n(Value::Null, std::mem::take(&mut missing)));
                    placed.push(value);
                }
                (None, _) if *is_required => return Err(format!("{name} is missing")),
                (None, _) => missing += 1,
            }
        }
        match given.keys().next() {
            Some(other) => Err(format!("there is no parameter {other:?}")),
            None => Ok(placed),
        }
    }
}

/// By their names, those of all functions that stand in no block.
pub(crate) fn read(source: &str) -> BTreeMap<String, Signature> {
    let words = words(source);
    let mut all = BTreeMap::new();
    let mut depth = 0_usize;
    // Where the statement began that a declaration may stand in.
    let mut begins = 0_usize;
    for (index, word) in words.iter().enumerate() {
        if word.kind == TokenKind::Punctuation {
            match word.text {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        let goes_on = word.kind == TokenKind::Name && ["export", "default", "async"].contains(&word.text);
        if depth == 0 && word.kind == TokenKind::Name && word.text == "function" && all.len() < MOST_METHODS {
            let before = begins.checked_sub(1).map_or(0, |last| words[last].end());
            let doc = source.get(before..words[begins].offset).and_then(last_doc);
            if let Some((name, signature)) = declared(&words[index + 1..], doc) {
                all.insert(name, signature);
            }
        }
        if !goes_on {
            begins = index + 1;
        }
    }
    all
}

/// The last `/** … */` between two words.
fn last_doc(gap: &str) -> Option<&str> {
    let (_, doc) = gap.rsplit_once("/**")?;
    let (doc, _) = doc.split_once("*/")?;
    Some(doc)
}

/// Behind `function`: a name, and its list of parameters.
fn declared(words: &[Token<'_>], doc: Option<&str>) -> Option<(String, Signature)> {
    let at = usize::from(words.first().is_some_and(|word| word.is("*")));
    let name = words.get(at).filter(|word| word.kind == TokenKind::Name)?;
    let open = words.iter().skip(at).take(64).position(|word| word.is("("))? + at;
    let close = open + closing(&words[open..])?;
    let doc = doc.map(FunctionDoc::read).unwrap_or_default();
    let mut parameters = Vec::new();
    for (number, words) in parts(&words[open + 1..close], ",").into_iter().enumerate() {
        if words.first().is_some_and(|word| word.is("this")) {
            continue;
        }
        if parameters.len() == MOST_PARAMETERS {
            return None;
        }
        let parameter = parameter(words, number + 1, &doc, &parameters)?;
        parameters.push(parameter);
    }
    Some((name.text.to_owned(), Signature { parameters, about: doc.about }))
}

/// Where the bracket closes that comes first.
fn closing(words: &[Token<'_>]) -> Option<usize> {
    let mut depth = 0_usize;
    words.iter().position(|word| {
        if word.kind == TokenKind::Punctuation {
            match word.text {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        depth == 0
    })
}

/// Parted where this punctuation stands in no bracket, those of types included; no empty part at the end.
pub(crate) fn parts<'a, 's>(words: &'a [Token<'s>], at: &str) -> Vec<&'a [Token<'s>]> {
    let (mut depth, mut from, mut parts) = (0_usize, 0, Vec::new());
    for (index, word) in words.iter().enumerate() {
        if word.kind != TokenKind::Punctuation {
            continue;
        }
        match word.text {
            "(" | "[" | "{" | "<" => depth += 1,
            ")" | "]" | "}" | ">" => depth = depth.saturating_sub(1),
            ">>" => depth = depth.saturating_sub(2),
            ">>>" => depth = depth.saturating_sub(3),
            text if depth == 0 && text == at => {
                parts.push(&words[from..index]);
                from = index + 1;
            }
            _ => {}
        }
    }
    if from < words.len() {
        parts.push(&words[from..]);
    }
    parts
}

/// `...name?: type = default`, or a pattern in its place.
fn parameter(
    words: &[Token<'_>],
    number: usize,
    doc: &FunctionDoc,
    before: &[Parameter],
) -> Option<Parameter> {
    // The lexer may give three dots as one word or as three.
    let dots = words.iter().take_while(|word| word.text.starts_with('.')).count();
    let (is_rest, words) = (dots > 0, &words[dots..]);
    let first = words.first()?;
    let is_named = first.kind == TokenKind::Name;
    let head = if is_named { 1 } else { closing(words)? + 1 };
    let rest = &words[head..];
    let is_default = parts(rest, "=").len() > 1 || rest.first().is_some_and(|word| word.is("="));
    let is_optional = rest.first().is_some_and(|word| word.text.starts_with('?'));
    let colon = rest.iter().position(|word| word.text.ends_with(':')).filter(|at| *at < 2);
    let types = colon.map(|colon| parts(&rest[colon + 1..], "=").first().copied().unwrap_or_default());
    let own = if is_named { first.text } else { "" };
    let told = doc.parameters.get(own);
    let mut schema = match (types, told.and_then(|told| told.schema.clone())) {
        (Some(types), _) => typed(types),
        (None, Some(schema)) => schema,
        (None, None) if first.is("{") => into_map(json!({ "type": "object" })),
        (None, None) if first.is("[") => into_map(json!({ "type": "array" })),
        (None, None) => Map::new(),
    };
    // What is collected is typed as the list of it.
    if is_rest {
        schema = match schema.remove("items") {
            Some(Value::Object(items)) => items,
            _ => Map::new(),
        };
    }
    if let Some(about) = told.and_then(|told| told.about.clone()) {
        schema.insert("description".to_owned(), about.into());
    }
    let is_key = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let fits = is_named && own.len() <= 64 && own.bytes().all(is_key);
    let is_free = before.iter().all(|earlier| earlier.name != own);
    let name = if fits && is_free { own.to_owned() } else { format!("arg{number}") };
    // Only who says so asks for it: in JavaScript each may be left out.
    let is_required = (types.is_some() && !is_optional || told.is_some_and(|told| told.is_required))
        && !is_default
        && !is_rest;
    Some(Parameter { name, schema, is_required, is_rest })
}

pub(crate) fn into_map(value: Value) -> Map<String, Value> {
    if let Value::Object(map) = value { map } else { Map::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jsdoc::MOST_ABOUT;

    fn schema(source: &str, method: &str) -> Value {
        Value::Object(read(source).get(method).unwrap_or_else(|| panic!("{method} of {source}")).schema())
    }

    #[test]
    fn types_and_comments_become_a_schema() {
        let source = "
            import { x } from './x';
            /** Not this one. */
            const y = 1;
            /**
             * Looks around,
             * twice.
             * @param {number} depth - how deep
             * @param {string[]} [names=[]] whom to look for
             * @param {'near'|'far'} where
             */
            function scan(depth, names, where) { function inner(a) {} }
            export async function put(key: string, value?: Array<{ n: number; t?: 'a' | 'b' }>, ...more: number[]): Promise<void> {}
            function plain(a, { b }, c = 3) {}
            function none() {}
        ";
        let all = read(source);
        assert_eq!(all.keys().collect::<Vec<_>>(), ["none", "plain", "put", "scan"]);
        assert_eq!(all["scan"].about.as_deref(), Some("Looks around, twice."));
        assert_eq!(
            schema(source, "scan"),
            json!({ "type": "object", "properties": {
                "depth": { "type": "number", "description": "how deep" },
                "names": { "type": "array", "items": { "type": "string" }, "description": "whom to look for" },
                "where": { "enum": ["near", "far"] } },
                "required": ["depth", "where"], "additionalProperties": false })
        );
        assert_eq!(
            schema(source, "put"),
            json!({ "type": "object", "properties": {
                "key": { "type": "string" },
                "value": { "type": "array", "items": { "type": "object", "properties": {
                    "n": { "type": "number" }, "t": { "enum": ["a", "b"] } }, "required": ["n"] } },
                "more": { "type": "array", "items": { "type": "number" } } },
                "required": ["key"], "additionalProperties": false })
        );
        assert_eq!(
            schema(source, "plain"),
            json!({ "type": "object", "properties": { "a": {}, "arg2": { "type": "object" }, "c": {} },
                "additionalProperties": false })
        );
    }

    #[test]
    fn arguments_by_name_find_their_places() {
        let source = "function f(a: number, b?, c?, ...d) {}";
        let signature = &read(source)["f"];
        let placed = |given: Value| signature.placed(into_map(given));
        for (given, places) in [
            (json!({ "a": 1 }), json!([1])),
            (json!({ "c": 3, "a": 1 }), json!([1, null, 3])),
            (json!({ "a": 1, "d": [4, 5] }), json!([1, null, null, 4, 5])),
        ] {
            assert_eq!(placed(given).map(Value::from), Ok(places));
        }
        for given in [json!({}), json!({ "a": 1, "e": 1 }), json!({ "a": 1, "d": 4 })] {
            assert!(placed(given.clone()).is_err(), "{given}");
        }
    }

    #[test]
    fn hostile_sources_give_something_bounded() {
        let comment =
            format!("/** {} @param {{ */ function f(a) {{}}", "Ignore all\u{202e}\u{1b}[2J ".repeat(9999));
        let about = read(&comment)["f"].about.clone().expect("is there");
        assert!(about.len() < 8 * MOST_ABOUT && !about.contains(['\u{202e}', '\u{1b}']));
        let nested = format!("function f(a: {}) {{}}", "{b:".repeat(20_000));
        let many = format!("function f({}) {{}}", "a,".repeat(10_000));
        let arrays = format!("function f(a: number{}) {{}}", "[]".repeat(20_000));
        let named = "function f(__proto__: string, größe: number, $: 1, __proto__) {}".to_owned();
        for source in
            [nested, many, arrays, named.clone(), "function".into(), "function f(".into(), "/**".into()]
        {
            for signature in read(&source).values() {
                assert!(signature.parameters.len() <= MOST_PARAMETERS);
                assert!(serde_json::to_string(&signature.schema()).is_ok_and(|text| text.len() < 4096));
            }
        }
        let names: Vec<_> = read(&named)["f"].parameters.iter().map(|known| known.name.clone()).collect();
        assert_eq!(names, ["__proto__", "arg2", "arg3", "arg4"]);
    }
}
