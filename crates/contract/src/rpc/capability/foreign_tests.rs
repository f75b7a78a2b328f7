//! What holders write who know biscuits better than is good for others. The tokens are made by the biscuit
//! library, which also says what each of them means where it means something.

use std::time::Duration;

use base64::Engine as _;
use biscuit_auth::builder::{Algorithm, Scope};
use biscuit_auth::macros::authorizer;
use biscuit_auth::{AuthorizerLimits, Biscuit, BlockBuilder, KeyPair, PublicKey, UnverifiedBiscuit};

use super::tests::{World, append};
use super::*;
use crate::system::clock;

/// What the library says of the same question, by the program that gates ran once.
fn library_allows(world: &World, token: &Secret, ask: &CallFacts<'_>) -> bool {
    let root = PublicKey::from_bytes_hex(&world.key.public_hex(), Algorithm::Ed25519).expect("is a key");
    let Ok(token) = Biscuit::from_base64(token.reveal(), root) else { return false };
    let authorizer = authorizer!(
        r#"
        on_vault({vault});
        on_generation({generation});
        on_node({node});
        now_ms({now_ms});
        operation({method});
        allow if right("*");
        allow if right({method});
        "#,
        vault = ask.vault.as_str(),
        generation = i64::try_from(ask.generation).expect("fits"),
        node = ask.node.as_str(),
        now_ms = ask.now.as_millisecond(),
        method = ask.method,
    );
    // Of its own accord it gives up after a millisecond.
    let patient = AuthorizerLimits { max_time: Duration::from_mins(1), ..AuthorizerLimits::default() };
    let authorizer = authorizer.set_limits(patient.clone()).build(&token);
    authorizer.is_ok_and(|mut authorizer| authorizer.authorize_with_limits(patient).is_ok())
}

fn written(token: &[u8]) -> Secret {
    Secret::new(base64::engine::general_purpose::URL_SAFE.encode(token))
}

/// The fields of a message, each with its number and length.
fn parts(message: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = protobuf::Fields(message);
    let mut parts = Vec::new();
    while !rest.0.is_empty() {
        let before = rest.0;
        rest.next().expect("there is more").expect("is whole");
        parts.push(before[..before.len() - rest.0.len()].to_vec());
    }
    parts
}

fn raw(token: &Secret) -> Vec<u8> {
    UnverifiedBiscuit::from_base64(token.reveal()).and_then(|held| held.to_vec()).expect("is one")
}

/// The hundred facts and the join that held a lane for seconds, the sixty regular expressions that held it for
/// forty, and all else that a block can be.
#[test]
fn a_block_that_says_anything_else_is_foreign_and_costs_nothing() {
    let world = World::new();
    let (all, some) = (world.mint(&["*"]), world.mint(&["top"]));
    let facts: String = (0..220).map(|n| format!("f({n});")).collect();
    let join = format!(
        "{facts} check if now_ms($t), $t < {} or f($a), f($b), f($c), $a + $b + $c < 0;",
        world.now.as_millisecond() + 1000
    );
    let hay: String = (0..60)
        .map(|n| {
            format!("check if operation($m), $m != \"hauki.stats\" || \"a{n}\".matches(\"\\\\w{{380}}x\");")
        })
        .collect();
    let long = format!("check if operation($m), [\"{}\"].contains($m);", "x".repeat(datalog::MAX_NAME + 1));
    let many: Vec<String> = (0..=datalog::MAX_NAMES).map(|n| format!("\"m{n}\"")).collect();
    let many = format!("check if operation($m), [{}].contains($m);", many.join(","));
    let five = "check if now_ms($t), $t < 1800000000000;".repeat(5);
    for code in [
        &join[..],
        &hay,
        &long,
        &many,
        &five,
        "right(\"*\");",
        "ticket(\"tkt_00000000000000000000000000\"); on_generation(2); now_ms(0);",
        "right(\"errors\") <- operation($m);",
        "check if true;",
        "check if operation(\"top\");",
        "check if operation($m);",
        "check if operation($m), $m == \"top\";",
        "check if operation($m), [\"top\"].contains($m) || true;",
        "check if operation($m), !([\"top\"].contains($m));",
        "check if operation($m), [\"top\"].contains($m), [\"top\"].contains($m);",
        "check if operation($m), [[\"top\"]].contains($m);",
        "check if operation($m), [\"top\", 1].contains($m);",
        "check if operation($m), $m.contains(\"top\");",
        "check if operation($m), operation($n), [\"top\"].contains($m);",
        "check if right($m), [\"top\"].contains($m);",
        "check if operation($m), [\"top\"].contains($m) or now_ms($t), $t < 1;",
        "check all operation($m), [\"top\"].contains($m);",
        "reject if operation($m), [\"top\"].contains($m);",
        "check if now_ms($t), $t > 1;",
        "check if now_ms($t), $t <= 1800000000000;",
        "check if now_ms($t), 1 < $t;",
        "check if now_ms($t), $t < \"1\";",
        "check if time($t), $t < 2030-01-01T00:00:00Z;",
        "check if operation($m), [\"top\"].contains($m) trusting previous;",
        "check if on_vault($v), on_generation(1), on_node($n);",
        "check if \"a\".matches(\"(\\\\w{380}){380}\");",
    ] {
        for token in [&all, &some] {
            let foreign = append(token, code);
            let began = clock::mono();
            let judged = world.judge(&foreign, &world.ask("top"));
            let took_us = clock::mono().since(began);
            assert!(took_us < 2_000_000, "{code} took {took_us} us");
            assert!(matches!(judged, Err(Denied::Foreign | Denied::Invalid)), "{judged:?}: {code}");
            let narrowed = narrow(&foreign, Some(&["top".into()]), None);
            assert!(
                matches!(narrowed, Err(CapabilityError::Foreign | CapabilityError::Malformed)),
                "{narrowed:?}: {code}"
            );
        }
        let fits = append(&some, code).reveal().len() <= chain::MAX_LETTERS;
        assert_eq!(
            world.judge(&append(&some, code), &world.ask("top")) == Err(Denied::Foreign),
            fits,
            "{code}"
        );
    }
}

/// Whoever writes the documented words with another library, another name of a variable or an older set.
#[test]
fn the_documented_conditions_mean_what_the_library_says_they_mean() {
    let world = World::new();
    let [soon, late] = [1, -1].map(|sign| world.now.as_millisecond() + sign * 1000);
    let token = world.mint(&["top", "errors", "read"]);
    for code in [
        String::new(),
        "check if operation($m), [\"top\"].contains($m);".into(),
        "check if operation($operation), {\"top\", \"hauki.hello\", \"read\"}.contains($operation);".into(),
        "check if operation($m), [].contains($m);".into(),
        format!("check if now_ms($t), $t < {soon};"),
        format!("check if now_ms($then), $then < {late};"),
        "check if now_ms($t), $t < -1;".into(),
        format!(
            "check if now_ms($t), $t < {soon}; check if operation($m), [\"top\", \"errors\"].contains($m);\n\
             check if operation($m), [\"errors\", \"query\"].contains($m);"
        ),
    ] {
        let once = append(&token, &code);
        let twice = narrow(&once, Some(&["top".into(), "read".into()]), None).expect("narrows");
        for token in [&once, &twice] {
            for method in ["top", "errors", "read", "query", "other", builtin::HELLO, builtin::DESTRUCT] {
                let ask = world.ask(method);
                assert_eq!(
                    world.allows(token, &ask),
                    library_allows(&world, token, &ask),
                    "{method}: {code}"
                );
            }
        }
    }
}

/// A condition that is known, in a block that is not.
#[test]
fn a_block_with_a_scope_or_a_remark_is_foreign() {
    let world = World::new();
    let held = UnverifiedBiscuit::from_base64(world.mint(&["*"]).reveal()).expect("parses");
    let block =
        || BlockBuilder::new().code("check if operation($m), [\"top\"].contains($m);").expect("parses");
    for (block, judged) in [
        (block(), Ok(())),
        (block().scope(Scope::Previous), Err(Denied::Foreign)),
        (block().context("a remark".into()), Err(Denied::Foreign)),
    ] {
        let token = held.append(block).and_then(|held| held.to_base64()).expect("appends");
        assert_eq!(world.judge(&Secret::new(token), &world.ask("top")), judged);
    }
}

#[test]
fn a_third_partys_block_and_keys_of_another_kind_are_refused() {
    let world = World::new();
    let token = world.mint(&["*"]);
    let held = UnverifiedBiscuit::from_base64(token.reveal()).expect("parses");
    let stranger = KeyPair::new();
    let block = BlockBuilder::new().code("check if operation($m), [\"top\"].contains($m);").expect("parses");
    let signed =
        held.third_party_request().and_then(|request| request.create_block(&stranger.private(), block));
    let joined = held.append_third_party(&signed.expect("signs").serialize().expect("writes"));
    let joined = Secret::new(joined.and_then(|held| held.to_base64()).expect("appends"));
    assert_eq!(world.judge(&joined, &world.ask("top")), Err(Denied::Foreign));
    assert!(matches!(narrow(&joined, None, Some(world.now)), Err(CapabilityError::Foreign)));

    let block = BlockBuilder::new().code("check if operation($m), [\"top\"].contains($m);").expect("parses");
    let key = KeyPair::new_with_algorithm(Algorithm::Secp256r1);
    let other = held.append_with_keypair(&key, block).and_then(|held| held.to_base64()).expect("appends");
    assert_eq!(world.judge(&Secret::new(other), &world.ask("top")), Err(Denied::Invalid));
}

#[test]
fn a_narrowed_token_cannot_be_widened() {
    let world = World::new();
    let token = world.mint(&["top", "errors"]);
    let narrowed = narrow(&token, Some(&["top".into()]), None).expect("narrows");
    assert!(world.allows(&token, &world.ask("errors")) && !world.allows(&narrowed, &world.ask("errors")));
    // Its blocks left out, doubled and swapped, with the proofs that somebody has.
    let (whole, own) = (parts(&raw(&narrowed)), parts(&raw(&token)));
    let [authority, block, proof] = &whole[..] else { panic!("{whole:?}") };
    let own_proof = own.last().expect("a proof");
    let write = |parts: &[&Vec<u8>]| written(&parts.iter().copied().flatten().copied().collect::<Vec<_>>());
    assert_eq!(world.judge(&write(&[authority, block, proof]), &world.ask("top")), Ok(()));
    assert_eq!(world.judge(&write(&[authority, own_proof]), &world.ask("errors")), Ok(()));
    for parts in [
        &[authority, proof][..],
        &[authority, block],
        &[block, proof],
        &[authority, block, block, proof],
        &[authority, block, own_proof],
        &[authority, authority, proof],
        &[authority, block, proof, proof],
        &[],
    ] {
        for method in ["top", "errors"] {
            let ask = world.ask(method);
            assert_eq!(world.judge(&write(parts), &ask), Err(Denied::Invalid), "{parts:?}");
        }
    }
}

#[test]
fn a_token_that_nobody_may_narrow_any_more_is_good() {
    let world = World::new();
    let token = narrow(&world.mint(&["*"]), Some(&["top".into()]), None).expect("narrows");
    let root = PublicKey::from_bytes_hex(&world.key.public_hex(), Algorithm::Ed25519).expect("is a key");
    let held = Biscuit::from_base64(token.reveal(), root).expect("verifies");
    let sealed = Secret::new(held.seal().and_then(|sealed| sealed.to_base64()).expect("seals"));
    assert_eq!(world.judge(&sealed, &world.ask("top")), Ok(()));
    assert_eq!(world.judge(&sealed, &world.ask("errors")), Err(Denied::NotAllowed));
    assert!(narrow(&sealed, None, Some(world.now)).is_err());
}

#[test]
fn bytes_blocks_and_names_are_counted_before_a_signature_is_looked_at() {
    let world = World::new();
    let mut token = world.mint(&["*"]);
    for _ in 0..chain::MAX_NARROWED {
        token = narrow(&token, Some(&["top".into()]), Some(world.now + jiff::SignedDuration::from_mins(1)))
            .expect("narrows");
    }
    assert_eq!(world.judge(&token, &world.ask("top")), Ok(()));
    assert!(matches!(narrow(&token, Some(&["top".into()]), None), Err(CapabilityError::Full)));
    let over = append(&token, "check if operation($m), [\"top\"].contains($m);");
    assert_eq!(world.judge(&over, &world.ask("top")), Err(Denied::Invalid));
    for hostile in [
        "A".repeat(chain::MAX_LETTERS + 4),
        // Thousands of blocks that are hardly there, and a message in a message in a message.
        "GgAa".repeat(chain::MAX_LETTERS / 4),
        "EgIS".repeat(chain::MAX_LETTERS / 4),
    ] {
        let began = clock::mono();
        assert_eq!(world.judge(&Secret::new(hostile), &world.ask("top")), Err(Denied::Invalid));
        let took_us = clock::mono().since(began);
        assert!(took_us < 500_000, "{took_us} us");
    }
    let names = |count: usize, length: usize| vec!["n".repeat(length); count];
    assert!(matches!(narrow(&world.mint(&["*"]), Some(&names(1, 257)), None), Err(CapabilityError::Names)));
    assert!(matches!(narrow(&world.mint(&["*"]), Some(&names(600, 1)), None), Err(CapabilityError::Names)));
    assert!(check_names(&names(100, 200)).is_err() && check_names(&names(400, 10)).is_ok());
    // What a core mints at most can be narrowed.
    let most: Vec<String> = (0..438).map(|n| format!("method_{n:05}")).collect();
    check_names(&most).expect("fits");
    let most: Vec<&str> = most.iter().map(String::as_str).collect();
    let token = narrow(&world.mint(&most), Some(&["method_00001".into()]), None).expect("narrows");
    assert_eq!(world.judge(&token, &world.ask("method_00001")), Ok(()));
}

/// What a holder makes others pay for comes last: nothing of it is looked at once the core's own word says no.
#[test]
fn the_cores_word_is_judged_first() {
    let world = World::new();
    let token = world.mint(&["*"]);
    let ask = world.ask("top");
    let late = CallFacts { now: world.now + jiff::SignedDuration::from_hours(1), ..ask };
    let foreign = append(&token, "right(\"*\");");
    // The holders' part is not even signed.
    let mut torn = raw(&narrow(&token, Some(&["top".into()]), None).expect("narrows"));
    let end = torn.len() - 1;
    torn[end] ^= 1;
    let torn = written(&torn);
    assert_eq!(world.judge(&torn, &ask), Err(Denied::Invalid));
    assert_eq!(world.judge(&foreign, &ask), Err(Denied::Foreign));
    for token in [&token, &foreign, &torn] {
        assert_eq!(world.judge(token, &late), Err(Denied::NotAllowed));
        assert_eq!(world.judge(token, &CallFacts { generation: 2, ..ask }), Err(Denied::NotAllowed));
    }
    let stranger = World::new();
    assert_eq!(stranger.judge(&foreign, &late), Err(Denied::Invalid));
    let expired = narrow(&token, None, Some(world.now)).expect("narrows");
    assert_eq!(world.judge(&expired, &ask), Err(Denied::NotAllowed));
}

/// A newer core may say more in its own block, as facts; a condition that is not known closes the door.
#[test]
fn more_facts_of_the_core_are_passed_over_and_more_checks_are_not() {
    let world = World::new();
    let of = |code: &str| {
        let mut words = Symbols::default();
        let block = BlockBuilder::new().code(code).expect("parses");
        let held = UnverifiedBiscuit::from_base64(world.mint(&["top"]).reveal()).expect("parses");
        let bytes = raw(&Secret::new(held.append(block).and_then(|held| held.to_base64()).expect("appends")));
        let chain = Chain::read(&bytes).expect("is one");
        let mut blocks = chain.blocks();
        let _ = words.read(blocks.next().expect("the core's")).expect("reads");
        words.read(blocks.next().expect("ours")).and_then(AuthorityBlock::of).is_ok()
    };
    let whole = |more: &str| {
        let (vault, ticket, digest) = (&world.vault, &world.ticket, Sha256::of(b""));
        format!(
            "vault(\"{vault}\"); ticket(\"{ticket}\"); generation(1); node(\"n1\"); right(\"top\");\n\
             endpoint(\"127.0.0.1\", 1); cert(\"{digest}\");\n\
             check if on_vault(\"{vault}\"), on_generation(1), on_node(\"n1\");\n\
             check if now_ms($t), $t < 1800000000000;\n{more}"
        )
    };
    assert!(of(&whole("")));
    assert!(of(&whole("heir(\"vlt_x\", 2, \"n2\"); moved(7);")));
    for more in [
        "check if operation($m), [\"top\"].contains($m);",
        "check if weather(\"fine\");",
        "generation(2);",
        "right(\"a\") <- operation($m);",
    ] {
        assert!(!of(&whole(more)), "{more}");
    }
}
