//! The receipt of a teardown: what was reclaimed, each line read back from the kernel.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::death::Death;
use super::id::{NodeName, VaultId};
use super::open_word::OpenWord;

/// One thing that the vault had, and how long after the kill it was seen to be gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reclaimed {
    pub what: OpenWord<Resource>,
    /// What was checked, for people: a pid, a cgroup name, a port.
    pub name: String,
    /// Microseconds from the kill to the check that found it gone.
    pub gone_after_us: u64,
    /// `false` says that the thing is still there: the receipt is honest about a failure.
    pub gone: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// The init and everything that it started.
    Process,
    /// The process that held the sandbox open on the node.
    Monitor,
    Cgroups,
    Mounts,
    Port,
    Directory,
}

/// By whose word a death is on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Witness {
    /// The receipt's node told it, and its checks are that node's word.
    Node,
    /// The core concluded it: nobody saw anything reclaimed.
    Core,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    pub vault: VaultId,
    pub node: NodeName,
    /// Of the incarnation that died; absent where the node itself answers, at its gate, or an older version said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// Absent where the node itself answers, at its gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<OpenWord<Witness>>,
    pub death: Death,
    /// From the handshake with the init to the kill.
    pub lived_ms: u64,
    pub calls: u64,
    /// From the kill to the last check.
    pub reclaimed_us: u64,
    pub reclaimed: Vec<Reclaimed>,
}

impl Receipt {
    /// Whether every resource was seen to be gone.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.reclaimed.iter().all(|line| line.gone)
    }

    /// What is told of the vault from now on, whatever is asked of it.
    #[must_use]
    pub fn epitaph(&self) -> String {
        self.death.epitaph(&self.vault)
    }
}
