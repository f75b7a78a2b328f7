//! Who reaches past the assembly of the control plane: a phase is made of the parts that it names, keeps them to itself,
//! and never has the whole.

use quote::ToTokens as _;
use syn::{
    Block, Field, Fields, FnArg, Ident, ImplItem, Item, ItemImpl, ReturnType, Stmt, Type, UseTree, Visibility,
};

use super::items::{attributes, impl_attributes, is_test};

/// The whole, the parts that it is made from, and what it is made of.
const WHOLE: &[&str] = &["Core", "Dependencies", "Phases"];

/// The places in the product's part of a source; `assembles` is said of the files that are the assembly.
pub(crate) fn past_the_assembly(text: &str, assembles: bool) -> Vec<String> {
    let file = syn::parse_file(text).expect("is Rust");
    let mut items = Vec::new();
    every(&file.items, &mut items);
    let impls: Vec<&ItemImpl> = items
        .iter()
        .filter_map(|item| match item {
            Item::Impl(item) => Some(item),
            _ => None,
        })
        .collect();
    let is_phase = |name: &str| impls.iter().any(|item| is_of(&item.self_ty, name) && is_made_of_parts(item));
    let is_kept = |name: &Ident| *name == WHOLE[0] || !assembles && is_phase(&name.to_string());
    // Another name that stays in a file without a phase is no phase's.
    let has_phase = impls.iter().any(|item| is_made_of_parts(item));
    let hides = |seen: &Visibility| !assembles && (has_phase || !matches!(seen, Visibility::Inherited));
    let mut found = Vec::new();
    for item in &items {
        match item {
            Item::Struct(item) if is_kept(&item.ident) => {
                keeps_to_itself(&item.ident, &item.fields, true, &mut found);
            }
            // Whoever sees it sees its parts, so it has to stay in its file itself.
            Item::Enum(item) if is_kept(&item.ident) => {
                for variant in &item.variants {
                    keeps_to_itself(&item.ident, &variant.fields, false, &mut found);
                }
            }
            Item::Type(item) if hides(&item.vis) && WHOLE.iter().any(|whole| names(&item.ty, whole)) => {
                found.push(format!("{} is another name of the whole", item.ident));
            }
            Item::Use(item) if hides(&item.vis) => renames(&item.tree, &mut found),
            Item::Impl(item) if !assembles && is_of(&item.self_ty, "Core") => {
                found.push("impl Core".to_owned());
            }
            Item::Impl(item) => hands_out(item, &mut found),
            _ => {}
        }
    }
    found
}

/// Items with those of the modules and the functions among them, but for what is there for tests.
fn every<'a>(among: &'a [Item], found: &mut Vec<&'a Item>) {
    for item in among.iter().filter(|item| !is_test(attributes(item))) {
        found.push(item);
        match item {
            Item::Mod(item) => every(item.content.as_ref().map_or(&[], |(_, items)| items), found),
            Item::Fn(item) => within(&item.block, found),
            Item::Impl(item) => {
                for item in item.items.iter().filter(|item| !is_test(impl_attributes(item))) {
                    if let ImplItem::Fn(item) = item {
                        within(&item.block, found);
                    }
                }
            }
            _ => {}
        }
    }
}

fn within<'a>(block: &'a Block, found: &mut Vec<&'a Item>) {
    for statement in &block.stmts {
        if let Stmt::Item(item) = statement {
            every(std::slice::from_ref(item), found);
        }
    }
}

fn renames(tree: &UseTree, found: &mut Vec<String>) {
    match tree {
        UseTree::Path(tree) => renames(&tree.tree, found),
        UseTree::Group(group) => group.items.iter().for_each(|tree| renames(tree, found)),
        UseTree::Rename(tree) if WHOLE.iter().any(|whole| tree.ident == whole) => {
            found.push(format!("{} is another name of the whole", tree.rename));
        }
        _ => {}
    }
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

fn keeps_to_itself(of: &Ident, fields: &Fields, can_hide: bool, found: &mut Vec<String>) {
    let name = |(at, field): (usize, &Field)| match &field.ident {
        Some(name) => name.to_string(),
        None => at.to_string(),
    };
    for (at, field) in fields.iter().enumerate() {
        if can_hide && !matches!(field.vis, Visibility::Inherited) {
            found.push(format!("{of}.{} is seen by others", name((at, field))));
        }
        if of != "Core" && WHOLE.iter().any(|whole| names(field.ty.to_token_stream(), whole)) {
            found.push(format!("{of}.{} is the whole", name((at, field))));
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
            "mod inner { impl super::Core { fn f(&self) {} } }",
            "fn g() { impl Core { fn f(&self) {} } }",
            "impl Other { fn g() { mod deep { impl Core { fn f(&self) {} } } } }",
            "pub struct Core(pub Dependencies);",
            "pub(super) use super::service::Core as Whole;",
            "pub(crate) type Whole = Arc<Core>;",
            &format!("use super::service::Core as Whole; struct Forge {{ core: Arc<Whole> }} {phase}"),
            &format!("use super::{{dependencies::{{Phases as P}}, ring}}; struct Forge(P); {phase}"),
            &format!("type Whole = Arc<Core>; struct Forge(Whole); {phase}"),
            &format!("struct Forge(Arc<Core>); {phase}"),
            &format!("struct Forge(Ledger, pub(super) Arc<Names>); {phase}"),
            &format!("mod inner {{ struct Forge(Arc<Core>); {phase} }}"),
            &format!("enum Forge {{ None, Of(Arc<Core>) }} {phase}"),
            &format!("enum Forge {{ Of {{ basis: Dependencies }} }} {phase}"),
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
            &format!("struct Forge(Ledger, Arc<Names>); enum Told {{ Of(Ledger) }} {phase}"),
            "mod inner { #[cfg(test)] mod tests { impl Core {} } }",
            "use super::service::Core; use super::ledger::Ledger as Book;",
            "type Uah = State<Arc<Core>>; async fn vaults(State(core): Uah) {}",
            "struct Before<'a> { pub names: &'a Arc<Names> }",
        ] {
            assert!(past_the_assembly(innocent, true).is_empty(), "{innocent}");
        }
    }
}
