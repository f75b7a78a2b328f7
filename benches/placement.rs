//! Placement alone: 10,000 simulated nodes, no daemon. `cargo bench --bench placement`.
//!
//! What is counted does not depend on the machine and is held to: the fullest node has at most 1.1
//! times the mean at the end of 100,000 summons. What is timed is printed only.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hauki::api::vault::Placement;
use hauki::model::config::Policy;
use hauki_control::scheduler::{Candidate, NodeLoad, PlacementRequest, choose, explain};

const NODES: usize = 10_000;
const SUMMONS: usize = 100_000;
const MEMORY: u64 = 12 << 20;

#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn timed(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

/// Every tenth node has a label.
fn swarm() -> Vec<Candidate> {
    (0..NODES)
        .map(|number| {
            let word = NodeLoad { max_vaults: 1000, free_memory_bytes: 64 << 30, ..NodeLoad::default() };
            let labels = (number % 10 == 0).then(|| ("gpu".to_owned(), "yes".to_owned()));
            let name = format!("n{number:05}").parse().expect("a name");
            Candidate::new(name, labels.into_iter().collect(), Ok(word), Policy::Spread)
        })
        .collect()
}

#[allow(clippy::print_stdout, reason = "a benchmark's figures are its output")]
fn report(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!("{what:<44} p50 {:>9.1?}  p95 {:>9.1?}  p99 {:>9.1?}", at(50), at(95), at(99));
}

#[allow(clippy::print_stdout, reason = "a benchmark's figures are its output")]
fn main() {
    if std::env::args().any(|word| word == "--test") {
        return;
    }
    let apart = BTreeMap::new();
    let gpu = Placement { labels: [("gpu".into(), "yes".into())].into(), ..Placement::default() };
    let any = Placement::default();
    let mut nodes = swarm();
    let mut load = vec![0_u64; NODES];
    let mut times = Vec::with_capacity(SUMMONS);
    for _ in 0..SUMMONS {
        let mut place = None;
        let wanted = PlacementRequest { wish: &any, memory_bytes: MEMORY, apart: &apart };
        times.push(timed(|| place = choose(&nodes, &wanted)));
        let place = place.expect("there is room");
        nodes[place].took(MEMORY, Policy::Spread);
        load[place] += 1;
    }
    report("one placement among 10,000 nodes", times);
    let (fullest, mean) = (load.iter().max().copied().unwrap_or(0), SUMMONS as f64 / NODES as f64);
    println!(
        "{:<44} {fullest} vaults, the mean {mean}: {:.2}",
        "the fullest node after 100,000",
        fullest as f64 / mean
    );
    assert!(fullest as f64 <= 1.1 * mean, "the fullest node has {fullest}, the mean is {mean}");
    let wanted = PlacementRequest { wish: &gpu, memory_bytes: MEMORY, apart: &apart };
    let choice = || {
        std::hint::black_box(choose(&nodes, &wanted));
    };
    report("with a label that every tenth has", (0..1000).map(|_| timed(choice)).collect());
    let wanted = PlacementRequest { wish: &any, memory_bytes: MEMORY, apart: &apart };
    report("all 10,000 explained", (0..50).map(|_| timed(|| drop(explain(&nodes, &wanted)))).collect());
}
