//! Dependencies between crates, as `cargo metadata` tells them: under their own names, of every table and every target.
//!
//! What a manifest does not ask for, the compiler refuses. So the picture of the rooms is held against all that each
//! asks for of ours: for itself, for its tests and for its build.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::{BINARIES, CONTRACT, MAY_USE, OWN_CRATE};

/// What is asked for beyond the picture. The engine is C with bindings, and knows nothing of ours.
const BESIDES: &[(&str, Table, &[&str])] = &[
    ("hauki-lang", Table::Product, &["hauki-mquickjs"]),
    ("hauki-lang", Table::Build, &["hauki-mquickjs"]),
    // What it makes is shown to the engine.
    ("hauki-compile", Table::Tests, &["hauki-lang"]),
    // The tests below `tests/` reach through every wall: what they hold is the whole.
    ("hauki", Table::Tests, &["hauki-control", "hauki-jail", "hauki-lang", "hauki-node", "hauki-mquickjs"]),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Table {
    Product,
    Tests,
    Build,
}

type Asked = BTreeMap<(String, Table), BTreeSet<String>>;

/// What each package of a workspace asks for of the others.
fn asked(root: &Path) -> Asked {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root).args(["metadata", "--format-version", "1", "--no-deps", "--offline"]);
    let output = cargo.output().expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let all: Value = serde_json::from_slice(&output.stdout).expect("is JSON");
    let packages = all["packages"].as_array().expect("is a list");
    let name = |of: &Value| of["name"].as_str().expect("has a name").to_owned();
    let ours: BTreeSet<String> = packages.iter().map(name).collect();
    let mut asked = Asked::new();
    for package in packages {
        for table in [Table::Product, Table::Tests, Table::Build] {
            asked.entry((name(package), table)).or_default();
        }
        for other in package["dependencies"].as_array().expect("is a list") {
            let table = match other["kind"].as_str() {
                None => Table::Product,
                Some("dev") => Table::Tests,
                Some(_) => Table::Build,
            };
            let known = name(other);
            // Under another name the sources would speak of a crate that nobody knows.
            let renamed = other["rename"].as_str().filter(|_| known != "hauki-mquickjs");
            if ours.contains(&known) || !other["path"].is_null() {
                let known = renamed.map_or(known.clone(), |other| format!("{known} as {other}"));
                asked.entry((name(package), table)).or_default().insert(known);
            }
        }
    }
    asked
}

/// What they may ask for.
fn allowed() -> Asked {
    let mut all = Asked::new();
    let crates = |rooms: &mut dyn Iterator<Item = &'static str>| -> BTreeSet<String> {
        let names = rooms.filter_map(|room| match room {
            room if OWN_CRATE.contains(&room) => Some(format!("hauki-{room}")),
            room if CONTRACT.contains(&room) => Some("hauki-contract".to_owned()),
            _ => None,
        });
        names.collect()
    };
    let row = |room: &str| MAY_USE.iter().find(|(of, _)| *of == room).expect("has a row").1;
    for room in OWN_CRATE {
        let of_room = crates(&mut row(room).iter().copied());
        all.insert((format!("hauki-{room}"), Table::Product), of_room);
    }
    let shells =
        BINARIES.iter().filter(|(file, _)| !["bin/hauki-vault.rs", "bin/hauki-compile.rs"].contains(file));
    let mut of_tool = iter::once(row("cli")).chain(shells.map(|(_, rooms)| *rooms));
    let of_tool = crates(&mut of_tool.by_ref().flatten().copied());
    all.insert(("hauki".to_owned(), Table::Product), of_tool);
    for package in ["hauki-contract", "hauki-mquickjs"] {
        all.insert((package.to_owned(), Table::Product), BTreeSet::new());
    }
    let packages: Vec<String> = all.keys().map(|(package, _)| package.clone()).collect();
    for package in packages {
        all.insert((package.clone(), Table::Tests), BTreeSet::new());
        all.insert((package, Table::Build), BTreeSet::new());
    }
    for (package, table, besides) in BESIDES {
        let row = all.get_mut(&((*package).to_owned(), *table)).expect("has a row");
        row.extend(besides.iter().map(|name| (*name).to_owned()));
    }
    all
}

/// The picture again, of crates: more is in no manifest, so the compiler refuses the rest.
#[test]
fn a_crate_is_given_what_its_room_may_use() {
    let (asked, allowed) = (asked(Path::new(env!("CARGO_MANIFEST_DIR"))), allowed());
    for (of, crates) in &asked {
        assert_eq!(Some(crates), allowed.get(of), "{of:?}");
    }
    assert_eq!(asked.len(), allowed.len(), "a package for each row");
}

/// `pub` means public: what only looks so is refused by the compiler, where it is told to.
#[test]
fn every_crate_denies_what_is_public_for_nobody() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &Path| std::fs::read_to_string(path).expect("is there");
    let denied = |text: &str, table: &str| {
        let rest = text.split(&format!("\n[{table}]\n")).nth(1).unwrap_or_default();
        rest.lines()
            .take_while(|line| !line.starts_with('['))
            .any(|line| line == "unreachable_pub = \"deny\"")
    };
    let whole = read(&root.join("Cargo.toml"));
    assert!(denied(&whole, "workspace.lints.rust"));
    let crates = std::fs::read_dir(root.join("crates")).expect("is there");
    let manifests = crates.map(|entry| entry.expect("can be read").path().join("Cargo.toml"));
    for text in manifests.map(|path| read(&path)).chain([whole.clone()]) {
        assert!(text.contains("\n[lints]\nworkspace = true\n") || denied(&text, "lints.rust"), "{text}");
    }
}

#[test]
fn a_crate_is_seen_in_whatever_table_and_by_whatever_name_it_is_asked_for() {
    let asked_of = |table: &str| {
        let folder = tempfile::tempdir().expect("a directory");
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("is in a folder")).expect("can be made");
            std::fs::write(path, text).expect("can be written");
        };
        write("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"node\", \"control\"]\n");
        for (name, table) in [("node", table), ("control", "")] {
            let package =
                format!("[package]\nname = \"hauki-{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
            write(&format!("{name}/Cargo.toml"), &format!("{package}{table}"));
            write(&format!("{name}/src/lib.rs"), "");
        }
        let asked = asked(folder.path());
        let of = |table: Table| asked[&("hauki-node".to_owned(), table)].iter().cloned().collect::<Vec<_>>();
        (of(Table::Product).join(" "), of(Table::Tests).join(" "), of(Table::Build).join(" "))
    };
    let path = "path = \"../control\"";
    let (plain, none) = ("hauki-control".to_owned(), String::new());
    for table in [
        format!("[dependencies]\nhauki-control = {{ {path} }}\n"),
        format!("[dependencies.hauki-control]\n{path}\n"),
        format!("[target.'cfg(unix)'.dependencies]\nhauki-control = {{ {path} }}\n"),
        format!("[target.wasm32-unknown-unknown.dependencies.hauki-control]\n{path}\noptional = true\n"),
    ] {
        assert_eq!(asked_of(&table), (plain.clone(), none.clone(), none.clone()), "{table}");
    }
    let renamed = format!("[dependencies]\nx = {{ package = \"hauki-control\", {path} }}\n");
    assert_eq!(asked_of(&renamed), ("hauki-control as x".to_owned(), none.clone(), none.clone()));
    let tests = format!("[target.'cfg(unix)'.dev-dependencies]\nhauki-control = {{ {path} }}\n");
    assert_eq!(asked_of(&tests), (none.clone(), plain.clone(), none.clone()));
    let build = format!("[build-dependencies.hauki-control]\n{path}\n");
    assert_eq!(asked_of(&build), (none.clone(), none.clone(), plain));
    assert_eq!(asked_of(""), (none.clone(), none.clone(), none));
}
