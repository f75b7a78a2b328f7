//! CommonJS modules: functions that run when their exports are first asked for.

use swc_common::{DUMMY_SP, Mark, Span, SyntaxContext};
use swc_ecma_ast::{CallExpr, Callee, Expr, Function, Ident, Program, Stmt};
use swc_ecma_visit::{VisitMut, VisitMutWith};

use hauki_contract::rpc::compile::Language;

use super::faults::FaultList;
use super::graph::required;
use super::parse;
use super::scopes::ResolvedNames;

/// A module that asks for itself before it has ended gets what it has exported until then.
const WRAPPER: &str = "var CACHE; function GETTER() {
    if (!CACHE) {
        CACHE = { exports: {} };
        (function (module, exports) {}).call(CACHE.exports, CACHE, CACHE.exports);
    }
    return CACHE.exports;
}";

/// The exports of the module with this getter.
pub(crate) fn call(getter: &Ident) -> Expr {
    let callee = Callee::Expr(Box::new(Expr::Ident(getter.clone())));
    Expr::Call(CallExpr { span: DUMMY_SP, callee, ..CallExpr::default() })
}

/// The body of a module as its getter. `of` says what a specifier that it requires means.
pub(crate) fn wrapped(
    mut body: Vec<Stmt>,
    getter: &Ident,
    names: ResolvedNames,
    of: impl FnMut(&str) -> Option<Expr>,
) -> Vec<Stmt> {
    body.visit_mut_with(&mut Requires { names, of });
    let parsed = parse::parse(
        &Default::default(),
        WRAPPER.to_owned(),
        (Language::JavaScript, false),
        &mut FaultList::default(),
    );
    let Some(Program::Script(mut script)) = parsed else { unreachable!("it is our own") };
    let cache = SyntaxContext::empty().apply_mark(Mark::new());
    script.body.visit_mut_with(&mut Fill { getter, cache, names, body: Some(body) });
    script.body
}

struct Requires<F> {
    names: ResolvedNames,
    of: F,
}

impl<F: FnMut(&str) -> Option<Expr>> VisitMut for Requires<F> {
    fn visit_mut_expr(&mut self, expression: &mut Expr) {
        expression.visit_mut_children_with(self);
        if let Expr::Call(call) = expression
            && let Some(specifier) = required(call, true, self.names)
            && let Some(made) = (self.of)(&specifier)
        {
            *expression = made;
        }
    }
}

/// Puts a module into the wrapper.
struct Fill<'a> {
    getter: &'a Ident,
    cache: SyntaxContext,
    names: ResolvedNames,
    body: Option<Vec<Stmt>>,
}

impl VisitMut for Fill<'_> {
    fn visit_mut_function(&mut self, function: &mut Function) {
        function.visit_mut_children_with(self);
        if let Some(inner) = &mut function.body
            && inner.stmts.is_empty()
            && let Some(body) = self.body.take()
        {
            inner.stmts = body;
        }
    }

    fn visit_mut_ident(&mut self, name: &mut Ident) {
        match &*name.sym {
            "GETTER" => *name = self.getter.clone(),
            "CACHE" => (name.sym, name.ctxt) = ("_cache".into(), self.cache),
            // The free names of the module's own text.
            _ => name.ctxt = self.names.global(),
        }
        name.span = DUMMY_SP;
    }

    fn visit_mut_span(&mut self, span: &mut Span) {
        *span = DUMMY_SP;
    }
}
