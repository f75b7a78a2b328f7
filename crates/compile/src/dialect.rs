//! Dialect adaptation: ES5 as the engine has it, which is less than the standard's in places.

use std::collections::{HashMap, HashSet};

use swc_atoms::Atom;
use swc_common::{DUMMY_SP, Spanned, SyntaxContext};
use swc_ecma_ast::{
    ArrayLit, CallExpr, Callee, CatchClause, ComputedPropName, Expr, ExprOrSpread, Id, Ident, IdentName, Lit,
    MemberExpr, MemberProp, NewExpr, Number, Program, PropName, Stmt, Str, UnaryExpr, UnaryOp,
};
use swc_ecma_transforms_base::rename::rename;
use swc_ecma_visit::{Visit, VisitMut, VisitMutWith, VisitWith};

use super::early_errors::bound;
use super::scopes::ResolvedNames;

/// `process.env.NODE_ENV` is what bundlers make of it, a module of CommonJS that looks for `require` finds it, and who has a
/// function made that gives the global object is given it: all code is strict here, where such functions give nothing.
pub(crate) fn fold_environment(program: &mut Program, names: ResolvedNames, is_common: bool) {
    program.visit_mut_with(&mut Environment { names, is_common });
}

struct Environment {
    names: ResolvedNames,
    is_common: bool,
}

impl Environment {
    /// `Function("return this")()`, with and without `new`.
    fn is_global_object(&self, expression: &Expr) -> bool {
        let Expr::Call(CallExpr { callee: Callee::Expr(made), args, .. }) = expression else { return false };
        let made = match &**made {
            Expr::Paren(inner) => &*inner.expr,
            made => made,
        };
        let (callee, given) = match made {
            Expr::Call(CallExpr { callee: Callee::Expr(callee), args, .. }) => (callee, &args[..]),
            Expr::New(NewExpr { callee, args: Some(args), .. }) => (callee, &args[..]),
            _ => return false,
        };
        let [ExprOrSpread { spread: None, expr }] = given else { return false };
        let Expr::Lit(Lit::Str(text)) = &**expr else { return false };
        let text = text.value.to_string_lossy();
        args.is_empty()
            && self.names.is_global(callee, "Function")
            && text.trim().trim_end_matches(';') == "return this"
    }

    fn is_found(&self, expression: &Expr) -> bool {
        matches!(expression, Expr::Unary(UnaryExpr { op: UnaryOp::TypeOf, arg, .. })
            if self.is_common && self.names.is_global(arg, "require"))
    }
}

impl VisitMut for Environment {
    fn visit_mut_expr(&mut self, expression: &mut Expr) {
        if is_member(expression, "NODE_ENV", |env| {
            is_member(env, "env", |process| self.names.is_global(process, "process"))
        }) {
            let text = Str { span: expression.span(), value: "production".into(), raw: None };
            *expression = Expr::Lit(Lit::Str(text));
            return;
        }
        if self.is_found(expression) {
            let text = Str { span: expression.span(), value: "function".into(), raw: None };
            *expression = Expr::Lit(Lit::Str(text));
            return;
        }
        if self.is_global_object(expression) {
            *expression = Ident::new("globalThis".into(), expression.span(), self.names.global()).into();
            return;
        }
        expression.visit_mut_children_with(self);
    }
}

fn is_member(expression: &Expr, name: &str, of: impl FnOnce(&Expr) -> bool) -> bool {
    let Expr::Member(member) = expression else { return false };
    matches!(&member.prop, MemberProp::Ident(found) if found.sym == *name) && of(&member.obj)
}

/// Between lowering and the settling of names.
pub(crate) fn adapt(program: &mut Program) {
    program.visit_mut_with(&mut Literals);
    let mut seen = VariableNames::default();
    program.visit_with(&mut seen);
    let renamed = seen.renamed();
    if !renamed.is_empty() {
        program.mutate(rename(&renamed));
    }
}

struct Literals;

impl VisitMut for Literals {
    /// The engine has no holes.
    fn visit_mut_array_lit(&mut self, array: &mut ArrayLit) {
        array.visit_mut_children_with(self);
        for element in &mut array.elems {
            element.get_or_insert_with(|| Expr::undefined(DUMMY_SP).into());
        }
    }

    /// As it is counted, and not as it was written: `0o17`, `1_000` and `017` are numbers of later or earlier days.
    fn visit_mut_number(&mut self, number: &mut Number) {
        number.raw = None;
    }

    fn visit_mut_str(&mut self, text: &mut Str) {
        text.raw = None;
    }

    fn visit_mut_stmt(&mut self, statement: &mut Stmt) {
        if let Stmt::Debugger(debugger) = statement {
            *statement = Stmt::Empty(swc_ecma_ast::EmptyStmt { span: debugger.span });
        }
        statement.visit_mut_children_with(self);
    }

    /// Everything is strict already.
    fn visit_mut_stmts(&mut self, statements: &mut Vec<Stmt>) {
        statements.retain(|statement| {
            let is_strict =
                |text: &Expr| matches!(text, Expr::Lit(Lit::Str(text)) if text.value == *"use strict");
            !matches!(statement, Stmt::Expr(line) if is_strict(&line.expr))
        });
        statements.visit_mut_children_with(self);
    }

    fn visit_mut_member_expr(&mut self, member: &mut MemberExpr) {
        if let MemberProp::Ident(name) = &member.prop
            && !name.sym.is_ascii()
        {
            let key = Expr::Lit(Lit::Str(text(name)));
            member.prop = MemberProp::Computed(ComputedPropName { span: name.span, expr: Box::new(key) });
        }
        member.visit_mut_children_with(self);
    }

    fn visit_mut_prop_name(&mut self, key: &mut PropName) {
        if let PropName::Ident(name) = key
            && !name.sym.is_ascii()
        {
            *key = PropName::Str(text(name));
        }
        key.visit_mut_children_with(self);
    }
}

fn text(name: &IdentName) -> Str {
    Str { span: name.span, value: name.sym.clone().into(), raw: None }
}

/// Names of variables that the engine would confuse or refuse.
#[derive(Default)]
struct VariableNames {
    /// The variables of each name.
    variables: HashMap<Atom, HashSet<SyntaxContext>>,
    caught: Vec<Id>,
}

impl VariableNames {
    fn renamed(&self) -> rustc_hash::FxHashMap<Id, Atom> {
        let mut renamed = rustc_hash::FxHashMap::default();
        let mut taken: HashMap<Atom, u32> = HashMap::new();
        let mut fresh = |base: String| loop {
            let number = taken.entry(base.as_str().into()).or_default();
            *number += 1;
            let name: Atom = format!("{base}_{number}").into();
            if !self.variables.contains_key(&name) {
                return name;
            }
        };
        for id in &self.caught {
            // A caught value stays visible behind its block, under its name.
            if self.variables.get(&id.0).is_some_and(|ids| ids.len() > 1) {
                renamed.insert(id.clone(), fresh(ascii(&id.0)));
            }
        }
        for (name, ids) in self.variables.iter().filter(|(name, _)| !name.is_ascii() || is_reserved(name)) {
            for context in ids {
                renamed.insert((name.clone(), *context), fresh(ascii(name)));
            }
        }
        renamed
    }
}

/// Words that are names outside of strict code only, which is all that the engine has.
pub(crate) fn is_reserved(name: &str) -> bool {
    const WORDS: [&str; 10] = [
        "await",
        "implements",
        "interface",
        "let",
        "package",
        "private",
        "protected",
        "public",
        "static",
        "yield",
    ];
    WORDS.contains(&name)
}

fn ascii(name: &str) -> String {
    name.chars()
        .map(|letter| if letter.is_ascii() { letter.to_string() } else { format!("u{:x}", letter as u32) })
        .collect()
}

impl Visit for VariableNames {
    fn visit_ident(&mut self, name: &Ident) {
        self.variables.entry(name.sym.clone()).or_default().insert(name.ctxt);
    }

    fn visit_catch_clause(&mut self, clause: &CatchClause) {
        if let Some(pattern) = &clause.param {
            self.caught.extend(bound(pattern).into_iter().map(Ident::to_id));
        }
        clause.visit_children_with(self);
    }
}
