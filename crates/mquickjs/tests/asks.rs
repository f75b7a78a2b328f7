//! Loops of the engine's C code ask whether the program shall stop.
//!
//! Each program here is one call that takes long in C, and runs until it has been asked for the given number of times;
//! where nobody asked, a caller's deadline passed unheard. What is counted are questions, not seconds.

use std::cell::Cell;
use std::ffi::{c_int, c_void};

use mquickjs as sys;

const EXCEPTION: sys::JSValue = 3 | (3 << 2);
const HEAP_BYTES: usize = 16 << 20;

thread_local! {
    static ASKED: Cell<u32> = const { Cell::new(0) };
    static MOST: Cell<u32> = const { Cell::new(0) };
}

unsafe extern "C" fn shall_stop(_: *mut sys::JSContext, _: *mut c_void) -> c_int {
    ASKED.set(ASKED.get() + 1);
    c_int::from(ASKED.get() >= MOST.get())
}

/// How often the program asked, and whether it ended by itself. What stands before `GO;` is not counted.
fn run(program: &str, most: u32) -> (u32, bool) {
    let mut memory = vec![0_u64; HEAP_BYTES / size_of::<u64>()];
    // SAFETY: the memory is aligned and outlives the context; each text ends with a zero; the parser's value goes
    // straight into JS_Run.
    unsafe {
        let raw = sys::JS_NewContext(memory.as_mut_ptr().cast(), HEAP_BYTES, &raw const sys::js_stdlib);
        sys::JS_SetInterruptHandler(raw, Some(shall_stop));
        let mut ended = true;
        for part in program.split("GO;") {
            ASKED.set(0);
            MOST.set(if program.ends_with(part) { most } else { u32::MAX });
            let text = format!("{part}\0");
            let mut value = sys::JS_Parse(raw, text.as_ptr().cast(), part.len(), c"f.js".as_ptr(), 0);
            if value != EXCEPTION {
                value = sys::JS_Run(raw, value);
            }
            ended = value != EXCEPTION;
        }
        (ASKED.get(), ended)
    }
}

#[test]
fn what_takes_long_in_c_asks() {
    let programs = [
        ("var s = 'a'.repeat(2e6), n = 'b' + 'a'.repeat(1e6); GO; s.lastIndexOf(n.slice(1) + 'b')", 100),
        ("var s = '\\ud83d\\ude00'.repeat(2e5); GO; s.indexOf('\\ude00'.repeat(2) + 'b')", 20),
        ("var s = 'ab'.repeat(1e6); GO; s.split('a')", 10),
        ("var s = ' '.repeat(2e6) + 'a'; GO; s.trim()", 100),
        ("var s = '\\u0001'.repeat(1e6); GO; JSON.stringify(s)", 100),
        ("var a = [], i; for (i = 0; i < 3e5; i++) a.push(i * 7919 % 300007); GO; a.sort()", 1000),
        ("var a = [], i; for (i = 0; i < 3e5; i++) a.push(i); GO; a.forEach(function () {})", 50),
        ("var a = [], i; for (i = 0; i < 2e5; i++) a.push(i); GO; for (i = 0; i < 1000; i++) a.shift()", 500),
        ("var a = [], i; for (i = 0; i < 2e5; i++) a.push(i); GO; a.indexOf(-1)", 10),
        ("var o = null, i; for (i = 0; i < 60000; i++) o = Object.create(o); GO; for (i in o);", 5),
        (
            "var o = null, i; for (i = 0; i < 60000; i++) o = Object.create(o); GO; for (i = 0; i < 100; i++) o.x;",
            100,
        ),
        (
            "var o = null, i; for (i = 0; i < 20000; i++) { o = Object.create(o); o['k' + i] = 1; } GO; for (i in o);",
            1000,
        ),
        ("var o = [], i; for (i = 0; i < 1e5; i++) o = [o]; GO; JSON.stringify(o)", 1000),
        ("var a = [], i; for (i = 0; i < 5e4; i++) a.push('k' + i); GO; JSON.stringify({}, a)", 1000),
        (
            "var s = '{', i; for (i = 0; i < 5e4; i++) s += '\"k' + i * 7919 % 50021 + '\":1,'; GO; JSON.parse(s + '\"z\":1}')",
            50,
        ),
        ("var s = '[\\\\u0000-\\\\uffff]'.repeat(2000); GO; new RegExp(s, 'i')", 100),
        ("GO; /(a*)\\1b/.test('a'.repeat(2e4))", 500),
        ("var t = new Uint8Array(1e6); GO; new Float64Array(t)", 50),
        ("var f = function () {}, i; for (i = 0; i < 1e4; i++) f = f.bind(null, 1); GO; f()", 100),
        ("var s = 'a'.repeat(3e5); GO; for (var i = 0; i < 100; i++) (s + i) in {};", 100),
    ];
    for (program, most) in programs {
        let (asked, ended) = run(program, most);
        assert!(!ended && asked == most, "asked {asked} times of {most}, ended: {ended}: {program}");
    }
}

#[test]
fn needles_are_found_where_they_are() {
    let program = "
        function same(a, b) { if (a !== b) throw new Error(a + ' is not ' + b); }
        var s = 'a\\ud83d\\ude00b\\u20aca\\ud83d\\ude00';
        same(s.indexOf('\\ud83d\\ude00'), 1); same(s.lastIndexOf('\\ud83d\\ude00'), 6);
        same(s.indexOf('\\ude00'), 2); same(s.lastIndexOf('\\ude00'), 7); same(s.lastIndexOf('\\ud83d'), 6);
        same(s.indexOf('\\ude00b'), 2); same(s.indexOf('a\\ud83d', 1), 5); same(s.indexOf('b', 2), 3);
        same(s.indexOf('\\u20ac', 2), 4); same(s.lastIndexOf('a', 2), 0); same(s.lastIndexOf('\\ud83d\\ude00', 2), 1);
        same(s.lastIndexOf('b', 7), 3); same(s.indexOf('', 2), 2); same(s.lastIndexOf(''), 8); same(s.indexOf('c'), -1);
        same(s.split('\\ud83d\\ude00').join('|'), 'a|b\\u20aca|'); same(s.split('\\ude00').length, 3);
        same('aXbX'.replace('X', '-'), 'a-bX'); same('abab'.lastIndexOf('ab', 1), 0); same('abab'.indexOf('ab', 1), 2);
        same('aaa'.split('aaaa').length, 1); same('\\u20ac\\u20ac'.lastIndexOf('\\u20ac', 0), 0);
        same('abc'.lastIndexOf('c', 0), -1); same('a'.indexOf('ab'), -1); same('a'.lastIndexOf('ab'), -1); same('x\\u0000y'.indexOf('\\u0000'), 1);
    ";
    assert!(run(program, u32::MAX).1);
}

/// A chain that nearly fills the heap was walked again from its beginning for each part of it: nobody saw the end.
#[test]
fn a_deep_structure_is_collected() {
    let (_, fitted) = run("var a = []; for (var i = 0; i < 400000; i++) { a = {n: a} }", u32::MAX);
    assert!(!fitted, "it is to fill the heap");
}
