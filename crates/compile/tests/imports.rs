//! Imports: modules of several kinds as one program, which gives what Node gives for them.

use std::collections::BTreeMap;

use hauki_compile::{LoweredSource, ModuleSource, ModuleText, compile_with};
use hauki_contract::rpc::compile::{CompileOrder, Language, ModuleKind, Purpose, SourceFault};
use hauki_lang::engine;

/// Files by their names; a specifier is a name behind `./`, or one in `node_modules`.
struct Files(BTreeMap<&'static str, &'static str>);

impl ModuleSource for Files {
    fn load(&mut self, _: &str, specifier: &str) -> Result<ModuleText, String> {
        let name = specifier.trim_start_matches("./");
        let (name, text) = self.0.get_key_value(name).ok_or_else(|| format!("there is no {name}"))?;
        let kind = match name.rsplit('.').next() {
            Some("json") => ModuleKind::Json,
            Some("ts") => ModuleKind::TypeScript,
            _ => ModuleKind::JavaScript,
        };
        Ok(ModuleText { name: (*name).to_owned(), kind, text: (*text).to_owned() })
    }
}

fn linked(files: &[(&'static str, &'static str)]) -> Result<LoweredSource, Vec<SourceFault>> {
    let order = CompileOrder {
        file: "main.js".into(),
        language: Language::JavaScript,
        purpose: Purpose::Worker,
        imports: true,
        fetch: false,
    };
    let mut others = Files(files[1..].iter().copied().collect());
    compile_with(files[0].1, &order, &mut others)
}

fn text(files: &[(&'static str, &'static str)]) -> String {
    let lowered = linked(files).unwrap_or_else(|faults| panic!("{files:?}: {faults:?}")).text;
    engine::check(&lowered, "main.js").unwrap_or_else(|error| panic!("{files:?}: {error:?}\n{lowered}"));
    lowered
}

#[test]
fn an_imported_name_is_the_exporters_variable() {
    let found = text(&[
        (
            "main.js",
            "import { n, up as more } from './a.js'; export function main() { more(); return { n } }",
        ),
        (
            "a.js",
            "export let n = 1; export function up() { n++ } function main() { return 'not mine' } main()",
        ),
    ]);
    for wanted in ["var n = 1;", "function up() {", "up();", "n: n"] {
        assert!(found.contains(wanted), "{wanted}: {found}");
    }
    // Two of one name are kept apart, and one of them is the method.
    assert!(found.contains("function main1()") || found.contains("function main()"), "{found}");
    assert_eq!(found.matches("globalThis.").count(), 1, "{found}");
}

#[test]
fn modules_run_once_in_the_order_of_imports() {
    let found = text(&[
        ("main.js", "import './b.js'; import './a.js'; log('main'); export const main = () => 1"),
        ("a.js", "import './c.js'; log('a')"),
        ("b.js", "import './c.js'; log('b')"),
        ("c.js", "import './main2.js'; log('c'); export {}"),
        ("main2.js", "export const x = 1; log('2')"),
    ]);
    let at =
        |name: &str| found.find(&format!("log(\"{name}\")")).unwrap_or_else(|| panic!("{name}: {found}"));
    assert!(at("2") < at("c") && at("c") < at("b") && at("b") < at("a") && at("a") < at("main"));
}

#[test]
fn each_form_of_import_and_export_is_linked() {
    for (files, wanted) in [
        (
            &[
                ("main.js", "import d from './a.js'; export const main = () => d"),
                ("a.js", "export default 41 + 1"),
            ][..],
            "41 + 1",
        ),
        (
            &[
                ("main.js", "import * as a from './a.js'; export const main = () => a.f()"),
                ("a.js", "export function f() {}"),
            ],
            "return f();",
        ),
        (
            &[
                ("main.js", "import * as a from './a.js'; export const main = () => a"),
                ("a.js", "export const f = 1"),
            ],
            "get f",
        ),
        (
            &[("main.js", "export { f as main } from './a.js'"), ("a.js", "export function f() {}")],
            "globalThis.main = f",
        ),
        (&[("main.js", "export * from './a.js'"), ("a.js", "export function g() {}")], "globalThis.g = g"),
        (
            &[
                ("main.js", "import { g } from './a.js'; export const main = () => g()"),
                ("a.js", "export * from './b.js'"),
                ("b.js", "export * from './a.js'; export function g() {}"),
            ],
            "return g();",
        ),
        (
            &[
                ("main.js", "import c from './c.json'; export const main = () => c.a"),
                ("c.json", "{\"a\": [1]}"),
            ],
            ".a;",
        ),
        (
            &[
                ("main.js", "import { T, f } from './t.ts'; export const main = () => f(1)"),
                ("t.ts", "export type T = 1; export const T = 2; export const f = (a: T): T => a"),
            ],
            "f(1)",
        ),
        (
            &[
                ("main.js", "import c, { d } from 'c'; export const main = () => [c, d(1), { d }]"),
                ("c", "exports.d = x => x; module.exports.e = require('e')"),
                ("e", "module.exports = 5"),
            ],
            "(0, ",
        ),
        (
            &[
                ("main.js", "import x from './a.js'; function f() { return x }"),
                ("a.js", "export default class A {} export function hidden() {}"),
            ],
            "globalThis.f = f",
        ),
    ] {
        let found = text(files);
        assert!(found.contains(wanted), "{files:?}: {wanted} is not in {found}");
    }
}

#[test]
fn what_cannot_be_imported_is_a_fault_with_its_file() {
    for (files, words) in [
        (&[("main.js", "import a from './none.js'")][..], "an import of `./none.js`"),
        (
            &[("main.js", "import {b} from './a.js'; b"), ("a.js", "export const c = 1")],
            "`a.js` exports no `b`",
        ),
        (&[("main.js", "import './a.js'"), ("a.js", "export {}\nlet x = ;")], "a.js:2:9:"),
        (
            &[("main.js", "import './a.js'"), ("a.js", "export {}; fetch()")],
            "a.js:1:12: no vault has `fetch`",
        ),
        (&[("main.js", "import './a.json'"), ("a.json", "{")], "`a.json` is no JSON"),
        (&[("main.js", "import 'c'"), ("c", "require('fs')")], "an import of `fs`"),
    ] {
        let faults = linked(files).expect_err("is refused");
        assert!(faults.iter().any(|fault| fault.message.contains(words)), "{files:?}: {faults:?}");
    }
}

#[test]
fn the_map_names_every_file() {
    let found = text(&[
        ("main.js", "import { f } from './a.js'; export const main = () => f()"),
        ("a.js", "export function f() {\n  return missing();\n}"),
    ]);
    assert!(found.contains("\"sources\":[\"main.js\",\"a.js\"]"), "{found}");
}

#[test]
fn a_package_finds_what_it_looks_for_and_misses_a_name_when_it_is_called() {
    const PACKAGE: &str = "node_modules/p.js";
    let of = |name: &'static str, text: &'static str| {
        let main = if name == PACKAGE {
            "import p from './node_modules/p.js'; export const main = () => p"
        } else {
            "import p from './p.js'; export const main = () => p"
        };
        [("main.js", main), (name, text)]
    };
    let found = text(&of(
        PACKAGE,
        "var root = Function('return this')(), own = new Function('return this;')(); function ask() { return new Proxy({}, {}) } \
         if (typeof require === 'function') module.exports = { root, own, ask };",
    ));
    for wanted in ["root = globalThis", "own = globalThis", "\"function\" === \"function\"", "new Proxy"] {
        assert!(found.contains(wanted), "{wanted}: {found}");
    }
    // At its top it would be missed at once, and what is the author's own is told of wherever it stands.
    for (name, text) in
        [(PACKAGE, "export default new Proxy({}, {})"), ("p.js", "export default () => new Proxy({}, {})")]
    {
        let faults = linked(&of(name, text)).expect_err(text);
        assert!(faults.iter().any(|fault| fault.message.contains("no vault has `Proxy`")), "{faults:?}");
    }
}
