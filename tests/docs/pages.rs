//! The documentation against the code: every public word is on its page, every command exists.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use hauki::api::ErrorCode;
use hauki::api::endpoints::{Area, ENDPOINTS};
use hauki::client::exit::Exit;
use hauki::model::config::Config;
use hauki::model::death::Cause;
use hauki::model::phase::Phase;
use hauki::model::ticket::Ticket;
use hauki::rpc::builtin;
use hauki::rpc::channel::WorkerErrorKind;
use hauki::rpc::message::code;
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A page as a reader sees it.
fn page(name: &str) -> String {
    let path = root().join("man").join(name);
    let shown = Command::new("mandoc").args(["-T", "utf8", "-O", "width=500"]).arg(&path).output();
    let shown = shown.expect("mandoc must be installed: packaging/setup-debian.sh tests does it");
    assert!(shown.status.success(), "{name}: {}", String::from_utf8_lossy(&shown.stderr));
    let text = String::from_utf8(shown.stdout).expect("is UTF-8");
    // Bold and underlined letters are written over each other.
    let mut plain = String::new();
    for letter in text.chars() {
        if letter == '\u{8}' {
            plain.pop();
        } else {
            plain.push(letter);
        }
    }
    plain
}

/// Whether a word stands there, and not only as a part of another.
fn mentions(text: &str, word: &str) -> bool {
    let part = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.match_indices(word).any(|(at, _)| {
        !text[..at].chars().next_back().is_some_and(part)
            && !text[at + word.len()..].chars().next().is_some_and(part)
    })
}

fn must_mention<'a>(page_name: &str, words: impl IntoIterator<Item = &'a str>) {
    let text = page(page_name);
    let missing: Vec<&str> = words.into_iter().filter(|word| !mentions(&text, word)).collect();
    assert!(missing.is_empty(), "{page_name} does not mention {missing:?}");
}

fn words<T: serde::Serialize>(all: impl IntoIterator<Item = T>) -> Vec<String> {
    let word = |item: T| match serde_json::to_value(item) {
        Ok(Value::String(word)) => word,
        other => panic!("{other:?} is not a word"),
    };
    all.into_iter().map(word).collect()
}

fn texts(words: &[String]) -> impl Iterator<Item = &str> {
    words.iter().map(String::as_str)
}

fn pages() -> Vec<PathBuf> {
    let section = |path: &PathBuf| {
        path.extension().is_some_and(|end| end.len() == 1 && end.as_encoded_bytes()[0].is_ascii_digit())
    };
    let mut pages: Vec<PathBuf> = std::fs::read_dir(root().join("man"))
        .expect("man is there")
        .flatten()
        .map(|entry| entry.path())
        .filter(section)
        .collect();
    pages.sort();
    pages
}

#[test]
fn every_page_is_well_formed() {
    let pages = pages();
    assert!(pages.len() >= 6);
    for path in pages {
        // The verbs' pages are generated, without a date; of ours nothing is left to be said.
        let level = if path.extension().is_some_and(|end| end == "1") { "error" } else { "warning" };
        let lint = Command::new("mandoc").args(["-T", "lint", "-W", level]).arg(&path).output();
        let lint = lint.expect("mandoc must be installed: packaging/setup-debian.sh tests does it");
        let said =
            String::from_utf8_lossy(&lint.stdout).into_owned() + &String::from_utf8_lossy(&lint.stderr);
        assert!(lint.status.success() && said.is_empty(), "{said}");
    }
}

#[test]
fn the_ticket_page_has_every_field_method_event_and_error() {
    let mut fields = BTreeSet::new();
    let schema = Ticket::schema().to_value();
    let objects = schema["$defs"].as_object().into_iter().flat_map(|all| all.values()).chain([&schema]);
    for object in objects {
        fields.extend(object["properties"].as_object().into_iter().flat_map(|fields| fields.keys().cloned()));
    }
    assert!(fields.len() > 25, "{fields:?}");
    must_mention("hauki-ticket.5", fields.iter().map(String::as_str));
    must_mention("hauki-ticket.5", builtin::ALL);
    let codes: Vec<String> = code::ALL.iter().map(i32::to_string).collect();
    must_mention("hauki-ticket.5", texts(&codes));
}

/// The globals that a prelude sets.
fn given(prelude: &str) -> Vec<&str> {
    let assignments = prelude.lines().filter_map(|line| line.trim_start().strip_prefix("G."));
    assignments.filter_map(|rest| rest.split_once(" = ")).map(|(name, _)| name).collect()
}

#[test]
fn the_worker_page_has_every_kind_of_error() {
    must_mention("hauki-worker.7", texts(&words(WorkerErrorKind::ALL)));
    // What the prelude gives to a worker.
    let prelude = read("crates/lang/src/engine/shared.js") + &read("crates/lang/src/engine/prelude.js");
    let given = given(&prelude);
    assert!(given.len() > 10);
    must_mention("hauki-worker.7", given);
}

#[test]
fn the_script_page_has_every_function_and_option() {
    let prelude = read("crates/lang/src/engine/shared.js") + &read("crates/lang/src/engine/script.js");
    let functions = given(&prelude);
    assert!(functions.len() > 15, "{functions:?}");
    must_mention("hauki-script.7", functions);
    let options = read("crates/client/src/script/options.rs");
    let list = options.split("const KEYS").nth(1).and_then(|rest| rest.split("];").next()).expect("the list");
    let names: Vec<&str> =
        list.lines().filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\",")).collect();
    assert!(names.len() > 10, "{names:?}");
    must_mention("hauki-script.7", names);
}

#[test]
fn the_architecture_page_has_every_cause_and_phase() {
    must_mention("hauki-architecture.7", texts(&words(Cause::ALL)));
    must_mention("hauki-architecture.7", Phase::ALL.map(Phase::as_str));
}

/// Each entry of the page ends with tests that exist, and none is without one.
#[test]
fn the_page_of_failures_is_proved_row_by_row() {
    must_mention("hauki-failures.7", texts(&words(Cause::ALL)));
    let text = read("man/hauki-failures.7");
    let mut seen = 0;
    for row in text.split("\n.It ").skip(1) {
        let title = row.lines().next().unwrap_or_default();
        let proofs = row.lines().filter_map(|line| line.strip_prefix(".Li "));
        let proofs: Vec<_> = proofs.filter_map(|line| line.split_once(' ')).collect();
        assert!(!proofs.is_empty(), "{title}: no test");
        for (path, name) in proofs {
            // A line of 80 columns has room for so much of a name, set in as it is.
            assert!(name.split("\\:").all(|part| part.len() <= 60), "{title}: {name} can be broken nowhere");
            let name = name.replace("\\:", "");
            let source = read(path);
            let found = match path.ends_with(".sh") {
                true => source.contains(&name),
                false => source.contains(&format!("fn {name}()")),
            };
            assert!(found, "{title}: {path} has no {name}");
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen}");
}

#[test]
fn the_api_page_has_every_endpoint_and_error_with_its_status() {
    must_mention("hauki-uah-api.7", ENDPOINTS.iter().map(|endpoint| endpoint.path));
    must_mention(
        "hauki-uah-api.7",
        ["omega_spool", "lxc_provision", "service_registry", "swarm_spawn_ephemeral"],
    );
    let text = page("hauki-uah-api.7");
    for code in ErrorCode::ALL {
        let status = code.http_status().to_string();
        let line = text.lines().find(|line| line.trim_start().starts_with(&format!("{} ", code.as_str())));
        let line = line.unwrap_or_else(|| panic!("hauki-uah-api.7 does not list {}", code.as_str()));
        assert!(mentions(line, &status), "{line}: the status is {status}");
        assert_eq!(mentions(line, "yes"), code.retryable(), "{line}: whether to retry");
    }
    // And those that are HTTP's own, of the endpoints or before there is one.
    let document = hauki::api::openapi::document();
    let operations = document["paths"].as_object().expect("is one").values().flat_map(|path| {
        path.as_object().expect("is one").values().filter_map(|operation| operation["responses"].as_object())
    });
    let mut statuses: std::collections::BTreeSet<&str> =
        operations.flat_map(|responses| responses.keys().map(String::as_str)).collect();
    statuses.extend(["405", "414", "431"]);
    statuses.remove("default");
    statuses.remove("200");
    assert!(statuses.contains("408") && statuses.contains("415"), "{statuses:?}");
    must_mention("hauki-uah-api.7", statuses);
    // The phases of the table are the phases of the manifest.
    for area in [Area::Summoning, Area::Forge, Area::Handshake, Area::GhostProxy, Area::Teardown] {
        assert!(ENDPOINTS.iter().any(|endpoint| endpoint.areas.contains(&area)), "{area:?}");
    }
}

/// Dotted names of the keys of a schema, lists and maps taken as one key.
fn keys(schema: &Value, all: &Value, before: &str, found: &mut Vec<String>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let inner = property["$ref"].as_str().or(property["items"]["$ref"].as_str());
        match inner.and_then(|path| path.rsplit('/').next()) {
            Some(definition) if all["$defs"][definition]["properties"].is_object() => {
                keys(&all["$defs"][definition], all, &format!("{before}{name}."), found);
            }
            _ => found.push(format!("{before}{name}")),
        }
    }
}

#[test]
fn the_configuration_page_has_every_key() {
    let schema = schemars::schema_for!(Config).to_value();
    let mut found = Vec::new();
    keys(&schema, &schema, "", &mut found);
    assert!(found.len() > 15 && found.contains(&"daemon.state_dir".to_owned()), "{found:?}");
    must_mention("hauki.yaml.5", texts(&found));
    // The page's and the README's examples are configurations.
    for (name, text) in [
        (
            "hauki.yaml.5",
            read("man/hauki.yaml.5")
                .split(".Bd -literal -offset indent\n")
                .nth(1)
                .and_then(|rest| rest.split("\n.Ed").next())
                .map(str::to_owned),
        ),
        ("README.md", blocks("yaml").first().cloned()),
    ] {
        let text = text.unwrap_or_else(|| panic!("{name} has an example"));
        hauki_contract::strict::from_yaml::<Config>(
            &text,
            hauki_contract::strict::DocumentLimits::bytes(65536),
        )
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn the_daemons_page_has_every_role_and_flag() {
    use clap::CommandFactory as _;
    let command = hauki_daemon::args::HaukidArgs::command();
    let roles: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    let flags: BTreeSet<String> = command
        .get_subcommands()
        .flat_map(clap::Command::get_arguments)
        .filter(|argument| !argument.is_hide_set())
        .filter_map(|argument| argument.get_long().map(|long| format!("--{long}")))
        .collect();
    assert!(roles.len() > 2 && flags.len() > 3, "{roles:?} {flags:?}");
    must_mention("haukid.8", roles);
    must_mention("haukid.8", flags.iter().map(String::as_str));
}

#[test]
fn the_readme_lists_every_exit_code() {
    let text = read("README.md");
    for exit in Exit::ALL {
        let (code, name) = (exit.code().to_string(), exit.name());
        assert!(text.lines().any(|line| mentions(line, &code) && mentions(line, name)), "{code} {name}");
    }
}

/// The README's blocks of one language.
fn blocks(language: &str) -> Vec<String> {
    let text = read("README.md");
    let fence = format!("```{language}\n");
    text.split(fence.as_str())
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .map(str::to_owned)
        .collect()
}

/// Splits a line of shell into simple commands of words, redirections left out. Quotes are taken off,
/// and `$(…)` is part of its word.
fn commands(line: &str) -> Vec<Vec<String>> {
    let (mut all, mut command, mut word) = (Vec::new(), Vec::new(), String::new());
    let (mut quote, mut depth, mut is_file) = (None, 0, false);
    for letter in line.chars().chain([';']) {
        match (letter, quote) {
            ('(', _) if word.ends_with('$') => depth += 1,
            (')', _) if depth > 0 => depth -= 1,
            (_, _) if depth > 0 => {}
            (letter, Some(open)) if letter == open => quote = None,
            (letter, Some(_)) => word.push(letter),
            ('\'' | '"', None) => quote = Some(letter),
            ('#', None) if word.is_empty() => break,
            (' ' | '|' | ';' | '&' | '>', None) => {
                let whole = std::mem::take(&mut word);
                if !whole.is_empty() && !std::mem::take(&mut is_file) {
                    command.push(whole);
                }
                match letter {
                    ' ' => {}
                    '>' => is_file = true,
                    _ => all.push(std::mem::take(&mut command)),
                }
            }
            (letter, None) => word.push(letter),
        }
    }
    all.push(command);
    all.retain(|command: &Vec<String>| !command.is_empty());
    all
}

#[test]
fn the_commands_of_the_readme_exist() {
    let makefile = read("Makefile");
    let mut seen = 0;
    for line in blocks("sh").iter().chain(&blocks("bash")).flat_map(|block| block.lines()) {
        for command in commands(line.trim().trim_start_matches("trap ")) {
            match command[0].as_str() {
                "hauki" => {
                    let parsed = hauki::cli::command().try_get_matches_from(&command);
                    assert!(parsed.is_ok(), "{line}\n{}", parsed.expect_err("is refused"));
                    seen += 1;
                }
                "make" => {
                    let target = format!("\n{}:", command[1]);
                    assert!(makefile.contains(&target), "the Makefile has no {}", command[1]);
                    seen += 1;
                }
                _ => {}
            }
            for path in command.iter().filter(|word| word.starts_with("examples/")) {
                assert!(root().join(path).exists(), "{path} of the README is not there");
            }
        }
    }
    assert!(seen > 15, "only {seen} commands were found");
}

#[test]
fn what_the_pages_point_at_is_there() {
    for name in [
        "README.md",
        "man/hauki-worker.7",
        "man/hauki-ticket.5",
        "man/hauki-architecture.7",
        "man/hauki-uah-api.7",
    ] {
        let text = read(name);
        let paths = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || "/._-".contains(letter)));
        for path in paths.filter(|path| path.starts_with("examples/") || path.starts_with("tests/")) {
            let path = path.trim_end_matches(['.', '/']);
            assert!(root().join(path).exists(), "{path} of {name} is not there");
        }
    }
}
