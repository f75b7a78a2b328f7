//! Absent globals: names that JavaScript has elsewhere and no vault has, found before the program runs into them.

use std::collections::{HashMap, HashSet};

use swc_common::Span;
use swc_ecma_ast::{ArrowExpr, Expr, Function, Ident, Program, UnaryExpr, UnaryOp};
use swc_ecma_visit::{Visit, VisitWith};

use super::faults::FaultList;
use super::scopes::ResolvedNames;

const ALONE: &str = "a worker is one program without Node.js";
const BROWSER: &str = "a worker is not in a browser; the global object is `globalThis`";
const NETWORK: &str = "a vault has no network; pass the data as an argument";
const UNINVITED: &str = "a vault has no network; --allow-net URL at its summons lets it fetch from there";

/// What to use instead.
fn instead(name: &str) -> Option<&'static str> {
    Some(match name {
        "fetch" | "Headers" => UNINVITED,
        "XMLHttpRequest" | "WebSocket" | "EventSource" => NETWORK,
        "require" | "module" | "exports" | "process" | "__dirname" | "__filename" => ALONE,
        "Deno" | "Bun" => "a worker runs in none of the others' programs",
        "global" => "the global object is `globalThis`",
        "window" | "document" | "navigator" | "location" | "localStorage" | "sessionStorage" | "history" => {
            BROWSER
        }
        "alert" | "confirm" | "prompt" => "write lines with `print`",
        "Buffer" => "use `Uint8Array`, `TextEncoder` or `atob`",
        "Proxy" => "nothing is told when a member is read; write functions that read it",
        "BigInt" | "BigInt64Array" | "BigUint64Array" => "use a number or a string",
        "WeakRef" | "FinalizationRegistry" => "nothing is told when an object goes; end it yourself",
        "Intl" => "there are no languages; format it yourself",
        "SharedArrayBuffer" | "Atomics" | "Worker" => "a worker has one thread; clone another worker",
        "WebAssembly" => "compile it to JavaScript",
        "importScripts" => ALONE,
        "crypto" => "use `random`; what must be secret is made outside of a vault",
        _ => return None,
    })
}

/// What a module is given besides the vault's own names.
#[derive(Clone, Copy)]
pub(crate) struct ModulePlace {
    pub(crate) is_common: bool,
    pub(crate) is_invited: bool,
    /// Somebody else's text, of which much may never be called.
    pub(crate) is_package: bool,
}

/// One fault for each name, where it is used first. Whoever asks `typeof` for one knows that it may be absent, and what
/// a package's functions name is missed when they are called. A module of CommonJS is given three of them, and who was
/// invited has two more.
pub(crate) fn check(program: &Program, names: ResolvedNames, place: ModulePlace, faults: &mut FaultList) {
    let ModulePlace { is_common, is_invited, is_package } = place;
    let given: &[&str] = if is_common { &["require", "module", "exports"] } else { &[] };
    let mut used = UsedGlobals { names, first: HashMap::new(), asked: HashSet::new(), is_package };
    program.visit_with(&mut used);
    for (name, at) in used.first {
        if let Some(instead) = instead(&name)
            && !used.asked.contains(&name)
            && !given.contains(&&*name)
            && !(is_invited && matches!(&*name, "fetch" | "Headers"))
        {
            faults.add(at, format!("no vault has `{name}`"), instead);
        }
    }
}

struct UsedGlobals {
    names: ResolvedNames,
    first: HashMap<String, Span>,
    asked: HashSet<String>,
    is_package: bool,
}

impl Visit for UsedGlobals {
    fn visit_function(&mut self, function: &Function) {
        if !self.is_package {
            function.visit_children_with(self);
        }
    }

    fn visit_arrow_expr(&mut self, function: &ArrowExpr) {
        if !self.is_package {
            function.visit_children_with(self);
        }
    }

    fn visit_ident(&mut self, name: &Ident) {
        if self.names.is_free(name) && instead(&name.sym).is_some() {
            self.first.entry(name.sym.to_string()).or_insert(name.span);
        }
    }

    fn visit_unary_expr(&mut self, unary: &UnaryExpr) {
        match &*unary.arg {
            Expr::Ident(name) if unary.op == UnaryOp::TypeOf => {
                self.asked.insert(name.sym.to_string());
            }
            _ => unary.visit_children_with(self),
        }
    }
}
