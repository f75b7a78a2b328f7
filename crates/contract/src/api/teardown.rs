//! Teardown: phase 5 and what holds it off: heartbeats, destruct, reap.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::ApiError;
use crate::model::id::{NodeName, VaultId};
use crate::model::receipt::Receipt;
use crate::model::text::short;

/// `POST /api/v2/heartbeats`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BeatRequest {
    #[schemars(length(min = 1, max = 10_000))]
    pub vaults: Vec<BeatTarget>,
    /// Who beats, for tombstones: `pid 4242 on ops1`. At most 256 characters, none of them a control one.
    #[serde(default, deserialize_with = "short", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub by: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BeatTarget {
    pub vault: VaultId,
    /// From the ticket; a beat for another incarnation is refused. Absent: whichever lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
}

/// One answer per vault, in the order of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BeatReply {
    pub beats: Vec<Beat>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Beat {
    pub vault: VaultId,
    /// The lease after the beat, by the node's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_left_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ApiError>,
}

/// The query of `DELETE /api/v2/vaults/{id}`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DestructQuery {
    /// How long the worker's `dest()` may run; zero or absent kills at once.
    pub grace_ms: u32,
    pub dry_run: bool,
}

/// What `DELETE /api/v2/vaults/{id}` answers, for the living and for the dead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Destructed {
    /// Absent for a dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// `false` if it was dead already.
    pub changed: bool,
}

/// `POST /api/v2/destructs`: ends all of these. The core goes on to the end, whatever becomes of who asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DestructRequest {
    #[schemars(length(min = 1, max = 100_000))]
    pub vaults: Vec<VaultId>,
    /// How long each worker's `dest()` may run; zero or absent kills at once.
    #[serde(default)]
    pub grace_ms: u32,
    #[serde(default)]
    pub dry_run: bool,
}

/// One answer per vault, in the order of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DestructReply {
    pub ended: Vec<Ended>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ended {
    pub vault: VaultId,
    /// Absent for a dry run, and where there is an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// `false` if it was dead already.
    pub changed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ApiError>,
}

/// `POST /api/v2/reap`: ends what fits every given rule. At least one rule must be given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("anyOf" = a_rule()))]
pub struct ReapRequest {
    /// Forged at least this long ago.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub older_than_ms: Option<u64>,
    /// Used, called and kept alive by nobody for so long, by its node's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "crate::model::labels::labels_schema")]
    pub labels: BTreeMap<String, String>,
    pub dry_run: bool,
    /// Of this user only; whoever asks is not asked.
    #[serde(skip)]
    pub owner: Option<u32>,
}

/// One of these must be there: without a rule every vault would fit.
fn a_rule() -> Value {
    let rules = [
        ("older_than_ms", json!({ "type": "integer" })),
        ("idle_ms", json!({ "type": "integer" })),
        ("node", json!({ "type": "string" })),
        ("worker", json!({ "type": "string" })),
        ("labels", json!({ "type": "object", "minProperties": 1 })),
    ];
    rules.map(|(name, kind)| json!({ "required": [name], "properties": { name: kind } })).as_slice().into()
}

impl ReapRequest {
    #[must_use]
    pub fn has_rule(&self) -> bool {
        self.older_than_ms.is_some()
            || self.idle_ms.is_some()
            || self.node.is_some()
            || self.worker.is_some()
            || !self.labels.is_empty()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reaped {
    /// What died; for a dry run, what would have.
    pub reaped: Vec<ReapedVault>,
    /// What was done on each node that the rules mean, in the order of their names; empty for a dry run.
    pub nodes: Vec<NodeReaped>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReapedVault {
    pub vault: VaultId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeReaped {
    pub node: NodeName,
    pub reaped: u64,
    /// How many it still has that fit the rules; they are left to the next time or to their leases.
    pub left: u64,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ApiError>,
}
