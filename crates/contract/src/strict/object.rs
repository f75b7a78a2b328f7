//! Struct deserialization: where a struct is wanted, an object and nothing else, and its members by their names.
//!
//! Derived code can be read from a sequence as well, which is refused here, and what nobody calls is never compiled: there
//! are hundreds of structs, and each crate compiles how it reads them.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};

use super::shape::value;
use super::tolerant_reader::{OneOf, PassedOver};

/// Where a struct is wanted.
pub(super) struct ObjectVisitor<'s, V> {
    pub(super) visitor: V,
    pub(super) fields: &'static [&'static str],
    pub(super) heard: Option<&'s PassedOver>,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for ObjectVisitor<'_, V> {
    type Value = V::Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(out)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<V::Value, A::Error> {
        Err(A::Error::invalid_type(Unexpected::Seq, &"an object"))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(FieldAccess { members, fields: self.fields, heard: self.heard })
    }
}

/// The members of a struct. Derived code refuses one that comes twice by itself, and who orders what it does not know.
struct FieldAccess<'s, A> {
    members: A,
    fields: &'static [&'static str],
    heard: Option<&'s PassedOver>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for FieldAccess<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        let Some(heard) = self.heard else { return self.members.next_key_seed(value(seed, None)) };
        while let Some(name) = self.members.next_key_seed(OneOf(self.fields))? {
            match name {
                Ok(name) => return seed.deserialize(StrDeserializer::new(name)).map(Some),
                Err(other) => heard.passed_over(&other),
            }
            self.members.next_value::<IgnoredAny>()?;
        }
        Ok(None)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        self.members.next_value_seed(value(seed, self.heard))
    }

    fn size_hint(&self) -> Option<usize> {
        self.members.size_hint()
    }
}
