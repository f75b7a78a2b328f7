//! What the holder of one connection may do, asked of its token and remembered for a moment.
//!
//! Evaluating a token takes far longer than a call. A holder may have put any condition into it,
//! expiry above all, so a yes is good for a second and a no is never remembered.

use std::collections::HashMap;

use crate::model::lease::Mono;
use crate::rpc::capability::{Ask, Capability, Denied};
use crate::system::clock;

const GOOD_FOR_MS: u64 = 1000;

pub struct Rights {
    capability: Capability,
    allowed: HashMap<Box<str>, Mono>,
}

impl Rights {
    #[must_use]
    pub fn new(capability: Capability) -> Self {
        Self { capability, allowed: HashMap::new() }
    }

    /// `ask.method` must be one that exists: the memory is bounded by their number.
    pub fn check(&mut self, ask: &Ask<'_>) -> Result<(), Denied> {
        let now = clock::mono();
        if self.allowed.get(ask.method).is_some_and(|at| now.since(*at) < GOOD_FOR_MS * 1000) {
            return Ok(());
        }
        self.capability.allows(ask)?;
        self.allowed.insert(ask.method.into(), now);
        Ok(())
    }
}
