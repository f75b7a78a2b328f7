//! The run-time held against Node: the rows of `tests/runtime/cases`, lowered to ES5, each in a worker of its own.
//!
//! `tests/runtime/record.js` writes what Node makes of them. What differs is listed in `tests/runtime/different.txt`,
//! each with what it comes to here, and nothing else may differ.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::directive::DIRECTIVE;

#[derive(serde::Deserialize)]
struct TableRow {
    row: String,
    /// What Node makes of it.
    node: String,
    /// What it printed.
    #[serde(default)]
    lines: String,
    /// The same in ES5.
    text: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/runtime")
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(folder().join(path)).expect("is there")
}

/// What it comes to here, and what it printed.
fn run(show: &str, text: &str, heap: u64) -> (String, String) {
    let source = format!("{DIRECTIVE}{show}\n{text}");
    let mut notes = Notes::default();
    let said = |error: WorkerError| format!("{:?}: {}", error.kind, error.message);
    let memory = Memory::map(MapAddress::Anywhere, heap).expect("maps");
    let mut engine = Engine::new(memory, 7, "vlt_test", SourceForm::Compiled).expect("starts");
    let deadline = Deadline::after_ms(LONG);
    if let Err(error) = engine.load(&mut notes, &source, "w/row.js", "[]", deadline) {
        return (said(error), String::new());
    }
    let call = WorkerCall { method: "row", params: None, caller: "", deadline };
    let value = match engine.call(&mut notes, call) {
        Ok(json) => serde_json::from_str(&json).unwrap_or(json),
        Err(error) => said(error),
    };
    (value, notes.lines.join("\n"))
}

fn rows() -> Vec<(String, TableRow)> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder().join("cases"))
        .expect("is there")
        .map(|entry| entry.expect("is one").path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "rows"));
    files.sort();
    let mut rows = Vec::new();
    for path in files {
        let name = path.file_stem().expect("has a name").to_string_lossy().into_owned();
        for line in read(&path).lines() {
            rows.push((name.clone(), serde_json::from_str(line).expect("record.js writes rows")));
        }
    }
    rows
}

#[test]
fn the_run_time_does_what_node_does_but_for_what_is_listed() {
    let show = read("show.js");
    let (mut found, mut count) = (String::new(), 0);
    for (name, row) in rows() {
        count += 1;
        let (value, lines) = run(&show, &row.text, 1 << 20);
        if (&value, &lines) != (&row.node, &row.lines) {
            let text =
                |value: &str, lines: &str| format!("{value}  {lines}").trim_end().replace('\n', "\n        ");
            let _ = writeln!(found, "{name}: {}", row.row);
            let _ = writeln!(found, "    {}", text(&value, &lines));
            let _ = writeln!(found, "    in Node {}", text(&row.node, &row.lines));
        }
    }
    assert!(count > 550, "{count} rows");
    assert_eq!(found, read("different.txt"));
}
