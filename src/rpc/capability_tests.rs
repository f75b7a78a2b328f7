//! The words of a token, held against what they must and must not allow.

use super::*;
use crate::system::random;

struct World {
    key: IssuerKey,
    vault: VaultId,
    ticket: TicketId,
    node: NodeName,
    now: Timestamp,
}

impl World {
    fn new() -> Self {
        Self {
            key: IssuerKey::generate(),
            vault: random::vault_id(),
            ticket: random::ticket_id(),
            node: "n1".parse().expect("is a name"),
            now: "2026-11-21T12:00:00Z".parse().expect("is a time"),
        }
    }

    fn mint(&self, methods: &[&str]) -> Secret {
        let methods: Vec<String> = methods.iter().map(|&method| method.to_owned()).collect();
        let grant = Grant {
            vault: &self.vault,
            ticket: &self.ticket,
            generation: 1,
            node: &self.node,
            methods: &methods,
            label: Some("tester"),
            endpoint: &Endpoint { ip: std::net::Ipv4Addr::LOCALHOST.into(), port: 1 },
            cert_sha256: &Sha256::of(b""),
            expires_at: self.now + jiff::SignedDuration::from_mins(1),
        };
        self.key.mint(&grant).expect("mints")
    }

    fn ask<'a>(&'a self, method: &'a str) -> Ask<'a> {
        Ask { vault: &self.vault, generation: 1, node: &self.node, now: self.now, method }
    }

    fn allows(&self, token: &Secret, ask: &Ask<'_>) -> bool {
        let issuer = Issuer::from_hex(&self.key.public_hex()).expect("is a key");
        Capability::verify(token, &issuer).and_then(|held| held.allows(ask)).is_ok()
    }
}

#[test]
fn a_full_token_allows_everything_here_and_now_and_names_its_holder() {
    let world = World::new();
    let token = world.mint(&["*"]);
    let issuer = Issuer::from_hex(&world.key.public_hex()).expect("is a key");
    let held = Capability::verify(&token, &issuer).expect("verifies");
    let holder = held.allows(&world.ask(reserved::DESTRUCT)).expect("allows");
    assert_eq!(holder, Holder { ticket: world.ticket.clone(), label: Some("tester".into()) });
}

#[test]
fn another_vault_generation_node_time_or_issuer_is_refused() {
    let world = World::new();
    let token = world.mint(&["*"]);
    let (other_vault, other_node) = (random::vault_id(), "n2".parse().expect("is a name"));
    let late = world.now + jiff::SignedDuration::from_mins(1);
    let ask = world.ask("top");
    assert!(world.allows(&token, &ask));
    assert!(!world.allows(&token, &Ask { vault: &other_vault, ..ask }));
    assert!(!world.allows(&token, &Ask { generation: 2, ..ask }));
    assert!(!world.allows(&token, &Ask { node: &other_node, ..ask }));
    assert!(!world.allows(&token, &Ask { now: late, ..ask }), "valid at its expiry");
    let stranger = World { key: IssuerKey::generate(), ..World::new() };
    let issuer = Issuer::from_hex(&stranger.key.public_hex()).expect("is a key");
    assert!(matches!(Capability::verify(&token, &issuer), Err(Denied::Invalid(_))));
}

#[test]
fn rights_are_per_method_and_destruct_is_one_of_them() {
    let world = World::new();
    let token = world.mint(&["top"]);
    for (method, allowed) in
        [("top", true), ("errors", false), (reserved::HEARTBEAT, true), (reserved::DESTRUCT, false)]
    {
        assert_eq!(world.allows(&token, &world.ask(method)), allowed, "{method}");
    }
}

#[test]
fn the_rights_that_are_listed_are_those_that_are_granted() {
    let world = World::new();
    let issuer = Issuer::from_hex(&world.key.public_hex()).expect("is a key");
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let there_are = names(&["errors", "hauki.destruct", "top"]);
    let rights = |token: &Secret| {
        let held = Capability::verify(token, &issuer).expect("verifies");
        let (holder, rights) = held.admits(&world.ask(reserved::HELLO), &there_are).expect("admits");
        assert_eq!(holder, held.allows(&world.ask(reserved::HELLO)).expect("allows"));
        for method in &there_are {
            assert_eq!(held.allows(&world.ask(method)).is_ok(), rights.contains(method), "{method}");
        }
        rights
    };
    let all = world.mint(&["*"]);
    assert_eq!(rights(&all), there_are);
    assert_eq!(rights(&world.mint(&["top", "gone"])), ["top"]);
    assert_eq!(rights(&world.mint(&["top", reserved::DESTRUCT])), ["hauki.destruct", "top"]);
    assert_eq!(rights(&narrow(&all, Some(&names(&["errors"])), None).expect("narrows")), ["errors"]);
}

#[test]
fn narrowing_only_takes_away() {
    let world = World::new();
    let token = world.mint(&["top", "errors"]);
    let narrowed = narrow(&token, Some(&["top".into(), "secret".into()]), None).expect("narrows");
    for (method, allowed) in [("top", true), ("errors", false), ("secret", false), (reserved::HELLO, true)] {
        assert_eq!(world.allows(&narrowed, &world.ask(method)), allowed, "{method}");
    }
    let later = world.now + jiff::SignedDuration::from_hours(1);
    let longer = narrow(&token, None, Some(later)).expect("narrows");
    assert!(
        !world.allows(
            &longer,
            &Ask { now: world.now + jiff::SignedDuration::from_mins(2), ..world.ask("top") }
        )
    );
    let shorter = narrow(&token, None, Some(world.now)).expect("narrows");
    assert!(!world.allows(&shorter, &world.ask("top")));
}

#[test]
fn a_holder_cannot_write_itself_a_right() {
    let world = World::new();
    let token = world.mint(&["top"]);
    let held = UnverifiedBiscuit::from_base64(token.reveal()).expect("parses");
    let block = BlockBuilder::new()
        .code(r#"right("*"); right("errors"); ticket("tkt_00000000000000000000000000"); on_generation(2); now_ms(0);"#)
        .expect("parses");
    let forged = Secret::new(held.append(block).expect("appends").to_base64().expect("writes"));
    assert!(!world.allows(&forged, &world.ask("errors")));
    assert!(!world.allows(&forged, &Ask { generation: 2, ..world.ask("top") }));
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
    let issuer = Issuer::from_hex(&world.key.public_hex()).expect("is a key");
    let voucher =
        world.key.vouch(&world.vault, world.now + jiff::SignedDuration::from_mins(1)).expect("signs");
    assert_eq!(issuer.vouched(&voucher, world.now).expect("is true"), world.vault);
    assert!(issuer.vouched(&voucher, world.now + jiff::SignedDuration::from_mins(1)).is_err(), "is late");
    assert!(issuer.vouched(&world.mint(&["*"]), world.now).is_err(), "a ticket speaks for nobody");
    assert!(!world.allows(&voucher, &world.ask(reserved::HELLO)), "a voucher opens nothing");
    let forged = IssuerKey::generate().vouch(&world.vault, Timestamp::MAX).expect("signs");
    assert!(issuer.vouched(&forged, world.now).is_err());
    let held = UnverifiedBiscuit::from_base64(voucher.reveal()).expect("parses");
    let other = format!("speaks_for(\"{}\");", random::vault_id());
    let block = BlockBuilder::new().code(other).expect("parses");
    let extended = Secret::new(held.append(block).expect("appends").to_base64().expect("writes"));
    assert_eq!(issuer.vouched(&extended, world.now).expect("is true"), world.vault);
}
