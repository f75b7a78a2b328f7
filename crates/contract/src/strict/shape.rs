//! Deserializer adapter: between a type and the format that it is read from: what derived code would let through,
//! refused.
//!
//! It stands around any [`Deserializer`] and is told by the type what it wants. Where a struct is
//! wanted a sequence is refused; where an integer is wanted a number with an integer's value is one;
//! the members of a map are remembered by name; of an answer, members that the type does not have are passed over, and
//! choices that it does not have where it has room for them ([`OTHER`]). Inside `flatten` and untagged enums serde reads
//! into a buffer of its own, which no deserializer sees: types of contracts that a peer writes avoid both.

use std::collections::HashSet;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, EnumAccess, Error, MapAccess, SeqAccess, Visitor};

use super::choice::Choice;
use super::object::ObjectVisitor;
use super::tolerant_reader::{DOCUMENT, OTHER, PassedOver};

/// From here on two integers are one floating-point number, and which was meant is anybody's guess.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// serde_json's way to keep a value's text, which must reach it as it is.
const RAW: &str = "$serde_json::";

pub struct Shape<'s, D> {
    input: D,
    /// The names so far, where this is the name of a map's member.
    seen: Option<&'s mut HashSet<String>>,
    /// Of an answer: who hears what was passed over.
    heard: Option<&'s PassedOver>,
}

impl<'s, D> Shape<'s, D> {
    pub fn new(input: D, heard: Option<&'s PassedOver>) -> Self {
        Self { input, seen: None, heard }
    }

    fn look<V>(self, visitor: V, wants: Wants) -> (D, ShapeVisitor<'s, V>) {
        (self.input, ShapeVisitor { visitor, wants, seen: self.seen, heard: self.heard })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wants {
    Anything,
    Integer,
    /// One of these, the last of which is whatever else there is.
    Choice(&'static [&'static str]),
}

pub(super) struct ShapeVisitor<'s, V> {
    pub(super) visitor: V,
    pub(super) wants: Wants,
    pub(super) seen: Option<&'s mut HashSet<String>>,
    pub(super) heard: Option<&'s PassedOver>,
}

macro_rules! pass {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            let (input, look) = self.look(visitor, Wants::Anything);
            input.$method(look)
        }
    )*};
}

/// YAML's reader looks no further where it finds no digits alone, so it is asked for anything. As the
/// name of a member an integer is text, which only the format can take apart.
macro_rules! integer {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            let is_name = self.seen.is_some();
            let (input, look) = self.look(visitor, Wants::Integer);
            if is_name { input.$method(look) } else { input.deserialize_any(look) }
        }
    )*};
}

/// YAML's reader would take `5` and `true` for text where text is wanted, and what is left out for an empty one. As the
/// name of a member each is what was written.
macro_rules! text {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            let is_name = self.seen.is_some();
            let (input, look) = self.look(visitor, Wants::Anything);
            if is_name { input.$method(look) } else { input.deserialize_any(look) }
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Shape<'_, D> {
    type Error = D::Error;

    pass!(deserialize_any deserialize_bool deserialize_f32 deserialize_f64 deserialize_char
        deserialize_bytes deserialize_byte_buf deserialize_option
        deserialize_unit deserialize_seq deserialize_map deserialize_identifier deserialize_ignored_any);
    text!(deserialize_str deserialize_string);
    integer!(deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128);

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let (input, look) = self.look(visitor, Wants::Anything);
        input.deserialize_unit_struct(name, look)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        if name.starts_with(RAW) {
            return self.input.deserialize_newtype_struct(name, visitor);
        }
        let (input, look) = self.look(visitor, Wants::Anything);
        input.deserialize_newtype_struct(name, look)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, D::Error> {
        let (input, look) = self.look(visitor, Wants::Anything);
        input.deserialize_tuple(len, look)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let (input, look) = self.look(visitor, Wants::Anything);
        input.deserialize_tuple_struct(name, len, look)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let heard = self.heard.filter(|_| name != DOCUMENT);
        self.input.deserialize_struct(name, fields, ObjectVisitor { visitor, fields, heard })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let is_open = self.heard.is_some() && variants.last() == Some(&OTHER);
        let wants = if is_open { Wants::Choice(variants) } else { Wants::Anything };
        let (input, look) = self.look(visitor, wants);
        input.deserialize_enum(name, variants, look)
    }

    fn is_human_readable(&self) -> bool {
        self.input.is_human_readable()
    }
}

impl<V> ShapeVisitor<'_, V> {
    fn note<E: Error>(&mut self, name: &str) -> Result<(), E> {
        let is_new = self.seen.as_mut().is_none_or(|seen| seen.insert(name.to_owned()));
        if is_new { Ok(()) } else { Err(E::custom(format_args!("the member {name:?} is there twice"))) }
    }
}

macro_rules! forward {
    ($($method:ident($kind:ty))*) => {$(
        fn $method<E: Error>(self, value: $kind) -> Result<V::Value, E> {
            self.visitor.$method(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for ShapeVisitor<'_, V> {
    type Value = V::Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(out)
    }

    forward!(visit_bool(bool) visit_i8(i8) visit_i16(i16) visit_i32(i32) visit_i64(i64) visit_i128(i128)
        visit_u8(u8) visit_u16(u16) visit_u32(u32) visit_u64(u64) visit_u128(u128) visit_f32(f32)
        visit_char(char) visit_bytes(&[u8]) visit_borrowed_bytes(&'de [u8]) visit_byte_buf(Vec<u8>));

    fn visit_f64<E: Error>(self, value: f64) -> Result<V::Value, E> {
        if self.wants == Wants::Integer && value.fract() == 0.0 && value.abs() < EXACT {
            #[allow(clippy::cast_possible_truncation, reason = "it is whole and below 2^53")]
            let whole = value as i64;
            return match u64::try_from(whole) {
                Ok(whole) => self.visitor.visit_u64(whole),
                Err(_) => self.visitor.visit_i64(whole),
            };
        }
        self.visitor.visit_f64(value)
    }

    fn visit_str<E: Error>(mut self, text: &str) -> Result<V::Value, E> {
        self.note(text)?;
        self.visitor.visit_str(text)
    }

    fn visit_borrowed_str<E: Error>(mut self, text: &'de str) -> Result<V::Value, E> {
        self.note(text)?;
        self.visitor.visit_borrowed_str(text)
    }

    fn visit_string<E: Error>(mut self, text: String) -> Result<V::Value, E> {
        self.note(&text)?;
        self.visitor.visit_string(text)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, input: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_some(Shape { input, seen: self.seen, heard: self.heard })
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_unit()
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, input: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_newtype_struct(Shape { input, seen: self.seen, heard: self.heard })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_seq(Items(items, self.heard))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(MemberAccess { members, seen: HashSet::new(), heard: self.heard })
    }

    fn visit_enum<A: EnumAccess<'de>>(self, choice: A) -> Result<V::Value, A::Error> {
        let open = match self.wants {
            Wants::Choice(known) => self.heard.map(|heard| (known, heard)),
            Wants::Anything | Wants::Integer => None,
        };
        self.visitor.visit_enum(Choice { choice, heard: self.heard, open })
    }
}

/// What reads the next value, which is looked at as well.
pub(super) struct ShapedSeed<'s, S> {
    seed: S,
    seen: Option<&'s mut HashSet<String>>,
    heard: Option<&'s PassedOver>,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for ShapedSeed<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<S::Value, D::Error> {
        self.seed.deserialize(Shape { input, seen: self.seen, heard: self.heard })
    }
}

pub(super) fn value<S>(seed: S, heard: Option<&PassedOver>) -> ShapedSeed<'_, S> {
    ShapedSeed { seed, seen: None, heard }
}

struct Items<'s, A>(A, Option<&'s PassedOver>);

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Items<'_, A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, A::Error> {
        self.0.next_element_seed(value(seed, self.1))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

struct MemberAccess<'s, A> {
    members: A,
    seen: HashSet<String>,
    heard: Option<&'s PassedOver>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for MemberAccess<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        self.members.next_key_seed(ShapedSeed { seed, seen: Some(&mut self.seen), heard: self.heard })
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        self.members.next_value_seed(value(seed, self.heard))
    }

    fn size_hint(&self) -> Option<usize> {
        self.members.size_hint()
    }
}
