//! The words of a token, held against what they must and must not allow.

use biscuit_auth::{BlockBuilder, UnverifiedBiscuit};

use super::*;
use crate::system::random;

const PROMISE: Promise = Promise { lease_ms: Some(7_000), link: Some(true) };

pub(super) struct World {
    pub(super) key: IssuerKey,
    pub(super) vault: VaultId,
    pub(super) ticket: TicketId,
    node: NodeName,
    pub(super) now: Timestamp,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            key: IssuerKey::generate(),
            vault: random::vault_id(),
            ticket: random::ticket_id(),
            node: "n1".parse().expect("is a name"),
            now: "2026-11-21T12:00:00Z".parse().expect("is a time"),
        }
    }

    pub(super) fn mint(&self, methods: &[&str]) -> Secret {
        let methods: Vec<String> = methods.iter().map(|&method| method.to_owned()).collect();
        let grant = Grant {
            vault: &self.vault,
            ticket: &self.ticket,
            generation: 1,
            node: &self.node,
            methods: &methods,
            label: Some("tester"),
            promise: PROMISE,
            endpoint: &Endpoint { ip: std::net::Ipv4Addr::LOCALHOST.into(), port: 1 },
            cert_sha256: &Sha256::of(b""),
            expires_at: self.now + jiff::SignedDuration::from_mins(1),
        };
        self.key.mint(&grant).expect("mints")
    }

    pub(super) fn ask<'a>(&'a self, method: &'a str) -> CallFacts<'a> {
        CallFacts { vault: &self.vault, generation: 1, node: &self.node, now: self.now, method }
    }

    pub(super) fn issuer(&self) -> Issuer {
        Issuer::from_hex(&self.key.public_hex()).expect("is a key")
    }

    pub(super) fn verify(&self, token: &Secret, ask: &CallFacts<'_>) -> Result<Capability, Denied> {
        Capability::verify(token, &self.issuer(), |word| word.holds(ask))
    }

    pub(super) fn judge(&self, token: &Secret, ask: &CallFacts<'_>) -> Result<(), Denied> {
        self.verify(token, ask)?.allows(ask)
    }

    pub(super) fn allows(&self, token: &Secret, ask: &CallFacts<'_>) -> bool {
        self.judge(token, ask).is_ok()
    }
}

/// The token with one more block, written by somebody who knows biscuits.
pub(super) fn append(token: &Secret, code: &str) -> Secret {
    let held = UnverifiedBiscuit::from_base64(token.reveal()).expect("parses");
    let block = BlockBuilder::new().code(code).expect("parses");
    Secret::new(held.append(block).and_then(|held| held.to_base64()).expect("appends"))
}

#[test]
fn a_full_token_allows_everything_here_and_now_and_names_its_holder() {
    let world = World::new();
    let token = world.mint(&["*"]);
    let held = world.verify(&token, &world.ask(builtin::DESTRUCT)).expect("verifies");
    assert_eq!(held.allows(&world.ask(builtin::DESTRUCT)), Ok(()));
    assert_eq!(
        *held.holder(),
        TokenHolder { ticket: world.ticket.clone(), label: Some("tester".into()), promise: PROMISE }
    );
}

#[test]
fn another_vault_generation_node_time_or_issuer_is_refused() {
    let world = World::new();
    let token = world.mint(&["*"]);
    let (other_vault, other_node) = (random::vault_id(), "n2".parse().expect("is a name"));
    let late = world.now + jiff::SignedDuration::from_mins(1);
    let ask = world.ask("top");
    assert!(world.allows(&token, &ask));
    assert!(!world.allows(&token, &CallFacts { vault: &other_vault, ..ask }));
    assert!(!world.allows(&token, &CallFacts { generation: 2, ..ask }));
    assert!(!world.allows(&token, &CallFacts { node: &other_node, ..ask }));
    assert!(!world.allows(&token, &CallFacts { now: late, ..ask }), "valid at its expiry");
    let stranger = World { key: IssuerKey::generate(), ..World::new() };
    assert_eq!(stranger.judge(&token, &ask), Err(Denied::Invalid));
}

#[test]
fn rights_are_per_method_and_destruct_is_one_of_them() {
    let world = World::new();
    let token = world.mint(&["top"]);
    for (method, allowed) in
        [("top", true), ("errors", false), (builtin::HEARTBEAT, true), (builtin::DESTRUCT, false)]
    {
        assert_eq!(world.allows(&token, &world.ask(method)), allowed, "{method}");
    }
}

#[test]
fn narrowing_only_takes_away() {
    let world = World::new();
    let token = world.mint(&["top", "errors"]);
    let narrowed = narrow(&token, Some(&["top".into(), "secret".into()]), None).expect("narrows");
    for (method, allowed) in [("top", true), ("errors", false), ("secret", false), (builtin::HELLO, true)] {
        assert_eq!(world.allows(&narrowed, &world.ask(method)), allowed, "{method}");
    }
    let later = world.now + jiff::SignedDuration::from_hours(1);
    let longer = narrow(&token, None, Some(later)).expect("narrows");
    assert!(!world.allows(
        &longer,
        &CallFacts { now: world.now + jiff::SignedDuration::from_mins(2), ..world.ask("top") }
    ));
    let shorter = narrow(&token, None, Some(world.now)).expect("narrows");
    assert!(!world.allows(&shorter, &world.ask("top")));
}

#[test]
fn a_flipped_bit_anywhere_is_refused() {
    let world = World::new();
    let token = world.mint(&["*"]);
    for index in 0..token.reveal().len() {
        let mut bytes = token.reveal().as_bytes().to_vec();
        bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
        let altered = Secret::new(String::from_utf8(bytes).expect("is ASCII"));
        assert!(!world.allows(&altered, &world.ask("top")), "byte {index}");
    }
}

#[test]
fn what_was_signed_can_be_signed_again_and_by_nobody_else() {
    let (mut world, methods) = (World::new(), ["top"]);
    let token = world.mint(&methods);
    assert_eq!(token, world.mint(&methods));
    // A biscuit ends with the secret that its holder narrows it with.
    let secret = |token: &Secret| {
        let bytes = UnverifiedBiscuit::from_base64(token.reveal()).and_then(|held| held.to_vec());
        bytes.expect("is one").into_iter().rev().take(32).collect::<Vec<_>>()
    };
    let voucher = world.key.vouch(&world.vault, Timestamp::MAX).expect("signs");
    let first = std::mem::replace(&mut world.ticket, random::ticket_id());
    let other = world.mint(&methods);
    (world.ticket, world.key) = (first, IssuerKey::generate());
    let strange = world.mint(&methods);
    let secrets = [&token, &voucher, &other, &strange].map(secret);
    let distinct: std::collections::HashSet<_> = secrets.iter().collect();
    assert_eq!(distinct.len(), secrets.len());
}

#[test]
fn a_voucher_says_for_whom_it_speaks_and_a_ticket_does_not() {
    let world = World::new();
    let issuer = world.issuer();
    let voucher =
        world.key.vouch(&world.vault, world.now + jiff::SignedDuration::from_mins(1)).expect("signs");
    assert_eq!(issuer.vouched(&voucher, world.now).expect("is true"), world.vault);
    assert!(issuer.vouched(&voucher, world.now + jiff::SignedDuration::from_mins(1)).is_err(), "is late");
    assert!(issuer.vouched(&world.mint(&["*"]), world.now).is_err(), "a ticket speaks for nobody");
    assert!(!world.allows(&voucher, &world.ask(builtin::HELLO)), "a voucher opens nothing");
    let forged = IssuerKey::generate().vouch(&world.vault, Timestamp::MAX).expect("signs");
    assert!(issuer.vouched(&forged, world.now).is_err());
    for code in [format!("speaks_for(\"{}\");", random::vault_id()), "check if now_ms($t), $t < 1;".into()] {
        let extended = append(&voucher, &code);
        assert_eq!(issuer.vouched(&extended, world.now), Err(Denied::Invalid), "nobody narrows a voucher");
    }
}
