//! The tests of the wall test: what a hole in the wall would look like, planted in sources that are made up.

use super::*;

/// Of a small house: `core` and `node` may not know each other, and of the parts of `core` the store is below
/// the service.
const HOUSE: [(&str, &str); 8] = [
    ("lib.rs", "pub mod core; pub mod node; pub mod sandbox; pub mod model;"),
    ("model.rs", "pub struct Id;"),
    ("sandbox.rs", "pub trait Driver {}"),
    ("node/mod.rs", "pub mod intake; pub use intake::Node; pub use crate::sandbox::Driver;"),
    ("node/intake.rs", "pub struct Node; pub fn begin() {}"),
    ("core/mod.rs", "pub mod forge; pub mod service; pub mod store; pub use service::Core;"),
    ("core/service.rs", "use super::store::Store; pub struct Core(pub Store); pub fn ask() {}"),
    ("core/store.rs", "use crate::model::Id; pub struct Store(pub Id);"),
];

/// The house is one crate.
pub(super) const LONE: &[Root<'_>] = &[Root { file: "lib.rs", name: "house", place: None }];

/// The house with `text` in `file`.
fn house(file: &str, text: &str) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> =
        HOUSE.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
    files.entry("core/forge.rs".to_owned()).or_default();
    files.insert(file.to_owned(), text.to_owned());
    files
}

/// What the forge names when it says `text`.
fn named(text: &str) -> Vec<String> {
    from("core::forge", &house("core/forge.rs", text))
}

fn from(place: &str, files: &BTreeMap<String, String>) -> Vec<String> {
    let sources = Sources::read(files, LONE);
    assert_eq!(sources.unread, Vec::<String>::new());
    let arrows = sources.arrows();
    let found = arrows.iter().filter(|arrow| arrow.from.join("::") == place);
    let names = found.map(|arrow| arrow.to.join("::"));
    names.filter(|name| !name.is_empty() && name != "core" && name != "node").collect()
}

#[test]
fn whoever_says_nothing_names_nobody() {
    assert!(named("").is_empty());
    assert!(named("pub fn f(node: u8) -> u8 { let sandbox = node; sandbox }").is_empty());
    assert!(named("use std::fmt::Debug; fn f() { core::mem::drop(1); ::core::mem::drop(1) }").is_empty());
    assert!(
        named("//! As [`crate::node::Node`].\n/// [`crate::sandbox`]\nfn f() {} // crate::node").is_empty()
    );
    assert!(named("fn f() -> &'static str { \"crate::node::Node\" }").is_empty());
    assert!(named("fn f() { format!(\"crate::node::Node\") }").is_empty());
    assert!(named("struct S { node: u8 } fn f(s: S) { s.node; s.node(); Self::node() }").is_empty());
}

#[test]
fn what_stands_behind_tests_is_seen_and_what_is_in_them_is_not() {
    let tests = "#[cfg(test)] mod tests { use crate::node::Node; }";
    assert!(named(tests).is_empty());
    let behind = format!("{tests} fn f() {{ crate::node::intake::begin() }}");
    assert_eq!(named(&behind), ["node::intake"]);
    assert!(named("#[cfg(all(test, unix))] fn f() { crate::node::intake::begin() }").is_empty());
    assert!(named("#[cfg(test)] use crate::node::Node;").is_empty());
    assert!(named("struct S; impl S { #[cfg(test)] fn f() { crate::node::intake::begin() } }").is_empty());
    // It is there without tests too.
    let either = "#[cfg(any(test, unix))] fn f() { crate::node::intake::begin() }";
    assert_eq!(named(either), ["node::intake"]);
    assert_eq!(named("#[cfg(not(test))] fn f() { crate::node::intake::begin() }"), ["node::intake"]);
    let beside = "struct S; impl S { #[cfg(test)] fn f() {} fn g() { crate::node::intake::begin() } }";
    assert_eq!(named(beside), ["node::intake"]);
}

#[test]
fn groups_renames_and_globs_are_followed() {
    let grouped = "use crate::{node::intake::Node as _N, sandbox::Driver as _D};";
    assert_eq!(named(grouped), ["node::intake", "sandbox"]);
    assert_eq!(named("use crate::{self as all, node as n}; fn f() { n::intake::begin() }"), ["node::intake"]);
    assert_eq!(named("use crate as c; fn f() { c::node::intake::begin() }"), ["node::intake"]);
    assert_eq!(named("use crate::node::{self, intake::{self}};"), ["node::intake"]);
    assert_eq!(named("fn f() { use crate::node::intake as i; i::begin() }"), ["node::intake"]);
    assert_eq!(named("use crate::*; fn f() { sandbox::x() }"), ["sandbox"]);
    assert_eq!(named("use crate::r#node::r#intake;"), ["node::intake"]);
    // Whoever takes everything is charged with what that holds.
    assert_eq!(named("use crate::node::*;"), ["node::intake", "sandbox"]);
}

#[test]
fn ways_upward_and_around_are_followed() {
    assert_eq!(named("fn f() { super::super::node::intake::begin() }"), ["node::intake"]);
    assert_eq!(named("use super::super::sandbox as s;"), ["sandbox"]);
    assert_eq!(named("mod inner { fn f() { super::super::super::sandbox::x() } }"), [""; 0]);
    let inner = house("core/forge.rs", "mod inner { fn f() { super::super::super::sandbox::x() } }");
    assert_eq!(from("core::forge::inner", &inner), ["sandbox"]);
    // A thing that somebody hands on is of where it comes from.
    assert_eq!(named("use crate::node::Driver;"), ["sandbox"]);
    assert_eq!(named("fn f() -> crate::node::Node { todo!() }"), ["node::intake"]);
    let handed_on = house("core/service.rs", "pub use crate::node::intake as hidden;");
    assert_eq!(from("core::service", &handed_on), ["node::intake"]);
    let mut taken = handed_on;
    taken.insert("core/forge.rs".into(), "use super::service::hidden::begin;".into());
    assert_eq!(from("core::forge", &taken), ["core::service", "node::intake"]);
}

#[test]
fn macros_attributes_and_the_corners_of_the_language_hide_nothing() {
    assert_eq!(named("fn f() { assert!(crate::node::intake::begin() == ()) }"), ["node::intake"]);
    assert_eq!(named("macro_rules! m { () => { $crate::node::intake::begin() } }"), ["node::intake"]);
    assert_eq!(named("m! { use crate::{node::intake::begin as b, model}; }"), ["model", "node::intake"]);
    assert_eq!(named("fn f() { tokio::select! { _ = a => crate::sandbox::x(), } }"), ["sandbox"]);
    assert_eq!(named("#[derive(D)] struct S { #[serde(with = \"crate::sandbox\")] a: u8 }"), ["sandbox"]);
    assert_eq!(named("struct S { a: crate::node::Node }"), ["node::intake"]);
    assert_eq!(named("fn f() { for _ in 0..crate::sandbox::LIMIT {} }"), ["sandbox"]);
    assert_eq!(named("fn f() { <crate::node::Node as Clone>::clone() }"), ["node::intake"]);
    assert_eq!(named("fn f<'a>() -> Vec::<crate::node::Node> { todo!() }"), ["node::intake"]);
    assert_eq!(named("pub(in crate::core) fn f() { g::<{ crate::sandbox::N }>() }"), ["sandbox"]);
}

#[test]
fn inside_of_a_room_the_parts_are_told_apart() {
    let store = |text: &str| from("core::store", &house("core/store.rs", text));
    assert_eq!(store("use super::service::Core;"), ["core::service"]);
    assert_eq!(store("use super::Core;"), ["core::service"]);
    assert_eq!(store("fn f() { crate::core::service::ask() }"), ["core::service"]);
    assert_eq!(store("use crate::core as c; fn f() { c::service::ask() }"), ["core::service"]);
    assert_eq!(store("use super::*;"), ["core::service"]);
}

#[test]
fn files_are_found_where_the_compiler_finds_them() {
    let mut files = house("core/forge.rs", "#[path = \"hidden/away.rs\"] mod away; mod plain;");
    files.insert("core/hidden/away.rs".into(), "use crate::node::Node; mod deeper;".into());
    files.insert("core/hidden/deeper.rs".into(), "use crate::sandbox::Driver;".into());
    files.insert("core/forge/plain.rs".into(), "use super::super::super::sandbox::Driver;".into());
    files.insert("core/orphan.rs".into(), String::new());
    assert_eq!(from("core::forge::away", &files), ["node::intake"]);
    assert_eq!(from("core::forge::away::deeper", &files), ["sandbox"]);
    assert_eq!(from("core::forge::plain", &files), ["sandbox"]);
    let sources = Sources::read(&files, LONE);
    let orphans: Vec<&String> = files.keys().filter(|file| !sources.reached.contains(*file)).collect();
    assert_eq!(orphans, ["core/orphan.rs"]);
}

#[test]
fn what_cannot_be_followed_is_told() {
    for text in [
        "include!(\"../node/intake.rs\");",
        "fn f() { include!(\"body.rs\") }",
        "extern crate self as other;",
        "#[cfg_attr(unix, path = \"../node/intake.rs\")] mod hidden;",
        "#[path = \"../node/intake.rs\"] mod hidden;",
        "mod nowhere;",
        "fn f( {",
    ] {
        let files = house("core/forge.rs", text);
        assert!(!Sources::read(&files, LONE).unread.is_empty(), "{text}");
    }
}

/// Three crates: `base` at the root of all, `node` and `control` as rooms of their own, and a program.
const SEVERAL: &[Root<'_>] = &[
    Root { file: "lib.rs", name: "base", place: None },
    Root { file: "node/mod.rs", name: "its_node", place: Some("node") },
    Root { file: "control/mod.rs", name: "its_control", place: Some("control") },
    Root { file: "main.rs", name: "", place: Some("main.rs") },
];

/// What `place` names if `text` is in `file` of those.
fn among_crates(place: &str, file: &str, text: &str) -> Vec<String> {
    let mut files = BTreeMap::from(
        [
            ("lib.rs", "pub mod model;"),
            ("model.rs", "pub struct Id;"),
            ("node/mod.rs", "pub mod vault; pub mod gate;"),
            ("node/vault.rs", ""),
            ("node/gate.rs", "pub fn x() {}"),
            ("control/mod.rs", "pub fn y() {}"),
            ("main.rs", "fn main() {}"),
        ]
        .map(|(file, text)| (file.to_owned(), text.to_owned())),
    );
    files.insert(file.to_owned(), text.to_owned());
    let sources = Sources::read(&files, SEVERAL);
    assert_eq!(sources.unread, Vec::<String>::new());
    let found = sources.arrows().into_iter().filter(|arrow| arrow.from.join("::") == place);
    let parts = found.filter(|arrow| arrow.to.len() < 3).map(|arrow| arrow.to.join("::"));
    parts.filter(|to| !to.is_empty() && to != "node").collect()
}

#[test]
fn a_crate_is_followed_by_whatever_name_it_goes() {
    let vault = |text: &str| among_crates("node::vault", "node/vault.rs", text);
    for upward in [
        "use crate as c; fn f() { c::gate::x() }",
        "use crate::{self as c}; fn f() { c::gate::x() }",
        "use {crate as c}; fn f() { c::gate::x() }",
        "use crate as c; use c as d; fn f() { d::gate::x() }",
        "mod inner { pub use crate as c; } use inner::c; fn f() { c::gate::x() }",
        "fn f() { crate :: gate :: x() }",
        "m! { crate\n::gate::x() }",
        "use super as s; fn f() { s::gate::x() }",
        "use crate::*; fn f() { gate::x() }",
        "fn f() { its_node::gate::x() }",
    ] {
        assert_eq!(vault(upward), ["node::gate"], "{upward}");
    }
    for across in [
        "fn f() { its_control::y() }",
        "fn f() { ::its_control::y() }",
        "use its_control as c; fn f() { c::y() }",
        "use its_control; fn f() { its_control::y() }",
        "use its_control::*;",
        "use ::{its_control as c}; fn f() { c::y() }",
    ] {
        assert_eq!(vault(across), ["control"], "{across}");
    }
    assert_eq!(vault("use base::model::Id; fn f() { base::model::g() }"), ["model"]);
    assert_eq!(vault("use crate::model::Id;"), [""; 0], "it has no such module, and the compiler says so");
}

#[test]
fn what_the_root_of_a_library_hands_on_is_followed() {
    assert_eq!(among_crates("", "lib.rs", "pub mod model; pub use its_control as c;"), ["control"]);
    let mut files = BTreeMap::from(HOUSE.map(|(file, text)| (file.to_owned(), text.to_owned())));
    files.insert(
        "lib.rs".to_owned(),
        "#[cfg(unix)] mod a { use crate::b::X; } #[cfg(not(unix))] mod a {} pub mod b { pub struct X; }"
            .to_owned(),
    );
    let arrows = Sources::read(&files, LONE).arrows();
    assert!(arrows.iter().any(|arrow| arrow.from == ["a"] && arrow.to == ["b"]), "{arrows:?}");
}

#[test]
fn a_program_is_held_by_whatever_name_it_calls_its_library() {
    for text in [
        "use its_node::gate; fn main() { gate::x() }",
        "use its_node as n; fn main() { n::gate::x() }",
        "use its_node::*; fn main() { gate::x() }",
        "fn main() { ::its_node::gate::x() }",
    ] {
        assert_eq!(among_crates("main.rs", "main.rs", text), ["node::gate"], "{text}");
    }
}

#[test]
fn names_of_other_crates_are_told_in_full() {
    let text =
        "use serde_json as j; use serde_json::from_slice as read; fn f() { j::from_str(\"\"); read(b\"\") }";
    let text = &format!("{text} fn g() {{ drop(::serde_yaml::from_str(\"\")) }}");
    let files = house("core/forge.rs", text);
    let sources = Sources::read(&files, LONE);
    let foreign = sources.foreign();
    let has = |path: &[&str]| {
        foreign.iter().any(|(file, found)| {
            *file == "core/forge.rs" && found.iter().map(String::as_str).eq(path.iter().copied())
        })
    };
    assert!(has(&["serde_yaml", "from_str"]), "{foreign:?}");
    assert!(has(&["serde_json", "from_str"]) && has(&["serde_json", "from_slice"]), "{foreign:?}");
}
