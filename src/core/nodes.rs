//! The nodes as the core sees them: how to ask, and what each last said.
//!
//! Not seeing a node is not its death. A slot remembers both its last word and the reason of the
//! last silence; only the node's own word, or a new boot id, ends a vault.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::scheduler::Candidate;
use crate::api::node::{NodeApi, NodeState};
use crate::api::vault::NodeInfo;
use crate::api::{ApiError, ErrorCode};
use crate::model::id::NodeName;
use crate::model::lease::Mono;
use crate::system::clock;

/// How long a node may take to tell its state.
const STATE_DEADLINE: Duration = Duration::from_secs(2);

/// How old a node's word may be for a placement; it has the last word itself anyway.
pub const FRESH_US: u64 = 1_000_000;

/// A node that the daemon gives to the core.
pub struct Member {
    pub name: NodeName,
    pub labels: BTreeMap<String, String>,
    pub api: Arc<dyn NodeApi>,
}

pub struct Slot {
    pub name: NodeName,
    pub labels: BTreeMap<String, String>,
    pub api: Arc<dyn NodeApi>,
    sight: Mutex<Sight>,
}

#[derive(Default)]
struct Sight {
    word: Option<(NodeState, Mono)>,
    silence: Option<String>,
    placed_since: u32,
}

impl Slot {
    #[must_use]
    pub fn new(member: Member) -> Self {
        let Member { name, labels, api } = member;
        Self { name, labels, api, sight: Mutex::default() }
    }

    fn sight(&self) -> MutexGuard<'_, Sight> {
        self.sight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the node now.
    pub async fn ask(&self) -> Result<NodeState, ApiError> {
        let asked = tokio::time::timeout(STATE_DEADLINE, self.api.state()).await;
        let answer = asked.unwrap_or_else(|_| {
            let message = format!("it did not answer within {} s", STATE_DEADLINE.as_secs());
            Err(ApiError::new(ErrorCode::Temporary, message))
        });
        // Its tickets would say the one name and be checked against the other.
        let answer = answer.and_then(|state| match state.name == self.name {
            true => Ok(state),
            false => Err(ApiError::new(
                ErrorCode::Environment,
                format!("it calls itself {}: its node.name and the core's nodes: must agree", state.name),
            )),
        });
        let mut sight = self.sight();
        match answer {
            Ok(state) => {
                *sight = Sight { word: Some((state.clone(), clock::mono())), ..Sight::default() };
                Ok(state)
            }
            Err(error) => {
                sight.silence = Some(error.message.clone());
                let message = format!("node {} cannot be reached: {}", self.name, error.message);
                Err(ApiError::new(ErrorCode::Temporary, message)
                    .hint("its vaults live on as long as their leases do; try again"))
            }
        }
    }

    /// What the node said lately, or says now.
    async fn candidate(&self, at_most_us: u64) -> Candidate {
        let (fresh, placed_since) = {
            let sight = self.sight();
            let fresh = match (&sight.word, &sight.silence) {
                (Some((state, at)), None) if clock::mono().since(*at) < at_most_us => Some(state.clone()),
                _ => None,
            };
            (fresh, sight.placed_since)
        };
        let state = match fresh {
            Some(state) => Ok(state),
            None => self.ask().await.map_err(|_| self.silence()),
        };
        Candidate { name: self.name.clone(), labels: self.labels.clone(), state, placed_since }
    }

    fn silence(&self) -> String {
        self.sight().silence.clone().unwrap_or_default()
    }

    /// A vault was sent there.
    pub fn placed(&self) {
        let mut sight = self.sight();
        sight.placed_since = sight.placed_since.saturating_add(1);
    }

    #[must_use]
    pub fn boot_id(&self) -> Option<String> {
        self.sight().word.as_ref().map(|(state, _)| state.boot_id.clone())
    }

    /// Whether this silence is news.
    pub fn fell_silent(&self, reason: &str) -> bool {
        self.sight().silence.replace(reason.to_owned()).is_none()
    }

    /// The last word, even if it is old.
    #[must_use]
    pub fn last_word(&self) -> Option<NodeState> {
        self.sight().word.as_ref().map(|(state, _)| state.clone())
    }

    pub async fn info(&self) -> NodeInfo {
        let asked = self.ask().await;
        let (word, state) = match asked {
            Ok(word) => {
                let state = if word.draining { "draining" } else { "ready" }.to_owned();
                (Some(word), state)
            }
            Err(_) => (self.last_word(), format!("unreachable: {}", self.silence())),
        };
        let name = self.name.clone();
        let labels = self.labels.clone();
        match word {
            Some(word) => NodeInfo {
                name,
                state,
                data_plane: word.data_plane.to_string(),
                labels,
                vaults: u32::try_from(word.vaults.len()).unwrap_or(u32::MAX),
                max_vaults: word.max_vaults,
                warm_vaults: word.warm_vaults,
                free_memory_bytes: word.free_memory_bytes,
                load_percent: word.load_percent,
                version: word.version,
                boot_id: word.boot_id,
            },
            None => NodeInfo {
                name,
                state,
                data_plane: String::new(),
                labels,
                vaults: 0,
                max_vaults: 0,
                warm_vaults: 0,
                free_memory_bytes: 0,
                load_percent: 0,
                version: String::new(),
                boot_id: String::new(),
            },
        }
    }
}

/// Every node as the scheduler wants it, by words that are not older than that. Silent nodes are asked side by side, so one of them costs
/// one deadline.
pub async fn candidates(slots: &BTreeMap<NodeName, Arc<Slot>>, at_most_us: u64) -> Vec<Candidate> {
    let mut asked = tokio::task::JoinSet::new();
    for slot in slots.values() {
        let slot = slot.clone();
        asked.spawn(async move { slot.candidate(at_most_us).await });
    }
    let mut candidates = asked.join_all().await;
    candidates.sort_by(|a, b| a.name.cmp(&b.name));
    candidates
}
