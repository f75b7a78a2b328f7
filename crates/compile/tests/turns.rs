//! Turns of a session: programs of today, lowered one after the other, that share one global scope.

use hauki_compile::compile;
use hauki_contract::rpc::channel::{Said, Unanswered, WorkerError};
use hauki_contract::rpc::compile::{CompileOrder, Language, Purpose, SourceFault};
use hauki_lang::engine::{self, Deadline, Engine, Host, MapAddress, Memory, SourceForm, Turn};

/// Sends nothing anywhere.
struct Alone;

impl Host for Alone {
    fn log(&mut self, _: &str) {}
    fn event(&mut self, _: &str, _: &str) -> Result<(), String> {
        Ok(())
    }
    fn destruct(&mut self) {}
    fn ask(&mut self, _: &str, _: &str, _: &str) -> Result<u64, Box<Unanswered>> {
        Err(Unanswered::new("internal", "nobody is there").into())
    }
    fn is_crowded(&self) -> bool {
        false
    }
    fn answer(&mut self, _: Option<u64>, _: Option<Deadline>) -> Result<(u64, Said), Box<Unanswered>> {
        Err(Unanswered::new("internal", "nobody was asked").into())
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

fn compiled(source: &str, purpose: Purpose) -> Result<String, Vec<SourceFault>> {
    let order = CompileOrder {
        file: "t.ts".into(),
        language: Language::TypeScript,
        purpose,
        ..CompileOrder::default()
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(256 << 20);
        let thread = thread.spawn_scoped(scope, || compile(source, &order).map(|lowered| lowered.text));
        thread.expect("begins").join().expect("does not panic")
    })
}

struct Session(Engine);

impl Session {
    fn new() -> Self {
        let memory = Memory::map(MapAddress::Anywhere, 2 << 20).expect("maps");
        let mut engine = Engine::new(memory, 7, "vlt_test", SourceForm::Compiled).expect("starts");
        let source = "\"hauki runtime 1\";\nenable_evaluate();";
        assert_eq!(engine::form(source, "s.js").expect("is one"), SourceForm::Compiled);
        engine.load(&mut Alone, source, "s.js", "[]", Deadline::after_ms(60_000)).expect("loads");
        Self(engine)
    }

    fn turn(&mut self, source: &str) -> Result<Option<String>, WorkerError> {
        let text = compiled(source, Purpose::Program).unwrap_or_else(|faults| panic!("{source}: {faults:?}"));
        let deadline = Deadline::after_ms(60_000);
        let turn = Turn { text: &text, args: None, powers: None, lasting: false, caller: "", deadline };
        self.0.evaluate(&mut Alone, turn).map(|done| done.value)
    }
}

#[test]
fn what_turns_declare_is_there_for_the_next_whether_they_wait_or_not() {
    let mut session = Session::new();
    let sleep = "const sleep = (ms: number) => new Promise<number>(keep => setTimeout(keep, ms, ms))";
    for (source, wanted) in [
        (sleep, None),
        ("await sleep(2)", Some("2")),
        ("const a = await sleep(1), { b, ...rest } = await Promise.resolve({ b: 2, c: 3 });", None),
        ("[a, b, rest]", Some(r#"[1,2,{"c":3}]"#)),
        (
            "class Point { #x = a; static made = 0; get x() { return this.#x } } await 1; let p = new Point()",
            None,
        ),
        ("p.x + Point.made", Some("1")),
        ("new Point() instanceof Point && Point.name", Some("\"Point\"")),
        ("function f(n) { return n * 2 } let n = f(await 4); n", Some("8")),
        ("let q = 5; let q2; await null; [q, typeof q2]", Some("[5,\"undefined\"]")),
        ("for (var i = 0, list = []; i < 3; i++) { await i; var seen = list.push(i) } seen", Some("3")),
        ("[i, list, seen]", Some("[3,[0,1,2],3]")),
        (
            "for (var key in { k: 1 }) await key; for await (const one of [sleep(1)]) var got = one; [key, got]",
            Some(r#"["k",1]"#),
        ),
        ("var kept = 7; await 1", Some("1")),
        ("var kept; await 1; kept", Some("7")),
        ("if (await true) { let inner = 1; var outer = inner } outer", Some("1")),
        ("typeof inner", Some("\"undefined\"")),
        ("const again = 1; again", Some("1")),
        ("const again = await 2; again", Some("2")),
        ("await (async () => { const own = await 3; return own })()", Some("3")),
        ("const late = async () => await sleep(1); late()", Some("1")),
    ] {
        let value = session.turn(source).unwrap_or_else(|error| panic!("{source}: {error:?}"));
        assert_eq!(value.as_deref(), wanted, "{source}");
    }
}

#[test]
fn what_a_turn_waits_for_and_fails_is_its_error() {
    let mut session = Session::new();
    let error =
        session.turn("let before = 1;\nawait Promise.reject(new RangeError('far'))").expect_err("fails");
    assert_eq!((error.message.as_str(), error.file.as_deref()), ("RangeError: far", Some("t1")));
    assert_eq!(session.turn("before").expect("goes on").as_deref(), Some("1"));
    let error = session.turn("await new Promise(() => {})").expect_err("never settles");
    assert!(error.message.contains("the promise never settles"), "{error:?}");
    assert_eq!(session.turn("await before").expect("goes on").as_deref(), Some("1"));
}

#[test]
fn only_a_program_waits_at_its_top() {
    let faults = compiled("export const a = await 1", Purpose::Worker).expect_err("is no program");
    assert_eq!(faults[0].message, "`await` outside of a function");
    let faults = compiled("function f() { await 1 }", Purpose::Program).expect_err("is no async function");
    assert!(!faults.is_empty());
    let plain = compiled("const a = async () => await 1; a()", Purpose::Program).expect("is one");
    assert!(plain.contains("var a ="), "{plain}");
}
