//! The variants of an enum: a word stands alone, and of an answer one that is not known is passed over where others may
//! come.

use std::cell::Cell;

use serde::Deserializer;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, EnumAccess, Error, IgnoredAny, Unexpected, VariantAccess, Visitor};

use super::object::ObjectVisitor;
use super::shape::{ShapeVisitor, Wants, value};
use super::tolerant_reader::{OTHER, OneOf, PassedOver};

pub(super) struct Choice<'s, A> {
    pub(super) choice: A,
    pub(super) heard: Option<&'s PassedOver>,
    /// The names that are known, where others may come.
    pub(super) open: Option<(&'static [&'static str], &'s PassedOver)>,
}

impl<'de, 's, A: EnumAccess<'de>> EnumAccess<'de> for Choice<'s, A> {
    type Error = A::Error;
    type Variant = Chosen<'s, A::Variant>;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self::Variant), A::Error> {
        let Self { choice, heard, open } = self;
        let Some((known, hears)) = open else {
            let (name, rest) = choice.variant_seed(value(seed, heard))?;
            return Ok((name, Chosen { rest, heard, is_other: false }));
        };
        let (name, rest) = choice.variant_seed(OneOf(known))?;
        let is_other = name.is_err();
        let name = name.unwrap_or_else(|other| {
            hears.passed_over(&other);
            OTHER
        });
        Ok((seed.deserialize(StrDeserializer::new(name))?, Chosen { rest, heard, is_other }))
    }
}

pub(super) struct Chosen<'s, A> {
    rest: A,
    heard: Option<&'s PassedOver>,
    /// Its name is not known, and neither is what stands behind it.
    is_other: bool,
}

/// What stands behind a name: nothing behind a word, and whatever it is behind one that is not known.
struct Valued<'c> {
    has_value: &'c Cell<bool>,
    is_passed_over: bool,
}

impl<'de> DeserializeSeed<'de> for Valued<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        self.has_value.set(true);
        if self.is_passed_over {
            return input.deserialize_ignored_any(IgnoredAny).map(drop);
        }
        Err(D::Error::invalid_type(Unexpected::Map, &"a string"))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Chosen<'_, A> {
    type Error = A::Error;

    /// A word stands alone. Where it is the name of an object's member it has a value, which is asked for here.
    fn unit_variant(self) -> Result<(), A::Error> {
        let has_value = Cell::new(false);
        match self.rest.newtype_variant_seed(Valued { has_value: &has_value, is_passed_over: self.is_other })
        {
            Err(error) if has_value.get() => Err(error),
            Err(_) | Ok(()) => Ok(()),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, A::Error> {
        self.rest.newtype_variant_seed(value(seed, self.heard))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        let heard = self.heard;
        self.rest.tuple_variant(len, ShapeVisitor { visitor, wants: Wants::Anything, seen: None, heard })
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.rest.struct_variant(fields, ObjectVisitor { visitor, fields, heard: self.heard })
    }
}
