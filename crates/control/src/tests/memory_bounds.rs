//! A day of requests, in less than a day: what the core keeps of them has a bound, in memory and on the disk.
//!
//! Rounds of cycles (a queued one among them), each followed by a pruning as it would be a day later. In a process of
//! its own, for others' memory is not to be measured. `HAUKI_TEST_CYCLES` makes it longer.

use std::process::{Command, Stdio};

use jiff::SignedDuration;

use super::*;
use crate::retention::Most;
use crate::start;
use hauki_contract::api::spool::SpoolRequest;
use hauki_contract::system::clock;

const CHILD: &str = "HAUKI_TEST_GROWTH_CHILD";
const CYCLES: &str = "HAUKI_TEST_CYCLES";
const ROUNDS: usize = 10;
const ABREAST: usize = 50;

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("proc is mounted");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("has a size");
    line.split_whitespace().nth(1).expect("has a number").parse().expect("is a number")
}

async fn cycle(core: &Arc<Core>, key: String) {
    let mut request = spawning(&key);
    request.summons.name = format!("n{key}").parse().ok();
    request.summons.args = vec![key.clone().into()];
    let made = core.spawn(request).await.expect("spawns");
    core.destruct(&made.vault.id, Default::default(), None).await.expect("ends");
    let summons = core.summon(summons(&format!("s{key}"))).await.expect("summons").id;
    let placement = Placement::default();
    let queued = SpoolRequest { key: format!("q{key}"), summons, placement, priority: 5, deadline_ms: None };
    let entry = core.spool_put(queued, format!("uid {}", key.len())).await.expect("is queued");
    core.spool_remove(&entry.id).await.expect("is removed");
}

async fn grow(cycles: usize) {
    let directory = tempfile::tempdir().expect("a directory");
    let node = Arc::new(FakeNode::new("n1".parse().expect("a name")));
    let name = "n1".parse().expect("a name");
    let member = Member { name, labels: BTreeMap::new(), api: node.clone(), address: None };
    let core = start::open(directory.path(), CoreSettings::of(vec![member])).expect("opens");
    let store = directory.path().join("core/store.db");
    let bytes = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |found| found.len());
    for round in 0..ROUNDS {
        for first in (0..cycles / ROUNDS).step_by(ABREAST) {
            let mut tasks = tokio::task::JoinSet::new();
            for number in first..first + ABREAST {
                let core = core.clone();
                tasks.spawn(async move { cycle(&core, format!("{round}.{number}")).await });
            }
            tasks.join_all().await;
        }
        // What the fake remembers is not the core's.
        node.restart();
        let tomorrow = clock::now() + SignedDuration::from_hours(25);
        core.phases().retention.prune(tomorrow, Most::default()).await.expect("prunes");
        let left = core.basis().records.size("").await.expect("counts").documents;
        let (file, log) = (bytes(&store), bytes(&store.with_extension("db-wal")));
        println!("\nround {left} {file} {log} {}", resident_kib());
    }
}

#[tokio::test]
async fn a_day_of_requests_leaves_nothing_that_grows() {
    let cycles = std::env::var(CYCLES).ok().and_then(|text| text.parse().ok()).unwrap_or(1_500);
    if std::env::var_os(CHILD).is_some() {
        return grow(cycles).await;
    }
    let output = Command::new(std::env::current_exe().expect("a test binary"))
        .args(["--exact", "--nocapture", "tests::memory_bounds::a_day_of_requests_leaves_nothing_that_grows"])
        .env(CHILD, "1")
        .env(CYCLES, cycles.to_string())
        .stderr(Stdio::inherit())
        .output()
        .expect("runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let rounds: Vec<Vec<u64>> = said
        .lines()
        .filter_map(|line| line.strip_prefix("round "))
        .map(|line| line.split(' ').map(|number| number.parse().expect("is a number")).collect())
        .collect();
    assert_eq!(rounds.len(), ROUNDS, "{said}");
    for round in &rounds {
        assert!(round[0] < 10, "documents are left: {rounds:?}");
    }
    // The rings of events fill, and the allocator keeps what was freed; then it stands.
    let (settled, last) = (&rounds[ROUNDS / 2], &rounds[ROUNDS - 1]);
    assert!(last[1] <= settled[1] + settled[1] / 4 + (1 << 18), "the file grows: {rounds:?}");
    assert!(last[2] <= 64 << 20, "the log grows: {rounds:?}");
    assert!(last[3] <= settled[3] + 12 * 1024, "memory grows: {rounds:?}");
}
