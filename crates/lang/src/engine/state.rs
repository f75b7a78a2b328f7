//! Worker state: what a worker has beside its heap.

use serde::{Deserialize, Serialize};

use super::call_out::CallOuts;
use super::powers::PowersTable;
use crate::directive::SourceForm;
use crate::source_map::SourceMap;

/// Together with the heap's bytes this is the whole worker: small, and written as JSON beside them when
/// a heap travels (design §9). The random numbers' state is inside the heap.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerState {
    /// The id that `this_object()` shows.
    pub vault: String,
    /// What errors call the source.
    pub file: String,
    /// Sorted; empty until the source is loaded.
    pub methods: Vec<String>,
    pub loaded: bool,
    #[serde(default)]
    pub form: SourceForm,
    /// What the arrow rewriter or the compiler moved, for the places in errors.
    pub map: SourceMap,
    /// Calls that reached the worker.
    pub calls: u64,
    pub call_outs: CallOuts,
    /// Whether it has `fetch`.
    #[serde(default)]
    pub invited: bool,
    /// Whether it takes turns, `hauki.evaluate`: its own source has said so.
    #[serde(default)]
    pub evaluates: bool,
    /// Turns that have begun.
    #[serde(default)]
    pub turns: u64,
    /// What these were given.
    #[serde(default)]
    pub powers: PowersTable,
}
