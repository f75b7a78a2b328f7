//! Built-in globals: names that a program's own functions should leave alone.

use hauki_lang::runtime_names::GLOBALS;

/// What the engine has at the top of a program; the rest is the run-time's.
const BUILT_IN: &[&str] = &[
    "Array",
    "Boolean",
    "Date",
    "Error",
    "Function",
    "JSON",
    "Math",
    "Number",
    "Object",
    "RegExp",
    "String",
    "eval",
    "isFinite",
    "isNaN",
    "parseFloat",
    "parseInt",
];

pub(crate) fn is_built_in(name: &str) -> bool {
    BUILT_IN.contains(&name) || GLOBALS.contains(&name)
}
