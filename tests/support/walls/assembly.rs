//! Who reaches past the assembly of the control plane: a phase is made of the parts that it names, keeps them to itself,
//! and never has the whole.

use syn::{Fields, FnArg, ImplItem, Item, ItemImpl, ItemStruct, ReturnType, Type, Visibility};

use super::items::{attributes, impl_attributes, is_test};

/// The whole, the parts that it is made from, and what it is made of.
const WHOLE: &[&str] = &["Core", "Dependencies", "Phases"];

/// The places in the product's part of a source; `assembles` is said of the files that are the assembly.
pub(crate) fn past_the_assembly(text: &str, assembles: bool) -> Vec<String> {
    let file = syn::parse_file(text).expect("is Rust");
    let items: Vec<&Item> = file.items.iter().filter(|item| !is_test(attributes(item))).collect();
    let impls: Vec<&ItemImpl> = items
        .iter()
        .filter_map(|item| match item {
            Item::Impl(item) => Some(item),
            _ => None,
        })
        .collect();
    let is_phase = |name: &str| impls.iter().any(|item| is_of(&item.self_ty, name) && is_made_of_parts(item));
    let mut found = Vec::new();
    for item in &items {
        match item {
            Item::Struct(item)
                if item.ident == "Core" || (!assembles && is_phase(&item.ident.to_string())) =>
            {
                keeps_to_itself(item, &mut found);
            }
            Item::Impl(item) if !assembles && is_of(&item.self_ty, "Core") => {
                found.push("impl Core".to_owned());
            }
            Item::Impl(item) => hands_out(item, &mut found),
            _ => {}
        }
    }
    found
}

fn is_of(of: &Type, name: &str) -> bool {
    matches!(of, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == name))
}

/// A word in plain tokens, however deep.
fn names(tokens: impl quote::ToTokens, word: &str) -> bool {
    let text = tokens.to_token_stream().to_string();
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|found| found == word)
}

fn is_made_of_parts(item: &ItemImpl) -> bool {
    item.items.iter().any(|item| match item {
        ImplItem::Fn(made) => made.sig.inputs.iter().any(|given| match given {
            FnArg::Typed(given) => names(&given.ty, "Dependencies"),
            FnArg::Receiver(_) => false,
        }),
        _ => false,
    })
}

fn keeps_to_itself(item: &ItemStruct, found: &mut Vec<String>) {
    let Fields::Named(fields) = &item.fields else { return };
    for field in &fields.named {
        let name = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
        if !matches!(field.vis, Visibility::Inherited) {
            found.push(format!("{}.{name} is seen by others", item.ident));
        }
        if item.ident != "Core" && WHOLE.iter().any(|whole| names(&field.ty, whole)) {
            found.push(format!("{}.{name} is the whole", item.ident));
        }
    }
}

/// Of the whole nothing is given out but to tests.
fn hands_out(item: &ItemImpl, found: &mut Vec<String>) {
    if !is_of(&item.self_ty, "Core") {
        return;
    }
    for item in item.items.iter().filter(|item| !is_test(impl_attributes(item))) {
        if let ImplItem::Fn(item) = item
            && let ReturnType::Type(_, given) = &item.sig.output
            && ["Dependencies", "Phases"].iter().any(|whole| names(given, whole))
        {
            found.push(format!("Core::{} hands out what it is made of", item.sig.ident));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::past_the_assembly;

    #[test]
    fn whoever_reaches_past_the_assembly_is_seen() {
        let phase = "impl Forge { pub(super) fn new(basis: &Dependencies) -> Arc<Self> { todo(basis) } }";
        for planted in [
            "impl Core { async fn f(&self) {} }",
            "impl super::service::Core { async fn f(&self) {} }",
            "impl Drop for Core { fn drop(&mut self) {} }",
            "pub struct Core { pub(super) basis: Dependencies }",
            &format!("pub(super) struct Forge {{ pub(super) ledger: Ledger }} {phase}"),
            &format!("pub(super) struct Forge {{ core: Arc<Core> }} {phase}"),
            &format!("pub(super) struct Forge {{ basis: Arc<super::dependencies::Dependencies> }} {phase}"),
            &format!("#[cfg(test)] mod tests {{}} struct Forge {{ phases: Weak<Phases> }} {phase}"),
        ] {
            assert_eq!(past_the_assembly(planted, false).len(), 1, "{planted}");
        }
        let handed = "impl Core { pub(super) fn basis(&self) -> &Dependencies { &self.basis } }";
        assert_eq!(past_the_assembly(handed, true).len(), 1);
        for innocent in [
            "impl Core { pub fn f(&self) {} #[cfg(test)] fn basis(&self) -> &Dependencies { &self.basis } }",
            "pub struct Core { basis: Dependencies, phases: Phases }",
            &format!("struct Forge {{ ledger: Ledger, names: Arc<Names> }} {phase}"),
            "struct Before<'a> { pub names: &'a Arc<Names> }",
        ] {
            assert!(past_the_assembly(innocent, true).is_empty(), "{innocent}");
        }
    }
}
