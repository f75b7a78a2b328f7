//! Node handles: the nodes as the core sees them, how to ask, and what each last said.
//!
//! Not seeing a node is not its death. A slot remembers both its last word and why there is no later one (`observed`); only the node's own word, or a new boot id, ends a vault.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::scheduler::{Candidate, NodeLoad};
use super::validation::ValidatedNode;
use hauki_contract::api::node::{NodeApi, NodeFuture, NodeHealth, NodeStatus, NodeVaults};
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::api::vault::NodeInfo;
use hauki_contract::model::check::Check;
use hauki_contract::model::config::Policy;
use hauki_contract::model::digest::Sha256;
use hauki_contract::model::id::{NodeName, VaultId};
use hauki_contract::system::clock;
use hauki_contract::system::tasks::{self, Task, TaskKind};

mod observed;

#[cfg(test)]
use observed::RoundTrips;
use observed::{Due, ObservedNode, Unheard};

/// How long a node may take to tell its state.
const STATE_DEADLINE: Duration = Duration::from_secs(2);

/// How old a node's word may be for a placement; it has the last word itself anyway.
pub const FRESH_US: u64 = 1_000_000;

/// A node that the daemon gives to the core.
pub struct Member {
    pub name: NodeName,
    pub labels: BTreeMap<String, String>,
    pub api: Arc<dyn NodeApi>,
    /// Where its ports are. Absent: where it says that they are when it is asked first.
    pub address: Option<IpAddr>,
}

/// The nodes by their names.
pub type NodeSlots = BTreeMap<NodeName, Arc<NodeSlot>>;

pub struct NodeSlot {
    pub name: NodeName,
    pub labels: BTreeMap<String, String>,
    /// It is heard through this only.
    pub api: ValidatedNode,
    sight: Mutex<ObservedNode>,
    /// By the core's word; a node that stops says so itself.
    draining: AtomicBool,
    watcher: Mutex<Option<Task<()>>>,
    /// Its workers' wishes to clone that are being fulfilled.
    wishes: Mutex<HashSet<(VaultId, u64)>>,
}

impl NodeSlot {
    #[must_use]
    pub fn new(member: Member) -> Self {
        let Member { name, labels, api, address } = member;
        let api = ValidatedNode::new(name.clone(), api, address);
        let (sight, draining, watcher, wishes) = Default::default();
        Self { name, labels, api, sight, draining, watcher, wishes }
    }

    pub(super) fn wishes(&self) -> MutexGuard<'_, HashSet<(VaultId, u64)>> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sight(&self) -> MutexGuard<'_, ObservedNode> {
        self.sight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the node now.
    pub async fn status(&self) -> Result<NodeStatus, NodeError> {
        let (word, rtt_us) = self.heard(self.api.status()).await?;
        // The others take as long as they have to tell.
        self.sight().trips.measured(rtt_us);
        Ok(word)
    }

    /// Asks it for its vaults, or for one of them.
    pub async fn vaults(&self, of: Option<VaultId>) -> Result<NodeVaults, NodeError> {
        Ok(self.heard(self.api.vaults(of)).await?.0)
    }

    /// Asks it whether all is well there.
    pub async fn health(&self) -> Result<NodeHealth, NodeError> {
        Ok(self.heard(self.api.health()).await?.0)
    }

    /// The answer, with what it says of the node remembered, and how long it took.
    async fn heard<T: AsRef<NodeStatus>>(&self, answer: NodeFuture<'_, T>) -> Result<(T, u64), NodeError> {
        let began = clock::mono();
        let asked = tokio::time::timeout(STATE_DEADLINE, answer).await;
        let answer = asked.unwrap_or_else(|_| {
            let message = format!("it did not answer within {} s", STATE_DEADLINE.as_secs());
            Err(NodeError::new(NodeFault::Silent, message))
        });
        let mut sight = self.sight();
        match answer {
            Ok(said) => {
                let now = clock::mono();
                // What was sent while it spoke may not be in its word.
                let mut placed_since = std::mem::take(&mut sight.placed_since);
                placed_since.retain(|(at, _)| *at >= began);
                let mut sent = std::mem::take(&mut sight.sent);
                sent.retain(|(at, _)| *at >= began);
                let word = said.as_ref().clone();
                let code = word.code.iter().copied().collect();
                let took_us = now.since(began);
                let mut trips = std::mem::take(&mut sight.trips);
                trips.other(took_us);
                let misplaced = self.api.misplaced(&word);
                let word = Some((word, now));
                *sight = ObservedNode { word, misplaced, unheard: None, trips, placed_since, code, sent };
                Ok((said, took_us))
            }
            Err(error) => {
                let (unheard, fault, message) = match error.fault {
                    NodeFault::Silent | NodeFault::Barred | NodeFault::Late => (
                        Unheard::Silent(error.message.clone()),
                        NodeFault::Silent,
                        format!("node {} cannot be reached: {}", self.name, error.message),
                    ),
                    fault => (
                        Unheard::Failing(error.message.clone()),
                        fault,
                        format!("node {}: {}", self.name, error.message),
                    ),
                };
                let usual = || "its vaults live on as long as their leases do; try again".to_owned();
                let hint = error.hint.or_else(|| matches!(unheard, Unheard::Silent(_)).then(usual));
                sight.unheard = Some((unheard, clock::mono()));
                Err(NodeError { hint, ..NodeError::new(fault, message) })
            }
        }
    }

    /// A vault was sent there, which may take so much memory.
    pub fn placed(&self, memory_bytes: u64) {
        self.sight().placed_since.push((clock::mono(), memory_bytes));
    }

    /// As far as is known: it may have let it go.
    #[must_use]
    pub fn has_code(&self, sha256: &Sha256) -> bool {
        self.sight().has_code(sha256)
    }

    /// Whether code can be sent there that it does not have.
    #[must_use]
    pub fn wants_code(&self, sha256: &Sha256) -> bool {
        let sight = self.sight();
        sight.word.is_some() && sight.unheard.is_none() && !self.is_draining() && !sight.has_code(sha256)
    }

    pub fn got_code(&self, sha256: Sha256) {
        let mut sight = self.sight();
        if !sight.has_code(&sha256) {
            sight.sent.push((clock::mono(), sha256));
        }
    }

    pub fn lost_code(&self, sha256: &Sha256) {
        let mut sight = self.sight();
        sight.code.remove(sha256);
        sight.sent.retain(|(_, sent)| sent != sha256);
    }

    #[must_use]
    pub fn boot_id(&self) -> Option<String> {
        self.sight().word.as_ref().map(|(state, _)| state.boot_id.clone())
    }

    /// It gave no word where one was due. Whether that is news.
    pub(super) fn gave_none(&self, error: &NodeError) -> bool {
        let unheard = match error.fault.is_silence() {
            true => Unheard::Silent(error.message.clone()),
            false => Unheard::Failing(error.message.clone()),
        };
        self.sight().unheard.replace((unheard, clock::mono())).is_none()
    }

    /// Why it could not be asked the last time.
    #[must_use]
    pub fn silence(&self) -> Option<String> {
        match &self.sight().unheard {
            Some((Unheard::Silent(reason), _)) => Some(reason.clone()),
            Some((Unheard::Failing(_), _)) | None => None,
        }
    }

    /// Whether it gave its word when it was asked last.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        self.sight().unheard.is_none()
    }

    /// The last word, even if it is old.
    #[must_use]
    pub fn last_status(&self) -> Option<NodeStatus> {
        self.sight().word.as_ref().map(|(state, _)| state.clone())
    }

    pub fn drain(&self, draining: bool) {
        self.draining.store(draining, Ordering::SeqCst);
    }

    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    pub(super) fn watched_by(&self, task: Task<()>) {
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(earlier) = watcher.replace(task) {
            earlier.cancel();
        }
    }

    pub(super) fn is_watched(&self) -> bool {
        self.watcher.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    pub(super) fn unwatch(&self) {
        if let Some(task) = self.watcher.lock().unwrap_or_else(PoisonError::into_inner).take() {
            task.cancel();
        }
    }

    pub async fn info(&self) -> NodeInfo {
        // What it says is remembered, and so is its silence.
        let _ = self.status().await;
        self.last_info()
    }

    /// By its last word.
    #[must_use]
    pub fn last_info(&self) -> NodeInfo {
        let (word, unheard, misplaced) = {
            let sight = self.sight();
            (
                sight.word.as_ref().map(|(state, _)| state.clone()),
                sight.unheard.as_ref().map(|(unheard, _)| unheard.to_string()),
                sight.misplaced.clone(),
            )
        };
        let draining = self.is_draining() || word.as_ref().is_some_and(|word| word.draining);
        let state = match unheard {
            Some(unheard) => unheard,
            None if misplaced.is_some() => format!("misplaced: {}", misplaced.unwrap_or_default()),
            None if draining => "draining".to_owned(),
            None => "ready".to_owned(),
        };
        let (name, labels) = (self.name.clone(), self.labels.clone());
        let blank = NodeInfo {
            name,
            state,
            data_plane: String::new(),
            data_plane_reason: String::new(),
            labels,
            vaults: 0,
            max_vaults: 0,
            warm_vaults: 0,
            free_memory_bytes: 0,
            load_percent: 0,
            version: String::new(),
            boot_id: String::new(),
        };
        let Some(word) = word else { return blank };
        NodeInfo {
            data_plane: word.data_plane.to_string(),
            data_plane_reason: word.data_plane_reason,
            vaults: word.vaults,
            max_vaults: word.max_vaults,
            warm_vaults: word.warm_vaults,
            free_memory_bytes: word.free_memory_bytes,
            load_percent: word.load_percent,
            version: word.version,
            boot_id: word.boot_id,
            ..blank
        }
    }

    /// What there is to say of the node.
    pub async fn findings(&self) -> Vec<Check> {
        match self.health().await {
            Ok(health) => self.judge(health),
            Err(error) => vec![Check::failed(error.message, error.hint)],
        }
    }

    pub(super) fn judge(&self, health: NodeHealth) -> Vec<Check> {
        let NodeHealth { word, findings: mut checks } = health;
        if word.version != env!("CARGO_PKG_VERSION") {
            let what =
                format!("haukid {} runs there, the core is {}", word.version, env!("CARGO_PKG_VERSION"));
            checks.push(Check::warn(what, format!("hauki node upgrade {}", self.name)));
        }
        checks
    }
}

/// Sees to it that what is known of each node is not older than that. Nodes are asked side by side, so
/// a silent one costs one deadline, and only who finds it silent first: after that the others go on
/// without it. Zero asks all of them.
pub async fn freshen(slots: &BTreeMap<NodeName, Arc<NodeSlot>>, at_most_us: u64) {
    let now = clock::mono();
    let mut asked = tokio::task::JoinSet::new();
    for slot in slots.values() {
        let due = slot.sight().due(now, at_most_us);
        let slot = slot.clone();
        // Either way the slot remembers the answer.
        let ask = async move { drop(slot.status().await) };
        match due {
            Due::Nothing => {}
            Due::Ask => drop(asked.spawn(ask)),
            Due::Look => drop(tasks::spawn(TaskKind::Session, "look-at-node", ask)),
        }
    }
    asked.join_all().await;
}

/// Every node as the scheduler wants it for this code, in the order of their names.
#[must_use]
pub fn candidates(
    slots: &BTreeMap<NodeName, Arc<NodeSlot>>,
    policy: Policy,
    code: Option<&Sha256>,
) -> Vec<Candidate> {
    let candidate = |slot: &Arc<NodeSlot>| {
        let (word, has_code) = {
            let sight = slot.sight();
            (sight.load(), code.is_some_and(|code| sight.has_code(code)))
        };
        let word = word.map(|word| NodeLoad {
            draining: word.draining || slot.is_draining(),
            code: has_code,
            ..word
        });
        Candidate::new(slot.name.clone(), slot.labels.clone(), word, policy)
    };
    slots.values().map(candidate).collect()
}

#[cfg(test)]
#[path = "nodes_tests.rs"]
mod tests;
