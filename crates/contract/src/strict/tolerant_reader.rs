//! Tolerant reader: what somebody answers who was asked is read as strictly as an order, but for members and choices
//! that this version does not know.
//!
//! Who orders is read strictly, because an order that is carried out in part is another order. Who answers may be of a
//! newer version and say more than was asked: that is passed over, at every level, and [`PassedOver`] has its names for
//! whoever passes the answer on and must say that something is missing. So `deny_unknown_fields` stands at the types,
//! and who reads decides what it means. A ticket is a document with a version of its own, whoever hands it over.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde::de::{DeserializeSeed, Error, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{DocumentLimits, Shape, StrictError, WireDocument, read, text};

/// Read strictly in answers too, with all that is in it: `hauki-ticket(5)` has its reason.
pub(super) const DOCUMENT: &str = "Ticket";

/// The last name of an enum that others may be added to: in an answer a choice of another name is read as this one, and
/// whatever it has is passed over with it. One that cannot be done without has no such name.
pub(super) const OTHER: &str = "other";

/// So many names say enough, and so much of each.
const NAMES: usize = 16;
const LETTERS: usize = 64;

/// The names of what was passed over.
#[derive(Debug, Default)]
pub struct PassedOver(Mutex<BTreeSet<String>>);

impl PassedOver {
    pub(super) fn passed_over(&self, name: &str) {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() < NAMES {
            names.insert(name.chars().take(LETTERS).collect());
        }
    }

    /// In the order of the alphabet.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

pub fn from_slice<T: WireDocument>(bytes: &[u8], limits: DocumentLimits) -> Result<T, StrictError> {
    from_str(text(bytes)?, limits)
}

pub fn from_str<T: WireDocument>(text: &str, limits: DocumentLimits) -> Result<T, StrictError> {
    T::read(text, limits, Some(&PassedOver::default()))
}

/// Of what is no document: the fields of an event, what a worker returned.
pub fn fields<'a, T: Deserialize<'a>>(text: &'a str, limits: DocumentLimits) -> Result<T, StrictError> {
    read(text, limits, Some(&PassedOver::default()))
}

/// As [`from_slice`], for who must say what is missing.
pub fn noting<T: WireDocument>(
    bytes: &[u8],
    limits: DocumentLimits,
    heard: &PassedOver,
) -> Result<T, StrictError> {
    T::read(text(bytes)?, limits, Some(heard))
}

/// Of which somebody read the members before.
pub fn from_value<T: WireDocument>(value: &Value) -> Result<T, StrictError> {
    from_str(&value.to_string(), DocumentLimits::bytes(usize::MAX))
}

/// For a field of what serde reads into a buffer of its own (`flatten`, a tagged enum) and only ever is an answer: no
/// reader's rule reaches it there.
pub fn field<'de, T: Deserialize<'de>, D: Deserializer<'de>>(input: D) -> Result<T, D::Error> {
    T::deserialize(Shape::new(input, Some(&PassedOver::default())))
}

/// An answer with its text, for who passes it on with all that it says.
#[derive(Debug)]
pub struct WithText<T> {
    pub value: T,
    pub text: Box<RawValue>,
}

/// Nothing of it is missing for who has the text.
impl<T: WireDocument> WireDocument for WithText<T> {
    fn read(text: &str, limits: DocumentLimits, _: Option<&PassedOver>) -> Result<Self, StrictError> {
        let value = T::read(text, limits, Some(&PassedOver::default()))?;
        Ok(Self { value, text: super::raw(text)?.to_owned() })
    }
}

/// The name of a member or a choice: one of these, or another.
pub(super) struct OneOf(pub(super) &'static [&'static str]);

impl<'de> DeserializeSeed<'de> for OneOf {
    type Value = Result<&'static str, String>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        input.deserialize_str(self)
    }
}

impl Visitor<'_> for OneOf {
    type Value = Result<&'static str, String>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().find(|known| **known == name).copied().ok_or_else(|| name.to_owned()))
    }
}

#[cfg(all(test, feature = "documents"))]
#[path = "tolerant_reader_tests.rs"]
mod tests;
