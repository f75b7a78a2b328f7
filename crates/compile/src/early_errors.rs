//! Early errors: what is no JavaScript although swc's parser takes it without a word.
//!
//! Names are resolved before, so two declarations of one scope are one identifier.

use std::collections::{HashMap, HashSet};

use swc_common::Span;
use swc_ecma_ast::{
    ArrowExpr, ArrowFunctionBody, AssignExpr, AssignTarget, AwaitExpr, BindingIdent, Class, ClassDecl,
    Constructor, Decl, Decorator, ForHead, ForInStmt, ForOfStmt, Function, FunctionBody, GetterProp, Id,
    Ident, ModuleDecl, ModuleItem, ObjectPatProp, Pat, Program, SetterProp, SimpleAssignTarget, Stmt,
    TsModuleDecl, UpdateExpr, UsingDecl, VarDecl, VarDeclKind,
};
use swc_ecma_visit::{Visit, VisitWith};

use super::faults::FaultList;

/// `awaits`: whether the top level may.
pub(crate) fn check(program: &Program, awaits: bool, faults: &mut FaultList) {
    let mut declared = Declarations { found: HashMap::new(), constants: HashSet::new(), faults };
    declared.program(program);
    program.visit_with(&mut declared);
    let constants = declared.constants;
    program.visit_with(&mut Assignments { constants: &constants, faults });
    program.visit_with(&mut TopLevel { functions: usize::from(awaits), faults });
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Declared {
    Lexical,
    /// `var`, and a function at the top of its scope: there may be several.
    Variable,
}

/// All names that are declared, and which twice.
struct Declarations<'a> {
    found: HashMap<Id, Declared>,
    constants: HashSet<Id>,
    faults: &'a mut FaultList,
}

impl Declarations<'_> {
    fn declare(&mut self, name: &Ident, as_what: Declared) {
        let before = self.found.insert(name.to_id(), as_what);
        if before.is_some_and(|before| before == Declared::Lexical || as_what == Declared::Lexical) {
            let message = format!("`{}` is declared twice", name.sym);
            self.faults.add(name.span, message, "give one of them another name");
        }
    }

    fn program(&mut self, program: &Program) {
        match program {
            Program::Script(script) => self.functions(script.body.iter()),
            Program::Module(module) => {
                self.functions(module.body.iter().filter_map(|item| match item {
                    ModuleItem::Stmt(statement) => Some(statement),
                    ModuleItem::ModuleDecl(_) => None,
                }));
                for item in &module.body {
                    if let ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) = item {
                        self.function(&export.decl);
                    }
                }
            }
        }
    }

    /// Functions at the top of a scope; within a block they are another thing in each mode of the language.
    fn functions<'a>(&mut self, statements: impl Iterator<Item = &'a Stmt>) {
        for statement in statements {
            if let Stmt::Decl(declaration) = statement {
                self.function(declaration);
            }
        }
    }

    fn function(&mut self, declaration: &Decl) {
        if let Decl::Fn(function) = declaration
            && function.function.body.is_some()
            && !function.declare
        {
            self.declare(&function.ident, Declared::Variable);
        }
    }

    fn body(&mut self, body: Option<&FunctionBody>) {
        if let Some(body) = body {
            self.functions(body.stmts.iter());
        }
    }
}

impl Visit for Declarations<'_> {
    fn visit_var_decl(&mut self, variables: &VarDecl) {
        if !variables.declare {
            let as_what = match variables.kind {
                VarDeclKind::Var => Declared::Variable,
                VarDeclKind::Let | VarDeclKind::Const => Declared::Lexical,
            };
            for declarator in &variables.decls {
                for name in bound(&declarator.name) {
                    self.declare(name, as_what);
                    if variables.kind == VarDeclKind::Const {
                        self.constants.insert(name.to_id());
                    }
                }
            }
        }
        variables.visit_children_with(self);
    }

    fn visit_class_decl(&mut self, class: &ClassDecl) {
        if !class.declare {
            self.declare(&class.ident, Declared::Lexical);
        }
        class.visit_children_with(self);
    }

    fn visit_function(&mut self, function: &Function) {
        self.body(function.body.as_ref());
        function.visit_children_with(self);
    }

    fn visit_constructor(&mut self, constructor: &Constructor) {
        self.body(constructor.body.as_ref());
        constructor.visit_children_with(self);
    }

    fn visit_arrow_expr(&mut self, arrow: &ArrowExpr) {
        if let ArrowFunctionBody::FunctionBody(body) = &*arrow.body {
            self.body(Some(body));
        };
        arrow.visit_children_with(self);
    }

    // Namespaces and ambient types declare what others may declare again.
    fn visit_ts_module_decl(&mut self, _: &TsModuleDecl) {}
}

/// The names that a pattern binds.
pub(crate) fn bound(pattern: &Pat) -> Vec<&Ident> {
    struct Bound<'a>(Vec<&'a Ident>);
    fn read<'a>(pattern: &'a Pat, found: &mut Bound<'a>) {
        match pattern {
            Pat::Ident(name) => found.0.push(&name.id),
            Pat::Array(array) => array.elems.iter().flatten().for_each(|inner| read(inner, found)),
            Pat::Rest(rest) => read(&rest.arg, found),
            Pat::Assign(assign) => read(&assign.left, found),
            Pat::Object(object) => {
                for property in &object.props {
                    match property {
                        ObjectPatProp::KeyValue(pair) => read(&pair.value, found),
                        ObjectPatProp::Assign(short) => found.0.push(&short.key.id),
                        ObjectPatProp::Rest(rest) => read(&rest.arg, found),
                    }
                }
            }
            Pat::Invalid(_) | Pat::Expr(_) => {}
        }
    }
    let mut found = Bound(Vec::new());
    read(pattern, &mut found);
    found.0
}

/// What is assigned to.
struct Assignments<'a> {
    constants: &'a HashSet<Id>,
    faults: &'a mut FaultList,
}

impl Assignments<'_> {
    fn target(&mut self, name: &Ident) {
        if self.constants.contains(&name.to_id()) {
            let message = format!("`{}` is a constant and cannot be assigned to", name.sym);
            self.faults.add(name.span, message, "declare it with `let`");
        }
    }

    fn head(&mut self, head: &ForHead) {
        if let ForHead::Pat(pattern) = head {
            for name in bound(pattern) {
                self.target(name);
            }
        }
    }
}

impl Visit for Assignments<'_> {
    fn visit_assign_expr(&mut self, assign: &AssignExpr) {
        match &assign.left {
            AssignTarget::Simple(SimpleAssignTarget::Ident(BindingIdent { id, .. })) => self.target(id),
            AssignTarget::Simple(_) => {}
            AssignTarget::Pat(pattern) => {
                for name in bound(&Pat::from(pattern.clone())) {
                    self.target(name);
                }
            }
        }
        assign.visit_children_with(self);
    }

    fn visit_update_expr(&mut self, update: &UpdateExpr) {
        if let Some(name) = update.arg.as_ident() {
            self.target(name);
        }
        update.visit_children_with(self);
    }

    fn visit_for_of_stmt(&mut self, each: &ForOfStmt) {
        self.head(&each.left);
        each.visit_children_with(self);
    }

    fn visit_for_in_stmt(&mut self, each: &ForInStmt) {
        self.head(&each.left);
        each.visit_children_with(self);
    }
}

/// What stands in no function, and what stands anywhere and is no JavaScript yet.
struct TopLevel<'a> {
    functions: usize,
    faults: &'a mut FaultList,
}

impl TopLevel<'_> {
    fn within(&mut self, read: impl FnOnce(&mut Self)) {
        self.functions += 1;
        read(self);
        self.functions -= 1;
    }

    fn awaits(&mut self, at: Span) {
        if self.functions == 0 {
            self.faults.add(at, "`await` outside of a function", "put it into an async function");
        }
    }
}

impl Visit for TopLevel<'_> {
    fn visit_await_expr(&mut self, awaits: &AwaitExpr) {
        self.awaits(awaits.span);
        awaits.visit_children_with(self);
    }

    fn visit_for_of_stmt(&mut self, each: &ForOfStmt) {
        if each.is_await {
            self.awaits(each.span);
        }
        each.visit_children_with(self);
    }

    fn visit_using_decl(&mut self, using: &UsingDecl) {
        self.faults.add(using.span, "a `using` declaration", "use `try` and `finally`");
        using.visit_children_with(self);
    }

    fn visit_decorator(&mut self, decorator: &Decorator) {
        self.faults.add(decorator.span, "a decorator", "call the function yourself");
        decorator.visit_children_with(self);
    }

    fn visit_class(&mut self, class: &Class) {
        class.decorators.visit_with(self);
        class.super_class.visit_with(self);
        self.within(|inner| class.body.visit_with(inner));
    }

    fn visit_function(&mut self, function: &Function) {
        self.within(|inner| function.visit_children_with(inner));
    }

    fn visit_arrow_expr(&mut self, arrow: &ArrowExpr) {
        self.within(|inner| arrow.visit_children_with(inner));
    }

    fn visit_getter_prop(&mut self, getter: &GetterProp) {
        self.within(|inner| getter.visit_children_with(inner));
    }

    fn visit_setter_prop(&mut self, setter: &SetterProp) {
        self.within(|inner| setter.visit_children_with(inner));
    }
}
