//! Separation of programs: statements that are evaluated one after the other share their global scope, and what lowering
//! adds to one must not be what it has added to another.
//!
//! The keys of private names and the texts of tagged templates are kept in such variables, for functions that live on.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use swc_atoms::Atom;
use swc_ecma_ast::{ArrowExpr, ClassDecl, FnDecl, Function, Id, Ident, Program, VarDecl};
use swc_ecma_transforms_base::rename::{RenameMap, rename};
use swc_ecma_visit::{Visit, VisitWith};

use super::early_errors::bound;

/// The variables of the global scope.
#[derive(Default)]
pub(crate) struct TopVariables(HashSet<Id>);

impl TopVariables {
    pub(crate) fn of(program: &Program) -> Self {
        let mut found = Self::default();
        program.visit_with(&mut found);
        found
    }
}

/// Gives what is not its author's a name of this source's own.
pub(crate) fn separate(program: &mut Program, own: &TopVariables, source: &str) {
    let mut hasher = DefaultHasher::new();
    source.hash(&mut hasher);
    let mark = hasher.finish() as u32;
    let added = TopVariables::of(program).0;
    let mut added: Vec<Id> = added.into_iter().filter(|id| !own.0.contains(id)).collect();
    // Lowering gives many variables one name, and leaves it to their scopes to tell them apart.
    added.sort_unstable();
    let mut taken: HashMap<Atom, u32> = HashMap::new();
    let renamed: RenameMap = added
        .into_iter()
        .map(|id| {
            let number = taken.entry(id.0.clone()).or_default();
            let name = match *number {
                0 => format!("{}_{mark:08x}", id.0),
                more => format!("{}_{mark:08x}_{more}", id.0),
            };
            *number += 1;
            (id, name.into())
        })
        .collect();
    if !renamed.is_empty() {
        program.mutate(rename(&renamed));
    }
}

impl Visit for TopVariables {
    fn visit_var_decl(&mut self, variables: &VarDecl) {
        let names = variables.decls.iter().flat_map(|one| bound(&one.name));
        self.0.extend(names.map(Ident::to_id));
        variables.visit_children_with(self);
    }

    fn visit_class_decl(&mut self, class: &ClassDecl) {
        self.0.insert(class.ident.to_id());
    }

    fn visit_fn_decl(&mut self, function: &FnDecl) {
        self.0.insert(function.ident.to_id());
    }

    fn visit_function(&mut self, _: &Function) {}

    fn visit_arrow_expr(&mut self, _: &ArrowExpr) {}
}
