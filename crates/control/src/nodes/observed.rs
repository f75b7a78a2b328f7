//! Observed state: what is known of a node by its own words, and why there is none.
//!
//! Silence is what the way to it says: nobody knows how the node is, so nothing is concluded from it. An error that it
//! answered is an answer: it is there, it can be asked for other things, and only gets nothing new.

use std::collections::{HashSet, VecDeque};
use std::fmt;

use crate::scheduler::NodeLoad;
use hauki_contract::api::node::NodeStatus;
use hauki_contract::model::digest::Sha256;
use hauki_contract::model::lease::Mono;

#[derive(Default)]
pub(super) struct ObservedNode {
    pub word: Option<(NodeStatus, Mono)>,
    /// Why it gets nothing new although it can be asked.
    pub misplaced: Option<String>,
    /// Why there is no later word, and when one was last asked for.
    pub unheard: Option<(Unheard, Mono)>,
    pub trips: RoundTrips,
    /// The vaults that were sent there since: when, and the memory that each may take.
    pub placed_since: Vec<(Mono, u64)>,
    /// The code that it said it has.
    pub code: HashSet<Sha256>,
    /// What was sent there since, and when.
    pub sent: Vec<(Mono, Sha256)>,
}

/// How long a node took for its last words. The least of them is how far away it is: what the others took longer is no
/// distance, but who was busy, the node or this core.
#[derive(Debug, Default)]
pub(super) struct RoundTrips {
    words: VecDeque<u64>,
    /// Of the first other answer.
    other: u64,
}

impl RoundTrips {
    const KEPT: usize = 8;
    /// Fewer may all have waited for the same.
    const ENOUGH: usize = 3;

    /// It was asked for its word, which takes no time by itself.
    pub(super) fn measured(&mut self, took_us: u64) {
        self.words.truncate(Self::KEPT - 1);
        self.words.push_front(took_us);
    }

    /// Until it was asked for a word, whatever it was asked for tells how far away it is.
    pub(super) fn other(&mut self, took_us: u64) {
        if self.other == 0 {
            self.other = took_us;
        }
    }

    pub(super) fn least_us(&self) -> u64 {
        self.words.iter().min().copied().unwrap_or(self.other)
    }

    pub(super) fn are_few(&self) -> bool {
        self.words.len() < Self::ENOUGH
    }
}

/// Why a node that was asked for a word gave none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unheard {
    /// It could not be asked, or did not answer.
    Silent(String),
    /// It answered something else.
    Failing(String),
}

impl fmt::Display for Unheard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent(reason) => write!(out, "unreachable: {reason}"),
            Self::Failing(reason) => write!(out, "failing: {reason}"),
        }
    }
}

/// What a placement has to do about a node.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Ask,
    /// It gave no word a while ago: ask, and do not wait for it.
    Look,
}

impl ObservedNode {
    pub(super) fn load(&self) -> Result<NodeLoad, String> {
        if let Some((unheard, _)) = &self.unheard {
            return Err(unheard.to_string());
        }
        let (state, _) = self.word.as_ref().ok_or("unreachable: it was not asked yet")?;
        if let Some(reason) = &self.misplaced {
            return Err(reason.clone());
        }
        let mut word = NodeLoad {
            draining: state.draining,
            used: state.vaults,
            max_vaults: state.max_vaults,
            free_memory_bytes: state.free_memory_bytes,
            load_percent: state.load_percent,
            rtt_us: self.trips.least_us(),
            rtt_is_new: self.trips.are_few(),
            warm: state.warm_vaults,
            code: false,
        };
        self.placed_since.iter().for_each(|(_, memory_bytes)| word.took(*memory_bytes));
        Ok(word)
    }

    pub(super) fn has_code(&self, sha256: &Sha256) -> bool {
        self.code.contains(sha256) || self.sent.iter().any(|(_, sent)| sent == sha256)
    }

    pub(super) fn due(&mut self, now: Mono, at_most_us: u64) -> Due {
        match (&mut self.unheard, &self.word) {
            (Some((_, at)), _) if at_most_us > 0 => {
                if now.since(*at) < at_most_us {
                    return Due::Nothing;
                }
                *at = now;
                Due::Look
            }
            (None, Some((_, at))) if now.since(*at) < at_most_us => Due::Nothing,
            _ => Due::Ask,
        }
    }
}
