//! Resolved names: which identifiers mean a variable of the source, and which are free.

use swc_common::{Mark, SyntaxContext};
use swc_ecma_ast::{Expr, Ident};

/// The marks of one resolver.
#[derive(Clone, Copy)]
pub(crate) struct ResolvedNames {
    pub(crate) unresolved: Mark,
    pub(crate) top_level: Mark,
}

impl ResolvedNames {
    pub(crate) fn fresh() -> Self {
        Self { unresolved: Mark::new(), top_level: Mark::new() }
    }

    /// Those of another module of the same program.
    pub(crate) fn beside(self) -> Self {
        Self { top_level: Mark::new(), ..self }
    }

    pub(crate) fn global(self) -> SyntaxContext {
        SyntaxContext::empty().apply_mark(self.unresolved)
    }

    /// Whether it means nothing that the source declares.
    pub(crate) fn is_free(self, name: &Ident) -> bool {
        name.ctxt.outer() == self.unresolved
    }

    /// Whether an expression is this free name.
    pub(crate) fn is_global(self, expression: &Expr, name: &str) -> bool {
        matches!(expression, Expr::Ident(ident) if ident.sym == *name && self.is_free(ident))
    }
}
