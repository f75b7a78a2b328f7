//! What we write, held against the library of the format's authors: the same bytes where it has no choice, and a
//! token that it believes where it has.

use std::time::Duration;

use biscuit_auth::builder::{Algorithm, BlockBuilder, Term, fact, int, string};
use biscuit_auth::datalog::SymbolTable;
use biscuit_auth::macros::{authorizer, biscuit, block};
use biscuit_auth::{AuthorizerLimits, Biscuit, KeyPair, PrivateKey, UnverifiedBiscuit};
use proptest::prelude::*;
use ring::hmac;

use super::super::tests::World;
use super::super::*;

fn pair(world: &World) -> KeyPair {
    let hex = world.key.to_hex();
    KeyPair::from(&PrivateKey::from_bytes_hex(hex.reveal(), Algorithm::Ed25519).expect("is a key"))
}

/// The holder's key, as `IssuerKey` makes it of its own.
fn next(pair: &KeyPair, name: &str) -> KeyPair {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &pair.private().to_bytes());
    let seed = hmac::sign(&key, name.as_bytes());
    KeyPair::from(&PrivateKey::from_bytes(seed.as_ref(), Algorithm::Ed25519).expect("is a key"))
}

#[test]
fn a_ticket_and_a_voucher_are_the_librarys_to_the_byte() {
    for methods in [vec!["*"], vec!["top", "read", "bottom", "top"], vec!["a"; 300]] {
        let world = World::new();
        let (vault, ticket) = (world.vault.as_str(), world.ticket.as_str());
        let expires = (world.now + jiff::SignedDuration::from_mins(1)).as_millisecond();
        let mut token = biscuit!(
            r#"vault({vault}); ticket({ticket}); generation(1); node("n1"); endpoint("127.0.0.1", 1); cert({cert});
            check if on_vault({vault}), on_generation(1), on_node("n1");
            check if now_ms($now), $now < {expires};"#,
            cert = Sha256::of(b"").to_string(),
        );
        let always = ALWAYS.into_iter().filter(|_| methods[0] != "*");
        for method in methods.iter().copied().chain(always) {
            token = token.fact(fact("right", &[string(method)])).expect("is a fact");
        }
        for fact in
            [fact("label", &[string("tester")]), fact("lease", &[int(7_000)]), fact("link", &[int(1)])]
        {
            token = token.fact(fact).expect("is a fact");
        }
        let pair = pair(&world);
        let next_key = next(&pair, &format!("ticket {ticket}"));
        let theirs = token.build_with_key_pair(&pair, SymbolTable::default(), &next_key).expect("is signed");
        assert_eq!(world.mint(&methods).reveal(), theirs.to_base64().expect("is written"), "{methods:?}");

        let token = biscuit!("speaks_for({vault}); check if now_ms($now), $now < {expires};");
        let next_key = next(&pair, "voucher");
        let theirs = token.build_with_key_pair(&pair, SymbolTable::default(), &next_key).expect("is signed");
        let ours = world.key.vouch(&world.vault, world.now + jiff::SignedDuration::from_mins(1));
        assert_eq!(ours.expect("is signed").reveal(), theirs.to_base64().expect("is written"));
    }
}

/// The block that narrows last, as text, and whether the library believes the token.
fn as_they_read(world: &World, token: &Secret) -> String {
    let issuer = pair(world).public();
    let token = Biscuit::from_base64(token.reveal(), issuer).expect("is believed");
    token.print_block_source(token.block_count() - 1).expect("is there")
}

#[test]
fn what_narrows_is_the_librarys_block_after_any_other() {
    let world = World::new();
    let methods = ["top".to_owned(), "operation".to_owned()];
    let later = world.now + jiff::SignedDuration::from_hours(1);
    let mut ours = world.mint(&["*"]);
    // Each uses the words of earlier blocks.
    for (names, expires) in
        [(None, Some(later)), (Some(&methods[..]), None), (Some(&methods[..1]), Some(later)), (None, None)]
    {
        let mut theirs = BlockBuilder::new();
        if let Some(names) = names {
            let names = names.iter().map(String::as_str).chain(ALWAYS);
            let list = Term::Array(names.map(|name| Term::Str(name.to_owned())).collect());
            let params = [("names".to_owned(), list)].into();
            let code = "check if operation($m), {names}.contains($m);";
            theirs = theirs.code_with_params(code, params, [].into()).expect("is a block");
        }
        if let Some(expires) = expires {
            let expires = expires.as_millisecond();
            theirs = theirs.merge(block!("check if now_ms($now), $now < {expires};"));
        }
        let held = UnverifiedBiscuit::from_base64(ours.reveal()).expect("is one");
        let theirs = held.append(theirs).and_then(|token| token.to_base64()).expect("is appended");
        ours = narrow(&ours, names, expires).expect("narrows");
        assert_eq!(as_they_read(&world, &ours), as_they_read(&world, &Secret::new(theirs.clone())));
        // All but the random key, its signature and its proof.
        assert_eq!(ours.reveal().len(), theirs.len());
        let data = |token: &str| {
            let bytes = chain::decode(token).expect("is base64");
            let chain = Chain::read(&bytes).expect("is a chain");
            (chain.blocks().map(|block| block.data.to_vec()).collect::<Vec<_>>(), chain.version())
        };
        assert_eq!(data(ours.reveal()), data(&theirs));
    }
    let issuer = pair(&world).public();
    let token = Biscuit::from_base64(ours.reveal(), issuer).expect("is believed");
    let (vault, now) = (world.vault.as_str(), world.now.as_millisecond());
    for (method, allowed) in [("top", true), ("operation", false), ("else", false)] {
        let code = authorizer!(
            r#"on_vault({vault}); on_generation(1); on_node("n1"); now_ms({now}); operation({method}); allow if true;"#
        );
        // The library gives itself a millisecond, which a busy machine does not.
        let patient = AuthorizerLimits { max_time: Duration::from_mins(1), ..AuthorizerLimits::default() };
        let told = code.build(&token).expect("is one").authorize_with_limits(patient);
        assert_eq!(told.is_ok(), allowed, "{method}");
    }
}

/// A block of somebody else's library may be signed in the newer way, and those after it are then too.
#[test]
fn what_follows_a_newer_signature_is_signed_in_the_same_way() {
    let world = World::new();
    let held = UnverifiedBiscuit::from_base64(world.mint(&["*"]).reveal()).expect("is one");
    let theirs = held.append(block!("check if now_ms($t), $t < 1; check if [1, 2].any($p -> $p > 0);"));
    let theirs = theirs.and_then(|token| token.to_base64()).expect("is appended");
    let bytes = chain::decode(&theirs).expect("is base64");
    let newer = Chain::read(&bytes).expect("is a chain");
    assert_eq!(newer.version(), 1);
    let next = write::NextKey::of([7; 32]).expect("is a key");
    // Of no words, since ours does not read theirs.
    let draft = write::Draft::after(&Symbols::default());
    let ours = write::appended(&newer, &draft.written(), &next).expect("is signed").expect("is open");
    let token = Biscuit::from_base64(&ours, pair(&world).public()).expect("is believed");
    assert_eq!(token.block_count(), 3);
}

#[test]
fn nobody_narrows_a_sealed_token() {
    let world = World::new();
    let held = UnverifiedBiscuit::from_base64(world.mint(&["*"]).reveal()).expect("is one");
    let sealed = Secret::new(held.seal().and_then(|token| token.to_base64()).expect("is sealed"));
    assert!(world.allows(&sealed, &world.ask("top")));
    assert!(matches!(narrow(&sealed, None, Some(world.now)), Err(CapabilityError::Sealed)));
}

proptest! {
    /// Any names, which may be words that every biscuit knows, or that an earlier block brought.
    #[test]
    fn what_was_written_is_read_and_believed(names in proptest::collection::vec("[a-z$\u{e9} ]{0,12}|right|query|m|now", 1..20), twice in any::<bool>()) {
        let world = World::new();
        let list: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut token = world.mint(&list);
        if twice {
            token = narrow(&token, Some(&names), None).expect("narrows");
        }
        as_they_read(&world, &token);
        for name in &names {
            prop_assert!(world.allows(&token, &world.ask(name)), "{name:?}");
        }
        prop_assert!(!world.allows(&token, &world.ask("never")));
    }
}
