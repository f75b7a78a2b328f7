//! Health endpoint: what the daemon says of itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::check::Check;

/// `GET /healthz`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// `ok`, or `draining` while the daemon stops.
    pub status: String,
    pub version: String,
    /// `all`, `core` or `node`.
    pub role: String,
    pub pid: u32,
    pub uptime_ms: u64,
    pub vaults: u32,
    /// The worker language and the init that runs it.
    pub vault_build: String,
    /// What the sandbox driver found on this machine.
    pub findings: Vec<Check>,
}
