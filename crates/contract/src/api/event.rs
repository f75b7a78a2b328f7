//! Event stream: what happens, one JSON object per line (`application/x-ndjson`).

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::node::Fetched;
use crate::model::id::{NodeName, SummonsId, TicketId, VaultId};
use crate::model::name::ServiceName;
use crate::model::receipt::Receipt;
use crate::strict::tolerant_reader;

/// The query of `GET /api/v2/events`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EventQuery {
    /// Go on after the last stored event.
    pub follow: bool,
    /// Only events after this number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Only this vault's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vault: Option<VaultId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Increases by one; where there is a gap, `lost` says of whose events.
    pub seq: u64,
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    #[serde(flatten)]
    pub what: Happening,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Happening {
    Summoned {
        summons: SummonsId,
        worker: String,
    },
    Forged {
        vault: VaultId,
        node: NodeName,
        worker: String,
        forged_us: u64,
    },
    Ticketed {
        vault: VaultId,
        ticket: TicketId,
    },
    Claimed {
        vault: VaultId,
        ticket: TicketId,
        peer: String,
    },
    /// A line of the worker's `print`.
    Log {
        vault: VaultId,
        text: String,
    },
    /// The worker has fetched, or tried to; told without query, headers and body.
    Fetched {
        vault: VaultId,
        #[serde(deserialize_with = "tolerant_reader::field")]
        fetched: Box<Fetched>,
    },
    Died {
        vault: VaultId,
        #[serde(deserialize_with = "tolerant_reader::field")]
        receipt: Receipt,
    },
    /// The vault took the name, at its forging.
    Named {
        vault: VaultId,
        name: ServiceName,
    },
    /// The name is free again, by the vault's death.
    Freed {
        vault: VaultId,
        name: ServiceName,
    },
    NodeUp {
        node: NodeName,
        boot_id: String,
    },
    NodeLost {
        node: NodeName,
        message: String,
    },
    /// Of what happened on this node (without one: in the control plane itself) up to here, so many events have not
    /// been kept since its start. It has the number and the time of the last of them.
    Lost {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<NodeName>,
        lost: u64,
    },
}

impl Happening {
    /// Whether it is about the swarm, and no user's.
    #[must_use]
    pub fn is_of_nobody(&self) -> bool {
        matches!(self, Self::NodeUp { .. } | Self::NodeLost { .. } | Self::Lost { .. })
    }

    #[must_use]
    pub fn vault(&self) -> Option<&VaultId> {
        match self {
            Self::Forged { vault, .. }
            | Self::Ticketed { vault, .. }
            | Self::Claimed { vault, .. }
            | Self::Log { vault, .. }
            | Self::Fetched { vault, .. }
            | Self::Died { vault, .. }
            | Self::Named { vault, .. }
            | Self::Freed { vault, .. } => Some(vault),
            Self::Summoned { .. } | Self::NodeUp { .. } | Self::NodeLost { .. } | Self::Lost { .. } => None,
        }
    }
}
