//! Table of constructs: each is compiled, taken by the engine, and gives there what Node was recorded to give.
//!
//! `make constructs` records anew. A row is the body of a function, or a whole module with its exports.

use std::collections::BTreeMap;

use hauki_compile::DIRECTIVE;
use hauki_contract::rpc::compile::Language;
use hauki_lang::engine;

mod snippets;
mod support;

use support::{called, compiled, written_in};

const TABLE: &str = include_str!("constructs/table.txt");
const RECORDED: &str = include_str!("constructs/recorded.jsonl");

fn rows() -> Vec<(String, String)> {
    let rows = format!("\n{TABLE}");
    let rows = rows.split("\n== ").skip(1).map(|row| {
        let (name, text) = row.split_once('\n').expect("has a text");
        let whole = text.contains("export ");
        let text =
            if whole { format!("{text}\n") } else { format!("export function main() {{\n{text}\n}}\n") };
        (name.to_owned(), text)
    });
    rows.collect()
}

fn recorded() -> BTreeMap<String, serde_json::Value> {
    let lines =
        RECORDED.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("is JSON"));
    lines.map(|line| (line["name"].as_str().expect("is named").to_owned(), line["value"].clone())).collect()
}

#[test]
fn each_row_is_recorded_once_and_each_record_has_its_row() {
    let (rows, recorded) = (rows(), recorded());
    let names: Vec<&String> = rows.iter().map(|(name, _)| name).collect();
    let known: Vec<&String> = recorded.keys().collect();
    let mut sorted = names.clone();
    sorted.sort();
    assert_eq!(sorted, known);
    assert!(names.len() >= 110);
}

#[test]
fn the_engine_takes_what_each_row_becomes() {
    let mut wrong = Vec::new();
    for (name, source) in rows() {
        match compiled(&source, &written_in(Language::JavaScript)) {
            Err(faults) => wrong.push(format!("{name}: {faults:?}")),
            Ok(lowered) => {
                assert!(lowered.text.starts_with(DIRECTIVE), "{name}");
                assert_eq!(lowered.warnings, [], "{name}");
                if let Err(error) = engine::check(&lowered.text, "row.js") {
                    wrong.push(format!("{name}: {error:?}\n{}", lowered.text));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// TypeScript, and what it means without its types.
const TYPED: &[(&str, &str)] = &[
    (
        "export function main(): number { const a: number[] = [1, 2]; return a.map((x: number): number => x + 1)[1]! }",
        "3",
    ),
    ("enum E { A, B = 5, C } export function main() { return [E.A, E.C, E[5]] }", r#"[0,6,"B"]"#),
    ("const enum E { A = 'x' } export function main() { return E.A }", r#""x""#),
    (
        "namespace N { export const a = 1; export function f() { return a + 1 } } export function main() { return N.f() }",
        "2",
    ),
    (
        "class P { constructor(private readonly x: number, public y = 2) {} sum() { return this.x + this.y } } \
         export function main() { return new P(1).sum() }",
        "3",
    ),
    (
        "abstract class A { abstract f(): string; g() { return this.f() } } class B extends A { override f() { return 'b' } } \
         export const main = () => new B().g()",
        r#""b""#,
    ),
    (
        "interface I { a: number } type T = I & { b?: string }; export function main() { const t: T = { a: 1 }; return t }",
        r#"{"a":1}"#,
    ),
    (
        "export function main() { const a = { x: 1 } satisfies Record<string, number>; return (a as any).x as number }",
        "1",
    ),
    (
        "function f(a: string): string; function f(a: number): number; function f(a: any) { return a } export function main() { return f(4) }",
        "4",
    ),
    (
        "function id<T extends object | number>(a: T) { return a } export function main() { return id<number>(7) }",
        "7",
    ),
    (
        "declare const missing: number; export type { Foo }; type Foo = 1; export function main() { return <number>8 }",
        "8",
    ),
    (
        "class A<T> { #v: T; declare z: number; constructor(v: T) { this.#v = v } get v(): T { return this.#v } } export function main() { return new A<string>('s').v }",
        r#""s""#,
    ),
    (
        "export function main(this: any, a?: number, ...r: string[]) { function g(x: unknown): x is string { return typeof x === 'string' } return g('a') }",
        "true",
    ),
    (
        "import type { X } from './x'; import { Y } from './y'; let y: Y | X; export default function main() { return typeof y }",
        r#""undefined""#,
    ),
    (
        "let a: Array<Map<string, Set<number>>> | undefined; export const main = async (): Promise<number> => a?.length ?? 3",
        "3",
    ),
];

#[test]
fn types_leave_nothing_behind() {
    let mut wrong = Vec::new();
    for (source, _) in TYPED {
        match compiled(source, &written_in(Language::TypeScript)) {
            Err(faults) => wrong.push(format!("{source}: {faults:?}")),
            Ok(lowered) => {
                if let Err(error) = engine::check(&lowered.text, "row.ts") {
                    wrong.push(format!("{source}: {error:?}\n{}", lowered.text));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn each_row_gives_in_the_engine_what_it_gives_in_node() {
    let (recorded, mut wrong) = (recorded(), Vec::new());
    for (name, source) in rows() {
        let lowered = compiled(&source, &written_in(Language::JavaScript)).expect("is compiled");
        let wanted = &recorded[&name];
        match called(&lowered.text) {
            Ok(value) if value == *wanted => {}
            other => wrong.push(format!("{name}: {other:?} instead of {wanted}")),
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), recorded.len(), wrong.join("\n"));
}

#[test]
fn types_change_nothing_of_what_runs() {
    let mut wrong = Vec::new();
    for (source, wanted) in TYPED {
        let lowered = compiled(source, &written_in(Language::TypeScript)).expect("is compiled");
        let wanted: serde_json::Value = serde_json::from_str(wanted).expect("is JSON");
        match called(&lowered.text) {
            Ok(value) if value == wanted => {}
            other => wrong.push(format!("{source}: {other:?} instead of {wanted}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
