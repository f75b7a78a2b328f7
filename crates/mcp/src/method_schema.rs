//! Type schemas: what a type of TypeScript or JSDoc is as JSON Schema. One that is not understood is any value.

use hauki_lang::lexer::{Token, TokenKind, words};
use serde_json::{Map, Value, json};

use crate::signature::{into_map, parts};

/// Of types within each other.
const DEEPEST: usize = 8;
/// Of the parts of one type, of all its levels together as well.
const MOST_PARTS: usize = 24;

/// Of a type in a source.
pub(crate) fn typed(words: &[Token<'_>]) -> Map<String, Value> {
    let mut left = MOST_PARTS;
    // Two brackets that close one after the other are a shift elsewhere.
    let is_shift = |word: &&Token<'_>| word.text.len() > 1 && word.text.bytes().all(|byte| byte == b'>');
    if !words.iter().any(|word| is_shift(&word)) {
        return schema(words, DEEPEST, &mut left);
    }
    let mut single = Vec::with_capacity(words.len() + 2);
    for word in words {
        match is_shift(&word) {
            true => {
                single.extend((0..word.text.len()).map(|at| Token { text: &word.text[at..=at], ..*word }))
            }
            false => single.push(*word),
        }
    }
    schema(&single, DEEPEST, &mut left)
}

/// Of a type in a comment, which has signs of its own; and whether it may be left out.
pub(crate) fn jsdoc_type(text: &str) -> (Map<String, Value>, bool) {
    let (text, may_lack) = match text.strip_suffix('=') {
        Some(text) => (text, true),
        None => (text, text == "*"),
    };
    let (is_nullable, text) = match text.strip_prefix('?') {
        Some(text) => (true, text),
        None => (false, text.trim_start_matches('!')),
    };
    let is_rest = text.starts_with("...");
    let told = typed(&words(text.trim_start_matches("...")));
    let told = match (is_nullable, is_rest) {
        (_, true) => into_map(json!({ "type": "array", "items": told })),
        (true, false) if !told.is_empty() => into_map(json!({ "anyOf": [told, { "type": "null" }] })),
        _ => told,
    };
    (told, may_lack || is_rest)
}

fn schema(words: &[Token<'_>], deeper: usize, left: &mut usize) -> Map<String, Value> {
    let any = Map::new;
    if deeper == 0 || *left == 0 {
        return any();
    }
    *left -= 1;
    let choices: Vec<_> = parts(words, "|").into_iter().filter(|part| !part.is_empty()).collect();
    match choices.as_slice() {
        [] => any(),
        [one] => single(one, deeper - 1, left),
        several if several.len() > MOST_PARTS => any(),
        several => {
            if let Some(values) = several.iter().map(|part| literal(part)).collect::<Option<Vec<_>>>() {
                return into_map(json!({ "enum": values }));
            }
            let all: Vec<_> = several.iter().map(|part| schema(part, deeper - 1, left)).collect();
            // Any value beside others is any value.
            if all.iter().any(Map::is_empty) { any() } else { into_map(json!({ "anyOf": all })) }
        }
    }
}

fn literal(words: &[Token<'_>]) -> Option<Value> {
    let [word] = words else { return None };
    match word.kind {
        // Without what would have to be decoded.
        TokenKind::Text => {
            word.text.get(1..word.text.len() - 1).filter(|text| !text.contains('\\')).map(Value::from)
        }
        TokenKind::Number => word.text.parse::<i64>().ok().map(Value::from),
        TokenKind::Name => match word.text {
            "true" => Some(true.into()),
            "false" => Some(false.into()),
            "null" => Some(Value::Null),
            _ => None,
        },
        _ => None,
    }
}

fn single(words: &[Token<'_>], deeper: usize, left: &mut usize) -> Map<String, Value> {
    let any = Map::new;
    if let Some(value) = literal(words) {
        return into_map(json!({ "enum": [value] }));
    }
    match words {
        [before @ .., open, close] if open.is("[") && close.is("]") => {
            into_map(json!({ "type": "array", "items": schema(before, deeper, left) }))
        }
        [first, inner @ .., last] if first.is("(") && last.is(")") => schema(inner, deeper, left),
        [first, inner @ .., last] if first.is("{") && last.is("}") => object(inner, deeper, left),
        [first, inner @ .., last] if first.is("[") && last.is("]") && !inner.is_empty() => {
            into_map(json!({ "type": "array" }))
        }
        [name, open, inner @ .., close] if open.is("<") && close.is(">") => {
            let inner = parts(inner, ",");
            match (name.text, inner.as_slice()) {
                ("Array" | "ReadonlyArray", [item]) => {
                    into_map(json!({ "type": "array", "items": schema(item, deeper, left) }))
                }
                ("Record" | "Object", [_, value]) => {
                    into_map(json!({ "type": "object", "additionalProperties": schema(value, deeper, left) }))
                }
                ("Partial", [_]) => into_map(json!({ "type": "object" })),
                _ => any(),
            }
        }
        [name] => match name.text {
            "string" | "String" => into_map(json!({ "type": "string" })),
            "number" | "Number" => into_map(json!({ "type": "number" })),
            "boolean" | "Boolean" => into_map(json!({ "type": "boolean" })),
            "object" | "Object" => into_map(json!({ "type": "object" })),
            "Array" => into_map(json!({ "type": "array" })),
            _ => any(),
        },
        _ => any(),
    }
}

/// `a: string; readonly b?: number`
fn object(words: &[Token<'_>], deeper: usize, left: &mut usize) -> Map<String, Value> {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    let members = parts(words, ";").into_iter().flat_map(|part| parts(part, ","));
    for member in members.filter(|member| !member.is_empty()) {
        let member = match member {
            [first, second, ..] if first.is("readonly") && !second.text.ends_with(':') => &member[1..],
            other => other,
        };
        let colon = member.iter().position(|word| word.text.ends_with(':'));
        let (Some(name), Some(colon @ (1 | 2))) = (member.first(), colon) else {
            return into_map(json!({ "type": "object" }));
        };
        if name.kind != TokenKind::Name || properties.len() == MOST_PARTS {
            return into_map(json!({ "type": "object" }));
        }
        properties.insert(name.text.to_owned(), schema(&member[colon + 1..], deeper, left).into());
        if !member[1].text.starts_with('?') {
            required.push(name.text);
        }
    }
    let mut schema = into_map(json!({ "type": "object", "properties": properties }));
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_what_its_author_would_take() {
        let string = json!({ "type": "string" });
        for (text, schema) in [
            ("string", string.clone()),
            ("string[][]", json!({ "type": "array", "items": { "type": "array", "items": string } })),
            (
                "Array<Array<string>>",
                json!({ "type": "array", "items": { "type": "array", "items": string } }),
            ),
            ("string | number", json!({ "anyOf": [string, { "type": "number" }] })),
            ("| 'a' | 2 | null", json!({ "enum": ["a", 2, null] })),
            (
                "(string | null)[]",
                json!({ "type": "array", "items": { "anyOf": [string, { "enum": [null] }] } }),
            ),
            (
                "Record<string, boolean>",
                json!({ "type": "object", "additionalProperties": { "type": "boolean" } }),
            ),
            (
                "{ a: string, readonly b?: Foo; }",
                json!({ "type": "object", "properties": { "a": string, "b": {} }, "required": ["a"] }),
            ),
            ("[number, string]", json!({ "type": "array" })),
            ("Foo<string>", json!({})),
            ("string | Foo", json!({})),
            ("(a: string) => void", json!({})),
            ("any", json!({})),
            ("", json!({})),
        ] {
            assert_eq!(Value::Object(typed(&words(text))), schema, "{text}");
        }
        for (text, schema, may_lack) in [
            ("number=", json!({ "type": "number" }), true),
            ("?string", json!({ "anyOf": [string, { "type": "null" }] }), false),
            ("*", json!({}), true),
            ("...number", json!({ "type": "array", "items": { "type": "number" } }), true),
        ] {
            assert_eq!(jsdoc_type(text), (into_map(schema), may_lack), "{text}");
        }
    }
}
