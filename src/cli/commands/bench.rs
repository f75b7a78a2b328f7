//! `hauki bench`: what an operator's own swarm takes for the phases and for a call.
//!
//! Every round is a vault of its own, which is destructed before the next; one that is left when the
//! command is interrupted is destructed on the way out. One whose ticket was on the way just then is known to nobody
//! here, so its claim lease is short. Times are those of this process: they hold the way to the control plane and to
//! the node.

use clap::Args;

use super::forge::PlacementArgs;
use crate::api::summons::{Origin, SpawnRequest, Spawned, SummonsRequest};
use crate::api::teardown::DestructQuery;
use crate::cli::context::{Ctx, Limit};
use crate::cli::error::CliError;
use crate::cli::kinds::{Figure, GROUPS};
use crate::cli::number_args::whole;
use crate::cli::record::Record;
use crate::client::Exit;
use crate::client::endpoint::ControlPlane;
use crate::client::ghost::{Ghost, GhostOptions};
use crate::model::gem::Wishes;
use hauki_contract::system::{clock, random};

const AFTER: &str = "\
Makes a small worker, calls it, and destructs it, again and again, and shows how long each step took
as least, median and high percentiles, with a plot of where the times lie between least and most.
One round goes before, which is not counted. What the machines do besides is in the times.

Examples:
  hauki bench
  hauki bench -n 100 --calls 5000 --node n3
  hauki bench -o jsonl | jq -r '[.name, .p50_us] | @tsv'";

const WORKER: &str = "function echo(x) { return x; }";
/// Each is called at once; longer than that takes on any machine that is worth measuring.
const CLAIM_MS: u64 = 10_000;
const PARAMS: &str = r#"[{"n":1,"s":"scout"}]"#;

/// Measure the phases and a call on your own swarm
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct BenchArgs {
    /// Vaults, one after the other
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20,
          allow_negative_numbers = true, value_parser = whole::<u32, 1, 100_000>)]
    rounds: u32,
    /// Calls of the first vault, one after the other
    #[arg(long, value_name = "N", default_value_t = 500,
          allow_negative_numbers = true, value_parser = whole::<u32, 1, 10_000_000>)]
    calls: u32,
    #[command(flatten)]
    placement: PlacementArgs,
}

/// Of one step, in any order; nothing if it was never done.
fn figure(name: &'static str, mut times: Vec<u64>) -> Option<Figure> {
    times.sort_unstable();
    let (min_us, max_us) = (*times.first()?, *times.last()?);
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    let mut plot = [0; GROUPS];
    for time in &times {
        let group = (time - min_us) as usize * GROUPS / ((max_us - min_us) as usize + 1);
        plot[group] += 1;
    }
    let (name, rounds) = (name.into(), times.len());
    Some(Figure { name, rounds, min_us, p50_us: at(50), p95_us: at(95), p99_us: at(99), max_us, plot })
}

#[derive(Default)]
struct Times {
    spawn: Vec<u64>,
    forge: Vec<u64>,
    connect: Vec<u64>,
    call: Vec<u64>,
    destruct: Vec<u64>,
    reclaim: Vec<u64>,
}

pub(crate) fn run(ctx: &Ctx, args: &BenchArgs) -> Result<Exit, CliError> {
    ctx.out.list();
    let times = ctx.block_on(Limit::OnlyIfSet, async {
        let endpoint = ctx.endpoint().await?;
        round(ctx, args, endpoint, 0, &mut Times::default()).await?;
        let mut times = Times::default();
        for number in 0..args.rounds {
            let calls = if number == 0 { args.calls } else { 0 };
            round(ctx, args, endpoint, calls, &mut times).await?;
        }
        Ok(times)
    })?;
    let Times { spawn, forge, connect, call, destruct, reclaim } = times;
    for (name, times) in [
        ("request to ticket", spawn),
        ("  of which forging, on the node", forge),
        ("connect, authenticate, first call", connect),
        ("one call", call),
        ("destruct to receipt", destruct),
        ("  of which reclaiming, on the node", reclaim),
    ] {
        if let Some(figure) = figure(name, times) {
            ctx.out.record(Record::new(&figure))?;
        }
    }
    Ok(Exit::Ok)
}

/// The life of one vault.
async fn round(
    ctx: &Ctx,
    args: &BenchArgs,
    endpoint: &ControlPlane,
    calls: u32,
    times: &mut Times,
) -> Result<(), CliError> {
    let request = SpawnRequest {
        summons: SummonsRequest {
            key: random::idempotency_key(),
            origin: Origin::Source { text: WORKER.to_owned(), file: "bench.js".into(), compilation: None },
            args: Vec::new(),
            wishes: Wishes { claim_ms: Some(CLAIM_MS), ..Wishes::default() },
            labels: Default::default(),
            dry_run: false,
            name: None,
        },
        placement: args.placement.placement(&[]),
        ticket: Default::default(),
        get_or_create: false,
    };
    let began = clock::mono();
    let spawned = args.placement.patiently(async || endpoint.spawn(&request).await).await?;
    times.spawn.push(clock::mono().since(began));
    ctx.made(&spawned.vault.id);
    times.forge.push(spawned.vault.forged_us);
    calling(&spawned, calls, times).await?;
    let began = clock::mono();
    let torn = endpoint.destruct(&spawned.vault.id, &DestructQuery::default()).await?;
    times.destruct.push(clock::mono().since(began));
    ctx.out.ledger.reported(&spawned.vault.id);
    times.reclaim.extend(torn.receipt.map(|receipt| receipt.reclaimed_us));
    Ok(())
}

async fn calling(spawned: &Spawned, calls: u32, times: &mut Times) -> Result<(), CliError> {
    let began = clock::mono();
    let ghost = Ghost::open(&spawned.ticket, GhostOptions::default()).await?;
    ghost.call("echo", Some(PARAMS)).await?;
    times.connect.push(clock::mono().since(began));
    for _ in 0..calls {
        let began = clock::mono();
        ghost.call("echo", Some(PARAMS)).await?;
        times.call.push(clock::mono().since(began));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_its_times_in_order_and_in_groups() {
        let many = figure("x", (1..=100).rev().collect()).expect("there are times");
        assert_eq!((many.min_us, many.p50_us, many.p95_us, many.p99_us), (1, 50, 95, 99));
        assert_eq!((many.max_us, many.rounds), (100, 100));
        assert_eq!(many.plot.iter().sum::<u32>(), 100);
        assert!(many.plot.iter().all(|count| (6..=7).contains(count)), "{:?}", many.plot);
        let one = figure("x", vec![7; 5]).expect("there are times");
        assert_eq!((one.min_us, one.max_us, one.plot[0]), (7, 7, 5));
        assert!(figure("x", Vec::new()).is_none());
    }
}
