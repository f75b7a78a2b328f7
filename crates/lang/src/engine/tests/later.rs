//! What a worker does by itself.

use super::*;

#[test]
fn call_outs_are_named_functions_that_run_when_they_are_due() {
    let source = "
        var seen = []; function tick(n) { seen.push(n); if (n < 3) call_out('tick', 0, n + 1) }
        function start() { return call_out(tick, 0, 1) } function look() { return seen }
        function two() { return [call_out('_private', 50), call_out('_private', 100)] } function _private() {}
        function forget(h) { return remove_call_out(h) } function unnamed() { call_out(function () {}, 0) }
        function foreign() { call_out(tick, 0, print) } function never() { call_out(tick) }
        function fails() { call_out('boom', 0) } function boom() {\n throw new Error('ouch') }
        function many() { for (;;) call_out(tick, 1e6) }";
    let mut engine = load(source);
    let mut notes = Notes::default();
    let mut run_due = |engine: &mut Engine| {
        while let Some(due) = engine.due_call_out() {
            engine.call_out(&mut notes, &due, Deadline::after_ms(LONG));
        }
    };
    assert_eq!(call(&mut engine, "start", None).expect("runs"), "1");
    run_due(&mut engine);
    assert_eq!(call(&mut engine, "look", None).expect("runs"), "[1,2,3]");
    assert_eq!(engine.next_call_out(), None);
    assert_eq!(call(&mut engine, "two", None).expect("runs"), "[4,5]");
    let left: f64 = call(&mut engine, "forget", Some("[5]")).expect("runs").parse().expect("is a number");
    assert!((90.0..=100.0).contains(&left), "{left}");
    assert_eq!(call(&mut engine, "forget", Some("[5]")).expect("runs"), "-1");
    let left: f64 =
        call(&mut engine, "forget", Some("[\"_private\"]")).expect("runs").parse().expect("is one");
    assert!((40.0..=50.0).contains(&left), "{left}");
    for (method, part) in [
        ("unnamed", "not a function of the top level"),
        ("foreign", "an argument of call_out holds a function"),
        ("never", "undefined is no number of seconds"),
        ("many", "256 call_outs wait already"),
    ] {
        let error = call(&mut engine, method, None).expect_err(method);
        assert!(error.message.contains(part), "{method}: {error:?}");
    }
    for _ in 0..256 {
        call(&mut engine, "forget", Some("[\"tick\"]")).expect("runs");
    }
    call(&mut engine, "fails", None).expect("runs");
    run_due(&mut engine);
    assert_eq!(notes.lines, ["call_out boom: Error: ouch  (w/f.js:8)"]);
    let state = serde_json::to_string(engine.state()).expect("is plain");
    assert_eq!(serde_json::from_str::<WorkerState>(&state).expect("reads back"), *engine.state());
}
