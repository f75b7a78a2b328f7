//! Places after lowering: the map leads each of them back to where its author wrote it.

use hauki_compile::{DIRECTIVE, compile};
use hauki_contract::rpc::compile::{CompileOrder, Language, Purpose};
use hauki_lang::position::Position;

/// Generated and original, from zero.
type Row = ((u32, u32), (u32, u32));

/// Reads a map as the format has it, by a decoder of this test's own.
fn rows(text: &str) -> Vec<Row> {
    let line = text.lines().last().expect("has a line");
    let map = line.strip_prefix("//# hauki-map=").expect("is a map");
    let map: serde_json::Value = serde_json::from_str(map).expect("is JSON");
    assert_eq!((map["version"].as_u64(), map["sources"][0].as_str()), (Some(3), Some("f.ts")));
    let (mut rows, mut from) = (Vec::new(), (0_i64, 0_i64));
    for (line, segments) in map["mappings"].as_str().expect("is text").split(';').enumerate() {
        let mut column = 0_i64;
        for segment in segments.split(',').filter(|segment| !segment.is_empty()) {
            let (mut numbers, mut number, mut shift) = (Vec::new(), 0_i64, 0);
            for letter in segment.bytes() {
                let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
                let digit = digits.iter().position(|known| *known == letter).expect("is a digit") as i64;
                number |= (digit & 31) << shift;
                shift += 5;
                if digit & 32 == 0 {
                    numbers.push(if number & 1 == 1 { -(number >> 1) } else { number >> 1 });
                    (number, shift) = (0, 0);
                }
            }
            let [to, source, line_step, column_step] = numbers[..] else { panic!("{segment}") };
            assert_eq!(source, 0);
            column += to;
            from = (from.0 + line_step, from.1 + column_step);
            let number = |number: i64| u32::try_from(number).expect("is no place before the text");
            rows.push(((line as u32, number(column)), (number(from.0), number(from.1))));
        }
    }
    rows
}

/// Where the author wrote what stands at the first `needle` of the text.
fn origin(text: &str, needle: &str, skip: usize) -> Position {
    let at = Position::of(text, text.find(needle).unwrap_or_else(|| panic!("no {needle} in {text}")) + skip);
    let at = (at.line - 1, at.column - 1);
    let rows = rows(text);
    let before = rows.iter().rfind(|(to, _)| to.0 == at.0 && to.1 <= at.1).expect("has a row on its line");
    Position { line: before.1.0 + 1, column: before.1.1 + 1 }
}

#[test]
fn calls_lead_back_to_their_brackets() {
    let source = "// é😀\nexport async function f(a: number[]) {\n  for (const b of a) {\n    await b.nope?.(`${b}`);\n    b->go(1);\n    const { c } = missing(b);\n  }\n}\n\nclass A { #x = 1; m() { return this.#x.fail(); } }\nexport const g = () => { throw new Error('é😀' + new A().m()) };\n";
    let order = CompileOrder {
        file: "f.ts".into(),
        language: Language::TypeScript,
        purpose: Purpose::Worker,
        ..CompileOrder::default()
    };
    let text = compile(source, &order).expect("is fine").text;
    assert!(text.starts_with(DIRECTIVE));
    let place = |needle: &str, skip: usize| {
        let at = Position::of(source, source.find(needle).expect("is there") + skip);
        (at.line, at.column)
    };
    for (written, skip, from) in [
        ("call_other(", 10, place("go(", 2)),
        ("missing(", 7, place("missing(", 7)),
        ("missing(", 0, place("missing(", 0)),
        (".fail(", 5, place(".fail(", 5)),
        ("new Error(", 0, place("new Error(", 0)),
        ("\"é😀\"", 0, place("'é😀'", 0)),
        (".m());", 1, place(".m())", 1)),
    ] {
        let origin = origin(&text, written, skip);
        assert_eq!((origin.line, origin.column), from, "{written}+{skip}\n{text}");
    }
}

#[test]
fn rows_are_in_order_and_within_both_texts() {
    let source = "let a = [1, 2].map(x => `${x}`);\nexport function f({ b, ...c } = {}) {\n\treturn { ...c, b: b ?? a };\n}\n";
    let order = CompileOrder { file: "f.ts".into(), ..CompileOrder::default() };
    let text = compile(source, &order).expect("is fine").text;
    let rows = rows(&text);
    assert!(rows.len() > 20 && rows.windows(2).all(|pair| pair[0].0 < pair[1].0), "{rows:?}");
    let lines: Vec<usize> = source.split('\n').map(|line| line.chars().count()).collect();
    assert!(rows.iter().all(|(_, from)| from.1 as usize <= lines[from.0 as usize]), "{rows:?}");
}
