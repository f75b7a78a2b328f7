//! Placement: which node takes a vault. Pure and deterministic; it explains itself.
//!
//! First a filter (the wished node, labels, drain, capacity, reach), then a score from 0 to 1000:
//! 400 for free memory, 400 for an idle processor, 200 for free places. Equal scores go by name.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::api::node::NodeState;
use crate::api::vault::{NodeScore, Placement};
use crate::api::{ApiError, ErrorCode};
use crate::model::id::NodeName;
use crate::model::units::show_size;

/// Free memory of which half the points for memory are given.
const HALF_MEMORY: u64 = 2 << 30;

pub struct Candidate {
    pub name: NodeName,
    pub labels: BTreeMap<String, String>,
    /// The node's own word, or why there is none.
    pub state: Result<NodeState, String>,
    /// Vaults that were sent there since it gave that word.
    pub placed_since: u32,
}

/// Every node with its score or its refusal, the best first. Fails if none fits.
pub fn place(
    candidates: &[Candidate],
    wish: &Placement,
    memory_bytes: u64,
) -> Result<Vec<NodeScore>, ApiError> {
    if let Some(node) = &wish.node
        && !candidates.iter().any(|candidate| candidate.name == *node)
    {
        let known: Vec<&str> = candidates.iter().map(|candidate| candidate.name.as_str()).collect();
        return Err(ApiError::new(ErrorCode::NotFound, format!("there is no node {node}"))
            .hint(format!("the nodes are: {}", known.join(", "))));
    }
    let mut scores: Vec<NodeScore> = candidates
        .iter()
        .map(|candidate| {
            let (refused, score) = match judge(candidate, wish, memory_bytes) {
                Ok(score) => (None, score),
                Err(reason) => (Some(reason), 0),
            };
            NodeScore { node: candidate.name.clone(), refused, score, chosen: false }
        })
        .collect();
    scores.sort_by(|a, b| {
        (a.refused.is_some(), std::cmp::Reverse(a.score), &a.node).cmp(&(
            b.refused.is_some(),
            std::cmp::Reverse(b.score),
            &b.node,
        ))
    });
    match scores.first_mut() {
        Some(best) if best.refused.is_none() => {
            best.chosen = true;
            Ok(scores)
        }
        _ => Err(no_capacity(&scores)),
    }
}

fn judge(candidate: &Candidate, wish: &Placement, memory_bytes: u64) -> Result<u32, String> {
    if wish.node.as_ref().is_some_and(|node| *node != candidate.name) {
        return Err("not the wished node".into());
    }
    for (label, value) in &wish.labels {
        if candidate.labels.get(label) != Some(value) {
            return Err(format!("label {label}={value} missing"));
        }
    }
    let state = candidate.state.as_ref().map_err(|reason| format!("unreachable: {reason}"))?;
    if state.draining {
        return Err("draining".into());
    }
    let used = u32::try_from(state.vaults.len()).unwrap_or(u32::MAX).saturating_add(candidate.placed_since);
    if used >= state.max_vaults {
        return Err(format!("full: {used} of {} vaults", state.max_vaults));
    }
    if state.free_memory_bytes < memory_bytes {
        return Err(format!(
            "{} needed, {} free",
            show_size(memory_bytes),
            show_size(state.free_memory_bytes)
        ));
    }
    Ok(score(state.free_memory_bytes, state.load_percent, used, state.max_vaults))
}

fn score(free: u64, load_percent: u32, used: u32, most: u32) -> u32 {
    // No share is over its whole, so every quotient fits.
    let share = |points: u64, part: u64, whole: u64| {
        let quotient = u128::from(points) * u128::from(part) / u128::from(whole.max(1));
        u32::try_from(quotient).unwrap_or(0)
    };
    share(400, free, free.saturating_add(HALF_MEMORY))
        + 4 * (100 - load_percent.min(100))
        + share(200, (most - used).into(), most.into())
}

/// "no node can take it: 3 nodes, 0 fit (n1, n2: label gpu=yes missing; n3: draining)"
#[must_use]
pub fn no_capacity(scores: &[NodeScore]) -> ApiError {
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
    ApiError::new(ErrorCode::NoCapacity, message)
        .hint("`hauki node ls` shows the nodes; destruct what is not needed, or ask for less")
}

fn sorted<'a>(nodes: &mut Vec<&'a str>) -> Vec<&'a str> {
    nodes.sort_unstable();
    std::mem::take(nodes)
}

#[cfg(test)]
#[path = "scheduler_tests.rs"]
mod tests;
