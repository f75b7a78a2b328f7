//! What the heap holds, and what it lets go of.

use super::*;

#[test]
fn heaps_below_the_minimum_are_refused_and_the_minimum_works() {
    assert!(matches!(Memory::map(MapAddress::Anywhere, 1000), Err(MemoryError::Size { bytes: 1000 })));
    let mut engine = engine(LEAST_HEAP_BYTES as u64);
    engine
        .load(&mut Notes::default(), "function f() { return [1, 2] }", "f", "[]", Deadline::after_ms(LONG))
        .expect("the prelude leaves room in the smallest heap");
    assert_eq!(call(&mut engine, "f", None).expect("runs"), "[1,2]");
    let used = engine.heap_used();
    assert!(used > 1000 && used < engine.heap_limit() / 2, "{used}");
}

#[test]
fn what_is_allocated_shows_in_heap_used() {
    let mut engine = load("var kept; function f(n) { kept = new Array(n) }");
    let before = engine.heap_used();
    call(&mut engine, "f", Some("[10000]")).expect("fits");
    assert!(engine.heap_used() >= before + 80_000);
    call(&mut engine, "f", Some("[0]")).expect("fits");
    assert!(engine.heap_used() < before + 80_000);
}

#[test]
fn garbage_is_collected_long_before_the_heap_is_full() {
    let source = "var kept = [{a: 'x'}]; function f() { return [[], {}, 'y' + kept.length, kept[0].a] }
        function g() { for (var i = 0; i < 5000; i++) { print(new Array(100).length); } return kept[0].a }";
    let mut engine = engine(8 << 20);
    engine.load(&mut Notes::default(), source, "f", "[]", Deadline::after_ms(LONG)).expect("loads");
    let live = engine.heap_used();
    let (mut most, mut collections) = (0, 0);
    for _ in 0..5_000 {
        assert_eq!(call(&mut engine, "f", None).expect("runs"), r#"[[],{},"y1","x"]"#);
        most = most.max(engine.occupied_bytes());
        if engine.is_untidy() {
            engine.rest();
            collections += 1;
        }
    }
    assert!(collections > 1 && collections < 500, "{collections}");
    assert!(most < 1 << 20, "{most} bytes");
    // Within one call, too, whenever it leaves the engine.
    assert_eq!(call(&mut engine, "g", None).expect("runs"), "\"x\"");
    assert!(engine.occupied_bytes() < 1 << 20);
    assert!(engine.heap_used() <= live + 1024);
}

#[test]
fn many_calls_and_failures_leak_nothing() {
    let mut engine = load(
        "function f(a) { if (a) throw new Error('x'); return {a: [1, 2, {}]} } function g() { return g() }",
    );
    let before = engine.heap_used();
    for turn in 0..2000 {
        let _ = call(&mut engine, "f", Some(if turn % 2 == 0 { "[1]" } else { "[0]" }));
        let _ = call(&mut engine, "f", Some("[1"));
        if turn % 100 == 0 {
            let _ = call(&mut engine, "g", None);
        }
    }
    assert!(engine.heap_used() <= before + 1024);
}

#[test]
fn the_largest_heap_holds_a_stack_that_the_engine_can_count() {
    let mut engine = engine(1 << 30);
    let source = "function f(n) { return n ? f(n - 1) + 1 : 0 }";
    engine.load(&mut Notes::default(), source, "f", "[]", Deadline::after_ms(LONG)).expect("loads");
    assert_eq!(call(&mut engine, "f", Some("[100]")).expect("runs"), "100");
}
