//! Visibility: a module that a crate shows is one that somebody outside names.
//!
//! `unreachable_pub` holds that `pub` means reachable from outside. That somebody reaches for it, this does: of a
//! module that nobody names, every `pub` would say what is not so, and dead code in it would be found by no compiler.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::{Item, Visibility};

/// Crates, and what the tool shows them as.
const SHOWN_AS: [(&str, &str); 1] = [("hauki_client", "client")];

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The modules that a crate's root shows.
fn shown(root: &str) -> Vec<String> {
    let items = syn::parse_file(root).expect("is Rust").items;
    let shown = items.into_iter().filter_map(|item| match item {
        Item::Mod(item) if matches!(item.vis, Visibility::Public(_)) => Some(item.ident.to_string()),
        _ => None,
    });
    shown.collect()
}

/// What stands behind the crate's name, as `(crate, module)`.
fn named(tokens: TokenStream, crates: &[String], found: &mut BTreeSet<(String, String)>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let sign = |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(sign)) if sign.as_char() == ':');
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => named(group.stream(), crates, found),
            TokenTree::Ident(name) if crates.contains(&name.to_string()) && sign(at + 1) && sign(at + 2) => {
                match tokens.get(at + 3) {
                    Some(TokenTree::Ident(module)) => {
                        found.insert((name.to_string(), module.to_string()));
                    }
                    Some(TokenTree::Group(tree)) => {
                        // The first word of each branch; deeper ones are of other modules.
                        let words = tree.stream().into_iter().filter_map(|token| match token {
                            TokenTree::Ident(word) => Some(word.to_string()),
                            _ => None,
                        });
                        found.extend(words.map(|word| (name.to_string(), word)));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

/// Those of which nobody outside says the name. Files are told with the crate that they are of, if any.
fn nobodys(roots: &[(String, String)], files: &[(Option<String>, String)]) -> Vec<String> {
    let called = |name: &String| SHOWN_AS.iter().find(|(of, _)| of == name).map(|(_, called)| *called);
    let mut names: Vec<String> = roots.iter().map(|(name, _)| name.clone()).collect();
    names.extend(SHOWN_AS.map(|(_, called)| called.to_owned()));
    let mut said = BTreeSet::new();
    for (of, text) in files {
        let others: Vec<String> = names.iter().filter(|name| Some(*name) != of.as_ref()).cloned().collect();
        named(text.parse().expect("is Rust"), &others, &mut said);
    }
    let mut unsaid = Vec::new();
    for (name, root) in roots {
        let is_said = |module: &String| {
            let by = |name: &str| said.contains(&(name.to_owned(), module.clone()));
            by(name) || called(name).is_some_and(by)
        };
        unsaid.extend(shown(root).into_iter().filter(|it| !is_said(it)).map(|it| format!("{name}::{it}")));
    }
    unsaid
}

#[test]
fn what_a_crate_shows_somebody_outside_names() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let of = |path: &Path| {
        let inner = path.strip_prefix(top.join("crates")).ok()?;
        let is_source = inner.components().nth(1).is_some_and(|part| part.as_os_str() == "src");
        is_source
            .then(|| format!("hauki_{}", inner.components().next().expect("is there").as_os_str().display()))
    };
    let mut paths = Vec::new();
    ["crates", "src", "tests", "benches", "fuzz"]
        .iter()
        .for_each(|part| sources(&top.join(part), &mut paths));
    let files: Vec<_> =
        paths.iter().map(|path| (of(path), fs::read_to_string(path).expect("is read"))).collect();
    let roots: Vec<_> = paths
        .iter()
        .filter(|path| path.ends_with("src/lib.rs"))
        .filter_map(|path| Some((of(path)?, fs::read_to_string(path).expect("is read"))))
        .collect();
    assert!(roots.len() > 8, "{roots:?}");
    let unsaid = nobodys(&roots, &files);
    assert!(unsaid.is_empty(), "named by no other crate, so they are no `pub mod`:\n{}", unsaid.join("\n"));
}

#[test]
fn what_nobody_names_is_seen() {
    let root = || vec![("hauki_node".to_owned(), "pub mod gate; pub(crate) mod pool; mod calls;".to_owned())];
    let with = |of: Option<&str>, text: &str| nobodys(&root(), &[(of.map(Into::into), text.into())]);
    for naming in
        ["use hauki_node::gate::Gate;", "use hauki_node::{api, gate};", "fn f() { hauki_node::gate::g() }"]
    {
        assert_eq!(with(None, naming), [""; 0], "{naming}");
    }
    for silent in ["use hauki_node::Node;", "use hauki_control::gate;", "mod gate;", ""] {
        assert_eq!(with(None, silent), ["hauki_node::gate"], "{silent}");
    }
    assert_eq!(with(Some("hauki_node"), "use hauki_node::gate;"), ["hauki_node::gate"], "its own word");
}
