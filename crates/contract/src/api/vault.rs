//! Vaults: phases 2 and 3, forging a vault, opening its port, looking at it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::invalid_request::InvalidRequest;
use crate::model::id::{NodeName, SummonsId, VaultId};
use crate::model::labels;
use crate::model::lease::Terms;
use crate::model::limits::{Controller, Limits};
use crate::model::name::ServiceName;
use crate::model::open_word::OpenWord;
use crate::model::phase::Phase;
use crate::model::receipt::Receipt;
use crate::model::ticket::{Endpoint, Worker};

/// Which nodes may take it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Placement {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeName>,
    /// Labels that the node must have.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "labels::labels_schema")]
    pub labels: BTreeMap<String, String>,
    /// Not on a node with a living vault that has one of these labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "labels::labels_schema")]
    pub anti_affinity: BTreeMap<String, String>,
}

/// `POST /api/v2/lxc_provision`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProvisionRequest {
    /// Idempotency key, minted by the caller.
    #[schemars(schema_with = "labels::key_schema")]
    pub key: String,
    pub summons: SummonsId,
    #[serde(default)]
    pub placement: Placement,
    /// Place it, show the scores, forge nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// A vault as the core knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Vault {
    pub id: VaultId,
    pub summons: SummonsId,
    pub worker: Worker,
    pub node: NodeName,
    /// The fencing token of this incarnation.
    pub generation: u64,
    pub phase: OpenWord<Phase>,
    pub methods: Vec<String>,
    pub limits: Limits,
    /// Of `limits`, those that its node does not enforce, as its configuration allows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unlimited: Vec<OpenWord<Controller>>,
    pub terms: Terms,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// What it is found by in the service registry, as long as it lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<ServiceName>,
    /// The worker's vault that cloned it, and with which it dies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<VaultId>,
    /// The user whose it is. Absent: an administrator's only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub forged_at: Timestamp,
    /// From the order to the loaded worker, on the node.
    pub forged_us: u64,
    /// What the node said of it just now; absent if it was not asked or is dead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vitals: Option<Vitals>,
    /// The tombstone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// Why its node cannot be asked about it now. The vault may well live: not seeing is not dying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreachable: Option<String>,
    /// Of a forging: the node that took it, and those that refused it before. Of a dry run: every node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub explanation: Vec<NodeScore>,
    /// Its record in the core's store was damaged: this is what its node and other records still know of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub damaged: bool,
    pub changed: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// What changes from moment to moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Vitals {
    /// Until the lease that the caller must renew runs out.
    pub lease_left_ms: u64,
    pub age_ms: u64,
    /// Since the last call, or since the end of what a beat's lease or an unclaimed ticket's promised, if that is
    /// later; 0 as long as somebody holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_ms: Option<u64>,
    pub calls: u64,
    /// Resident memory of the vault's cgroup.
    pub memory_bytes: u64,
    pub connections: u32,
    /// The init's pid on the node, for `ps` and `gdb`.
    pub init_pid: u32,
}

/// One node in the eyes of the scheduler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeScore {
    pub node: NodeName,
    /// Why it cannot take the vault; absent if it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// 0 to 1,000,000.
    pub score: u32,
    pub chosen: bool,
    /// What the score was made of; absent where the node is out of question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_memory_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_percent: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_us: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_vaults: Option<u32>,
    /// Whether it has the code already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<bool>,
}

/// What a ticket should allow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TicketWishes {
    /// Only these methods; empty for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// The ticket's own life-time; never beyond the vault's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub expires_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 100, max = 86_400_000))]
    pub lease_ms: Option<u64>,
    /// The vault dies with the connection that claims this ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<bool>,
    /// A name for the holder, which the worker and the audit see.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "labels::holder_schema")]
    pub label: Option<String>,
}

impl TicketWishes {
    /// What can be told before there is a worker.
    pub fn check(&self) -> Result<(), InvalidRequest> {
        if self.expires_ms == Some(0) {
            return Err(InvalidRequest::Expired);
        }
        if !self.label.as_ref().is_none_or(|label| labels::is_line(label, labels::MOST_KEY)) {
            return Err(InvalidRequest::TicketLabel);
        }
        if let Some(lease_ms) = self.lease_ms {
            let terms = Terms { lease_ms, ..Terms::default() };
            terms.check().map_err(InvalidRequest::Lease)?;
        }
        Ok(())
    }
}

/// `POST /api/v2/tickets`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketRequest {
    pub vault: VaultId,
    #[serde(default)]
    pub wishes: TicketWishes,
}

/// `GET /api/v2/vaults`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VaultQuery {
    /// The dead as well, as long as their tombstones are kept.
    pub all: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VaultList {
    pub vaults: Vec<Vault>,
}

/// `GET /api/v2/nodes`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeList {
    pub nodes: Vec<NodeInfo>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeInfo {
    pub name: NodeName,
    /// `ready`, `draining` or why it cannot be used.
    pub state: String,
    pub data_plane: String,
    /// Why it is that address.
    pub data_plane_reason: String,
    pub labels: BTreeMap<String, String>,
    pub vaults: u32,
    pub max_vaults: u32,
    /// Blank vaults that wait for a worker.
    #[serde(default)]
    pub warm_vaults: u32,
    pub free_memory_bytes: u64,
    pub load_percent: u32,
    pub version: String,
    pub boot_id: String,
}
