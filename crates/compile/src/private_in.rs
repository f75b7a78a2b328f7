//! Brand checks: `#x in object`, asked as a member before private names are lowered and answered as a key after it.
//!
//! swc's own pass keeps a `WeakSet` for each name, which private names that are properties do not fill.

use swc_common::{DUMMY_SP, Mark, Span, SyntaxContext};
use swc_ecma_ast::{BinExpr, BinaryOp, CallExpr, Callee, Expr, Ident, MemberExpr, MemberProp, Program};
use swc_ecma_visit::{VisitMut, VisitMutWith};

use super::scopes::ResolvedNames;

/// The name of a function that is in no program.
const ASKED: &str = "_asked";

/// `#x in object` becomes `_asked(object.#x)`.
pub(crate) fn ask(program: &mut Program) -> Mark {
    let mark = Mark::new();
    program.visit_mut_with(&mut Ask { mark });
    mark
}

/// What has become of `_asked(base[key])` is `Object.prototype.hasOwnProperty.call(base, key)`.
pub(crate) fn answer(program: &mut Program, mark: Mark, names: ResolvedNames) {
    program.visit_mut_with(&mut AnswerKeys { mark, names });
}

struct Ask {
    mark: Mark,
}

impl VisitMut for Ask {
    fn visit_mut_expr(&mut self, expression: &mut Expr) {
        expression.visit_mut_children_with(self);
        let Expr::Bin(BinExpr { span, op: BinaryOp::In, left, right }) = expression else { return };
        let Expr::PrivateName(name) = &**left else { return };
        let asked = Ident::new(ASKED.into(), DUMMY_SP, SyntaxContext::empty().apply_mark(self.mark));
        let member = MemberExpr {
            span: *span,
            obj: std::mem::take(right),
            prop: MemberProp::PrivateName(name.clone()),
        };
        *expression = call(*span, asked.into(), vec![Expr::Member(member)]);
    }
}

struct AnswerKeys {
    mark: Mark,
    names: ResolvedNames,
}

impl VisitMut for AnswerKeys {
    fn visit_mut_expr(&mut self, expression: &mut Expr) {
        expression.visit_mut_children_with(self);
        let Expr::Call(asked) = expression else { return };
        let Callee::Expr(callee) = &asked.callee else { return };
        if !matches!(&**callee, Expr::Ident(name) if name.ctxt.outer() == self.mark) {
            return;
        }
        let Some(Expr::Member(member)) = asked.args.first_mut().map(|argument| &mut *argument.expr) else {
            return;
        };
        let MemberProp::Computed(key) = &mut member.prop else { return };
        let key = std::mem::take(&mut *key.expr);
        // The base's check that the object has the name is what is asked here.
        let base = match std::mem::take(&mut *member.obj) {
            Expr::Call(mut checked) if checked.args.len() == 2 => std::mem::take(&mut *checked.args[0].expr),
            base => base,
        };
        let object = Ident::new("Object".into(), DUMMY_SP, self.names.global());
        let has =
            ["prototype", "hasOwnProperty", "call"].into_iter().fold(Expr::from(object), |obj, name| {
                let prop = MemberProp::Ident(name.into());
                Expr::Member(MemberExpr { span: DUMMY_SP, obj: Box::new(obj), prop })
            });
        *expression = call(asked.span, has, vec![base, key]);
    }
}

fn call(span: Span, callee: Expr, args: Vec<Expr>) -> Expr {
    let args = args.into_iter().map(Into::into).collect();
    Expr::Call(CallExpr { span, callee: Callee::Expr(Box::new(callee)), args, ..CallExpr::default() })
}
