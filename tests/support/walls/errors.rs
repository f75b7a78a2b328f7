//! Who makes an error of the API past the one place where failures become one.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens as _;

use super::items::{attributes, is_test};

const ERROR: &str = "ApiError";

/// What makes one; the rest of its functions are of one that there is.
const MAKERS: &[&str] = &["new", "vault_dead"];

/// The places in the product's part of a source.
pub(crate) fn past_the_failures(text: &str) -> Vec<String> {
    let file = syn::parse_file(text).expect("is Rust");
    let mut found = Vec::new();
    for item in file.items.iter().filter(|item| !is_test(attributes(item))) {
        look(item.to_token_stream(), &mut found);
    }
    found
}

fn look(tokens: TokenStream, found: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is = |at: Option<usize>, word: &str| {
        at.and_then(|at| tokens.get(at)).is_some_and(|token| token.to_string() == word)
    };
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => look(group.stream(), found),
            TokenTree::Ident(word) if word == ERROR => {
                let (before, after) = (at.checked_sub(1), at + 1);
                let is_path = is(Some(after), ":") && is(Some(after + 1), ":");
                if is_path && MAKERS.iter().any(|maker| is(Some(after + 2), maker)) {
                    found.push(format!("{ERROR}::{}", tokens[after + 2]));
                } else if is(before, "for") {
                    found.push(format!("a failure becomes {ERROR}"));
                } else if !is(before, ">")
                    && matches!(&tokens.get(after), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace)
                {
                    found.push(format!("{ERROR} {{"));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::past_the_failures;

    #[test]
    fn whoever_makes_an_error_of_the_api_elsewhere_is_seen() {
        for planted in [
            "fn f() -> Result<(), ApiError> { Err(ApiError::new(ErrorCode::Quota, \"no\")) }",
            "fn f() { g(hauki_contract::api::ApiError::new(code, text)) }",
            "fn f(r: Receipt) -> ApiError { ApiError::vault_dead(r) }",
            "fn f(e: ApiError) -> ApiError { ApiError { hint: None, ..e } }",
            "impl From<MyError> for ApiError { fn from(e: MyError) -> Self { told(e) } }",
            "#[cfg(test)] mod tests {} fn f() { m!(ApiError::new(a, b)) }",
        ] {
            assert_eq!(past_the_failures(planted).len(), 1, "{planted}");
        }
        for innocent in [
            "fn f(e: Failure) -> ApiError { e.into() }",
            "fn f(e: Failure) { g(ApiError::from(e)) }",
            "struct S { error: ApiError }",
            "/// As ApiError::new.\nfn f() {}",
            "#[cfg(test)] mod tests { fn f() { ApiError::new(a, b) } }",
        ] {
            assert!(past_the_failures(innocent).is_empty(), "{innocent}");
        }
    }
}
