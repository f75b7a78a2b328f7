//! Secret injection: which secret of its owner's a worker's requests carry, where in them, and on the way to whom.
//!
//! A use is a name, a place and, where a worker is invited to more than one origin, an invitation:
//! `openai=Authorization:Bearer https://api.openai.com/v1/`, or `maps=?key`. It is written down and shown like any other
//! limit, for it has no value in it. The value is put into a request by the node, and no vault ever has it.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::invitation::{FetchTarget, Invitation, InvitedHost, is_nodes_header};
use super::secret::Secret;

/// Of one worker.
pub const MOST_SECRETS: usize = 16;
/// What is shorter stands in every text by chance, so it could not be taken out of answers.
pub const LEAST_VALUE: usize = 8;
pub const MOST_VALUE: usize = 4096;
/// Of a name, of a header and of a key of a query.
const MOST_WORD: usize = 64;
/// Of one use, in letters.
const MOST_LETTERS: usize = 768;

/// What its owner calls it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretName(String);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{0:?} cannot be a secret's name: expected a letter, then letters, digits, _ and -, at most {MOST_WORD}"
)]
pub struct SecretNameError(String);

/// It says nothing of the value.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SecretValueError {
    #[error("the value has {0} bytes, allowed are {LEAST_VALUE} to {MOST_VALUE}")]
    Length(usize),
    #[error(
        "the value has something else than printable letters of ASCII, or a blank at its beginning or end"
    )]
    Letters,
}

/// Where in a request the value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretPlace {
    /// In small letters, and what stands before the value.
    Header {
        name: String,
        scheme: Option<String>,
    },
    Query {
        key: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretUse {
    pub name: SecretName,
    pub place: SecretPlace,
    /// All that the worker is invited to, if nothing is said.
    to: Option<Invitation>,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SecretUseError {
    /// Not what was written: who mixes the two up writes the value where a name belongs.
    #[error("a secret is used as NAME=HEADER, NAME=HEADER:SCHEME or NAME=?KEY: {0}")]
    Text(&'static str),
    #[error("the secret {0} is for requests, and the worker is invited nowhere")]
    Uninvited(SecretName),
    #[error("the worker is invited to more than one origin: say which one gets the secret {0}")]
    Which(SecretName),
    #[error("the secret {name} is for {to}, where the worker is not invited")]
    Elsewhere { name: SecretName, to: String },
    #[error("the secret {0} would be sent over http, where everybody on the way reads it")]
    Plain(SecretName),
    #[error("two secrets have the same place in a request, the second is {0}")]
    Twice(SecretName),
}

/// A secret, as a core hands it to the node of a vault that uses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantedSecret {
    pub name: SecretName,
    pub value: Secret,
}

/// Whether it can stand in a header, and be found again in an answer.
pub fn check_value(value: &Secret) -> Result<(), SecretValueError> {
    let bytes = value.reveal().as_bytes();
    if !(LEAST_VALUE..=MOST_VALUE).contains(&bytes.len()) {
        return Err(SecretValueError::Length(bytes.len()));
    }
    let ends = [bytes.first(), bytes.last()];
    match bytes.iter().all(|byte| (0x20..0x7f).contains(byte)) && !ends.contains(&Some(&b' ')) {
        true => Ok(()),
        false => Err(SecretValueError::Letters),
    }
}

/// Whether these can be kept by the node: each goes to one origin that the worker is invited to, and nobody reads it on the way.
pub fn check_uses(uses: &[SecretUse], net: &[Invitation]) -> Result<(), SecretUseError> {
    for (place, used) in uses.iter().enumerate() {
        let name = || used.name.clone();
        let Some(first) = net.first() else { return Err(SecretUseError::Uninvited(name())) };
        let to = match &used.to {
            Some(to) if net.iter().any(|invitation| invitation.is_same_origin(to)) => to,
            Some(to) => return Err(SecretUseError::Elsewhere { name: name(), to: to.to_string() }),
            None if net.iter().all(|invitation| invitation.is_same_origin(first)) => first,
            None => return Err(SecretUseError::Which(name())),
        };
        let is_own = matches!(to.host(), InvitedHost::Address(address) if address.is_loopback());
        if !to.is_tls() && !is_own {
            return Err(SecretUseError::Plain(name()));
        }
        let meets = |other: &&SecretUse| other.place.is_same(&used.place) && other.is_same_origin(used);
        if uses[..place].iter().any(|other| meets(&other)) {
            return Err(SecretUseError::Twice(name()));
        }
    }
    Ok(())
}

impl SecretUse {
    /// Whether a request has it that the worker's invitations admit.
    #[must_use]
    pub fn is_for(&self, target: FetchTarget<'_>) -> bool {
        self.to.as_ref().is_none_or(|to| to.admits(target))
    }

    fn is_same_origin(&self, other: &Self) -> bool {
        match (&self.to, &other.to) {
            (Some(one), Some(two)) => one.is_same_origin(two),
            // Who says nothing means the only one that there is.
            _ => true,
        }
    }
}

impl SecretPlace {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Header { name, .. }, Self::Header { name: other, .. }) => name == other,
            (Self::Query { key }, Self::Query { key: other }) => key == other,
            _ => false,
        }
    }
}

impl SecretName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Letters, digits, `_` and `-`; also all that a header's name and a key of a query need.
fn is_word(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=MOST_WORD).contains(&text.len()) && text.bytes().all(letter)
}

impl FromStr for SecretName {
    type Err = SecretNameError;

    fn from_str(text: &str) -> Result<Self, SecretNameError> {
        match is_word(text) && text.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
            true => Ok(Self(text.to_owned())),
            false => Err(SecretNameError(text.chars().take(MOST_WORD).collect())),
        }
    }
}

fn read_place(text: &str) -> Result<SecretPlace, SecretUseError> {
    if let Some(key) = text.strip_prefix('?') {
        let is_key = is_word(key);
        return match is_key {
            true => Ok(SecretPlace::Query { key: key.to_owned() }),
            false => Err(SecretUseError::Text("a key of a query is letters, digits, _ and -")),
        };
    }
    let (name, scheme) = text.split_once(':').map_or((text, None), |(name, scheme)| (name, Some(scheme)));
    let name = name.to_ascii_lowercase();
    if !is_word(&name) || scheme.is_some_and(|scheme| !is_word(scheme)) {
        return Err(SecretUseError::Text(
            "a header and what stands before the value are letters, digits, _ and -",
        ));
    }
    if is_nodes_header(&name) {
        return Err(SecretUseError::Text("that header is the node's"));
    }
    Ok(SecretPlace::Header { name, scheme: scheme.map(str::to_owned) })
}

impl FromStr for SecretUse {
    type Err = SecretUseError;

    fn from_str(text: &str) -> Result<Self, SecretUseError> {
        if text.len() > MOST_LETTERS {
            return Err(SecretUseError::Text("it is too long"));
        }
        let (name, rest) = text.split_once('=').ok_or(SecretUseError::Text("there is no ="))?;
        let (place, to) = rest.split_once(' ').map_or((rest, None), |(place, to)| (place, Some(to)));
        let name = name.parse().map_err(|_| SecretUseError::Text("the name is none"))?;
        let to = to.map(str::parse).transpose();
        let to = to.map_err(|_| SecretUseError::Text("what stands behind the place is no invitation"))?;
        Ok(Self { name, place: read_place(place)?, to })
    }
}

impl fmt::Display for SecretUse {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}=", self.name)?;
        match &self.place {
            SecretPlace::Header { name, scheme: None } => out.write_str(name)?,
            SecretPlace::Header { name, scheme: Some(scheme) } => write!(out, "{name}:{scheme}")?,
            SecretPlace::Query { key } => write!(out, "?{key}")?,
        }
        self.to.as_ref().map_or(Ok(()), |to| write!(out, " {to}"))
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}

impl TryFrom<String> for SecretUse {
    type Error = SecretUseError;

    fn try_from(text: String) -> Result<Self, SecretUseError> {
        text.parse()
    }
}

impl From<SecretUse> for String {
    fn from(used: SecretUse) -> Self {
        used.to_string()
    }
}

impl TryFrom<String> for SecretName {
    type Error = SecretNameError;

    fn try_from(text: String) -> Result<Self, SecretNameError> {
        text.parse()
    }
}

impl From<SecretName> for String {
    fn from(name: SecretName) -> Self {
        name.0
    }
}

/// Of [`SecretName`].
const NAME: &str = "[A-Za-z][A-Za-z0-9_-]{0,63}";

impl JsonSchema for SecretName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SecretName".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": format!("^{NAME}$") })
    }
}

impl JsonSchema for SecretUse {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SecretUse".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        // What a pattern can say of it; the rest is said when it is read.
        let word = "[A-Za-z0-9_-]{1,64}";
        let pattern = format!(r"^{NAME}=(?:\?{word}|{word}(?::{word})?)(?: [^ ]+(?: [^ ]+)?)?$");
        schemars::json_schema!({ "type": "string", "maxLength": MOST_LETTERS, "pattern": pattern })
    }
}

#[cfg(test)]
#[path = "secret_use_tests.rs"]
mod tests;
