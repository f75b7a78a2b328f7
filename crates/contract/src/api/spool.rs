//! The omega_spool: the durable queue of summons that wait for capacity.
//!
//! An entry is forged at least once and gives at most one vault: the transaction that records the
//! vault marks the entry as forged, under the check that nobody else touched it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::vault::{Placement, ProvisionRequest, Vault};
use crate::model::id::{SpoolId, SummonsId, VaultId};
use crate::model::open_word::OpenWord;

/// The most urgent; the least is 0.
pub const MOST_PRIORITY: u8 = 9;

/// `POST /api/v2/omega_spool`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpoolRequest {
    /// Idempotency key, minted by the caller. It is the same as that of a provision: one that was
    /// forged already is not queued again.
    #[schemars(schema_with = "crate::model::labels::key_schema")]
    pub key: String,
    pub summons: SummonsId,
    #[serde(default)]
    pub placement: Placement,
    /// 0 to 9, default 5; the higher goes first.
    #[serde(default = "usual_priority")]
    #[schemars(range(min = 0, max = 9))]
    pub priority: u8,
    /// How long it may wait; absent: until it is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
}

impl SpoolRequest {
    /// What it asks for, if there is room: so whoever was refused there and queues now gets one vault.
    #[must_use]
    pub fn as_provision(&self) -> ProvisionRequest {
        ProvisionRequest {
            key: self.key.clone(),
            summons: self.summons.clone(),
            placement: self.placement.clone(),
            dry_run: false,
        }
    }
}

pub fn usual_priority() -> u8 {
    5
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SpoolState {
    Waiting,
    /// It has become `vault`.
    Forged,
    /// A dead letter: `error` tells why. It is not tried again unless somebody asks for it.
    Dead,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SpoolEntry {
    pub id: SpoolId,
    pub state: OpenWord<SpoolState>,
    pub summons: SummonsId,
    /// The worker's name.
    pub worker: String,
    /// Whose turn it is among equals: the peer's user.
    pub owner: String,
    pub placement: Placement,
    /// What it takes of its node at most.
    pub memory_bytes: u64,
    pub priority: u8,
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    /// When it becomes a dead letter, if it waits until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub expires_at: Option<Timestamp>,
    /// How often its forging was begun; finding no room does not count.
    pub attempts: u32,
    /// Not tried again before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub next_at: Option<Timestamp>,
    /// Why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ApiError>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault: Option<VaultId>,
    /// When it stopped waiting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub done_at: Option<Timestamp>,
    /// Its place in the queue, from 1, while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<u64>,
    /// `false` if this is the answer to an earlier request with the same key, or nothing was changed.
    pub changed: bool,
}

/// What is done to entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SpoolAct {
    /// Forget them, whatever their state.
    Remove,
    /// Let dead letters wait again.
    Retry,
}

/// `POST /api/v2/omega_spool/orders`: the core goes on to the end, whatever becomes of who asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpoolOrder {
    pub act: SpoolAct,
    #[schemars(length(min = 1, max = 100_000))]
    pub entries: Vec<SpoolId>,
}

/// One answer per entry, in the order of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SpoolOrdered {
    pub done: Vec<SpoolDone>,
}

/// The entry as it is, or was; or why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SpoolDone {
    pub id: SpoolId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<SpoolEntry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ApiError>,
}

/// The query of `GET /api/v2/omega_spool`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SpoolQuery {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<SpoolState>,
}

/// Those that wait come first, in the order of the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SpoolList {
    pub entries: Vec<SpoolEntry>,
}

/// The query of `GET /api/v2/omega_spool/{id}`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SpoolWait {
    /// While it waits at `place`, answer only after so long; at most 30 s.
    pub wait_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<u64>,
}

/// An entry with what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Spooled {
    pub entry: SpoolEntry,
    /// As it was recorded, or its tombstone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault: Option<Vault>,
}
