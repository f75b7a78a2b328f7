//! What stands beside the sources for whoever comes new: it is there, it is true, and it agrees with the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::program::program as write_program;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The value of `key = "…"` in a file of TOML that has it on a line of its own.
fn said(file: &str, key: &str) -> String {
    let text = read(file);
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix('='));
    value.unwrap_or_else(|| panic!("{file} has no {key}")).trim().trim_matches('"').to_owned()
}

#[test]
fn the_licence_is_the_one_that_the_package_names() {
    assert!(read("LICENSE").starts_with(&format!("{} License", said("Cargo.toml", "license"))));
    assert_eq!(said("crates/mquickjs/Cargo.toml", "license"), said("Cargo.toml", "license"));
}

#[test]
fn the_toolchain_is_the_one_that_the_package_asks_for() {
    let channel = said("rust-toolchain.toml", "channel");
    let (asked, _) = channel.rsplit_once('.').expect("is pinned to the last digit");
    assert_eq!(asked, said("Cargo.toml", "rust-version"));
}

/// The pages for whoever changes hauki.
fn pages() -> Vec<String> {
    let decisions = fs::read_dir(root().join("docs/decisions")).expect("is there");
    let names =
        decisions.map(|entry| entry.expect("can be read").file_name().into_string().expect("is text"));
    let mut pages: Vec<String> = names.map(|name| format!("docs/decisions/{name}")).collect();
    pages.extend(["ARCHITECTURE.md".to_owned(), "CONTRIBUTING.md".to_owned()]);
    pages
}

/// What stands between backticks on one line.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// The folders of the rooms, by their names: of the tool, of the crates, and of the crate that has several.
fn rooms() -> BTreeMap<String, PathBuf> {
    let mut rooms = BTreeMap::new();
    for (folder, below) in [("crates", "src"), ("src", ""), ("crates/contract/src", "")] {
        for entry in fs::read_dir(root().join(folder)).expect("is there") {
            let entry = entry.expect("can be read");
            let name = entry.file_name().into_string().expect("is text");
            if entry.path().is_dir() && name != "bin" {
                rooms.insert(name, entry.path().join(below));
            }
        }
    }
    rooms
}

/// Whether a module lies where it should.
fn is_module(rooms: &BTreeMap<String, PathBuf>, path: &str) -> bool {
    let (room, rest) = path.split_once("::").expect("has a room");
    let path = rooms[room].join(rest.replace("::", "/"));
    path.with_extension("rs").is_file() || path.join("mod.rs").is_file()
}

#[test]
fn what_the_pages_name_is_there() {
    const FOLDERS: [&str; 10] = [
        "src/",
        "tests/",
        "docs/",
        "man/",
        "crates/",
        "fuzz/",
        "packaging/",
        "examples/",
        "benches/",
        "support/",
    ];
    let rooms = rooms();
    let (mut wrong, mut looked) = (Vec::new(), 0);
    for page in pages() {
        let text = read(&page);
        for word in quoted(&text) {
            let is_made_up = word.contains("NAME") || word.contains('*') || word.contains(' ');
            if FOLDERS.iter().any(|folder| word.starts_with(folder)) && !is_made_up {
                looked += 1;
                let path =
                    if word.starts_with("support/") { format!("tests/{word}") } else { word.to_owned() };
                if !root().join(path).exists() {
                    wrong.push(format!("{page}: {word}"));
                }
            }
            if word.split_once("::").is_some_and(|(room, _)| rooms.contains_key(room)) {
                looked += 1;
                if !is_module(&rooms, word) {
                    wrong.push(format!("{page}: {word}"));
                }
            }
        }
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            looked += 1;
            let folder = root().join(&page);
            if !folder.parent().expect("is in a folder").join(target).exists() {
                wrong.push(format!("{page}: {target}"));
            }
        }
    }
    assert!(looked > 100, "{looked}");
    assert!(wrong.is_empty(), "not there:\n{}", wrong.join("\n"));
}

#[test]
fn every_room_and_every_decision_is_listed() {
    let architecture = read("ARCHITECTURE.md");
    for name in rooms().into_keys() {
        assert!(architecture.contains(&format!("\n| `{name}` |")), "{name} is not in the table of rooms");
    }
    let list = read("docs/decisions/README.md");
    for page in pages() {
        let name = page.rsplit('/').next().expect("has a name");
        let is_listed = list.contains(&format!("]({name})"));
        assert!(is_listed || !page.starts_with("docs/") || name == "README.md", "{name} is not in the list");
    }
}

/// The packages of a build on this kind of machine.
fn packages() -> Vec<Value> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root()).args(["metadata", "--format-version", "1", "--locked", "--offline"]);
    cargo.args(["--filter-platform", &format!("{}-unknown-linux-gnu", std::env::consts::ARCH)]);
    let output = cargo.output().expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let all: Value = serde_json::from_slice(&output.stdout).expect("is JSON");
    let nodes = all["resolve"]["nodes"].as_array().expect("is a list");
    let used: BTreeSet<&str> = nodes.iter().filter_map(|node| node["id"].as_str()).collect();
    let packages = all["packages"].as_array().expect("is a list").iter();
    packages.filter(|package| used.contains(package["id"].as_str().expect("has an id"))).cloned().collect()
}

/// The texts of a list in deny.toml; of an item in braces its first.
fn list(key: &str) -> Vec<String> {
    let text = read("deny.toml");
    let rest = text.split(&format!("\n{key} = [\n")).nth(1).unwrap_or_else(|| panic!("no list {key}"));
    let lines = rest.lines().take_while(|line| *line != "]");
    lines.filter_map(|line| line.split('"').nth(1)).map(str::to_owned).collect()
}

/// Whether we may use what is under this expression: `OR` weaker than `AND`, and brackets.
fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let split = |word: &str| {
        let (mut parts, mut depth) = (vec![Vec::new()], 0);
        for part in expression.split_whitespace() {
            if part == word && depth == 0 {
                parts.push(Vec::new());
                continue;
            }
            depth += part.matches('(').count();
            depth -= part.matches(')').count();
            parts.last_mut().expect("is never empty").push(part);
        }
        parts.into_iter().map(|part| part.join(" ")).collect::<Vec<_>>()
    };
    let (either, both) = (split("OR"), split("AND"));
    if either.len() > 1 {
        return either.iter().any(|part| is_allowed(part, allowed));
    }
    if both.len() > 1 {
        return both.iter().all(|part| is_allowed(part, allowed));
    }
    match expression.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => is_allowed(inner, allowed),
        None => allowed.iter().any(|name| name == expression),
    }
}

#[test]
fn licences_of_dependencies_are_read_right() {
    let allowed = ["MIT".to_owned(), "ISC".to_owned(), "X WITH Y".to_owned()];
    for good in
        ["MIT", "GPL OR MIT", "MIT AND ISC", "(GPL OR MIT) AND ISC", "X WITH Y OR GPL", "GPL AND B OR MIT"]
    {
        assert!(is_allowed(good, &allowed), "{good}");
    }
    for bad in ["GPL", "MIT AND GPL", "(GPL OR B) AND MIT", "X", "(MIT AND GPL) OR B", ""] {
        assert!(!is_allowed(bad, &allowed), "{bad}");
    }
}

#[test]
fn dependencies_come_from_where_and_under_what_deny_toml_allows() {
    let allowed = list("allow");
    let denied = list("deny");
    let (mut wrong, mut used) = (Vec::new(), BTreeSet::new());
    for package in packages() {
        let text = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
        let (name, source, licence) = (text("name"), text("source"), text("license").replace('/', " OR "));
        if !is_allowed(&licence, &allowed) {
            wrong.push(format!("{name}: its licence is {licence:?}"));
        }
        used.extend(allowed.iter().filter(|known| licence.contains(*known)).cloned());
        let is_ours =
            source.is_empty() && text("manifest_path").starts_with(root().to_str().expect("is text"));
        if !is_ours && source != "registry+https://github.com/rust-lang/crates.io-index" {
            wrong.push(format!("{name}: it comes from {source:?}"));
        }
        if denied.contains(&name) {
            wrong.push(format!("{name}: it is banned"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let idle: Vec<&String> = allowed.iter().filter(|licence| !used.contains(*licence)).collect();
    assert!(idle.is_empty(), "nothing is under these: {idle:?}");
}

/// Who asks for whatever version there is; of what lies beside it there is one.
fn wild(packages: &[Value]) -> Vec<String> {
    let wild = packages.iter().flat_map(|package| {
        let dependencies = package["dependencies"].as_array().expect("is a list").iter();
        let wild = dependencies.filter(|other| other["req"] == "*" && other["path"].is_null());
        wild.map(|other| format!("{}: {}", package["name"], other["name"]))
    });
    wild.collect()
}

#[test]
fn dependencies_say_which_version_they_mean() {
    assert_eq!(
        (said("deny.toml", "wildcards"), said("deny.toml", "allow-wildcard-paths")),
        ("deny".into(), "true".into())
    );
    assert_eq!(wild(&packages()), [""; 0]);
    let asks = |req: &str, path: Value| json!([{"name": "a", "dependencies": [{"name": "b", "req": req, "path": path}]}]);
    let found = |packages: Value| wild(packages.as_array().expect("is a list")).len();
    assert_eq!(found(asks("*", Value::Null)), 1);
    assert_eq!((found(asks("*", json!("/b"))), found(asks("^1", Value::Null))), (0, 0));
}

/// What `tests/features.sh` gives to cargo.
fn built_alone() -> BTreeSet<String> {
    let folder = tempfile::tempdir().expect("a directory");
    let told = folder.path().join("told");
    write_program(
        &folder.path().join("cargo"),
        &format!("#!/bin/bash\necho \"$*\" >> '{}'\n", told.display()),
    );
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").expect("is set"));
    let run =
        Command::new("bash").arg(root().join("tests/features.sh")).env("PATH", path).output().expect("runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let told = fs::read_to_string(told).expect("was called");
    let line = |line: &str| {
        line.strip_prefix("clippy --locked ")?.strip_suffix(" -- -D warnings").map(str::to_owned)
    };
    told.lines().map(|text| line(text).unwrap_or_else(|| panic!("{text}"))).collect()
}

#[test]
fn each_feature_of_each_crate_is_built_alone() {
    let built = built_alone();
    let is_built = |alone: &str| built.iter().any(|line| line == alone || line == &format!("{alone} --bins"));
    for package in packages().iter().filter(|package| package["source"].is_null()) {
        let name = package["name"].as_str().expect("has a name");
        let alone = match name {
            "hauki" => "--no-default-features".to_owned(),
            name => format!("--package {name}"),
        };
        assert!(is_built(&alone), "{name}");
        let features = package["features"].as_object().expect("is an object");
        for feature in features.keys().filter(|feature| *feature != "default") {
            assert!(is_built(&format!("{alone} --features {feature}")), "{name}: {feature}");
        }
    }
}

#[test]
fn dependencies_are_there_in_one_version_but_for_those_with_a_reason() {
    let skipped = list("skip");
    let is_skipped = |name: &str, version: &str| {
        skipped.iter().find(|skipped| {
            let (known, of) = skipped.split_once('@').expect("has a version");
            known == name && (version == of || version.starts_with(&format!("{of}.")))
        })
    };
    let (mut versions, mut used) = (BTreeMap::<String, Vec<String>>::new(), BTreeSet::new());
    for package in packages() {
        let text = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
        let (name, version) = (text("name"), text("version"));
        match is_skipped(&name, &version) {
            Some(skipped) => drop(used.insert(skipped.clone())),
            None => versions.entry(name).or_default().push(version),
        }
    }
    versions.retain(|_, versions| versions.len() > 1);
    assert!(versions.is_empty(), "in several versions: {versions:?}");
    let idle: Vec<&String> = skipped.iter().filter(|skipped| !used.contains(*skipped)).collect();
    assert!(idle.is_empty(), "no exceptions any more: {idle:?}");
}

/// A program that speaks as libtest does, run within a limit.
fn limited(script: &str) -> (i32, String) {
    let folder = tempfile::tempdir().expect("a directory");
    let program: PathBuf = folder.path().join("tests");
    write_program(&program, &format!("#!/bin/bash\n{script}\n"));
    let mut run = Command::new(root().join("tests/limit.py"));
    let output = run.arg(program).env("HAUKI_TEST_LIMIT", "61").output().expect("runs");
    (output.status.code().expect("ends by itself"), String::from_utf8(output.stdout).expect("is text"))
}

#[test]
fn a_test_that_hangs_is_ended_by_name_with_what_it_started() {
    let folder = tempfile::tempdir().expect("a directory");
    let pipe = folder.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().expect("runs");
    assert!(made.success());
    let long = "echo test a::slow has been running for over 60 seconds";
    // What it starts holds the pipe open, so the pipe's end is its end.
    let starts = format!("sleep 1000 > '{}' &", pipe.display());
    let ended = std::thread::spawn(move || fs::read(pipe).expect("is there"));
    let (code, said) = limited(&format!("{starts}\n{long}\nwait"));
    assert_eq!(code, 124, "{said}");
    assert!(said.contains("LIMIT: the test a::slow runs for more than 61 seconds"), "{said}");
    assert!(ended.join().expect("is read").is_empty());
}

#[test]
fn the_tests_beside_one_that_hangs_are_run_all_the_same() {
    let first = "printf 'test a::done ... ok\\ntest a::slow has been running for over 60 seconds\\n'; exec sleep 1000";
    let second = "echo \"again with $*\"; echo 'test b::last ... FAILED'; exit 101";
    let (code, said) = limited(&format!("if [ $# = 0 ]; then {first}; fi\n{second}"));
    assert_eq!(code, 124, "the first word is kept: {said}");
    assert!(
        said.contains("again with --exact --skip a::done --skip a::slow\ntest b::last ... FAILED\n"),
        "{said}"
    );
    // One that hangs although it was to be passed over has no third life.
    let (code, said) = limited("echo test a::slow has been running for over 60 seconds; exec sleep 1000");
    assert_eq!((code, said.matches("LIMIT: the test").count()), (124, 2), "{said}");
}

#[test]
fn a_test_that_is_only_slow_is_left_alone() {
    let long = "echo test a::slow has been running for over 60 seconds";
    let (code, said) = limited(&format!("{long}\nsleep 0.2\necho 'test a::slow ... ok'\nsleep 2\nexit 3"));
    assert_eq!(code, 3, "its own word: {said}");
    assert!(said.ends_with("test a::slow ... ok\n"), "{said}");
    let (code, _) = limited("kill -11 $$");
    assert_eq!(code, 139);
    // What an interrupt does to whom a test starts is as without us.
    let ignored = |status: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).expect("is there");
        u64::from_str_radix(line.trim(), 16).expect("is a number") & (1 << (libc::SIGINT - 1))
    };
    let ours = fs::read_to_string("/proc/self/status").expect("is there");
    assert_eq!(ignored(&limited("cat /proc/self/status").1), ignored(&ours));
}
