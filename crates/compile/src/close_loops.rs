//! Iterator closing: a `for-of` that is left early calls `return` of what it goes over, so that a generator's `finally` runs.
//!
//! swc closes iterators only in its strict form, which also makes an object for each element of an array. Here the loop
//! stays loose, and goes over an opened iterator, which a `finally` around the loop closes. Arrays open as themselves.

use swc_common::{DUMMY_SP, Spanned, SyntaxContext};
use swc_ecma_ast::{
    BlockStmt, CallExpr, Callee, Expr, ForHead, ForOfStmt, Ident, Lit, MemberExpr, MemberProp, Pat, Program,
    Stmt, TryStmt, VarDecl, VarDeclKind, VarDeclarator,
};
use swc_ecma_utils::private_ident;
use swc_ecma_visit::{VisitMut, VisitMutWith};

use super::scopes::ResolvedNames;

const OPEN: &str = "_open_iterator";
const CLOSE: &str = "_close_iterator";

/// Before loops are lowered, and before functions that wait become steps.
pub(crate) fn wrap(program: &mut Program, names: ResolvedNames) {
    program.visit_mut_with(&mut WrapLoops { names });
}

struct WrapLoops {
    names: ResolvedNames,
}

impl VisitMut for WrapLoops {
    /// With its labels: who continues an outer loop leaves the inner one.
    fn visit_mut_stmt(&mut self, statement: &mut Stmt) {
        if let Some(inner) = looped(statement) {
            inner.body.visit_mut_with(self);
            inner.right.visit_mut_with(self);
            self.head(&mut inner.left);
            if !inner.is_await && !is_array(&inner.right, self.names) {
                let opened = private_ident!("_opened");
                let at = inner.right.span();
                let right = std::mem::replace(&mut inner.right, opened.clone().into());
                let open = VarDecl {
                    kind: VarDeclKind::Const,
                    decls: vec![VarDeclarator {
                        span: DUMMY_SP,
                        name: opened.clone().into(),
                        init: Some(self.call(OPEN, at, right)),
                        definite: false,
                    }],
                    ..VarDecl::default()
                };
                let close = self.call(CLOSE, DUMMY_SP, opened.into());
                let closing = swc_ecma_ast::ExprStmt { span: DUMMY_SP, expr: close };
                let guarded = TryStmt {
                    span: DUMMY_SP,
                    block: block(vec![std::mem::take(statement)]),
                    handler: None,
                    finalizer: Some(block(vec![closing.into()])),
                };
                *statement = block(vec![open.into(), guarded.into()]).into();
            }
            return;
        }
        statement.visit_mut_children_with(self);
    }
}

impl WrapLoops {
    /// Defaults and computed keys may hold functions with loops.
    fn head(&mut self, head: &mut ForHead) {
        match head {
            ForHead::VarDecl(variables) => variables.visit_mut_with(self),
            ForHead::UsingDecl(variables) => variables.visit_mut_with(self),
            ForHead::Pat(pattern) => {
                let pattern: &mut Pat = pattern;
                pattern.visit_mut_with(self);
            }
        }
    }

    fn call(&self, name: &str, at: swc_common::Span, argument: Box<Expr>) -> Box<Expr> {
        let callee = Ident::new(name.into(), at, self.names.global());
        let call = CallExpr {
            span: at,
            callee: Callee::Expr(callee.into()),
            args: vec![argument.into()],
            ctxt: SyntaxContext::empty(),
            ..CallExpr::default()
        };
        Box::new(Expr::Call(call))
    }
}

/// The loop that a statement is, behind its labels.
fn looped(statement: &mut Stmt) -> Option<&mut ForOfStmt> {
    match statement {
        Stmt::ForOf(inner) => Some(inner),
        Stmt::Labeled(labelled) => looped(&mut labelled.body),
        _ => None,
    }
}

fn block(stmts: Vec<Stmt>) -> BlockStmt {
    BlockStmt { stmts, ..BlockStmt::default() }
}

/// What surely is an array or a text, of which nothing is to be closed.
fn is_array(expression: &Expr, names: ResolvedNames) -> bool {
    match expression {
        Expr::Array(_) | Expr::Lit(Lit::Str(_)) | Expr::Tpl(_) => true,
        Expr::Paren(inner) => is_array(&inner.expr, names),
        Expr::Call(CallExpr { callee: Callee::Expr(callee), .. }) => {
            let Expr::Member(MemberExpr { obj, prop: MemberProp::Ident(name), .. }) = &**callee else {
                return false;
            };
            names.is_global(obj, "Object") && matches!(&*name.sym, "keys" | "values" | "entries")
        }
        _ => false,
    }
}
