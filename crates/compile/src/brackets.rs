//! Disambiguating brackets: around what the engine's lexer would misread, which tells a regular expression from a division
//! by the word before it alone.

use swc_common::Spanned;
use swc_ecma_ast::{BinExpr, BinaryOp, Expr, Lit, MemberProp, ParenExpr, Program};
use swc_ecma_visit::{VisitMut, VisitMutWith};

/// Behind everything that takes brackets away.
pub(crate) fn put(program: &mut Program) {
    program.visit_mut_with(&mut Brackets);
}

struct Brackets;

impl VisitMut for Brackets {
    fn visit_mut_expr(&mut self, expression: &mut Expr) {
        expression.visit_mut_children_with(self);
        match expression {
            Expr::Lit(Lit::Regex(_)) => bracket(expression),
            Expr::Bin(BinExpr { op: BinaryOp::Div, left, .. }) if ends_unclear(left) => bracket(left),
            _ => {}
        }
    }
}

fn bracket(expression: &mut Expr) {
    let inner = Box::new(std::mem::take(expression));
    *expression = Expr::Paren(ParenExpr { span: inner.span(), expr: inner });
}

/// Whether it ends with a brace, or with a member whose name may be a keyword.
fn ends_unclear(expression: &Expr) -> bool {
    match expression {
        Expr::Object(_) | Expr::Fn(_) | Expr::Class(_) => true,
        Expr::Member(member) => matches!(member.prop, MemberProp::Ident(_)),
        Expr::Bin(inner) => ends_unclear(&inner.right),
        Expr::Unary(inner) => ends_unclear(&inner.arg),
        _ => false,
    }
}
