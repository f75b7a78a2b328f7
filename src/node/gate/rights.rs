//! What the holder of one connection may do, asked of its token and remembered for a moment.
//!
//! Evaluating a token takes far longer than a call, and happens on the lane that all callers share.
//! A holder may have put any condition into it, expiry above all, so no answer is good for longer
//! than a second; but a no is remembered as long as a yes, or asking for what is not allowed would
//! be the cheapest way to keep a lane busy.

use std::collections::HashMap;

use crate::model::lease::Mono;
use crate::model::ticket::ALL_METHODS;
use crate::rpc::capability::{Ask, Capability, Denied};
use crate::rpc::reserved;
use crate::system::clock;

const GOOD_FOR_MS: u64 = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Allowed,
    Denied,
    /// Not said yet: the check took too long.
    Unknown,
}

/// What a caller may do, as it was when it came: for lists, not for decisions.
pub struct Granted {
    /// The worker's methods among it.
    pub methods: Vec<String>,
    destruct: bool,
    everything: bool,
}

impl Granted {
    pub fn of(capability: &Capability, ask: &Ask<'_>, methods: Vec<String>) -> Result<Self, Denied> {
        let count = methods.len() + 1;
        let mut asked = methods;
        asked.push(reserved::DESTRUCT.to_owned());
        let mut methods = capability.rights(ask, &asked)?;
        let everything = methods.len() == count;
        let destruct = methods.pop_if(|last| last == reserved::DESTRUCT).is_some();
        Ok(Self { methods, destruct, everything })
    }

    /// What the worker is told of its caller.
    #[must_use]
    pub fn shown(&self) -> Vec<&str> {
        if self.everything {
            return vec![ALL_METHODS];
        }
        let destruct = self.destruct.then_some(reserved::DESTRUCT);
        self.methods.iter().map(String::as_str).chain(destruct).collect()
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::digest::Sha256;
    use crate::model::ticket::Endpoint;
    use crate::rpc::capability::{Grant, Issuer, IssuerKey};
    use crate::system::random;

    #[test]
    fn a_no_is_remembered_like_a_yes() {
        let (key, vault, ticket) = (IssuerKey::generate(), random::vault_id(), random::ticket_id());
        let node = "n1".parse().expect("a name");
        let methods = ["top".to_owned()];
        let expires_at = clock::now() + jiff::SignedDuration::from_hours(1);
        let grant = Grant {
            vault: &vault,
            ticket: &ticket,
            generation: 1,
            node: &node,
            methods: &methods,
            label: None,
            endpoint: &Endpoint { ip: std::net::Ipv4Addr::LOCALHOST.into(), port: 1 },
            cert_sha256: &Sha256::of(b""),
            expires_at,
        };
        let issuer = Issuer::from_hex(&key.public_hex()).expect("a key");
        let capability = Capability::verify(&key.mint(&grant).expect("mints"), &issuer).expect("verifies");
        let mut rights = Rights::new(capability);
        for (method, verdict) in [("top", Verdict::Allowed), ("errors", Verdict::Denied)] {
            let ask = Ask { vault: &vault, generation: 1, node: &node, now: clock::now(), method };
            assert_eq!(rights.check(&ask), verdict);
            assert_eq!(rights.verdicts.get(method).map(|(_, verdict)| *verdict), Some(verdict));
        }
    }
}
