//! Faults of the engine as a worker's author and callers met them. `crates/mquickjs` has the patches, and a program for
//! each of them.

use super::*;

fn roomy(source: &str) -> Engine {
    let mut engine = engine(64 << 20);
    engine.load(&mut Notes::default(), source, "w/f.js", "[]", Deadline::after_ms(LONG)).expect("loads");
    engine
}

#[test]
fn more_arguments_than_sixteen_bits_count_are_all_of_them() {
    let source = "function top(n) { var a = [], i; for (i = 0; i < n; i++) a.push(i % 1000); return Math.max.apply(null, a) }
        function one() { return 1 }
        function count() { return arguments.length }
        function last() { return arguments[arguments.length - 1] }";
    let mut engine = roomy(source);
    for many in [65_535_usize, 65_536, 65_537, 70_000, 131_071, 131_072, 200_000] {
        let given = (0..many).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
        let params = Some(format!("[{given}]"));
        assert_eq!(call(&mut engine, "top", Some(&format!("[{many}]"))).expect("is called"), "999");
        assert_eq!(call(&mut engine, "one", params.as_deref()).expect("is called"), "1");
        assert_eq!(call(&mut engine, "count", params.as_deref()).expect("is called"), many.to_string());
        assert_eq!(call(&mut engine, "last", params.as_deref()).expect("is called"), (many - 1).to_string());
    }
}

#[test]
fn a_call_of_a_missing_member_tells_where_and_hurts_nobody() {
    let error = call(&mut load("function f(a) { return a.includes('a') }"), "f", Some("[[1]]"))
        .expect_err("is missing");
    assert_eq!((error.kind, error.line), (WorkerErrorKind::Throw, Some(1)), "{}", error.message);
    let source = "var c = {add: function () {}}; function it(x) { return function () { return {v: x}; }; }
        function f(a) { var n = it(a), s = n(); var l = s.v; c.add(l.nope(' ')); }
        function g() { return 'alive' }";
    let mut engine = load(source);
    let error = call(&mut engine, "f", Some("[[\"a\"]]")).expect_err("is missing");
    assert_eq!((error.kind, error.line), (WorkerErrorKind::Throw, Some(2)), "{}", error.message);
    assert_eq!(call(&mut engine, "g", None).expect("is alive"), r#""alive""#);
}

#[test]
fn half_of_a_surrogate_pair_in_an_error_is_told_as_its_escape() {
    let mut engine = load(
        r"function f() { throw new Error('x\ud800y\udc00') } function g() { throw new Error('\ud83d\ude00') }",
    );
    let error = call(&mut engine, "f", None).expect_err("throws");
    assert_eq!(error.message, r"Error: x\ud800y\udc00");
    let error = call(&mut engine, "g", None).expect_err("throws");
    assert_eq!(error.message, "Error: \u{1f600}");
}

#[test]
fn what_killed_a_vault_is_an_error_or_an_answer() {
    let busy = "function busy() { var a = [], i; for (i = 0; i < 20000; i++) a.push('s' + i); return 'x' }";
    let table = [
        ("return Object.create(RegExp.prototype).flags", Err("TypeError: not a regular expression")),
        ("return String(new Int8Array(536870000))", Err("the heap of 1048576 bytes is full")),
        ("return [{toString: busy}, 'b', 'c'].join(1234567)", Ok(r#""x1234567b1234567c""#)),
        (
            "var a = [1, 2, 3, 4]; return a.splice({valueOf: function () { a.length = 1; return 0 }}, 40)",
            Ok("[1]"),
        ),
        (
            "try { null.x } catch (e) { return Math.max(1,2,3,4,5,6,7,8,9,8,7,6,5,4,3,2,1,2,3,4,5,6,7,8,9,0) }",
            Ok("9"),
        ),
    ];
    for (body, wanted) in table {
        let mut engine = load(&format!("{busy}\nfunction f() {{ {body} }}\nfunction g() {{ return 1 }}"));
        let answer = call(&mut engine, "f", None);
        match wanted {
            Ok(wanted) => assert_eq!(answer.expect(body), wanted, "{body}"),
            Err(words) => {
                let error = answer.expect_err(body);
                assert!(error.message.starts_with(words), "{body}: {}", error.message);
            }
        }
        assert_eq!(call(&mut engine, "g", None).expect(body), "1");
    }
}

#[test]
fn an_error_that_cannot_be_shown_is_no_lack_of_memory() {
    let source = "function r() { var e = new Error('x');
        Object.defineProperty(e, 'message', {get: function () { throw 1 }}); throw e }
        function broken() { Error.prototype.toString = null; return 1 }
        function n() { return null.x }";
    let mut engine = load(source);
    for _ in 0..2 {
        for name in ["r", "broken", "n"] {
            let Err(error) = call(&mut engine, name, None) else { continue };
            assert_eq!(error.kind, WorkerErrorKind::Throw, "{name}: {}", error.message);
        }
    }
}

/// A request of a megabyte held its vault until the gate gave it up: each name moved half of the others.
#[test]
fn many_names_in_parameters_are_read_in_no_time() {
    let mut engine = roomy("function f(o) { return Object.keys(o).length }");
    let names = (0..60_000_u32).map(|number| format!("\"k{}\":1", number * 7919 % 60_013));
    let params = format!("[{{{}}}]", names.collect::<Vec<_>>().join(","));
    assert_eq!(call(&mut engine, "f", Some(&params)).expect("is called"), "60000");
}
