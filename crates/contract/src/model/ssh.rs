//! SSH address: where a node's SSH server is, `USER@HOST[:PORT]`. Pure.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

const PORT: u16 = 22;

/// A user at a host. An IPv6 address stands in brackets where a port follows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SshAddress {
    pub user: String,
    pub host: String,
    pub port: u16,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not USER@HOST or USER@HOST:PORT")]
pub struct SshAddressError(String);

fn is_user(text: &str) -> bool {
    let part = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    (1..=32).contains(&text.len()) && !text.starts_with('-') && text.chars().all(part)
}

fn is_host(text: &str) -> bool {
    let part = |letter: char| letter.is_ascii_alphanumeric() || ".-_:%".contains(letter);
    (1..=253).contains(&text.len()) && !text.starts_with('-') && text.chars().all(part)
}

impl FromStr for SshAddress {
    type Err = SshAddressError;

    fn from_str(text: &str) -> Result<Self, SshAddressError> {
        let error = || SshAddressError(text.chars().take(80).collect());
        let (user, place) = text.split_once('@').ok_or_else(error)?;
        let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, port)) => (host, Some(port.strip_prefix(':').ok_or_else(error)?)),
            // Two colons and no brackets: an IPv6 address alone.
            None if place.matches(':').count() > 1 => (place, None),
            None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
        };
        let port = port.map_or(Ok(PORT), str::parse).ok().filter(|port| *port > 0).ok_or_else(error)?;
        if !is_user(user) || !is_host(host) {
            return Err(error());
        }
        Ok(Self { user: user.to_owned(), host: host.to_owned(), port })
    }
}

impl TryFrom<String> for SshAddress {
    type Error = SshAddressError;

    fn try_from(text: String) -> Result<Self, SshAddressError> {
        text.parse()
    }
}

impl From<SshAddress> for String {
    fn from(address: SshAddress) -> Self {
        address.to_string()
    }
}

impl fmt::Display for SshAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, host, port } = self;
        match (host.contains(':'), *port) {
            (false, PORT) => write!(out, "{user}@{host}"),
            (false, port) => write!(out, "{user}@{host}:{port}"),
            (true, PORT) => write!(out, "{user}@[{host}]"),
            (true, port) => write!(out, "{user}@[{host}]:{port}"),
        }
    }
}

impl JsonSchema for SshAddress {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "SshAddress".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9._-]+@.+$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_as_it_is_written() {
        for (text, shown) in [
            ("ops@10.0.0.7", Some("ops@10.0.0.7")),
            ("ops@10.0.0.7:22", Some("ops@10.0.0.7")),
            ("ops@n3.example:2222", Some("ops@n3.example:2222")),
            ("ops@[fd00::7]:2222", Some("ops@[fd00::7]:2222")),
            ("ops@fd00::7", Some("ops@[fd00::7]")),
            ("10.0.0.7", None),
            ("@host", None),
            ("ops@", None),
            ("ops@host:0", None),
            ("ops@host:70000", None),
            ("ops@host:ssh", None),
            ("-oProxyCommand=x@host", None),
            ("ops@-host", None),
            ("ops@host name", None),
            ("o ps@host", None),
            ("ops@[fd00::7]2222", None),
        ] {
            let read = text.parse::<SshAddress>().ok().map(|address| address.to_string());
            assert_eq!(read.as_deref(), shown, "{text}");
        }
    }
}
