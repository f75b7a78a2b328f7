//! Unconditional writes: whose transactions rest on nothing that was seen, and for which reason.
//!
//! That a transaction begins with a precondition or by this door is the compiler's: its fields are the store's own, and
//! it has no default. That nobody goes through the door unseen is held by the table that this is compared with.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{Fields, Item, Visibility};

use super::items::{attributes, is_test};

const DOOR: &str = "in_any_case";

/// The reasons in the product's part of a source, each as it is written; one that is no plain text is none.
pub(crate) fn in_any_case(text: &str) -> Vec<Option<String>> {
    let file = syn::parse_file(text).expect("is Rust");
    let mut found = Vec::new();
    for item in file.items.iter().filter(|item| !is_test(attributes(item))) {
        look(item.to_token_stream(), &mut found);
    }
    found
}

fn look(tokens: TokenStream, found: &mut Vec<Option<String>>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => look(group.stream(), found),
            TokenTree::Ident(word) if word == DOOR => found.push(tokens.get(at + 1).and_then(reason)),
            _ => {}
        }
    }
}

fn reason(given: &TokenTree) -> Option<String> {
    let TokenTree::Group(given) = given else { return None };
    let text: syn::LitStr = syn::parse2(given.stream()).ok()?;
    Some(text.value()).filter(|text| text.split_whitespace().count() > 2)
}

/// Whether a transaction can be made past its two beginnings.
pub(crate) fn is_made_anyhow(text: &str) -> bool {
    let file = syn::parse_file(text).expect("is Rust");
    file.items.iter().any(|item| match item {
        Item::Struct(item) if item.ident == "Txn" => {
            let derived = item.attrs.iter().filter(|attribute| attribute.path().is_ident("derive"));
            let has_default =
                derived.into_iter().any(|derive| derive.to_token_stream().to_string().contains("Default"));
            let is_open = match &item.fields {
                Fields::Named(fields) => {
                    fields.named.iter().any(|field| !matches!(field.vis, Visibility::Inherited))
                }
                Fields::Unnamed(_) | Fields::Unit => true,
            };
            has_default || is_open
        }
        Item::Impl(item) if !is_test(&item.attrs) => item.trait_.as_ref().is_some_and(|(of, _)| {
            let names_it = item.self_ty.to_token_stream().to_string() == "Txn";
            names_it && of.segments.last().is_some_and(|last| last.ident == "Default" || last.ident == "From")
        }),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::{in_any_case, is_made_anyhow};

    #[test]
    fn whoever_writes_in_any_case_is_seen_and_says_why() {
        for (planted, expected) in [
            ("fn f() { g(Txn::in_any_case(\"it is nobody else's\")) }", Some("it is nobody else's")),
            ("fn f() { vec![Txn::in_any_case(\"\").delete(\"a\")] }", None),
            ("fn f() { Txn::in_any_case(because) }", None),
            ("fn f() { map(Txn::in_any_case) }", None),
            ("use Txn as T; fn f() { T::in_any_case(\"so\") }", None),
        ] {
            assert_eq!(in_any_case(planted), [expected.map(str::to_owned)], "{planted}");
        }
        for innocent in [
            "fn f() { Txn::when(\"a\", Expect::Absent) }",
            "#[cfg(test)] mod tests { fn f() { Txn::in_any_case(\"a test\") } }",
        ] {
            assert!(in_any_case(innocent).is_empty(), "{innocent}");
        }
    }

    #[test]
    fn a_transaction_that_anybody_makes_of_nothing_is_seen() {
        for planted in [
            "pub struct Txn { pub checks: Vec<u8> }",
            "#[derive(Clone, Default)] pub struct Txn { checks: Vec<u8> }",
            "struct Txn { checks: u8 } impl Default for Txn { fn default() -> Self { todo!() } }",
            "struct Txn { checks: u8 } impl std::convert::From<u8> for Txn {}",
        ] {
            assert!(is_made_anyhow(planted), "{planted}");
        }
        let innocent =
            "#[derive(Clone)] #[cfg_attr(test, derive(Default))] pub struct Txn { checks: Vec<u8> }
            impl Txn {} impl Other for Txn {} #[cfg(test)] impl Default for Txn {}";
        assert!(!is_made_anyhow(innocent));
    }
}
