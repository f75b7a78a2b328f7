//! Capability token of a ticket: minting, narrowing and verifying, in the one place that knows its words.
//!
//! A token is a biscuit. The core signs the authority block; a node verifies it offline with the
//! core's public key; a holder may append blocks that only ever take away. The words:
//!
//! ```text
//! authority   vault("vlt_…"); ticket("tkt_…"); generation(1); node("n1"); label("…"); right("top");
//!             endpoint("10.66.0.2", 41873); cert("<sha256 of the node's certificate>");
//!             lease(60000); link(0);
//!             check if on_vault("vlt_…"), on_generation(1), on_node("n1");
//!             check if now_ms($t), $t < 1800000000000;
//! narrowing   check if operation($m), ["top", …].contains($m);  check if now_ms($t), $t < …;
//! voucher     speaks_for("vlt_…");  check if now_ms($t), $t < …;
//! ```
//!
//! They are data here, not a program: what a block says is recognised by its shape and judged in Rust, because
//! what a holder appends is somebody's code that all callers of a lane would wait for. A block that says
//! anything else is foreign, and its token opens nothing. In the authority block alone a fact that is not known
//! is passed over: a core may come to say more, and what takes away it must say as a check.
//!
//! The order of judgement is that of cost: length and number of blocks, the core's signature, the core's
//! conditions, the holders' signatures, the holders' conditions. What a holder pays most for comes last.
//!
//! A voucher opens nothing: it tells a gate which vault another gate calls for.

mod chain;
mod protobuf;
mod issue;
mod datalog;
mod write;

use std::net::IpAddr;

use jiff::Timestamp;

use chain::{Chain, Key};
use datalog::{Block, Symbols, Term, TokenCheck};
pub use issue::{CapabilityError, Grant, IssuerKey, check_names, narrow};
use protobuf::{Strange, once};

use super::builtin;
use crate::model::digest::Sha256;
use crate::model::id::{NodeName, TicketId, VaultId};
use crate::model::lease::Promise;
use crate::model::secret::Secret;
use crate::model::ticket::{ALL_METHODS, Endpoint};

/// What every holder may do, however narrow the token: speak, stay alive, look.
const ALWAYS: [&str; 4] = [builtin::HELLO, builtin::METHODS, builtin::HEARTBEAT, builtin::STATS];

/// Why a token does not allow something. None of it tells a stranger anything about the vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("the token is malformed or not signed by this vault's issuer")]
    Invalid,
    #[error("the token holds a foreign block: what is in it is none of hauki's conditions")]
    Foreign,
    #[error("the token does not allow this here and now")]
    NotAllowed,
}

/// The public half, as a node is told it.
#[derive(Clone)]
pub struct Issuer(Key);

impl Issuer {
    pub fn from_hex(hex: &str) -> Result<Self, CapabilityError> {
        issue::key(hex).map(Self).ok_or(CapabilityError::Key)
    }

    /// Which vault the bearer of a voucher calls for. Nobody narrows it.
    pub fn vouched(&self, voucher: &Secret, now: Timestamp) -> Result<VaultId, Denied> {
        let read = |token: &[u8]| {
            let chain = Chain::read(token)?;
            chain.check_authority(&self.0)?;
            let block = Symbols::default().read(chain.only().ok_or(Strange)?)?;
            chain.check_narrowed()?;
            match (&block.facts[..], &block.checks[..]) {
                ([fact], [TokenCheck::Before(end)]) if fact.name == "speaks_for" => match fact.terms[..] {
                    [Term::Text(vault)] => Ok((vault.parse().map_err(|_| Strange)?, *end)),
                    _ => Err(Strange),
                },
                _ => Err(Strange),
            }
        };
        let token = chain::decode(voucher.reveal());
        let (vault, end) = token.and_then(|token| read(&token)).map_err(|Strange| Denied::Invalid)?;
        if now.as_millisecond() < end { Ok(vault) } else { Err(Denied::NotAllowed) }
    }
}

/// The facts of one call, as the node knows them.
#[derive(Clone, Copy)]
pub struct CallFacts<'a> {
    pub vault: &'a VaultId,
    pub generation: u64,
    pub node: &'a NodeName,
    pub now: Timestamp,
    pub method: &'a str,
}

/// Who holds the token, by the core's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenHolder {
    pub ticket: TicketId,
    pub label: Option<String>,
    pub promise: Promise,
}

/// Where a token leads, by the core's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenTarget {
    pub vault: VaultId,
    pub generation: u64,
    pub node: NodeName,
    pub endpoint: Endpoint,
    pub cert_sha256: Sha256,
}

/// What the core signed. It allows nothing by itself: a holder may have taken from it.
#[derive(Debug)]
pub struct AuthorityBlock {
    claims: TokenTarget,
    holder: TokenHolder,
    rights: Names,
    end_ms: i64,
}

/// Methods, sorted.
#[derive(Debug)]
struct Names(Box<[Box<str>]>);

impl Names {
    fn new(mut names: Vec<&str>) -> Self {
        names.sort_unstable();
        names.dedup();
        Self(names.into_iter().map(Box::from).collect())
    }

    fn has(&self, method: &str) -> bool {
        self.0.binary_search_by(|name| (**name).cmp(method)).is_ok()
    }

    fn keep(&mut self, names: &Self) {
        self.0 = std::mem::take(&mut self.0).into_iter().filter(|name| names.has(name)).collect();
    }
}

/// A token whose signatures are valid, and what is left of it.
#[derive(Debug)]
pub struct Capability {
    word: AuthorityBlock,
    /// What holders have left, if any took something away.
    left: Option<Names>,
    end_ms: i64,
}

impl Capability {
    /// `judge` hears the core's word as soon as it is known to be the core's.
    pub fn verify(
        token: &Secret,
        issuer: &Issuer,
        judge: impl FnOnce(&AuthorityBlock) -> Result<(), Denied>,
    ) -> Result<Self, Denied> {
        let invalid = |Strange| Denied::Invalid;
        let bytes = chain::decode(token.reveal()).map_err(invalid)?;
        let chain = Chain::read(&bytes).map_err(invalid)?;
        chain.check_authority(&issuer.0).map_err(invalid)?;
        let (mut words, mut blocks) = (Symbols::default(), chain.blocks());
        let authority = blocks.next().ok_or(Denied::Invalid)?;
        let word = words.read(authority).and_then(AuthorityBlock::of).map_err(invalid)?;
        judge(&word)?;
        if chain.blocks().any(|block| block.by_another) {
            return Err(Denied::Foreign);
        }
        chain.check_narrowed().map_err(invalid)?;
        let mut own = Self { left: None, end_ms: word.end_ms, word };
        for block in blocks {
            let block = words.read(block).ok().filter(Block::narrows).ok_or(Denied::Foreign)?;
            block.checks.into_iter().for_each(|check| own.narrow(check));
        }
        Ok(own)
    }

    fn narrow(&mut self, check: TokenCheck<'_>) {
        match check {
            TokenCheck::Before(end) => self.end_ms = self.end_ms.min(end),
            TokenCheck::Among(names) => {
                let names = Names::new(names);
                match &mut self.left {
                    Some(left) => left.keep(&names),
                    left @ None => *left = Some(names),
                }
            }
            // Of a holder no condition.
            TokenCheck::Here { .. } => {}
        }
    }

    /// The only function that says yes.
    pub fn allows(&self, ask: &CallFacts<'_>) -> Result<(), Denied> {
        self.word.holds(ask)?;
        let left = self.left.as_ref().is_none_or(|left| left.has(ask.method));
        let yes = left && self.word.grants(ask.method) && ask.now.as_millisecond() < self.end_ms;
        if yes { Ok(()) } else { Err(Denied::NotAllowed) }
    }

    #[must_use]
    pub fn holder(&self) -> &TokenHolder {
        &self.word.holder
    }

    /// What the core signed about the vault itself. It allows nothing: a question may be built of it.
    #[must_use]
    pub fn claims(&self) -> &TokenTarget {
        &self.word.claims
    }
}

impl AuthorityBlock {
    /// Whether this is the vault, the generation and the node that the core meant, and still the time.
    pub fn holds(&self, ask: &CallFacts<'_>) -> Result<(), Denied> {
        let TokenTarget { vault, generation, node, .. } = &self.claims;
        if (vault, *generation, node) == (ask.vault, ask.generation, ask.node) {
            return self.is_current(ask.now);
        }
        Err(Denied::NotAllowed)
    }

    pub fn is_current(&self, now: Timestamp) -> Result<(), Denied> {
        if now.as_millisecond() < self.end_ms { Ok(()) } else { Err(Denied::NotAllowed) }
    }

    fn grants(&self, method: &str) -> bool {
        self.rights.has(method) || self.rights.has(ALL_METHODS)
    }

    fn of(block: Block<'_>) -> Result<Self, Strange> {
        let (mut vault, mut ticket, mut generation, mut node) = (None, None, None, None);
        let (mut endpoint, mut cert, mut label, mut rights) = (None, None, None, Vec::new());
        let (mut lease, mut link) = (None, None);
        for fact in &block.facts {
            match (fact.name, &fact.terms[..]) {
                ("vault", [Term::Text(text)]) => once(&mut vault, *text)?,
                ("ticket", [Term::Text(text)]) => once(&mut ticket, *text)?,
                ("generation", [Term::Number(number)]) => once(&mut generation, *number)?,
                ("node", [Term::Text(text)]) => once(&mut node, *text)?,
                ("endpoint", [Term::Text(ip), Term::Number(port)]) => once(&mut endpoint, (*ip, *port))?,
                ("cert", [Term::Text(text)]) => once(&mut cert, *text)?,
                ("label", [Term::Text(text)]) => once(&mut label, *text)?,
                ("lease", [Term::Number(ms)]) => once(&mut lease, *ms)?,
                ("link", [Term::Number(number)]) => once(&mut link, *number)?,
                ("right", [Term::Text(text)]) => rights.push(*text),
                _ => {}
            }
        }
        let (mut here, mut end_ms) = (None, None);
        for check in block.checks {
            match check {
                TokenCheck::Here { vault, generation, node } => once(&mut here, (vault, generation, node))?,
                TokenCheck::Before(end) => once(&mut end_ms, end)?,
                TokenCheck::Among(_) => return Err(Strange),
            }
        }
        let (here_vault, here_generation, here_node) = here.ok_or(Strange)?;
        if (vault, generation, node) != (Some(here_vault), Some(here_generation), Some(here_node)) {
            return Err(Strange);
        }
        let (ip, port) = endpoint.ok_or(Strange)?;
        let ip: IpAddr = ip.parse().map_err(|_| Strange)?;
        let claims = TokenTarget {
            vault: here_vault.parse().map_err(|_| Strange)?,
            generation: here_generation.try_into().map_err(|_| Strange)?,
            node: here_node.parse().map_err(|_| Strange)?,
            endpoint: Endpoint { ip, port: port.try_into().map_err(|_| Strange)? },
            cert_sha256: cert.ok_or(Strange)?.parse().map_err(|_| Strange)?,
        };
        let ticket = ticket.ok_or(Strange)?.parse().map_err(|_| Strange)?;
        let lease_ms = lease.map(u64::try_from).transpose().map_err(|_| Strange)?;
        let promise = Promise { lease_ms, link: link.map(|link| link != 0) };
        let holder = TokenHolder { ticket, label: label.map(str::to_owned), promise };
        Ok(Self { claims, holder, rights: Names::new(rights), end_ms: end_ms.ok_or(Strange)? })
    }
}

#[cfg(test)]
mod foreign_tests;
#[cfg(test)]
mod tests;
