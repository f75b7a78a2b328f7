//! Source map: from a place in the rewritten text to the author's.
//!
//! The rewriter never moves a line break, so only places on lines that it changed need a row, and a
//! row holds for what follows it on its line.

use serde::{Deserialize, Serialize};

use super::position::Position;

/// What stands at `at` in the rewritten text stands at `from` in the author's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Row {
    at: Position,
    from: Position,
}

/// Where each piece of a rewritten text came from. Part of a worker's state, which travels as JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SourceMap {
    rows: Vec<Row>,
}

impl SourceMap {
    /// The author's place.
    #[must_use]
    pub fn origin(&self, place: Position) -> Position {
        let after = self.rows.partition_point(|row| row.at <= place);
        match after.checked_sub(1).map(|index| self.rows[index]) {
            Some(row) if row.at.line == place.line => {
                Position { column: row.from.column + (place.column - row.at.column), ..row.from }
            }
            _ => place,
        }
    }

    /// Adds a row behind the others; its number is for [`SourceMap::set`].
    pub(super) fn push(&mut self, at: Position, from: Position) -> usize {
        self.rows.push(Row { at, from });
        self.rows.len() - 1
    }

    /// Completes a row whose origin was not known yet.
    pub(super) fn set(&mut self, row: usize, from: Position) {
        self.rows[row].from = from;
    }
}
