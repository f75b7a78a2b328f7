//! Refusals: what is wrong with a source is told all at once, each fault at its place and with a way around it.

use hauki_compile::{LoweredSource, compile};
use hauki_contract::rpc::compile::{CompileOrder, Language, Purpose, SourceFault};

fn order(language: Language, purpose: Purpose) -> CompileOrder {
    CompileOrder { file: "f.js".into(), language, purpose, ..CompileOrder::default() }
}

fn script(source: &str) -> Result<LoweredSource, Vec<SourceFault>> {
    compile(source, &order(Language::JavaScript, Purpose::Worker))
}

fn typed(source: &str) -> Result<LoweredSource, Vec<SourceFault>> {
    compile(source, &order(Language::TypeScript, Purpose::Worker))
}

/// The first fault's words and place.
fn fault(result: Result<LoweredSource, Vec<SourceFault>>, source: &str) -> (String, u32, u32) {
    let faults = result.expect_err(source);
    let first = faults.first().expect("is there");
    (first.message.clone(), first.line, first.column)
}

#[test]
fn who_is_invited_has_fetch_and_no_other_network() {
    let invited = CompileOrder { fetch: true, ..order(Language::JavaScript, Purpose::Worker) };
    let source =
        "export async function f(url) { return (await fetch(url, {headers: new Headers()})).json() }";
    let told = compile(source, &order(Language::JavaScript, Purpose::Worker)).expect_err("is not invited");
    assert!(told[0].message.contains("`fetch`"), "{told:?}");
    assert!(told[0].instead.as_ref().is_some_and(|instead| instead.contains("--allow-net")), "{told:?}");
    compile(source, &invited).expect("is invited");
    let told = compile("export function f() { return new WebSocket('x') }", &invited).expect_err("is absent");
    assert!(told[0].message.contains("`WebSocket`"), "{told:?}");
}

#[test]
fn what_cannot_be_kept_is_refused_by_name_at_its_place() {
    for (source, words, column) in [
        ("const a = 1; a = 2", "`a` is a constant", 14),
        ("const [a] = [1]; ({b: a} = {})", "`a` is a constant", 23),
        ("const a = 1; for (a of []) {}", "`a` is a constant", 19),
        ("const a = 1; a++", "`a` is a constant", 14),
        ("let a; let a", "`a` is declared twice", 12),
        ("let a; function f() { let b; var b }", "`b` is declared twice", 34),
        ("class A {} class A {}", "`A` is declared twice", 18),
        ("@d class A {}", "a decorator", 1),
        ("class A { @d m() {} }", "a decorator", 11),
        ("for await (const a of b) {}", "`await` outside of a function", 1),
        ("with (a) {}", "`with`", 1),
        ("eval('1')", "`eval` that sees the variables around it", 1),
        ("var a = 10n", "a BigInt", 9),
        ("/(?<=a)b/", "a lookbehind", 1),
        ("new Proxy({}, {})", "no vault has `Proxy`", 5),
        ("fetch('x')", "no vault has `fetch`", 1),
        ("var fs = require('fs')", "no vault has `require`", 10),
        ("process.exit()", "no vault has `process`", 1),
        ("var a = () => window.b", "no vault has `window`", 15),
        ("import a from 'a'", "an import of `a`", 1),
        ("var a = import('a')", "`import()`", 9),
        ("export * from 'a'", "an import of `a`", 1),
        ("export default {a: 1}", "a default export that is no function", 1),
        ("export {a}", "`a` is exported and not declared", 9),
        ("export function Map() {}", "a method cannot be called `Map`", 17),
        ("a->b", "an arrow without a call", 2),
        ("a->b->c()", "an arrow without a call", 2),
        ("a->b`x`", "an arrow without a call", 2),
        ("`${a->b}`", "an arrow without a call", 5),
        ("a->'b'()", "an arrow without a method's name", 2),
        ("class A { m() { super->f() } }", "an arrow without a call", 22),
    ] {
        let (message, line, found) = fault(script(source), source);
        assert!(message.contains(words), "{source}: {message}");
        assert_eq!((line, found), (1, column), "{source}: {message}");
    }
    for (source, words) in [
        ("import a = require('a')", "`import =`"),
        ("export = 1", "`export =`"),
        ("fetch('x' as string)", "`fetch`"),
    ] {
        assert!(fault(typed(source), source).0.contains(words), "{source}");
    }
}

#[test]
fn all_faults_are_told_at_once_in_their_order() {
    let source = "const a = 1;\na = 2;\nfetch();\nlet é = 10n; with (é) {}\nx->y;\n";
    let faults = script(source).expect_err("is refused");
    let places: Vec<(u32, u32)> = faults.iter().map(|fault| (fault.line, fault.column)).collect();
    assert_eq!(places, [(2, 1), (3, 1), (4, 9), (4, 14), (5, 2)]);
    assert!(faults.iter().all(|fault| fault.instead.is_some()));
    let faults = typed("const a: number = 1;\na = 2;\nfetch();\n").expect_err("is refused");
    assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn syntax_errors_stand_where_they_are() {
    for (source, line, column) in [
        ("function (", 1, 10),
        ("let a = ;", 1, 9),
        ("\n\nlet 😀a = 1", 3, 5),
        ("class A { constructor() {} constructor() {} }", 1, 28),
        ("function f() { return 1 +; }", 1, 26),
    ] {
        let (message, at, found) = fault(script(source), source);
        assert_eq!((at, found), (line, column), "{source}: {message}");
    }
}

#[test]
fn who_asks_whether_a_name_is_there_may_use_it() {
    for source in [
        "if (typeof require === 'function') require('a')",
        "var g = typeof window !== 'undefined' ? window : globalThis",
        "function f(fetch) { return fetch(1) }",
        "var process = {env: 1}; process.env",
        "var a = {fetch() {}}; a.fetch()",
        "var b = process.env.NODE_ENV",
    ] {
        script(source).unwrap_or_else(|faults| panic!("{source}: {faults:?}"));
    }
}

#[test]
fn what_hides_a_built_in_is_a_warning() {
    let lowered = script("function Map() {}\nfunction f() {}").expect("is fine");
    assert_eq!(lowered.warnings.len(), 1);
    assert!(lowered.warnings[0].message.contains("`Map`") && lowered.warnings[0].line == 1);
}

#[test]
fn as_many_faults_are_told_as_the_protocol_takes() {
    let faults = script(&"const a = 1n;\n".repeat(500)).expect_err("is refused");
    assert_eq!(faults.len(), 64);
}
