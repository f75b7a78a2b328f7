//! The ticket's token: minting, narrowing and verifying, in the one place that knows its words.
//!
//! A token is a biscuit. The core signs the authority block; a node verifies it offline with the
//! core's public key; a holder may append blocks that only ever take away. The words:
//!
//! ```text
//! authority   vault("vlt_…"); ticket("tkt_…"); generation(1); node("n1"); label("…"); right("top");
//!             check if on_vault("vlt_…"), on_generation(1), on_node("n1");
//!             check if now_ms($t), $t < 1800000000000;
//! narrowing   check if operation($m), ["top", …].contains($m);  check if now_ms($t), $t < …;
//! the gate    on_vault, on_generation, on_node, now_ms, time, operation: facts of this very call
//! ```
//!
//! Every check runs on every path: there is one function that says yes, [`Capability::allows`].

use std::time::{Duration, SystemTime};

use biscuit_auth::builder::{Algorithm, BlockBuilder, Term};
use biscuit_auth::macros::{authorizer, biscuit};
use biscuit_auth::{
    AuthorizerBuilder, AuthorizerLimits, Biscuit, KeyPair, PrivateKey, PublicKey, UnverifiedBiscuit, error,
};
use jiff::Timestamp;

use super::reserved;
use crate::model::id::{NodeName, TicketId, VaultId};
use crate::model::secret::Secret;
use crate::model::ticket::ALL_METHODS;

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
pub struct IssuerKey(KeyPair);

/// What a new token allows.
pub struct Grant<'a> {
    pub vault: &'a VaultId,
    pub ticket: &'a TicketId,
    pub generation: u64,
    pub node: &'a NodeName,
    /// `["*"]` for all.
    pub methods: &'a [String],
    pub label: Option<&'a str>,
    pub expires_at: Timestamp,
}

impl IssuerKey {
    #[must_use]
    pub fn generate() -> Self {
        Self(KeyPair::new_with_algorithm(Algorithm::Ed25519))
    }

    pub fn from_hex(hex: &Secret) -> Result<Self, CapabilityError> {
        let key =
            PrivateKey::from_bytes_hex(hex.reveal(), Algorithm::Ed25519).map_err(CapabilityError::Key)?;
        Ok(Self(KeyPair::from(&key)))
    }

    #[must_use]
    pub fn to_hex(&self) -> Secret {
        Secret::new(self.0.private().to_bytes_hex())
    }

    #[must_use]
    pub fn public_hex(&self) -> String {
        self.0.public().to_bytes_hex()
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
            check if on_vault({vault}), on_generation({generation}), on_node({node});
            check if now_ms($now), $now < {expires};
            "#,
            ticket = grant.ticket.as_str(),
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
        let token =
            token.build(&self.0).and_then(|token| token.to_base64()).map_err(CapabilityError::Token)?;
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

    /// The only function that says yes.
    pub fn allows(&self, ask: &Ask<'_>) -> Result<Holder, Denied> {
        let mut authorizer = facts(ask).set_limits(LIMITS).build(&self.0).map_err(deny)?;
        authorizer.authorize_with_limits(LIMITS).map_err(deny)?;
        let ticket: Vec<(String,)> =
            authorizer.query_with_limits("held($ticket) <- ticket($ticket)", LIMITS).map_err(deny)?;
        let label: Vec<(String,)> =
            authorizer.query_with_limits("named($label) <- label($label)", LIMITS).map_err(deny)?;
        let ticket = ticket
            .first()
            .and_then(|(ticket,)| ticket.parse().ok())
            .ok_or(Denied::Invalid(error::Token::InternalError))?;
        Ok(Holder { ticket, label: label.into_iter().next().map(|(label,)| label) })
    }
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
mod tests {
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
    fn narrowing_only_takes_away() {
        let world = World::new();
        let token = world.mint(&["top", "errors"]);
        let narrowed = narrow(&token, Some(&["top".into(), "secret".into()]), None).expect("narrows");
        for (method, allowed) in
            [("top", true), ("errors", false), ("secret", false), (reserved::HELLO, true)]
        {
            assert_eq!(world.allows(&narrowed, &world.ask(method)), allowed, "{method}");
        }
        let later = world.now + jiff::SignedDuration::from_hours(1);
        let longer = narrow(&token, None, Some(later)).expect("narrows");
        assert!(!world.allows(
            &longer,
            &Ask { now: world.now + jiff::SignedDuration::from_mins(2), ..world.ask("top") }
        ));
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
}
