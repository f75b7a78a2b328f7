//! The Capability Ticket: all that a client in any language needs to call one vault.
//!
//! It is a strict document: what is not listed here is not in it. `man/hauki-ticket.5` describes
//! it, `man/hauki-ticket.schema.json` is generated from these types.

use std::net::IpAddr;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::digest::Sha256;
use super::id::{NodeName, TicketId, VaultId};
use super::secret::Secret;

/// The version of this document.
pub const VERSION: u32 = 1;

/// The right that stands for every method of the worker.
pub const ALL_METHODS: &str = "*";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ticket {
    /// The version of this document: 1.
    #[schemars(extend("const" = 1))]
    pub v: u32,
    pub kind: TicketKind,
    pub id: TicketId,
    pub vault: VaultId,
    /// The fencing token: a node refuses a ticket whose generation is not the vault's.
    pub generation: u64,
    pub node: NodeName,
    pub worker: Worker,
    pub endpoint: Endpoint,
    pub tls: Tls,
    pub auth: Auth,
    pub protocol: Protocol,
    /// The worker's public methods that this ticket may call.
    pub methods: Vec<String>,
    pub lease: LeaseTerms,
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub issued_at: Timestamp,
    /// After this the node takes the ticket no more, heartbeats or not.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TicketKind {
    Ticket,
}

/// What runs in the vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    /// The gem's path, or the file's name without its ending.
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The SHA-256 of the source.
    pub sha256: Sha256,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// The node's address on the data plane.
    pub ip: IpAddr,
    #[serde(deserialize_with = "port")]
    #[schemars(range(min = 1))]
    pub port: u16,
}

/// Nobody listens at port 0.
fn port<'de, D: Deserializer<'de>>(input: D) -> Result<u16, D::Error> {
    match u16::deserialize(input)? {
        0 => Err(D::Error::custom("the port is 0, and a port is 1 to 65535")),
        port => Ok(port),
    }
}

/// The node's certificate is self-signed and made anew at each start of the node; either digest pins it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The least and only version: `1.3`.
    #[schemars(extend("const" = "1.3"))]
    pub version: String,
    /// SHA-256 of the certificate in DER: what `getpeercert(binary_form=True)` returns.
    pub cert_sha256: Sha256,
    /// SHA-256 of the certificate's SubjectPublicKeyInfo in DER: the node's key.
    pub key_sha256: Sha256,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    #[schemars(extend("const" = "biscuit"))]
    pub scheme: String,
    /// A biscuit in URL-safe base64. Whoever has it can call; it may be narrowed offline.
    pub token: Secret,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    #[schemars(extend("const" = "jsonrpc-2.0"))]
    pub name: String,
    /// One message per line.
    #[schemars(extend("const" = "ndjson"))]
    pub framing: String,
    /// The longest line, in bytes, its newline not counted.
    pub max_frame_bytes: u32,
    /// How long one call may run.
    pub call_deadline_ms: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaseTerms {
    /// The first use of a ticket must come within this time of its issue.
    pub claim_ms: u64,
    /// From one heartbeat or call to the next.
    pub lease_ms: u64,
    /// Whether the vault dies with the connection that claimed it.
    pub link: bool,
    /// How long the connection of a linked vault may be silent.
    pub link_silence_ms: u64,
}

pub const TLS: &str = "1.3";
pub const SCHEME: &str = "biscuit";
pub const PROTOCOL: &str = "jsonrpc-2.0";
pub const FRAMING: &str = "ndjson";

impl Protocol {
    #[must_use]
    pub fn new(max_frame_bytes: u32, call_deadline_ms: u32) -> Self {
        Self { name: PROTOCOL.into(), framing: FRAMING.into(), max_frame_bytes, call_deadline_ms }
    }
}

/// What a ticket says that this version does not know, so that it must not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the ticket has {member} {found:?}, and only {known:?} is known here")]
pub struct Foreign {
    pub member: &'static str,
    pub found: String,
    pub known: String,
}

impl Ticket {
    /// The first rule of `hauki-ticket.5`: what is not known is refused.
    pub fn check_known(&self) -> Result<(), Foreign> {
        let version = self.v.to_string();
        let members = [
            ("v", version.as_str(), VERSION.to_string()),
            ("tls.version", &self.tls.version, TLS.into()),
            ("auth.scheme", &self.auth.scheme, SCHEME.into()),
            ("protocol.name", &self.protocol.name, PROTOCOL.into()),
            ("protocol.framing", &self.protocol.framing, FRAMING.into()),
        ];
        match members.into_iter().find(|(_, found, known)| found != known) {
            Some((member, found, known)) => Err(Foreign { member, found: found.to_owned(), known }),
            None => Ok(()),
        }
    }

    /// The published JSON Schema, draft 2020-12.
    #[must_use]
    pub fn schema() -> Schema {
        SchemaSettings::draft2020_12()
            .with_transform(super::schema::standard())
            .into_generator()
            .into_root_schema_for::<Self>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strict::{self, DocumentLimits};

    #[test]
    fn a_port_is_one_where_somebody_can_listen() {
        let read = |port: &str| {
            let text = format!(r#"{{"ip":"127.0.0.1","port":{port}}}"#);
            strict::from_str::<Endpoint>(&text, DocumentLimits::bytes(64)).map_err(|error| error.to_string())
        };
        assert_eq!(read("1").expect("is one").port, 1);
        assert_eq!(read("65535.0").expect("is one").port, 65535);
        for wrong in ["0", "0.0", "-1", "65536", "\"1\"", "null"] {
            let told = read(wrong).expect_err(wrong);
            assert!(told.contains("port"), "{wrong}: {told}");
        }
    }
}
