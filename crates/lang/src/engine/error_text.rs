//! Error text: from the engine's text of an error to a [`WorkerError`].
//!
//! The engine's stacks are cut to 127 bytes, ten frames at most, in its own code where nothing of ours
//! can help it; so sources are evaluated under one-letter names, which
//! leaves room for the frames; the author's file name is put in here.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::position::Position;
use crate::source_map::{MapOrigin, SourceMap};
use crate::unsupported;
use hauki_contract::rpc::channel::{WorkerError, WorkerErrorKind};

use super::ffi::Context;

/// The name under which the engine knows the worker's source; the prelude is "h" (build.rs).
pub(super) const WORKER: &std::ffi::CStr = c"w";

/// What the name of a turn begins with, before its number.
const TURN: char = 't';

/// The name of a turn in the places of errors: short, for the engine's stacks are.
pub(super) fn turn_name(number: u64) -> String {
    format!("{TURN}{number}")
}

/// One line of a stack: `    at scan (w:3:11)` or, for a syntax error, `    at w:3:11`.
struct Frame<'a> {
    function: &'a str,
    place: &'a str,
}

impl<'a> Frame<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let rest = line.strip_prefix("    at ")?;
        match rest.strip_suffix(')').and_then(|rest| rest.rsplit_once(" (")) {
            Some((function, place)) => Some(Self { function, place }),
            None => Some(Self { function: "", place: rest }),
        }
    }

    fn is_workers(&self) -> bool {
        self.place == "w" || self.place.starts_with("w:")
    }

    /// The turn that it belongs to. Nobody here knows its author's text.
    fn turn(&self) -> Option<&'a str> {
        let name = self.place.split(':').next()?;
        let number = name.strip_prefix(TURN)?;
        (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(name)
    }

    /// Whether it is in a text that the worker was made of.
    fn is_authors(&self) -> bool {
        self.is_workers() || self.turn().is_some()
    }

    fn is_preludes(&self) -> bool {
        self.place == "h" || self.place.starts_with("h:")
    }

    /// Line and column in the engine's text. The engine knows none for a frame that was interrupted in
    /// an empty loop, and for some the line alone.
    fn seen(&self) -> Option<(u32, Option<u32>)> {
        let (_, numbers) = self.place.split_once(':')?;
        let (line, column) = numbers.split_once(':').unwrap_or((numbers, ""));
        Some((line.parse().ok()?, column.parse().ok()))
    }

    /// The same in the author's text.
    fn position<'m>(&self, map: &'m SourceMap) -> Option<FramePlace<'m>>
    where
        'a: 'm,
    {
        let (line, column) = self.seen()?;
        if let Some(turn) = self.turn() {
            return Some(FramePlace { file: Some(turn), line, column });
        }
        let seen = Position { line, column: column.unwrap_or(1) };
        let MapOrigin { file, place } = map.origin(seen)?;
        Some(FramePlace { file, line: place.line, column: column.map(|_| place.column) })
    }
}

/// Where a frame stands, in the file of that name or in the only one.
struct FramePlace<'m> {
    file: Option<&'m str>,
    line: u32,
    column: Option<u32>,
}

/// The engine's text of an error: what `toString` said, and the lines of the stack at its end.
pub(super) struct ErrorText<'a> {
    message: &'a str,
    frames: Vec<Frame<'a>>,
}

impl<'a> ErrorText<'a> {
    pub(super) fn read(text: &'a str) -> Self {
        let mut frames = Vec::new();
        let mut message = text.trim_end_matches('\n');
        loop {
            let (before, last) = message.rsplit_once('\n').unwrap_or(("", message));
            let Some(frame) = Frame::read(last) else { break };
            frames.push(frame);
            message = before;
        }
        frames.reverse();
        Self { message, frames }
    }

    /// Of an interrupted loop the engine knows the place of the first expression inside; where there is
    /// none it says the first letter of the file, which is no answer.
    pub(super) fn interrupted(mut self) -> Self {
        if let Some(frame) = self.frames.first_mut().filter(|frame| frame.is_authors())
            && let Some(name) = frame.place.strip_suffix(":1:1")
        {
            frame.place = name;
        }
        self
    }

    /// Whether the program's own text failed, and not what it called or evaluated.
    pub(super) fn is_direct(&self) -> bool {
        self.frames.first().is_some_and(Frame::is_workers)
    }

    /// The place of the worker's innermost frame in the text that the engine has seen.
    pub(super) fn seen_at(&self) -> Option<Position> {
        let (line, column) = self.frames.iter().find(|frame| frame.is_workers())?.seen()?;
        Some(Position { line, column: column? })
    }

    /// Whether it was read as JSON.
    fn is_json(&self) -> bool {
        self.frames.get(1).is_some_and(|frame| (frame.function, frame.place) == ("parse", "native"))
    }

    /// Line and column in a text that the program evaluated, where the error is in there.
    fn evaluated(&self) -> Option<&'a str> {
        self.frames.first()?.place.strip_prefix("<input>:")
    }

    pub(super) fn message(&self) -> &'a str {
        self.message
    }

    /// Whether the heap was full. The engine throws `null` when not even the error fits.
    pub(super) fn is_memory(&self) -> bool {
        matches!(
            self.message,
            "InternalError: out of memory" | "SyntaxError: not enough memory" | "null" | ""
        )
    }

    /// Whether the engine itself called the recursion too deep.
    fn is_native_stack(&self) -> bool {
        matches!(self.message, "InternalError: C stack overflow" | "SyntaxError: stack overflow")
    }

    /// Whether a function stands on the stack more than once.
    fn recurses(&self) -> bool {
        let names: Vec<_> =
            self.frames.iter().filter(|frame| frame.is_authors()).map(|frame| frame.function).collect();
        names.iter().enumerate().any(|(index, name)| names[..index].contains(name))
    }

    /// The function of the worker that was running.
    pub(super) fn function(&self) -> Option<&'a str> {
        let innermost = self.frames.iter().find(|frame| frame.is_authors())?;
        (!matches!(innermost.function, "" | "<anonymous>" | "<eval>")).then_some(innermost.function)
    }

    /// What kind of failure it was, and better words for it than the engine's. `thrown` is the text of a
    /// value that is no Error.
    pub(super) fn judge(&self, context: &Context, thrown: Option<&str>) -> (WorkerErrorKind, Option<String>) {
        let full = self.is_memory() && thrown.is_none();
        // The engine's stack grows towards its heap and meets it with the same error as a full heap. If the
        // heap was mostly free at the last collection and a function is on the stack twice, it was the stack.
        let deep = || self.recurses() && context.occupied_bytes() < context.heap_bytes() / 2;
        if self.is_native_stack() || full && deep() {
            (WorkerErrorKind::Stack, Some("the recursion is too deep".to_owned()))
        } else if full {
            let limit = context.heap_bytes();
            (WorkerErrorKind::Memory, Some(format!("the heap of {limit} bytes is full")))
        } else {
            let words = thrown.map(|value| format!("thrown: {value}"));
            (WorkerErrorKind::Throw, words.or_else(|| absence(self.message)))
        }
    }

    /// The place is the worker's innermost frame; no other frame's line is the line of the error.
    pub(super) fn into_error(
        self,
        kind: WorkerErrorKind,
        message: Option<String>,
        file: &str,
        map: &SourceMap,
    ) -> WorkerError {
        let innermost = self.frames.iter().find(|frame| frame.is_authors());
        let place = innermost.and_then(|frame| frame.position(map));
        let stack = self.stack(file, map);
        let mut message = message.unwrap_or_else(|| self.message.to_owned());
        if let Some(inner) = self.evaluated() {
            // The place below is that of `eval`, `Function` or `JSON.parse`, whose text is no file.
            let text = if self.is_json() { "text" } else { "evaluated text" };
            let _ = write!(message, ", at {inner} of the {text}");
            if self.message.starts_with("SyntaxError") && !self.is_json() {
                message.push_str("; it is read as ES5, without an arrow `->`");
            }
        }
        WorkerError {
            kind,
            message,
            file: Some(place.as_ref().and_then(|place| place.file).unwrap_or(file).to_owned()),
            line: place.as_ref().map(|place| place.line),
            column: place.and_then(|place| place.column),
            stack: (!stack.is_empty()).then_some(stack),
        }
    }

    /// The stack under the author's file name and without the dispatcher's frames: where the prelude
    /// called is nothing to the author.
    fn stack(&self, file: &str, map: &SourceMap) -> String {
        let last = self.frames.iter().rposition(Frame::is_authors);
        let shown = &self.frames[..last.map_or(0, |last| last + 1)];
        let lines = shown.iter().filter(|frame| !frame.is_preludes()).map(|frame| {
            let place = if frame.is_workers() {
                written(frame.position(map).as_ref(), file)
            } else {
                frame.place.to_owned()
            };
            if frame.function.is_empty() {
                format!("    at {place}")
            } else {
                format!("    at {} ({place})", frame.function)
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// Text with the author's places in the lines of its stacks, and without the prelude's.
pub(super) fn placed<'t>(text: &'t str, file: &str, map: &SourceMap) -> Cow<'t, str> {
    if !text.contains("    at ") {
        return Cow::Borrowed(text);
    }
    let lines = text.split('\n').filter_map(|line| {
        let Some(frame) = Frame::read(line) else { return Some(Cow::Borrowed(line)) };
        if frame.is_preludes() {
            return None;
        }
        if !frame.is_workers() {
            return Some(Cow::Borrowed(line));
        }
        let place = written(frame.position(map).as_ref(), file);
        Some(Cow::Owned(match frame.function {
            "" => format!("    at {place}"),
            function => format!("    at {function} ({place})"),
        }))
    });
    Cow::Owned(lines.collect::<Vec<_>>().join("\n"))
}

/// As stacks have it.
fn written(place: Option<&FramePlace<'_>>, file: &str) -> String {
    let Some(place) = place else { return file.to_owned() };
    let (file, line) = (place.file.unwrap_or(file), place.line);
    match place.column {
        Some(column) => format!("{file}:{line}:{column}"),
        None => format!("{file}:{line}"),
    }
}

/// Adds to "X is not defined" what a program does without X.
fn absence(message: &str) -> Option<String> {
    let name = message.strip_prefix("ReferenceError: variable '")?.strip_suffix("' is not defined")?;
    let instead = unsupported::absent_global(name)?;
    Some(format!("{message}; MicroQuickJS does not have it: {instead}"))
}

/// An error of this side, without a place in the source.
pub(super) fn plain(kind: WorkerErrorKind, message: String) -> WorkerError {
    WorkerError { kind, message, file: None, line: None, column: None, stack: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_parted_from_a_message_of_several_lines() {
        let text = "Error: first\nsecond\n    at get (h:3:4)\n    at f (w:3:7)\n    at apply (native)\n    at run (h:1:2)\n";
        let error =
            ErrorText::read(text).into_error(WorkerErrorKind::Throw, None, "a/b.js", &SourceMap::default());
        assert_eq!(error.message, "Error: first\nsecond");
        assert_eq!((error.line, error.column), (Some(3), Some(7)));
        assert_eq!(error.stack.as_deref(), Some("    at f (a/b.js:3:7)"));
    }

    #[test]
    fn an_error_in_evaluated_text_tells_its_place_there() {
        let text = "SyntaxError: unexpected\n    at <input>:2:5\n    at eval (native)\n    at ev (w:1:33)\n";
        let error =
            ErrorText::read(text).into_error(WorkerErrorKind::Throw, None, "w.js", &SourceMap::default());
        assert!(
            error.message.starts_with("SyntaxError: unexpected, at 2:5 of the evaluated text; "),
            "{error:?}"
        );
        assert_eq!((error.line, error.column), (Some(1), Some(33)));
    }

    #[test]
    fn what_is_no_json_is_not_told_about_programs() {
        let text =
            "SyntaxError: expecting '\"'\n    at <input>:1:2\n    at parse (native)\n    at f (w:1:33)\n";
        let error =
            ErrorText::read(text).into_error(WorkerErrorKind::Throw, None, "w.js", &SourceMap::default());
        assert_eq!(error.message, "SyntaxError: expecting '\"', at 1:2 of the text");
    }

    #[test]
    fn rubbish_is_a_message() {
        for text in ["", "\n", "    at ", "x", "    at f (w:99999999999:1)", "    at f (w:)"] {
            let _ =
                ErrorText::read(text).into_error(WorkerErrorKind::Throw, None, "f", &SourceMap::default());
        }
    }
}
