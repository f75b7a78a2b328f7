//! Source map: from a place in the text that the engine sees to the author's.
//!
//! The rewriter of arrows never moves a line break, so only places on lines that it changed need a row, and a row holds
//! for what follows it on its line. A compiler's map is another ([`encoded_map`](super::encoded_map)): it may lead to
//! other lines and files.

use serde::{Deserialize, Serialize};

use super::encoded_map::EncodedMap;
use super::position::Position;

/// What stands at `at` in the rewritten text stands at `from` in the author's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Row {
    at: Position,
    from: Position,
}

/// Where each piece of a text came from. Part of a worker's state, which travels as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SourceMap {
    pieces: MapPieces,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum MapPieces {
    Rows(Vec<Row>),
    Encoded(EncodedMap),
}

/// A place in a text of the author's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MapOrigin<'a> {
    /// Absent where there is only one text.
    pub file: Option<&'a str>,
    pub place: Position,
}

impl Default for SourceMap {
    fn default() -> Self {
        Self { pieces: MapPieces::Rows(Vec::new()) }
    }
}

impl SourceMap {
    /// The map of a compiled text, from its JSON. What is none leads nowhere.
    #[must_use]
    pub fn encoded(json: &str) -> Self {
        Self { pieces: MapPieces::Encoded(EncodedMap::read(json).unwrap_or_default()) }
    }

    /// The author's place; a compiler adds text that has none.
    #[must_use]
    pub fn origin(&self, place: Position) -> Option<MapOrigin<'_>> {
        let rows = match &self.pieces {
            MapPieces::Rows(rows) => rows,
            MapPieces::Encoded(map) => {
                return map.origin(place).map(|(file, place)| MapOrigin { file, place });
            }
        };
        let after = rows.partition_point(|row| row.at <= place);
        let place = match after.checked_sub(1).map(|index| rows[index]) {
            Some(row) if row.at.line == place.line => {
                Position { column: row.from.column + (place.column - row.at.column), ..row.from }
            }
            _ => place,
        };
        Some(MapOrigin { file: None, place })
    }

    /// Adds a row behind the others; its number is for [`SourceMap::set`].
    pub(super) fn push(&mut self, at: Position, from: Position) -> usize {
        let MapPieces::Rows(rows) = &mut self.pieces else { return 0 };
        rows.push(Row { at, from });
        rows.len() - 1
    }

    /// Completes a row whose origin was not known yet.
    pub(super) fn set(&mut self, row: usize, from: Position) {
        if let MapPieces::Rows(rows) = &mut self.pieces {
            rows[row].from = from;
        }
    }
}
