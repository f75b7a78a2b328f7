//! Module flattening: what a source exports become its global functions, and what it does not is out of sight.
//!
//! Without any export the top-level functions are the methods, as in sources that need no compiler; classes are functions
//! as soon as they are lowered, so theirs begin with `_`, which no method does.

use std::collections::{HashMap, HashSet};

use hauki_contract::model::method;
use hauki_contract::rpc::compile::Purpose;
use swc_atoms::Atom;
use swc_common::{DUMMY_SP, Mark, Span, Spanned, SyntaxContext};
use swc_ecma_ast::{
    AssignExpr, AssignOp, CallExpr, Callee, ClassDecl, ClassExpr, Decl, DefaultDecl, ExportSpecifier, Expr,
    ExprStmt, FnDecl, FnExpr, Function, FunctionBody, Id, Ident, IdentName, MemberExpr, MemberProp,
    ModuleDecl, ModuleExportName, ModuleItem, Pat, Program, Script, Stmt, VarDecl, VarDeclKind,
    VarDeclarator,
};
use swc_ecma_transforms_base::rename::{RenameMap, rename};
use swc_ecma_visit::{Visit, VisitMut, VisitMutWith, VisitWith};

use super::built_in::is_built_in;
use super::early_errors::bound;
use super::faults::FaultList;
use super::scopes::ResolvedNames;

/// The method that a function without a name is when it is the default export.
const DEFAULT: &str = "main";

/// From a module or a script to a script.
pub(crate) fn lower(
    program: &mut Program,
    purpose: Purpose,
    names: ResolvedNames,
    faults: &mut FaultList,
    warnings: &mut FaultList,
) {
    let (span, body, exports) = match std::mem::replace(program, Program::Script(Script::default())) {
        Program::Script(script) => (script.span, script.body, None),
        Program::Module(module) => {
            let mut flat = Flat { body: Vec::new(), exports: Vec::new(), exporting: false, faults };
            module.body.into_iter().for_each(|item| flat.item(item));
            let exports = flat.exporting.then_some(flat.exports);
            (module.span, flat.body, exports)
        }
    };
    let kinds = kinds(&body);
    let is_worker = purpose == Purpose::Worker;
    let (mut body, mut renamed) = (body, RenameMap::default());
    match exports {
        Some(exports) if is_worker => body = wrapped(body, callable(exports, &kinds, faults), names),
        _ => {
            warn_hiding(&body, warnings);
            if is_worker {
                let mut all = AllNames::default();
                body.visit_with(&mut all);
                renamed = hide_classes(&mut body, &all.0);
            }
        }
    }
    *program = Program::Script(Script { span, body, shebang: None });
    if !renamed.is_empty() {
        program.mutate(rename(&renamed));
    }
}

/// What is exported, under which name.
struct Exported {
    name: Atom,
    local: Ident,
    at: Span,
}

struct Flat<'a> {
    body: Vec<Stmt>,
    exports: Vec<Exported>,
    /// `export {}` alone says no more than that a file is a module.
    exporting: bool,
    faults: &'a mut FaultList,
}

impl Flat<'_> {
    fn item(&mut self, item: ModuleItem) {
        match item {
            ModuleItem::Stmt(statement) => self.body.push(statement),
            ModuleItem::ModuleDecl(declaration) => self.declaration(declaration),
        }
    }

    fn declaration(&mut self, declaration: ModuleDecl) {
        match declaration {
            ModuleDecl::ExportDecl(export) => {
                let names: Vec<Ident> = match &export.decl {
                    Decl::Class(class) => vec![class.ident.clone()],
                    Decl::Fn(function) => vec![function.ident.clone()],
                    Decl::Var(variables) => {
                        variables.decls.iter().flat_map(|one| bound(&one.name)).cloned().collect()
                    }
                    _ => Vec::new(),
                };
                for name in names {
                    self.export(name.sym.clone(), name.clone(), name.span);
                }
                self.body.push(Stmt::Decl(export.decl));
            }
            ModuleDecl::ExportNamed(export) if export.src.is_none() => {
                for specifier in export.specifiers {
                    if let ExportSpecifier::Named(named) = specifier
                        && let ModuleExportName::Ident(local) = named.orig
                    {
                        let name =
                            named.exported.map_or_else(|| local.sym.clone(), |name| name.atom().into_owned());
                        let name = if name == "default" { local.sym.clone() } else { name };
                        self.export(name, local, named.span);
                    }
                }
            }
            ModuleDecl::ExportDefaultDecl(export) => match export.decl {
                DefaultDecl::Fn(FnExpr { ident, function }) => {
                    let ident = self.default(ident, export.span);
                    self.body.push(Stmt::Decl(Decl::Fn(FnDecl { ident, declare: false, function })));
                }
                DefaultDecl::Class(class) => {
                    let ident = self.default(class.ident, export.span);
                    self.body.push(Stmt::Decl(Decl::Class(ClassDecl {
                        ident,
                        declare: false,
                        class: class.class,
                    })));
                }
                DefaultDecl::TsInterfaceDecl(_) => {}
            },
            ModuleDecl::ExportDefaultExpr(export) => self.default_expression(export.span, export.expr),
            ModuleDecl::ExportAll(export) => self.foreign(export.span),
            ModuleDecl::ExportNamed(export) => self.foreign(export.span),
            // Refused before, or types.
            ModuleDecl::Import(_)
            | ModuleDecl::TsImportEquals(_)
            | ModuleDecl::TsExportAssignment(_)
            | ModuleDecl::TsNamespaceExport(_) => {}
        }
    }

    fn export(&mut self, name: Atom, local: Ident, at: Span) {
        self.exporting = true;
        self.exports.push(Exported { name, local, at });
    }

    fn default(&mut self, name: Option<Ident>, at: Span) -> Ident {
        let name = name.unwrap_or_else(|| {
            let own = SyntaxContext::empty().apply_mark(Mark::new());
            Ident::new(DEFAULT.into(), DUMMY_SP, own)
        });
        self.export(name.sym.clone(), name.clone(), at);
        name
    }

    fn default_expression(&mut self, at: Span, expression: Box<Expr>) {
        match bare(&expression) {
            Expr::Ident(name) => self.export(name.sym.clone(), name.clone(), at),
            Expr::Arrow(_) | Expr::Fn(_) | Expr::Class(_) | Expr::Call(_) => {
                let name = self.default(None, at);
                self.body.push(variable(name, expression));
            }
            _ => {
                self.exporting = true;
                let instead = "export its functions by their names";
                self.faults.add(at, "a default export that is no function", instead);
            }
        }
    }

    fn foreign(&mut self, at: Span) {
        self.exporting = true;
        self.faults.add(
            at,
            "an export from another module",
            "put everything into one file, as a bundler does",
        );
    }
}

fn bare(expression: &Expr) -> &Expr {
    match expression {
        Expr::Paren(inner) => bare(&inner.expr),
        other => other,
    }
}

pub(crate) fn variable(name: Ident, value: Box<Expr>) -> Stmt {
    let declarator = VarDeclarator {
        span: value.span(),
        name: Pat::Ident(name.into()),
        init: Some(value),
        definite: false,
    };
    let variables = VarDecl { kind: VarDeclKind::Var, decls: vec![declarator], ..VarDecl::default() };
    Stmt::Decl(Decl::Var(Box::new(variables)))
}

/// The functions of a source that exports nothing.
pub(crate) fn worker_functions(body: &[Stmt]) -> Vec<Ident> {
    let mut found = Vec::new();
    let kinds = kinds(body);
    let mut add = |name: &Ident| {
        if kinds.get(&name.to_id()) == Some(&GlobalKind::Function) {
            found.push(name.clone());
        }
    };
    for statement in body {
        match statement {
            Stmt::Decl(Decl::Fn(function)) => add(&function.ident),
            Stmt::Decl(Decl::Var(variables)) => {
                variables.decls.iter().flat_map(|one| bound(&one.name)).for_each(&mut add);
            }
            _ => {}
        }
    }
    found
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GlobalKind {
    Function,
    Class,
    /// Certainly nothing that can be called.
    Plain,
    Unknown,
}

/// What the variables of the top level are.
fn kinds(body: &[Stmt]) -> HashMap<Id, GlobalKind> {
    let mut kinds = HashMap::new();
    for statement in body {
        match statement {
            Stmt::Decl(Decl::Fn(function)) => {
                kinds.insert(function.ident.to_id(), GlobalKind::Function);
            }
            Stmt::Decl(Decl::Class(class)) => {
                kinds.insert(class.ident.to_id(), GlobalKind::Class);
            }
            Stmt::Decl(Decl::Var(variables)) => {
                for one in &variables.decls {
                    let kind = match one.init.as_deref().map(bare) {
                        Some(Expr::Class(_)) => GlobalKind::Class,
                        Some(
                            Expr::Lit(_) | Expr::Object(_) | Expr::Array(_) | Expr::Tpl(_) | Expr::New(_),
                        ) => GlobalKind::Plain,
                        Some(Expr::Fn(_) | Expr::Arrow(_)) => GlobalKind::Function,
                        _ => GlobalKind::Unknown,
                    };
                    let whole = matches!(one.name, Pat::Ident(_));
                    for name in bound(&one.name) {
                        kinds.insert(name.to_id(), if whole { kind } else { GlobalKind::Unknown });
                    }
                }
            }
            _ => {}
        }
    }
    kinds
}

/// The exports that may be methods, each once.
fn callable(
    exports: Vec<Exported>,
    kinds: &HashMap<Id, GlobalKind>,
    faults: &mut FaultList,
) -> Vec<(Atom, Ident)> {
    let mut found: Vec<(Atom, Ident)> = Vec::new();
    for Exported { name, local, at } in exports {
        let Some(kind) = kinds.get(&local.to_id()) else {
            faults.add(
                at,
                format!("`{}` is exported and not declared", local.sym),
                "declare it, or import it first",
            );
            continue;
        };
        if matches!(kind, GlobalKind::Class | GlobalKind::Plain) {
            continue;
        }
        if !method::is_name(&name) {
            faults.add(at, format!("{name:?} is no name of a method"), "use letters, digits, `_` and `$`");
        } else if is_built_in(&name) {
            let message = format!("a method cannot be called `{name}`, as what the language has");
            faults.add(at, message, "export it under another name");
        } else if found.iter().any(|(other, local_of)| *other == name && local_of.to_id() != local.to_id()) {
            faults.add(at, format!("`{name}` is exported twice"), "give one of them another name");
        } else if !found.iter().any(|(other, _)| *other == name) {
            found.push((name, local));
        }
    }
    found
}

/// `(function () { … globalThis.name = local; … })();`
fn wrapped(mut body: Vec<Stmt>, exports: Vec<(Atom, Ident)>, names: ResolvedNames) -> Vec<Stmt> {
    for (name, local) in exports {
        let global = Ident::new("globalThis".into(), DUMMY_SP, names.global());
        let target = MemberExpr {
            span: DUMMY_SP,
            obj: Box::new(global.into()),
            prop: MemberProp::Ident(IdentName::new(name, DUMMY_SP)),
        };
        let assign = AssignExpr {
            span: DUMMY_SP,
            op: AssignOp::Assign,
            left: target.into(),
            right: Box::new(local.into()),
        };
        body.push(Stmt::Expr(ExprStmt { span: DUMMY_SP, expr: Box::new(Expr::Assign(assign)) }));
    }
    let block = FunctionBody { span: DUMMY_SP, stmts: body };
    let function = Function { body: Some(block), ..Function::default() };
    let callee = Expr::Fn(FnExpr { ident: None, function: Box::new(function) });
    let call = CallExpr { callee: Callee::Expr(Box::new(callee)), ..CallExpr::default() };
    vec![Stmt::Expr(ExprStmt { span: DUMMY_SP, expr: Box::new(Expr::Call(call)) })]
}

/// Classes of the top level get variables that no method is called by. The classes keep their names.
fn hide_classes(body: &mut [Stmt], program_names: &HashSet<Atom>) -> RenameMap {
    let mut renamed = RenameMap::default();
    let mut hide = |name: &Ident| {
        let mut hidden = format!("_{}", name.sym);
        while program_names.contains(&Atom::from(hidden.as_str())) {
            hidden.insert(0, '_');
        }
        renamed.insert(name.to_id(), Atom::from(hidden));
    };
    for statement in body {
        match statement {
            Stmt::Decl(Decl::Class(class)) => {
                hide(&class.ident);
                // The variable is set when the class is whole, and its own text may use it before.
                let own = within(&class.ident);
                let mut body = std::mem::take(&mut class.class);
                body.visit_mut_with(&mut OwnName { outer: class.ident.to_id(), inner: own.ctxt });
                let value = ClassExpr { ident: Some(own), class: body };
                let mut made = variable(class.ident.clone(), Box::new(Expr::Class(value)));
                if let Stmt::Decl(Decl::Var(variables)) = &mut made {
                    variables.kind = VarDeclKind::Let;
                }
                *statement = made;
            }
            Stmt::Decl(Decl::Var(variables)) => {
                for one in &mut variables.decls {
                    if let Pat::Ident(name) = &one.name
                        && let Some(Expr::Class(class)) = one.init.as_deref_mut()
                    {
                        hide(&name.id);
                        class.ident.get_or_insert_with(|| within(&name.id));
                    }
                }
            }
            _ => {}
        }
    }
    renamed
}

/// The name by which a class knows itself.
fn within(name: &Ident) -> Ident {
    Ident::new(name.sym.clone(), name.span, SyntaxContext::empty().apply_mark(Mark::new()))
}

/// The name of a class within its own text.
struct OwnName {
    outer: Id,
    inner: SyntaxContext,
}

impl VisitMut for OwnName {
    fn visit_mut_ident(&mut self, name: &mut Ident) {
        if name.sym == self.outer.0 && name.ctxt == self.outer.1 {
            name.ctxt = self.inner;
        }
    }
}

#[derive(Default)]
struct AllNames(HashSet<Atom>);

impl Visit for AllNames {
    fn visit_ident(&mut self, name: &Ident) {
        self.0.insert(name.sym.clone());
    }
}

fn warn_hiding(body: &[Stmt], warnings: &mut FaultList) {
    for statement in body {
        if let Stmt::Decl(Decl::Fn(function)) = statement
            && is_built_in(&function.ident.sym)
        {
            let message = format!("`{}` hides what the language has by that name", function.ident.sym);
            warnings.add(function.ident.span, message, "give the function another name");
        }
    }
}
