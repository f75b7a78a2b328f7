//! The methods and events that belong to hauki, not to the worker.

use serde::{Deserialize, Serialize};

use crate::model::death::Death;
use crate::model::id::VaultId;
use crate::model::receipt::Receipt;
use crate::model::secret::Secret;

/// No worker's method may start with this.
pub const PREFIX: &str = "hauki.";

pub const HELLO: &str = "hauki.hello";
pub const METHODS: &str = "hauki.methods";
pub const HEARTBEAT: &str = "hauki.heartbeat";
pub const DESTRUCT: &str = "hauki.destruct";
pub const STATS: &str = "hauki.stats";

/// Event: a line of the worker's `print`, `{"text": …}`. This and the next have `"call"`, the id of
/// their receiver's call, where the worker was in it.
pub const LOG: &str = "hauki.log";
/// Event: what the worker emitted, `{"event": …, "data": …}`.
pub const EVENT: &str = "hauki.event";
/// Event: the vault is doomed, [`Dying`]; the connection closes behind it.
pub const DYING: &str = "hauki.dying";

/// Event of a ghost, never of a gate: the connection was lost, `{"reason": …}`.
pub const BROKEN: &str = "hauki.broken";
/// Event of a ghost, never of a gate: the connection is there again, `{"after_ms": …}`.
pub const RECONNECTED: &str = "hauki.reconnected";
/// Event of a ghost, never of a gate: its reader was too slow for some, `{"lost": …}`.
pub const MISSED: &str = "hauki.missed";

/// Every reserved method and event.
pub const ALL: [&str; 11] =
    [HELLO, METHODS, HEARTBEAT, DESTRUCT, STATS, LOG, EVENT, DYING, BROKEN, RECONNECTED, MISSED];

/// The parameters of `hauki.hello`, the first message on a connection.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    pub token: Secret,
    /// Calls on this connection may run so long, and never longer than the vault's limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_deadline_ms: Option<u32>,
    /// Who calls, for logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// From a gate: the core's word for which vault it calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voucher: Option<Secret>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    pub vault: VaultId,
    pub generation: u64,
    pub methods: Vec<String>,
    pub lease_ms: u64,
    pub lease_left_ms: u64,
    pub link: bool,
    pub link_silence_ms: u64,
    pub max_frame_bytes: u32,
    pub call_deadline_ms: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    pub lease_left_ms: u64,
}

/// The parameters of `hauki.destruct`; absent is the same as zero.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Destruct {
    /// How long the worker's `dest()` may run.
    pub grace_ms: u32,
}

/// What `hauki.destruct` answers, when everything is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destructed {
    pub receipt: Receipt,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultStats {
    pub calls: u64,
    pub heap_used_bytes: u64,
    pub heap_limit_bytes: u64,
    pub memory_bytes: u64,
    pub age_ms: u64,
    pub lease_left_ms: u64,
    pub connections: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dying {
    pub vault: VaultId,
    pub death: Death,
}
