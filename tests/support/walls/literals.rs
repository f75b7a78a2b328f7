//! What is said in the texts of a source: words that stand in no path, in messages and commands.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;

use super::items::{attributes, is_test};

/// The texts in the product's part of a source in which the word stands, in whatever case. Comments are none.
pub(crate) fn says(text: &str, word: &str) -> Vec<String> {
    let file = syn::parse_file(text).expect("is Rust");
    let mut found = Vec::new();
    for item in file.items.iter().filter(|item| !is_test(attributes(item))) {
        look(item.to_token_stream(), word, &mut found);
    }
    found
}

fn look(tokens: TokenStream, word: &str, found: &mut Vec<String>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            // A comment of documentation is an attribute by now.
            TokenTree::Punct(sign) if sign.as_char() == '#' && is_comment(tokens.peek()) => {
                drop(tokens.next())
            }
            TokenTree::Group(group) => look(group.stream(), word, found),
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                found.extend(text.to_lowercase().contains(word).then_some(text));
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

fn is_comment(next: Option<&TokenTree>) -> bool {
    let Some(TokenTree::Group(group)) = next else { return false };
    matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(name)) if name == "doc")
}

#[cfg(test)]
mod tests {
    use super::says;

    #[test]
    fn a_word_in_a_text_is_seen_and_one_in_a_comment_is_none() {
        for planted in [
            "fn f() { format!(\"`sqlite3 {} .recover`\", x) }",
            "#[error(\"SQLite is full\")] struct Full;",
            "const X: &[u8] = b\"sqlite\";",
        ] {
            assert_eq!(says(planted, "sqlite").len(), 1, "{planted}");
        }
        for innocent in [
            "/// As SQLite has it.\nfn f() { /* sqlite */ }",
            "enum E { /// SQLite's.\n A }",
            "mod sqlite; use sqlite::SqliteStore;",
            "#[cfg(test)] mod tests { const X: &str = \"sqlite\"; }",
        ] {
            assert_eq!(says(innocent, "sqlite"), [""; 0], "{innocent}");
        }
    }
}
