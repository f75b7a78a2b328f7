//! Run-time library: the names that compiled sources may use beyond what the engine has.
//!
//! Version 1 of it. A name never changes its meaning within a version, because sources that were compiled once are kept
//! in gems and records; names may come. Who compiles holds its own output against [`HELPERS`]; whoever asks whether a
//! source needs the run-time holds the source against the others. The engine's tests hold all of them against the
//! run-time itself.

/// What compiled sources call for things that ES5 has no syntax for: globals whose names begin with `_`, so that they
/// are no methods.
pub const HELPERS: &[&str] = &[
    "_array_like_to_array",
    "_array_with_holes",
    "_array_without_holes",
    "_assert_this_initialized",
    "_async_generator_delegate",
    "_async_iterator",
    "_async_to_generator",
    "_await_async_generator",
    "_call_super",
    "_class_call_check",
    "_class_name_tdz_error",
    "_class_private_field_loose_base",
    "_class_private_field_loose_key",
    "_close_iterator",
    "_construct",
    "_create_class",
    "_create_for_of_iterator_helper_loose",
    "_define_enumerable_properties",
    "_define_property",
    "_extends",
    "_get",
    "_get_prototype_of",
    "_identity",
    "_inherits",
    "_instanceof",
    "_is_native_function",
    "_is_native_reflect_construct",
    "_iterable_to_array",
    "_iterable_to_array_limit",
    "_iterable_to_array_limit_loose",
    "_non_iterable_rest",
    "_non_iterable_spread",
    "_object_destructuring_empty",
    "_object_spread",
    "_object_spread_props",
    "_object_without_properties",
    "_object_without_properties_loose",
    "_open_iterator",
    "_possible_constructor_return",
    "_read_only_error",
    "_set",
    "_set_prototype_of",
    "_sliced_to_array",
    "_sliced_to_array_loose",
    "_super_prop_base",
    "_tagged_template_literal",
    "_tagged_template_literal_loose",
    "_throw",
    "_to_array",
    "_to_consumable_array",
    "_to_primitive",
    "_to_property_key",
    "_ts_generator",
    "_ts_values",
    "_type_of",
    "_unsupported_iterable_to_array",
    "_update",
    "_wrap_async_generator",
    "_wrap_native_super",
    "_write_only_error",
];

/// Built-in globals that only the run-time has. A top-level function of such a name hides one.
pub const GLOBALS: &[&str] = &[
    "AggregateError",
    "Map",
    "Promise",
    "Reflect",
    "Set",
    "Symbol",
    "TextDecoder",
    "TextEncoder",
    "URL",
    "URLSearchParams",
    "WeakMap",
    "WeakSet",
    "atob",
    "btoa",
    "clearInterval",
    "clearTimeout",
    "escape",
    "queueMicrotask",
    "setInterval",
    "setTimeout",
    "structuredClone",
    "unescape",
];

/// Members of the engine's own globals that only the run-time has. `Date` counts as a whole but for `Date.now`: the
/// engine's cannot be made.
pub const STATICS: &[(&str, &[&str])] = &[
    ("Array", &["from", "of"]),
    ("Date", &["UTC", "parse"]),
    ("Error", &["captureStackTrace"]),
    ("Math", &["acosh", "asinh", "atanh", "cbrt", "cosh", "expm1", "hypot", "log1p", "sinh", "tanh"]),
    ("Number", &["isFinite", "isInteger", "isNaN", "isSafeInteger"]),
    (
        "Object",
        &[
            "assign",
            "entries",
            "freeze",
            "fromEntries",
            "getOwnPropertyDescriptors",
            "getOwnPropertySymbols",
            "hasOwn",
            "is",
            "isExtensible",
            "isFrozen",
            "isSealed",
            "preventExtensions",
            "seal",
            "values",
        ],
    ),
    ("String", &["raw"]),
    (
        "console",
        &[
            "assert",
            "clear",
            "count",
            "countReset",
            "dir",
            "group",
            "groupCollapsed",
            "groupEnd",
            "table",
            "time",
            "timeEnd",
            "timeLog",
            "trace",
        ],
    ),
];

/// Methods of arrays, typed arrays, strings and dates that only the run-time has. A source's own objects may have some
/// of these names, too.
pub const METHODS: &[&str] = &[
    "at",
    "copyWithin",
    "endsWith",
    "entries",
    "fill",
    "find",
    "findIndex",
    "findLast",
    "findLastIndex",
    "flat",
    "flatMap",
    "includes",
    "isWellFormed",
    "keys",
    "localeCompare",
    "matchAll",
    "normalize",
    "padEnd",
    "padStart",
    "startsWith",
    "toReversed",
    "toSorted",
    "toSpliced",
    "toWellFormed",
    "trimLeft",
    "trimRight",
    "values",
    "with",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_is_in_its_order_and_names_nothing_twice() {
        let statics = STATICS.iter().map(|(_, members)| *members);
        let objects: Vec<&str> = STATICS.iter().map(|(object, _)| *object).collect();
        for list in [HELPERS, GLOBALS, METHODS, &objects].into_iter().chain(statics) {
            assert!(list.windows(2).all(|pair| pair[0] < pair[1]), "{list:?}");
        }
        assert!(HELPERS.iter().all(|name| name.starts_with('_')), "a helper is no method");
    }
}
