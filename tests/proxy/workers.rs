//! The example workers, and what `hauki-worker.7` says of the language, held against the real engine.

use std::path::Path;
use std::time::Duration;

use hauki::rpc::channel::{Said, Unanswered};
use hauki_lang::engine::{Deadline, Engine, Host, MapAddress, Memory, SourceForm, WorkerCall, check};
use serde_json::{Value, json};

#[derive(Default)]
struct Notes {
    lines: Vec<String>,
    events: Vec<(String, String)>,
}

impl Host for Notes {
    fn log(&mut self, text: &str) {
        self.lines.push(text.to_owned());
    }
    fn event(&mut self, event: &str, data: &str) -> Result<(), String> {
        self.events.push((event.to_owned(), data.to_owned()));
        Ok(())
    }
    fn destruct(&mut self) {}
    fn ask(&mut self, _: &str, _: &str, _: &str) -> Result<u64, Box<Unanswered>> {
        panic!("no example calls out")
    }
    fn is_crowded(&self) -> bool {
        false
    }
    fn answer(&mut self, _: Option<u64>, _: Option<Deadline>) -> Result<(u64, Said), Box<Unanswered>> {
        panic!("no example calls out")
    }
    fn pause(&mut self, until: Deadline) {
        std::thread::sleep(Duration::from_micros(until.left_us()));
    }
    fn tick(&mut self) -> bool {
        true
    }
    fn limit(&self) -> usize {
        1 << 20
    }
}

const LONG: u32 = 60_000;

/// A worker in an engine, called as a ticket's holder would.
struct Worker {
    engine: Engine,
    notes: Notes,
}

impl Worker {
    fn of(source: &str, args: &Value) -> Result<Self, String> {
        let memory = Memory::map(MapAddress::Anywhere, 4 << 20).expect("maps");
        let mut engine = Engine::new(memory, 7, "vlt_test", SourceForm::Plain).expect("starts");
        let mut notes = Notes::default();
        let loaded = engine.load(&mut notes, source, "w.js", &args.to_string(), Deadline::after_ms(LONG));
        match loaded.map(<[String]>::to_vec) {
            Ok(_) => Ok(Self { engine, notes }),
            Err(error) => Err(error.message),
        }
    }

    fn example(name: &str, args: &Value) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/workers").join(name);
        let source = std::fs::read_to_string(path).expect("the example is there");
        check(&source, name).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        Self::of(&source, args).expect("loads")
    }

    fn call(&mut self, method: &str, params: &Value) -> Result<Value, String> {
        let params = params.to_string();
        let call =
            WorkerCall { method, params: Some(&params), caller: "", deadline: Deadline::after_ms(LONG) };
        match self.engine.call(&mut self.notes, call) {
            Ok(text) => Ok(serde_json::from_str(&text).expect("results are JSON")),
            Err(error) => Err(error.message),
        }
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.call(method, params).unwrap_or_else(|error| panic!("{method} {params}: {error}"))
    }
}

#[test]
fn every_example_is_a_worker() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/workers");
    let mut seen = 0;
    for entry in std::fs::read_dir(directory).expect("the examples are there") {
        let name = entry.expect("can be read").file_name().into_string().expect("is UTF-8");
        if name.ends_with(".js") {
            let worker = Worker::example(&name, &json!([]));
            assert!(!worker.engine.state().methods.is_empty(), "{name}");
            seen += 1;
        }
    }
    assert!(seen >= 4);
}

#[test]
fn kv_keeps_and_forgets() {
    let mut kv = Worker::example("kv.js", &json!([{ "most": 2 }]));
    assert_eq!(kv.ask("put", &json!(["color", "red", { "calls": 2 }])), json!(true));
    assert_eq!(kv.ask("put", &json!(["n", 1])), json!(true));
    assert_eq!(kv.ask("get", &json!(["color"])), json!("red"));
    assert_eq!(kv.ask("get", &json!(["color"])), json!(null), "its two calls are over");
    assert_eq!(kv.notes.events[0].1, r#"{"key":"color","why":"expired"}"#);
    assert_eq!(kv.ask("add", &json!(["n", 4])), json!(5));
    assert_eq!(kv.ask("add", &json!(["hits"])), json!(1));
    assert_eq!(kv.call("put", &json!(["third", 3])), Err("RangeError: the store is full: 2 keys".into()));
    assert_eq!(kv.ask("list", &json!(["h"])), json!(["hits"]));
    assert_eq!(kv.ask("remove", &json!(["hits"])), json!(true));
    assert_eq!(kv.ask("remove", &json!(["hits"])), json!(false));
    assert_eq!(kv.ask("get", &json!(["toString"])), json!(null), "no key is inherited");
    assert_eq!(kv.call("get", &json!([7])), Err("TypeError: a key is a string that is not empty".into()));
    assert_eq!(kv.ask("report", &json!([]))["keys"], json!(1));
    kv.engine.dest(&mut kv.notes, Deadline::after_ms(LONG)).expect("runs");
    assert_eq!(kv.notes.lines, ["kv: 1 keys are lost"]);
}

#[test]
fn csv_stats_reads_quotes_over_chunks() {
    let file =
        "name,price,country\r\n\"Juniper, berries\",2.5,fi\n\"say \"\"hi\"\"\n\",4,se\nx,,fi\nlast,1.5,fi";
    let whole = {
        let mut csv =
            Worker::example("csv_stats.js", &json!([{ "groups": { "by": "country", "of": "price" } }]));
        csv.ask("ingest", &json!([file]));
        csv.ask("finish", &json!([]));
        (csv.ask("columns", &json!([])), csv.ask("groups", &json!([])))
    };
    let price = &whole.0[1];
    assert_eq!(
        *price,
        json!({ "name": "price", "count": 4, "numbers": 3, "sum": 8, "mean": 8.0 / 3.0, "least": 1.5, "most": 4 })
    );
    assert_eq!(whole.1[0]["name"], json!("fi"));
    assert_eq!((&whole.1[0]["sum"], &whole.1[1]["sum"]), (&json!(4), &json!(4)));
    for cut in 1..file.len() {
        let mut csv =
            Worker::example("csv_stats.js", &json!([{ "groups": { "by": "country", "of": "price" } }]));
        csv.ask("ingest", &json!([&file[..cut]]));
        csv.ask("ingest", &json!([&file[cut..]]));
        assert_eq!(csv.ask("finish", &json!([])), json!(4), "cut at {cut}");
        assert_eq!((csv.ask("columns", &json!([])), csv.ask("groups", &json!([]))), whole, "cut at {cut}");
    }
    let error = Worker::example("csv_stats.js", &json!([])).call("groups", &json!([]));
    assert!(error.expect_err("was not asked for").contains("no grouping"));
}

fn value_of(expression: &str) -> Result<Value, String> {
    Worker::of(&format!("function f() {{ {expression} }}"), &json!([]))?.call("f", &json!([]))
}

/// The lists in the section "The language" of the page.
const HAS: [(&str, &str, &str); 8] = [
    (
        "Object",
        "Object",
        "create defineProperties defineProperty getOwnPropertyDescriptor getOwnPropertyNames getPrototypeOf keys setPrototypeOf",
    ),
    (
        "Object.prototype",
        "({})",
        "hasOwnProperty isPrototypeOf propertyIsEnumerable toLocaleString toString valueOf",
    ),
    (
        "Array.prototype",
        "[]",
        "concat every filter forEach indexOf join lastIndexOf map pop push reduce reduceRight reverse shift slice some sort splice toString unshift",
    ),
    (
        "String.prototype",
        "\"\"",
        "charAt charCodeAt codePointAt concat indexOf lastIndexOf match repeat replace replaceAll search slice split substr substring toLocaleLowerCase toLocaleUpperCase toLowerCase toString toUpperCase trim trimEnd trimStart valueOf",
    ),
    ("Number.prototype", "(1)", "toExponential toFixed toPrecision toString"),
    ("RegExp.prototype", "/a/", "exec test toString"),
    ("Function.prototype", "print", "apply bind call toString"),
    (
        "Math",
        "Math",
        "abs acos asin atan atan2 ceil clz32 cos exp floor fround imul log log10 log2 max min pow random round sign sin sqrt tan trunc",
    ),
];

const LACKS: [(&str, &str); 4] = [
    ("Object", "assign entries freeze isExtensible isFrozen isSealed preventExtensions seal values"),
    ("[]", "at fill find findIndex flat flatMap includes"),
    ("\"\"", "endsWith includes localeCompare matchAll normalize padEnd padStart startsWith"),
    ("Number", "isFinite isInteger isNaN"),
];

const ABSENT: &str = "BigInt Buffer DataView Map Promise Proxy Reflect Set Symbol WeakMap atob btoa \
    escape fetch require setTimeout unescape";

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("man/hauki-worker.7");
    std::fs::read_to_string(path).expect("the page is there")
}

/// Whether a word stands in the page, and not only as a part of another.
fn mentions(page: &str, word: &str) -> bool {
    page.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|found| found == word)
}

#[test]
fn the_page_lists_what_the_engine_has_and_lacks() {
    let page = page();
    for (name, holder, members) in HAS {
        for member in members.split(' ') {
            let kind = value_of(&format!("return typeof {holder}.{member}"));
            assert_eq!(kind, Ok(json!("function")), "{name}.{member}");
            assert!(mentions(&page, member), "hauki-worker.7 does not list {name}.{member}");
        }
    }
    for (holder, members) in LACKS {
        for member in members.split(' ') {
            let kind = value_of(&format!("return typeof {holder}.{member}"));
            assert_eq!(kind, Ok(json!("undefined")), "{holder}.{member}");
            assert!(mentions(&page, member), "hauki-worker.7 does not say that {holder}.{member} is missing");
        }
    }
    for name in ABSENT.split(' ').filter(|name| !name.is_empty()) {
        assert_eq!(value_of(&format!("return typeof {name}")), Ok(json!("undefined")), "{name}");
        assert!(mentions(&page, name), "hauki-worker.7 does not say that {name} is missing");
    }
}

#[test]
fn the_page_tells_how_much_of_es5_there_is() {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/mquickjs/tests/es5/different.txt");
    let list = std::fs::read_to_string(list).expect("is there");
    let words: Vec<_> = list.lines().next().expect("counts").split(' ').collect();
    let counted = |word: &str| format!("{},{}", &word[..1], &word[1..]);
    let wanted = [words[0], words[2]].map(counted);
    assert!(page().contains(&format!("Of {} short programs", wanted[1])), "{wanted:?}");
    assert!(page().contains(&format!("the engine answers {} as Node does", wanted[0])), "{wanted:?}");
}

#[test]
fn the_differences_that_the_page_tells_are_real() {
    let values = [
        ("return 2 ** 10 + 0b11 + 0o17 + 1_000", json!(2042)),
        ("var s = 0; for (var v of [5, 6]) s += v; return s", json!(11)),
        ("var o = {f() { return 2 }, get a() { return 1 }}; return o.f() + o.a", json!(3)),
        ("return (1, eval)('1 + 1') + new Function('return 3')()", json!(5)),
        ("return this === this_object()", json!(true)),
        ("return [1].map(function () { return typeof this })", json!(["undefined"])),
        ("return 'aXbX'.replace(/x/gi, function (m, at, s) { return m + at + s.length })", json!("aX14bX34")),
        ("return /(a)(z)?/.exec('a')[2] === undefined", json!(true)),
        ("var r = /x*/g; r.lastIndex = 9; return r.exec('ab')", json!(null)),
        ("return /^.$/.test('\\ud83d\\ude00')", json!(true)),
        (
            "return 'a-b'.replace(/(a)(z)?-(b)/, function (m, a, z, b) { return b + z + a })",
            json!("bundefineda"),
        ),
        (
            "return 'abcb'.replace('b', function (m, at) { return at }) + 'b'.replace('c', print)",
            json!("a1cbb"),
        ),
        ("return 'abcb'.replaceAll('b', function () { return '$&' })", json!("a$&c$&")),
        ("return 'ab'.replace(/x*/g, function () { return '-' })", json!("-a-b-")),
        (
            "return 'ab'.replaceAll('', function () { return '-' }) + ''.replace('', function () { return 1 })",
            json!("-a-b-1"),
        ),
        ("return 'äöü'.replace(/ö/, function (m, at) { return at })", json!("ä1ü")),
        ("return (function () { return typeof this })()", json!("undefined")),
        ("return new Array(3)", json!([null, null, null])),
        ("var a = [1, 2, 3]; delete a[0]; return a", json!([null, 2, 3])),
        ("return (function () { return Array.isArray(arguments) })()", json!(true)),
        ("return (function () { return this }).toString().indexOf('this')", json!(-1)),
        ("var f = function () {}; return f.name", json!("")),
        ("var a = [1]; a[1] = 2; return a", json!([1, 2])),
        ("return JSON.stringify({a: 1}, null, 2)", json!("{\n  \"a\": 1\n}")),
        ("return JSON.stringify({b: function () {}})", json!("{}")),
        ("return JSON.stringify({toJSON: function () { return 'j' }})", json!("\"j\"")),
        ("return new Uint8Array([1, 300])", json!([1, 44])),
        ("return JSON.stringify(new Uint8Array([1]))", json!("{\"0\":1}")),
        ("return base64_encode(utf8_encode('hä')) + utf8_decode(base64_decode('aMOk'))", json!("aMOkhä")),
        (
            "return remove_call_out(call_out('print', 100)) > 99 && remove_call_out('print') === -1",
            json!(true),
        ),
        (
            "var b = new Uint8Array([1, 2]), a = []; for (var i = 0; i < b.length; i++) a.push(b[i]); return a",
            json!([1, 2]),
        ),
        ("return ['Ä'.toLowerCase(), 'é'.toUpperCase()]", json!(["ä", "É"])),
        ("return Object.keys({b: 1, a: 2, 1: 3})", json!(["1", "b", "a"])),
        ("return /^b.c/ms.test('a\\nb\\nc') && /A/i.test('a')", json!(true)),
        ("return 'a-b'.replace(/(a)-(b)/, '$2-$1')", json!("b-a")),
        ("return time() > 1e9 && performance.now() > 0 && Date.now() > 1e12", json!(true)),
        ("return random(3) < 3 && random() < 1", json!(true)),
        ("return Object.defineProperty({y: 1}, 'x', {value: 7, enumerable: false})", json!({"y": 1})),
        ("return encodeURIComponent('ä b') + decodeURIComponent('%C3%B6')", json!("%C3%A4%20bö")),
        ("function g() { return 1 } return (function h(n) { return n ? h(n - 1) : g() })(3)", json!(1)),
    ];
    for (body, wanted) in values {
        assert_eq!(value_of(body), Ok(wanted), "{body}");
    }
    let refusals = [
        ("var a = [1, , 2]", "SyntaxError"),
        ("eval('1')", "direct eval is not supported"),
        ("undeclared = 1", "is not defined"),
        ("var a = []; a[1] = 1", "invalid array subscript"),
        ("for (var v of 'ab') {}", "unsupported type in for...of"),
        ("new Date()", "only Date.now() is supported"),
        ("new Number(1)", "constructor not supported"),
        ("new (function () {}.bind())()", "not a constructor"),
        ("Object.defineProperty([1], 0, {value: 2, enumerable: false})", "elements of arrays"),
        ("var o = {}; Object.defineProperty(o, 'x', {value: 7}); o.x = 8", "property 'x' is read-only"),
        ("if (1) { function g() {} } return g()", "is not defined"),
        ("return {toJSON: function () { return 1 }}", "holds a function"),
        ("return 1 / 0", "holds Infinity"),
        ("this_object()->nothing()", "call_other: no method nothing"),
        ("({})->f()", "not an object that this worker holds"),
        ("destruct({})", "not an object that this worker holds"),
        ("let a = 1", "write `var`"),
    ];
    for (body, wanted) in refusals {
        let error = value_of(body).expect_err(body);
        assert!(error.contains(wanted), "{body}: {error}");
    }
}
