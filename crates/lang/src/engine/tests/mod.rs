//! The engine's hard cases, in tables.

mod asynchronous;
mod compiled;
mod es5;
mod fetch;
mod later;
mod memory;
mod mended;
mod newer;
#[cfg(feature = "script")]
mod programs;
mod sources;
mod tables;
mod turns;
mod values;

use super::*;
use hauki_contract::rpc::channel::{Said, Unanswered, WorkerError, WorkerErrorKind};

#[derive(Default)]
struct Notes {
    lines: Vec<String>,
    events: Vec<(String, String)>,
    destructed: bool,
    /// Answers that nobody has taken yet.
    said: Vec<(u64, Said)>,
    asked: u64,
    most_open: usize,
}

impl Host for Notes {
    fn log(&mut self, text: &str) {
        self.lines.push(text.to_owned());
    }
    fn event(&mut self, event: &str, data: &str) -> Result<(), String> {
        if data.len() > 100 {
            return Err("the event is too large".into());
        }
        self.events.push((event.to_owned(), data.to_owned()));
        Ok(())
    }
    fn destruct(&mut self) {
        self.destructed = true;
    }
    /// An object that repeats its arguments; any other fails.
    fn ask(&mut self, object: &str, method: &str, params: &str) -> Result<u64, Box<Unanswered>> {
        let vault = Some("vlt_gone".into());
        let dead = Unanswered { vault, ..Unanswered::new("vault_dead", "vlt_gone is dead: destruct") };
        self.asked += 1;
        self.said.push((
            self.asked,
            match object {
                "" if method == "fetch" => Ok(fetch::answer(params)),
                "parrot" => Ok(format!("{{\"method\":\"{method}\",\"params\":{params}}}")),
                _ => Err(dead.into()),
            },
        ));
        self.most_open = self.most_open.max(self.said.len());
        Ok(self.asked)
    }
    fn is_crowded(&self) -> bool {
        self.said.len() == 3
    }
    /// The last that was asked is answered first.
    fn answer(&mut self, _: Option<u64>, _: Option<Deadline>) -> Result<(u64, Said), Box<Unanswered>> {
        self.said.pop().ok_or_else(|| Unanswered::new("internal", "nobody was called").into())
    }
    fn pause(&mut self, until: Deadline) {
        std::thread::sleep(std::time::Duration::from_micros(until.left_us()));
    }
    fn tick(&mut self) -> bool {
        true
    }
    fn limit(&self) -> usize {
        1 << 20
    }
}

const LONG: u32 = 60_000;

fn engine(bytes: u64) -> Engine {
    let memory = Memory::map(MapAddress::Anywhere, bytes).expect("maps");
    Engine::new(memory, 7, "vlt_test", SourceForm::Plain).expect("the prelude fits")
}

fn load(source: &str) -> Engine {
    let mut engine = engine(1 << 20);
    engine.load(&mut Notes::default(), source, "w/f.js", "[]", Deadline::after_ms(LONG)).expect("loads");
    engine
}

fn refuse(source: &str) -> WorkerError {
    let mut engine = engine(1 << 20);
    let loaded = engine.load(&mut Notes::default(), source, "w/f.js", "[]", Deadline::after_ms(LONG));
    loaded.map(<[String]>::to_vec).expect_err(source)
}

fn call_within(
    engine: &mut Engine,
    method: &str,
    params: Option<&str>,
    ms: u32,
) -> Result<String, WorkerError> {
    let deadline = Deadline::after_ms(ms);
    engine.call(&mut Notes::default(), WorkerCall { method, params, caller: r#"{"ticket":"t"}"#, deadline })
}

fn call(engine: &mut Engine, method: &str, params: Option<&str>) -> Result<String, WorkerError> {
    call_within(engine, method, params, LONG)
}

#[test]
fn results() {
    let table = [
        ("function f() {}", None, "null"),
        ("function f() { return null }", None, "null"),
        ("function f(a, b) { return a + b }", Some("[1, 2]"), "3"),
        ("function f(o) { return o.depth }", Some(r#"{"depth": 2}"#), "2"),
        ("function f() { return arguments.length }", None, "0"),
        ("function f() { return arguments.length }", Some("[]"), "0"),
        ("function f(a) { return a.length }", Some("[[1,2,3]]"), "3"),
        (
            "function f(a) { return {s: a, n: [1, null, true], u: undefined} }",
            Some(r#"["ä\"\n"]"#),
            r#"{"s":"ä\"\n","n":[1,null,true]}"#,
        ),
        ("function f() { return '\\ud800x\\u2028' }", None, r#""\ud800x\u2028""#),
        ("function f() { return '\\ud83d' + '\\ude00' }", None, "\"😀\""),
        ("function f() { return 'null' }", None, r#""null""#),
        ("function f() { return [undefined] }", None, "[null]"),
        ("function f() { return '\\u0000\\u0007' }", None, r#""\u0000\u0007""#),
        ("var f = function () { return 1e21 }", None, "1e+21"),
        ("function f() { return previous_object().ticket }", None, r#""t""#),
        ("function f() { return this_object() }", None, r#"{"vault":"vlt_test"}"#),
        (
            "function g(a) { return a + 1 } function f() { return call_other(this_object(), 'g', 1) }",
            None,
            "2",
        ),
        (
            "function f() { return typeof load + typeof gc + typeof setTimeout }",
            None,
            r#""undefinedundefinedundefined""#,
        ),
        ("function f() { return time() > 1e9 && Date.now() > 1e12 && performance.now() > 0 }", None, "true"),
        (
            "function f() { var i, r; for (i = 0; i < 100; i++) { r = random(3); if (r < 0 || r > 2 || r % 1) return r } return 'ok' }",
            None,
            r#""ok""#,
        ),
        ("function f() { JSON.stringify = null; Array.isArray = null; return [1] }", None, "[1]"),
    ];
    for (source, params, wanted) in table {
        assert_eq!(call(&mut load(source), "f", params).expect(source), wanted, "{source}");
    }
}

#[test]
fn failures_of_a_call_have_kind_message_and_line_and_the_next_call_works() {
    use WorkerErrorKind::*;
    let table = [
        ("\nthrow new Error('no')", Throw, "Error: no", Some(3)),
        ("throw 42", Throw, "thrown: 42", None),
        (
            "new Promise()",
            Throw,
            "ReferenceError: variable 'Promise' is not defined; MicroQuickJS does not have it: \
             calls inside a worker are synchronous",
            Some(2),
        ),
        ("throw {code: 1}", Throw, r#"thrown: {"code":1}"#, None),
        ("throw null", Throw, "thrown: null", None),
        ("throw undefined", Throw, "thrown: undefined", None),
        ("throw ''", Throw, "thrown: ", None),
        ("\n\nnothing.here", Throw, "ReferenceError: variable 'nothing' is not defined", Some(4)),
        ("throw new Error('a\\nb')", Throw, "Error: a\nb", Some(2)),
        ("new Date()", Throw, "TypeError: only Date.now() is supported", Some(2)),
        (
            "var a = {};\nreturn a.nope(1)",
            Throw,
            "TypeError: a.nope is not a function; where a is a clone, write a->nope(...)",
            Some(3),
        ),
        ("var a = 5;\n\na(1)", Throw, "TypeError: a is not a function", Some(4)),
        // It is not the method that cannot be called.
        ("return [1].map(5)", Throw, "TypeError: not a function", Some(2)),
        ("return JSON.parse('{x')", Throw, "SyntaxError: expecting '\"', at 1:2 of the text", Some(2)),
        ("destruct({})", Throw, "TypeError: destruct: not an object that this worker holds", Some(2)),
        ("emit('e', new Array(200))", Throw, "Error: the event is too large", Some(2)),
        (
            "var a = {}; a.a = a; return a",
            Unserializable,
            "the result is cyclic, which JSON cannot hold",
            None,
        ),
        ("return f", Unserializable, "the result holds a function, which JSON cannot hold", None),
        ("return {a: [print]}", Unserializable, "the result holds a function, which JSON cannot hold", None),
        ("return NaN", Unserializable, "the result holds NaN, which JSON cannot hold", None),
        ("return {a: [1, -1/0]}", Unserializable, "the result holds -Infinity, which JSON cannot hold", None),
        ("\nfor (;;) {}", Deadline, "the deadline passed in f", None),
        ("var i = 0;\nfor (;;) {\n  i++;\n}", Deadline, "the deadline passed in f", Some(4)),
        ("\nwhile (true) {\n\n  g(); }\nfunction g() {}", Deadline, "the deadline passed in f", Some(5)),
        ("\ndo { Math.sin(1) } while (1)", Deadline, "the deadline passed in f", Some(3)),
        (
            "return /(x+x+)+y/.test('xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx')",
            Deadline,
            "the deadline passed in f",
            Some(2),
        ),
        ("for (;;) { try { for (;;) {} } catch (e) {} }", Deadline, "the deadline passed in f", None),
        (
            "return {toString: 1, a: [1].map(function () { for (;;) {} })}",
            Deadline,
            "the deadline passed",
            None,
        ),
        ("throw {toString: function () { for (;;) {} }}", Throw, "thrown: {\"toString\":null}", None),
        ("\nreturn f()", Stack, "the recursion is too deep", Some(3)),
        (
            "return (function a() { return (function b() { return a() })() })()",
            Stack,
            "the recursion is too deep",
            Some(2),
        ),
        ("var a = []; for (;;) a.push([1, 2, 3])", Memory, "the heap of 1048576 bytes is full", Some(2)),
        ("var s = 'xxxxxxxx'; for (;;) s += s", Memory, "the heap of 1048576 bytes is full", Some(2)),
        ("return new Array(1000000)", Memory, "the heap of 1048576 bytes is full", Some(2)),
    ];
    let mut seen = String::new();
    for (body, kind, message, line) in table {
        let source = format!("function f() {{\n{body}\n}}\nfunction ok() {{ return 'ok' }}");
        let mut engine = load(&source);
        for _ in 0..3 {
            let error = call_within(&mut engine, "f", None, 100).expect_err(body);
            let got = (error.kind, error.message.as_str(), error.line);
            if got != (kind, message, line) || error.file.as_deref() != Some("w/f.js") {
                seen += &format!("{body:?}\n   got {got:?}\n   stack {:?}\n", error.stack);
            }
            assert_eq!(call(&mut engine, "ok", None).expect("goes on"), r#""ok""#, "after {body}");
        }
    }
    assert_eq!(seen, "");
}

#[test]
fn stacks_name_the_authors_file_and_none_of_ours() {
    let mut engine =
        load("function f() {\n  return deep();\n}\nfunction deep() {\n  throw new TypeError('x');\n}");
    let error = call(&mut engine, "f", None).expect_err("throws");
    assert_eq!((error.line, error.column), (Some(5), Some(22)));
    let stack = error.stack.expect("has a stack");
    assert!(stack.starts_with("    at deep (w/f.js:5:"), "{stack}");
    assert!(stack.contains("    at f (w/f.js:2:"), "{stack}");
    assert!(!stack.contains("hauki") && !stack.contains("apply"), "{stack}");
}

#[test]
fn failures_of_a_load() {
    use WorkerErrorKind::*;
    let table = [
        ("var a = 1;\nvar b = ;\n", Syntax, Some(2), Some(9)),
        ("function f( {", Syntax, Some(1), None),
        ("\n\nthrow new Error('top')", Throw, Some(3), None),
        ("function create() {\n throw new Error('c') }", Throw, Some(2), None),
        ("var a = [];\nfor (;;) a.push([1])", Memory, Some(2), None),
        ("function f() { return f() }\nf()", Stack, Some(1), None),
        ("'unfinished", Syntax, Some(1), None),
        ("/* unfinished", Syntax, Some(1), None),
    ];
    for (source, kind, line, column) in table {
        let error = refuse(source);
        assert_eq!((error.kind, error.line), (kind, line), "{source}: {error:?}");
        assert!(column.is_none() || column == error.column, "{source}: {error:?}");
        assert_eq!(error.file.as_deref(), Some("w/f.js"));
    }
    let mut engine = engine(1 << 20);
    let error = engine
        .load(&mut Notes::default(), "for (;;) {}", "f", "[]", super::Deadline::after_ms(20))
        .map(<[String]>::to_vec)
        .expect_err("does not end");
    assert_eq!(error.kind, Deadline);
}

#[test]
fn methods_are_the_workers_public_functions_only() {
    let source = "
        function zeta() {} var alpha = function () {}; function _private() {} var number = 1;
        function create(a, b) { number = a + b } function dest() {} function print() {}
        function sum() { return number } implicit = 1; this.x = 1;
    ";
    let source = source.replace("implicit = 1; this.x = 1;", "");
    let mut engine = engine(1 << 20);
    let methods = engine
        .load(&mut Notes::default(), &source, "f", "[1, 2]", Deadline::after_ms(LONG))
        .expect("loads")
        .to_vec();
    assert_eq!(methods, ["alpha", "sum", "zeta"]);
    assert_eq!(call(&mut engine, "sum", None).expect("create has run"), "3");
    for name in [
        "toString",
        "constructor",
        "__proto__",
        "hasOwnProperty",
        "eval",
        "print",
        "_private",
        "create",
        "dest",
        "load",
        "",
        "number",
        "Object",
        "sum\0",
        "call_other",
    ] {
        assert_eq!(call(&mut engine, name, None).expect_err(name).kind, WorkerErrorKind::NoMethod, "{name}");
    }
    assert_eq!(engine.state().calls, 1);
    assert_eq!(
        load("delete globalThis.print; delete globalThis.parseInt; function f() {}").state().methods,
        ["f"]
    );
}

#[test]
fn parameters_that_are_not_json_are_refused() {
    let mut engine = load("function f(a) { return a }");
    let deep = "[".repeat(100_000);
    for params in
        ["1", "null", "\"x\"", "[1", "{\"a\":}", "[1] 2", "[}", "['a']", "[\"\u{1}", &deep, "[1e]", "[nul]"]
    {
        let error = call(&mut engine, "f", Some(params)).expect_err(&params[..params.len().min(20)]);
        let expected = [WorkerErrorKind::Params, WorkerErrorKind::Memory];
        assert!(expected.contains(&error.kind), "{} {error:?}", &params[..params.len().min(20)]);
    }
    assert_eq!(call(&mut engine, "f", Some("[5]")).expect("goes on"), "5");
}

#[test]
fn effects_reach_the_host() {
    let mut engine = load(
        "function f() { print('a', 1, {b: [2]}); write('c'); console.log(null, undefined);
        emit('e'); emit('e', {x: 1}); destruct(this_object()) }",
    );
    let mut notes = Notes::default();
    let call = WorkerCall { method: "f", params: None, caller: "", deadline: Deadline::after_ms(LONG) };
    engine.call(&mut notes, call).expect("runs");
    assert_eq!(notes.lines, ["a 1 {\"b\":[2]}", "c", "null undefined"]);
    assert_eq!(notes.events, [("e".into(), "null".into()), ("e".into(), "{\"x\":1}".into())]);
    assert!(notes.destructed);
}

#[test]
fn random_numbers_follow_the_seed() {
    let numbers = |seed| {
        let memory = Memory::map(MapAddress::Anywhere, 1 << 20).expect("maps");
        let mut engine = Engine::new(memory, seed, "v", SourceForm::Plain).expect("starts");
        let source = "function f() { return [Math.random(), random(1000)] }";
        engine.load(&mut Notes::default(), source, "f", "[]", Deadline::after_ms(LONG)).expect("loads");
        call(&mut engine, "f", None).expect("runs")
    };
    assert_eq!(numbers(1), numbers(1));
    assert_ne!(numbers(1), numbers(2));
    assert_ne!(numbers(0), "[0,0]");
}
