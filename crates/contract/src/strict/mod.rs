//! Strict deserialization: one way to read a document, whatever comes as JSON or YAML and is not passed on as text.
//!
//! serde's derived code is lenient where our contracts are not: it takes a sequence where an object is
//! meant, refuses `60000.0` where an integer is meant, and keeps the last of two equal members of a
//! map. So nothing is read with `serde_json::from_*` directly; what is read here is bounded in size and
//! depth and number of values, has objects where objects are meant, integers by their value, no member twice, and no text
//! with half a surrogate pair. A refusal names the member by its path. What is read with [`tolerant_reader`] may say more than this
//! version knows.
//!
//! Text that is only carried (parameters and results) stays text and keeps its escapes; [`scan`] bounds
//! it. Pure: no state, and nothing is allocated for a document of structs beyond what its fields need.

pub mod byte_search;
pub mod tolerant_reader;
mod choice;
mod wire_document;
#[cfg(feature = "documents")]
mod nesting;
mod json_path;
mod object;
pub mod scan;
mod shape;
pub mod stream;
mod error_text;
#[cfg(feature = "documents")]
mod yaml;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

pub use shape::Shape;
use tolerant_reader::PassedOver;
pub use wire_document::WireDocument;
#[cfg(feature = "documents")]
pub use yaml::from_yaml;

/// How large a document may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DocumentLimits {
    pub bytes: usize,
    /// Of arrays and objects within each other, the outermost counted.
    pub depth: usize,
    /// Of values in all, however short: in memory each costs many times what it has as text.
    pub values: usize,
}

impl DocumentLimits {
    /// serde_json itself gives up at 128; ours comes first and has a name.
    pub const DEPTH: usize = 120;

    /// A message around somebody's document, whose length whoever reads it has bounded.
    pub const MESSAGE: Self = Self { bytes: usize::MAX, depth: Self::DEPTH + 8, values: usize::MAX };

    #[must_use]
    pub const fn bytes(bytes: usize) -> Self {
        Self { bytes, depth: Self::DEPTH, values: usize::MAX }
    }

    #[must_use]
    pub const fn values(self, values: usize) -> Self {
        Self { values, ..self }
    }
}

/// Read by these rules whatever reads it, for where [`from_str`] cannot: a stream of documents.
#[derive(Debug)]
pub struct Strict<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Strict<T> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        T::deserialize(Shape::new(input, None)).map(Self)
    }
}

/// Why a document was refused, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", prefix(.path))]
pub struct StrictError {
    /// As `lease.claim_ms` or `nodes[0].ssh`; empty for the document itself.
    pub path: String,
    pub reason: String,
    /// From 1; zero where there is no line to name.
    pub line: usize,
    pub column: usize,
}

fn prefix(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("{path}: ") }
}

impl StrictError {
    /// As `:3:7`, to stand behind the name of a file; empty where there is no line to name.
    #[must_use]
    pub fn place(&self) -> String {
        if self.line == 0 { String::new() } else { format!(":{}:{}", self.line, self.column) }
    }

    pub(crate) fn whole(reason: impl Into<String>) -> Self {
        Self { path: String::new(), reason: reason.into(), line: 0, column: 0 }
    }

    fn json(text: &[u8], error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let told = error.to_string();
        // Where the form itself is broken, a reader counts columns; elsewhere the path says more.
        let reason = match error.classify() {
            serde_json::error::Category::Data => error_text::plain(
                told.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&told),
            ),
            // Its own words tell of hex digits, which are not what is missing.
            _ if told.contains("surrogate") || told.starts_with("unexpected end of hex escape") => {
                format!("half of a surrogate pair is no text, at line {line} column {column}")
            }
            _ => error_text::plain(&told),
        };
        let path = if line == 0 { String::new() } else { json_path::path(text, line, column) };
        Self { path, reason, line, column }
    }
}

/// The document that these bytes are.
pub fn from_slice<'a, T: Deserialize<'a>>(bytes: &'a [u8], limits: DocumentLimits) -> Result<T, StrictError> {
    from_str(text(bytes)?, limits)
}

pub fn from_str<'a, T: Deserialize<'a>>(text: &'a str, limits: DocumentLimits) -> Result<T, StrictError> {
    read(text, limits, None)
}

/// For [`wire_documents!`](crate::wire_documents), which compiles it.
#[doc(hidden)]
pub fn read<'a, T: Deserialize<'a>>(
    text: &'a str,
    limits: DocumentLimits,
    heard: Option<&PassedOver>,
) -> Result<T, StrictError> {
    bounded(text, limits)?;
    if !scan::is_within(text.as_bytes(), limits.depth) {
        return Err(StrictError::whole(format!("it nests deeper than {} levels", limits.depth)));
    }
    if !scan::has_at_most(text.as_bytes(), limits.values) {
        return Err(StrictError::whole(format!("it has more than {} values", limits.values)));
    }
    let mut input = serde_json::Deserializer::from_str(text);
    let read = T::deserialize(Shape::new(&mut input, heard)).and_then(|value| input.end().map(|()| value));
    read.map_err(|error| StrictError::json(text.as_bytes(), &error))
}

/// One value that is only carried, as its text.
pub fn raw(text: &str) -> Result<&RawValue, StrictError> {
    serde_json::from_str(text).map_err(|error| StrictError::json(text.as_bytes(), &error))
}

/// Whether the text is one value.
#[must_use]
pub fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

/// The document of which somebody read the members before.
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T, StrictError> {
    // Through its text, so that a refusal can name the path. Only small ones are read like this.
    from_str(&value.to_string(), DocumentLimits::bytes(usize::MAX))
}

/// As text: UTF-8, without the byte order mark that some editors write before it.
pub fn text(bytes: &[u8]) -> Result<&str, StrictError> {
    std::str::from_utf8(without_mark(bytes))
        .map_err(|error| StrictError::whole(format!("it is not UTF-8 from byte {} on", error.valid_up_to())))
}

#[must_use]
pub fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// The white space of JSON. Others know more, and no reader takes it between the tokens.
const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// Without the white space around it, which is what a reader passes over and no other.
#[must_use]
pub fn trimmed(text: &str) -> &str {
    text.trim_matches(SPACE)
}

/// Whether a line says nothing.
#[must_use]
pub fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| SPACE.contains(&char::from(*byte)))
}

fn bounded(text: &str, limits: DocumentLimits) -> Result<(), StrictError> {
    if text.len() > limits.bytes {
        return Err(StrictError::whole(format!(
            "it is longer than the {} bytes that are allowed",
            limits.bytes
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
