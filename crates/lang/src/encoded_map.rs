//! Source map of revision 3: the map that a compiler wrote, kept as it was encoded and read when an error wants a place.
//!
//! Its rows are differences to the row before, so what is wanted is found by reading from the start; an error is rare,
//! and a decoded map would be many times as long. Whoever wrote it may be hostile: what cannot be read has no origin,
//! numbers stay in their bounds, and one pass over the text is all that it costs.

use hauki_contract::strict::{DocumentLimits, tolerant_reader};
use serde::{Deserialize, Serialize};

use super::position::Position;

/// Names of sources beyond this are not kept.
const MOST_SOURCES: usize = 4096;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EncodedMap {
    sources: Vec<String>,
    mappings: String,
}

/// A source by its number, and a place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Segment {
    source: usize,
    place: Position,
}

/// The numbers that go on from row to row: source, line and column there.
#[derive(Default)]
struct SegmentSums([i64; 3]);

impl EncodedMap {
    /// Reads the JSON of a map, whose `version` must be 3.
    pub(super) fn read(json: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct RawMap {
            version: u32,
            sources: Vec<Option<String>>,
            mappings: String,
        }
        let raw: RawMap = tolerant_reader::fields(json, DocumentLimits::MESSAGE).ok()?;
        let sources = raw.sources.into_iter().take(MOST_SOURCES).map(Option::unwrap_or_default).collect();
        (raw.version == 3).then_some(Self { sources, mappings: raw.mappings })
    }

    /// The place in the author's text, and the name of that text where there are several.
    pub(super) fn origin(&self, place: Position) -> Option<(Option<&str>, Position)> {
        let Segment { source, place } = self.segment(place)?;
        let name = self.sources.get(source)?;
        Some(((self.sources.len() > 1).then_some(name), place))
    }

    /// The nearest row before a place on its line.
    fn segment(&self, wanted: Position) -> Option<Segment> {
        let mut running = SegmentSums::default();
        let mut found = None;
        for (index, line) in self.mappings.split(';').enumerate() {
            let number = u32::try_from(index).ok()?.checked_add(1)?;
            if number > wanted.line {
                break;
            }
            let mut column = 0;
            for row in line.split(',').filter(|row| !row.is_empty()) {
                let mut numbers = VlqNumbers(row.bytes());
                column += numbers.next()??;
                let from = running.read(&mut numbers)?;
                if number == wanted.line && column < i64::from(wanted.column) {
                    found = from.or(found);
                }
            }
        }
        found
    }
}

impl SegmentSums {
    /// The rest of a row. The outer `None` is a row that cannot be read, the inner one a row without an origin.
    fn read(&mut self, numbers: &mut VlqNumbers<'_>) -> Option<Option<Segment>> {
        for (index, running) in self.0.iter_mut().enumerate() {
            let Some(difference) = numbers.next() else {
                return (index == 0).then_some(None);
            };
            *running = running.checked_add(difference?)?;
        }
        let [source, line, column] = self.0;
        let one_more = |number: i64| u32::try_from(number.checked_add(1)?).ok().filter(|number| *number > 0);
        let place = one_more(line).zip(one_more(column)).map(|(line, column)| Position { line, column });
        Some(usize::try_from(source).ok().zip(place).map(|(source, place)| Segment { source, place }))
    }
}

/// VlqNumbers of base 64 with their sign in the lowest bit. An item is `None` where the text is none.
struct VlqNumbers<'a>(std::str::Bytes<'a>);

impl Iterator for VlqNumbers<'_> {
    type Item = Option<i64>;

    fn next(&mut self) -> Option<Self::Item> {
        let (mut value, mut shift) = (0_i64, 0);
        loop {
            let Some(letter) = self.0.next() else { return (shift > 0).then_some(None) };
            let Some(digit) = digit(letter).filter(|_| shift <= 30) else { return Some(None) };
            value |= i64::from(digit & 31) << shift;
            shift += 5;
            if digit & 32 == 0 {
                break;
            }
        }
        Some(Some(if value & 1 == 1 { -(value >> 1) } else { value >> 1 }))
    }
}

fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn map(sources: &str, mappings: &str) -> EncodedMap {
        let json = format!(r#"{{"version":3,"sources":{sources},"names":[],"mappings":"{mappings}"}}"#);
        EncodedMap::read(&json).expect("is a map")
    }

    fn at(line: u32, column: u32) -> Position {
        Position { line, column }
    }

    #[test]
    fn the_nearest_row_before_a_place_on_its_line_holds() {
        // Line 2: column 1 is a:1:1, column 5 is a:3:3; line 4: column 3 is a:2:1, and from column 5 on nothing.
        let one = map(r#"["a.ts"]"#, ";AAAA,IAEE;;EADF,E");
        for (place, wanted) in [
            (at(1, 1), None),
            (at(2, 1), Some(at(1, 1))),
            (at(2, 4), Some(at(1, 1))),
            (at(2, 5), Some(at(3, 3))),
            (at(2, 999), Some(at(3, 3))),
            (at(3, 1), None),
            (at(4, 2), None),
            (at(4, 3), Some(at(2, 1))),
            (at(4, 99), Some(at(2, 1))),
            (at(5, 1), None),
            (at(u32::MAX, u32::MAX), None),
            (at(0, 0), None),
        ] {
            assert_eq!(one.origin(place), wanted.map(|place| (None, place)), "{place:?}");
        }
    }

    #[test]
    fn of_several_sources_the_one_is_named() {
        let two = map(r#"["a.ts","lib/b.ts"]"#, "AAAA;ACCA,GDDA;AEAA");
        assert_eq!(two.origin(at(1, 1)), Some((Some("a.ts"), at(1, 1))));
        assert_eq!(two.origin(at(2, 1)), Some((Some("lib/b.ts"), at(2, 1))));
        assert_eq!(two.origin(at(2, 4)), Some((Some("a.ts"), at(1, 1))));
        assert_eq!(two.origin(at(3, 1)), None, "there is no third source");
    }

    #[test]
    fn what_is_no_map_has_no_origin_and_breaks_nothing() {
        for json in ["", "{}", "null", "[]", r#"{"version":2,"sources":[],"mappings":""}"#, "{\"version\":3}"]
        {
            assert_eq!(EncodedMap::read(json), None, "{json}");
        }
        for mappings in
            ["A*AA", "AA", "AAA", "g", "AAAg", "gggggggggggggggA", "ggggggg////AAA", "AADA", "ADAA", "ä"]
        {
            assert_eq!(map("[\"a\"]", mappings).origin(at(1, 1)), None, "{mappings}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(mappings in "[A-Za-z0-9+/,;]{0,200}", line in 0_u32..6, column: u32) {
            let _ = map(r#"["a","b"]"#, &mappings).origin(at(line, column));
        }

        #[test]
        fn no_json_makes_it_panic(json in any::<String>()) {
            let _ = EncodedMap::read(&json);
        }
    }
}
