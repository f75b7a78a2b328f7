//! Turns: what is evaluated in a worker, what of it stays, and what it may not do.

use super::*;
use crate::directive::DIRECTIVE;

const SOURCE: &str = "enable_evaluate();
function own(n) {\n  if (n > 8) throw new Error('deep');\n  return n }
function ends() { print('tries'); destruct(this_object()) }
function look() { return [typeof leaked, typeof seen === 'undefined' ? null : seen] }";

fn session(compiled: bool) -> Engine {
    let (form, directive) = match compiled {
        true => (SourceForm::Compiled, DIRECTIVE),
        false => (SourceForm::Plain, ""),
    };
    let memory = Memory::map(MapAddress::Anywhere, 1 << 20).expect("maps");
    let mut engine = Engine::new(memory, 7, "vlt_test", form).expect("starts");
    let source = format!("{directive}{SOURCE}");
    engine.load(&mut Notes::default(), &source, "w/f.js", "[]", Deadline::after_ms(LONG)).expect("loads");
    engine
}

fn turn_of(text: &str) -> Turn<'_> {
    let deadline = Deadline::after_ms(LONG);
    Turn { text, args: None, powers: None, lasting: false, caller: r#"{"ticket":"t"}"#, deadline }
}

fn evaluate(engine: &mut Engine, text: &str) -> Result<Option<String>, WorkerError> {
    engine.evaluate(&mut Notes::default(), turn_of(text)).map(|done| done.value)
}

fn run_due(engine: &mut Engine, notes: &mut Notes) {
    let end = Deadline::after_ms(LONG);
    while let Some(next) = engine.next_call_out() {
        assert!(!end.passed(), "it never ends");
        notes.pause(next);
        if let Some(due) = engine.due_call_out() {
            engine.call_out(notes, &due, Deadline::after_ms(LONG));
        }
    }
}

#[test]
fn only_a_worker_that_says_so_takes_turns() {
    let mut engine = load("function f() { return 1 }");
    let error = evaluate(&mut engine, "1").expect_err("takes none");
    assert_eq!(error.kind, WorkerErrorKind::NoMethod);
    assert!(error.message.contains("enable_evaluate()"), "{error:?}");
    assert_eq!(engine.state().turns, 0);
}

#[test]
fn what_a_turn_declares_is_there_for_the_next() {
    for compiled in [false, true] {
        let mut engine = session(compiled);
        for (text, wanted) in [
            ("var n = 3; n + 1", Some("4")),
            ("function twice(x) { return 2 * x }", None),
            ("twice(n)", Some("6")),
            ("m = twice", None),
            ("m(own(4))", Some("8")),
            ("undefined", None),
            ("({a: [n, previous_object().ticket]})", Some(r#"{"a":[3,"t"]}"#)),
        ] {
            let value = evaluate(&mut engine, text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
            assert_eq!(value.as_deref(), wanted, "{text}");
        }
        // What it declares is no method: the ticket does not name it.
        let error = call(&mut engine, "twice", Some("[1]")).expect_err("is none");
        assert_eq!(error.kind, WorkerErrorKind::NoMethod);
    }
}

#[test]
fn a_compiled_turn_has_the_run_time_and_its_promises_are_waited_for() {
    let mut engine = session(true);
    for (text, wanted) in [
        ("var m = new Map([['a', 1]]); m.size", Some("1")),
        ("m.get('a')", Some("1")),
        ("new Promise(function (keep) { setTimeout(keep, 2, 'late') })", Some("\"late\"")),
        ("var p = Promise.resolve(5)", None),
        ("p.then(function (n) { return n + 1 })", Some("6")),
    ] {
        let text = format!("{DIRECTIVE}{text}");
        let value = evaluate(&mut engine, &text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        assert_eq!(value.as_deref(), wanted, "{text}");
    }
    let error = evaluate(&mut engine, &format!("{DIRECTIVE}Promise.reject(7)")).expect_err("is rejected");
    assert_eq!((error.message.as_str(), error.file.as_deref()), ("thrown: 7", Some("t6")));
    let error = evaluate(&mut session(false), &format!("{DIRECTIVE}1")).expect_err("has no run-time");
    assert_eq!(error.kind, WorkerErrorKind::Params);
}

#[test]
fn an_error_names_the_turn_in_which_it_is() {
    let mut engine = session(false);
    let first = "function bad() {\n  return undefined.x }";
    evaluate(&mut engine, first).expect("declares");
    let error = evaluate(&mut engine, "1;\n  bad()").expect_err("throws");
    assert_eq!((error.file.as_deref(), error.line), (Some("t1"), Some(2)));
    let stack = error.stack.expect("has one");
    assert!(stack.contains("bad (t1:2:") && stack.contains("(t2:2:"), "{stack}");
    let error = evaluate(&mut engine, "\nown(9)").expect_err("throws");
    assert_eq!((error.file.as_deref(), error.line), (Some("w/f.js"), Some(3)));
    assert!(error.stack.as_deref().expect("has one").contains("(t3:2:"), "{error:?}");
    let error = evaluate(&mut engine, "\n\nvar = 1").expect_err("is none");
    assert_eq!(error.kind, WorkerErrorKind::Syntax);
    assert_eq!((error.file.as_deref(), error.line), (Some("t4"), Some(3)));
    for (text, message) in [("throw 5", "thrown: 5"), ("throw {a: 1}", "thrown: {\"a\":1}")] {
        assert_eq!(evaluate(&mut engine, text).expect_err("throws").message, message);
    }
    let late = Turn { deadline: Deadline::after_ms(20), ..turn_of("\nfor (;;) own(1)") };
    let error = engine.evaluate(&mut Notes::default(), late).expect_err("never ends");
    assert_eq!(error.kind, WorkerErrorKind::Deadline);
    assert_eq!(evaluate(&mut engine, "own(2)").expect("goes on").as_deref(), Some("2"));
}

#[test]
fn a_program_has_its_arguments_and_its_main() {
    let mut engine = session(true);
    let mut with = |text: &str| {
        let turn = Turn { args: Some(r#"["a","b"]"#), ..turn_of(text) };
        engine.evaluate(&mut Notes::default(), turn).expect(text).value
    };
    assert_eq!(with("args.length").as_deref(), Some("2"));
    assert_eq!(with("function main(x, y) { return y + x } 1").as_deref(), Some("\"ba\""));
    // An earlier one's is a function like any other.
    assert_eq!(with("4").as_deref(), Some("4"));
}

#[test]
fn what_a_turn_was_not_given_it_may_not_do() {
    let object = |word| format!(r#"{{"$hauki":"object","ref":"{word}","vault":"v","methods":[]}}"#);
    let powers = Powers { objects: vec!["parrot".into()], ..Powers::default() };
    for compiled in [false, true] {
        let mut engine = session(compiled);
        for (text, wanted) in [
            ("destruct(this_object())".to_owned(), "power to destruct"),
            ("ends()".to_owned(), "power to destruct"),
            ("clone_object('function f() {}')".to_owned(), "power to clone"),
            (format!("call_other({}, 'x')", object("other")), "power to call this object"),
            (format!("destruct({})", object("parrot")), "power to destruct"),
        ] {
            let mut notes = Notes::default();
            let turn = Turn { powers: Some(&powers), ..turn_of(&text) };
            let error = engine.evaluate(&mut notes, turn).expect_err(&text);
            assert!(error.message.contains(wanted), "{text}: {error:?}");
            assert!(!notes.destructed && notes.asked == 0, "{text}");
        }
        let text = format!("call_other({}, 'say', 1).method", object("parrot"));
        let turn = Turn { powers: Some(&powers), ..turn_of(&text) };
        let done = engine.evaluate(&mut Notes::default(), turn).expect("may");
        assert_eq!(done.value.as_deref(), Some("\"say\""));
        // The worker itself has lost nothing.
        let mut notes = Notes::default();
        engine.evaluate(&mut notes, turn_of("ends()")).expect("may");
        assert!(notes.destructed);
    }
}

#[test]
fn what_a_turn_leaves_behind_has_no_more_than_the_turn() {
    let nothing = Powers::default();
    for (text, later) in [
        ("call_out('ends', 0)", ""),
        ("setTimeout(ends, 1)", ""),
        ("var t = setInterval(function () { clearInterval(t); ends() }, 1)", ""),
        ("gate.then(ends)", "open()"),
        ("gate.then(function () { return gate.then(function () { setTimeout(ends, 1) }) })", "open()"),
        ("gate.finally(ends)", "open(); gate.then(function () { return 1 })"),
        ("setTimeout(function () { gate.then(ends) }, 1)", "open()"),
    ] {
        let mut engine = session(true);
        let begin = "var open, gate = new Promise(function (keep) { open = keep })";
        evaluate(&mut engine, &format!("{DIRECTIVE}{begin}")).expect("begins");
        let text = format!("{DIRECTIVE}{text}; 1");
        let mut notes = Notes::default();
        let turn = Turn { powers: Some(&nothing), ..turn_of(&text) };
        engine.evaluate(&mut notes, turn).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        run_due(&mut engine, &mut notes);
        engine.evaluate(&mut notes, turn_of(&format!("{DIRECTIVE}{later}; 1"))).expect("opens");
        run_due(&mut engine, &mut notes);
        assert!(!notes.destructed, "{text}");
        assert!(notes.lines.iter().any(|line| line == "tries"), "{text}: it never tried");
        engine.evaluate(&mut notes, turn_of("call_out('ends', 0)")).expect("may");
        run_due(&mut engine, &mut notes);
        assert!(notes.destructed, "the worker's own may");
    }
}

#[test]
fn callbacks_of_different_powers_keep_their_own() {
    let mut engine = session(true);
    let mut notes = Notes::default();
    let begin = "var open, seen = [], gate = new Promise(function (keep) { open = keep });
        gate.then(function (n) { seen.push('own ' + n); return ends() })";
    engine.evaluate(&mut notes, turn_of(&format!("{DIRECTIVE}{begin}; 1"))).expect("begins");
    let nothing = Powers::default();
    let text = format!(
        "{DIRECTIVE}gate.then(function (n) {{ seen.push('turn ' + n); return n + 1 }})
        .then(function (n) {{ seen.push('then ' + n) }}); 1"
    );
    let turn = Turn { powers: Some(&nothing), ..turn_of(&text) };
    engine.evaluate(&mut notes, turn).expect("waits");
    engine.evaluate(&mut notes, turn_of(&format!("{DIRECTIVE}open(5); 1"))).expect("opens");
    run_due(&mut engine, &mut notes);
    let seen = call(&mut engine, "look", None).expect("looks");
    assert_eq!(seen, r#"["undefined",["own 5","turn 5","then 6"]]"#);
    assert!(notes.destructed);
}

#[test]
fn powers_that_last_bind_whatever_runs_later() {
    let mut engine = session(false);
    let nothing = Powers::default();
    let turn = Turn { powers: Some(&nothing), lasting: true, ..turn_of("own = ends") };
    engine.evaluate(&mut Notes::default(), turn).expect("is one");
    let mut notes = Notes::default();
    let full = engine.evaluate(&mut notes, turn_of("own(1)")).expect_err("was bound");
    assert!(full.message.contains("power to destruct"), "{full:?}");
    let call = WorkerCall { method: "ends", params: None, caller: "", deadline: Deadline::after_ms(LONG) };
    engine.call(&mut notes, call).expect_err("was bound");
    assert!(!notes.destructed);
}

/// A turn without powers changes a name; a turn with all of them must not be the one who does what it wants.
#[test]
fn names_of_the_session_are_put_back() {
    let nothing = Powers::default();
    let evil = "function () { print('tries'); destruct(this_object()) }";
    for (text, later, told) in [
        ("print = EVIL", "print(1)", "print"),
        ("own = EVIL", "own(1)", "own"),
        ("JSON.stringify = EVIL", "JSON.stringify(1)", "JSON.stringify"),
        ("JSON = {parse: EVIL}", "JSON.parse('1')", "JSON"),
        ("Array.prototype.push = EVIL", "[].push(1)", "Array.prototype.push"),
        ("Array.prototype.more = EVIL", "[].more", "Array.prototype.more"),
        ("Object.prototype.toJSON = EVIL", "JSON.stringify({})", "Object.prototype.toJSON"),
        ("Object.prototype.get = EVIL; own = 3", "own(1)", "Object.prototype.get"),
        (
            "Object.prototype.writable = 1; Object.prototype.value = EVIL",
            "({}).value",
            "Object.prototype.writable",
        ),
        (
            "Function.prototype.call = Function.prototype.apply = EVIL",
            "own.call(0, 1)",
            "Function.prototype.call",
        ),
        ("Object.getOwnPropertyNames = Object.defineProperty = EVIL; own = 3", "own(1)", "own"),
        ("delete Math.floor; Math.round = EVIL", "Math.floor(1)", "Math.floor"),
        ("Object.setPrototypeOf(own, {call: EVIL})", "own.call(0, 1)", "own.__proto__"),
        ("own.call = EVIL", "own.call(0, 1)", "own.call"),
        ("Point.prototype.go = EVIL", "new Point().go()", "Point.prototype.go"),
        ("Map.prototype.get = EVIL", "new Map().get(1)", "Map.prototype.get"),
        ("Object.getPrototypeOf([].values()).next = EVIL", "[...'ab']", "an iterator.next"),
        ("for (var f in {a: 1}) n = 9", "1", "n"),
    ] {
        let mut engine = session(true);
        let begin =
            "var n = 1; function Point() {} Point.prototype.go = function () {}; new Map(); [].values()";
        evaluate(&mut engine, &format!("{DIRECTIVE}{begin}; 1")).expect("begins");
        let text = format!("{DIRECTIVE}{}; 1", text.replace("EVIL", evil));
        let mut notes = Notes::default();
        let turn = Turn { powers: Some(&nothing), ..turn_of(&text) };
        let done = engine.evaluate(&mut notes, turn).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        assert!(done.restored.iter().any(|name| name == told), "{text}: {:?}", done.restored);
        let later = later.replace("[...'ab']", "_to_consumable_array('ab')");
        let _ = engine.evaluate(&mut notes, turn_of(&format!("{DIRECTIVE}{later}; 1")));
        assert!(notes.lines.iter().all(|line| line != "tries") && !notes.destructed, "{text}");
        // A timer of the turn changes no more than the turn.
        let text = format!("{DIRECTIVE}setTimeout(function () {{ {} }}, 1); 1", &text[DIRECTIVE.len()..]);
        engine.evaluate(&mut notes, Turn { powers: Some(&nothing), ..turn_of(&text) }).expect(&text);
        run_due(&mut engine, &mut notes);
        assert!(notes.lines.iter().any(|line| line.contains("are as they were")), "{:?}", notes.lines);
        let _ = engine.evaluate(&mut notes, turn_of(&format!("{DIRECTIVE}{later}; 1")));
        assert!(notes.lines.iter().all(|line| line != "tries") && !notes.destructed, "{text}");
    }
}

#[test]
fn what_cannot_be_put_back_ends_the_session() {
    let nothing = Powers::default();
    for text in [
        "Object.defineProperty(Array.prototype, 'more', {value: 1, configurable: false})",
        "Object.defineProperty(globalThis, 'own', {value: 1, configurable: false, writable: false})",
        "var all = []; for (;;) all.push([all])",
    ] {
        let mut engine = session(true);
        let mut notes = Notes::default();
        let turn = Turn { powers: Some(&nothing), ..turn_of(text) };
        engine.evaluate(&mut notes, turn).expect_err(text);
        assert!(notes.destructed, "{text}");
    }
}

#[test]
fn names_that_turns_have_made_are_theirs() {
    let mut engine = session(false);
    let nothing = Powers::default();
    let mut narrow = |text: &str| {
        let turn = Turn { powers: Some(&nothing), ..turn_of(text) };
        engine.evaluate(&mut Notes::default(), turn).expect(text)
    };
    for (text, value) in [
        ("function f() { return 1 } var state = {n: 1}; f()", "1"),
        ("function f() { return 2 } state = {n: f()}; state.n", "2"),
        ("f() + state.n", "4"),
    ] {
        let done = narrow(text);
        assert_eq!((done.value.as_deref(), &done.restored[..]), (Some(value), &[][..]), "{text}");
    }
}
