//! Who names whom in the sources of some crates, read as the compiler reads them; `architecture.rs` holds it
//! against the picture.
//!
//! From the root through every `mod`, with `#[path]`; `use` trees with groups, renames, globs and
//! re-exports; and, because macros hide what they are given from every parser of Rust, all paths in plain
//! tokens, so that those inside of macros, attributes and function bodies are seen like the others. An item
//! under `#[cfg(test)]` is left out, and only that item. What cannot be followed (`include!`, an `extern
//! crate`, a path that depends on a feature) is not passed over: it is in [`Sources::unread`].
//!
//! Names are followed to where they are declared: who takes a thing out of a re-export names the module
//! that it comes from too, and who says `crate`, by whatever name and in whatever tree, names the root of his own
//! crate. Not seen is what no path says: a type that is only inferred.

use std::collections::{BTreeMap, BTreeSet};

use quote::ToTokens as _;
use syn::{Attribute, Item};

mod assembly;
mod errors;
mod headers;
mod idioms;
mod items;
mod literals;
mod manifests;
mod names;
mod phase;
mod spawns;
#[cfg(test)]
mod tests;
mod tokens;
mod transactions;
mod visible;

pub(crate) use assembly::past_the_assembly;
pub(crate) use errors::past_the_failures;
use items::{attributes, impl_attributes, is_test, name_of, path_of, trait_attributes};
pub(crate) use literals::says;
pub(crate) use phase::past_the_ledger;
pub(crate) use spawns::{begins, past_the_register};
use tokens::walk;
pub(crate) use transactions::{in_any_case, is_made_anyhow};

/// A path of modules below the root of the crate.
pub(crate) type Place = Vec<String>;

/// Aliases of aliases; nobody writes so many.
const DEEPEST: usize = 12;

#[derive(Default)]
struct Module {
    file: String,
    /// Everything with a name that it declares, child modules among it.
    declared: BTreeSet<String>,
    /// What `use` brings in: the name here, and the path as it is written.
    imports: Vec<(String, Vec<String>)>,
    globs: Vec<Vec<String>>,
    mentions: BTreeSet<Vec<String>>,
}

/// The root of a crate.
#[derive(Clone, Copy)]
pub(crate) struct Root<'a> {
    pub file: &'a str,
    /// What others call it; of a program nobody speaks.
    pub name: &'a str,
    /// The module, right below the root of all, that it is here; without one it is that root itself.
    pub place: Option<&'a str>,
}

impl Root<'_> {
    fn place(&self) -> Place {
        self.place.map(str::to_owned).into_iter().collect()
    }
}

/// Crates, read as if they were one.
pub(crate) struct Sources<'a> {
    files: &'a BTreeMap<String, String>,
    roots: &'a [Root<'a>],
    modules: BTreeMap<Place, Module>,
    /// The files that are part of it; tests are too.
    pub reached: BTreeSet<String>,
    /// What could not be followed, and is therefore forbidden.
    pub unread: Vec<String>,
}

/// One module names another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Arrow {
    pub from: Place,
    pub to: Place,
}

impl<'a> Sources<'a> {
    /// Reads `files`, by their paths, from the `roots` of their crates.
    pub(crate) fn read(files: &'a BTreeMap<String, String>, roots: &'a [Root<'a>]) -> Self {
        let mut sources =
            Self { files, roots, modules: BTreeMap::new(), reached: BTreeSet::new(), unread: Vec::new() };
        for root in roots {
            let children = root.file.strip_suffix("mod.rs").unwrap_or_default();
            sources.file(root.file, children, root.place(), false);
        }
        sources
    }

    /// Every module that another one names, to itself excepted.
    pub(crate) fn arrows(&self) -> BTreeSet<Arrow> {
        let mut arrows = BTreeSet::new();
        for (from, module) in &self.modules {
            let imports = module.imports.iter().map(|(_, path)| path);
            for path in imports.chain(&module.globs).chain(&module.mentions) {
                for to in self.targets(from, path, 0) {
                    if to != *from {
                        arrows.insert(Arrow { from: from.clone(), to });
                    }
                }
            }
            // Who takes everything is charged with everything.
            for glob in &module.globs {
                for through in self.targets(from, glob, 0) {
                    let imports = self.modules[&through].imports.iter();
                    for to in imports.flat_map(|(_, path)| self.targets(&through, path, 0)) {
                        arrows.insert(Arrow { from: from.clone(), to });
                    }
                }
            }
        }
        arrows
    }

    /// What each file names of other crates, in full.
    pub(crate) fn foreign(&self) -> BTreeSet<(&str, Vec<String>)> {
        let mut found = BTreeSet::new();
        for (at, module) in &self.modules {
            let imports = module.imports.iter().map(|(_, path)| path);
            for path in imports.chain(&module.globs).chain(&module.mentions) {
                let mut path = path.clone();
                for _ in 0..DEEPEST {
                    let alias =
                        module.imports.iter().find(|(name, target)| *name == path[0] && *target != path);
                    let Some((_, target)) = alias.filter(|(_, target)| target[0] != path[0]) else { break };
                    path.splice(..1, target.iter().cloned());
                }
                path.retain(|part| part != "::");
                if !path.is_empty() && self.targets(at, &path, 0).is_empty() {
                    found.insert((module.file.as_str(), path));
                }
            }
        }
        found
    }

    /// The parts of a room: the modules right below it.
    pub(crate) fn parts(&self, room: &str) -> Vec<&str> {
        let below = self.modules.keys().filter(|place| place.len() == 2 && place[0] == room);
        below.map(|place| place[1].as_str()).collect()
    }

    /// What a module declares itself, child modules excepted.
    pub(crate) fn declared(&self, place: &[&str]) -> Vec<&str> {
        let place: Place = place.iter().map(|part| (*part).to_owned()).collect();
        let child = |name: &str| {
            let mut child = place.clone();
            child.push(name.to_owned());
            self.modules.contains_key(&child)
        };
        self.modules[&place].declared.iter().map(String::as_str).filter(|name| !child(name)).collect()
    }

    fn file(&mut self, name: &str, children: &str, place: Place, tests: bool) {
        let Some(text) = self.files.get(name) else {
            return self.unread.push(format!("{name}: there is no such file"));
        };
        if !self.reached.insert(name.to_owned()) {
            return self.unread.push(format!("{name}: is read twice"));
        }
        match syn::parse_file(text) {
            Ok(file) => self.items(file.items, name, children, place, tests),
            Err(error) => self.unread.push(format!("{name}: {error}")),
        }
    }

    fn items(&mut self, items: Vec<Item>, file: &str, children: &str, place: Place, tests: bool) {
        let mut module = Module { file: file.to_owned(), ..Module::default() };
        for mut item in items {
            let tests = tests || is_test(attributes(&item));
            if let Item::Mod(inner) = item {
                let name = inner.ident.to_string();
                let mut below = place.clone();
                below.push(name.clone());
                match inner.content {
                    Some((_, items)) => {
                        self.items(items, file, &format!("{children}{name}/"), below, tests);
                    }
                    None => self.outside(&name, &inner.attrs, file, children, below, tests),
                }
                if !tests {
                    module.declared.insert(name);
                    let attrs = inner.attrs.iter().map(|attribute| attribute.to_token_stream());
                    walk(attrs.collect(), &mut module);
                }
                continue;
            }
            if tests {
                continue;
            }
            match &mut item {
                Item::Impl(inner) => inner.items.retain(|item| !is_test(impl_attributes(item))),
                Item::Trait(inner) => inner.items.retain(|item| !is_test(trait_attributes(item))),
                Item::ExternCrate(_) => self.unread.push(format!("{file}: an extern crate has two names")),
                _ => {}
            }
            module.declared.extend(name_of(&item));
            walk(item.to_token_stream(), &mut module);
        }
        if module.mentions.contains(["include".to_owned(), "!".to_owned()].as_slice()) {
            self.unread.push(format!("{file}: include! is a file that no mod names"));
        }
        if !tests {
            // One name may be two modules, of two crates or under two conditions: both count.
            let known = self.modules.entry(place).or_default();
            known.declared.append(&mut module.declared);
            known.imports.append(&mut module.imports);
            known.globs.append(&mut module.globs);
            known.mentions.append(&mut module.mentions);
            known.file = module.file;
        }
    }

    /// A module in a file of its own.
    fn outside(
        &mut self,
        name: &str,
        attrs: &[Attribute],
        file: &str,
        children: &str,
        place: Place,
        tests: bool,
    ) {
        let conditional = |attribute: &&Attribute| {
            attribute.path().is_ident("cfg_attr") && attribute.to_token_stream().to_string().contains("path")
        };
        if attrs.iter().any(|attribute| conditional(&attribute)) {
            return self.unread.push(format!("{file}: where {name} lies depends on a feature"));
        }
        let folder = file.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        if let Some(path) = attrs.iter().find_map(path_of) {
            let path = format!("{folder}{path}");
            let beside = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
            return self.file(&path, &beside, place, tests);
        }
        let below = format!("{children}{name}/");
        let (flat, nested) = (format!("{children}{name}.rs"), format!("{below}mod.rs"));
        let found = if self.files.contains_key(&nested) { nested } else { flat };
        self.file(&found, &below, place, tests);
    }

    /// The modules that a path passes through and ends in, as far as they are of this crate.
    fn targets(&self, at: &Place, path: &[String], depth: usize) -> Vec<Place> {
        let Some((first, rest)) = path.split_first().filter(|_| depth < DEEPEST) else { return Vec::new() };
        match first.as_str() {
            "crate" => self.descend(self.root_of(at), rest, depth),
            "::" => self.library(rest, depth),
            "self" => self.descend(at.clone(), rest, depth),
            "super" => self.descend(above(at), rest, depth),
            _ => {
                let found = self.library(path, depth);
                if found.is_empty() { self.named(at, path, depth).unwrap_or_default() } else { found }
            }
        }
    }

    /// Where the crate begins that a module is of.
    fn root_of(&self, at: &Place) -> Place {
        let roots = self.roots.iter().map(Root::place).filter(|root| at.starts_with(root));
        roots.max_by_key(Vec::len).unwrap_or_default()
    }

    /// What a path says that begins with the name of a crate.
    fn library(&self, path: &[String], depth: usize) -> Vec<Place> {
        let Some((name, rest)) = path.split_first() else { return Vec::new() };
        let root = self.roots.iter().find(|root| root.name == name);
        root.map(|root| self.descend(root.place(), rest, depth)).unwrap_or_default()
    }

    /// What a name means inside a module: what is declared there, or what `use` has brought in.
    fn named(&self, at: &Place, path: &[String], depth: usize) -> Option<Vec<Place>> {
        let (module, name) = (self.modules.get(at)?, &path[0]);
        let mut child = at.clone();
        child.push(name.clone());
        if self.modules.contains_key(&child) {
            return Some(self.descend(child, &path[1..], depth));
        }
        let follow = |target: &[String]| {
            let whole: Vec<String> = target.iter().chain(&path[1..]).cloned().collect();
            // `use serde;` means what it says.
            if whole == path { self.library(path, depth) } else { self.targets(at, &whole, depth + 1) }
        };
        let imported: Vec<_> = module.imports.iter().filter(|(import, _)| import == name).collect();
        if !imported.is_empty() {
            return Some(imported.iter().flat_map(|(_, target)| follow(target)).collect());
        }
        if module.declared.contains(name) {
            return Some(vec![at.clone()]);
        }
        // Whatever a glob might bring, it is charged with.
        let globs = module.globs.iter().flat_map(|glob| {
            let whole: Vec<String> = glob.iter().chain(path).cloned().collect();
            self.targets(at, &whole, depth + 1)
        });
        Some(globs.collect())
    }

    fn descend(&self, mut at: Place, path: &[String], depth: usize) -> Vec<Place> {
        let mut rest = path;
        while let Some((name, after)) = rest.split_first() {
            match name.as_str() {
                "super" => at = above(&at),
                "self" => {}
                _ => {
                    let mut found = self.named(&at, rest, depth + 1).unwrap_or_default();
                    found.push(at);
                    return found;
                }
            }
            rest = after;
        }
        if self.modules.contains_key(&at) { vec![at] } else { Vec::new() }
    }
}

fn above(place: &Place) -> Place {
    place[..place.len().saturating_sub(1)].to_vec()
}
