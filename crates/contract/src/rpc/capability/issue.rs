//! Token issuing: the core mints, a holder narrows.

use jiff::Timestamp;
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::ALWAYS;
use super::chain::{self, Chain, Key};
use super::datalog::{MAX_NAME, MAX_NAMES, Symbols, Term};
use super::protobuf::Strange;
use super::write::{self, Draft, NextKey};
use crate::model::digest::Sha256;
use crate::model::id::{NodeName, TicketId, VaultId};
use crate::model::lease::Promise;
use crate::model::secret::Secret;
use crate::model::ticket::{ALL_METHODS, Endpoint};

/// What the names in a token may take of it, each with what stands around it.
const MAX_NAMED: usize = 12 * 1024;
const AROUND_NAME: usize = 16;

#[derive(Debug, thiserror::Error)]
pub enum CapabilityError {
    #[error("the issuer's key is not usable")]
    Key,
    #[error("the token is not a valid biscuit")]
    Malformed,
    #[error("the token holds a foreign block: what is in it is none of hauki's conditions")]
    Foreign,
    #[error("the token has been narrowed {} times already, no more may be appended", chain::MAX_NARROWED)]
    Full,
    #[error("a token can name {} methods of {MAX_NAME} bytes each, {MAX_NAMED} bytes in all", MAX_NAMES - ALWAYS.len())]
    Names,
    #[error("the token would be longer than the {} letters that a gate reads", chain::MAX_LETTERS)]
    TooLong,
    #[error("the token is sealed: nobody can narrow it any more")]
    Sealed,
    #[error("the token's proof is no key")]
    Proof,
}

/// The core's signing key.
pub struct IssuerKey {
    pair: Ed25519KeyPair,
    seed: Key,
    /// Makes the keys that holders narrow tokens with.
    next: hmac::Key,
    /// Of all vouchers: nobody narrows those, and a gate takes none that somebody did.
    vouchers: NextKey,
}

/// What a new token allows.
pub struct Grant<'a> {
    pub vault: &'a VaultId,
    pub ticket: &'a TicketId,
    pub generation: u64,
    pub node: &'a NodeName,
    /// `["*"]` for all.
    pub methods: &'a [String],
    pub label: Option<&'a str>,
    pub promise: Promise,
    /// Where the vault's gate listens and which certificate it shows: signed, so that a gate may be
    /// sent there by somebody else's word.
    pub endpoint: &'a Endpoint,
    pub cert_sha256: &'a Sha256,
    pub expires_at: Timestamp,
}

impl IssuerKey {
    #[must_use]
    pub fn generate() -> Self {
        Self::of(random()).expect("any seed makes a key")
    }

    fn of(seed: Key) -> Result<Self, CapabilityError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| CapabilityError::Key)?;
        let next = hmac::Key::new(hmac::HMAC_SHA256, &seed);
        let vouchers = followed(&next, "voucher")?;
        Ok(Self { pair, seed, next, vouchers })
    }

    pub fn from_hex(hex: &Secret) -> Result<Self, CapabilityError> {
        Self::of(key(hex.reveal()).ok_or(CapabilityError::Key)?)
    }

    #[must_use]
    pub fn to_hex(&self) -> Secret {
        Secret::new(hex_of(&self.seed))
    }

    #[must_use]
    pub fn public_hex(&self) -> String {
        hex_of(self.pair.public_key().as_ref())
    }

    pub fn mint(&self, grant: &Grant<'_>) -> Result<Secret, CapabilityError> {
        check_names(grant.methods)?;
        let (vault, node) = (grant.vault.as_str(), grant.node.as_str());
        let generation = i64::try_from(grant.generation).unwrap_or(i64::MAX);
        let (ticket, ip, cert) =
            (grant.ticket.as_str(), grant.endpoint.ip.to_string(), grant.cert_sha256.to_string());
        let mut block = Draft::after(&Symbols::default());
        block.fact("vault", &[Term::Text(vault)]);
        block.fact("ticket", &[Term::Text(ticket)]);
        block.fact("generation", &[Term::Number(generation)]);
        block.fact("node", &[Term::Text(node)]);
        block.fact("endpoint", &[Term::Text(&ip), Term::Number(grant.endpoint.port.into())]);
        block.fact("cert", &[Term::Text(&cert)]);
        let always = ALWAYS.into_iter().filter(|_| !grant.methods.iter().any(|method| method == ALL_METHODS));
        for method in grant.methods.iter().map(String::as_str).chain(always) {
            block.fact("right", &[Term::Text(method)]);
        }
        if let Some(label) = grant.label {
            block.fact("label", &[Term::Text(label)]);
        }
        let Promise { lease_ms, link } = grant.promise;
        let lease = lease_ms.map(|ms| ("lease", i64::try_from(ms).unwrap_or(i64::MAX)));
        for (name, value) in lease.into_iter().chain(link.map(|link| ("link", i64::from(link)))) {
            block.fact(name, &[Term::Number(value)]);
        }
        block.only_here(vault, generation, node);
        block.only_before(grant.expires_at.as_millisecond());
        let next = followed(&self.next, &format!("ticket {}", grant.ticket))?;
        self.sign(block, &next)
    }

    /// The word by which a gate shows another for which vault it calls.
    pub fn vouch(&self, vault: &VaultId, expires_at: Timestamp) -> Result<Secret, CapabilityError> {
        let mut block = Draft::after(&Symbols::default());
        block.fact("speaks_for", &[Term::Text(vault.as_str())]);
        block.only_before(expires_at.as_millisecond());
        self.sign(block, &self.vouchers)
    }

    fn sign(&self, block: Draft<'_>, next: &NextKey) -> Result<Secret, CapabilityError> {
        written(write::authority(&self.pair, &block.written(), next))
    }
}

/// The key that a holder narrows a token with is no random one, but follows from the issuer's and the token's `name`:
/// what was signed once can be signed again, and need not be kept. One name stands for one content: who holds one
/// token of a name could widen a narrowed one of the same name.
fn followed(issuer: &hmac::Key, name: &str) -> Result<NextKey, CapabilityError> {
    let secret = hmac::sign(issuer, name.as_bytes());
    let secret = secret.as_ref().try_into().map_err(|_| CapabilityError::Key)?;
    NextKey::of(secret).map_err(|Strange| CapabilityError::Key)
}

fn random() -> Key {
    let mut key = Key::default();
    SystemRandom::new()
        .fill(&mut key)
        .expect("the kernel's random number generator is up before any program of ours");
    key
}

/// Of 64 hexadecimal digits.
pub(super) fn key(hex: &str) -> Option<Key> {
    let mut key = Key::default();
    let digits = hex.as_bytes();
    if digits.len() != 2 * key.len() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(key)
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes a weaker token of one's own, offline and without any key. A token that a gate would refuse is not
/// made, nor made of one.
pub fn narrow(
    token: &Secret,
    methods: Option<&[String]>,
    expires_at: Option<Timestamp>,
) -> Result<Secret, CapabilityError> {
    let bytes = chain::decode(token.reveal()).map_err(|Strange| CapabilityError::Malformed)?;
    let (chain, words) = read(&bytes)?;
    let mut block = Draft::after(&words);
    if let Some(methods) = methods {
        check_names(methods)?;
        block.only_among(methods.iter().map(String::as_str).chain(ALWAYS));
    }
    if let Some(expires_at) = expires_at {
        block.only_before(expires_at.as_millisecond());
    }
    let next = NextKey::of(random()).map_err(|Strange| CapabilityError::Proof)?;
    let narrowed = write::appended(&chain, &block.written(), &next);
    written(narrowed.map_err(|Strange| CapabilityError::Proof)?.ok_or(CapabilityError::Sealed)?)
}

/// What can be told of a token without the issuer's key: whether a gate would know all of it, and whether there is
/// room for more.
fn read(token: &[u8]) -> Result<(Chain<'_>, Symbols<'_>), CapabilityError> {
    let chain = Chain::read(token).map_err(|Strange| CapabilityError::Malformed)?;
    let mut words = Symbols::default();
    let mut known =
        |(place, block): (usize, _)| words.read(block).is_ok_and(|block| place == 0 || block.narrows());
    let known = chain.blocks().enumerate().all(&mut known);
    if !known {
        return Err(CapabilityError::Foreign);
    }
    if chain.is_full() {
        return Err(CapabilityError::Full);
    }
    Ok((chain, words))
}

/// Whether a token can name these methods, and be narrowed after that.
pub fn check_names(methods: &[String]) -> Result<(), CapabilityError> {
    let fit = methods.len() + ALWAYS.len() <= MAX_NAMES
        && methods.iter().all(|name| name.len() <= MAX_NAME)
        && methods.iter().map(|name| name.len() + AROUND_NAME).sum::<usize>() <= MAX_NAMED;
    if fit { Ok(()) } else { Err(CapabilityError::Names) }
}

fn written(token: String) -> Result<Secret, CapabilityError> {
    if token.len() > chain::MAX_LETTERS { Err(CapabilityError::TooLong) } else { Ok(Secret::new(token)) }
}
