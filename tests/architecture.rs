//! The allowed directions between the rooms of the house, and between the parts inside the two largest ones.
//!
//! Between crates the compiler is the wall, and what stands in their manifests is held against the picture here.
//! Within a crate this test is: `walls` reads who names whom, in all crates as if they were one, and the tables
//! below say who may. An exception that nobody needs any more fails as well: a wall is not opened again unseen.
//! A binary of its own: it reads sources and is linked with none of them, so its answer comes first.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

#[path = "support/walls/mod.rs"]
mod walls;

use walls::{
    Arrow, Root, Sources, begins, in_any_case, is_made_anyhow, past_the_assembly, past_the_failures,
    past_the_ledger, past_the_register, says,
};

/// How documents are read: everybody's, so it is in no row below.
const FOR_ALL: &str = "strict";

/// For each room, the rooms that it may use besides itself.
const MAY_USE: &[(&str, &[&str])] = &[
    (FOR_ALL, &[]),
    ("model", &[]),
    ("lang", &["model", "rpc", "system"]),
    ("system", &["model"]),
    ("rpc", &["model", "system"]),
    ("jail", &["rpc"]),
    ("vault", &["jail", "rpc", "lang", "model"]),
    ("runner", &["jail", "rpc", "lang", "model"]),
    ("compile", &["jail", "rpc", "lang", "model"]),
    ("api", &["model", "rpc", "system"]),
    ("client", &["api", "model", "rpc", "lang", "system"]),
    ("cli", &["client", "api", "model", "rpc", "system"]),
    ("mcp", &["client", "api", "model", "rpc", "lang", "system"]),
    ("control", &["api", "model", "rpc", "system"]),
    ("sandbox", &["model", "rpc", "system"]),
    ("node", &["api", "model", "rpc", "sandbox", "system"]),
    ("daemon", &["api", "control", "model", "node", "sandbox", "system"]),
];

/// The binaries are shells: each calls its room, and what must be done before any room is entered.
const BINARIES: &[(&str, &[&str])] = &[
    ("main.rs", &["cli", "system"]),
    ("bin/haukid.rs", &["daemon", "sandbox", "system"]),
    ("bin/hauki-vault.rs", &["vault"]),
    ("bin/hauki-script.rs", &["runner"]),
    ("bin/hauki-mcp.rs", &["mcp"]),
    ("bin/hauki-compile.rs", &["compile"]),
];

/// The rooms whose parts have an order: from the bottom up, as the room's `lib.rs` declares them. Each may use those
/// before it.
const ORDERED: &[&str] = &["control", "node"];

/// Where today's code runs upward all the same. None may be added; each that goes is taken out here.
const UPWARD: &[(&str, &str, &str, &str)] = &[
    ("node", "calls", "gate", "a call knows whom to answer, and only the gate can"),
    (
        "node",
        "calls",
        "deadline_errors",
        "the sentences about a call that was too late stand in a file of their own",
    ),
    (
        "node",
        "inbound",
        "supervisor",
        "the reader of a vault's frames is a part of its supervisor, in its own file",
    ),
    ("node", "gate", "inbound", "the gate counts a line as the channel's frame will"),
    ("node", "gate", "vault", "a session hands its calls to the vault, which hands answers to the session"),
    ("node", "supervisor", "forge", "a supervisor says in the words of the forge why nothing came to be"),
    ("node", "outbound", "vault", "what a vault asks for outside is answered to that vault"),
];

/// Who reads JSON or YAML past `strict`, and why that is no fault.
const READ_FOR_THEMSELVES: &[(&str, &str)] = &[
    ("strict", "it is what the others use"),
    ("lang/engine", "within a vault or the runner, what the engine and our own prelude have written"),
    ("rpc/message.rs", "the envelope of a request: an object by its first letter, and its members stay text"),
    ("cli/record.rs", "what this very process has written"),
    ("control/routes/older.rs", "what this very process has written"),
    ("control/ledger/record.rs", "what this core has written into its store, under a checksum"),
    ("sandbox/lxc/protocol.rs", "the daemon and the spawner that it started, of one build"),
];

/// Where the wall ends: what a fake reads was written by a test.
const FAKES: &[&str] = &["control/fake_node", "sandbox/fake.rs"];

/// Who names a phase or a key past the ledger all the same. It is compared against what is there, as above.
const PAST_THE_LEDGER: &[(&str, &str)] =
    &[("control/vaults/listing.rs", "what is shown of a vault, as its node says; the record stays as it is")];

/// Where the store is written whatever stands there, and how often; the reasons stand there.
const IN_ANY_CASE: &[(&str, usize)] = &[
    ("control/ledger/forging.rs", 1),
    ("control/ledger/idempotency_keys.rs", 2),
    ("control/ledger/term.rs", 1),
    ("control/spool.rs", 1),
    ("control/summon.rs", 1),
];

fn files_below(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("the folder is there") {
        let path = entry.expect("can be read").path();
        if path.is_dir() {
            files_below(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// Crates of one room each, by their folders below `crates/`.
const OWN_CRATE: &[&str] =
    &["lang", "jail", "vault", "runner", "compile", "client", "mcp", "sandbox", "node", "control", "daemon"];

/// The rooms that are one crate, `crates/contract`.
const CONTRACT: &[&str] = &["strict", "model", "rpc", "api", "system"];

/// What the library of the tool shows of the others. More stands in no root that several rooms have.
const SHOWN: &[&str] = &["api", "client", "model", "rpc"];

/// Every source, by its room and its path there.
static FILES: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = BTreeMap::new();
    let mut take = |below: PathBuf, name: &dyn Fn(&str) -> String| {
        let mut files = Vec::new();
        files_below(&below, &mut files);
        for file in files {
            let path = file.strip_prefix(&below).expect("is below").to_str().expect("is text");
            let text = fs::read_to_string(&file).expect("can be read");
            assert!(all.insert(name(path), text).is_none(), "{path} of two crates");
        }
    };
    take(root.join("src"), &str::to_owned);
    take(root.join("crates/contract/src"), &|path| match path {
        "lib.rs" => "contract.rs".to_owned(),
        path => path.to_owned(),
    });
    for room in OWN_CRATE {
        take(root.join("crates").join(room).join("src"), &|path| match path {
            "main.rs" => format!("bin/hauki-{room}.rs"),
            "lib.rs" => format!("{room}/mod.rs"),
            path => format!("{room}/{path}"),
        });
    }
    all
});

/// The crates as if they were one, where each of [`OWN_CRATE`] is a room.
static ROOTS: LazyLock<Vec<Root<'static>>> = LazyLock::new(|| {
    let leak = |text: String| -> &'static str { text.leak() };
    let own = OWN_CRATE.iter().map(|room| Root {
        file: leak(format!("{room}/mod.rs")),
        name: leak(format!("hauki_{room}")),
        place: Some(*room),
    });
    let binaries = BINARIES.iter().map(|(file, _)| Root { file, name: "", place: Some(*file) });
    let shared = [("lib.rs", "hauki"), ("contract.rs", "hauki_contract")];
    let shared = shared.map(|(file, name)| Root { file, name, place: None });
    shared.into_iter().chain(own).chain(binaries).collect()
});

static LIBRARY: LazyLock<Sources<'static>> = LazyLock::new(|| Sources::read(&FILES, &ROOTS));
static ARROWS: LazyLock<BTreeSet<Arrow>> = LazyLock::new(|| LIBRARY.arrows());

/// The rooms named in arrows, with the places where that is done.
fn rooms(arrows: impl IntoIterator<Item = Arrow>) -> BTreeMap<(String, String), String> {
    let named =
        arrows.into_iter().filter(|arrow| !arrow.to.is_empty() && arrow.from.first() != arrow.to.first());
    let rooms = named.map(|arrow| {
        let from = arrow.from.first().cloned().unwrap_or_default();
        ((from, arrow.to[0].clone()), format!("{} names {}", arrow.from.join("::"), arrow.to.join("::")))
    });
    rooms.collect()
}

#[test]
fn every_room_uses_only_what_the_picture_allows() {
    let mut table: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    table.insert("", SHOWN);
    let is_binary =
        |arrow: &&Arrow| BINARIES.iter().any(|(file, _)| arrow.from.first().is_some_and(|from| from == file));
    let wrong: Vec<String> = rooms(ARROWS.iter().filter(|arrow| !is_binary(arrow)).cloned())
        .into_iter()
        .filter(|((from, to), _)| to != FOR_ALL && !table[from.as_str()].contains(&to.as_str()))
        .map(|(_, told)| told)
        .collect();
    assert!(wrong.is_empty(), "forbidden directions:\n{}", wrong.join("\n"));
    assert_eq!(LIBRARY.declared(&[]), [""; 0], "a root of several rooms declares them and nothing else");
}

#[test]
fn every_binary_is_a_shell_around_its_room() {
    for (file, allowed) in BINARIES {
        let own = ARROWS.iter().filter(|arrow| arrow.from.first().is_some_and(|from| from == file));
        let used = rooms(own.cloned());
        let used: Vec<&str> = used.keys().map(|(_, room)| room.as_str()).collect();
        assert_eq!(used, *allowed, "{file}");
    }
}

/// What a crate is made of, in the order of its root.
fn parts(room: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("crates/{room}/src/lib.rs"));
    let file = syn::parse_file(&fs::read_to_string(root).expect("is there")).expect("is Rust");
    let parts = file.items.into_iter().filter_map(|item| match item {
        syn::Item::Mod(part) if !part.attrs.iter().any(|attribute| attribute.path().is_ident("cfg")) => {
            Some(part)
        }
        _ => None,
    });
    parts.map(|part| part.ident.to_string()).collect()
}

#[test]
fn inside_a_room_nothing_new_runs_upward() {
    for room in ORDERED {
        let order = parts(room);
        assert_eq!(LIBRARY.declared(&[room]), [""; 0], "{room}/mod.rs declares and re-exports");
        let known: BTreeSet<&str> = order.iter().map(String::as_str).collect();
        let parts: BTreeSet<&str> = LIBRARY.parts(room).into_iter().collect();
        assert_eq!(known, parts, "the parts of {room} and their order");
        let height = |part: &str| order.iter().position(|other| *other == part);
        let (mut wrong, mut used) = (Vec::new(), BTreeSet::new());
        for arrow in ARROWS.iter().filter(|arrow| arrow.from.len() > 1 && arrow.to.len() > 1) {
            let (from, to) = (arrow.from[1].as_str(), arrow.to[1].as_str());
            if arrow.from[0] != *room || arrow.to[0] != *room || height(to) <= height(from) {
                continue;
            }
            let known =
                UPWARD.iter().find(|(of, lower, upper, _)| (*of, *lower, *upper) == (*room, from, to));
            match known {
                Some((_, lower, upper, _)) => drop(used.insert((*lower, *upper))),
                None => wrong.push(format!("{} names {}", arrow.from.join("::"), arrow.to.join("::"))),
            }
        }
        assert!(wrong.is_empty(), "upward in {room}:\n{}", wrong.join("\n"));
        let listed = UPWARD.iter().filter(|(of, ..)| of == room).map(|(_, lower, upper, _)| (*lower, *upper));
        let idle: Vec<_> = listed.filter(|pair| !used.contains(pair)).collect();
        assert!(idle.is_empty(), "no longer upward, so no exceptions any more: {idle:?}");
    }
}

#[test]
fn every_source_is_read_and_every_room_is_in_the_table() {
    assert_eq!(LIBRARY.unread, Vec::<String>::new(), "what cannot be followed is forbidden");
    let orphans: Vec<&String> = FILES.keys().filter(|file| !LIBRARY.reached.contains(*file)).collect();
    assert!(orphans.is_empty(), "no `mod` and no table names {orphans:?}");
    for file in FILES.keys().filter(|file| !file.starts_with("bin/")) {
        if let Some((room, _)) = file.split_once('/') {
            assert!(MAY_USE.iter().any(|(known, _)| *known == room), "{room} has no row in the table");
        }
    }
}

/// That the record's fields are nobody else's is the compiler's; that nobody goes around it is held here.
#[test]
fn the_ledger_is_the_only_writer_of_what_it_keeps() {
    let (mut wrong, mut used) = (BTreeSet::new(), BTreeSet::new());
    for (file, text) in FILES.iter().filter(|(file, _)| file.starts_with("control/")) {
        let is_test = file.starts_with("control/tests/") || file.ends_with("tests.rs");
        if is_test || file.starts_with("control/ledger/") || FAKES.iter().any(|fake| file.starts_with(fake)) {
            continue;
        }
        for found in past_the_ledger(text) {
            match PAST_THE_LEDGER.iter().find(|(place, _)| place == file) {
                Some((place, _)) => drop(used.insert(*place)),
                None => drop(wrong.insert(format!("{file}: {found}"))),
            }
        }
    }
    assert!(wrong.is_empty(), "written past the ledger:\n{wrong:#?}");
    let idle: Vec<&&str> =
        PAST_THE_LEDGER.iter().map(|(place, _)| place).filter(|place| !used.contains(*place)).collect();
    assert!(idle.is_empty(), "no exceptions any more: {idle:?}");
    let record = syn::parse_file(&FILES["control/ledger/vault.rs"]).expect("is Rust");
    let record = record.items.iter().find_map(|item| match item {
        syn::Item::Struct(item) if item.ident == "VaultRecord" => Some(item),
        _ => None,
    });
    let fields = &record.expect("is there").fields;
    assert!(
        fields.iter().all(|field| matches!(field.vis, syn::Visibility::Inherited)),
        "whoever sees it sets it"
    );
}

/// Another core may have written since: what was seen is checked where it is written, or nothing hangs on it.
#[test]
fn what_is_written_rests_on_what_was_seen() {
    assert!(!is_made_anyhow(&FILES["control/store/mod.rs"]), "a transaction begins with what it rests on");
    let mut found = BTreeMap::new();
    for (file, text) in FILES.iter().filter(|(file, _)| file.starts_with("control/")) {
        let is_test = file.starts_with("control/tests/") || file.ends_with("tests.rs");
        // It is made there.
        if is_test || file == "control/store/mod.rs" || file == "control/store/conformance.rs" {
            continue;
        }
        let reasons = in_any_case(text);
        assert!(reasons.iter().all(Option::is_some), "{file}: a reason is a sentence");
        found.extend((!reasons.is_empty()).then_some((file.as_str(), reasons.len())));
    }
    assert_eq!(found, IN_ANY_CASE.iter().copied().collect(), "written in any case");
}

/// Each has a kind, a name and a policy there, and is ended with the process.
#[test]
fn background_tasks_are_begun_by_their_register_and_by_nobody_else() {
    let concerned = |file: &str| {
        let rooms = ["control/", "daemon/", "node/", "sandbox/"];
        let is_test = file.contains("/tests/") || file.ends_with("tests.rs");
        rooms.iter().any(|room| file.starts_with(room)) && !is_test
    };
    let named = LIBRARY.foreign().into_iter().filter(|(_, path)| begins(path));
    let mut wrong: BTreeSet<String> = named
        .filter(|(file, _)| concerned(file))
        .map(|(file, path)| format!("{file}: {}", path.join("::")))
        .collect();
    for (file, text) in FILES.iter().filter(|(file, _)| concerned(file)) {
        wrong.extend(past_the_register(text).into_iter().map(|found| format!("{file}: {found}")));
    }
    assert!(wrong.is_empty(), "begun past system::tasks:\n{wrong:#?}");
}

/// A phase names the parts that it may touch, in fields of its own; that nobody has the whole is held here.
#[test]
fn the_core_is_only_the_assembly() {
    let mut wrong = Vec::new();
    for (file, text) in FILES.iter().filter(|(file, _)| file.starts_with("control/")) {
        if file.starts_with("control/tests/") || file.ends_with("tests.rs") {
            continue;
        }
        let assembles = file == "control/service.rs" || file.starts_with("control/service/");
        wrong.extend(past_the_assembly(text, assembles).into_iter().map(|found| format!("{file}: {found}")));
    }
    assert!(wrong.is_empty(), "past the assembly:\n{wrong:#?}");
}

/// Everywhere else it is told what failed, and why; what that is to a client is judged once.
#[test]
fn errors_of_the_api_are_made_of_failures_in_one_place() {
    let mut wrong = Vec::new();
    for (file, text) in FILES.iter().filter(|(file, _)| file.starts_with("control/")) {
        let is_test = file.starts_with("control/tests/") || file.ends_with("tests.rs");
        if is_test || file == "control/api_error.rs" {
            continue;
        }
        wrong.extend(past_the_failures(text).into_iter().map(|found| format!("{file}: {found}")));
    }
    assert!(wrong.is_empty(), "made past api_error:\n{wrong:#?}");
}

#[test]
fn no_file_is_longer_than_four_hundred_lines() {
    let long: Vec<String> = FILES
        .iter()
        .map(|(file, text)| (file, text.lines().count()))
        .filter(|(_, lines)| *lines > 400)
        .map(|(file, lines)| format!("{file} has {lines} lines"))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// Whether a path of another crate is a reader of documents, or all of such a crate.
fn reads(path: &[String]) -> bool {
    let Some((library, rest)) = path.split_first() else { return false };
    let is_reader =
        |name: &String| name.starts_with("from_") || name.ends_with("Deserializer") || name == "de";
    ["serde_json", "serde_yaml"].contains(&library.as_str()) && rest.first().is_some_and(is_reader)
}

/// Whether a path of another crate is a clock of the kernel.
fn is_clock(path: &[String]) -> bool {
    let ends =
        |with: &[&str]| path.ends_with(&with.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    ends(&["clock_gettime"]) || ends(&["SystemTime", "now"]) || ends(&["Instant", "now"])
}

#[test]
fn the_kernels_clocks_are_read_in_one_place() {
    let all = LIBRARY.foreign();
    let read: BTreeSet<&str> = all.iter().filter(|(_, path)| is_clock(path)).map(|(file, _)| *file).collect();
    assert_eq!(read, BTreeSet::from(["system/clock/kernel.rs", "system/clock/timer.rs"]));
}

/// What a store is made of is its own matter: neither its trait nor its errors know.
#[test]
fn a_database_is_named_by_its_own_store_only() {
    let all = LIBRARY.foreign();
    let named = all.iter().filter(|(_, path)| path[0] == "rusqlite").map(|(file, _)| *file);
    let product: BTreeSet<&str> = named.filter(|file| !file.contains("tests")).collect();
    let own = ["check", "index_repair", "listing", "schema", "sqlite", "verify", "writer"]
        .map(|file| format!("control/store/{file}.rs"));
    assert_eq!(product, own.iter().map(String::as_str).collect());
    // Nor does what an operator is told, but by its own words.
    let is_others = |file: &str| {
        let is_test =
            file.ends_with("tests.rs") || file.contains("/tests/") || file.ends_with("conformance.rs");
        file.starts_with("control/") && !is_test && !own.iter().any(|own| own == file)
    };
    let told: Vec<_> = FILES
        .iter()
        .filter(|(file, _)| is_others(file))
        .map(|(file, text)| (file, says(text, "sqlite")))
        .collect();
    let told: Vec<_> = told.into_iter().filter(|(_, texts)| !texts.is_empty()).collect();
    assert!(told.is_empty(), "a database is named in {told:#?}");
}

#[test]
fn documents_are_read_by_strict_and_by_nobody_else() {
    let (mut wrong, mut used) = (BTreeSet::new(), BTreeSet::new());
    for (file, path) in LIBRARY.foreign() {
        if !reads(&path) || FAKES.iter().any(|fake| file.starts_with(fake)) {
            continue;
        }
        match READ_FOR_THEMSELVES.iter().find(|(place, _)| file.starts_with(place)) {
            Some((place, _)) => drop(used.insert(*place)),
            None => drop(wrong.insert(format!("{file}: {}", path.join("::")))),
        }
    }
    assert!(wrong.is_empty(), "documents are read past crate::strict:\n{wrong:#?}");
    let idle: Vec<&&str> =
        READ_FOR_THEMSELVES.iter().map(|(place, _)| place).filter(|place| !used.contains(*place)).collect();
    assert!(idle.is_empty(), "no exceptions any more: {idle:?}");
}

/// Who besides the drivers' own room speaks of one of them, and why a second one changes nothing there.
const SPEAKS_OF_A_DRIVER: &[(&str, &str)] = &[
    ("model/config.rs", "the default of node.sandbox, a text as the default of every other key"),
    ("api/endpoints.rs", "an address that callers know since there was one driver"),
    ("control/manifest.rs", "what the control plane can, in the words of its callers"),
    ("control/install/mod.rs", "a hint at what the loader of another machine has said is missing"),
    ("cli/commands/doctor.rs", "a hint at what the loader of this machine has said is missing"),
];

/// What a source says with its tests and comments left out.
fn said(text: &str) -> impl Iterator<Item = &str> {
    let product = text.lines().take_while(|line| line.trim() != "#[cfg(test)]");
    product.map(|line| line.split("//").next().unwrap_or_default())
}

#[test]
fn a_driver_is_named_by_the_room_of_sandboxes_only() {
    let names = |file: &&String| said(&FILES[*file]).any(|line| line.to_ascii_lowercase().contains("lxc"));
    let outside = |file: &&String| !file.starts_with("sandbox/") && LIBRARY.reached.contains(*file);
    let named: BTreeSet<&str> = FILES.keys().filter(outside).filter(names).map(String::as_str).collect();
    let allowed: BTreeSet<&str> = SPEAKS_OF_A_DRIVER.iter().map(|(file, _)| *file).collect();
    assert_eq!(named, allowed, "a second driver is a folder of the sandboxes' room and nothing else");
}
