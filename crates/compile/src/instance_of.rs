//! Instance tests: `value instanceof Class` asks the class, in sources that name `Symbol.hasInstance`.
//!
//! All others keep the engine's own operator, which is quicker and needs nothing of the run-time.

use swc_ecma_ast::{BinExpr, BinaryOp, CallExpr, Callee, Expr, Ident, IdentName, Program};
use swc_ecma_visit::{Visit, VisitMut, VisitMutWith, VisitWith};

use super::scopes::ResolvedNames;

const HELPER: &str = "_instanceof";

pub(crate) fn replace(program: &mut Program, names: ResolvedNames) {
    let mut mention = InstanceMention { found: false };
    program.visit_with(&mut mention);
    if mention.found {
        program.visit_mut_with(&mut AskClasses { names });
    }
}

struct InstanceMention {
    found: bool,
}

impl Visit for InstanceMention {
    fn visit_ident_name(&mut self, name: &IdentName) {
        self.found |= name.sym == *"hasInstance";
    }
}

struct AskClasses {
    names: ResolvedNames,
}

impl VisitMut for AskClasses {
    fn visit_mut_expr(&mut self, expression: &mut Expr) {
        expression.visit_mut_children_with(self);
        let Expr::Bin(BinExpr { span, op: BinaryOp::InstanceOf, left, right }) = expression else { return };
        let callee = Ident::new(HELPER.into(), *span, self.names.global());
        *expression = Expr::Call(CallExpr {
            span: *span,
            callee: Callee::Expr(callee.into()),
            args: vec![std::mem::take(left).into(), std::mem::take(right).into()],
            ..CallExpr::default()
        });
    }
}
