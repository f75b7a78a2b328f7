//! Datalog patterns: what a block says, recognised by its shape and by nothing else.
//!
//! A biscuit's blocks are programs in Datalog, and one that runs is as costly as its writer likes: a
//! join of facts or a regular expression of a few bytes occupies a core for minutes. So none runs. The
//! words that hauki writes are read, each in the one shape that it has, and become values that Rust
//! compares; whatever else somebody wrote is foreign, and a token with it opens nothing.

use super::chain::Content;
use super::protobuf::{Fields, Strange, WireField, once};

/// The longest name, of a method or of anything else.
pub(super) const MAX_NAME: usize = 256;
/// The most names in one list, and facts of one block.
pub(super) const MAX_NAMES: usize = 512;
/// The most conditions in one block.
const MAX_CHECKS: usize = 4;
/// Names of predicates and variables, beyond those that a block lists.
const MAX_WORDS: usize = 32;

/// Of the language of blocks.
const DIALECTS: std::ops::RangeInclusive<u64> = 3..=6;

/// The words that every biscuit has without saying them, in the order of their numbers.
pub(super) const COMMON: [&str; 28] = [
    "read",
    "write",
    "resource",
    "operation",
    "right",
    "time",
    "role",
    "owner",
    "tenant",
    "namespace",
    "user",
    "team",
    "service",
    "admin",
    "email",
    "group",
    "member",
    "ip_address",
    "client",
    "client_ip",
    "domain",
    "path",
    "version",
    "cluster",
    "node",
    "hostname",
    "nonce",
    "query",
];
/// The number of the first word that a block brings.
pub(super) const OWN: u64 = 1024;

/// Kinds of operations.
pub(super) const LESS_THAN: u64 = 0;
pub(super) const CONTAINS: u64 = 5;
/// The most terms in one fact.
const MAX_TERMS: usize = 4;

/// The words that the blocks so far have brought: a later block uses those of the earlier.
#[derive(Debug, Default)]
pub(super) struct Symbols<'a>(Vec<&'a str>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Term<'a> {
    Text(&'a str),
    Number(i64),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fact<'a> {
    pub name: &'a str,
    pub terms: Vec<Term<'a>>,
}

/// A condition, of those that there are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TokenCheck<'a> {
    /// `on_vault("vlt_…"), on_generation(1), on_node("n1")`
    Here { vault: &'a str, generation: i64, node: &'a str },
    /// `now_ms($t), $t < 1800000000000`
    Before(i64),
    /// `operation($m), ["top", …].contains($m)`
    Among(Vec<&'a str>),
}

#[derive(Debug, Default)]
pub(super) struct Block<'a> {
    pub facts: Vec<Fact<'a>>,
    pub checks: Vec<TokenCheck<'a>>,
}

impl Block<'_> {
    /// Whether a holder may have written it: it takes away, and says nothing besides.
    pub(super) fn narrows(&self) -> bool {
        self.facts.is_empty() && !self.checks.iter().any(|check| matches!(check, TokenCheck::Here { .. }))
    }
}

/// A part of a condition as it stands there.
enum Part<'a> {
    Term(Term<'a>),
    Texts(Vec<&'a str>),
    Variable(u64),
}

impl<'a> Symbols<'a> {
    /// Reads one block; the blocks before it have been read.
    pub(super) fn read(&mut self, block: Content<'a>) -> Result<Block<'a>, Strange> {
        if block.by_another {
            return Err(Strange);
        }
        let (block, before, mut dialect) = (block.data, self.0.len(), None);
        // All words before the first that needs one.
        for field in Fields(block) {
            match field? {
                (1, word) => self.0.push(text(word.bytes()?)?),
                (3, field) => once(&mut dialect, field.number()?)?,
                (4 | 6, _) => {}
                // A context, rules, scopes, keys of third parties.
                _ => return Err(Strange),
            }
            if self.0.len() - before > MAX_NAMES + MAX_WORDS {
                return Err(Strange);
            }
        }
        if !dialect.is_some_and(|dialect| DIALECTS.contains(&dialect)) {
            return Err(Strange);
        }
        let mut read = Block::default();
        for field in Fields(block) {
            match field? {
                (4, field) if read.facts.len() < MAX_NAMES + MAX_WORDS => read.facts.push(self.fact(field)?),
                (6, field) if read.checks.len() < MAX_CHECKS => read.checks.push(self.check(field)?),
                (4 | 6, _) => return Err(Strange),
                _ => {}
            }
        }
        Ok(read)
    }

    pub(super) fn all(&self) -> &[&'a str] {
        &self.0
    }

    fn get(&self, number: u64) -> Result<&'a str, Strange> {
        let own = number.checked_sub(OWN).map(|own| usize::try_from(own).map(|own| self.0.get(own).copied()));
        let word = match own {
            Some(own) => own.ok().flatten(),
            None => usize::try_from(number).ok().and_then(|number| COMMON.get(number).copied()),
        };
        word.ok_or(Strange)
    }

    fn fact(&self, fact: WireField<'a>) -> Result<Fact<'a>, Strange> {
        let (name, parts) = self.predicate(fact.fields()?.only(1)?)?;
        let terms = parts.into_iter().map(|part| match part {
            Part::Term(term) => Ok(term),
            Part::Texts(_) | Part::Variable(_) => Err(Strange),
        });
        Ok(Fact { name, terms: terms.collect::<Result<_, _>>()? })
    }

    fn predicate(&self, predicate: WireField<'a>) -> Result<(&'a str, Vec<Part<'a>>), Strange> {
        let (mut name, mut parts) = (None, Vec::new());
        for field in predicate.fields()? {
            match field? {
                (1, field) => once(&mut name, self.get(field.number()?)?)?,
                (2, field) if parts.len() < MAX_TERMS => parts.push(self.part(field)?),
                _ => return Err(Strange),
            }
        }
        Ok((name.ok_or(Strange)?, parts))
    }

    fn part(&self, term: WireField<'a>) -> Result<Part<'a>, Strange> {
        let mut fields = term.fields()?;
        let (kind, value) = fields.next().ok_or(Strange)??;
        if fields.next().is_some() {
            return Err(Strange);
        }
        match kind {
            1 => Ok(Part::Variable(value.number()?)),
            2 => Ok(Part::Term(Term::Number(value.number()?.cast_signed()))),
            3 => Ok(Part::Term(Term::Text(self.get(value.number()?)?))),
            // A set is what the same words mean to an older library.
            7 | 9 => {
                let mut texts = Vec::new();
                for field in value.fields()? {
                    let (1, item) = field? else { return Err(Strange) };
                    if texts.len() >= MAX_NAMES {
                        return Err(Strange);
                    }
                    texts.push(self.get(item.fields()?.only(3)?.number()?)?);
                }
                Ok(Part::Texts(texts))
            }
            _ => Err(Strange),
        }
    }

    fn check(&self, check: WireField<'a>) -> Result<TokenCheck<'a>, Strange> {
        let (mut query, mut kind) = (None, None);
        for field in check.fields()? {
            match field? {
                (1, field) => once(&mut query, field)?,
                (2, field) => once(&mut kind, field.number()?)?,
                _ => return Err(Strange),
            }
        }
        // `check if`, not `check all` and not `reject if`.
        if kind.unwrap_or(0) != 0 {
            return Err(Strange);
        }
        let (mut head, mut body, mut expression) = (None, Vec::new(), None);
        for field in query.ok_or(Strange)?.fields()? {
            match field? {
                (1, field) => once(&mut head, self.predicate(field)?)?,
                (2, field) if body.len() < 3 => body.push(self.predicate(field)?),
                (3, field) => once(&mut expression, field)?,
                _ => return Err(Strange),
            }
        }
        if !matches!(head, Some(("query", parts)) if parts.is_empty()) {
            return Err(Strange);
        }
        let body: Vec<_> = body.iter().map(|(name, parts)| (*name, &parts[..])).collect();
        let Some(expression) = expression else {
            return match body[..] {
                [
                    ("on_vault", [Part::Term(Term::Text(vault))]),
                    ("on_generation", [Part::Term(Term::Number(generation))]),
                    ("on_node", [Part::Term(Term::Text(node))]),
                ] => Ok(TokenCheck::Here { vault, generation: *generation, node }),
                _ => Err(Strange),
            };
        };
        let [(name, [Part::Variable(it)])] = body[..] else { return Err(Strange) };
        match (name, self.expression(expression)?) {
            ("now_ms", (Part::Variable(left), Part::Term(Term::Number(end)), LESS_THAN)) if left == *it => {
                Ok(TokenCheck::Before(end))
            }
            ("operation", (Part::Texts(names), Part::Variable(right), CONTAINS)) if right == *it => {
                Ok(TokenCheck::Among(names))
            }
            _ => Err(Strange),
        }
    }

    /// Two values and what is to be done with them.
    fn expression(&self, expression: WireField<'a>) -> Result<(Part<'a>, Part<'a>, u64), Strange> {
        let mut operations = expression.fields()?.map(|field| match field? {
            (1, operation) => Ok(operation),
            _ => Err(Strange),
        });
        let mut next = || operations.next().ok_or(Strange)?;
        let (left, right, binary) = (next()?, next()?, next()?);
        if operations.next().is_some() {
            return Err(Strange);
        }
        let value = |operation: WireField<'a>| self.part(operation.fields()?.only(1)?);
        let kind = binary.fields()?.only(3)?.fields()?.only(1)?.number()?;
        Ok((value(left)?, value(right)?, kind))
    }
}

fn text(bytes: &[u8]) -> Result<&str, Strange> {
    std::str::from_utf8(bytes).ok().filter(|text| text.len() <= MAX_NAME).ok_or(Strange)
}
