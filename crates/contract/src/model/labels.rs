//! Labels, keys and names of files, which a caller chooses: one line, and not a long one. How long,
//! and by which pattern, is said here once for the server and for the schemas.
//!
//! Lengths are of characters, which is what a schema can count.

use std::collections::BTreeMap;

use schemars::{Schema, SchemaGenerator, json_schema};

/// Of an idempotency key, and of a ticket holder's name.
pub const MOST_KEY: usize = 128;
pub const MOST_FILE: usize = 255;
pub const MOST_LABELS: usize = 64;
/// Of a label's name or value.
pub const MOST_LABEL: usize = 256;

/// A text without control characters.
const LINE: &str = r"^[^\x00-\x1f\x7f-\x9f]*$";

#[must_use]
pub fn is_line(text: &str, most: usize) -> bool {
    text.len() <= most * 4 && text.chars().count() <= most && !text.chars().any(char::is_control)
}

#[must_use]
pub fn is_key(text: &str) -> bool {
    !text.is_empty() && is_line(text, MOST_KEY)
}

/// What errors call a source. Its stem is the worker's name, so it ends in a word.
#[must_use]
pub fn is_file(text: &str) -> bool {
    !text.is_empty() && is_line(text, MOST_FILE) && !text.ends_with('/')
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    #[error("the label {0:?} is empty, too long, or has control characters")]
    Words(String),
    #[error("{0} labels are too many, {MOST_LABELS} are allowed")]
    TooMany(usize),
}

pub fn check_labels(labels: &BTreeMap<String, String>) -> Result<(), LabelError> {
    let fits = |(name, value): &(&String, &String)| {
        !name.is_empty() && is_line(name, MOST_LABEL) && is_line(value, MOST_LABEL)
    };
    match labels.iter().find(|label| !fits(label)) {
        Some((name, _)) => Err(LabelError::Words(name.chars().take(64).collect())),
        None if labels.len() > MOST_LABELS => Err(LabelError::TooMany(labels.len())),
        None => Ok(()),
    }
}

pub fn key_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "minLength": 1, "maxLength": MOST_KEY, "pattern": LINE })
}

pub fn holder_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "null"], "maxLength": MOST_KEY, "pattern": LINE })
}

pub fn file_schema(_: &mut SchemaGenerator) -> Schema {
    let pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x1f\x7f-\x9f/]$";
    json_schema!({ "type": "string", "minLength": 1, "maxLength": MOST_FILE, "pattern": pattern })
}

pub fn labels_schema(_: &mut SchemaGenerator) -> Schema {
    let value = json_schema!({ "type": "string", "maxLength": MOST_LABEL, "pattern": LINE });
    let mut name = value.clone();
    name.insert("minLength".into(), 1.into());
    json_schema!({
        "type": "object",
        "maxProperties": MOST_LABELS,
        "propertyNames": name,
        "additionalProperties": value,
    })
}
