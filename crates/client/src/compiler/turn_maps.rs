//! Turn maps: where the author wrote what a worker evaluated in its last turns, for the places in errors.
//!
//! A worker names a turn `t` and its number and knows nothing of its author's text. Who sends turns keeps the maps of the
//! last ones, few and bounded: what an older turn has left behind keeps its place in the compiled text.

use std::borrow::Cow;
use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::PreparedSource;
use hauki_contract::rpc::channel::WorkerError;
use hauki_lang::arrow::{self, Rewritten};
use hauki_lang::directive;
use hauki_lang::position::Position;
use hauki_lang::source_map::SourceMap;

/// So many turns are remembered, and their maps have so many bytes together.
const MOST_TURNS: usize = 32;
const MOST_BYTES: usize = 2 * 1024 * 1024;

/// A turn on its way: what is sent, and what is kept.
pub struct TurnText {
    pub text: String,
    file: String,
    map: SourceMap,
}

impl TurnText {
    /// The engine rewrites no arrows in a turn, so that is done here; of a compiled text the map stays.
    #[must_use]
    pub fn new(prepared: PreparedSource, file: &str) -> Self {
        let file = file.to_owned();
        if prepared.compilation.is_some() {
            let (text, map) = directive::parted(&prepared.text);
            let map = map.map(SourceMap::encoded).unwrap_or_default();
            return Self { text: text.to_owned(), file, map };
        }
        let Rewritten { text, map } = arrow::rewrite(&prepared.text);
        Self { text: text.into_owned(), file, map }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptTurn {
    turn: u64,
    file: String,
    map: SourceMap,
    bytes: usize,
}

/// The last turns of one worker, the oldest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TurnMaps(VecDeque<KeptTurn>);

impl TurnMaps {
    /// Remembers a turn under the number that the worker has given it. One that is too long alone is not kept.
    pub fn keep(&mut self, turn: u64, text: &TurnText) {
        let (file, map) = (text.file.clone(), text.map.clone());
        let bytes = serde_json::to_vec(&map).map_or(MOST_BYTES, |json| json.len()) + file.len();
        self.0.retain(|kept| kept.turn != turn);
        self.0.push_back(KeptTurn { turn, file, map, bytes });
        self.shrink();
    }

    /// Adds what another has.
    pub fn join(&mut self, other: &Self) {
        for one in &other.0 {
            self.0.retain(|kept| kept.turn != one.turn);
            self.0.push_back(one.clone());
        }
        self.0.make_contiguous().sort_unstable_by_key(|kept| kept.turn);
        self.shrink();
    }

    fn shrink(&mut self) {
        while self.0.len() > MOST_TURNS || self.bytes() > MOST_BYTES {
            self.0.pop_front();
        }
    }

    fn bytes(&self) -> usize {
        self.0.iter().map(|kept| kept.bytes).sum()
    }

    /// The number of the turn that an error is of.
    #[must_use]
    pub fn turn_of(error: &WorkerError) -> Option<u64> {
        error.file.as_deref()?.strip_prefix('t')?.parse().ok()
    }

    /// The error as its author reads it.
    #[must_use]
    pub fn place(&self, error: WorkerError) -> WorkerError {
        let stack = error.stack.as_deref().map(|stack| self.placed(stack).into_owned());
        let line = error.line.unwrap_or(1);
        let place = Self::turn_of(&error)
            .and_then(|turn| self.origin(turn, Position { line, column: error.column.unwrap_or(1) }));
        let Some((file, place)) = place else { return WorkerError { stack, ..error } };
        let known = error.line.is_some();
        WorkerError {
            file: Some(file),
            line: known.then_some(place.line),
            column: error.column.filter(|_| known).map(|_| place.column),
            stack,
            ..error
        }
    }

    /// Text with places of turns in brackets, as stacks and lines of the log have them, with the author's.
    #[must_use]
    pub fn placed<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !text.contains("(t") {
            return Cow::Borrowed(text);
        }
        let lines = text.split('\n').map(|line| self.line(line).map_or(Cow::Borrowed(line), Cow::Owned));
        Cow::Owned(lines.collect::<Vec<_>>().join("\n"))
    }

    fn line(&self, line: &str) -> Option<String> {
        let (before, rest) = line.rsplit_once("(t")?;
        let (place, after) = rest.split_once(')')?;
        let mut numbers = place.split(':');
        let turn = numbers.next()?.parse().ok()?;
        let (line, column) = (numbers.next()?.parse().ok()?, numbers.next().unwrap_or("1").parse().ok()?);
        let (file, Position { line, column }) = self.origin(turn, Position { line, column })?;
        let before = before.replace("<eval>", "<turn>");
        Some(format!("{before}({file}:{line}:{column}){after}"))
    }

    fn origin(&self, turn: u64, place: Position) -> Option<(String, Position)> {
        let kept = self.0.iter().find(|kept| kept.turn == turn)?;
        let origin = kept.map.origin(place)?;
        Some((origin.file.unwrap_or(&kept.file).to_owned(), origin.place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hauki_contract::rpc::channel::WorkerErrorKind;

    fn turn(text: &str, file: &str) -> TurnText {
        let (text, warnings) = (text.to_owned(), Vec::new());
        TurnText::new(PreparedSource { text, compilation: None, warnings, compiled_us: 0 }, file)
    }

    #[test]
    fn an_error_stands_where_its_author_wrote_it() {
        let mut maps = TurnMaps::default();
        let text = turn("var a;\na->b(); a.c()", "x.js");
        let column = text.text.lines().nth(1).and_then(|line| line.find("a.c")).expect("is there") + 1;
        maps.keep(1, &text);
        maps.keep(2, &turn("bad()", "y.js"));
        let error = WorkerError {
            kind: WorkerErrorKind::Throw,
            message: "TypeError".into(),
            file: Some("t1".into()),
            line: Some(2),
            column: Some(u32::try_from(column).expect("is short")),
            stack: Some(format!(
                "    at bad (t1:2:{column})\n    at own (w.js:1:2)\n    at <eval> (t2:1:1)\n    at f (t9:1:1)"
            )),
        };
        assert_eq!(TurnMaps::turn_of(&error), Some(1));
        let placed = maps.place(error.clone());
        assert_eq!((placed.file.as_deref(), placed.line, placed.column), (Some("x.js"), Some(2), Some(9)));
        let stack =
            "    at bad (x.js:2:9)\n    at own (w.js:1:2)\n    at <turn> (y.js:1:1)\n    at f (t9:1:1)";
        assert_eq!(placed.stack.as_deref(), Some(stack));
        // What nobody has a map of stays as it is, and so does what a worker makes up.
        for file in ["t9", "t", "tx", "t99999999999999999999", "w.js"] {
            let other = WorkerError { file: Some(file.into()), stack: None, ..error.clone() };
            assert_eq!(maps.place(other.clone()), other);
        }
        for odd in ["(t", "(t1", "(t1)", "(t1:x)", "(t1:4294967296:1)", "(t:1:1)", "(tä:1)"] {
            assert_eq!(maps.placed(odd), odd);
        }
        let again: TurnMaps =
            serde_json::from_str(&serde_json::to_string(&maps).expect("writes")).expect("reads");
        assert_eq!(again.place(error).line, Some(2));
    }

    #[test]
    fn few_turns_are_kept_and_no_more_bytes_than_that() {
        let mut maps = TurnMaps::default();
        let small = turn("f()", "s.js");
        for number in 1..=1000 {
            maps.keep(number, &small);
        }
        assert_eq!(maps.0.len(), MOST_TURNS);
        assert!(maps.origin(1, Position { line: 1, column: 1 }).is_none());
        assert!(maps.origin(1000, Position { line: 1, column: 1 }).is_some());
        let large = turn(&"a->b();".repeat(20_000), "l.js");
        for number in 2000..2005 {
            maps.keep(number, &large);
            assert!(maps.bytes() <= MOST_BYTES);
        }
    }
}
