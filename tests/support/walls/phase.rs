//! Who writes past the ledger: sets a phase, asks the state machine for one, or spells a key of what is the ledger's.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens as _;

use super::items::{attributes, is_test};

/// What only the ledger's documents begin with.
const KEYS: &[&str] = &[
    "vault/",
    "tomb/",
    "name/",
    "key/",
    "aged/",
    "budget/",
    "loan/",
    "ephemeral/forging/",
    "term/",
    "apart/",
];

/// The places in the product's part of a source.
pub(crate) fn past_the_ledger(text: &str) -> Vec<String> {
    let file = syn::parse_file(text).expect("is Rust");
    let mut found = Vec::new();
    for item in file.items.iter().filter(|item| !is_test(attributes(item))) {
        look(item.to_token_stream(), &mut found);
    }
    found
}

fn look(tokens: TokenStream, found: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let sign =
        |at: usize, sign: char| matches!(tokens.get(at), Some(TokenTree::Punct(is)) if is.as_char() == sign);
    // Not a comparison, and no arm of a match.
    let assigned = |at: usize| sign(at, '=') && !sign(at + 1, '=') && !sign(at + 1, '>');
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => {
                let several = group.delimiter() == Delimiter::Parenthesis && assigned(at + 1);
                if several && has_phase(group.stream()) {
                    found.push(format!("{group} ="));
                }
                look(group.stream(), found);
            }
            TokenTree::Ident(word) if word == "phase" && at > 0 && sign(at - 1, '.') && assigned(at + 1) => {
                found.push(".phase =".to_owned());
            }
            TokenTree::Ident(word) if word == "transition" => found.push("transition".to_owned()),
            TokenTree::Literal(literal) => {
                let literal = literal.to_string();
                let spelled = literal.trim_start_matches(['r', 'b', '#']).trim_start_matches('"');
                if literal.ends_with(['"', '#']) && KEYS.iter().any(|key| spelled.starts_with(key)) {
                    found.push(literal);
                }
            }
            _ => {}
        }
    }
}

fn has_phase(tokens: TokenStream) -> bool {
    let words: Vec<String> = tokens.into_iter().map(|token| token.to_string()).collect();
    words.windows(2).any(|pair| pair == [".", "phase"])
}

#[cfg(test)]
mod tests {
    use super::past_the_ledger;

    #[test]
    fn whoever_writes_past_the_ledger_is_seen() {
        for planted in [
            "fn f(v: &mut Vault) { v.phase = Phase::Dead; }",
            "fn f(r: &mut Record) { r.vault.phase = Phase::Dead }",
            "fn f(v: &mut Vault) { (v.phase, v.receipt) = (Phase::Dead, None) }",
            "fn f(v: &mut Vault) { (v.receipt, v.phase) = (None, Phase::Dead) }",
            "fn f(v: &Vault) { g(transition(v.phase, Event::Doomed)) }",
            "use hauki_contract::model::phase::transition;",
            "fn f(id: &str) { commit(Txn::default().put(format!(\"vault/{id}\"), Vec::new())) }",
            "const OWN: &str = \"tomb/\";",
            "#[cfg(test)] mod tests {} fn f() { Txn::default().delete(r\"name/boss\") }",
            "impl Core { async fn f(&self) { self.g(|v| v.phase = Phase::Live).await } }",
        ] {
            assert_eq!(past_the_ledger(planted).len(), 1, "{planted}");
        }
        for innocent in [
            "fn f(v: &Vault) -> bool { v.phase == Phase::Dead }",
            "fn f(v: &Vault) -> u8 { match v.phase { Phase::Dead => 1, _ => 2 } }",
            "fn f(v: Vault) { let phase = v.phase; }",
            "/// As `vault/<id>`, by `transition`.\nfn f() {}",
            "#[cfg(test)] mod tests { fn f(v: &mut Vault) { v.phase = Phase::Dead } }",
        ] {
            assert!(past_the_ledger(innocent).is_empty(), "{innocent}");
        }
    }
}
