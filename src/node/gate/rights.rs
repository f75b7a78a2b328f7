//! What the holder of one connection may do, asked of its token and remembered for a moment.
//!
//! Evaluating a token takes far longer than a call, and happens on the lane that all callers share.
//! A holder may have put any condition into it, expiry above all, so no answer is good for longer
//! than a second; but a no is remembered as long as a yes, or asking for what is not allowed would
//! be the cheapest way to keep a lane busy.

use std::collections::HashMap;

use crate::model::lease::Mono;
use crate::rpc::capability::{Ask, Capability, Denied};
use crate::system::clock;

const GOOD_FOR_MS: u64 = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Allowed,
    Denied,
    /// Not said yet: the check took too long.
    Unknown,
}

pub struct Rights {
    capability: Capability,
    verdicts: HashMap<Box<str>, (Mono, Verdict)>,
}

impl Rights {
    #[must_use]
    pub fn new(capability: Capability) -> Self {
        Self { capability, verdicts: HashMap::new() }
    }

    /// `ask.method` must be one that exists: the memory is bounded by their number.
    pub fn check(&mut self, ask: &Ask<'_>) -> Verdict {
        let now = clock::mono();
        if let Some((at, verdict)) = self.verdicts.get(ask.method)
            && now.since(*at) < GOOD_FOR_MS * 1000
        {
            return *verdict;
        }
        let verdict = match self.capability.allows(ask) {
            Ok(_) => Verdict::Allowed,
            Err(Denied::TooExpensive(_)) => Verdict::Unknown,
            Err(Denied::NotAllowed(_) | Denied::Invalid(_)) => Verdict::Denied,
        };
        // From now on, not from before a check that may have taken long.
        self.verdicts.insert(ask.method.into(), (clock::mono(), verdict));
        verdict
    }
}
