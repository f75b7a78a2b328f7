//! Tokens: of strangers, who write what they like; and of holders, who take one that is good and change it, append
//! blocks that say anything, or narrow it as they should.
//!
//! Nobody comes to hold more than before. What a gate allows, the biscuit library, with the conditions as the
//! program that they look like, allows as well.

#![no_main]

mod cost;

use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use biscuit_auth::builder::Algorithm;
use biscuit_auth::macros::authorizer;
use biscuit_auth::{AuthorizerLimits, Biscuit, PublicKey};
use hauki_contract::model::lease::Promise;
use hauki_contract::model::secret::Secret;
use hauki_contract::model::ticket::Endpoint;
use hauki_contract::rpc::builtin;
use hauki_contract::rpc::capability::{CallFacts, Capability, Denied, Grant, Issuer, IssuerKey, narrow};
use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

/// Whom the nodes believe. Always the same one, so that an input of yesterday means the same today.
const SEED: [u8; 32] = [7; 32];
const VAULT: &str = "vlt_01HF7YAT00000000000000001A";
const NODE: &str = "n1";
/// What is asked of each token.
const METHODS: [&str; 7] =
    ["top", "errors", "secret", "*", builtin::HELLO, builtin::HEARTBEAT, builtin::DESTRUCT];

struct World {
    issuer: Issuer,
    now: Timestamp,
    /// As they left the core or a holder: for everything, for something, narrowed once, twice.
    held: Vec<Vec<u8>>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let key = IssuerKey::from_hex(&Secret::new("07".repeat(32))).expect("is a key");
    let now: Timestamp = "2026-11-21T12:00:00Z".parse().expect("is a time");
    let mint = |methods: &[&str], ticket: &str| {
        let methods: Vec<String> = methods.iter().map(|&method| method.to_owned()).collect();
        let grant = Grant {
            vault: &VAULT.parse().expect("is an id"),
            ticket: &ticket.parse().expect("is an id"),
            generation: 3,
            node: &NODE.parse().expect("is a name"),
            methods: &methods,
            label: Some("tester"),
            promise: Promise { lease_ms: Some(7_000), link: Some(true) },
            endpoint: &Endpoint { ip: "10.66.0.2".parse().expect("is an address"), port: 41873 },
            cert_sha256: &"0".repeat(64).parse().expect("is a digest"),
            expires_at: now + SignedDuration::from_mins(1),
        };
        key.mint(&grant).expect("mints")
    };
    let all = mint(&["*"], "tkt_01HF7YAT00000000000000001A");
    let some = mint(&["top", "errors"], "tkt_01HF7YAT00000000000000001B");
    let once = narrow(&some, Some(&["top".into()]), None).expect("narrows");
    let twice = narrow(&once, Some(&["errors".into()]), Some(now)).expect("narrows");
    let held =
        [all, some, once, twice].into_iter().map(|token| URL_SAFE.decode(token.reveal()).expect("is base64"));
    World { issuer: Issuer::from_hex(&key.public_hex()).expect("is a key"), now, held: held.collect() }
});

impl World {
    /// What the token allows here: now, and a moment before its end.
    fn allowed(&self, token: &Secret) -> Result<Vec<(&'static str, i64)>, Denied> {
        let capability = Capability::verify(token, &self.issuer, |_| Ok(()))?;
        let mut allowed = Vec::new();
        for later in [-1, 0, 59_999, 60_000] {
            for method in METHODS {
                if capability.allows(&self.ask(method, later)).is_ok() {
                    allowed.push((method, later));
                }
            }
        }
        Ok(allowed)
    }

    fn ask(&self, method: &'static str, later: i64) -> CallFacts<'static> {
        static HERE: LazyLock<(hauki_contract::model::id::VaultId, hauki_contract::model::id::NodeName)> =
            LazyLock::new(|| (VAULT.parse().expect("is an id"), NODE.parse().expect("is a name")));
        let now = self.now + SignedDuration::from_millis(later);
        CallFacts { vault: &HERE.0, generation: 3, node: &HERE.1, now, method }
    }

    /// What the library says of the same question.
    fn library_allows(&self, token: &Secret, method: &str, later: i64) -> bool {
        let pair = Ed25519KeyPair::from_seed_unchecked(&SEED).expect("is a seed");
        let root = PublicKey::from_bytes(pair.public_key().as_ref(), Algorithm::Ed25519).expect("is a key");
        let Ok(token) = Biscuit::from_base64(token.reveal(), root) else { return false };
        let authorizer = authorizer!(
            r#"
            on_vault({vault}); on_generation(3); on_node({node});
            now_ms({now_ms}); operation({method});
            allow if right("*"); allow if right({method});
            "#,
            vault = VAULT,
            node = NODE,
            now_ms = (self.now + SignedDuration::from_millis(later)).as_millisecond(),
        );
        let patient = AuthorizerLimits { max_time: Duration::from_mins(1), ..AuthorizerLimits::default() };
        let authorizer = authorizer.set_limits(patient.clone()).build(&token);
        authorizer.is_ok_and(|mut authorizer| authorizer.authorize_with_limits(patient).is_ok())
    }

    /// That `changed` allows nothing which `held` does not.
    fn no_wider(&self, held: &[u8], changed: &Secret) {
        let Ok(after) = cost::within(changed.reveal().len(), 64, || self.allowed(changed)) else { return };
        let before = self.allowed(&written(held)).expect("is good");
        for (method, later) in after {
            assert!(before.contains(&(method, later)), "{method} at {later}: {}", changed.reveal());
            assert!(self.library_allows(changed, method, later), "{method} at {later}: {}", changed.reveal());
        }
    }
}

fn written(token: &[u8]) -> Secret {
    Secret::new(URL_SAFE.encode(token))
}

/// A field of some bytes, as protocol buffers have it.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length > 0x7f {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(bytes);
    out
}

/// A block that says `data`, signed; `before` is the signature of the one before, where the kind covers it.
fn block(by: &[u8], next: &[u8], data: &[u8], before: Option<&[u8]>) -> (Vec<u8>, Vec<u8>) {
    let pair = Ed25519KeyPair::from_seed_unchecked(by).expect("is a seed");
    let next = Ed25519KeyPair::from_seed_unchecked(next).expect("is a seed");
    let next = next.public_key().as_ref();
    let signed = match before {
        None => [data, &[0; 4], next].concat(),
        Some(before) => [
            &b"\0BLOCK\0\0VERSION\0\x01\0\0\0\0PAYLOAD\0"[..],
            data,
            b"\0ALGORITHM\0\0\0\0\0\0NEXTKEY\0",
            next,
            b"\0PREVSIG\0",
            before,
        ]
        .concat(),
    };
    let signature = pair.sign(&signed).as_ref().to_vec();
    let key = [&[8, 0][..], &field(2, next)].concat();
    let version: &[u8] = if before.is_some() { &[5 << 3, 1] } else { &[] };
    (([&field(1, data)[..], &field(2, &key), &field(3, &signature), version]).concat(), signature)
}

/// What a holder makes of a token: the blocks of it, and more. Nothing if it is sealed or no token.
fn append(token: &[u8], blocks: &[&[u8]], covers: bool) -> Option<Vec<u8>> {
    // The proof stands at the end: field 4, a message with the 32 bytes of field 1.
    let (rest, secret) = token.split_at_checked(token.len().checked_sub(32)?)?;
    let rest = rest.strip_suffix(&[0x22, 34, 0x0a, 32])?;
    let mut signature = last_signature(rest)?;
    let (mut out, mut secret) = (rest.to_vec(), secret.to_vec());
    for (number, data) in blocks.iter().enumerate() {
        let next = [number as u8 + 100; 32];
        let (appended, own) = block(&secret, &next, data, covers.then_some(&signature[..]));
        out.extend_from_slice(&field(3, &appended));
        (secret, signature) = (next.to_vec(), own);
    }
    out.extend_from_slice(&field(4, &field(1, &secret)));
    Some(out)
}

/// The 64 bytes behind the last signature's mark.
fn last_signature(token: &[u8]) -> Option<Vec<u8>> {
    let at = token.windows(2).rposition(|mark| mark == [0x1a, 64])?;
    token.get(at + 2..at + 66).map(<[u8]>::to_vec)
}

fuzz_target!(|input: &[u8]| {
    let Some((&choice, rest)) = input.split_first() else { return };
    let world = &*WORLD;
    let held = &world.held[usize::from(choice >> 3) % world.held.len()];
    match choice & 7 {
        // A stranger's text.
        0 => {
            let Ok(text) = std::str::from_utf8(rest) else { return };
            let token = Secret::new(text.to_owned());
            let refused = cost::within(text.len(), 64, || world.allowed(&token));
            assert!(!refused.is_ok_and(|allowed| !allowed.is_empty()), "a stranger made a token: {text}");
            assert!(world.issuer.vouched(&token, world.now).is_err(), "a stranger made a voucher: {text}");
            let _ = narrow(&token, None, Some(world.now));
        }
        // A stranger's bytes.
        1 => {
            let token = written(rest);
            let refused = cost::within(rest.len(), 64, || world.allowed(&token));
            assert!(!refused.is_ok_and(|allowed| !allowed.is_empty()), "a stranger made a token: {rest:?}");
            let _ = narrow(&token, None, Some(world.now));
        }
        // A good token with some bytes changed, put in or left out.
        2 => {
            let mut token = held.clone();
            for edit in rest.chunks_exact(4).take(16) {
                let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % token.len();
                match edit[2] & 3 {
                    0 => token[at] ^= edit[3],
                    1 => token.insert(at, edit[3]),
                    2 => drop(token.drain(at..(at + usize::from(edit[3])).min(token.len()))),
                    _ => token.extend_from_within(at..(at + usize::from(edit[3])).min(token.len())),
                }
                if token.is_empty() {
                    return;
                }
            }
            world.no_wider(held, &written(&token));
        }
        // Blocks that say anything, signed as they should be.
        3 | 4 => {
            let mut blocks = Vec::new();
            let mut rest = rest;
            while let Some((&length, more)) = rest.split_first().filter(|_| blocks.len() < 17) {
                let length = usize::from(length).min(more.len());
                blocks.push(&more[..length]);
                rest = &more[length..];
            }
            let token = append(held, &blocks, choice & 7 == 4).expect("is not sealed");
            world.no_wider(held, &written(&token));
            let _ = narrow(&written(&token), Some(&["top".into()]), None);
        }
        // The core itself says anything.
        5 => {
            let (authority, _) = block(&SEED, &[8; 32], rest, None);
            let token = written(&[field(2, &authority), field(4, &field(1, &[8; 32]))].concat());
            let _ = cost::within(token.reveal().len(), 64, || world.allowed(&token));
            let _ = world.issuer.vouched(&token, world.now);
            let _ = narrow(&token, None, None);
        }
        // As a holder should: what is made is good, and allows exactly what was left.
        _ => {
            let Ok(text) = std::str::from_utf8(rest) else { return };
            let (first, names) = text.split_once('\n').unwrap_or((text, ""));
            let later = first.parse::<i32>().ok().map(i64::from);
            let names: Option<Vec<String>> =
                text.contains('\n').then(|| names.split(',').map(str::to_owned).collect());
            let expires_at = later.map(|later| world.now + SignedDuration::from_millis(later));
            let Ok(token) = narrow(&written(held), names.as_deref(), expires_at) else { return };
            let before = world.allowed(&written(held)).expect("is good");
            let after = world.allowed(&token).expect("what a gate refuses is not made");
            let always = [builtin::HELLO, builtin::HEARTBEAT];
            let left = before.into_iter().filter(|(method, at)| {
                let named = |names: &Vec<String>| names.iter().any(|name| name == method);
                later.is_none_or(|later| *at < later)
                    && (names.as_ref().is_none_or(named) || always.contains(method))
            });
            assert_eq!(after, left.collect::<Vec<_>>(), "{text}");
            world.no_wider(held, &token);
        }
    }
});
