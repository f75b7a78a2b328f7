//! `hauki bench` against a real daemon: figures that fit together, and nothing left behind.

use std::process::Stdio;

use crate::support::daemon::{Daemon, signal};
use crate::support::until::until;
use rustix::process::Signal;
use serde_json::Value;

#[test]
fn its_figures_are_of_as_many_rounds_as_were_asked_for_and_no_vault_stays() {
    let daemon = Daemon::start();
    let output =
        daemon.hauki().args(["bench", "-n", "3", "--calls", "40", "-o", "jsonl"]).output().expect("runs");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("is text");
    let figures: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("is a record")).collect();
    let rounds: Vec<_> = figures
        .iter()
        .map(|figure| {
            assert_eq!(figure["kind"], "figure");
            let time = |name: &str| figure[name].as_u64().expect("is a time");
            let names = ["min_us", "p50_us", "p95_us", "p99_us", "max_us"];
            assert!(names.windows(2).all(|pair| time(pair[0]) <= time(pair[1])), "{figure}");
            let plot = figure["plot"].as_array().expect("is a plot").iter().filter_map(Value::as_u64);
            let rounds = time("rounds");
            assert_eq!(plot.sum::<u64>(), rounds);
            (figure["name"].as_str().expect("has a name").trim().to_owned(), rounds)
        })
        .collect();
    let of = |name: &str| rounds.iter().find(|(other, _)| other == name).map(|(_, rounds)| *rounds);
    assert_eq!(of("request to ticket"), Some(3));
    assert_eq!(of("one call"), Some(40));
    assert_eq!(of("destruct to receipt"), Some(3));
    // The whole holds its part.
    let half = |index: usize| figures[index]["p50_us"].as_u64().expect("is a time");
    assert!(half(0) >= half(1) && half(4) >= half(5), "{text}");
    let left = daemon.hauki().args(["ls", "-o", "id"]).output().expect("runs");
    assert_eq!(String::from_utf8_lossy(&left.stdout), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_interrupted_takes_its_vault_along() {
    let daemon = Daemon::start();
    let mut bench = daemon
        .hauki()
        .args(["bench", "-n", "100000"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let endpoint = daemon.endpoint();
    let living = async || endpoint.vaults(&Default::default()).await.expect("is up").vaults.len();
    until("its vault", async || {
        assert!(bench.try_wait().expect("is ours").is_none(), "it has ended by itself");
        living().await > 0
    })
    .await;
    signal(bench.id(), Signal::INT);
    let output = bench.wait_with_output().expect("is ours");
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    // One that was just being forged is undone by the daemon. One whose ticket was on its way then is nobody's, and
    // ends with its short claim lease.
    until("nothing is left", async || living().await == 0).await;
    let dead = daemon.hauki().args(["ls", "--all", "-o", "jsonl"]).output().expect("runs");
    let text = String::from_utf8(dead.stdout).expect("is text");
    let unclaimed: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("is a record"))
        .filter(|vault: &Value| vault["receipt"]["death"]["cause"] == "unclaimed")
        .collect();
    assert!(unclaimed.len() <= 1, "{text}");
    for vault in unclaimed {
        assert_eq!(vault["terms"]["claim_ms"], 10_000, "{vault}");
    }
}
