//! Frame bodies: the JSON of the channel's rarer frames.

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// Whether it has `fetch`. The node carries out what is asked, so this opens nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fetch: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerReady {
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

impl WorkerError {
    /// The init has cut these texts already, but an init that is no longer ours has not.
    pub fn cut(&mut self, most: usize) {
        let unprintable = |letter: char| letter.is_control() && letter != '\n';
        for (text, most) in
            [(Some(&mut self.message), most), (self.stack.as_mut(), most), (self.file.as_mut(), 255)]
        {
            let Some(text) = text else { continue };
            if text.len() > most {
                text.truncate(text.floor_char_boundary(most));
                text.shrink_to_fit();
            }
            if text.contains(unprintable) {
                *text = text.replace(unprintable, " ");
            }
        }
    }
}

/// Why an object that the worker called did not answer, in the words of the Error that is thrown into
/// the worker (`hauki-worker.7`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Unanswered {
    pub message: String,
    pub code: String,
    /// The called worker's kind of error, or the code again where no worker spoke.
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rpc_code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vault: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Why the called vault died.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_stack: Option<String>,
}

/// What an object said to a call of it, as JSON text, or why it said nothing.
pub type Said = Result<String, Box<Unanswered>>;

impl Unanswered {
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { message: message.into(), code: code.to_owned(), kind: code.to_owned(), ..Self::default() }
    }
}
