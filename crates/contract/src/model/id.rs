//! Identifiers: a prefix that says what it names, then a ULID.
//!
//! They are validated once, when parsed, and never contain a character that needs quoting in a
//! shell, a path or a URL. The time and the randomness come from the caller.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use ulid::Ulid;

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{text:?} is not {what}: expected {prefix} and 26 characters")]
pub struct IdError {
    text: String,
    what: &'static str,
    prefix: &'static str,
}

/// The JSON Schema of an identifier: a string with a pattern, written where it is used.
macro_rules! pattern {
    ($name:ident, $pattern:expr) => {
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    };
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub const PREFIX: &str = $prefix;

            #[must_use]
            pub fn mint(unix_ms: u64, random: u128) -> Self {
                Self(format!("{}{}", $prefix, Ulid::from_parts(unix_ms, random)))
            }

            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let error = || IdError { text: text.chars().take(64).collect(), what: $what, prefix: $prefix };
                let body = text.strip_prefix($prefix).ok_or_else(error)?;
                let ulid = Ulid::from_string(body).map_err(|_| error())?;
                // Only the canonical spelling names a thing, or one vault would have two names.
                (ulid.to_string() == body).then(|| Self(text.to_owned())).ok_or_else(error)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        pattern!($name, concat!("^", $prefix, "[0-7][0-9A-HJKMNP-TV-Z]{25}$"));

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

id!(
    /// A worker that has been asked for: resolved, hashed and checked source.
    SummonsId, "sum_", "a summons id"
);
id!(
    /// One sandbox and the worker in it.
    VaultId, "vlt_", "a vault id"
);
id!(
    /// One handed-out right to call a vault.
    TicketId, "tkt_", "a ticket id"
);

id!(
    /// A summons in the queue.
    SpoolId, "spl_", "a spool id"
);

/// The name of a swarm node: 1 to 63 of `a-z 0-9 -`, starting with a letter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeName(String);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not a node name: expected 1 to 63 of a-z, 0-9 and -, starting with a letter")]
pub struct NodeNameError(String);

pattern!(NodeName, "^[a-z][a-z0-9-]{0,62}$");

impl NodeName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NodeName {
    type Err = NodeNameError;

    fn from_str(text: &str) -> Result<Self, NodeNameError> {
        let fits = (1..=63).contains(&text.len())
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if fits { Ok(Self(text.to_owned())) } else { Err(NodeNameError(text.chars().take(64).collect())) }
    }
}

impl TryFrom<String> for NodeName {
    type Error = NodeNameError;

    fn try_from(text: String) -> Result<Self, NodeNameError> {
        text.parse()
    }
}

impl From<NodeName> for String {
    fn from(name: NodeName) -> Self {
        name.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = VaultId::mint(1_700_000_000_000, 42);
        assert_eq!(id.as_str().parse::<VaultId>().as_ref(), Ok(&id));
        for wrong in [
            "",
            "vlt_",
            "vlt_01",
            "sum_01HF7YAT00000000000000001A",
            &id.as_str().to_lowercase(),
            "vlt_../../../../../../../etc/pa",
        ] {
            assert!(wrong.parse::<VaultId>().is_err(), "{wrong} was taken for an id");
        }
    }

    #[test]
    fn node_names_are_host_labels() {
        for (name, fits) in
            [("local", true), ("n3", true), ("", false), ("3n", false), ("a/b", false), ("A", false)]
        {
            assert_eq!(name.parse::<NodeName>().is_ok(), fits, "{name}");
        }
    }
}
