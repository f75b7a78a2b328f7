//! Async at the seam: what a worker's methods promise, and what becomes of it.

use super::*;
use crate::directive::{DIRECTIVE, joined};

const PARROT: &str = r#"{"$hauki":"object","ref":"parrot","vault":"vlt_p","methods":["say"]}"#;

fn compiled_within(source: &str, heap: u64) -> Engine {
    let source = format!("{DIRECTIVE}{source}");
    let memory = Memory::map(MapAddress::Anywhere, heap).expect("maps");
    let mut engine = Engine::new(memory, 7, "vlt_test", SourceForm::Compiled).expect("starts");
    let loaded = engine.load(&mut Notes::default(), &source, "w/f.js", "[]", Deadline::after_ms(LONG));
    loaded.map(|_| ()).unwrap_or_else(|error| panic!("{source}: {error:?}"));
    engine
}

fn compiled(source: &str) -> Engine {
    compiled_within(source, 1 << 20)
}

fn noted(
    engine: &mut Engine,
    notes: &mut Notes,
    method: &str,
    params: Option<&str>,
) -> Result<String, WorkerError> {
    let deadline = Deadline::after_ms(LONG);
    engine.call(notes, WorkerCall { method, params, caller: "", deadline })
}

#[test]
fn a_caller_gets_what_a_method_has_promised() {
    let sleep = "function sleep(ms) { return new Promise(function (keep) { setTimeout(keep, ms); }); }";
    for (body, wanted) in [
        ("return Promise.resolve({a: 1})", r#"{"a":1}"#),
        ("return Promise.resolve()", "null"),
        ("return {then: function (keep) { keep(4) }}", "4"),
        ("return {then: 4}", r#"{"then":4}"#),
        ("return sleep(1).then(function () { return 'later' })", "\"later\""),
        ("return Promise.all([sleep(3), sleep(1)]).then(function (l) { return l.length })", "2"),
        ("setTimeout(function () { n = 5 }, 1); return sleep(4).then(function () { return n })", "5"),
        ("Promise.resolve(7).then(function (v) { n = v }); return n", "1"),
    ] {
        let mut engine = compiled(&format!("var n = 1; {sleep} function f() {{ {body} }}"));
        assert_eq!(call(&mut engine, "f", None).expect(body), wanted, "{body}");
    }
    // What a call has begun goes on when it has been answered.
    let mut engine =
        compiled("var n = 1; function f() { Promise.resolve(7).then(function (v) { n = v }); return n }");
    assert_eq!(call(&mut engine, "f", None).expect("answers"), "1");
    assert_eq!(call(&mut engine, "f", None).expect("answers"), "7");
}

#[test]
fn a_rejection_is_thrown_with_its_own_place_and_an_open_promise_is_an_error() {
    let source = "function bad() {\n  throw new RangeError('far');\n}
function f() { return Promise.resolve().then(bad) }
function g() { return new Promise(function () {}) }
function h() { return Promise.reject({code: 5}) }
function ok() { return 1 }";
    let mut engine = compiled(source);
    let error = call(&mut engine, "f", None).expect_err("rejects");
    assert_eq!((error.kind, error.message.as_str()), (WorkerErrorKind::Throw, "RangeError: far"));
    let error = call(&mut engine, "g", None).expect_err("is open");
    assert_eq!(
        (error.kind, error.message.as_str()),
        (WorkerErrorKind::Throw, "Error: the promise never settles")
    );
    let error = call(&mut engine, "h", None).expect_err("rejects");
    assert_eq!(error.message, r#"thrown: {"code":5}"#);
    assert_eq!(call(&mut engine, "ok", None).expect("goes on"), "1");
}

#[test]
fn places_of_rejections_are_the_authors() {
    let map = r#"{"version":3,"sources":["scout.ts"],"names":[],"mappings":";AASE;AACA;AACA"}"#;
    let source = joined(
        "function bad() { throw new Error('x') }\nfunction f() { return Promise.resolve().then(bad) }\n",
        map,
    );
    let memory = Memory::map(MapAddress::Anywhere, 1 << 20).expect("maps");
    let mut engine = Engine::new(memory, 7, "vlt_test", SourceForm::Compiled).expect("starts");
    engine.load(&mut Notes::default(), &source, "scout.ts", "[]", Deadline::after_ms(LONG)).expect("loads");
    let error = call(&mut engine, "f", None).expect_err("rejects");
    assert_eq!((error.file.as_deref(), error.line), (Some("scout.ts"), Some(10)), "{error:?}");
    assert!(error.stack.expect("has one").starts_with("    at bad (scout.ts:10:3)"));
}

#[test]
fn rejections_that_nobody_handles_are_events_once() {
    let source = "function f() { Promise.reject(new TypeError('lost')); return 1 }
function g() { var p = Promise.reject(2); p.catch(function () {}); return 1 }
function h() { return Promise.reject(3).catch(function () { return 4 }) }
function i() { Promise.reject([1]); return Promise.resolve(5) }
function j() { queueMicrotask(function () { throw new Error('thrown') }) }";
    let mut engine = compiled(source);
    for (method, wanted) in
        [("f", &["TypeError: lost"][..]), ("g", &[]), ("h", &[]), ("i", &["[1]"]), ("j", &["Error: thrown"])]
    {
        let mut notes = Notes::default();
        noted(&mut engine, &mut notes, method, None).expect("answers");
        let said: Vec<String> = notes
            .events
            .iter()
            .map(|(event, data)| {
                assert_eq!(event, "unhandled_rejection");
                let data: serde_json::Value = serde_json::from_str(data).expect("is JSON");
                data["message"].as_str().expect("has one").to_owned()
            })
            .collect();
        assert_eq!(
            said.iter().map(|said| said.trim().split('\n').next().unwrap_or_default()).collect::<Vec<_>>(),
            wanted,
            "{method}"
        );
    }
}

#[test]
fn awaits_are_bounded_by_the_calls_deadline_and_the_next_call_works() {
    let source = "function f() { return new Promise(function (keep) { setTimeout(keep, 60000) }) }
function g() { function again() { Promise.resolve().then(again) } again() }
function h() { function again() { return Promise.resolve().then(again) } return again() }
function ok() { return Promise.resolve('ok') }";
    let mut engine = compiled(source);
    // Of the last each promise waits for the next one, and all are kept.
    for (method, ms, kind) in [
        ("f", 50, WorkerErrorKind::Deadline),
        ("g", 50, WorkerErrorKind::Deadline),
        ("h", LONG, WorkerErrorKind::Memory),
    ] {
        let error = call_within(&mut engine, method, None, ms).expect_err("does not end");
        assert_eq!(error.kind, kind, "{method}: {error:?}");
        assert_eq!(call(&mut engine, "ok", None).expect("goes on"), "\"ok\"");
    }
}

#[test]
fn calls_of_other_objects_can_be_awaited() {
    let source = format!(
        "var p = {PARROT}, gone = {}, late;
function f() {{ return Promise.all([later(p, 'say', 1), later(p, 'say', 2)]).then(function (all) {{
  return all.map(function (one) {{ return one.params[0] }}) }}) }}
function g() {{ return later(gone, 'say').then(null, function (e) {{ return [e.name, e.code] }}) }}
function h() {{ return Promise.race([later(p, 'say', 3).then(function (a) {{ return a.params[0] }}),
  new Promise(function (keep) {{ setTimeout(keep, 1000, 'slow') }})]) }}
function i() {{ var l = later(p, 'say', 4); return l.then(function () {{ return l.wait().params[0] }}) }}
function j() {{ later(gone, 'say').catch(function (e) {{ late = e.code }}) }}
function k() {{ return String(late) }}",
        PARROT.replace("parrot", "gone")
    );
    let mut engine = compiled(&source);
    for (method, wanted) in [("f", "[1,2]"), ("g", r#"["HaukiError","vault_dead"]"#), ("h", "3"), ("i", "4")]
    {
        assert_eq!(call(&mut engine, method, None).expect(method), wanted);
    }
    // What a call has sent is let go with it.
    call(&mut engine, "j", None).expect("sends");
    assert_eq!(call(&mut engine, "k", None).expect("answers"), "\"undefined\"");
}

#[test]
fn hooks_and_timers_may_be_asynchronous() {
    let source = "var told = [];
function create() { return Promise.resolve().then(function () { told.push('made') }) }
function tick() { return Promise.resolve().then(function () { told.push('tick'); throw new Error('ouch') }) }
function begin() { call_out(tick, 0); setTimeout(function () { told.push('timer'); null.x }, 0); var t = setInterval(function () { told.push('again'); clearInterval(t) }, 1) }
function all() { return told }";
    let mut engine = compiled(source);
    let mut notes = Notes::default();
    assert_eq!(call(&mut engine, "all", None).expect("answers"), "[\"made\"]");
    call(&mut engine, "begin", None).expect("begins");
    std::thread::sleep(std::time::Duration::from_millis(5));
    while let Some(due) = engine.due_call_out() {
        engine.call_out(&mut notes, &due, Deadline::after_ms(LONG));
    }
    assert_eq!(call(&mut engine, "all", None).expect("answers"), r#"["made","tick","timer","again"]"#);
    assert!(engine.next_call_out().is_none());
    assert!(notes.lines[0].starts_with("call_out tick: Error: ouch  (w/f.js:"), "{:?}", notes.lines);
    assert!(notes.lines[1].starts_with("a timer: TypeError: "), "{:?}", notes.lines);
    // `create` that rejects is a failure to load.
    let source = format!("{DIRECTIVE}function create() {{ return Promise.reject(new Error('no')) }}");
    let memory = Memory::map(MapAddress::Anywhere, 1 << 20).expect("maps");
    let mut engine = Engine::new(memory, 7, "vlt_test", SourceForm::Compiled).expect("starts");
    let loaded = engine.load(&mut Notes::default(), &source, "f", "[]", Deadline::after_ms(LONG));
    assert_eq!(loaded.map(<[String]>::to_vec).expect_err("rejects").message, "Error: no");
}

#[test]
fn results_are_as_json_has_them() {
    let source = "function date() { return {d: new Date(0), n: null} }
function own() { return {toJSON: function () { return {toJSON: 1, x: [new Date(1)]} }} }
function symbol() { var o = {a: 1}; o[Symbol('s')] = 2; o[Symbol.iterator] = 3; return [o, new Map(), Promise.resolve(1)] }
function bad() { return {toJSON: function () { throw new RangeError('json') }} }
function event() { emit('e', {d: new Date(0)}); print({d: new Date(0)}) }
function url() { return new URL('http://a/b') }";
    let mut engine = compiled(source);
    for (method, wanted) in [
        ("date", r#"{"d":"1970-01-01T00:00:00.000Z","n":null}"#),
        ("own", r#"{"toJSON":1,"x":["1970-01-01T00:00:00.001Z"]}"#),
        ("symbol", r#"[{"a":1},{},{}]"#),
        ("url", "\"http://a/b\""),
    ] {
        assert_eq!(call(&mut engine, method, None).expect(method), wanted);
    }
    let error = call(&mut engine, "bad", None).expect_err("throws");
    assert!(error.message.contains("json"), "{error:?}");
    let mut notes = Notes::default();
    noted(&mut engine, &mut notes, "event", None).expect("emits");
    assert_eq!(notes.events[0].1, r#"{"d":"1970-01-01T00:00:00.000Z"}"#);
    assert_eq!(notes.lines, [r#"{"d":"1970-01-01T00:00:00.000Z"}"#]);
}

#[test]
fn lines_with_stacks_have_the_authors_places() {
    let map = r#"{"version":3,"sources":["scout.ts"],"names":[],"mappings":";AASE"}"#;
    let source = joined("function f() { console.error(new Error('x')); print(new Error('y').stack) }", map);
    let memory = Memory::map(MapAddress::Anywhere, 1 << 20).expect("maps");
    let mut engine = Engine::new(memory, 7, "vlt_test", SourceForm::Compiled).expect("starts");
    engine.load(&mut Notes::default(), &source, "scout.ts", "[]", Deadline::after_ms(LONG)).expect("loads");
    let mut notes = Notes::default();
    noted(&mut engine, &mut notes, "f", None).expect("prints");
    let lines = notes.lines.join("\n");
    assert_eq!(lines.matches("    at f (scout.ts:10:3)").count(), 2, "{lines}");
    assert!(!lines.contains("(h:"), "{lines}");
}

#[test]
fn a_worker_with_a_class_and_a_map_runs_in_the_smallest_heap() {
    let source = "var Scout = function () { function Scout() { _class_call_check(this, Scout); this.seen = new Map(); }
_create_class(Scout, [{key: 'see', value: function see(what) { this.seen.set(what, (this.seen.get(what) || 0) + 1); return this.seen.size; }}]);
return Scout; }();
var scout = new Scout(); function see(what) { return scout.see(what); }";
    let mut engine = compiled_within(source, LEAST_HEAP_BYTES as u64);
    for n in 0..300 {
        let seen = call(&mut engine, "see", Some(&format!("[\"k{}\"]", n % 50))).expect("fits");
        assert_eq!(seen, (n.min(49) + 1).to_string());
    }
    assert!(engine.heap_used() < 40_000, "{}", engine.heap_used());
}

#[test]
fn methods_are_the_workers_and_none_of_the_run_time() {
    let engine = compiled(
        "function f() {} function _g() {} var n = [Promise, Map, URL, setTimeout, structuredClone, atob];",
    );
    assert_eq!(engine.state().methods, ["f"]);
}

/// Beside the arrow, for who knows functions only; what a caller offers under a name that the object has itself stays.
#[test]
fn the_tools_of_a_caller_have_its_methods_as_functions() {
    let mut engine = compiled(
        "function both() {
           var tools = previous_object().tools, one = tools.say('a', 1), two = tools.say();
           return Promise.all([one, two, call_other(tools, 'say', 'b')]);
         }
         function shown() {
           var tools = previous_object().tools;
           return [JSON.stringify(tools), typeof tools.ref, typeof tools.say, typeof tools.toString(), objectp(tools)];
         }
         function none() { return [previous_object().label, 'tools' in previous_object()]; }",
    );
    let tools = PARROT.replace(r#"["say"]"#, r#"["say","ref","toString"]"#);
    let caller = format!(r#"{{"label":"x","tools":{tools}}}"#);
    let call = |engine: &mut Engine, method: &str, caller: &str| {
        let call = WorkerCall { method, params: None, caller, deadline: Deadline::after_ms(LONG) };
        engine.call(&mut Notes::default(), call).unwrap_or_else(|error| panic!("{method}: {error:?}"))
    };
    let said = |params: &str| format!(r#"{{"method":"say","params":{params}}}"#);
    let all = [said(r#"["a",1]"#), said("[]"), said(r#"["b"]"#)].join(",");
    assert_eq!(call(&mut engine, "both", &caller), format!("[{all}]"));
    let shown = serde_json::to_string(&(&tools, "string", "function", "string", true)).expect("is JSON");
    assert_eq!(call(&mut engine, "shown", &caller), shown);
    assert_eq!(call(&mut engine, "none", r#"{"label":"x"}"#), r#"["x",false]"#);
}
