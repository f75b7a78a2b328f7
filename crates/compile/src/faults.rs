//! Fault list: all that is wrong with one source, by the byte where it stands.

use std::collections::BTreeMap;

use hauki_contract::rpc::compile::{MOST_FAULTS, SourceFault};
use hauki_lang::position::Position;
use swc_common::{BytePos, Span};

use super::graph::PlacedText;

/// Where the text of the first source begins for swc, which keeps zero for what stands nowhere.
pub(crate) const FIRST: u32 = 1;

/// What is wrong at one byte. Who speaks first about a byte is believed: the others mean the same, or what follows.
#[derive(Default)]
pub(crate) struct FaultList {
    found: BTreeMap<usize, (String, Option<String>)>,
}

impl FaultList {
    pub(crate) fn add(&mut self, at: Span, message: impl Into<String>, instead: &str) {
        self.add_at(byte(at.lo), message, instead);
    }

    /// An empty `instead` is none.
    pub(crate) fn add_at(&mut self, at: usize, message: impl Into<String>, instead: &str) {
        let instead = (!instead.is_empty()).then(|| instead.to_owned());
        self.found.entry(at).or_insert_with(|| (message.into(), instead));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(crate) fn count(&self) -> usize {
        self.found.len()
    }

    /// In the order of the texts, as many as are told. What is wrong in another one than the first is told with its file,
    /// and at the beginning of the first.
    pub(crate) fn told(self, texts: &[PlacedText]) -> Vec<SourceFault> {
        let Some(first) = texts.first() else { return Vec::new() };
        let (mut read, mut place) = (0, Position::START);
        let told = self.found.into_iter().take(MOST_FAULTS).map(|(at, (message, instead))| {
            let within = |text: &PlacedText| {
                let at = at.saturating_sub((text.start - FIRST) as usize).min(text.text.len());
                text.text.floor_char_boundary(at)
            };
            let number = texts.partition_point(|text| (text.start - FIRST) as usize <= at).saturating_sub(1);
            if number > 0 {
                let Position { line, column } = Position::of(&texts[number].text, within(&texts[number]));
                let message = format!("{}:{line}:{column}: {message}", texts[number].name);
                return SourceFault { message, instead, line: 1, column: 1 };
            }
            let at = within(first);
            place = place.after(&first.text[read..at]);
            read = at;
            SourceFault { message, instead, line: place.line, column: place.column }
        });
        told.collect()
    }
}

/// The byte of the text that swc means.
pub(crate) fn byte(at: BytePos) -> usize {
    at.0.saturating_sub(FIRST) as usize
}
