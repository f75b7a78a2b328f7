//! Authorization: what the holder of one connection may do, and the tokens whose signatures this gate has looked at.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use hauki_contract::model::digest::Sha256;
use hauki_contract::model::secret::Secret;
use hauki_contract::model::ticket::ALL_METHODS;
use hauki_contract::rpc::builtin;
use hauki_contract::rpc::capability::{CallFacts, Capability, Denied, Issuer};

/// What a caller may do, as it was when it came: for lists, not for decisions.
pub struct Granted {
    /// The worker's methods among it.
    pub methods: Vec<String>,
    reserved: Vec<String>,
    everything: bool,
}

impl Granted {
    /// `allowed` of the worker's `count` methods and of the reserved ones that are granted.
    fn new(mut allowed: Vec<String>, count: usize) -> Self {
        let everything = allowed.len() == count + builtin::GRANTABLE.len();
        let reserved = allowed.extract_if(.., |name| name.starts_with(builtin::PREFIX)).collect();
        Self { methods: allowed, reserved, everything }
    }

    /// What the worker is told of its caller.
    #[must_use]
    pub fn shown(&self) -> Vec<&str> {
        if self.everything {
            return vec![ALL_METHODS];
        }
        self.methods.iter().chain(&self.reserved).map(String::as_str).collect()
    }
}

/// Tokens that this gate has found to be signed by its issuer, so that who comes again with the same bytes
/// has only their conditions asked.
#[derive(Default)]
pub struct TokenCache(Mutex<VecDeque<(Sha256, Arc<Capability>)>>);

const MOST_SIGNED: usize = 8;

impl TokenCache {
    /// The token, if it was seen here, and whether it opens this.
    pub fn known(&self, token: &Secret, ask: &CallFacts<'_>) -> Option<Result<Arc<Capability>, Denied>> {
        let digest = Sha256::of(token.reveal().as_bytes());
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let index = seen.iter().position(|(known, _)| *known == digest)?;
        let known = seen.remove(index)?;
        let capability = Arc::clone(&known.1);
        seen.push_front(known);
        drop(seen);
        Some(capability.allows(ask).map(|()| capability))
    }

    /// Looks at the token's signatures, and remembers them if they are good.
    pub fn verify(
        &self,
        token: &Secret,
        issuer: &Issuer,
        ask: &CallFacts<'_>,
    ) -> Result<Arc<Capability>, Denied> {
        let capability = Arc::new(Capability::verify(token, issuer, |word| word.holds(ask))?);
        let digest = Sha256::of(token.reveal().as_bytes());
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|(known, _)| *known != digest);
        seen.push_front((digest, Arc::clone(&capability)));
        seen.truncate(MOST_SIGNED);
        drop(seen);
        capability.allows(ask).map(|()| capability)
    }
}

/// What the holder may do besides coming in, of the worker's `methods` and of the reserved ones that are granted.
#[must_use]
pub fn granted(capability: &Capability, ask: &CallFacts<'_>, methods: &[String]) -> Granted {
    let grantable = methods.iter().map(String::as_str).chain(builtin::GRANTABLE);
    let allowed = grantable.filter(|&method| capability.allows(&CallFacts { method, ..*ask }).is_ok());
    Granted::new(allowed.map(str::to_owned).collect(), methods.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hauki_contract::model::lease::Promise;
    use hauki_contract::model::ticket::Endpoint;
    use hauki_contract::rpc::capability::{Grant, IssuerKey};
    use hauki_contract::system::{clock, random};

    #[test]
    fn signatures_are_looked_at_once_and_conditions_always() {
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
            promise: Promise::default(),
            endpoint: &Endpoint { ip: std::net::Ipv4Addr::LOCALHOST.into(), port: 1 },
            cert_sha256: &Sha256::of(b""),
            expires_at,
        };
        let issuer = Issuer::from_hex(&key.public_hex()).expect("a key");
        let (token, signed) = (key.mint(&grant).expect("mints"), TokenCache::default());
        let ask = |method| CallFacts { vault: &vault, generation: 1, node: &node, now: clock::now(), method };
        let hello = ask(builtin::HELLO);
        assert!(signed.known(&token, &hello).is_none());
        let capability = signed.verify(&token, &issuer, &hello).expect("verifies");
        let again = signed.known(&token, &hello).expect("was seen").expect("is good");
        assert!(Arc::ptr_eq(&capability, &again));
        let forged = Secret::new(token.reveal().replacen(['a', 'b', 'c'], "d", 1));
        for _ in 0..2 {
            assert_eq!(signed.verify(&forged, &issuer, &hello).err(), Some(Denied::Invalid));
            assert!(signed.known(&forged, &hello).is_none(), "a no is remembered as a yes");
        }
        let there_are = ["errors".to_owned(), "top".to_owned()];
        assert_eq!(granted(&capability, &hello, &there_are).shown(), ["top"]);
        // Whose signatures are known is asked for its conditions all the same.
        let late = CallFacts { now: expires_at, ..hello };
        assert_eq!(signed.known(&token, &late).expect("was seen").err(), Some(Denied::NotAllowed));
    }
}
