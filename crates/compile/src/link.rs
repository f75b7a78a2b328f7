//! Linker: the modules of a graph as one program, whose names its hygiene keeps apart.
//!
//! ES modules are laid one behind the other in the order in which they run, and an imported name is the exporter's own
//! variable, so that it changes with it. A module of CommonJS is a function that runs when it is first asked for.

use std::collections::{HashMap, HashSet};

use swc_atoms::Atom;
use swc_common::{DUMMY_SP, Mark, SyntaxContext};
use swc_ecma_ast::{
    ClassDecl, Decl, DefaultDecl, ExportNamedSpecifier, ExportSpecifier, Expr, FnDecl, Function,
    FunctionBody, GetterProp, Id, Ident, IdentName, ImportSpecifier, MemberExpr, MemberProp, Module,
    ModuleDecl, ModuleExportName, ModuleItem, NamedExport, ObjectLit, Program, Prop, PropName, PropOrSpread,
    ReturnStmt, Stmt, Str,
};
use swc_ecma_visit::VisitMutWith;

use super::common_js;
use super::early_errors::bound;
use super::faults::FaultList;
use super::graph::Graph;
use super::modules::{variable, worker_functions};
use super::replace_imports::ReplaceImports;

/// What a name of a module means.
#[derive(Debug, Clone)]
pub(crate) enum Linked {
    Variable(Id),
    /// A member of what a module of CommonJS exports, or all of it.
    Common(usize, Option<Atom>),
    /// All exports of an ES module, as an object.
    Namespace(usize),
}

#[derive(Debug, Clone)]
enum Import {
    Named(Atom),
    Namespace,
}

/// What is known of an ES module, and what is left of its text.
#[derive(Default)]
pub(crate) struct Unlinked {
    body: Vec<Stmt>,
    exports: HashMap<Atom, Id>,
    /// Exports of what is imported, and names that are imported.
    from: HashMap<Atom, (usize, Import)>,
    imports: Vec<(Id, usize, Import)>,
    stars: Vec<usize>,
    is_common: bool,
}

/// The whole as a module, whose exports are those of the source itself.
pub(crate) fn link(graph: &mut Graph<'_>, faults: &mut FaultList) -> Program {
    let last = graph.order.last().copied().unwrap_or_default();
    if graph.order.len() == 1 {
        return std::mem::replace(&mut graph.modules[last].program, Program::Module(Module::default()));
    }
    let names = graph.names;
    let mut modules: Vec<Unlinked> = Vec::new();
    for module in &mut graph.modules {
        let program = std::mem::replace(&mut module.program, Program::Module(Module::default()));
        modules.push(match program {
            Program::Script(script) if module.is_common => {
                Unlinked { body: script.body, is_common: true, ..Unlinked::default() }
            }
            Program::Script(script) => Unlinked { body: script.body, ..Unlinked::default() },
            Program::Module(program) => unlinked(program, &module.targets),
        });
    }
    let getters: Vec<Ident> = (0..modules.len()).map(|_| own("_module")).collect();
    let spaces: Vec<Ident> = (0..modules.len()).map(|_| own("_namespace")).collect();
    let mut used = HashSet::new();
    let mut body = Vec::new();
    for number in graph.order.clone() {
        let mut replaced = HashMap::new();
        for (local, target, import) in &modules[number].imports {
            match resolve(&modules, *target, import) {
                Some(linked) => drop(replaced.insert(local.clone(), linked)),
                None => {
                    let (Import::Named(name), text) = (import, &graph.texts[*target].name) else { continue };
                    let message = format!("`{text}` exports no `{name}`");
                    faults.add_at(graph.texts[number].start as usize - 1, message, "import what it exports");
                }
            }
        }
        let mut statements = std::mem::take(&mut modules[number].body);
        let mut replace = ReplaceImports {
            replaced: &replaced,
            modules: &modules,
            getters: &getters,
            spaces: &spaces,
            used: &mut used,
        };
        statements.visit_mut_with(&mut replace);
        if modules[number].is_common {
            let targets = &graph.modules[number].targets;
            let required = |specifier: &str| {
                let target = *targets.get(specifier)?;
                if modules[target].is_common {
                    return Some(common_js::call(&getters[target]));
                }
                used.insert(target);
                Some(Expr::Ident(spaces[target].clone()))
            };
            statements = common_js::wrapped(statements, &getters[number], names, required);
        }
        body.push((number, statements));
    }
    let mut all: Vec<Stmt> =
        used.iter().map(|number| namespace(&modules, *number, &getters, &spaces)).collect();
    let exports = exports(&modules, last, &mut all, &body, &getters);
    all.extend(body.into_iter().flat_map(|(_, statements)| statements));
    let mut items: Vec<ModuleItem> = all.into_iter().map(ModuleItem::Stmt).collect();
    items.push(ModuleItem::ModuleDecl(ModuleDecl::ExportNamed(exports)));
    Program::Module(Module { body: items, ..Module::default() })
}

fn own(name: &str) -> Ident {
    Ident::new(name.into(), DUMMY_SP, SyntaxContext::empty().apply_mark(Mark::new()))
}

fn unlinked(program: Module, targets: &HashMap<String, usize>) -> Unlinked {
    let mut this = Unlinked::default();
    let target = |text: &Str| targets.get(&*text.value.to_string_lossy()).copied();
    for item in program.body {
        let declaration = match item {
            ModuleItem::Stmt(statement) => {
                this.body.push(statement);
                continue;
            }
            ModuleItem::ModuleDecl(declaration) => declaration,
        };
        match declaration {
            ModuleDecl::Import(import) => {
                let Some(target) = target(&import.src) else { continue };
                for specifier in import.specifiers {
                    let (local, import) = match specifier {
                        ImportSpecifier::Default(one) => (one.local, Import::Named("default".into())),
                        ImportSpecifier::Namespace(one) => (one.local, Import::Namespace),
                        ImportSpecifier::Named(one) => {
                            let name = one
                                .imported
                                .map_or_else(|| one.local.sym.clone(), |name| name.atom().into_owned());
                            (one.local, Import::Named(name))
                        }
                    };
                    this.imports.push((local.to_id(), target, import));
                }
            }
            ModuleDecl::ExportDecl(export) => {
                let names: Vec<Id> = match &export.decl {
                    Decl::Class(class) => vec![class.ident.to_id()],
                    Decl::Fn(function) => vec![function.ident.to_id()],
                    Decl::Var(variables) => {
                        variables.decls.iter().flat_map(|one| bound(&one.name)).map(Ident::to_id).collect()
                    }
                    _ => Vec::new(),
                };
                this.exports.extend(names.into_iter().map(|id| (id.0.clone(), id)));
                this.body.push(Stmt::Decl(export.decl));
            }
            ModuleDecl::ExportNamed(export) => {
                let target = export.src.as_deref().map(target);
                for specifier in export.specifiers {
                    match (specifier, target) {
                        (ExportSpecifier::Named(one), None) => {
                            let ModuleExportName::Ident(local) = &one.orig else { continue };
                            let name = one.exported.as_ref().unwrap_or(&one.orig).atom().into_owned();
                            this.exports.insert(name, local.to_id());
                        }
                        (ExportSpecifier::Named(one), Some(Some(target))) => {
                            let name = one.exported.as_ref().unwrap_or(&one.orig).atom().into_owned();
                            this.from.insert(name, (target, Import::Named(one.orig.atom().into_owned())));
                        }
                        (ExportSpecifier::Namespace(one), Some(Some(target))) => {
                            this.from.insert(one.name.atom().into_owned(), (target, Import::Namespace));
                        }
                        _ => {}
                    }
                }
            }
            ModuleDecl::ExportDefaultDecl(export) => {
                let name = |ident: Option<Ident>| ident.unwrap_or_else(|| own("main"));
                let (ident, declaration) = match export.decl {
                    DefaultDecl::Fn(function) => {
                        let ident = name(function.ident);
                        let function =
                            FnDecl { ident: ident.clone(), declare: false, function: function.function };
                        (ident, Decl::Fn(function))
                    }
                    DefaultDecl::Class(class) => {
                        let ident = name(class.ident);
                        (ident.clone(), Decl::Class(ClassDecl { ident, declare: false, class: class.class }))
                    }
                    DefaultDecl::TsInterfaceDecl(_) => continue,
                };
                this.exports.insert("default".into(), ident.to_id());
                this.body.push(Stmt::Decl(declaration));
            }
            ModuleDecl::ExportDefaultExpr(export) => {
                let ident = own("main");
                this.exports.insert("default".into(), ident.to_id());
                this.body.push(variable(ident, export.expr));
            }
            ModuleDecl::ExportAll(export) => this.stars.extend(target(&export.src)),
            ModuleDecl::TsImportEquals(_)
            | ModuleDecl::TsExportAssignment(_)
            | ModuleDecl::TsNamespaceExport(_) => {}
        }
    }
    // What is imported and exported again is the exporter's.
    let again: Vec<(Atom, (usize, Import))> = this
        .exports
        .iter()
        .filter_map(|(name, id)| {
            let (_, target, import) = this.imports.iter().find(|(local, ..)| local == id)?;
            Some((name.clone(), (*target, import.clone())))
        })
        .collect();
    for (name, from) in again {
        this.exports.remove(&name);
        this.from.insert(name, from);
    }
    this
}

fn resolve(modules: &[Unlinked], target: usize, import: &Import) -> Option<Linked> {
    match import {
        Import::Namespace if modules[target].is_common => Some(Linked::Common(target, None)),
        Import::Namespace => Some(Linked::Namespace(target)),
        Import::Named(name) => named(modules, target, name, &mut HashSet::new()),
    }
}

/// What a module means by an export; modules that export each other's names are gone around.
pub(crate) fn named(
    modules: &[Unlinked],
    target: usize,
    name: &Atom,
    seen: &mut HashSet<usize>,
) -> Option<Linked> {
    let module = &modules[target];
    if module.is_common {
        let member = (*name != *"default").then(|| name.clone());
        return Some(Linked::Common(target, member));
    }
    if !seen.insert(target) {
        return None;
    }
    if let Some(id) = module.exports.get(name) {
        return Some(Linked::Variable(id.clone()));
    }
    match module.from.get(name) {
        Some((from, Import::Named(name))) => return named(modules, *from, name, seen),
        Some((from, import)) => return resolve(modules, *from, import),
        None => {}
    }
    if *name == *"default" {
        return None;
    }
    module.stars.iter().find_map(|star| named(modules, *star, name, seen))
}

/// All names that an ES module exports.
fn all_names(modules: &[Unlinked], target: usize, seen: &mut HashSet<usize>) -> Vec<Atom> {
    if !seen.insert(target) {
        return Vec::new();
    }
    let module = &modules[target];
    let mut names: Vec<Atom> = module.exports.keys().chain(module.from.keys()).cloned().collect();
    for star in &module.stars {
        names.extend(all_names(modules, *star, seen).into_iter().filter(|name| *name != *"default"));
    }
    names.sort();
    names.dedup();
    names
}

pub(crate) fn expression(linked: &Linked, getters: &[Ident], spaces: &[Ident]) -> Expr {
    match linked {
        Linked::Variable(id) => Expr::Ident(Ident::new(id.0.clone(), DUMMY_SP, id.1)),
        Linked::Namespace(number) => Expr::Ident(spaces[*number].clone()),
        Linked::Common(number, None) => common_js::call(&getters[*number]),
        Linked::Common(number, Some(name)) => member(common_js::call(&getters[*number]), name.clone()),
    }
}

pub(crate) fn member(object: Expr, name: Atom) -> Expr {
    let prop = MemberProp::Ident(IdentName::new(name, DUMMY_SP));
    Expr::Member(MemberExpr { span: DUMMY_SP, obj: Box::new(object), prop })
}

/// `var namespace = {get name() { return value; }, …}`: its members are read anew each time.
fn namespace(modules: &[Unlinked], number: usize, getters: &[Ident], spaces: &[Ident]) -> Stmt {
    let names = all_names(modules, number, &mut HashSet::new());
    let getter = |name: Atom| {
        let linked = named(modules, number, &name, &mut HashSet::new())?;
        let value = expression(&linked, getters, spaces);
        let stmts = vec![Stmt::Return(ReturnStmt { span: DUMMY_SP, arg: Some(Box::new(value)) })];
        let body = Some(FunctionBody { span: DUMMY_SP, stmts });
        let key = PropName::Ident(IdentName::new(name, DUMMY_SP));
        let function = Box::new(Function { body, ..Function::default() });
        let getter = GetterProp { span: DUMMY_SP, key, function };
        Some(PropOrSpread::Prop(Box::new(Prop::Getter(getter))))
    };
    let object = ObjectLit { span: DUMMY_SP, props: names.into_iter().filter_map(getter).collect() };
    variable(spaces[number].clone(), Box::new(Expr::Object(object)))
}

/// Exports of the source itself, as those of one module. What is no variable of it becomes one.
fn exports(
    modules: &[Unlinked],
    last: usize,
    all: &mut Vec<Stmt>,
    body: &[(usize, Vec<Stmt>)],
    getters: &[Ident],
) -> NamedExport {
    let mut specifiers = Vec::new();
    let mut export = |name: Atom, local: Ident| {
        let orig = ModuleExportName::Ident(local);
        let exported = Some(ModuleExportName::Ident(Ident::new_no_ctxt(name, DUMMY_SP)));
        specifiers.push(ExportSpecifier::Named(ExportNamedSpecifier {
            span: DUMMY_SP,
            orig,
            exported,
            is_type_only: false,
        }));
    };
    let names = all_names(modules, last, &mut HashSet::new());
    let own_body = body.iter().find(|(number, _)| *number == last).map_or(&[][..], |(_, body)| body);
    if names.is_empty() {
        // Its functions are its methods, and not those of what it imports.
        for name in worker_functions(own_body) {
            export(name.sym.clone(), name);
        }
    }
    for name in names {
        match named(modules, last, &name, &mut HashSet::new()) {
            Some(Linked::Variable(id)) => export(name, Ident::new(id.0, DUMMY_SP, id.1)),
            Some(linked @ Linked::Common(..)) => {
                let local = own(&name);
                all.push(variable(local.clone(), Box::new(expression(&linked, getters, &[]))));
                export(name, local);
            }
            Some(Linked::Namespace(_)) | None => {}
        }
    }
    NamedExport { span: DUMMY_SP, specifiers, src: None, type_only: false, with: None }
}
