//! Whether a word names two types.
//!
//! What is visible beyond its file is called by its name everywhere, so that name is nobody else's in the whole
//! workspace. What stays in its file may be called by a word of that file (`State`, `Inner`), but by none that means
//! a visible type elsewhere: whoever reads it there would take it for that one. Nor by one that stays in another file:
//! the few that do are listed, and none is added to them.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Item, Visibility};

use super::items::{attributes, is_test};

/// A type that is declared: in which file, and whether others see it.
type Declared<'a> = (&'a str, bool);

/// Words that stay in their files and are in several all the same. A list that only grows shorter.
const SHARED: &[&str] = &[
    "Answer", "Came", "Entry", "Envelope", "Inner", "Kept", "Leave", "Level", "Line", "Lines", "Message",
    "Numbered", "Of", "Open", "Order", "Pending", "Reader", "Row", "Seen", "Shared", "State", "Taken",
    "Text", "Told", "Trouble", "Waiting",
];

/// The names that mean more than one type, with the files of all that they mean.
pub(crate) fn named_twice(files: &BTreeMap<String, String>) -> Vec<String> {
    let types = types(files);
    let twice = types.iter().filter(|(_, found)| found.len() > 1 && found.iter().any(|(_, seen)| *seen));
    twice.map(tell).collect()
}

/// The names that mean more than one type, none of which is seen beyond its file.
fn shared(files: &BTreeMap<String, String>) -> Vec<String> {
    let types = types(files);
    let shared = types.iter().filter(|(_, found)| found.len() > 1 && found.iter().all(|(_, seen)| !*seen));
    shared.map(|(name, _)| name.clone()).collect()
}

fn tell((name, found): (&String, &BTreeSet<Declared<'_>>)) -> String {
    let files: Vec<&str> = found.iter().map(|(file, _)| *file).collect();
    format!("{name}: {}", files.join(", "))
}

fn types(files: &BTreeMap<String, String>) -> BTreeMap<String, BTreeSet<Declared<'_>>> {
    let mut types = BTreeMap::new();
    for (file, text) in files.iter().filter(|(file, _)| !is_of_tests(file)) {
        let items = syn::parse_file(text).expect("is Rust").items;
        declared(&items, file, &mut types);
    }
    types
}

pub(super) fn is_of_tests(file: &str) -> bool {
    file.contains("/tests/") || file.ends_with("tests.rs")
}

fn declared<'a>(items: &[Item], file: &'a str, types: &mut BTreeMap<String, BTreeSet<Declared<'a>>>) {
    for item in items.iter().filter(|item| !is_test(attributes(item))) {
        let (name, visibility) = match item {
            Item::Struct(item) => (&item.ident, &item.vis),
            Item::Enum(item) => (&item.ident, &item.vis),
            Item::Union(item) => (&item.ident, &item.vis),
            Item::Trait(item) => (&item.ident, &item.vis),
            Item::Type(item) => (&item.ident, &item.vis),
            Item::Mod(inner) => {
                declared(inner.content.as_ref().map_or(&[], |(_, items)| items), file, types);
                continue;
            }
            _ => continue,
        };
        let is_seen = !matches!(visibility, Visibility::Inherited);
        types.entry(name.to_string()).or_default().insert((file, is_seen));
    }
}

#[test]
fn no_word_names_two_types() {
    let twice = named_twice(&crate::FILES);
    assert!(twice.is_empty(), "these names mean more than one type:\n{}", twice.join("\n"));
}

#[test]
fn words_that_stay_in_their_files_are_shared_by_none_but_those_that_are_listed() {
    assert_eq!(shared(&crate::FILES), SHARED, "left: what is; right: what is listed");
    let files = [
        ("node/a.rs", "struct Held;"),
        ("cli/b.rs", "mod inner { enum Held {} }"),
        ("cli/c.rs", "pub struct Place;"),
    ];
    assert_eq!(shared(&files.map(|(file, text)| (file.to_owned(), text.to_owned())).into()), ["Held"]);
}

#[test]
fn a_word_with_two_meanings_is_found() {
    let told = |first: &str, second: &str| {
        let files = [("node/a.rs", first), ("cli/b.rs", second)];
        named_twice(&files.map(|(file, text)| (file.to_owned(), text.to_owned())).into())
    };
    let found = ["Place: cli/b.rs, node/a.rs".to_owned()];
    assert_eq!(told("pub struct Place;", "pub enum Place {}"), found);
    assert_eq!(told("pub(super) trait Place {}", "pub(crate) type Place = u8;"), found);
    assert_eq!(told("pub(crate) union Place { a: u8 }", "struct Place;"), found, "one stays in its file");
    assert_eq!(told("mod inner { pub struct Place; }", "pub struct Place;"), found);

    assert_eq!(told("struct State;", "struct State;"), [""; 0], "words of two files");
    assert_eq!(told("pub struct Place;", "#[cfg(test)] pub struct Place;"), [""; 0]);
    assert_eq!(told("pub struct Place;", "fn place() { struct Place; }"), [""; 0]);
    assert_eq!(told("pub struct Place;", "pub enum Found { Place }"), [""; 0]);
}
