//! What a worker returns, and bytes.

use super::*;

#[test]
fn every_value_is_written_as_json_says() {
    let table = [
        (
            "[1, -1, 0.5, -0, 1e21, 1e-7, 123456789.125, 5e-324, 1.7976931348623157e308, 4294967296, 1e20]",
            "[1,-1,0.5,0,1e+21,1e-7,123456789.125,5e-324,1.7976931348623157e+308,4294967296,100000000000000000000]",
        ),
        (
            "[0.000001, 0.1 + 0.2, 1/3, 2e-7, 1.5e300, 1073741823, 1073741824, -1073741825]",
            "[0.000001,0.30000000000000004,0.3333333333333333,2e-7,1.5e+300,1073741823,1073741824,-1073741825]",
        ),
        (
            "{b: 1, a: {c: []}, 10: 'ten', 'x y': null, u: undefined, '': true, '\\u0000\"': 0}",
            r#"{"b":1,"a":{"c":[]},"10":"ten","x y":null,"":true,"\u0000\"":0}"#,
        ),
        ("new Uint8Array([0, 255, 256])", "[0,255,0]"),
        ("new Float64Array([0.5, 2])", "[0.5,2]"),
        ("new Int32Array([-5, 2147483647])", "[-5,2147483647]"),
        ("new Uint8Array(new Uint8Array([1, 2, 3, 4, 5]).subarray(1, 3))", "[2,3]"),
        ("{get x() { return {y: [1]} }, z: 1}", r#"{"x":{"y":[1]},"z":1}"#),
        (
            "(function () { var o = {a: 1, b: 2, c: 3}; delete o.b; o.d = 4; return o })()",
            r#"{"a":1,"c":3,"d":4}"#,
        ),
        (
            "(function () { var a = [1], b = {p: a, q: a}; return [b, b] })()",
            r#"[{"p":[1],"q":[1]},{"p":[1],"q":[1]}]"#,
        ),
        ("[new Error('x'), /r/, []]", "[{},{},[]]"),
        (
            "[true, false, null, undefined, 'a', 'ä', '😀', '', 'two words']",
            "[true,false,null,null,\"a\",\"ä\",\"😀\",\"\",\"two words\"]",
        ),
    ];
    for (value, wanted) in table {
        let source = format!("function f() {{ return {value} }}");
        assert_eq!(call(&mut load(&source), "f", None).expect(value), wanted, "{value}");
    }
}

#[test]
fn numbers_are_written_as_the_engine_itself_writes_them() {
    let source = "function f() { var all = [], i, n; for (i = 0; i < 500; i++) {
        n = (Math.random() - 0.5) * Math.pow(10, random(60) - 30); all.push(n, String(n)) } return all }";
    let mut engine = load(source);
    let text = call(&mut engine, "f", None).expect("runs");
    let all: Vec<Box<serde_json::value::RawValue>> = serde_json::from_str(&text).expect("is JSON");
    for pair in all.chunks(2) {
        // Of two shortest texts that are as near, either may be written.
        let (ours, theirs) = (pair[0].get(), pair[1].get().trim_matches('"'));
        assert_eq!((ours.len(), ours.parse()), (theirs.len(), theirs.parse::<f64>()), "{ours} {theirs}");
    }
}

#[test]
fn odd_results_end_with_an_error_and_not_with_the_worker() {
    use WorkerErrorKind::*;
    let table = [
        // A few kilobytes of heap whose text would be larger than the world.
        (
            "var a = [1], i; for (i = 0; i < 60; i++) a = [a, a]; return a",
            TooLarge,
            "longer than the limit of 1048576",
        ),
        (
            "var o = {}, a = [], i; for (i = 0; i < 2000; i++) o['k' + i] = undefined;
          for (i = 0; i < 20000; i++) a.push(o); a = [a, a, a, a]; return [a, a, a, a]",
            Deadline,
            "deadline passed",
        ),
        (
            "var a = []; for (var i = 0; i < 600; i++) a = [a]; return a",
            TooLarge,
            "nested deeper than 120 levels",
        ),
        ("return {get a() { throw new Error('mine') }}", Throw, "Error: mine"),
        ("return {get a() { for (;;) {} }}", Deadline, "deadline passed"),
        (
            "var o = {get a() { o.b = o.c = o.d = 1; delete o.z; return [o] }, z: 1}; return o",
            Unserializable,
            "is cyclic",
        ),
        ("var s = '\\u0001'; while (s.length < 200000) s += s; return s", TooLarge, "1048576"),
        ("return Infinity", Unserializable, "holds Infinity"),
        ("return 1e400", Unserializable, "holds Infinity"),
        ("return Math", Unserializable, "holds a function"),
    ];
    for (body, kind, part) in table {
        let mut engine = load(&format!("function f() {{ {body} }}\nfunction ok() {{ return 'ok' }}"));
        let within = if kind == Deadline { 200 } else { LONG };
        let error = call_within(&mut engine, "f", None, within).expect_err(body);
        assert_eq!(error.kind, kind, "{body}: {error:?}");
        assert!(error.message.contains(part), "{body}: {error:?}");
        assert_eq!(call(&mut engine, "ok", None).expect("goes on"), r#""ok""#, "after {body}");
    }
}

#[test]
fn a_getter_that_fills_the_heap_moves_nothing_under_the_writer() {
    let source = "var o = {}; function f() { var i; for (i = 0; i < 50; i++) (function (i) {
        o['p' + i] = {get x() { var a = []; for (var j = 0; j < 5000; j++) a.push('s' + j); return a.slice(i, i + 2) }, n: i}
        })(i); return o }";
    let text = call(&mut load(source), "f", None).expect("runs");
    let value: serde_json::Value = serde_json::from_str(&text).expect("is JSON");
    for index in 0..50 {
        let wanted = serde_json::json!({"x": [format!("s{index}"), format!("s{}", index + 1)], "n": index});
        assert_eq!(value[format!("p{index}")], wanted);
    }
}

#[test]
fn bytes_of_every_value_go_through_base64_and_utf_8() {
    let source = "
        function all() { var b = new Uint8Array(256), i; for (i = 0; i < 256; i++) b[i] = i; return b }
        function encode() { return base64_encode(all()) }
        function decode(text) { return base64_decode(text) }
        function round(text) { return base64_encode(base64_decode(text)) === text }
        function list() { return base64_encode([104, 105]) + base64_encode('hä') + base64_encode(all().subarray(1, 3)) }
        function text(t) { var b = utf8_encode(t); return [b.length, utf8_decode(b) === t, utf8_decode([228, 65])] }
        function bad() { return base64_decode('a!b') } function odd() { return base64_encode({}) }
        function big(text) { var b = base64_decode(text), n = 0, i; for (i = 0; i < b.length; i++) n += b[i];
          return [b.length, n, base64_encode(b) === text] }";
    let mut engine = engine(16 << 20);
    engine.load(&mut Notes::default(), source, "f", "[]", Deadline::after_ms(LONG)).expect("loads");
    let all: Vec<u8> = (0..=255).collect();
    let text = format!("\"{}\"", crate::engine::base64::encode(&all));
    assert_eq!(call(&mut engine, "encode", None).expect("runs"), text);
    let decoded = call(&mut engine, "decode", Some(&format!("[{text}]"))).expect("runs");
    assert_eq!(serde_json::from_str::<Vec<u8>>(&decoded).expect("is a list"), all);
    assert_eq!(call(&mut engine, "round", Some(&format!("[{text}]"))).expect("runs"), "true");
    assert_eq!(call(&mut engine, "list", None).expect("runs"), "\"aGk=aMOkAQI=\"");
    assert_eq!(call(&mut engine, "text", Some("[\"hä😀\"]")).expect("runs"), "[7,true,\"\u{fffd}A\"]");
    assert!(call(&mut engine, "bad", None).expect_err("is no base64").message.contains("base64_decode"));
    assert!(call(&mut engine, "odd", None).expect_err("is no bytes").message.contains("neither bytes nor"));
    let file: Vec<u8> = (0..300_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let sum: u64 = file.iter().map(|byte| u64::from(*byte)).sum();
    let params = format!("[\"{}\"]", crate::engine::base64::encode(&file));
    assert_eq!(call(&mut engine, "big", Some(&params)).expect("fits"), format!("[300000,{sum},true]"));
}

#[test]
fn long_strings_arrive_like_short_ones() {
    let long = |letter: &str, times: usize| format!("\"{}\"", letter.repeat(times));
    let (a, b) = (long("a", 70_000), long("b\\n\\\"\\u00e4\\ud83d\\ude00", 50));
    let deep = format!("{}{a}{}", "[{\"k\":".repeat(20), "}]".repeat(20));
    let table = [
        format!("[{a}]"),
        format!("[1,{{\"x\":{b},\"10\":{a},\"y\":[[],{{}},{a}]}},{b},\"end\"]"),
        format!("{{\"text\":{a},\"more\":{{\"__proto__\":{b},\"length\":{a},\"\":{a}}}}}"),
        format!("[{{\"a\\n\":{a},\"a\":[{b}]}}]"),
        // The same name twice: the last one counts.
        format!("[{{\"k\":{a},\"k\":{b}}},{a}]"),
        format!("[{{\"k\":[{a}],\"k\":{{\"0\":{b}}},\"l\":{a}}}]"),
        format!("[{{\"k\":{a},\"k\":1}}]"),
        // What looks like a mark.
        format!("[\"\u{f8ff}0\",{a},\"\u{f8ff}1\",{{\"\u{f8ff}0\":{b}}}]"),
        format!("[{}]", vec![long("many", 40); 1000].join(",")),
        deep,
        format!("[[[[[[[[{{\"k\":[{a}]}}]]]]]]],{b},{{\"l\":{a}}}]"),
    ];
    let mut engine = load("function echo() { return arguments; } function named(o) { return o; }");
    for text in table {
        let wanted: serde_json::Value = serde_json::from_str(&text).expect("is JSON");
        let method = if text.starts_with('[') { "echo" } else { "named" };
        let answer = call(&mut engine, method, Some(&text)).expect("answers");
        let answer: serde_json::Value = serde_json::from_str(&answer).expect("is JSON");
        let answer = match answer {
            // `arguments` is an object of its elements.
            serde_json::Value::Object(all) if method == "echo" => {
                all.into_iter().map(|(_, one)| one).collect()
            }
            answer => answer,
        };
        assert_eq!(answer, wanted, "{}", &text[..100.min(text.len())]);
    }
    // Positions and memory are told as ever.
    let torn = format!("[{a},]");
    let error = call(&mut engine, "echo", Some(&torn)).expect_err("is no JSON");
    assert_eq!(error.kind, WorkerErrorKind::Params);
    let huge = format!("[{}]", long("x", 8_000_000));
    let error = call(&mut engine, "echo", Some(&huge)).expect_err("does not fit");
    assert_eq!(error.kind, WorkerErrorKind::Memory, "{}", error.message);
    assert_eq!(call(&mut engine, "named", Some("[1]")).expect("lives"), "1");
}

proptest::proptest! {
    #[test]
    fn any_text_arrives_as_it_was_sent(parts in proptest::collection::vec((".{0,3}", 0usize..60), 1..6)) {
        let texts: Vec<String> = parts.into_iter().map(|(text, times)| text.repeat(times)).collect();
        let params = serde_json::json!([{ "a": texts[0], "b": texts }]);
        let mut engine = load("function echo(x) { return x; }");
        let answer = call(&mut engine, "echo", Some(&params.to_string())).expect("answers");
        let answer: serde_json::Value = serde_json::from_str(&answer).expect("is JSON");
        proptest::prop_assert_eq!(&answer, &params[0]);
    }
}
