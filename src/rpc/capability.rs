//! The ticket's token: minting, narrowing and verifying, in the one place that knows its words.
//!
//! A token is a biscuit. The core signs the authority block; a node verifies it offline with the
//! core's public key; a holder may append blocks that only ever take away. The words:
//!
//! ```text
//! authority   vault("vlt_…"); ticket("tkt_…"); generation(1); node("n1"); label("…"); right("top");
//!             endpoint("10.66.0.2", 41873); cert("<sha256 of the node's certificate>");
//!             check if on_vault("vlt_…"), on_generation(1), on_node("n1");
//!             check if now_ms($t), $t < 1800000000000;
//! narrowing   check if operation($m), ["top", …].contains($m);  check if now_ms($t), $t < …;
//! the gate    on_vault, on_generation, on_node, now_ms, time, operation: facts of this very call
//! voucher     speaks_for("vlt_…");  check if now_ms($t), $t < …;
//! ```
//!
//! Every check runs on every path: there is one function that says yes, `Capability::authorized`. A
//! voucher opens nothing: it tells a gate which vault another gate calls for.

use std::str::FromStr;
use std::time::{Duration, SystemTime};

use biscuit_auth::builder::{Algorithm, BiscuitBuilder, BlockBuilder, Rule, Term};
use biscuit_auth::datalog::SymbolTable;
use biscuit_auth::macros::{authorizer, biscuit, rule};
use biscuit_auth::{
    Authorizer, AuthorizerBuilder, AuthorizerLimits, Biscuit, KeyPair, PrivateKey, PublicKey,
    UnverifiedBiscuit, error,
};
use jiff::Timestamp;
use ring::hmac;

use super::reserved;
use crate::model::digest::Sha256;
use crate::model::id::{NodeName, TicketId, VaultId};
use crate::model::secret::Secret;
use crate::model::ticket::{ALL_METHODS, Endpoint};

/// What every holder may do, however narrow the token: speak, stay alive, look.
const ALWAYS: [&str; 4] = [reserved::HELLO, reserved::METHODS, reserved::HEARTBEAT, reserved::STATS];

/// biscuit's own limit is one millisecond of wall time, which a busy machine exceeds; a holder
/// may append blocks, so there must be a limit all the same.
const LIMITS: AuthorizerLimits =
    AuthorizerLimits { max_facts: 1000, max_iterations: 100, max_time: Duration::from_millis(100) };

#[derive(Debug, thiserror::Error)]
pub enum CapabilityError {
    #[error("the issuer's key is not usable")]
    Key(#[source] error::Format),
    #[error("the token is not a valid biscuit")]
    Token(#[source] error::Token),
}

/// Why a token does not allow something. None of it tells a stranger anything about the vault.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    #[error("the token is malformed or not signed by this vault's issuer")]
    Invalid(#[source] error::Token),
    #[error("the token does not allow this here and now")]
    NotAllowed(#[source] error::Token),
    /// Not the holder's fault: try again.
    #[error("the token could not be checked in time")]
    TooExpensive(#[source] error::Token),
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
            token = token
                .fact(biscuit_auth::builder::fact("right", &[biscuit_auth::builder::string(method)]))
                .map_err(CapabilityError::Token)?;
        }
        if let Some(label) = grant.label {
            token = token
                .fact(biscuit_auth::builder::fact("label", &[biscuit_auth::builder::string(label)]))
                .map_err(CapabilityError::Token)?;
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
            .map_err(CapabilityError::Token)?;
        Ok(Secret::new(token))
    }
}

/// Makes a weaker token of one's own, offline and without any key.
pub fn narrow(
    token: &Secret,
    methods: Option<&[String]>,
    expires_at: Option<Timestamp>,
) -> Result<Secret, CapabilityError> {
    let held = UnverifiedBiscuit::from_base64(token.reveal()).map_err(CapabilityError::Token)?;
    let mut block = BlockBuilder::new();
    if let Some(methods) = methods {
        let names = methods.iter().map(String::as_str).chain(ALWAYS);
        let set = Term::Array(names.map(|name| Term::Str(name.to_owned())).collect());
        let params = [("names".to_owned(), set)].into();
        block = block
            .code_with_params("check if operation($m), {names}.contains($m);", params, [].into())
            .map_err(CapabilityError::Token)?;
    }
    if let Some(expires_at) = expires_at {
        let params = [("expires".to_owned(), Term::Integer(expires_at.as_millisecond()))].into();
        block = block
            .code_with_params("check if now_ms($now), $now < {expires};", params, [].into())
            .map_err(CapabilityError::Token)?;
    }
    let narrowed = held.append(block).and_then(|token| token.to_base64()).map_err(CapabilityError::Token)?;
    Ok(Secret::new(narrowed))
}

/// The public half, as a node is told it.
#[derive(Clone)]
pub struct Issuer(PublicKey);

impl Issuer {
    pub fn from_hex(hex: &str) -> Result<Self, CapabilityError> {
        PublicKey::from_bytes_hex(hex, Algorithm::Ed25519).map(Self).map_err(CapabilityError::Key)
    }

    /// Which vault the bearer of a voucher calls for.
    pub fn vouched(&self, voucher: &Secret, now: Timestamp) -> Result<VaultId, Denied> {
        let token = Biscuit::from_base64(voucher.reveal(), self.0).map_err(Denied::Invalid)?;
        let now_ms = now.as_millisecond();
        let mut authorizer =
            authorizer!("now_ms({now_ms}); allow if true;").set_limits(LIMITS).build(&token).map_err(deny)?;
        authorizer.authorize_with_limits(LIMITS).map_err(deny)?;
        only(&mut authorizer, rule!("caller($vault) <- speaks_for($vault)"))
    }
}

/// A token whose signatures are valid. That alone allows nothing.
pub struct Capability(Biscuit);

/// The facts of one call, as the node knows them.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    pub vault: &'a VaultId,
    pub generation: u64,
    pub node: &'a NodeName,
    pub now: Timestamp,
    pub method: &'a str,
}

/// Who holds the token, by the core's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub ticket: TicketId,
    pub label: Option<String>,
}

impl Capability {
    pub fn verify(token: &Secret, issuer: &Issuer) -> Result<Self, Denied> {
        Biscuit::from_base64(token.reveal(), issuer.0).map(Self).map_err(Denied::Invalid)
    }

    /// Who may do this, here and now.
    pub fn allows(&self, ask: &Ask<'_>) -> Result<Holder, Denied> {
        holder(&mut self.authorized(ask)?)
    }

    /// The same, and which of `methods` the holder may call besides.
    pub fn admits(&self, ask: &Ask<'_>, methods: &[String]) -> Result<(Holder, Vec<String>), Denied> {
        let mut authorizer = self.authorized(ask)?;
        let holder = holder(&mut authorizer)?;
        // Without a holder's own blocks the core's word is all there is: none of its conditions is about the
        // method, and what holds for one holds for all. Each question takes far longer than a call.
        if self.0.block_count() == 1 {
            let granted: Vec<(String,)> = authorizer
                .query_with_limits(rule!("granted($right) <- right($right)"), LIMITS)
                .map_err(deny)?;
            let has = |method: &str| granted.iter().any(|(right,)| right == method || right == ALL_METHODS);
            return Ok((holder, methods.iter().filter(|method| has(method)).cloned().collect()));
        }
        let allowed = |method: &&String| self.authorized(&Ask { method, ..*ask }).is_ok();
        Ok((holder, methods.iter().filter(allowed).cloned().collect()))
    }

    /// The only function that says yes.
    fn authorized(&self, ask: &Ask<'_>) -> Result<Authorizer, Denied> {
        let mut authorizer = facts(ask).set_limits(LIMITS).build(&self.0).map_err(deny)?;
        authorizer.authorize_with_limits(LIMITS).map_err(deny)?;
        Ok(authorizer)
    }

    /// What the core signed about the vault itself. It allows nothing: a question may be built of it.
    pub fn claims(&self) -> Result<Claims, Denied> {
        let builder = AuthorizerBuilder::new().set_limits(LIMITS);
        let mut authorizer = builder.build(&self.0).map_err(deny)?;
        let generation: Vec<(i64,)> =
            authorizer.query_with_limits("of($n) <- generation($n)", LIMITS).map_err(deny)?;
        let endpoint: Vec<(String, i64)> =
            authorizer.query_with_limits("at($ip, $port) <- endpoint($ip, $port)", LIMITS).map_err(deny)?;
        let whole = || {
            let (ip, port) = endpoint.first()?;
            let endpoint = Endpoint { ip: ip.parse().ok()?, port: u16::try_from(*port).ok()? };
            Some((u64::try_from(generation.first()?.0).ok()?, endpoint))
        };
        let (generation, endpoint) = whole().ok_or_else(strange)?;
        Ok(Claims {
            vault: only(&mut authorizer, rule!("of($vault) <- vault($vault)"))?,
            node: only(&mut authorizer, rule!("of($node) <- node($node)"))?,
            cert_sha256: only(&mut authorizer, rule!("of($cert) <- cert($cert)"))?,
            generation,
            endpoint,
        })
    }
}

/// Where a token leads, by the core's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    pub vault: VaultId,
    pub generation: u64,
    pub node: NodeName,
    pub endpoint: Endpoint,
    pub cert_sha256: Sha256,
}

fn holder(authorizer: &mut Authorizer) -> Result<Holder, Denied> {
    let label: Vec<(String,)> =
        authorizer.query_with_limits(rule!("named($label) <- label($label)"), LIMITS).map_err(deny)?;
    let ticket = only(authorizer, rule!("held($ticket) <- ticket($ticket)"))?;
    Ok(Holder { ticket, label: label.into_iter().next().map(|(label,)| label) })
}

/// The first of what the core itself stated; a holder's own blocks are not asked.
fn only<T: FromStr>(authorizer: &mut Authorizer, rule: Rule) -> Result<T, Denied> {
    let found: Vec<(String,)> = authorizer.query_with_limits(rule, LIMITS).map_err(deny)?;
    found.first().and_then(|(text,)| text.parse().ok()).ok_or_else(strange)
}

/// The signature is the core's and what it signed is not a ticket.
fn strange() -> Denied {
    Denied::Invalid(error::Token::InternalError)
}

fn facts(ask: &Ask<'_>) -> AuthorizerBuilder {
    authorizer!(
        r#"
        on_vault({vault});
        on_generation({generation});
        on_node({node});
        now_ms({now_ms});
        time({time});
        operation({method});
        allow if right({all});
        allow if right({method});
        deny if true;
        "#,
        vault = ask.vault.as_str(),
        generation = i64::try_from(ask.generation).unwrap_or(i64::MAX),
        node = ask.node.as_str(),
        now_ms = ask.now.as_millisecond(),
        time = SystemTime::from(ask.now),
        method = ask.method,
        all = ALL_METHODS,
    )
}

fn deny(error: error::Token) -> Denied {
    match error {
        error::Token::RunLimit(_) => Denied::TooExpensive(error),
        error => Denied::NotAllowed(error),
    }
}

#[cfg(test)]
#[path = "capability_tests.rs"]
mod tests;
