//! Modules and methods: which functions of a source can be called once it is compiled.

use hauki_compile::compile;
use hauki_contract::rpc::compile::{CompileOrder, Language, Purpose};

fn lowered(source: &str, purpose: Purpose) -> String {
    let order = CompileOrder {
        file: "f.js".into(),
        language: Language::JavaScript,
        purpose,
        ..CompileOrder::default()
    };
    let text = compile(source, &order).unwrap_or_else(|faults| panic!("{source}: {faults:?}")).text;
    text.lines().filter(|line| !line.starts_with("//#")).collect::<Vec<_>>().join("\n")
}

/// The names that a compiled module gives to the world.
fn exported(source: &str) -> Vec<String> {
    let text = lowered(source, Purpose::Worker);
    let names = text.lines().filter_map(|line| line.strip_prefix("globalThis.")?.split(" = ").next());
    names.map(str::to_owned).collect()
}

#[test]
fn exactly_the_exported_functions_are_methods() {
    for (source, names) in [
        ("export function a() {} function b() {}", &["a"][..]),
        ("export const a = () => 1, b = 2, c = make(); function make() {}", &["a", "c"]),
        ("function a() {} export {a as b}", &["b"]),
        ("function a() {} export {a as default}", &["a"]),
        ("export default function () {}", &["main"]),
        ("export default function a() {}", &["a"]),
        ("export default () => 1", &["main"]),
        ("const a = () => 1; export default a; export {a}", &["a"]),
        ("export class A {} export function f() {}", &["f"]),
        ("export default class A {} export function f() {}", &["f"]),
        ("export const {a, b: [c]} = d()", &["a", "c"]),
        ("export async function create() {} export function* g() {}", &["create", "g"]),
    ] {
        assert_eq!(exported(source), names, "{source}");
    }
}

#[test]
fn what_exports_nothing_stays_global_and_its_classes_are_no_methods() {
    let text = lowered(
        "class A { m() { return A } } const B = class {}; function f() { return new A() }",
        Purpose::Worker,
    );
    assert!(!text.contains("globalThis") && text.contains("\nfunction f()"), "{text}");
    assert!(text.contains("var _A =") && text.contains("var _B =") && text.contains("new _A()"), "{text}");
    // They keep their own names.
    assert!(text.contains("function A()") && text.contains("function B()"), "{text}");
}

#[test]
fn a_program_keeps_its_names_whatever_it_exports() {
    let text = lowered("export const a = 1; export class A {} let b = a;\nb", Purpose::Program);
    for wanted in ["var a = 1;", "var A =", "var b = a;"] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(text.trim_end().ends_with("b;"), "its value is that of its last statement: {text}");
}

#[test]
fn what_lowering_adds_to_one_program_is_not_what_it_adds_to_another() {
    let globals = |source: &str| -> Vec<String> {
        let text = lowered(source, Purpose::Program);
        let names = text.lines().filter_map(|line| line.strip_prefix("var ")?.split([' ', ';']).next());
        names.map(str::to_owned).collect()
    };
    let (one, other) = (globals("class A { #n = 1; n() { return this.#n } }"), globals("class A { #n = 2 }"));
    assert!(one.contains(&"A".to_owned()) && other.contains(&"A".to_owned()));
    assert!(one[0].starts_with("_n_") && one[0] != other[0], "{one:?} {other:?}");
    assert_eq!(globals("let _n = 1, b = 2; _n"), ["_n"]);
}
