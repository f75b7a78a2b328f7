//! Module headers: whether a file's first sentence names what is in it.
//!
//! Whoever opens a file reads that sentence first, so it begins with a thing that the field has a word for
//! (`Token bucket: how much ...`) and not with a question that the file then answers (`How much ...`). What
//! follows may be a picture. A sentence that nobody can hold in mind names nothing either.

use std::collections::BTreeMap;

use super::names::is_of_tests;

/// With these a sentence asks, or says where it leads, and has named nothing yet.
const NAMELESS: &[&str] = &[
    "What",
    "Where",
    "When",
    "Whether",
    "How",
    "Why",
    "Who",
    "Whose",
    "Which",
    "From",
    "Between",
    "Under",
    "On",
    "Here",
    "This",
    "Everything",
];

/// In words.
const LONGEST: usize = 40;

/// Files whose header is not there, names nothing at first, or takes too long for it.
fn nameless(files: &BTreeMap<String, String>) -> Vec<String> {
    let files = files.iter().filter(|(file, _)| !is_of_tests(file));
    files.filter_map(|(file, text)| fault(text).map(|fault| format!("{file}: {fault}"))).collect()
}

fn fault(text: &str) -> Option<String> {
    let header = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
    let paragraph: Vec<&str> = header.take_while(|line| !line.is_empty()).collect();
    let paragraph = paragraph.join(" ");
    let sentence = paragraph.split_once(". ").map_or(&*paragraph, |(sentence, _)| sentence);
    let words: Vec<&str> = sentence.split_whitespace().collect();
    match words.first() {
        None => Some("has no header".to_owned()),
        Some(first) if NAMELESS.contains(first) => Some(format!("begins with a question: {sentence}")),
        Some(_) if words.len() > LONGEST => Some(format!("{} words: {sentence}", words.len())),
        Some(_) => None,
    }
}

#[test]
fn the_first_sentence_of_each_module_names_something() {
    let nameless = nameless(&crate::FILES);
    assert!(nameless.is_empty(), "headers:\n{}", nameless.join("\n"));
}

#[test]
fn a_header_that_names_nothing_is_found() {
    let found = |text: &str| nameless(&[("node/a.rs".to_owned(), text.to_owned())].into()).len();
    assert_eq!(found("//! Token bucket: how much is done.\n//!\n//! What follows may ask.\n"), 0);
    assert_eq!(found("//! How much is done: a token bucket.\n"), 1, "it asks first");
    assert_eq!(found("use std::fs;\n//! Token bucket.\n"), 1, "it does not begin with it");
    assert_eq!(found("//!\n//! Token bucket.\n"), 1, "nothing stands in its first line");
    let long = |words: usize| {
        format!("//! {}\n//! last. Another one.\n", "word\n//! ".repeat(words - 1).trim_end_matches("\n//! "))
    };
    assert_eq!((found(&long(LONGEST)), found(&long(LONGEST + 1))), (0, 1));
    assert_eq!(
        nameless(&[("node/tests/a.rs".to_owned(), String::new())].into()),
        [""; 0],
        "tests are named by what they say"
    );
}
