//! Evaluated text: a program that a worker is handed and evaluates, and its places in the errors of that worker.

use std::collections::BTreeSet;

use hauki_contract::rpc::channel::WorkerError;
use hauki_lang::arrow::{self, Rewritten};
use hauki_lang::directive;
use hauki_lang::position::Position;
use hauki_lang::source_map::SourceMap;

use super::PreparedSource;

/// As the engine calls a text that is no file.
const INPUT: &str = "<input>:";

/// The worker, which is handed the program. Without a value the list is empty.
const WORKER: &str = "\
var args;
function _hauki_told(value) { return value === undefined ? [] : [value]; }
function run(text, words) {
  args = words;
  var value = (0, eval)(text);
  if (typeof main === 'function') value = main.apply(null, words);
  return value && typeof value.then === 'function' ? value.then(_hauki_told) : _hauki_told(value);
}
";

/// The source of a worker whose `run` takes the program and its arguments, and answers with a list of its result, if
/// there is one. With the run-time, where the program needs it.
#[must_use]
pub fn evaluator(program: &PreparedSource) -> String {
    let directive = if program.compilation.is_some() { program.text.lines().next() } else { None };
    // A vault loads what of the run-time its source has the words of, and what is evaluated later it cannot know.
    directive.map_or_else(
        || WORKER.to_owned(),
        |directive| format!("{directive}\n{WORKER}// {}\n", names(&program.text)),
    )
}

/// What in a text could be a name, each once: letters, so that nothing else is said with them.
fn names(text: &str) -> String {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '$';
    let names: BTreeSet<&str> = text.split(|letter| !is_name(letter)).filter(|name| name.len() > 1).collect();
    names.into_iter().collect::<Vec<_>>().join(" ")
}

/// What the worker evaluates, and where its author wrote that.
pub struct EvaluatedText {
    pub text: String,
    file: String,
    map: SourceMap,
}

impl EvaluatedText {
    /// The engine rewrites no arrows in what is evaluated, so that is done here.
    #[must_use]
    pub fn new(prepared: PreparedSource, file: &str) -> Self {
        let (text, map) = if prepared.compilation.is_some() {
            let (text, map) = directive::parted(&prepared.text);
            (directive::blanked(text).into_owned(), map.map(SourceMap::encoded).unwrap_or_default())
        } else {
            let Rewritten { text, map } = arrow::rewrite(&prepared.text);
            (text.into_owned(), map)
        };
        Self { text, file: file.to_owned(), map }
    }

    /// The error as its author reads it: at his own places, and without those of whoever evaluated the text.
    #[must_use]
    pub fn place(&self, error: WorkerError) -> WorkerError {
        let mut stack = Vec::new();
        let mut first = None;
        for line in error.stack.as_deref().unwrap_or_default().lines() {
            let Some((before, rest)) = line.split_once(INPUT) else { continue };
            let (place, after) = rest.split_at(rest.find(')').unwrap_or(rest.len()));
            let Some(origin) = self.origin(place) else { continue };
            let function = before.replace("<eval>", "<program>");
            stack.push(format!("{function}{}:{}:{}{after}", self.file, origin.line, origin.column));
            first = first.or(Some(origin));
        }
        let Some(first) = first else { return WorkerError { stack: None, ..error } };
        let message = match error.message.rsplit_once(", at ") {
            Some((message, rest)) if rest.contains(" of the evaluated text") => message.to_owned(),
            _ => error.message,
        };
        WorkerError {
            message,
            file: Some(self.file.clone()),
            line: Some(first.line),
            column: Some(first.column),
            stack: Some(stack.join("\n")),
            ..error
        }
    }

    fn origin(&self, place: &str) -> Option<Position> {
        let (line, column) = place.split_once(':').unwrap_or((place, "1"));
        let place = Position { line: line.parse().ok()?, column: column.parse().ok()? };
        self.map.origin(place).map(|origin| origin.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hauki_contract::rpc::channel::WorkerErrorKind;

    #[test]
    fn an_error_of_evaluated_text_stands_where_it_was_written() {
        let text = "var a;\na->b(); a.c()".to_owned();
        let prepared = PreparedSource { text, compilation: None, warnings: Vec::new(), compiled_us: 0 };
        let evaluated = EvaluatedText::new(prepared, "x.js");
        let column = evaluated.text.lines().nth(1).and_then(|line| line.find("a.c")).expect("is there") + 1;
        let error = WorkerError {
            kind: WorkerErrorKind::Throw,
            message: format!("TypeError: cannot read, at 2:{column} of the evaluated text"),
            file: Some("run.js".into()),
            line: Some(3),
            column: Some(7),
            stack: Some(format!(
                "    at <eval> (<input>:2:{column})\n    at eval (native)\n    at run (run.js:3:7)"
            )),
        };
        let placed = evaluated.place(error.clone());
        assert_eq!(placed.message, "TypeError: cannot read");
        assert_eq!((placed.file.as_deref(), placed.line, placed.column), (Some("x.js"), Some(2), Some(9)));
        assert_eq!(placed.stack.as_deref(), Some("    at <program> (x.js:2:9)"));
        for stack in [None, Some("<input>:"), Some("<input>:x:y)"), Some("at (<input>:4294967296:1)")] {
            let stack = stack.map(str::to_owned);
            let placed = evaluated.place(WorkerError { stack, ..error.clone() });
            assert_eq!((placed.stack, placed.line), (None, Some(3)));
        }
    }
}
