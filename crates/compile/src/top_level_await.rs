//! Top-level await: a program that waits becomes an async function, whose promise is the program's value.
//!
//! What the program declares stays outside, so that it is there for the statements of others that come later: functions as
//! they are, variables and classes as names that the function assigns. Within blocks `var` is meant for the whole program
//! as well.

use swc_common::{DUMMY_SP, Spanned};
use swc_ecma_ast::{
    ArrowExpr, ArrowFunctionBody, AssignExpr, AssignOp, AssignTarget, AwaitExpr, CallExpr, Callee, ClassExpr,
    Decl, Expr, ExprStmt, ForHead, ForOfStmt, Function, FunctionBody, Ident, ParenExpr, Pat, Program,
    ReturnStmt, SeqExpr, Stmt, UnaryExpr, UnaryOp, VarDecl, VarDeclKind, VarDeclOrExpr, VarDeclarator,
};
use swc_ecma_visit::{Visit, VisitMut, VisitMutWith, VisitWith};

use super::early_errors::bound;

/// Leaves a program as it is that does not wait.
pub(crate) fn wrap(program: &mut Program) {
    let Program::Script(script) = program else { return };
    let mut found = WaitSearch(false);
    script.visit_with(&mut found);
    if !found.0 {
        return;
    }
    let body = std::mem::take(&mut script.body);
    let mut names = DeclaredOutside::default();
    let (mut outside, mut inside) = (Vec::new(), Vec::new());
    let last = body.len().saturating_sub(1);
    for (index, statement) in body.into_iter().enumerate() {
        match statement {
            Stmt::Decl(Decl::Fn(function)) => outside.push(Stmt::Decl(Decl::Fn(function))),
            Stmt::Decl(Decl::Class(class)) => {
                names.0.push(class.ident.clone());
                let target = Pat::Ident(class.ident.clone().into());
                let value = Expr::Class(ClassExpr { ident: Some(class.ident), class: class.class });
                inside.extend(assigned(target, Box::new(value)).map(statement_of));
            }
            Stmt::Decl(Decl::Var(variables)) => {
                inside.extend(names.assignments(*variables).into_iter().map(statement_of));
            }
            Stmt::Expr(expression) if index == last => {
                inside.push(Stmt::Return(ReturnStmt { span: expression.span, arg: Some(expression.expr) }));
            }
            mut other => {
                other.visit_mut_with(&mut names);
                inside.push(other);
            }
        }
    }
    if !names.0.is_empty() {
        let decls = names.0.into_iter().map(|name| VarDeclarator {
            span: DUMMY_SP,
            name: Pat::Ident(name.into()),
            init: None,
            definite: false,
        });
        let variables = VarDecl { kind: VarDeclKind::Var, decls: decls.collect(), ..VarDecl::default() };
        outside.insert(0, Stmt::Decl(Decl::Var(Box::new(variables))));
    }
    outside.push(statement_of(begun(inside)));
    script.body = outside;
}

/// The call of an async function with this body.
fn begun(body: Vec<Stmt>) -> Expr {
    let body = FunctionBody { span: DUMMY_SP, stmts: body };
    let function = ArrowExpr {
        body: Box::new(ArrowFunctionBody::FunctionBody(body)),
        is_async: true,
        ..ArrowExpr::default()
    };
    let function = ParenExpr { span: DUMMY_SP, expr: Box::new(Expr::Arrow(function)) };
    Expr::Call(CallExpr { callee: Callee::Expr(Box::new(Expr::Paren(function))), ..CallExpr::default() })
}

fn statement_of(expr: Expr) -> Stmt {
    Stmt::Expr(ExprStmt { span: expr.span(), expr: Box::new(expr) })
}

/// Nothing where what stands left is no pattern, which no parser gives.
fn assigned(target: Pat, value: Box<Expr>) -> Option<Expr> {
    let span = target.span();
    let left = AssignTarget::try_from(target).ok()?;
    Some(Expr::Assign(AssignExpr { span, op: AssignOp::Assign, left, right: value }))
}

fn nothing() -> Expr {
    let zero = Box::new(Expr::Lit(0.into()));
    Expr::Unary(UnaryExpr { span: DUMMY_SP, op: UnaryOp::Void, arg: zero })
}

/// Names that are declared outside, and that the function assigns.
#[derive(Default)]
struct DeclaredOutside(Vec<Ident>);

impl DeclaredOutside {
    fn assignments(&mut self, variables: VarDecl) -> Vec<Expr> {
        let is_var = variables.kind == VarDeclKind::Var;
        let mut made = Vec::new();
        for one in variables.decls {
            self.0.extend(bound(&one.name).into_iter().cloned());
            // A `var` without a value keeps the one that it has.
            let value = if is_var { one.init } else { one.init.or_else(|| Some(Box::new(nothing()))) };
            made.extend(value.and_then(|value| assigned(one.name, value)));
        }
        made
    }

    fn sequence(&mut self, variables: VarDecl) -> Expr {
        let mut exprs = self.assignments(variables);
        match exprs.len() {
            0 => nothing(),
            1 => exprs.swap_remove(0),
            _ => {
                let exprs = exprs.into_iter().map(Box::new).collect();
                Expr::Seq(SeqExpr { span: DUMMY_SP, exprs })
            }
        }
    }
}

impl VisitMut for DeclaredOutside {
    fn visit_mut_stmt(&mut self, statement: &mut Stmt) {
        statement.visit_mut_children_with(self);
        if let Stmt::Decl(Decl::Var(variables)) = statement
            && variables.kind == VarDeclKind::Var
        {
            let variables = std::mem::take(&mut **variables);
            *statement = statement_of(self.sequence(variables));
        }
    }

    fn visit_mut_var_decl_or_expr(&mut self, head: &mut VarDeclOrExpr) {
        head.visit_mut_children_with(self);
        if let VarDeclOrExpr::VarDecl(variables) = head
            && variables.kind == VarDeclKind::Var
        {
            let variables = std::mem::take(&mut **variables);
            *head = VarDeclOrExpr::Expr(Box::new(self.sequence(variables)));
        }
    }

    fn visit_mut_for_head(&mut self, head: &mut ForHead) {
        head.visit_mut_children_with(self);
        if let ForHead::VarDecl(variables) = head
            && variables.kind == VarDeclKind::Var
            && let Some(one) = variables.decls.pop()
        {
            self.0.extend(bound(&one.name).into_iter().cloned());
            *head = ForHead::Pat(Box::new(one.name));
        }
    }

    // Their variables are their own.
    fn visit_mut_function(&mut self, _: &mut Function) {}
    fn visit_mut_arrow_expr(&mut self, _: &mut ArrowExpr) {}
    fn visit_mut_class(&mut self, _: &mut swc_ecma_ast::Class) {}
    fn visit_mut_expr(&mut self, _: &mut Expr) {}
}

/// Whether the program itself waits.
struct WaitSearch(bool);

impl Visit for WaitSearch {
    fn visit_await_expr(&mut self, _: &AwaitExpr) {
        self.0 = true;
    }

    fn visit_for_of_stmt(&mut self, each: &ForOfStmt) {
        self.0 |= each.is_await;
        each.visit_children_with(self);
    }

    fn visit_function(&mut self, _: &Function) {}
    fn visit_arrow_expr(&mut self, _: &ArrowExpr) {}
    fn visit_getter_prop(&mut self, _: &swc_ecma_ast::GetterProp) {}
    fn visit_setter_prop(&mut self, _: &swc_ecma_ast::SetterProp) {}
    fn visit_constructor(&mut self, _: &swc_ecma_ast::Constructor) {}
}
