//! The JSON bodies of the channel's rarer frames.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    pub source: String,
    /// What errors call the file, for example `workers/scout.js`.
    pub file: String,
    /// The arguments of `create`, a JSON array as text.
    pub args: String,
    pub heap_bytes: u64,
    pub deadline_ms: u32,
    pub max_frame_bytes: u32,
    /// Seeds the engine's random numbers; fresh per vault.
    pub seed: u64,
    /// The vault's own id, which `this_object()` shows.
    pub vault: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ready {
    /// Identifies the init binary: a heap may only be restored into the same build (design §9).
    pub build: String,
    /// Whether the init's own system call filter is in force.
    pub locked: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loaded {
    /// Public methods, sorted.
    pub methods: Vec<String>,
    pub heap_used_bytes: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stats {
    pub heap_used_bytes: u64,
    pub heap_limit_bytes: u64,
    pub calls: u64,
}

/// Why the worker could not answer. The kinds are part of the public contract (`hauki-worker.7`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerErrorKind {
    /// The source does not parse.
    Syntax,
    /// The worker threw.
    Throw,
    /// No such public method.
    NoMethod,
    /// The parameters are not JSON that the engine takes.
    Params,
    /// The call's deadline passed inside the engine.
    Deadline,
    /// The heap is full; the worker goes on where it can.
    Memory,
    /// Recursion too deep.
    Stack,
    /// The result is a function, a cycle or otherwise not JSON.
    Unserializable,
    /// The result is longer than a frame may be.
    TooLarge,
    /// The init refuses the frame: a second load, a call before loading.
    Protocol,
}

impl WorkerErrorKind {
    pub const ALL: [Self; 10] = [
        Self::Syntax,
        Self::Throw,
        Self::NoMethod,
        Self::Params,
        Self::Deadline,
        Self::Memory,
        Self::Stack,
        Self::Unserializable,
        Self::TooLarge,
        Self::Protocol,
    ];
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerError {
    pub kind: WorkerErrorKind,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// One-based, as the author's editor counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
}
