//! The phases on a real daemon, beside what the machine and others need for the like: `make bench`, as
//! root; `cargo bench --bench phases -- [-o jsonl] [-n VAULTS] [SECTION...]`, sections being `life`, `calls`, `cli`,
//! `floor`, `peers`, `parallel`, `ends` and `density`.
//!
//! What is compared is measured in turns, a few rounds of each in every block, so that a machine that
//! slows down slows all of them. Between the blocks nothing of ours runs, and what the processors do
//! then is others' work: it is printed, and where it is much the report says that the times mean
//! little. The ratios suffer less, and are what to read on such a machine.

#[path = "phases/calls.rs"]
mod calls;
#[path = "phases/cli.rs"]
mod cli;
#[path = "phases/density.rs"]
mod density;
#[path = "phases/echo.rs"]
mod echo;
#[path = "phases/ends.rs"]
mod ends;
#[path = "phases/floor.rs"]
mod floor;
#[path = "phases/life.rs"]
mod life;
#[path = "phases/machine.rs"]
mod machine;
#[path = "phases/memory.rs"]
mod memory;
#[path = "phases/owner.rs"]
mod owner;
#[path = "phases/peers.rs"]
mod peers;
#[path = "phases/report.rs"]
mod report;
#[path = "phases/script.rs"]
mod script;
#[path = "phases/witness.rs"]
mod witness;

#[allow(dead_code, reason = "the harness of the tests serves here too")]
#[path = "../tests/support"]
mod support {
    pub(crate) mod daemon;
    pub(crate) mod until;
}

use std::time::Instant;

use report::Report;
use tokio::runtime::Runtime;

const WORKER: &str = "function echo(x) { return x; }
function back(x) { return previous_object().tools->echo(x); }";
const BLOCKS: usize = 10;

#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Instant {
    Instant::now()
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if words.iter().any(|word| word == "--test") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    if let [word, ticket] = &words[..]
        && word == owner::WORD
    {
        return runtime.block_on(owner::own(ticket));
    }
    let lines = words.windows(2).any(|pair| pair == ["-o", "jsonl"]);
    let many = words.windows(2).find(|pair| pair[0] == "-n").map(|pair| pair[1].parse().expect("a number"));
    let many = many.unwrap_or(density::MANY);
    let names = ["life", "calls", "cli", "floor", "peers", "parallel", "ends", "density"];
    let named: Vec<&str> = names.into_iter().filter(|name| words.iter().any(|word| word == name)).collect();
    let wanted = |name: &str| named.is_empty() || named.contains(&name);
    let mut report = Report::new();
    blocks(&runtime, &wanted, &mut report);
    if wanted("parallel") {
        runtime.block_on(density::parallel(&mut report));
    }
    if wanted("ends") {
        runtime.block_on(ends::ends(&mut report));
    }
    if wanted("density") {
        runtime.block_on(density::many(&mut report, many));
    }
    if lines { report.lines() } else { report.print() }
}

fn blocks(runtime: &Runtime, wanted: &impl Fn(&str) -> bool, report: &mut Report) {
    let mut cold = wanted("life").then(life::Life::cold);
    let mut warm = match wanted("life") || wanted("cli") {
        true => Some(runtime.block_on(life::Life::warm())),
        false => None,
    };
    let mut callers = wanted("calls").then(calls::Calls::prepare);
    let mut echoes = wanted("floor").then(echo::Echoes::prepare);
    let peers = wanted("peers").then(|| peers::Peers::prepare(report));
    for block in 0..=BLOCKS {
        // The first one only warms caches.
        report.keep(block > 0);
        runtime.block_on(report.machine.pause());
        if let Some(cold) = &cold {
            runtime.block_on(cold.rounds(report));
        }
        if let Some(peers) = &peers {
            peers.rounds(report);
        }
        if let Some(echoes) = &mut echoes {
            floor::processes(report);
            floor::flushes(report);
            echoes.rounds(report);
        }
        if let Some(callers) = &mut callers {
            callers.rounds(report);
        }
        if let (Some(warm), true) = (&warm, wanted("life")) {
            runtime.block_on(warm.rounds(report));
        }
        if let (Some(warm), true) = (&warm, wanted("cli")) {
            runtime.block_on(cli::rounds(warm, report));
        }
    }
    report.keep(true);
    // All of them before the first is dropped: the harness then looks for what any of them left.
    let lives = cold.iter_mut().chain(&mut warm).map(|life| &mut life.daemon);
    for daemon in lives.chain(callers.iter_mut().map(|callers| &mut callers.daemon)) {
        assert!(daemon.terminate().success());
    }
}
