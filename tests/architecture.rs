//! The allowed directions between the rooms of `src/`, as `lib.rs` draws them.
//!
//! One package has no crate walls, so this test is the wall: it reads every `crate::room` in the
//! sources and compares it with the table below.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// How documents are read: everybody's, so it is in no row below.
const FOR_ALL: &str = "strict";

/// For each room, the rooms that it may use besides itself.
const MAY_USE: &[(&str, &[&str])] = &[
    (FOR_ALL, &[]),
    ("model", &[]),
    ("lpc", &["model", "rpc"]),
    ("system", &["model"]),
    ("rpc", &["model", "system"]),
    ("jail", &["rpc"]),
    ("vault", &["jail", "rpc", "lpc", "model"]),
    ("script", &["jail", "rpc", "lpc", "model"]),
    ("api", &["model", "rpc", "system"]),
    ("client", &["api", "model", "rpc", "lpc", "system"]),
    ("cli", &["client", "api", "model", "rpc", "lpc", "system"]),
    ("core", &["api", "model", "rpc", "system"]),
    ("sandbox", &["model", "rpc", "system"]),
    ("node", &["api", "model", "rpc", "sandbox", "system"]),
    ("daemon", &["api", "core", "model", "node", "sandbox", "system"]),
];

/// Who reads JSON or YAML past `strict`, and why that is no fault.
const READ_FOR_THEMSELVES: &[(&str, &str)] = &[
    ("strict", "it is what the others use"),
    ("lpc/engine", "within a vault or the runner, what the engine and our own prelude have written"),
    ("rpc/message.rs", "the envelope of a request: an object by its first letter, and its members stay text"),
    ("cli/record.rs", "what this very process has written"),
    ("core/record.rs", "what this core has written into its store, under a checksum"),
    ("sandbox/lxc/wire.rs", "the daemon and the spawner that it started, of one build"),
];

/// What reads a document.
const READERS: &[&str] =
    &["serde_json::from_", "serde_json::Deserializer", "serde_yaml::from_", "serde_yaml::Deserializer"];

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("the folder is there") {
        let path = entry.expect("can be read").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The text without its tests: those may reach wherever they like.
fn product(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

fn rooms_named_in(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| {
        line.split("crate::").skip(1).map(|rest| {
            let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
            &rest[..end.unwrap_or(rest.len())]
        })
    })
}

#[test]
fn every_room_uses_only_what_the_picture_allows() {
    let table: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for (room, allowed) in &table {
        let mut files = Vec::new();
        sources(&src.join(room), &mut files);
        assert!(!files.is_empty(), "the room {room} is empty");
        for file in files {
            let text = fs::read_to_string(&file).expect("can be read");
            for used in rooms_named_in(product(&text)) {
                if table.contains_key(used) && used != *room && used != FOR_ALL && !allowed.contains(&used) {
                    wrong.push(format!(
                        "{} uses {used}",
                        file.strip_prefix(&src).expect("is below").display()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "forbidden directions:\n{}", wrong.join("\n"));
}

#[test]
fn every_room_is_in_the_table() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in fs::read_dir(src).expect("src is there") {
        let path = entry.expect("can be read").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("is text").to_owned();
        if path.is_dir() && name != "bin" {
            assert!(MAY_USE.iter().any(|(room, _)| *room == name), "src/{name} has no row in the table");
        }
    }
}

#[test]
fn no_file_is_longer_than_four_hundred_lines() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let long: Vec<String> = files
        .iter()
        .map(|file| (file, fs::read_to_string(file).expect("can be read").lines().count()))
        .filter(|(_, lines)| *lines > 400)
        .map(|(file, lines)| format!("{} has {lines} lines", file.display()))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn documents_are_read_by_strict_and_by_nobody_else() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let (mut wrong, mut used) = (Vec::new(), Vec::new());
    for file in files {
        let name = file.strip_prefix(&src).expect("is below").to_str().expect("is text").to_owned();
        let is_test = name.ends_with("tests.rs") || name.contains("/tests/") || name.contains("fake");
        let text = fs::read_to_string(&file).expect("can be read");
        let reads = product(&text).lines().any(|line| {
            !line.trim_start().starts_with("//") && READERS.iter().any(|reader| line.contains(reader))
        });
        if is_test || !reads {
            continue;
        }
        match READ_FOR_THEMSELVES.iter().find(|(place, _)| name.starts_with(place)) {
            Some((place, _)) => used.push(*place),
            None => wrong.push(name),
        }
    }
    assert!(wrong.is_empty(), "documents are read past crate::strict in:\n{}", wrong.join("\n"));
    let idle: Vec<&&str> =
        READ_FOR_THEMSELVES.iter().map(|(place, _)| place).filter(|place| !used.contains(place)).collect();
    assert!(idle.is_empty(), "no exceptions any more: {idle:?}");
}
