//! Open enumerations: the words of an answer, to which a later version may add.
//!
//! An order is carried out whole or refused, so the words in it are closed: its types have the enum itself. Who answers
//! may be of a later version, and its causes and codes are no reason to throw the rest of the answer away: its types have
//! an [`OpenWord`] of the enum. A word that is not known is kept as it came, in records, in the store, and in what is told
//! on. It equals no word of ours, so nothing is decided by it that a known word would decide.
//!
//! A word is what all words of the contracts are, and nothing that a terminal would mind. Words are few and kept for as
//! long as the process runs; a peer that makes up more than a later version could have is told of as `other`.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{Error as Unread, StrDeserializer};
use serde::de::{DeserializeOwned, Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Of its letters.
const LONGEST: usize = 40;
const PATTERN: &str = "^[a-z0-9_]{1,40}$";

/// So many words are kept.
const MOST: usize = 256;
const BEYOND: &str = "other";

static OTHERS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OpenWord<T> {
    Known(T),
    /// Of a later version.
    Other(&'static str),
}

impl<T> OpenWord<T> {
    #[must_use]
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(word) => Some(word),
            Self::Other(_) => None,
        }
    }

    /// In words; what is not known says itself.
    #[must_use]
    pub fn told(self, say: impl FnOnce(T) -> &'static str) -> &'static str {
        match self {
            Self::Known(word) => say(word),
            Self::Other(word) => word,
        }
    }
}

impl<T> From<T> for OpenWord<T> {
    fn from(word: T) -> Self {
        Self::Known(word)
    }
}

impl<T: PartialEq> PartialEq<T> for OpenWord<T> {
    fn eq(&self, word: &T) -> bool {
        matches!(self, Self::Known(known) if known == word)
    }
}

fn is_word(text: &str) -> bool {
    let is_letter = |letter: u8| matches!(letter, b'a'..=b'z' | b'0'..=b'9' | b'_');
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_letter)
}

fn kept(others: &mut BTreeSet<&'static str>, text: &str) -> &'static str {
    if let Some(kept) = others.get(text) {
        return kept;
    }
    if others.len() == MOST {
        return BEYOND;
    }
    let word: &'static str = String::leak(text.to_owned());
    others.insert(word);
    word
}

impl<T: Serialize> Serialize for OpenWord<T> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(word) => word.serialize(out),
            Self::Other(word) => out.serialize_str(word),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for OpenWord<T> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_str(AnyWord(PhantomData))
    }
}

struct AnyWord<T>(PhantomData<T>);

impl<T: DeserializeOwned> Visitor<'_> for AnyWord<T> {
    type Value = OpenWord<T>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a word")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        match T::deserialize(StrDeserializer::<Unread>::new(text)) {
            Ok(word) => Ok(OpenWord::Known(word)),
            Err(_) if is_word(text) => {
                let mut others = OTHERS.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(OpenWord::Other(kept(&mut others, text)))
            }
            Err(error) => Err(E::custom(error)),
        }
    }
}

/// The words of today, and that there may be others.
impl<T: JsonSchema> JsonSchema for OpenWord<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Open{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let known = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [known, { "type": "string", "pattern": PATTERN }] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::phase::Phase;
    use crate::strict::{self, DocumentLimits};

    fn read(text: &str) -> Result<OpenWord<Phase>, strict::StrictError> {
        strict::from_str(text, DocumentLimits::bytes(1000))
    }

    #[test]
    fn a_word_that_is_not_known_is_kept_and_equals_none_that_is() {
        let (live, frozen) = (read(r#""live""#).expect("is read"), read(r#""frozen_2""#).expect("is read"));
        assert_eq!((live, live.known()), (OpenWord::Known(Phase::Live), Some(Phase::Live)));
        assert_eq!((frozen, frozen.known()), (OpenWord::Other("frozen_2"), None));
        assert!(live == Phase::Live && Phase::ALL.into_iter().all(|phase| frozen != phase));
        assert_eq!((live.told(Phase::as_str), frozen.told(Phase::as_str)), ("live", "frozen_2"));
        for word in [live, frozen] {
            let text = serde_json::to_string(&word).expect("is written");
            assert_eq!(read(&text).expect("is read"), word);
        }
    }

    #[test]
    fn who_makes_up_words_is_not_kept_forever() {
        let mut others = BTreeSet::new();
        for number in 0..MOST * 2 {
            let word = format!("w{number}");
            assert_eq!(kept(&mut others, &word), if number < MOST { word.as_str() } else { BEYOND });
        }
        assert_eq!((others.len(), kept(&mut others, "w7")), (MOST, "w7"));
    }

    #[test]
    fn what_is_no_word_is_refused_as_ever() {
        let long = format!("{:?}", "a".repeat(LONGEST + 1));
        for wrong in
            [r#""""#, r#""Live""#, r#""a b""#, r#""a-b""#, r#""\u001b[2J""#, r#""é""#, "7", "null", &long]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(read(r#"{"live":null}"#).is_err() && read(r#"{"frozen":null}"#).is_err());
        let told = read(r#""Live""#).expect_err("is none").to_string();
        assert!(told.contains("found `Live`"), "{told}");
    }
}
