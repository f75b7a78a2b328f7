//! Server settings: what `hauki mcp` hands on to `hauki-mcp`, the program that it becomes.
//!
//! One argument of its command line, as JSON: which control plane is meant is decided once, by the tool. No secret is in
//! it, but the names of the files that have them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::autostart::Plan;
use hauki_contract::model::invitation::Invitation;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpOrder {
    /// Of the program that wrote this: both are of one build, or the order is refused.
    pub version: String,
    /// The control plane; absent: the local one, started when needed.
    pub endpoint: Option<String>,
    pub token_file: Option<PathBuf>,
    pub ca_file: Option<PathBuf>,
    pub connect_timeout_ms: u64,
    pub request_timeout_ms: u64,
    pub retries: u32,
    pub autostart: Plan,
    pub bounds: McpBounds,
}

/// What an agent may have of all that there is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpBounds {
    /// The heap of each worker: what it has without a wish, and the most that it may wish for.
    pub memory_bytes: Option<u64>,
    /// The longest that one call may run.
    pub call_ms: u64,
    /// Workers at one time, those of `run` included.
    pub most_workers: usize,
    /// Where each worker may fetch from.
    pub net: Vec<Invitation>,
    /// Folders with sources that may be named by their paths there.
    pub roots: Vec<PathBuf>,
}
