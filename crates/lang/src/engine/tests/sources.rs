//! The author's text: checked, and with arrows.

use super::*;

#[test]
fn check_finds_syntax_errors_without_running_anything() {
    check("throw new Error('never run'); function f() { return 1 }", "f").expect("parses");
    check("", "f").expect("nothing is a program");
    check("\u{feff}var a", "f").expect("a byte order mark is no program");
    let error = check("var a;\nvar b\0c = )", "w/f.js").expect_err("the engine would stop reading");
    assert_eq!((error.kind, error.line, error.column), (WorkerErrorKind::Syntax, Some(2), Some(6)));
    let error = check("var a;\n  a = )", "w/f.js").expect_err("does not parse");
    assert_eq!((error.kind, error.line, error.column), (WorkerErrorKind::Syntax, Some(2), Some(7)));
    assert_eq!(error.file.as_deref(), Some("w/f.js"));
}

#[test]
fn objects_are_called_through_the_host_and_their_failures_are_errors() {
    let source = "var kept; function keep(o) { kept = [o]; return objectp(o) + ':' + objectp({$hauki: 'object'}); }
function use() { return kept[0]->say(1, {a: 2}); }
function end() { return destruct(kept[0], 5); }
function probe(o) { try { o->say(); } catch (e) { return [e instanceof Error, e.name, e.code, e.kind, e.vault]; } }
function fall(o) { o->say(); }";
    let mut engine = load(source);
    let parrot = r#"[{"$hauki":"object","ref":"parrot","vault":"vlt_p","methods":["say"]}]"#;
    let gone = parrot.replace("parrot", "gone");
    assert_eq!(call(&mut engine, "keep", Some(parrot)).expect("keeps"), "\"true:false\"");
    let said = call(&mut engine, "use", None).expect("calls");
    assert_eq!(said, r#"{"method":"say","params":[1,{"a":2}]}"#);
    assert_eq!(call(&mut engine, "end", None).expect("calls"), "null", "a parrot has no receipt");
    let error = call(&mut engine, "probe", Some(&gone)).expect("catches");
    assert_eq!(error, r#"[true,"HaukiError","vault_dead","vault_dead","vlt_gone"]"#);
    let error = call(&mut engine, "fall", Some(&gone)).expect_err("throws");
    assert_eq!((error.kind, error.line), (WorkerErrorKind::Throw, Some(5)));
    assert!(error.message.ends_with("vlt_gone is dead: destruct"), "{error:?}");
}

#[test]
fn calls_are_under_way_together_and_their_answers_come_in_any_order() {
    let source = "var p, g, old;
function keep(parrot, gone) { p = parrot; g = gone; }
function words(n) {
  var all = [], i;
  for (i = 0; i < n; i++) all.push(later(p, 'say', i));
  return gather(all.concat('as it is')).map(function (said) { return said.params ? said.params[0] : said; });
}
function twice() { var l = later(p, 'say', 1); print(l, p, {l: 1}); return l.wait() === l.wait(); }
function some() {
  try { gather([later(p, 'say'), later(g, 'say'), p->say(3), later(g, 'x')]); } catch (e) {
    return [e.index, e.code, e.results.length, e.results[0].method, e.results[3].vault, e === e.results[1]];
  }
}
function begin() { old = later(p, 'say'); }
function end() { return old.wait(); }
function wrong() { later(this_object(), 'end'); }";
    let mut engine = load(source);
    let parrot = r#"{"$hauki":"object","ref":"parrot","vault":"vlt_p","methods":["say"]}"#;
    let both = format!("[{parrot},{}]", parrot.replace("parrot", "gone"));
    let mut notes = Notes::default();
    let mut call = |method, params| {
        let call = WorkerCall { method, params, caller: "", deadline: Deadline::after_ms(LONG) };
        engine.call(&mut notes, call)
    };
    call("keep", Some(&both)).expect("keeps");
    assert_eq!(call("words", Some("[7]")).expect("gathers"), "[0,1,2,3,4,5,6,\"as it is\"]");
    assert_eq!(call("twice", None).expect("waits"), "true");
    let some = call("some", None).expect("catches");
    assert_eq!(some, r#"[1,"vault_dead",4,"say","vlt_gone",true]"#);
    // What a call has sent is let go with it, and nothing of it stands in the way of the next.
    call("begin", None).expect("sends");
    let error = call("end", None).expect_err("is over");
    assert_eq!(error.message, "Error: say was sent by a call that has ended, and its answer was let go");
    assert_eq!(call("words", Some("[2]")).expect("gathers"), "[0,1,\"as it is\"]");
    let error = call("wrong", None).expect_err("is no object");
    assert_eq!(error.message, "TypeError: later: not an object that this worker was given");
    assert_eq!(notes.lines, ["<later say of vlt_p> <vlt_p> {\"l\":1}"]);
    assert_eq!(notes.most_open, 3, "as many as there may be, and no more");
    // An error that nobody sees any more holds nothing.
    let mut engine = self::load(
        "function f() { var e = new Error('x'), s = 'x'; while (s.length < 4e5) s += s; e.s = s; throw e; }",
    );
    self::call(&mut engine, "f", None).expect_err("throws");
    assert!(engine.heap_used() < 100_000, "{}", engine.heap_used());
}

#[test]
fn arrows_are_calls_and_keep_the_lines_of_errors() {
    let source = "function g(a) {\n  if (a) throw new Error('g');\n  return 1;\n}
function f() { return this_object()->g() }\nfunction h() {\n  return this_object()\n    ->g(1);\n}";
    let mut engine = load(source);
    assert_eq!(call(&mut engine, "f", None).expect("calls"), "1");
    let error = call(&mut engine, "h", None).expect_err("throws");
    assert_eq!((error.line, error.column), (Some(2), Some(25)));
    let stack = error.stack.expect("has a stack");
    assert!(stack.ends_with("    at h (w/f.js:8:8)"), "{stack}");
    // The map is part of the state that travels.
    let json = serde_json::to_string(engine.state()).expect("is JSON");
    assert_eq!(&serde_json::from_str::<WorkerState>(&json).expect("is read back"), engine.state());
    for (source, column) in [
        ("function f(a) {\n  return a->b(1) + let;\n}", 20),
        ("function f(a) {\n  a->b()->c(1); a b->c();\n}", 19),
        ("function f(a) {\n  return a\n->b()->c;\n}", 6),
    ] {
        let error = refuse(source);
        let line = 1 + source[..source.find(';').expect("ends")].matches('\n').count() as u32;
        assert_eq!((error.line, error.column), (Some(line), Some(column)), "{source}: {error:?}");
    }
}
