//! Who begins a task past the register of background tasks, where nobody knows its name and nobody ends it.
//!
//! A `JoinSet` is none of that: whoever has it awaits what is in it, or ends it with himself.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;

use super::items::{attributes, is_test};

/// What begins a task in a runtime.
const BEGIN: &[&str] = &["spawn", "spawn_blocking", "spawn_local"];
/// What is called on the way to a runtime, and how one is called that somebody holds.
const RUNTIMES: &[&str] = &["runtime", "handle", "current", "try_current", "rt"];

/// Whether a path of another crate begins a task.
pub(crate) fn begins(path: &[String]) -> bool {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    match names.as_slice() {
        ["tokio" | "async_std", rest @ ..] => match rest {
            [begin] | ["task", begin] => BEGIN.contains(begin),
            ["runtime", "Handle" | "Runtime", begin] => BEGIN.contains(begin),
            _ => false,
        },
        _ => false,
    }
}

/// The calls of such methods in the product's part of a source.
pub(crate) fn past_the_register(text: &str) -> Vec<String> {
    let file = syn::parse_file(text).expect("is Rust");
    let mut found = Vec::new();
    for item in file.items.iter().filter(|item| !is_test(attributes(item))) {
        look(item.to_token_stream(), &mut found);
    }
    found
}

fn look(tokens: TokenStream, found: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => look(group.stream(), found),
            TokenTree::Ident(word) if at > 1 && is_dot(&tokens[at - 1]) => {
                let is_always = word == "spawn_blocking" || word == "spawn_local";
                let begins = word == "spawn" && receiver(&tokens[..at - 1]).is_some_and(is_runtime);
                if is_always || begins {
                    found.push(format!(".{word}"));
                }
            }
            _ => {}
        }
    }
}

fn is_dot(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == '.')
}

/// The last name before the dot: a field, a variable, or the method whose answer it is.
fn receiver(before: &[TokenTree]) -> Option<String> {
    let name = before.iter().rev().find(|token| {
        !matches!(token, TokenTree::Group(_))
            && !matches!(token, TokenTree::Punct(sign) if sign.as_char() == '?')
    });
    match name {
        Some(TokenTree::Ident(word)) => Some(word.to_string()),
        _ => None,
    }
}

fn is_runtime(name: String) -> bool {
    RUNTIMES.contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{begins, past_the_register};
    use crate::walls::Sources;
    use crate::walls::tests::LONE;

    /// What is seen of a source, by both ways.
    fn seen(text: &str) -> bool {
        let files = BTreeMap::from([("lib.rs".to_owned(), text.to_owned())]);
        let sources = Sources::read(&files, LONE);
        let named = sources.foreign().iter().any(|(_, path)| begins(path));
        named || !past_the_register(text).is_empty()
    }

    #[test]
    fn whoever_spawns_past_the_register_is_seen() {
        for planted in [
            "fn f() { tokio::spawn(async {}); }",
            "fn f() { drop(::tokio::task::spawn(async {})) }",
            "use tokio::spawn; fn f() { spawn(async {}); }",
            "use tokio::spawn as go; fn f() { go(async {}); }",
            "use tokio as t; fn f() { t::spawn(async {}); }",
            "use tokio::{task::{JoinSet, spawn_blocking}, time}; fn f() { spawn_blocking(|| ()); }",
            "use tokio::task; fn f() { task::spawn_local(async {}); }",
            "fn f() { g!(tokio::spawn(async {})) }",
            "fn f(lane: &Lane) { lane.runtime.spawn(async {}); }",
            "fn f() { tokio::runtime::Handle::current().spawn(async {}); }",
            "fn f() -> R { Handle::try_current()?.spawn(async {}); }",
            "fn f(any: &H) { any.spawn_blocking(|| ()); }",
            "use tokio::runtime::Handle; fn f() { Handle::spawn(&h, async {}); }",
            "#[cfg(test)] mod tests {} fn f() { tokio::spawn(async {}); }",
        ] {
            assert!(seen(planted), "{planted}");
        }
        for innocent in [
            "fn f(set: &mut JoinSet<()>) { set.spawn(async {}); }",
            "fn f() { std::thread::Builder::new().spawn(|| ()); std::thread::spawn(|| ()); }",
            "fn f(c: &mut Command) { c.spawn(); core.spawn(request) }",
            "use hauki_contract::system::tasks; fn f() { tasks::spawn(Kind::Order, \"x\", async {}); }",
            "/// As `tokio::spawn`.\nfn f() {}",
            "#[cfg(test)] mod tests { fn f() { tokio::spawn(async {}); rt.spawn(async {}); } }",
        ] {
            assert!(!seen(innocent), "{innocent}");
        }
    }
}
