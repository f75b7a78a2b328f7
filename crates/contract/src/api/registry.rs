//! The service registry: names of live workers.
//!
//! A name belongs to one living vault and is written in the same transaction as the vault; the
//! transaction that writes the tombstone frees it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::vault::{TicketWishes, Vault};
use crate::model::id::{NodeName, VaultId};
use crate::model::name::ServiceName;
use crate::model::ticket::{Ticket, Worker};

/// A name and the live worker that holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Service {
    pub name: ServiceName,
    pub vault: VaultId,
    pub worker: Worker,
    pub node: NodeName,
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub since: Timestamp,
}

/// `GET /api/v2/service_registry`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceList {
    pub services: Vec<Service>,
}

/// `POST /api/v2/service_registry/resolve`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveRequest {
    pub name: ServiceName,
    /// What a fresh ticket should allow; absent: no ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<TicketWishes>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resolved {
    pub name: ServiceName,
    pub vault: Vault,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Ticket>,
}

/// The query of `GET /api/v2/service_registry/watch`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WatchQuery {
    /// Only this name; absent: every one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<ServiceName>,
}

/// A line of the watch: who holds the name from now on. The first lines tell how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Holder {
    pub name: ServiceName,
    /// `null`: nobody does.
    pub service: Option<Service>,
}
