//! Diagnostics of a source: what the engine or the compiler has against it, with the author's line and a caret below.

use serde_json::json;

use super::context::Ctx;
use super::error::CliError;
use super::sanitize;
use crate::client::compiler::{CompileError, ToolchainError};
use crate::client::runner::CheckError;
use crate::client::script::{ScriptFailure, as_thrown};
use crate::rpc::channel::WorkerError;
use crate::rpc::compile::SourceFault;

const LANGUAGE: &str = "hauki help worker-language lists what is there";

/// Why a source cannot be sent or run.
pub(crate) fn unprepared(error: ToolchainError, text: &str, file: &str) -> CliError {
    match error {
        ToolchainError::Check(error) => unchecked(error, text, file),
        ToolchainError::Compile(CompileError::Refused(faults)) => refused(&faults, text, file),
        ToolchainError::Compile(CompileError::Child(error)) => {
            CliError::from(ScriptFailure::from(error)).note(format!("   while it read {file}"))
        }
        ToolchainError::Uncompiled { .. } => ScriptFailure::from(error).into(),
        ToolchainError::Compile(CompileError::Slow(_))
        | ToolchainError::Miscompiled(_)
        | ToolchainError::TooLong { .. } => {
            let mut failure = ScriptFailure::from(error);
            failure.message = format!("{file}: {}", failure.message);
            failure.into()
        }
    }
}

/// Why the engine has no verdict on a source, or a bad one.
pub(crate) fn unchecked(error: CheckError, text: &str, file: &str) -> CliError {
    match error {
        CheckError::Refused(error) => refusal(text, file, &error),
        CheckError::Slow(_) => CliError::data("bad_source", format!("{file}: {error}")),
        CheckError::Runner(error) => {
            CliError::from(ScriptFailure::from(error)).note(format!("   while it read {file}"))
        }
    }
}

/// Everything that is wrong with a source, at once.
fn refused(faults: &[SourceFault], text: &str, file: &str) -> CliError {
    let message = match faults {
        [SourceFault { message, line, column, .. }] => format!("{message}  ({file}:{line}:{column})"),
        faults => format!("{} faults in {file}", faults.len()),
    };
    let mut refused = CliError::data("bad_source", message);
    for fault in faults {
        // Of one fault alone the message is above already.
        let told = match (faults.len(), &fault.instead) {
            (1, instead) => instead.clone(),
            (_, Some(instead)) => Some(format!("{}: {instead}", fault.message)),
            (_, None) => Some(fault.message.clone()),
        };
        for note in excerpt(text, fault.line, Some(fault.column), told.as_deref()) {
            refused = refused.note(note);
        }
    }
    if let Some(first) = faults.first() {
        let worker = serde_json::to_value(as_thrown(first, Some(file))).unwrap_or_default();
        refused = refused.with("worker", worker);
    }
    refused.with("faults", serde_json::to_value(faults).unwrap_or_default()).hint(LANGUAGE)
}

/// What the compiler has to say about a source that it takes: on standard error, as an object where errors are objects.
pub(crate) fn warn(ctx: &Ctx, warnings: &[SourceFault], text: &str, file: &str) {
    let is_machine = matches!(ctx.settings.get("output"), Some("json" | "jsonl"));
    for SourceFault { message, instead, line, column } in warnings {
        if is_machine {
            let warning = json!({ "v": 1, "kind": "warning", "code": "source", "message": message,
                "instead": instead, "file": file, "line": line, "column": column });
            ctx.remark(&format!("{}\n", sanitize::json(&warning.to_string())));
            continue;
        }
        ctx.warn(&format!("{message}  ({file}:{line}:{column})"));
        for note in excerpt(text, *line, Some(*column), instead.as_deref()) {
            ctx.remark(&format!("{}\n", sanitize::line(&note)));
        }
    }
}

pub(crate) fn refusal(text: &str, file: &str, error: &WorkerError) -> CliError {
    // A missing feature is explained as "…, which MicroQuickJS does not have; what to write instead".
    let (what, advice) = match error.message.split_once(" does not have; ") {
        Some((what, advice)) => (format!("{what} does not have"), Some(advice)),
        None => (error.message.clone(), None),
    };
    let place = match (error.line, error.column) {
        (Some(line), Some(column)) => format!("  ({file}:{line}:{column})"),
        (Some(line), None) => format!("  ({file}:{line})"),
        (None, _) => format!("  ({file})"),
    };
    let mut refused = CliError::data("bad_source", format!("{what}{place}"));
    if let Some(line) = error.line {
        for note in excerpt(text, line, error.column, advice) {
            refused = refused.note(note);
        }
    }
    let worker = serde_json::to_value(error).unwrap_or_default();
    let refused = refused.with("worker", worker);
    match advice {
        Some(_) => refused.hint(LANGUAGE),
        None => refused,
    }
}

/// The author's line below an error that was thrown there.
pub(crate) fn thrown_at(error: CliError, worker: &WorkerError, text: &str, file: &str) -> CliError {
    let (Some(at), Some(line)) = (&worker.file, worker.line) else { return error };
    if at != file {
        return error;
    }
    excerpt(text, line, worker.column, None).into_iter().fold(error, CliError::note)
}

/// A source line with a caret below, as people expect it from a compiler.
fn excerpt(text: &str, line: u32, place: Option<u32>, advice: Option<&str>) -> Vec<String> {
    let index = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
    let Some(source) = text.lines().nth(index) else { return Vec::new() };
    let column = usize::try_from(place.unwrap_or(1)).unwrap_or(1).max(1);
    // A long line is shown around the place.
    let from = column.saturating_sub(60);
    let shown: String = source
        .chars()
        .skip(from)
        .take(100)
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    let number = format!("{line:>5}");
    let mut lines = vec![format!("{number} | {}", shown.trim_end())];
    let advice = advice.map(|advice| format!(" {advice}")).unwrap_or_default();
    // A place that is not on the line is none.
    let is_there = place.is_some() && column <= source.chars().count() + 1;
    let before = if is_there { " ".repeat(column - 1 - from) + "^" } else { String::new() };
    let below = format!("{:>5} | {before}{advice}", "");
    lines.push(below.trim_end_matches([' ', '|']).to_owned());
    lines.retain(|line| !line.is_empty());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_modern_feature_is_named_with_what_to_write() {
        let source = "var a = [];\nfunction f() { return a.map(x => x.id); }\n";
        let check = |text: &str, file: &str| {
            let error = hauki_lang::engine::check(text, file).expect_err("is refused");
            unchecked(CheckError::Refused(Box::new(error)), text, file)
        };
        let error = check(source, "m.js");
        assert_eq!((error.kind.code, error.kind.exit.code()), ("bad_source", 65));
        let text = anstream::adapter::strip_str(&error.text(None)).to_string();
        assert!(text.contains("    2 | function f() { return a.map(x => x.id); }\n"), "{text}");
        assert!(text.contains("^ write `function"), "{text}");
        let error = check("function f( {", "s.js");
        assert!(error.message.contains("s.js:1:"), "{}", error.message);
    }

    #[test]
    fn all_faults_are_shown_each_below_its_line() {
        let fault = |message: &str, instead: Option<&str>, line, column| SourceFault {
            message: message.to_owned(),
            instead: instead.map(str::to_owned),
            line,
            column,
        };
        let source = "const c = require(\"c\");\ntotal = 5n;\n";
        let faults = [
            fault("a vault has no `require`", Some("import it"), 1, 11),
            fault("BigInt does not exist", None, 2, 9),
        ];
        let error = refused(&faults, source, "b.ts");
        let text = anstream::adapter::strip_str(&error.text(None)).to_string();
        let lines = [
            "error: 2 faults in b.ts",
            "    1 | const c = require(\"c\");",
            "      |           ^ a vault has no `require`: import it",
            "    2 | total = 5n;",
            "      |         ^ BigInt does not exist",
        ];
        assert!(text.starts_with(&lines.join("\n")), "{text}");
        let json = error.json(None);
        assert_eq!(json["worker"]["line"], 1);
        assert_eq!(json["worker"]["file"], "b.ts");
        assert_eq!(json["faults"][1]["column"], 9);
        assert_eq!(refused(&faults[..1], source, "b.ts").message, "a vault has no `require`  (b.ts:1:11)");
    }

    #[test]
    fn the_caret_stands_below_the_place() {
        let lines = excerpt("one\nitems.map(x => x.id)\n", 2, Some(13), Some("write: function"));
        assert_eq!(lines, ["    2 | items.map(x => x.id)", "      |             ^ write: function"]);
        assert!(excerpt("one", 9, None, None).is_empty());
        assert_eq!(excerpt("one", 1, Some(u32::MAX), None).len(), 1, "a stranger's column");
    }
}
