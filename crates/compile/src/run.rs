//! Main loop of the compiler program, from start to end: take the channel, lock down, compile, leave with the channel.
//!
//! A source may be nested as deep as it is long, and the passes go as deep as the source: so all of it is done on a thread
//! with a large stack, which exists before the process may begin no more.

use std::process::ExitCode;

use hauki_contract::rpc::compile::{CompileOrder, FromCompiler, ImportWish};
use hauki_contract::rpc::script::{RunnerReady, UNLOCKED};
use hauki_jail::child::{self, ConfinementError};
use hauki_jail::lockdown;
use rustix::fd::BorrowedFd;

use super::channel::CompilerChannel;
use super::compile::{compile, compile_with};
use super::graph::{ModuleSource, ModuleText};

/// As sysexits(3) has it for a wrong command line.
const USAGE: u8 = 64;

/// It is mapped, and taken as far as a source reaches into it.
const STACK_BYTES: usize = 256 << 20;

/// Compiled before the filter is there: some passes ask once for the number of processors, or where a stack ends.
const FIRST: &str = "export class A extends B { #x = 1; static y = `${2}`; get z() { return this.#x ?? super.z } \
    async f({ a, ...b }, ...c) { for await (const d of [...c]) await a?.(d, () => b) } *g() { yield* /a/; for (const k of this.z) yield k } h() { return i`j${1}`; } }";

/// The whole life of the compiler program. Its one argument is how many bytes it may map.
#[must_use]
#[expect(clippy::print_stderr, reason = "the channel is not there yet, or nobody may read it any more")]
pub fn run() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let most = match (arguments.next().and_then(|text| text.parse().ok()), arguments.next()) {
        (Some(most), None) if child::is_handed_over() => most,
        _ => {
            eprintln!("hauki-compile compiles the sources of hauki, which starts it: see hauki-worker(7)");
            return USAGE.into();
        }
    };
    one_heap();
    let unlocked = || u8::try_from(UNLOCKED).unwrap_or(u8::MAX).into();
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || serve(most));
    match thread.map(std::thread::JoinHandle::join) {
        Ok(Ok(Err(error))) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            eprintln!("{error}{}", cause.unwrap_or_default());
            unlocked()
        }
        // Somebody's text has brought it down, and has been told of on standard error.
        Ok(Ok(Ok(())) | Err(_)) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("beginning the compiler's thread: {error}");
            unlocked()
        }
    }
}

/// A thread's own heap asks for the kernel's settings when it shrinks, which the filter forbids.
fn one_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it takes two numbers, and no thread has been begun yet.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Does not return while there is a channel.
fn serve(most_bytes: u64) -> Result<(), ConfinementError> {
    let mut link = CompilerChannel::new(lock(most_bytes)?);
    link.send(0, &FromCompiler::Ready(RunnerReady { version: env!("CARGO_PKG_VERSION").to_owned() }));
    loop {
        let (number, source, order) = link.order();
        let compiled = if order.imports {
            compile_with(&source, &order, &mut AskedModules { link: &mut link, number })
        } else {
            compile(&source, &order)
        };
        let answer = match compiled {
            Ok(lowered) => FromCompiler::Compiled { text: lowered.text, warnings: lowered.warnings },
            Err(faults) => FromCompiler::Refused(faults),
        };
        link.send(number, &answer);
    }
}

/// The other end, which has the files.
struct AskedModules<'a> {
    link: &'a mut CompilerChannel,
    number: u64,
}

impl ModuleSource for AskedModules<'_> {
    fn load(&mut self, from: &str, specifier: &str) -> Result<ModuleText, String> {
        let wish = ImportWish { from: from.to_owned(), specifier: specifier.to_owned() };
        self.link.import(self.number, wish)
    }
}

fn lock(most_bytes: u64) -> Result<BorrowedFd<'static>, ConfinementError> {
    let channel = child::confine(most_bytes)?;
    // Passes ask for both when they first have something to do, and the answers are kept: the stack's for each thread.
    let _ = (swc_ecma_utils::parallel::cpu_count(), stacker::remaining_stack());
    drop(compile(FIRST, &CompileOrder::default()));
    lockdown::install()?;
    Ok(channel)
}
