//! Prints how fast vaults start and go, for people: `cargo test --test sandbox measure -- --ignored
//! --nocapture`. It judges nothing, for a test that fails by the clock fails for other reasons.

#![allow(clippy::print_stdout, reason = "printing is its purpose")]

use crate::support::leak::{Ground, vault_id};
use crate::support::probe;
use hauki::model::limits::Limits;
use hauki::model::receipt::Resource;
use hauki_sandbox::stopwatch::Moment;
use hauki_sandbox::{Driver, Sandbox};

const ROUNDS: usize = 200;

fn show(what: &str, mut us: Vec<u64>) {
    us.sort_unstable();
    let at = |percent: usize| us[(us.len() * percent / 100).min(us.len() - 1)];
    println!("{what:28} median {:6} us, p99 {:6} us", at(50), at(99));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures, judges nothing"]
async fn figures() {
    let ground = Ground::new("measure");
    let driver = ground.driver(&probe::init_binary());
    let limits = Limits::default();
    driver.start(&vault_id(), &limits).await.expect("starts").sandbox.reclaim().await;
    let (mut starts, mut deaths, mut reclaims) = (Vec::new(), Vec::new(), Vec::new());
    let mut monitors = Vec::new();
    for _ in 0..ROUNDS {
        let began = Moment::now();
        let (_channel, sandbox) = driver.launch(&vault_id(), &limits).await.expect("starts");
        starts.push(began.elapsed_us());
        let began = Moment::now();
        let lines = sandbox.reclaim().await;
        reclaims.push(began.elapsed_us());
        let gone = |what| lines.iter().find(|line| line.what == what).map(|line| line.gone_after_us);
        deaths.push(gone(Resource::Process).expect("is a line"));
        monitors.push(gone(Resource::Monitor).expect("is a line"));
    }
    show("start to the first bytes", starts);
    show("kill to seen dead", deaths);
    show("kill to monitor reaped", monitors);
    show("reclaim, everything checked", reclaims);
    // Does not depend on what else the machine does, as all the above does.
    let spawner = driver.spawner_pid().await.expect("runs");
    let stat = std::fs::read_to_string(format!("/proc/{spawner}/stat")).expect("runs");
    let fields: Vec<&str> = stat.rsplit_once(") ").expect("is a stat line").1.split(' ').collect();
    let ticks: u64 = fields[11..15].iter().map(|ticks| ticks.parse::<u64>().expect("a number")).sum();
    println!("processor time of one life    {:6} us", ticks * 10_000 / (ROUNDS as u64 + 1));
    let began = Moment::now();
    let ids: Vec<_> = (0..60).map(|_| vault_id()).collect();
    let all = futures_util::future::join_all(ids.iter().map(|id| driver.launch(id, &limits))).await;
    let started = began.elapsed_us();
    let all: Vec<_> = all.into_iter().map(|one| one.expect("starts")).collect();
    let began = Moment::now();
    all.iter().for_each(|(_, sandbox)| sandbox.kill());
    futures_util::future::join_all(all.iter().map(|(_, sandbox)| sandbox.reclaim())).await;
    println!("60 at once: {started} us to start, {} us to reclaim", began.elapsed_us());
    driver.idle().await;
    driver.close().await;
    ground.assert_clean(driver.group());
}
