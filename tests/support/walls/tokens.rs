//! Paths in plain tokens, whatever they are part of.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::Module;

/// Finds the paths in tokens, whatever they are part of.
pub(super) fn walk(tokens: TokenStream, module: &mut Module) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        let before = at.checked_sub(1).map(|before| &tokens[before]);
        match &tokens[at] {
            TokenTree::Group(group) if before.is_some_and(|token| is_sign(token, '#')) => {
                attribute(group.stream(), module);
            }
            TokenTree::Group(group) => walk(group.stream(), module),
            TokenTree::Ident(word) if word == "use" => {
                at = tree(&tokens, at + 1, Vec::new(), true, module);
                continue;
            }
            TokenTree::Punct(_) if is_absolute(&tokens, at) => {
                at = tree(&tokens, at, Vec::new(), false, module);
                continue;
            }
            TokenTree::Ident(_) if goes_on(&tokens[..at]) => {}
            TokenTree::Ident(word)
                if word == "include" && tokens.get(at + 1).is_some_and(|token| is_sign(token, '!')) =>
            {
                module.mentions.insert(vec!["include".into(), "!".into()]);
            }
            TokenTree::Ident(_) => {
                at = tree(&tokens, at, Vec::new(), false, module);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
}

/// Whether what comes after these tokens begins no path: it is a field, a method, a lifetime, what belongs to a
/// type, or the first word after `::`, which is of another crate.
fn goes_on(before: &[TokenTree]) -> bool {
    let sign =
        |back: usize, sign: char| before.len().checked_sub(back).is_some_and(|at| is_sign(&before[at], sign));
    sign(1, '\'') || sign(1, '.') && !sign(2, '.') || sign(1, ':') && sign(2, ':')
}

/// Whether `::name` begins here, with nothing before it that it could belong to.
fn is_absolute(tokens: &[TokenTree], at: usize) -> bool {
    let sign = |at: usize| tokens.get(at).is_some_and(|token| is_sign(token, ':'));
    let belongs = at.checked_sub(1).is_some_and(|before| {
        matches!(&tokens[before], TokenTree::Ident(_)) || is_sign(&tokens[before], '>') || sign(before)
    });
    sign(at) && sign(at + 1) && matches!(tokens.get(at + 2), Some(TokenTree::Ident(_))) && !belongs
}

fn is_sign(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

/// Attributes name functions in strings, as serde's do. What is told to readers names nobody.
fn attribute(tokens: TokenStream, module: &mut Module) {
    if matches!(tokens.clone().into_iter().next(), Some(TokenTree::Ident(word)) if word == "doc") {
        return;
    }
    for token in tokens.clone() {
        match token {
            TokenTree::Group(group) => attribute(group.stream(), module),
            TokenTree::Literal(literal) => {
                let text = syn::parse_str::<syn::LitStr>(&literal.to_string());
                if let Some(path) = text.ok().and_then(|text| text.value().parse().ok()) {
                    walk(path, module);
                }
            }
            _ => {}
        }
    }
    walk(tokens, module);
}

/// Reads a path, or the tree of a `use`, from `at`; returns where it ends.
fn tree(
    tokens: &[TokenTree],
    mut at: usize,
    mut path: Vec<String>,
    is_use: bool,
    module: &mut Module,
) -> usize {
    let colons = |at: usize| {
        let sign = |at: usize| tokens.get(at).is_some_and(|token| is_sign(token, ':'));
        sign(at) && sign(at + 1)
    };
    if path.is_empty() && colons(at) {
        // `::name` is of another crate; a segment that no module has.
        path.push("::".into());
        at += 2;
    }
    loop {
        match tokens.get(at) {
            Some(TokenTree::Ident(word)) => path.push(word.to_string().trim_start_matches("r#").to_owned()),
            Some(TokenTree::Group(group))
                if group.delimiter() == Delimiter::Brace && (is_use || !path.is_empty()) =>
            {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                for part in inner.split(|token| is_sign(token, ',')).filter(|part| !part.is_empty()) {
                    tree(part, 0, path.clone(), is_use, module);
                }
                return at + 1;
            }
            Some(token) if is_sign(token, '*') && !path.is_empty() => {
                module.globs.push(path);
                return at + 1;
            }
            _ => return at.max(1),
        }
        at += 1;
        if !colons(at) {
            break;
        }
        at += 2;
        // `a::<T>` and `a::$b` end what can be followed.
        let goes_on = match tokens.get(at) {
            Some(TokenTree::Ident(_)) => true,
            Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Brace,
            Some(token) => is_sign(token, '*'),
            None => false,
        };
        if !goes_on {
            break;
        }
    }
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    if !is_use {
        module.mentions.insert(path);
        return at;
    }
    let mut name = path.last().cloned().unwrap_or_default();
    if matches!(tokens.get(at), Some(TokenTree::Ident(word)) if word == "as") {
        name = tokens.get(at + 1).map(ToString::to_string).unwrap_or_default();
        at += 2;
    }
    module.imports.push((name, path));
    at
}
