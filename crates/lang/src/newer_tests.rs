//! Sources that use what is newer than the engine, and sources that only look so.

use super::*;

fn name(source: &str) -> Option<&str> {
    newer(source).filter(|newer| newer.kind == NewerKind::Runtime).map(|newer| newer.name)
}

#[test]
fn what_only_the_run_time_has_is_found() {
    for (source, wanted) in [
        ("var m = new Map();", "Map"),
        ("function f(a) { return a.includes(1); }", "includes"),
        ("a.b?.flat()", "flat"),
        ("x = new Date", "Date"),
        ("Date(1)", "Date"),
        ("Date.parse('1')", "Date.parse"),
        ("console.table(1)", "console.table"),
        ("if (x) Object.assign(a, b)", "Object.assign"),
        ("a.keys()", "keys"),
        ("Object.entries(o).forEach(f)", "Object.entries"),
        ("list.filter(Number.isInteger)", "Number.isInteger"),
        ("Array.prototype.find.call(a, f)", "find"),
        ("new globalThis.Set(1)", "Set"),
        ("f(a, Map, b)", "Map"),
        ("var a = f(x, Map)", "Map"),
        ("var a, b; f(c, Map)", "Map"),
        ("function f(a, b) { return g(a, Set); }", "Set"),
        ("var a = function (b) {}, c = [1, URL]", "URL"),
        ("x ? Map : y", "Map"),
        ("s = 'Set'; new Map(s)", "Map"),
        ("cmd == 'find' && list.find(f)", "find"),
        ("setTimeout(f, 1)", "setTimeout"),
    ] {
        assert_eq!(name(source), Some(wanted), "{source}");
    }
}

#[test]
fn what_a_source_has_of_its_own_is_not() {
    for source in [
        "function Map() {} new Map()",
        "var Map = f(); new Map()",
        "var a, Map; Map = 1; f(Map)",
        "var a = [1, 2], Map; f(Map)",
        "function f(a, Set) { return new Set(a); }",
        "(function (Map) { new Map(); })(x)",
        "try { f(); } catch (URL) { print(URL); }",
        "if (typeof Map === 'function') new Map()",
        "var S = typeof Symbol === 'undefined' ? null : Symbol.iterator",
        "P.prototype.find = function () {}; p.find(1)",
        "var o = {find: function () {}}; o.find(1)",
        "var o = {find() {}, at: f}; o.at(1)",
        "var o = {get find() { return f; }}; o.find(1)",
        "var o = {'find': f}; o.find(1)",
        "o['find'] = f; o.find(1)",
        "Object.defineProperty(o, 'find', {value: f}); o.find(1)",
        "if (!('includes' in a)) shim(); a.includes(1)",
        "if (!Array.from) Array.from = f; Array.from(a)",
        "var Date = f; new Date()",
        "var console = {table: f}; console.table(1)",
        "Object.keys(o)",
        "var __assign = Object.assign || function () {}; __assign(a, b)",
        "if (Error.captureStackTrace) Error.captureStackTrace(this)",
        "if (!Array.prototype.find) shim(); a.find(f)",
        "Object.assign ? Object.assign(a, b) : merge(a, b)",
        "console.error(1)",
        "scout->find(1); scout->at(2)",
        "o.entries; o.at = 1; o.fill.length",
        "o.Map; o.Set(1); o.Array.from",
        "{Map: 1}",
        "// new Map()\n/* a.includes(1) */ 'new Map()' + \"a.flat()\" + /new Map()/",
        "Date.now() + console.log(1)",
        "a.slice(1).map(f).filter(g).indexOf(h)",
        "JSON.stringify(a, null, 2)",
        "",
    ] {
        assert_eq!(name(source), None, "{source}");
    }
}

#[test]
fn what_nobody_has_is_told_apart_and_comes_last() {
    let found = newer("function f() { return fetch('x'); }").expect("is found");
    assert_eq!((found.kind, found.name), (NewerKind::Absent, "fetch"));
    assert_eq!(found.place, Position { line: 1, column: 23 });
    assert_eq!(newer("fetch(1);\nnew Map()").map(|found| found.name), Some("Map"));
    for source in [
        "typeof module === 'object' && module.exports ? (module.exports = f()) : 0",
        "var window = this; window.x = 1",
        "function require(a) {} require(1)",
        "o.process.env; x->fetch(1); var process = 1;",
    ] {
        assert_eq!(newer(source), None, "{source}");
    }
}

#[test]
fn rubbish_is_read_to_its_end() {
    for source in
        ["}}}}) var", "var", "function", "(((", "a.", "'", "/", "{:", "\u{0}", "get set(", "?.", "in in"]
    {
        let _ = newer(source);
    }
    let deep = "function f(".repeat(20_000);
    assert_eq!(newer(&deep), None);
}

#[test]
fn an_ending_names_the_language() {
    for (file, wanted) in [
        ("a.ts", Some(Language::TypeScript)),
        ("a.b.mts", Some(Language::TypeScript)),
        ("a.cts", Some(Language::TypeScript)),
        ("a.mjs", Some(Language::JavaScript)),
        ("a.js", None),
        ("ts", None),
        ("a.TS", None),
        ("", None),
    ] {
        assert_eq!(by_ending(file), wanted, "{file}");
    }
}

#[test]
fn what_was_compiled_uses_nothing_newer() {
    for version in ["1", "2"] {
        assert_eq!(newer(&format!("\"hauki runtime {version}\";\nnew Map()")).map(|newer| newer.name), None);
    }
}
