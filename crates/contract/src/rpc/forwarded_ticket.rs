//! Forwarded tickets: what a gate asks of a ticket before it dials: a ticket that came in a call's parameters is
//! somebody else's word.
//!
//! Only the core's signature sends a gate anywhere. The endpoint, the certificate, the vault and the
//! generation of the document must be those that the core signed, or a made-up ticket would make a
//! gate knock on any door of its network; and the token must be good now, however it was narrowed.

use jiff::Timestamp;

use super::builtin;
use super::capability::{AuthorityBlock, CallFacts, Capability, Denied, Issuer, TokenTarget};
use crate::model::ticket::Ticket;

/// Why a gate does not go where a ticket points.
#[derive(Debug, thiserror::Error)]
pub enum Stray {
    #[error("the ticket's token is not signed by this swarm's core")]
    Forged(#[source] Denied),
    #[error("the ticket's {what} is not the one that its core signed")]
    Altered { what: &'static str },
    #[error("the ticket's token holds a foreign block")]
    Foreign(#[source] Denied),
    #[error("the ticket has expired, or was narrowed until it allows nothing")]
    Spent(#[source] Denied),
}

pub fn check(ticket: &Ticket, issuer: &Issuer, now: Timestamp) -> Result<TokenTarget, Stray> {
    let refuse = |error| match error {
        Denied::Invalid => Stray::Forged(error),
        Denied::Foreign => Stray::Foreign(error),
        Denied::NotAllowed => Stray::Spent(error),
    };
    let current = |word: &AuthorityBlock| word.is_current(now);
    let capability = Capability::verify(&ticket.auth.token, issuer, current).map_err(refuse)?;
    let claims = capability.claims();
    let same = [
        ("vault", ticket.vault == claims.vault),
        ("generation", ticket.generation == claims.generation),
        ("node", ticket.node == claims.node),
        ("endpoint", ticket.endpoint == claims.endpoint),
        ("certificate", ticket.tls.cert_sha256 == claims.cert_sha256),
    ];
    if let Some((what, _)) = same.into_iter().find(|(_, same)| !same) {
        return Err(Stray::Altered { what });
    }
    let ask = CallFacts {
        vault: &claims.vault,
        generation: claims.generation,
        node: &claims.node,
        now,
        method: builtin::HELLO,
    };
    capability.allows(&ask).map_err(refuse)?;
    Ok(claims.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::digest::Sha256;
    use crate::model::lease::Promise;
    use crate::model::secret::Secret;
    use crate::model::ticket::{Auth, Endpoint, LeaseTerms, Protocol, TicketKind, Tls, VERSION, Worker};
    use crate::rpc::capability::{Grant, IssuerKey, narrow};
    use crate::system::random;

    fn now() -> Timestamp {
        "2026-11-21T12:00:00Z".parse().expect("is a time")
    }

    fn ticket(key: &IssuerKey) -> Ticket {
        let (vault, id) = (random::vault_id(), random::ticket_id());
        let node = "n1".parse().expect("is a name");
        let endpoint = Endpoint { ip: "10.66.0.2".parse().expect("is an address"), port: 41873 };
        let cert_sha256 = Sha256::of(b"certificate");
        let methods = vec!["top".to_owned()];
        let expires_at = now() + jiff::SignedDuration::from_mins(1);
        let grant = Grant {
            vault: &vault,
            ticket: &id,
            generation: 1,
            node: &node,
            methods: &methods,
            label: None,
            promise: Promise::default(),
            endpoint: &endpoint,
            cert_sha256: &cert_sha256,
            expires_at,
        };
        let token = key.mint(&grant).expect("mints");
        Ticket {
            v: VERSION,
            kind: TicketKind::Ticket,
            id,
            vault,
            generation: 1,
            node,
            worker: Worker { name: "scout".into(), version: None, sha256: Sha256::of(b"") },
            endpoint,
            tls: Tls { version: "1.3".into(), cert_sha256, key_sha256: Sha256::of(b"key") },
            auth: Auth { scheme: "biscuit".into(), token },
            protocol: Protocol::new(4096, 500),
            methods,
            lease: LeaseTerms { claim_ms: 1000, lease_ms: 1000, link: false, link_silence_ms: 750 },
            issued_at: now(),
            expires_at,
        }
    }

    fn checked(key: &IssuerKey, ticket: &Ticket, at: Timestamp) -> Result<TokenTarget, Stray> {
        check(ticket, &Issuer::from_hex(&key.public_hex()).expect("is a key"), at)
    }

    #[test]
    fn a_true_ticket_leads_where_its_core_said() {
        let key = IssuerKey::generate();
        let ticket = ticket(&key);
        let claims = checked(&key, &ticket, now()).expect("is true");
        assert_eq!((claims.endpoint, claims.vault), (ticket.endpoint, ticket.vault));
    }

    #[test]
    fn every_altered_field_is_named_and_leads_nowhere() {
        let key = IssuerKey::generate();
        type Alter = fn(&mut Ticket);
        let alter: [(&str, Alter); 6] = [
            ("endpoint", |ticket| ticket.endpoint.port = 22),
            ("endpoint", |ticket| ticket.endpoint.ip = "169.254.169.254".parse().expect("is an address")),
            ("certificate", |ticket| ticket.tls.cert_sha256 = Sha256::of(b"mine")),
            ("vault", |ticket| ticket.vault = random::vault_id()),
            ("generation", |ticket| ticket.generation = 2),
            ("node", |ticket| ticket.node = "n2".parse().expect("is a name")),
        ];
        for (name, alter) in alter {
            let mut ticket = ticket(&key);
            alter(&mut ticket);
            let refused = checked(&key, &ticket, now());
            assert!(matches!(refused, Err(Stray::Altered { what }) if what == name), "{name}: {refused:?}");
        }
    }

    #[test]
    fn a_forged_an_expired_and_a_spent_token_lead_nowhere() {
        let key = IssuerKey::generate();
        let true_one = ticket(&key);
        let late = now() + jiff::SignedDuration::from_mins(1);
        assert!(matches!(checked(&key, &true_one, late), Err(Stray::Spent(_))));
        let forged = ticket(&IssuerKey::generate());
        assert!(matches!(checked(&key, &forged, now()), Err(Stray::Forged(_))));
        let voucher = key.vouch(&true_one.vault, late).expect("signs");
        let mut disguised = true_one.clone();
        disguised.auth.token = voucher;
        assert!(matches!(checked(&key, &disguised, now()), Err(Stray::Forged(_))), "a voucher opens a door");
        let mut narrowed = true_one.clone();
        narrowed.auth.token = narrow(&true_one.auth.token, None, Some(now())).expect("narrows");
        assert!(matches!(checked(&key, &narrowed, now()), Err(Stray::Spent(_))));
        // What a holder adds about the endpoint is not the core's word.
        let held =
            biscuit_auth::UnverifiedBiscuit::from_base64(true_one.auth.token.reveal()).expect("parses");
        let block = biscuit_auth::builder::BlockBuilder::new();
        let block = block.code("endpoint(\"127.0.0.1\", 22);").expect("parses");
        let token = held.append(block).and_then(|token| token.to_base64()).expect("appends");
        let mut added = true_one;
        added.auth.token = Secret::new(token);
        added.endpoint = Endpoint { ip: "127.0.0.1".parse().expect("is an address"), port: 22 };
        assert!(matches!(checked(&key, &added, now()), Err(Stray::Foreign(_))));
    }
}
