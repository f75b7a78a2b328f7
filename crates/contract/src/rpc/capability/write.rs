//! Token encoder: blocks as hauki says them, and tokens as they are put together: what `datalog`, `chain` and
//! `protobuf` read, written.
//!
//! Bytes are those that the library of the format's authors writes, which the tests hold against it. It is not asked
//! here: it compiles a program for each token, to be run by nobody, and every start has two of them to wait for.

use base64::Engine as _;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::chain::{BASE64, Chain, ED25519, Key, payload};
use super::datalog::{COMMON, CONTAINS, LESS_THAN, OWN, Symbols, Term};
use super::protobuf::Strange;

/// The dialect that a block claims. Lists came with a later one, but the library of 6.0 claims no more for them.
const DIALECT: u64 = 3;

/// Fields in a row.
#[derive(Debug, Default, Clone)]
struct Message(Vec<u8>);

impl Message {
    fn number(mut self, field: u64, number: u64) -> Self {
        self.varint(field << 3);
        self.varint(number);
        self
    }

    fn bytes(mut self, field: u64, bytes: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    fn with(self, field: u64, message: &Self) -> Self {
        self.bytes(field, &message.0)
    }

    fn varint(&mut self, mut number: u64) {
        while number > 0x7f {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
    }
}

/// A block that is being written.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    /// The words of the blocks before, and then its own.
    words: Vec<&'a str>,
    before: usize,
    facts: Vec<Message>,
    checks: Vec<Message>,
}

impl<'a> Draft<'a> {
    /// Of the block after those whose words these are.
    pub(super) fn after(words: &Symbols<'a>) -> Self {
        let words = words.all().to_vec();
        Self { before: words.len(), words, facts: Vec::new(), checks: Vec::new() }
    }

    pub(super) fn fact(&mut self, name: &'a str, terms: &[Term<'a>]) {
        let fact = self.predicate(name, terms);
        self.facts.push(Message::default().with(1, &fact));
    }

    /// `check if on_vault(…), on_generation(…), on_node(…)`
    pub(super) fn only_here(&mut self, vault: &'a str, generation: i64, node: &'a str) {
        let body = [
            ("on_vault", Term::Text(vault)),
            ("on_generation", Term::Number(generation)),
            ("on_node", Term::Text(node)),
        ];
        let query = self.query();
        let query = body.into_iter().fold(query, |query, (name, term)| {
            let predicate = self.predicate(name, &[term]);
            query.with(2, &predicate)
        });
        self.check(&query);
    }

    /// `check if now_ms($now), $now < end`
    pub(super) fn only_before(&mut self, end: i64) {
        let query = self.query();
        let (body, now) = self.asked("now_ms", "now");
        let end = self.term(&Term::Number(end));
        self.check(&query.with(2, &body).with(3, &expression(&now, &end, LESS_THAN)));
    }

    /// `check if operation($m), [names].contains($m)`
    pub(super) fn only_among(&mut self, names: impl Iterator<Item = &'a str>) {
        let query = self.query();
        let (body, method) = self.asked("operation", "m");
        let list = names.fold(Message::default(), |list, name| list.with(1, &self.term(&Term::Text(name))));
        let list = Message::default().with(9, &list);
        self.check(&query.with(2, &body).with(3, &expression(&list, &method, CONTAINS)));
    }

    pub(super) fn written(self) -> Vec<u8> {
        let own = self.words.get(self.before..).unwrap_or_default();
        let block = own.iter().fold(Message::default(), |block, word| block.bytes(1, word.as_bytes()));
        let block = block.number(3, DIALECT);
        let block = self.facts.iter().fold(block, |block, fact| block.with(4, fact));
        self.checks.iter().fold(block, |block, check| block.with(6, check)).0
    }

    fn check(&mut self, query: &Message) {
        self.checks.push(Message::default().with(1, query));
    }

    /// What is asked for, its head first.
    fn query(&mut self) -> Message {
        let head = self.predicate("query", &[]);
        Message::default().with(1, &head)
    }

    /// A predicate of one variable, and that variable.
    fn asked(&mut self, name: &'a str, variable: &'a str) -> (Message, Message) {
        let predicate = Message::default().number(1, self.word(name));
        let variable = Message::default().number(1, self.word(variable));
        (predicate.with(2, &variable), variable)
    }

    fn predicate(&mut self, name: &'a str, terms: &[Term<'a>]) -> Message {
        let predicate = Message::default().number(1, self.word(name));
        terms.iter().fold(predicate, |predicate, term| predicate.with(2, &self.term(term)))
    }

    fn term(&mut self, term: &Term<'a>) -> Message {
        match term {
            Term::Number(number) => Message::default().number(2, number.cast_unsigned()),
            Term::Text(text) => Message::default().number(3, self.word(text)),
        }
    }

    /// Its number; a new one is one of this block's.
    fn word(&mut self, word: &'a str) -> u64 {
        let found = |words: &[&str]| words.iter().position(|known| *known == word).map(|place| place as u64);
        if let Some(number) = found(&COMMON) {
            return number;
        }
        found(&self.words).unwrap_or_else(|| {
            self.words.push(word);
            self.words.len() as u64 - 1
        }) + OWN
    }
}

fn expression(left: &Message, right: &Message, kind: u64) -> Message {
    let value = |term: &Message| Message::default().with(1, term);
    let binary = Message::default().with(3, &Message::default().number(1, kind));
    Message::default().with(1, &value(left)).with(1, &value(right)).with(1, &binary)
}

/// What the next block is signed with: its secret is the token's proof.
pub(super) struct NextKey {
    secret: Key,
    public: Key,
}

impl NextKey {
    /// The half that others may know takes about as long as a signature.
    pub(super) fn of(secret: Key) -> Result<Self, Strange> {
        let public = pair(&secret)?.public_key().as_ref().try_into().map_err(|_| Strange)?;
        Ok(Self { secret, public })
    }
}

/// A token of one block, signed by `issuer`; with the key from `next` its holder appends another.
pub(super) fn authority(issuer: &Ed25519KeyPair, block: &[u8], next: &NextKey) -> String {
    let link = link(issuer, block, next, 0, None);
    token(Message::default().with(2, &link), next)
}

/// The token with one block more, signed with its proof. `None`: it is sealed, and nobody appends to it any more.
pub(super) fn appended(chain: &Chain<'_>, block: &[u8], next: &NextKey) -> Result<Option<String>, Strange> {
    let Some(secret) = chain.secret() else { return Ok(None) };
    let link = link(&pair(secret)?, block, next, chain.version(), Some(chain.last_signature()));
    let before = chain.links();
    let blocks = before.fold(Message::default(), |blocks, (field, link)| blocks.bytes(field, link));
    Ok(Some(token(blocks.with(3, &link), next)))
}

fn pair(secret: &[u8]) -> Result<Ed25519KeyPair, Strange> {
    Ed25519KeyPair::from_seed_unchecked(secret).map_err(|_| Strange)
}

fn link(
    signer: &Ed25519KeyPair,
    block: &[u8],
    next: &NextKey,
    version: u64,
    before: Option<&[u8]>,
) -> Message {
    let signature = signer.sign(&payload(version, block, &next.public, before));
    let key = Message::default().number(1, u64::from(ED25519)).bytes(2, &next.public);
    let link = Message::default().bytes(1, block).with(2, &key).bytes(3, signature.as_ref());
    // Zero is what is meant where nothing stands.
    if version > 0 { link.number(5, version) } else { link }
}

fn token(blocks: Message, next: &NextKey) -> String {
    BASE64.encode(blocks.with(4, &Message::default().bytes(1, &next.secret)).0)
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
