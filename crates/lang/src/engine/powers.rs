//! Attenuation: the powers that a run has of its worker's, and the kinds of them that a session has handed out.
//!
//! A worker's own runs have all. A turn may be given fewer, and what it leaves behind has no more: its call_outs, timers and
//! the callbacks of promises are marked with the number of what it was given, and no number ever leads to more than the
//! run has in which it is spoken. The judge is Rust, at the one door through which a heap acts; what lies in the heap is
//! the turn's to change.

use serde::{Deserialize, Serialize};

/// So many different ones may a session hand out.
const MOST: usize = 32;

/// What may be done beyond the heap. What is not named may not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Powers {
    /// The worker's own end, and that of its objects.
    pub destruct: bool,
    pub clone: bool,
    pub fetch: bool,
    /// The words of the objects that may be called.
    pub objects: Vec<String>,
}

impl Powers {
    fn within(&self, other: &Self) -> Self {
        Self {
            destruct: self.destruct && other.destruct,
            clone: self.clone && other.clone,
            fetch: self.fetch && other.fetch,
            objects: self.objects.iter().filter(|word| other.objects.contains(word)).cloned().collect(),
        }
    }
}

/// Which of them a run has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PowersTag(u32);

impl PowersTag {
    /// The worker's own.
    pub const ALL: Self = Self(0);
    /// None of them.
    const NOTHING: Self = Self(u32::MAX);

    pub(super) fn read(text: &str) -> Self {
        text.parse().map_or(Self::NOTHING, Self)
    }

    pub(super) fn written(self) -> Option<String> {
        (self != Self::ALL).then(|| self.0.to_string())
    }
}

/// What a heap wants done outside of it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Deed<'a> {
    Destruct,
    /// The node's own work has no object.
    Ask {
        object: &'a str,
        method: &'a str,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a session may hand out {MOST} different kinds of powers, and no more")]
pub struct TooManyPowers;

/// All kinds that turns were given, part of the worker's state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PowersTable {
    given: Vec<Powers>,
    /// No run has more from now on.
    floor: PowersTag,
}

impl PowersTable {
    /// The number of what a turn is given; with `lasting` nothing that runs from now on has more.
    pub(super) fn give(&mut self, powers: &Powers, lasting: bool) -> Result<PowersTag, TooManyPowers> {
        let tag = self.tag(powers).ok_or(TooManyPowers)?;
        if lasting {
            self.floor = self.both(self.floor, tag);
        }
        Ok(tag)
    }

    /// What a run has that was meant to have these.
    pub(super) fn left(&mut self, tag: PowersTag) -> PowersTag {
        self.both(self.floor, tag)
    }

    /// What both allow.
    pub(super) fn both(&mut self, one: PowersTag, other: PowersTag) -> PowersTag {
        if one == other || other == PowersTag::ALL {
            return one;
        }
        if one == PowersTag::ALL {
            return if self.get(other).is_some() { other } else { PowersTag::NOTHING };
        }
        let within = self.get(one).zip(self.get(other)).map(|(one, other)| one.within(other));
        within.and_then(|powers| self.tag(&powers)).unwrap_or(PowersTag::NOTHING)
    }

    /// Why this may not be done, in words for who tried.
    pub(super) fn judge(&self, tag: PowersTag, deed: Deed<'_>) -> Result<(), &'static str> {
        if tag == PowersTag::ALL {
            return Ok(());
        }
        let nothing = Powers::default();
        let powers = self.get(tag).unwrap_or(&nothing);
        let (may, why) = match deed {
            Deed::Destruct | Deed::Ask { method: "hauki.destruct", .. } if !powers.destruct => {
                (false, "this turn was not given the power to destruct")
            }
            Deed::Destruct => (true, ""),
            Deed::Ask { object: "", method: "fetch" } => {
                (powers.fetch, "this turn was not given the power to fetch")
            }
            Deed::Ask { object: "", .. } => (powers.clone, "this turn was not given the power to clone"),
            Deed::Ask { object, .. } => (
                powers.objects.iter().any(|word| word == object),
                "this turn was not given the power to call this object",
            ),
        };
        if may { Ok(()) } else { Err(why) }
    }

    fn get(&self, tag: PowersTag) -> Option<&Powers> {
        self.given.get((tag.0 as usize).checked_sub(1)?)
    }

    fn tag(&mut self, powers: &Powers) -> Option<PowersTag> {
        let known = self.given.iter().position(|given| given == powers);
        let index = known.or_else(|| {
            (self.given.len() < MOST).then(|| {
                self.given.push(powers.clone());
                self.given.len() - 1
            })
        })?;
        u32::try_from(index + 1).ok().map(PowersTag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(words: &[&str]) -> Powers {
        Powers { objects: words.iter().map(|word| (*word).to_owned()).collect(), ..Powers::default() }
    }

    #[test]
    fn no_number_leads_to_more_than_was_given() {
        let mut table = PowersTable::default();
        let ask = |object, method| Deed::Ask { object, method };
        let one = table.give(&Powers { fetch: true, ..objects(&["a", "b"]) }, false).expect("there is room");
        let other =
            table.give(&Powers { clone: true, ..objects(&["b", "c"]) }, false).expect("there is room");
        let both = table.both(one, other);
        for (tag, deed, may) in [
            (PowersTag::ALL, Deed::Destruct, true),
            (PowersTag::ALL, ask("a", "x"), true),
            (one, Deed::Destruct, false),
            (one, ask("a", "x"), true),
            (one, ask("a", "hauki.destruct"), false),
            (one, ask("c", "x"), false),
            (one, ask("", "fetch"), true),
            (one, ask("", "clone_object"), false),
            (other, ask("", "clone_object"), true),
            (both, ask("", "clone_object"), false),
            (both, ask("", "fetch"), false),
            (both, ask("a", "x"), false),
            (both, ask("b", "x"), true),
            (PowersTag::NOTHING, ask("b", "x"), false),
            (PowersTag(77), ask("b", "x"), false),
        ] {
            assert_eq!(table.judge(tag, deed).is_ok(), may, "{tag:?} {deed:?}");
        }
        // What nobody was given is nothing, and a run's own is not exchanged for it.
        for (meant, wanted) in [("0", one), ("1", one), ("99", PowersTag::NOTHING), ("x", PowersTag::NOTHING)]
        {
            assert_eq!(table.both(one, PowersTag::read(meant)), wanted, "{meant}");
        }
        assert_eq!(table.both(PowersTag::ALL, PowersTag::read("99")), PowersTag::NOTHING);
        assert_eq!(table.left(PowersTag::ALL), PowersTag::ALL);
        table.give(&objects(&["b"]), true).expect("there is room");
        let left = table.left(PowersTag::ALL);
        assert!(table.judge(left, ask("b", "x")).is_ok() && table.judge(left, ask("a", "x")).is_err());
    }

    #[test]
    fn there_is_an_end_to_the_kinds() {
        let mut table = PowersTable::default();
        for number in 0..MOST {
            table.give(&objects(&[&number.to_string()]), false).expect("there is room");
        }
        assert_eq!(table.give(&objects(&["more"]), true), Err(TooManyPowers));
        assert_eq!(table.left(PowersTag::ALL), PowersTag::ALL, "what was refused has bound nobody");
        table.give(&objects(&["7"]), false).expect("is known");
        let both = table.both(PowersTag(1), PowersTag(2));
        assert!(table.judge(both, Deed::Ask { object: "0", method: "x" }).is_err());
    }
}
