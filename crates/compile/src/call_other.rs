//! Arrow calls in the tree: `object->method(a)` becomes `call_other(object, "method", a)`.
//!
//! Masked as members they bind as a dot does, whatever stands before them. They are replaced when types, private names
//! and `?.` are gone, and before a spread among the arguments would take the object for the receiver of the call.

use swc_common::{Span, Spanned};
use swc_ecma_ast::{
    CallExpr, Callee, Expr, ExprOrSpread, Ident, MemberExpr, MemberProp, NewExpr, OptChainBase, OptChainExpr,
    Program, Str,
};
use swc_ecma_visit::{Visit, VisitMut, VisitMutWith, VisitWith};

use super::arrows::Arrows;
use super::faults::{FaultList, byte};
use super::scopes::ResolvedNames;

pub(crate) const FUNCTION: &str = "call_other";

/// Refuses the arrows behind which nothing is called, and those of which no member came to be.
pub(crate) fn check(program: &Program, arrows: &Arrows, faults: &mut FaultList) {
    if arrows.is_empty() {
        return;
    }
    let mut called = CalledArrows { arrows, names: Vec::new() };
    program.visit_with(&mut called);
    called.names.sort_unstable();
    for (name, arrow) in arrows.iter() {
        if called.names.binary_search(&name).is_err() {
            faults.add_at(
                arrow,
                "an arrow without a call",
                "write `object->method(arguments)`; what another object holds cannot be read",
            );
        }
    }
}

struct CalledArrows<'a> {
    arrows: &'a Arrows,
    names: Vec<usize>,
}

impl CalledArrows<'_> {
    fn callee(&mut self, callee: &Expr) {
        self.names.extend(marked(callee, self.arrows));
    }
}

impl Visit for CalledArrows<'_> {
    fn visit_call_expr(&mut self, call: &CallExpr) {
        if let Callee::Expr(callee) = &call.callee {
            self.callee(callee);
        }
        call.visit_children_with(self);
    }

    fn visit_opt_chain_expr(&mut self, chain: &OptChainExpr) {
        if let OptChainBase::Call(call) = &*chain.base
            && !chain.optional
        {
            // The member of a chain is a chain as well.
            match &*call.callee {
                Expr::OptChain(callee) if !callee.optional => {
                    if let OptChainBase::Member(member) = &*callee.base {
                        self.names.extend(marked_member(member, self.arrows));
                    }
                }
                callee => self.callee(callee),
            }
        }
        chain.visit_children_with(self);
    }

    fn visit_new_expr(&mut self, new: &NewExpr) {
        if new.args.is_some() {
            self.callee(&new.callee);
        }
        new.visit_children_with(self);
    }
}

fn marked(callee: &Expr, arrows: &Arrows) -> Option<usize> {
    match callee {
        Expr::Member(member) => marked_member(member, arrows),
        // `f->g<T>(x)` and `a->b!(x)` are read with what is stripped from them.
        Expr::TsNonNull(inner) => marked(&inner.expr, arrows),
        Expr::TsInstantiation(inner) => marked(&inner.expr, arrows),
        _ => None,
    }
}

fn marked_member(member: &MemberExpr, arrows: &Arrows) -> Option<usize> {
    let MemberProp::Ident(name) = &member.prop else { return None };
    let at = byte(name.span.lo);
    arrows.before(at).map(|_| at)
}

/// The pass.
pub(crate) fn replace(program: &mut Program, arrows: &Arrows, names: ResolvedNames) {
    if !arrows.is_empty() {
        program.visit_mut_with(&mut Replace { arrows, names });
    }
}

struct Replace<'a> {
    arrows: &'a Arrows,
    names: ResolvedNames,
}

impl Replace<'_> {
    fn call(&self, at: Span, object: Box<Expr>, member: &MemberProp, rest: Vec<ExprOrSpread>) -> Expr {
        let MemberProp::Ident(name) = member else { unreachable!("it was marked by its name") };
        // A call that fails is told by the name of the method.
        let callee = Ident::new(FUNCTION.into(), name.span, self.names.global());
        let method = Str { span: name.span, value: name.sym.clone().into(), raw: None };
        let mut args = vec![object.into(), Expr::from(method).into()];
        args.extend(rest);
        Expr::Call(CallExpr { span: at, callee: Callee::Expr(callee.into()), args, ..CallExpr::default() })
    }
}

impl VisitMut for Replace<'_> {
    fn visit_mut_expr(&mut self, expression: &mut Expr) {
        expression.visit_mut_children_with(self);
        match expression {
            Expr::Call(call) => {
                if let Callee::Expr(callee) = &mut call.callee
                    && let Expr::Member(member) = &mut **callee
                    && marked_member(member, self.arrows).is_some()
                {
                    let (object, args) = (std::mem::take(&mut member.obj), std::mem::take(&mut call.args));
                    *expression = self.call(call.span, object, &member.prop, args);
                }
            }
            // `new Foo->bar()`: as in the language of old, `new` belongs to the operand.
            Expr::New(new) => {
                if let Expr::Member(member) = &mut *new.callee
                    && marked_member(member, self.arrows).is_some()
                    && let Some(args) = new.args.take()
                {
                    let callee = std::mem::take(&mut member.obj);
                    let made = NewExpr { span: callee.span(), callee, args: None, ..NewExpr::default() };
                    *expression = self.call(new.span, Box::new(Expr::New(made)), &member.prop, args);
                }
            }
            _ => {}
        }
    }
}
