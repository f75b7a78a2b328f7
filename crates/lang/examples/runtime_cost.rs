//! Cost of the run-time: what a worker's start, heap, awaits and yields cost with it, and its start without.
//!
//!     cargo run --release -p hauki-lang --features engine --example runtime_cost

use hauki_contract::rpc::channel::{Said, Unanswered};
use hauki_contract::system::clock;
use hauki_lang::directive::DIRECTIVE;
use hauki_lang::engine::{Deadline, Engine, Host, MapAddress, Memory, SourceForm, WorkerCall};

/// Takes nothing anywhere.
struct Nowhere;

impl Host for Nowhere {
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
        Err(Unanswered::new("internal", "nobody was called").into())
    }
    fn pause(&mut self, _: Deadline) {}
    fn tick(&mut self) -> bool {
        true
    }
    fn limit(&self) -> usize {
        1 << 20
    }
}

const PLAIN: &str = "function f() { return 1 }";

const CLASS: &str =
    "var A = function () { function A() { _class_call_check(this, A); this.m = new Map(); } return A; }();
function f() { return new A().m.size }";

const AWAITS: &str = "function f(n) { return _async_to_generator(function () { var i; return _ts_generator(this, function (s) {
switch (s.label) {
case 0: i = 0; s.label = 1;
case 1: if (!(i < n)) return [3, 3]; return [4, i];
case 2: s.sent(); i++; return [3, 1];
case 3: return [2, i];
} }); })(); }";

const YIELDS: &str = "function f(n) { var i, it = _ts_generator(this, function (s) {
switch (s.label) {
case 0: i = 0; s.label = 1;
case 1: if (!(i < n)) return [3, 3]; return [4, i];
case 2: s.sent(); i++; return [3, 1];
case 3: return [2];
} }); while (!it.next().done) {} return i; }";

fn started(source: &str, form: SourceForm) -> Engine {
    let memory = Memory::map(MapAddress::Anywhere, 4 << 20).expect("maps");
    let mut engine = Engine::new(memory, 7, "v", form).expect("starts");
    engine.load(&mut Nowhere, source, "f.js", "[]", Deadline::after_ms(60_000)).expect("loads");
    engine
}

/// In microseconds.
fn called(engine: &mut Engine, params: &str) -> u64 {
    let begun = clock::running_us();
    let call =
        WorkerCall { method: "f", params: Some(params), caller: "", deadline: Deadline::after_ms(60_000) };
    engine.call(&mut Nowhere, call).expect("answers");
    clock::running_us() - begun
}

/// The median of so many starts.
fn start(source: &str, form: SourceForm) -> u64 {
    let mut all: Vec<u64> = (0..301)
        .map(|_| {
            let begun = clock::running_us();
            let engine = started(source, form);
            let took = clock::running_us() - begun;
            drop(engine);
            took
        })
        .collect();
    all.sort_unstable();
    all[all.len() / 2]
}

#[expect(clippy::print_stdout, reason = "it is what this prints")]
fn main() {
    let compiled = |program: &str| format!("{DIRECTIVE}{program}");
    for (name, source, form) in [
        ("ES5", PLAIN.to_owned(), SourceForm::Plain),
        ("compiled, nothing used", compiled(PLAIN), SourceForm::Compiled),
        ("compiled, a class and a Map", compiled(CLASS), SourceForm::Compiled),
        ("compiled, async", compiled(AWAITS), SourceForm::Compiled),
    ] {
        let used = started(&source, form).heap_used();
        println!("{name}: start {} us, heap {used} bytes", start(&source, form));
    }
    for (name, program) in [("await", AWAITS), ("yield", YIELDS)] {
        let mut engine = started(&compiled(program), SourceForm::Compiled);
        called(&mut engine, "[1000]");
        let each = called(&mut engine, "[100000]") as f64 / 1e5;
        println!("{name}: {each:.2} us each");
    }
}
