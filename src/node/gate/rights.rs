//! What the holder of one connection may do, asked of its token and remembered for a moment.
//!
//! Evaluating a token takes far longer than a call, and happens on the lane that all callers share.
//! A holder may have put any condition into it, expiry above all, so no answer is good for longer
//! than a second; but a no is remembered as long as a yes, or asking for what is not allowed would
//! be the cheapest way to keep a lane busy.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::digest::Sha256;
use crate::model::lease::Mono;
use crate::model::secret::Secret;
use crate::model::ticket::ALL_METHODS;
use crate::rpc::capability::{Ask, Capability, Denied, Holder, Issuer};
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
    /// `allowed` of the worker's `count` methods and of the reserved ones that are granted.
    fn new(mut allowed: Vec<String>, count: usize) -> Self {
        let everything = allowed.len() == count + 1;
        let destruct = allowed.pop_if(|last| last == reserved::DESTRUCT).is_some();
        Self { methods: allowed, destruct, everything }
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

/// Tokens that this gate has found to be signed by its issuer, so that who comes again with the same bytes
/// has only their conditions asked.
#[derive(Default)]
pub struct Signed(Mutex<VecDeque<(Sha256, Arc<Capability>)>>);

const MOST_SIGNED: usize = 8;

impl Signed {
    pub fn verify(&self, token: &Secret, issuer: &Issuer) -> Result<Arc<Capability>, Denied> {
        let digest = Sha256::of(token.reveal().as_bytes());
        let seen = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = seen().iter().find(|(known, _)| *known == digest).map(|(_, found)| Arc::clone(found));
        let capability = match known {
            Some(capability) => capability,
            None => Arc::new(Capability::verify(token, issuer)?),
        };
        let mut seen = seen();
        seen.retain(|(known, _)| *known != digest);
        seen.push_front((digest, Arc::clone(&capability)));
        seen.truncate(MOST_SIGNED);
        Ok(capability)
    }
}

pub struct Rights {
    capability: Arc<Capability>,
    verdicts: HashMap<Box<str>, (Mono, Verdict)>,
}

impl Rights {
    /// Who may come in, for what `ask` says, and what else he may do. The methods that he may call he is
    /// not asked about again for that moment.
    pub fn of(
        capability: Arc<Capability>,
        ask: &Ask<'_>,
        methods: &[String],
    ) -> Result<(Self, Holder, Granted), Denied> {
        let grantable = [methods, &[reserved::DESTRUCT.to_owned()]].concat();
        // From before the question, which a holder may have made long: then nothing is remembered of it.
        let now = clock::mono();
        let (holder, allowed) = capability.admits(ask, &grantable)?;
        let verdicts =
            allowed.iter().map(|method| (method.as_str().into(), (now, Verdict::Allowed))).collect();
        Ok((Self { capability, verdicts }, holder, Granted::new(allowed, methods.len())))
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
    use crate::model::ticket::Endpoint;
    use crate::rpc::capability::{Grant, IssuerKey};
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
        let (token, signed) = (key.mint(&grant).expect("mints"), Signed::default());
        let capability = signed.verify(&token, &issuer).expect("verifies");
        assert!(Arc::ptr_eq(&capability, &signed.verify(&token, &issuer).expect("was seen")));
        let forged = Secret::new(token.reveal().replacen(['a', 'b', 'c'], "d", 1));
        for _ in 0..2 {
            assert!(signed.verify(&forged, &issuer).is_err(), "a no is not remembered as a yes");
        }
        let ask = |method| Ask { vault: &vault, generation: 1, node: &node, now: clock::now(), method };
        let there_are = ["errors".to_owned(), "top".to_owned()];
        let (mut rights, _, granted) =
            Rights::of(capability, &ask(reserved::HELLO), &there_are).expect("admits");
        assert_eq!(granted.shown(), ["top"]);
        let remembered =
            |rights: &Rights, method: &str| rights.verdicts.get(method).map(|(_, verdict)| *verdict);
        assert_eq!(
            (remembered(&rights, "top"), remembered(&rights, "errors")),
            (Some(Verdict::Allowed), None)
        );
        for (method, verdict) in [("top", Verdict::Allowed), ("errors", Verdict::Denied)] {
            assert_eq!(rights.check(&ask(method)), verdict);
            assert_eq!(remembered(&rights, method), Some(verdict));
        }
        // Whose signatures are known is asked for its conditions all the same.
        let late = Ask { now: expires_at, ..ask(reserved::HELLO) };
        let again = signed.verify(&token, &issuer).expect("was seen");
        assert!(matches!(Rights::of(again, &late, &there_are), Err(Denied::NotAllowed(_))));
        // A moment later it is asked again.
        let past = Mono::default();
        rights.verdicts.insert("errors".into(), (past, Verdict::Allowed));
        assert_eq!(rights.check(&ask("errors")), Verdict::Denied);
    }
}
