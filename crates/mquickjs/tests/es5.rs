//! ES5 as Node understands it: programs of one line each, and what they are.
//!
//! `es5/cases/*.js` holds the programs, a line each behind a line that says what they are about;
//! `⟦2028⟧` in one stands for that character. The file `.node` beside it holds Node's answers, as
//! `node es5/expect.js` writes them, so that no Node is needed here. Each program runs in an engine of its
//! own, and `es5/show.js` says in words what it gave.
//!
//! `es5/different.txt` counts, and lists what the engine answers otherwise: what ES5 it lacks. A new
//! difference fails, and so does one that is no more; `HAUKI_BLESS=1` writes the list anew.

use std::ffi::c_int;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use mquickjs as sys;

/// The value that stands for what was thrown (mquickjs.h).
const EXCEPTION: sys::JSValue = 3 | (3 << 2);
const HEAP_BYTES: usize = 4 << 20;

fn place() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/es5")
}

/// The program with the characters that its line only names.
fn named(line: &str) -> String {
    let mut parts = line.split('⟦');
    let mut program = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_once('⟧').expect("⟧ closes");
        let code = u32::from_str_radix(code, 16).expect("hexadecimal digits");
        program.push(char::from_u32(code).expect("a character"));
        program.push_str(rest);
    }
    program
}

/// As a string of JavaScript, in ASCII.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for unit in text.encode_utf16() {
        write!(quoted, "\\u{unit:04x}").expect("memory");
    }
    quoted + "\""
}

/// What a new engine says of a program.
fn told(show: &str, memory: &mut [u64], program: &str) -> String {
    let text = format!("{show}\ntell({})\0", quoted(program));
    // SAFETY: the memory is aligned and outlives the engine; the text ends with a zero; the parser's value
    // goes straight into JS_Run, and its value straight into the text, which is copied before anything else.
    unsafe {
        let engine =
            sys::JS_NewContext(memory.as_mut_ptr().cast(), size_of_val(memory), &raw const sys::js_stdlib);
        let flags: c_int = sys::JS_EVAL_RETVAL;
        let function = sys::JS_Parse(engine, text.as_ptr().cast(), text.len() - 1, c"case".as_ptr(), flags);
        let value = if function == EXCEPTION { function } else { sys::JS_Run(engine, function) };
        if value == EXCEPTION {
            return "fails even to tell".to_owned();
        }
        let (mut short, mut length) = (sys::JSCStringBuf { buf: [0; 5] }, 0);
        let bytes = sys::JS_ToCStringLen(engine, &raw mut length, value, &raw mut short);
        String::from_utf8_lossy(std::slice::from_raw_parts(bytes.cast(), length)).into_owned()
    }
}

#[test]
fn the_engine_answers_as_node_does_but_for_what_is_listed() {
    let show = fs::read_to_string(place().join("show.js")).expect("is there");
    let mut names: Vec<_> = fs::read_dir(place().join("cases"))
        .expect("is there")
        .filter_map(|entry| {
            entry.expect("reads").file_name().to_str()?.strip_suffix(".js").map(str::to_owned)
        })
        .collect();
    names.sort();
    let mut memory = vec![0_u64; HEAP_BYTES / size_of::<u64>()];
    let (mut count, mut different) = (0, Vec::new());
    for name in names {
        let read = |ending: &str| fs::read_to_string(place().join("cases").join(format!("{name}.{ending}")));
        let (cases, answers) = (read("js").expect("is there"), read("node").expect("node es5/expect.js"));
        let lines: Vec<_> = cases.lines().skip(1).collect();
        assert_eq!(lines.len(), answers.lines().count(), "{name}: node es5/expect.js");
        for (line, answer) in lines.into_iter().zip(answers.lines()) {
            count += 1;
            let said = told(&show, &mut memory, &named(line));
            if said != answer {
                different.push(format!("{name}: {line}\n    {said}, where it is {answer}\n"));
            }
        }
    }
    let made =
        format!("{} of {count} as in Node. The others:\n\n{}", count - different.len(), different.concat());
    let list = place().join("different.txt");
    if std::env::var_os("HAUKI_BLESS").is_some() {
        fs::write(&list, &made).expect("writes");
    }
    let there = fs::read_to_string(&list).expect("is there");
    let news: Vec<_> = made.lines().filter(|line| !there.lines().any(|old| old == *line)).collect();
    let gone: Vec<_> = there.lines().filter(|line| !made.lines().any(|new| new == *line)).collect();
    assert!(made == there, "new:\n{}\nno more:\n{}", news.join("\n"), gone.join("\n"));
}
