//! JSON of others, read strictly. What is taken, a lenient reader takes with the same value; its size, its depth and
//! what it costs are within the limits; and a refusal says where in few words.

#![no_main]

mod cost;

use std::collections::BTreeMap;

use hauki_contract::model::ticket::Ticket;
use hauki_contract::strict::{self, DocumentLimits, scan};
use libfuzzer_sys::fuzz_target;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

const LIMITS: DocumentLimits = DocumentLimits { bytes: 4096, depth: 12, values: usize::MAX };

/// Every kind of member that a contract has.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Document {
    n: u32,
    signed: i64,
    ratio: f64,
    flag: bool,
    text: String,
    letter: char,
    inner: Option<Box<Document>>,
    list: Vec<Document>,
    labels: BTreeMap<String, String>,
    numbered: BTreeMap<u16, u8>,
    pair: (u8, String),
    any: Value,
    choice: Option<Choice>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Choice {
    One,
    Two(u16),
    Three { a: u8 },
    Four(u8, u8),
}

/// How deep a value is.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Whether they are equal, up to the last digits of what is no integer: the parser is not exact there.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let pairs = one.iter().zip(other);
            one.len() == other.len()
                && pairs.into_iter().all(|(one, other)| one.0 == other.0 && same(one.1, other.1))
        }
        (Value::Number(one), Value::Number(other)) if one.is_f64() => {
            let (one, other) = (one.as_f64().unwrap_or(0.0), other.as_f64().unwrap_or(0.0));
            (one - other).abs() <= one.abs() * 1e-15
        }
        _ => one == other,
    }
}

fn named_twice(text: &str) -> bool {
    strict::from_str::<Value>(text, DocumentLimits::bytes(usize::MAX))
        .is_err_and(|error| error.reason.contains("twice"))
}

fuzz_target!(|bytes: &[u8]| {
    let any = cost::within(bytes.len(), 400, || strict::from_slice::<Value>(bytes, LIMITS));
    let plain = serde_json::from_slice::<Value>(strict::without_mark(bytes));
    match &any {
        Ok(value) => {
            assert_eq!(plain.as_ref().ok(), Some(value), "another value");
            assert!(bytes.len() <= LIMITS.bytes + 3 && depth(value) <= LIMITS.depth);
            let again = strict::from_value::<Value>(value).expect("is taken again");
            assert!(same(&again, value), "{value} became {again}");
        }
        Err(error) => {
            // Names are in it as a terminal may show them: a byte that it may not is six letters.
            assert!(error.to_string().len() <= 600 + 6 * bytes.len(), "{error}");
            // Nothing is refused but for one of the rules.
            if let (Ok(value), Ok(text)) = (&plain, strict::text(bytes)) {
                let known = text.len() > LIMITS.bytes || depth(value) > LIMITS.depth || named_twice(text);
                assert!(known, "{error}: {text}");
            }
        }
    }
    let document = cost::within(bytes.len(), 800, || strict::from_slice::<Document>(bytes, LIMITS));
    match document {
        Ok(document) => {
            assert!(plain.is_ok(), "is no JSON");
            let again = serde_json::to_string(&document).expect("serializes");
            let wide = DocumentLimits::bytes(usize::MAX);
            let read = strict::from_str::<Document>(&again, wide).expect("is taken again");
            let values = [read, document].map(|document| serde_json::to_value(document).expect("is JSON"));
            assert!(same(&values[0], &values[1]), "{again}");
        }
        Err(error) => assert!(error.to_string().len() <= 4096 + 8 * bytes.len(), "{error}"),
    }
    // What derived code alone would take of it is the same, where it is taken.
    if let Ok(ticket) = strict::from_slice::<Ticket>(bytes, LIMITS) {
        assert_eq!(
            serde_json::from_slice::<Ticket>(strict::without_mark(bytes)).ok().as_ref(),
            Some(&ticket)
        );
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let within = scan::is_within(bytes, LIMITS.depth);
        if let Ok(raw) = serde_json::from_str::<&RawValue>(text) {
            // Where it is JSON, the scan counts what a parser counts.
            if let Ok(value) = &plain {
                assert_eq!(within, depth(value) <= LIMITS.depth, "{}", raw.get());
            }
        }
    }
});
