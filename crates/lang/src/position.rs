//! Source position: where something stands in a text, as people and the engine count: lines and columns from one,
//! columns in characters, lines ended by `\n` alone.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}

impl Position {
    pub const START: Self = Self { line: 1, column: 1 };

    /// The place of a byte of `text`.
    #[must_use]
    pub fn of(text: &str, offset: usize) -> Self {
        Self::START.after(&text[..offset])
    }

    /// Where one stands after reading `text` from here on.
    #[must_use]
    pub fn after(self, text: &str) -> Self {
        let Some(last) = text.rfind('\n') else {
            return Self { column: self.column + characters(text), ..self };
        };
        let lines = text.bytes().filter(|byte| *byte == b'\n').count() as u32;
        Self { line: self.line + lines, column: 1 + characters(&text[last + 1..]) }
    }

    /// The byte of `text` that stands here; a place beyond its line is the line's end.
    #[must_use]
    pub fn offset(self, text: &str) -> usize {
        let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        let start = std::iter::once(0).chain(breaks).nth(self.line.saturating_sub(1) as usize);
        let start = start.unwrap_or(text.len());
        let line = text[start..].split('\n').next().unwrap_or_default();
        let within = line.char_indices().nth(self.column.saturating_sub(1) as usize);
        start + within.map_or(line.len(), |(at, _)| at)
    }
}

/// Every byte that does not continue a character begins one.
fn characters(text: &str) -> u32 {
    text.bytes().filter(|byte| byte & 0xc0 != 0x80).count() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters_and_come_back_as_offsets() {
        let text = "ä b\n\r\n  😀 c";
        for (letter, line, column) in [('ä', 1, 1), ('b', 1, 3), ('\r', 2, 1), ('😀', 3, 3), ('c', 3, 5)] {
            let offset = text.find(letter).expect("is there");
            let place = Position { line, column };
            assert_eq!(Position::of(text, offset), place, "{letter}");
            assert_eq!(place.offset(text), offset, "{letter}");
        }
        assert_eq!(Position::of(text, text.len()), Position { line: 3, column: 6 });
        assert_eq!(Position { line: 1, column: 99 }.offset(text), 4);
        assert_eq!(Position { line: 99, column: 1 }.offset(text), text.len());
    }
}
