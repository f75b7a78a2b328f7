//! Run-time parts: which of them a compiled text needs, by its words.
//!
//! All of the run-time would take the smallest heap for itself. Its code lies outside of the heap; what a part puts into
//! the heap, functions and their names, comes only with a text that has one of the part's words, wherever they stand.
//! build.rs compiles the parts in this order.

use crate::scan;

struct RuntimePart {
    name: &'static str,
    words: &'static [&'static str],
    needs: &'static [&'static str],
}

const fn part(
    name: &'static str,
    words: &'static [&'static str],
    needs: &'static [&'static str],
) -> RuntimePart {
    RuntimePart { name, words, needs }
}

/// Installed only where the worker was invited, whatever its words are.
const FETCH: &str = "fetch";

const PARTS: [RuntimePart; 23] = [
    part("base", &[], &[]),
    part(
        "promise",
        &[
            "AggregateError",
            "Promise",
            "_async_iterator",
            "_async_to_generator",
            "_wrap_async_generator",
            "queueMicrotask",
            "setInterval",
            "setTimeout",
            "then",
        ],
        &["settle"],
    ),
    part(
        "generators",
        &[
            "_async_generator_delegate",
            "_async_iterator",
            "_async_to_generator",
            "_await_async_generator",
            "_ts_generator",
            "_ts_values",
            "_wrap_async_generator",
        ],
        &[],
    ),
    part(
        "classes",
        &[
            "_assert_this_initialized",
            "_call_super",
            "_class_call_check",
            "_class_name_tdz_error",
            "_class_private_field_loose_base",
            "_class_private_field_loose_key",
            "_construct",
            "_create_class",
            "_define_enumerable_properties",
            "_get",
            "_get_prototype_of",
            "_identity",
            "_inherits",
            "_instanceof",
            "_is_native_function",
            "_is_native_reflect_construct",
            "_possible_constructor_return",
            "_read_only_error",
            "_set",
            "_set_prototype_of",
            "_super_prop_base",
            "_throw",
            "_type_of",
            "_update",
            "_wrap_native_super",
            "_write_only_error",
            "captureStackTrace",
        ],
        &[],
    ),
    part(
        "spread",
        &[
            "_array_like_to_array",
            "_array_with_holes",
            "_array_without_holes",
            "_close_iterator",
            "_create_for_of_iterator_helper_loose",
            "_define_property",
            "_extends",
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
            "_sliced_to_array",
            "_sliced_to_array_loose",
            "_tagged_template_literal",
            "_tagged_template_literal_loose",
            "_to_array",
            "_to_consumable_array",
            "_to_primitive",
            "_to_property_key",
            "_unsupported_iterable_to_array",
        ],
        &[],
    ),
    part(
        "objects",
        &[
            "Symbol",
            "assign",
            "entries",
            "freeze",
            "fromEntries",
            "getOwnPropertyDescriptors",
            "getOwnPropertySymbols",
            "getPrototypeOf",
            "hasOwn",
            "is",
            "isExtensible",
            "isFrozen",
            "isSealed",
            "preventExtensions",
            "seal",
            "values",
        ],
        &[],
    ),
    part("reflect", &["Reflect"], &["classes", "objects"]),
    part(
        "math",
        &[
            "acosh",
            "asinh",
            "atanh",
            "cbrt",
            "cosh",
            "expm1",
            "hypot",
            "isFinite",
            "isInteger",
            "isNaN",
            "isSafeInteger",
            "log1p",
            "sinh",
            "tanh",
            "toLocaleString",
        ],
        &[],
    ),
    part("collections", &["Map", "Set", "WeakMap", "WeakSet"], &[]),
    part(
        "arrays",
        &[
            "at",
            "copyWithin",
            "fill",
            "find",
            "findIndex",
            "findLast",
            "findLastIndex",
            "flat",
            "flatMap",
            "from",
            "includes",
            "of",
            "species",
            "toLocaleString",
            "toReversed",
            "toSorted",
            "toSpliced",
            "with",
        ],
        &[],
    ),
    part(
        "typed_arrays",
        &[
            "Float32Array",
            "Float64Array",
            "Int16Array",
            "Int32Array",
            "Int8Array",
            "Uint16Array",
            "Uint32Array",
            "Uint8Array",
            "Uint8ClampedArray",
            "TextEncoder",
        ],
        &["arrays"],
    ),
    part(
        "strings",
        &[
            "at",
            "endsWith",
            "escape",
            "includes",
            "isWellFormed",
            "localeCompare",
            "normalize",
            "padEnd",
            "padStart",
            "raw",
            "startsWith",
            "toWellFormed",
            "trimLeft",
            "trimRight",
            "unescape",
        ],
        &[],
    ),
    part("regexps", &["$$names", "RegExp", "groups", "matchAll"], &[]),
    part("date", &["Date"], &[]),
    part("bytes", &["TextDecoder", "TextEncoder", "atob", "btoa"], &["strings"]),
    part("url", &["URL", "URLSearchParams"], &["arrays", "objects", "strings"]),
    part("clone", &["structuredClone"], &["collections", "date", "objects", "regexps", "bytes"]),
    part("console", &["console"], &["objects"]),
    part("timers", &["clearInterval", "clearTimeout", "setInterval", "setTimeout"], &["promise"]),
    part("causes", &["cause"], &["classes"]),
    part("tools", &["tools"], &["promise"]),
    part(FETCH, &["Headers", "fetch"], &["bytes", "promise"]),
    part("settle", &[], &[]),
];

/// The numbers of the parts that a text needs, in the order in which they are to be installed.
pub(super) fn needed(text: &str, is_invited: bool) -> String {
    let mut wanted = [false; PARTS.len() + 1];
    wanted[0] = true;
    let by_part = PARTS.iter().enumerate();
    let mut known: Vec<(&str, usize)> =
        by_part.flat_map(|(index, part)| part.words.iter().map(move |word| (*word, index))).collect();
    known.sort_unstable();
    for word in words(text) {
        let first = known.partition_point(|(known, _)| *known < word);
        for (_, index) in known[first..].iter().take_while(|(known, _)| *known == word) {
            wanted[*index] = true;
        }
    }
    wanted[place(FETCH)] &= is_invited;
    // A part's needs may have needs.
    for _ in 0..PARTS.len() {
        for (index, part) in PARTS.iter().enumerate() {
            if wanted[index] {
                for need in part.needs {
                    wanted[place(need)] = true;
                }
            }
        }
    }
    // Behind the others comes what a side has of its own, which goes with `settle`.
    wanted[PARTS.len()] = wanted[place("settle")];
    let numbers = wanted.iter().enumerate().filter(|(_, wanted)| **wanted);
    numbers.map(|(index, _)| index.to_string()).collect::<Vec<_>>().join(",")
}

fn place(name: &str) -> usize {
    PARTS.iter().position(|part| part.name == name).unwrap_or_default()
}

/// What could be a name.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii() || !scan::continues_name(letter as u8))
        .filter(|word| word.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime_names::{GLOBALS, HELPERS, METHODS, STATICS};

    fn named(text: &str) -> Vec<&'static str> {
        let numbers = needed(text, false);
        let numbers = numbers.split(',').map(|number| number.parse::<usize>().expect("is a number"));
        numbers.map(|index| PARTS.get(index).map_or("side", |part| part.name)).collect()
    }

    #[test]
    fn the_order_is_that_of_the_compiled_code() {
        const ORDER: [&str; 23] = include!("runtime/order.in");
        assert_eq!(PARTS.map(|part| part.name), ORDER);
        let needs = PARTS.iter().flat_map(|part| part.needs);
        assert!(needs.into_iter().all(|need| ORDER.contains(need)));
    }

    #[test]
    fn a_text_gets_what_its_words_are_of_and_what_that_needs() {
        for (text, wanted) in [
            ("", &["base"][..]),
            ("var flatMapped, Mapping, mySet", &["base"]),
            ("new Map()", &["base", "collections"]),
            ("globalThis['Map']", &["base", "collections"]),
            ("a.then(b)", &["base", "promise", "settle", "side"]),
            ("setTimeout(f)", &["base", "promise", "timers", "settle", "side"]),
            ("Reflect.ownKeys(a)", &["base", "classes", "objects", "reflect"]),
            ("ä.at(1)", &["base", "arrays", "strings"]),
            ("previous_object().tools", &["base", "promise", "tools", "settle", "side"]),
        ] {
            assert_eq!(named(text), wanted, "{text}");
        }
    }

    #[test]
    fn every_name_of_the_run_time_is_a_word_of_a_part() {
        let statics = STATICS.iter().filter(|(object, _)| !["Date", "console"].contains(object));
        let members = statics.flat_map(|(_, members)| members.iter());
        for name in HELPERS.iter().chain(GLOBALS).chain(METHODS).chain(members) {
            let known = PARTS.iter().any(|part| part.words.contains(name));
            assert!(known || *name == "keys", "{name} loads nothing");
        }
    }
}
