//! The name of a live worker, as `scout/eu`: what the service registry keeps.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::gem::is_word;
use super::id::{SpoolId, SummonsId, TicketId, VaultId};

const MOST_BYTES: usize = 128;

/// Words of letters, digits, `_`, `-` and `.`, joined by `/`: nothing that a shell, a path or a
/// URL would have to quote, and nothing that could be taken for an id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServiceName(String);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{0:?} cannot be a worker's name: expected at most {MOST_BYTES} bytes, words of letters, digits, _, - and . \
     joined by /, none starting with a dot; it cannot start with - or like an id"
)]
pub struct ServiceNameError(String);

impl ServiceName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ServiceName {
    type Err = ServiceNameError;

    fn from_str(text: &str) -> Result<Self, ServiceNameError> {
        let like_an_id = [VaultId::PREFIX, SummonsId::PREFIX, TicketId::PREFIX, SpoolId::PREFIX]
            .iter()
            .any(|id| text.starts_with(id));
        if text.len() <= MOST_BYTES && text.split('/').all(is_word) && !text.starts_with('-') && !like_an_id {
            Ok(Self(text.to_owned()))
        } else {
            Err(ServiceNameError(text.chars().take(64).collect()))
        }
    }
}

impl TryFrom<String> for ServiceName {
    type Error = ServiceNameError;

    fn try_from(text: String) -> Result<Self, ServiceNameError> {
        text.parse()
    }
}

impl From<ServiceName> for String {
    fn from(name: ServiceName) -> Self {
        name.0
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}

impl JsonSchema for ServiceName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ServiceName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "maxLength": MOST_BYTES,
            "pattern": "^(?!vlt_|sum_|tkt_|spl_)[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_words_and_never_an_id_or_a_path() {
        let long = "a".repeat(MOST_BYTES);
        for (text, fits) in [
            ("scout", true),
            ("scout/eu", true),
            ("Scout_1/eu-west.2", true),
            (&long, true),
            (&format!("{long}a"), false),
            ("", false),
            ("/scout", false),
            ("scout/", false),
            ("scout//eu", false),
            ("../etc", false),
            ("scout eu", false),
            ("sc\u{f6}ut", false),
            ("-scout", false),
            ("vlt_01HF7YAT00000000000000001A", false),
            ("a\nb", false),
        ] {
            assert_eq!(text.parse::<ServiceName>().is_ok(), fits, "{text:?}");
        }
    }
}
