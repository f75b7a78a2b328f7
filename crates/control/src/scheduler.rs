//! Scheduler, filter and score: which node takes a vault. Pure and deterministic; it explains itself.
//!
//! First a filter (the wished node, labels, vaults to stay apart from, drain, places, memory, reach),
//! then a score from 0 to 1,000,000: 350,000 for free memory, 350,000 for an idle processor, 200,000
//! for free places, 50,000 for a near node, 40,000 for one with warm vaults, and 10,000 for one that has
//! the code already, which is about what a network's way of a millisecond takes. Under the policy
//! `pack` the points for memory and places go to the fuller node instead. Equal scores go by name.
//!
//! [`choose`] is what each forging pays: one pass over the nodes without an allocation, because a
//! node's score does not depend on the wish and is made when the node's word comes. [`explain`] is
//! the same judgement in words, for those who ask.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use hauki_contract::api::vault::{NodeScore, Placement};
use hauki_contract::model::config::Policy;
use hauki_contract::model::id::{NodeName, VaultId};
use hauki_contract::model::units::show_size;

/// Free memory of which half the points for memory are given.
const HALF_MEMORY: u64 = 2 << 30;

/// More warm vaults than these give no more points.
const ENOUGH_WARM: u32 = 4;

/// Why nothing is placed.
#[derive(Debug, thiserror::Error)]
pub enum PlacementError {
    #[error("there is no node {node}")]
    NoNode { node: NodeName, known: Vec<String> },
    #[error("{}", no_room(scores))]
    NoRoom { scores: Vec<NodeScore> },
    #[error("another core placed a vault that it is to stay apart from at the same time")]
    Overtaken,
    /// As before, for who wanted to know where: each node's refusal is told.
    #[error("{}", no_room(scores))]
    Unplanned { scores: Vec<NodeScore> },
}

/// What a node said of itself, and what was sent there since.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeLoad {
    pub draining: bool,
    /// With those on their way.
    pub used: u32,
    pub max_vaults: u32,
    /// Without what those on their way may take.
    pub free_memory_bytes: u64,
    pub load_percent: u32,
    pub rtt_us: u64,
    /// Too little was heard of it for that to be its distance.
    pub rtt_is_new: bool,
    pub warm: u32,
    /// It has the code that is to be placed.
    pub code: bool,
}

impl NodeLoad {
    /// A vault was sent there.
    pub fn took(&mut self, memory_bytes: u64) {
        self.used = self.used.saturating_add(1);
        self.free_memory_bytes = self.free_memory_bytes.saturating_sub(memory_bytes);
        self.warm = self.warm.saturating_sub(1);
    }
}

/// A node that may take a vault.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub name: NodeName,
    pub labels: BTreeMap<String, String>,
    /// Or why it is out of question.
    word: Result<NodeLoad, String>,
    score: u32,
}

impl Candidate {
    #[must_use]
    pub fn new(
        name: NodeName,
        labels: BTreeMap<String, String>,
        word: Result<NodeLoad, String>,
        policy: Policy,
    ) -> Self {
        let score = word.as_ref().map_or(0, |word| score(word, policy));
        Self { name, labels, word, score }
    }

    /// It turned out not to take this one.
    pub fn refuse(&mut self, reason: String) {
        self.word = Err(reason);
    }

    /// As [`NodeLoad::took`], with the score that follows.
    pub fn took(&mut self, memory_bytes: u64, policy: Policy) {
        if let Ok(word) = &mut self.word {
            word.took(memory_bytes);
            self.score = score(word, policy);
        }
    }

    fn refusal<'a>(&'a self, wanted: &'a PlacementRequest<'_>) -> Option<Refusal<'a>> {
        if wanted.wish.node.as_ref().is_some_and(|node| *node != self.name) {
            return Some(Refusal::NotWished);
        }
        let missing = wanted.wish.labels.iter().find(|(label, value)| self.labels.get(*label) != Some(value));
        if let Some((label, value)) = missing {
            return Some(Refusal::Label(label, value));
        }
        if let Some(vault) = wanted.apart.get(&self.name) {
            return Some(Refusal::Beside(vault));
        }
        match &self.word {
            Err(reason) => Some(Refusal::Out(reason)),
            Ok(word) if word.draining => Some(Refusal::Draining),
            Ok(word) if word.used >= word.max_vaults => Some(Refusal::Full(word.used, word.max_vaults)),
            Ok(word) if word.free_memory_bytes < wanted.memory_bytes => {
                Some(Refusal::Memory(wanted.memory_bytes, word.free_memory_bytes))
            }
            Ok(_) => None,
        }
    }
}

/// What is to be placed.
pub struct PlacementRequest<'a> {
    pub wish: &'a Placement,
    pub memory_bytes: u64,
    /// Nodes with a vault that it must not be beside.
    pub apart: &'a BTreeMap<NodeName, VaultId>,
}

enum Refusal<'a> {
    NotWished,
    Label(&'a str, &'a str),
    Beside(&'a VaultId),
    Out(&'a str),
    Draining,
    Full(u32, u32),
    Memory(u64, u64),
}

impl fmt::Display for Refusal<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotWished => out.write_str("not the wished node"),
            Self::Label(label, value) => write!(out, "label {label}={value} missing"),
            Self::Beside(vault) => write!(out, "{vault} is there, which it is to stay apart from"),
            Self::Out(reason) => out.write_str(reason),
            Self::Draining => out.write_str("draining"),
            Self::Full(used, most) => write!(out, "full: {used} of {most} vaults"),
            Self::Memory(needed, free) => {
                write!(out, "{} needed, {} free", show_size(*needed), show_size(*free))
            }
        }
    }
}

/// Fails if a node is wished that is not there at all.
pub fn check_wish(candidates: &[Candidate], wish: &Placement) -> Result<(), PlacementError> {
    match &wish.node {
        Some(node) if !candidates.iter().any(|candidate| candidate.name == *node) => {
            let known = candidates.iter().map(|candidate| candidate.name.to_string()).collect();
            Err(PlacementError::NoNode { node: node.clone(), known })
        }
        _ => Ok(()),
    }
}

/// The place of the best among the candidates; `None` if none fits.
#[must_use]
pub fn choose(candidates: &[Candidate], wanted: &PlacementRequest<'_>) -> Option<usize> {
    let mut best: Option<usize> = None;
    for (place, candidate) in candidates.iter().enumerate() {
        let better = best.is_none_or(|best| {
            let best = &candidates[best];
            (candidate.score, Reverse(&candidate.name)) > (best.score, Reverse(&best.name))
        });
        if better && candidate.refusal(wanted).is_none() {
            best = Some(place);
        }
    }
    best
}

/// How many there is room for, on all nodes together.
#[must_use]
pub fn places(candidates: &[Candidate], wanted: &PlacementRequest<'_>) -> u64 {
    let fitting = candidates.iter().filter(|candidate| candidate.refusal(wanted).is_none());
    let words = fitting.filter_map(|candidate| candidate.word.as_ref().ok());
    words
        .map(|word| {
            let by_memory = word.free_memory_bytes / wanted.memory_bytes.max(1);
            u64::from(word.max_vaults.saturating_sub(word.used)).min(by_memory)
        })
        .sum()
}

/// Every node with its score or its refusal, the best first.
#[must_use]
pub fn explain(candidates: &[Candidate], wanted: &PlacementRequest<'_>) -> Vec<NodeScore> {
    let mut scores: Vec<NodeScore> = candidates
        .iter()
        .map(|candidate| {
            let refused = candidate.refusal(wanted).map(|refusal| refusal.to_string());
            let word = candidate.word.as_ref().ok();
            NodeScore {
                node: candidate.name.clone(),
                score: if refused.is_some() { 0 } else { candidate.score },
                refused,
                chosen: false,
                free_memory_bytes: word.map(|word| word.free_memory_bytes),
                load_percent: word.map(|word| word.load_percent),
                rtt_us: word.map(|word| word.rtt_us),
                warm_vaults: word.map(|word| word.warm),
                code: word.map(|word| word.code),
            }
        })
        .collect();
    scores.sort_by(|a, b| {
        let key = |score: &NodeScore| (score.refused.is_some(), Reverse(score.score));
        key(a).cmp(&key(b)).then_with(|| a.node.cmp(&b.node))
    });
    if let Some(best) = scores.first_mut() {
        best.chosen = best.refused.is_none();
    }
    scores
}

fn score(word: &NodeLoad, policy: Policy) -> u32 {
    // No share is over its whole, so every product fits.
    let share = |points: u32, part: u64, whole: u64| {
        let quotient = u128::from(points) * u128::from(part.min(whole)) / u128::from(whole.max(1));
        u32::try_from(quotient).unwrap_or(points)
    };
    let room = |points: u32, free: u64, whole: u64| match policy {
        Policy::Spread => share(points, free, whole),
        Policy::Pack => points - share(points, free, whole),
    };
    let NodeLoad {
        used,
        max_vaults,
        free_memory_bytes: free,
        load_percent,
        rtt_us,
        rtt_is_new,
        warm,
        code,
        draining: _,
    } = *word;
    // Steps by the power of two, so that a measurement's noise decides nothing.
    let far = (rtt_us / 1000).checked_ilog2().map_or(0, |steps| steps + 1).min(5);
    let far = if rtt_is_new { 0 } else { far };
    room(350_000, free, free.saturating_add(HALF_MEMORY))
        + 3_500 * (100 - load_percent.min(100))
        + room(200_000, max_vaults.saturating_sub(used).into(), max_vaults.into())
        + 10_000 * (5 - far)
        + 10_000 * warm.min(ENOUGH_WARM)
        + 10_000 * u32::from(code)
}

/// "no node can take it: 3 nodes, 0 fit (n1, n2: label gpu=yes missing; n3: draining)"
fn no_room(scores: &[NodeScore]) -> String {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for score in scores {
        if let Some(refused) = &score.refused {
            reasons.entry(refused).or_default().push(score.node.as_str());
        }
    }
    let mut message = format!(
        "no node can take it: {} {}, 0 fit",
        scores.len(),
        if scores.len() == 1 { "node" } else { "nodes" }
    );
    let mut groups: Vec<(Vec<&str>, &str)> =
        reasons.into_iter().map(|(reason, mut nodes)| (sorted(&mut nodes), reason)).collect();
    groups.sort();
    for (number, (nodes, reason)) in groups.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(message, "{}{}: {reason}", if number == 0 { " (" } else { "; " }, nodes.join(", "));
    }
    if !groups.is_empty() {
        message.push(')');
    }
    message
}

fn sorted<'a>(nodes: &mut Vec<&'a str>) -> Vec<&'a str> {
    nodes.sort_unstable();
    std::mem::take(nodes)
}

#[cfg(test)]
#[path = "scheduler_tests.rs"]
mod tests;
