//! What is done in one way in the whole house, and what that way is taken past with.
//!
//! Told are a clock that is read through a method (`elapsed`), an error that a log line tells without its causes
//! (`%error`), and words of the house where the field has one of its own.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;

use super::items::{attributes, is_test};
use super::names::is_of_tests;

/// House words for what the field calls otherwise, and what it says. None comes back.
const HOUSE_WORDS: [(&str, &str); 9] = [
    ("bench", "processor"),
    ("brake", "cancel"),
    ("clerk", "processor"),
    ("desk", "the API's name"),
    ("ear", "presence"),
    ("keeper", "supervisor"),
    ("outbox", "reply_queue"),
    ("plane", "runtime"),
    ("vigil", "spin"),
];

/// A command of the tool is called so by those who type it.
const COMMANDS: [&str; 1] = ["bench"];

/// The places in the product's part of a source.
fn past_the_way(text: &str) -> Vec<String> {
    let file = syn::parse_file(text).expect("is Rust");
    let mut found = Vec::new();
    for item in file.items.iter().filter(|item| !is_test(attributes(item))) {
        look(item.to_token_stream(), &mut found);
    }
    found
}

fn look(tokens: TokenStream, found: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let sign = |at: Option<usize>, sign: char| matches!(at.and_then(|at| tokens.get(at)), Some(TokenTree::Punct(punct)) if punct.as_char() == sign);
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => look(group.stream(), found),
            TokenTree::Ident(word) if word == "elapsed" && sign(at.checked_sub(1), '.') => {
                found.push("a clock is read by elapsed()".into());
            }
            // Behind a comma or at the beginning: elsewhere it is a remainder.
            TokenTree::Ident(word)
                if word == "error" && sign(at.checked_sub(1), '%') && (at < 2 || sign(Some(at - 2), ',')) =>
            {
                found.push("a log line tells %error, and not what is behind it".into());
            }
            TokenTree::Ident(word) => {
                let word = word.to_string();
                if let Some((_, field)) = HOUSE_WORDS.iter().find(|(house, _)| *house == word) {
                    found.push(format!("{word} is called {field}"));
                }
            }
            _ => {}
        }
    }
}

#[test]
fn what_is_done_in_one_way_is_done_so_everywhere() {
    let mut past = Vec::new();
    for (file, text) in crate::FILES.iter().filter(|(file, _)| !is_of_tests(file)) {
        let clock = file.starts_with("system/clock/");
        let found = past_the_way(text).into_iter();
        let found = found.filter(|found| !(clock && found.contains("elapsed")));
        let is_command = |found: &String| {
            file.starts_with("cli/") && COMMANDS.iter().any(|command| found.starts_with(command))
        };
        past.extend(found.filter(|found| !is_command(found)).map(|found| format!("{file}: {found}")));
    }
    assert!(past.is_empty(), "{}", past.join("\n"));
}

#[test]
fn what_is_done_otherwise_is_seen() {
    let seen = |text: &str| past_the_way(text).len();
    for planted in [
        "fn f(began: Instant) -> Duration { began.elapsed() }",
        "fn f() { let took = map(|began| began\n.elapsed()); }",
        "fn f() { tracing::warn!(%error, \"it failed\"); }",
        "fn f() { tracing::warn!(node = %name, %error, \"it failed\"); }",
        "struct A { outbox: Queue }",
        "fn desk() {}",
        "fn f() { let keeper = 1; }",
    ] {
        assert_eq!(seen(planted), 1, "{planted}");
    }
    for right in [
        "fn f() { tracing::warn!(error = error_chain::told(&error), \"it failed\"); }",
        "fn f(a: u64, error: u64) -> u64 { a % error }",
        "#[cfg(test)] mod tests { fn f(began: Instant) { began.elapsed(); } }",
        "fn elapsed() {}",
    ] {
        assert_eq!(seen(right), 0, "{right}");
    }
}
