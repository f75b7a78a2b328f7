//! The side of a token that makes it: the core mints, a holder narrows.

use biscuit_auth::builder::{Algorithm, BiscuitBuilder, BlockBuilder, Term, fact, int, string};
use biscuit_auth::datalog::SymbolTable;
use biscuit_auth::macros::biscuit;
use biscuit_auth::{KeyPair, PrivateKey, UnverifiedBiscuit, error};
use jiff::Timestamp;
use ring::hmac;

use super::ALWAYS;
use super::chain::{self, Chain};
use super::fields::Strange;
use super::words::{MAX_NAME, MAX_NAMES, Words};
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
    Key(#[source] error::Format),
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
    #[error("failed to write the token")]
    Write(#[source] error::Token),
}

/// The core's signing key.
pub struct IssuerKey {
    pair: KeyPair,
    /// Makes the keys that holders narrow tokens with.
    next: hmac::Key,
}

impl From<KeyPair> for IssuerKey {
    fn from(pair: KeyPair) -> Self {
        let next = hmac::Key::new(hmac::HMAC_SHA256, &pair.private().to_bytes());
        Self { pair, next }
    }
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
        KeyPair::new_with_algorithm(Algorithm::Ed25519).into()
    }

    pub fn from_hex(hex: &Secret) -> Result<Self, CapabilityError> {
        let key =
            PrivateKey::from_bytes_hex(hex.reveal(), Algorithm::Ed25519).map_err(CapabilityError::Key)?;
        Ok(KeyPair::from(&key).into())
    }

    #[must_use]
    pub fn to_hex(&self) -> Secret {
        Secret::new(self.pair.private().to_bytes_hex())
    }

    #[must_use]
    pub fn public_hex(&self) -> String {
        self.pair.public().to_bytes_hex()
    }

    pub fn mint(&self, grant: &Grant<'_>) -> Result<Secret, CapabilityError> {
        check_names(grant.methods)?;
        let (vault, node) = (grant.vault.as_str(), grant.node.as_str());
        let generation = i64::try_from(grant.generation).unwrap_or(i64::MAX);
        let mut token = biscuit!(
            r#"
            vault({vault});
            ticket({ticket});
            generation({generation});
            node({node});
            endpoint({ip}, {port});
            cert({cert});
            check if on_vault({vault}), on_generation({generation}), on_node({node});
            check if now_ms($now), $now < {expires};
            "#,
            ticket = grant.ticket.as_str(),
            ip = grant.endpoint.ip.to_string(),
            port = i64::from(grant.endpoint.port),
            cert = grant.cert_sha256.to_string(),
            expires = grant.expires_at.as_millisecond(),
        );
        let always = ALWAYS.into_iter().filter(|_| !grant.methods.iter().any(|method| method == ALL_METHODS));
        for method in grant.methods.iter().map(String::as_str).chain(always) {
            token = token.fact(fact("right", &[string(method)])).map_err(CapabilityError::Write)?;
        }
        if let Some(label) = grant.label {
            token = token.fact(fact("label", &[string(label)])).map_err(CapabilityError::Write)?;
        }
        let Promise { lease_ms, link } = grant.promise;
        let lease = lease_ms.map(|ms| ("lease", i64::try_from(ms).unwrap_or(i64::MAX)));
        for (name, value) in lease.into_iter().chain(link.map(|link| ("link", i64::from(link)))) {
            token = token.fact(fact(name, &[int(value)])).map_err(CapabilityError::Write)?;
        }
        self.sign(token, &format!("ticket {}", grant.ticket))
    }

    /// The word by which a gate shows another for which vault it calls.
    pub fn vouch(&self, vault: &VaultId, expires_at: Timestamp) -> Result<Secret, CapabilityError> {
        let (vault, expires) = (vault.as_str(), expires_at.as_millisecond());
        let token = biscuit!("speaks_for({vault}); check if now_ms($now), $now < {expires};");
        self.sign(token, &format!("voucher {vault}"))
    }

    /// The key that a holder narrows a token with is no random one, but follows from the issuer's and the
    /// token's `name`: what was signed once can be signed again, and need not be kept. One name stands for one
    /// content: who holds one token of a name could widen a narrowed one of the same name.
    fn sign(&self, token: BiscuitBuilder, name: &str) -> Result<Secret, CapabilityError> {
        let next = hmac::sign(&self.next, name.as_bytes());
        let next = PrivateKey::from_bytes(next.as_ref(), Algorithm::Ed25519).map_err(CapabilityError::Key)?;
        let token = token
            .build_with_key_pair(&self.pair, SymbolTable::default(), &KeyPair::from(&next))
            .and_then(|token| token.to_base64())
            .map_err(CapabilityError::Write)?;
        written(token)
    }
}

/// Makes a weaker token of one's own, offline and without any key. A token that a gate would refuse is not
/// made, nor made of one.
pub fn narrow(
    token: &Secret,
    methods: Option<&[String]>,
    expires_at: Option<Timestamp>,
) -> Result<Secret, CapabilityError> {
    read(token)?;
    let held = UnverifiedBiscuit::from_base64(token.reveal()).map_err(|_| CapabilityError::Malformed)?;
    let mut block = BlockBuilder::new();
    if let Some(methods) = methods {
        check_names(methods)?;
        let names = methods.iter().map(String::as_str).chain(ALWAYS);
        let set = Term::Array(names.map(|name| Term::Str(name.to_owned())).collect());
        let params = [("names".to_owned(), set)].into();
        block = block
            .code_with_params("check if operation($m), {names}.contains($m);", params, [].into())
            .map_err(CapabilityError::Write)?;
    }
    if let Some(expires_at) = expires_at {
        let params = [("expires".to_owned(), Term::Integer(expires_at.as_millisecond()))].into();
        block = block
            .code_with_params("check if now_ms($now), $now < {expires};", params, [].into())
            .map_err(CapabilityError::Write)?;
    }
    let narrowed = held.append(block).and_then(|token| token.to_base64()).map_err(CapabilityError::Write)?;
    written(narrowed)
}

/// What can be told of a token without the issuer's key: whether a gate would know all of it, and whether there is
/// room for more.
fn read(token: &Secret) -> Result<(), CapabilityError> {
    let bytes = chain::decode(token.reveal()).map_err(|Strange| CapabilityError::Malformed)?;
    let chain = Chain::read(&bytes).map_err(|Strange| CapabilityError::Malformed)?;
    let (mut words, mut blocks) = (Words::default(), chain.blocks());
    let known = blocks.next().is_some_and(|authority| words.read(authority).is_ok())
        && blocks.all(|block| words.read(block).is_ok_and(|block| block.narrows()));
    if !known {
        return Err(CapabilityError::Foreign);
    }
    if chain.is_full() { Err(CapabilityError::Full) } else { Ok(()) }
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
