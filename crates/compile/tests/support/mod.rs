//! Compiled sources in a vault's engine, without the vault: what both tables of this folder are run with.

use std::time::Duration;

use hauki_compile::{LoweredSource, compile};
use hauki_contract::rpc::channel::{Said, Unanswered, WorkerError};
use hauki_contract::rpc::compile::{CompileOrder, Language, SourceFault};
use hauki_lang::engine::{self, Deadline, Engine, Host, MapAddress, Memory, WorkerCall};

/// On a stack like the program's.
pub(crate) fn compiled(source: &str, order: &CompileOrder) -> Result<LoweredSource, Vec<SourceFault>> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(256 << 20);
        let thread = thread.spawn_scoped(scope, || compile(source, order)).expect("begins");
        thread.join().expect("does not panic")
    })
}

pub(crate) fn written_in(language: Language) -> CompileOrder {
    CompileOrder { file: "row.js".into(), language, ..CompileOrder::default() }
}

/// Keeps the lines that a worker prints, and carries no call.
#[derive(Default)]
pub(crate) struct KeptLines {
    pub(crate) lines: String,
}

impl Host for KeptLines {
    fn log(&mut self, line: &str) {
        self.lines.push_str(line);
        self.lines.push('\n');
    }
    fn event(&mut self, _: &str, _: &str) -> Result<(), String> {
        Ok(())
    }
    fn destruct(&mut self) {}
    fn ask(&mut self, _: &str, _: &str, _: &str) -> Result<u64, Box<Unanswered>> {
        Err(Unanswered::new("internal", "nobody is there to carry a call").into())
    }
    fn is_crowded(&self) -> bool {
        false
    }
    fn answer(&mut self, _: Option<u64>, _: Option<Deadline>) -> Result<(u64, Said), Box<Unanswered>> {
        Err(Unanswered::new("internal", "nobody is there to carry a call").into())
    }
    fn pause(&mut self, until: Deadline) {
        rest(until);
    }
    fn tick(&mut self) -> bool {
        true
    }
    fn limit(&self) -> usize {
        1 << 20
    }
}

fn rest(until: Deadline) {
    std::thread::sleep(Duration::from_micros(until.left_us()));
}

fn told(error: WorkerError) -> String {
    format!("{error:?}")
}

fn loaded(host: &mut KeptLines, text: &str, deadline: Deadline) -> Result<Engine, String> {
    let memory = Memory::map(MapAddress::Anywhere, 4 << 20).expect("maps");
    let form = engine::form(text, "row.js").map_err(told)?;
    let mut engine = Engine::new(memory, 1, "vlt_constructs", form).map_err(told)?;
    engine.load(host, text, "row.js", "[]", deadline).map_err(told)?;
    Ok(engine)
}

/// What `main` gives in an engine of the default size.
pub(crate) fn called(text: &str) -> Result<serde_json::Value, String> {
    let (mut host, deadline) = (KeptLines::default(), Deadline::after_ms(60_000));
    let mut engine = loaded(&mut host, text, deadline)?;
    let call = WorkerCall { method: "main", params: None, caller: "", deadline };
    let value = engine.call(&mut host, call).map_err(told)?;
    serde_json::from_str(&value).map_err(|error| format!("{value}: {error}"))
}

/// What it prints while it is loaded, and when its timers are due.
pub(crate) fn printed(text: &str) -> Result<String, String> {
    let (mut host, deadline) = (KeptLines::default(), Deadline::after_ms(60_000));
    let mut engine = loaded(&mut host, text, deadline)?;
    while let Some(next) = engine.next_call_out() {
        rest(next);
        while let Some(due) = engine.due_call_out() {
            engine.call_out(&mut host, &due, deadline);
        }
    }
    Ok(host.lines)
}
