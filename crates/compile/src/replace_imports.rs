//! Import replacement: imported names, where a module uses them, as what their exporters mean.

use std::collections::{HashMap, HashSet};

use swc_common::DUMMY_SP;
use swc_ecma_ast::{
    CallExpr, Callee, Expr, Id, Ident, IdentName, KeyValueProp, Lit, MemberExpr, MemberProp, Prop, PropName,
    SeqExpr,
};
use swc_ecma_visit::{VisitMut, VisitMutWith};

use super::link::{Linked, Unlinked, expression, named};

/// Imported names, where they are used.
pub(crate) struct ReplaceImports<'a> {
    pub(crate) replaced: &'a HashMap<Id, Linked>,
    pub(crate) modules: &'a [Unlinked],
    pub(crate) getters: &'a [Ident],
    pub(crate) spaces: &'a [Ident],
    pub(crate) used: &'a mut HashSet<usize>,
}

impl ReplaceImports<'_> {
    fn of(&mut self, name: &Ident) -> Option<Expr> {
        let linked = self.replaced.get(&name.to_id())?;
        if let Linked::Namespace(number) = linked {
            self.used.insert(*number);
        }
        let mut made = expression(linked, self.getters, self.spaces);
        if let Expr::Ident(made) = &mut made {
            made.span = name.span;
        }
        Some(made)
    }

    /// `namespace.name` is the variable itself.
    fn through(&self, member: &MemberExpr) -> Option<Expr> {
        let (Expr::Ident(object), MemberProp::Ident(name)) = (&*member.obj, &member.prop) else {
            return None;
        };
        let Linked::Namespace(number) = self.replaced.get(&object.to_id())? else { return None };
        match named(self.modules, *number, &name.sym, &mut HashSet::new())? {
            Linked::Variable(id) => Some(Expr::Ident(Ident::new(id.0, member.span, id.1))),
            _ => None,
        }
    }
}

impl VisitMut for ReplaceImports<'_> {
    fn visit_mut_expr(&mut self, expression: &mut Expr) {
        let made = match expression {
            Expr::Ident(name) => self.of(name),
            Expr::Member(member) => self.through(member),
            _ => None,
        };
        match made {
            Some(made) => *expression = made,
            None => expression.visit_mut_children_with(self),
        }
    }

    /// A function that is a member of what was imported is called for itself.
    fn visit_mut_call_expr(&mut self, call: &mut CallExpr) {
        let was_name = matches!(&call.callee, Callee::Expr(callee) if callee.is_ident());
        call.visit_mut_children_with(self);
        if let Callee::Expr(callee) = &mut call.callee
            && was_name
            && callee.is_member()
        {
            let exprs = vec![Box::new(Expr::Lit(Lit::Num(0.into()))), std::mem::take(callee)];
            **callee = Expr::Seq(SeqExpr { span: DUMMY_SP, exprs });
        }
    }

    fn visit_mut_prop(&mut self, property: &mut Prop) {
        if let Prop::Shorthand(name) = property
            && let Some(value) = self.of(name)
        {
            let key = PropName::Ident(IdentName::new(name.sym.clone(), name.span));
            *property = Prop::KeyValue(KeyValueProp { key, value: Box::new(value) });
            return;
        }
        property.visit_mut_children_with(self);
    }
}
