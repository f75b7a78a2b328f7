//! Summons, the request for a worker: phase 1, and the first three phases in one.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::compilation::Compilation;
use super::invalid_request::InvalidRequest;
use super::vault::{Placement, TicketWishes, Vault};
use crate::model::gem::{GemPointer, Wishes};
use crate::model::id::{SummonsId, VaultId};
use crate::model::labels::{self, check_labels};
use crate::model::lease::Terms;
use crate::model::limits::Limits;
use crate::model::name::ServiceName;
use crate::model::ticket::{Ticket, Worker};

/// The longest source that is taken, in bytes.
pub const MAX_SOURCE_BYTES: usize = 4 * 1024 * 1024;

/// Where the worker's source comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Origin {
    Gem(GemPointer),
    Source {
        /// Not blank; at most 4 MiB as UTF-8.
        #[schemars(length(max = MAX_SOURCE_BYTES), regex(pattern = r"[^\t\n\f\r ]"))]
        text: String,
        /// What errors call the file; its stem is the worker's name.
        #[schemars(schema_with = "labels::file_schema")]
        file: String,
        /// Of what it was compiled; absent where it is as its author wrote it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        compilation: Option<Compilation>,
    },
}

/// `POST /api/v2/summons`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SummonsRequest {
    /// Idempotency key, minted by the caller: the same key and body give the same summons, another
    /// body is refused with `key_reused`. Kept for 24 hours.
    #[schemars(schema_with = "labels::key_schema")]
    pub key: String,
    pub origin: Origin,
    /// The arguments of `create`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<serde_json::Value>,
    #[serde(default)]
    pub wishes: Wishes,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "labels::labels_schema")]
    pub labels: BTreeMap<String, String>,
    /// What its vault is found by in the service registry, as long as it lives. Taken when it is forged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<ServiceName>,
    /// Check everything and store nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// `GET /api/v2/summons`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SummonsQuery {
    /// With which an id begins: at least eight letters of it, which are of one second.
    #[schemars(regex(pattern = r"^sum_[0-7][0-9A-HJKMNP-TV-Z]{7,25}$"))]
    pub begins: String,
}

impl SummonsQuery {
    /// How many letters of an id say something.
    pub const LETTERS: std::ops::RangeInclusive<usize> = 8..=26;

    pub fn check(&self) -> Result<(), InvalidRequest> {
        let rest = self.begins.strip_prefix(SummonsId::PREFIX).unwrap_or_default();
        let is_letter = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        if Self::LETTERS.contains(&rest.len()) && rest.bytes().all(is_letter) {
            return Ok(());
        }
        Err(InvalidRequest::Begins)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SummonsFound {
    /// The oldest first, and 16 at most.
    pub summons: Vec<SummonsId>,
}

impl SummonsRequest {
    /// What can be told of the words alone.
    pub fn check(&self) -> Result<(), InvalidRequest> {
        if let Origin::Source { file, .. } = &self.origin
            && !labels::is_file(file)
        {
            return Err(InvalidRequest::FileName { file: file.clone() });
        }
        if let Origin::Source { compilation: Some(compilation), .. } = &self.origin {
            compilation.check()?;
        }
        check_labels(&self.labels)?;
        let within = self.wishes.limits().check().and_then(|()| self.wishes.terms().check());
        within.map_err(InvalidRequest::Limits)
    }
}

/// A worker that has been asked for: resolved, hashed, and within the limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summons {
    pub id: SummonsId,
    pub worker: Worker,
    /// What errors call the file.
    pub file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gem: Option<GemPointer>,
    /// Of the text that the engine gets.
    pub source_bytes: u64,
    /// Of what that was compiled; absent where it is as its author wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compilation: Option<Compilation>,
    pub args: Vec<serde_json::Value>,
    pub limits: Limits,
    pub terms: Terms,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<ServiceName>,
    /// The worker's vault that asked for it by `clone_object`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<VaultId>,
    /// The user whose it is, and what is made of it. Absent: an administrator's only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<u32>,
    pub key: String,
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub created_at: Timestamp,
    /// `false` if this is the stored answer to an earlier request with the same key.
    pub changed: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// `POST /api/v2/swarm_spawn_ephemeral`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpawnRequest {
    pub summons: SummonsRequest,
    #[serde(default)]
    pub placement: Placement,
    #[serde(default)]
    pub ticket: TicketWishes,
    /// If a live worker has the summons' name, answer with that one and a fresh ticket to it. Of any
    /// number of such requests at one time, one creates.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub get_or_create: bool,
}

/// The three phases' results. The ticket alone is enough to call the worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Spawned {
    pub summons: Summons,
    pub vault: Vault,
    pub ticket: Ticket,
    pub changed: bool,
}
