//! Refusals: constructs that are JavaScript or TypeScript and that no lowering keeps, each with a way around it.

use swc_ecma_ast::{
    BigInt, CallExpr, Callee, Expr, Ident, Import, MetaPropExpr, MetaPropKind, Program, TsExportAssignment,
    TsImportEqualsDecl, WithStmt,
};
use swc_ecma_visit::{Visit, VisitWith};

use super::dialect::is_reserved;
use super::faults::FaultList;
use super::scopes::ResolvedNames;

/// What TypeScript alone has, while it is still there.
pub(crate) fn check_types(program: &Program, faults: &mut FaultList) {
    program.visit_with(&mut Typed { faults });
}

struct Typed<'a> {
    faults: &'a mut FaultList,
}

impl Visit for Typed<'_> {
    fn visit_ts_import_equals_decl(&mut self, import: &TsImportEqualsDecl) {
        if !import.is_type_only && import.module_ref.is_ts_external_module_ref() {
            self.faults.add(import.span, "`import =`", "write `import name from \"module\"`");
        }
    }

    fn visit_ts_export_assignment(&mut self, export: &TsExportAssignment) {
        self.faults.add(export.span, "`export =`", "export the functions by their names");
    }
}

pub(crate) fn check(program: &Program, names: ResolvedNames, faults: &mut FaultList) {
    program.visit_with(&mut Untyped { names, faults });
}

struct Untyped<'a> {
    names: ResolvedNames,
    faults: &'a mut FaultList,
}

impl Visit for Untyped<'_> {
    fn visit_with_stmt(&mut self, with: &WithStmt) {
        self.faults.add(with.span, "`with`", "name the object");
        with.visit_children_with(self);
    }

    fn visit_big_int(&mut self, number: &BigInt) {
        self.faults.add(number.span, "a BigInt", "use a number or a string");
    }

    fn visit_call_expr(&mut self, call: &CallExpr) {
        if let Callee::Expr(callee) = &call.callee
            && self.names.is_global(callee, "eval")
        {
            self.faults.add(
                call.span,
                "`eval` that sees the variables around it",
                "write `(0, eval)(text)`, which sees the global ones",
            );
        }
        call.visit_children_with(self);
    }

    fn visit_import(&mut self, import: &Import) {
        self.faults.add(import.span, "`import()` while the program runs", "import it at the top of the file");
    }

    fn visit_meta_prop_expr(&mut self, property: &MetaPropExpr) {
        if property.kind == MetaPropKind::ImportMeta {
            self.faults.add(property.span, "`import.meta`", "a worker has no address of its own");
        }
    }

    fn visit_expr(&mut self, expression: &Expr) {
        if let Expr::JSXElement(_) | Expr::JSXFragment(_) = expression {
            let at = swc_common::Spanned::span(expression);
            self.faults.add(at, "JSX", "call the functions yourself");
        }
        expression.visit_children_with(self);
    }

    fn visit_ident(&mut self, name: &Ident) {
        if self.names.is_free(name) && is_reserved(&name.sym) {
            let message = format!("`{}` is a word of the language", name.sym);
            self.faults.add(name.span, message, "use another name");
        }
    }
}
