//! A hundred nodes with one core: a real `haukid core`, a hundred SSH sessions to real sshds, and
//! behind them the nodes' real routes over fakes. What it costs, and who waits for whom.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use crate::support::daemon::{self, Daemon};
use crate::support::sshd::Sshd;
use hauki::api::summons::Spawned;
use hauki::api::teardown::{BeatRequest, BeatTarget};
use hauki::api::vault::Placement;
use hauki::model::id::NodeName;
use hauki_control::fake_node::{FakeCall, FakeNode};
use hauki_control::store::{CommitOutcome, Expect, SqliteStore, Store as _, Txn};
use serde_json::json;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

const NODES: usize = 100;
/// Of these, so many hang while their sshd answers, and so many disappear from the network.
const HANGING: usize = 10;
const SILENT: usize = 10;

/// Far beyond anything that works.
const HANG: Duration = Duration::from_secs(240);

fn name(number: usize) -> NodeName {
    format!("n{number:03}").parse().expect("a name")
}

struct Swarm {
    core: Daemon,
    fakes: Vec<Arc<FakeNode>>,
    serving: Vec<JoinHandle<std::io::Result<()>>>,
    /// The server of those that will disappear.
    fading: Sshd,
    _sshd: Sshd,
}

impl Swarm {
    async fn start() -> Self {
        let (sshd, fading) = (Sshd::start("MaxStartups 300"), Sshd::start("MaxStartups 300"));
        let dir = Daemon::ground("");
        let home = dir.path().join("core");
        std::fs::create_dir(&home).expect("is ours");
        let known = [&sshd, &fading].map(|sshd| std::fs::read_to_string(sshd.path("known_hosts")));
        let known: String = known.into_iter().map(|text| text.expect("is there")).collect();
        std::fs::write(home.join("known_hosts"), known).expect("is ours");
        let (mut fakes, mut serving, mut txn) =
            (Vec::new(), Vec::new(), Txn::in_any_case("nobody else is there"));
        for number in 0..NODES {
            let server = if number < NODES - SILENT { &sshd } else { &fading };
            let socket = server.path(&format!("{number}.sock"));
            let fake = Arc::new(FakeNode::new(name(number)));
            let listener = tokio::net::UnixListener::bind(&socket).expect("binds");
            let router = hauki_node::routes::router(fake.clone());
            serving.push(tokio::spawn(std::future::IntoFuture::into_future(axum::serve(listener, router))));
            fakes.push(fake);
            let node = json!({
                "name": name(number),
                "ssh": format!("root@127.0.0.1:{}", server.relay.port),
                "key_file": server.path("id"),
                "socket": socket,
            });
            // What `hauki node add` writes when it has installed a node.
            let record = json!({ "node": node, "by_bridge": false, "sudo": false, "draining": false });
            let key = format!("node/{}", name(number));
            txn = txn.check(key.as_str(), Expect::Absent).put(key, record.to_string().into_bytes());
        }
        let store = SqliteStore::open(&home.join("store.db")).expect("opens");
        assert!(matches!(store.commit(txn).await.expect("commits"), CommitOutcome::Committed { .. }));
        drop(store);
        // No key has signed anything yet.
        std::fs::write(home.join("start-anew"), "").expect("is ours");
        let core = Daemon::start_in(dir, "core", &[]);
        Self { core, fakes, serving, fading, _sshd: sshd }
    }

    async fn until_ready(&self, count: usize) {
        let endpoint = self.core.endpoint();
        let looking = async {
            loop {
                let nodes = endpoint.nodes().await.expect("lists").nodes;
                assert_eq!(nodes.len(), NODES);
                if nodes.iter().filter(|node| node.state == "ready").count() == count {
                    return;
                }
            }
        };
        timeout(HANG, looking).await.expect("come and go");
    }

    async fn spawn(&self, number: usize) -> Spawned {
        let mut request = daemon::spawning("function scan() {}", Default::default());
        request.placement = Placement { node: Some(name(number)), ..Placement::default() };
        let spawned = self.core.endpoint().spawn(&request).await.expect("spawns");
        assert_eq!(spawned.vault.node, name(number));
        spawned
    }

    /// A number of `/proc/PID/status`.
    fn status(&self, field: &str) -> usize {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.core.pid())).expect("lives");
        let line = text.lines().find_map(|line| line.strip_prefix(field)).expect("is a field");
        let number = line.trim_start_matches(':').split_whitespace().next().expect("has a value");
        number.parse().expect("is a number")
    }

    /// One thread for a session, and a few for everything else.
    #[expect(clippy::print_stdout, reason = "a failed test shows what it cost until then")]
    fn assert_bounded(&self, when: &str) {
        let (threads, kib) = (self.status("Threads"), self.status("VmRSS"));
        println!("{when}: {threads} threads, {} MiB", kib / 1024);
        assert!((NODES..=NODES + 40).contains(&threads), "{threads} threads {when}");
        assert!(kib < 256 * 1024, "{kib} KiB {when}");
    }
}

impl Drop for Swarm {
    fn drop(&mut self) {
        self.serving.iter().for_each(JoinHandle::abort);
    }
}

fn target(spawned: &Spawned) -> BeatTarget {
    BeatTarget { vault: spawned.vault.id.clone(), generation: None }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn some_that_hang_keep_nobody_waiting() {
    let swarm = Swarm::start().await;
    swarm.until_ready(NODES).await;
    swarm.assert_bounded("with a hundred sessions");
    let mut spawned = Vec::new();
    for number in 0..NODES {
        spawned.push(swarm.spawn(number).await);
    }

    // Ten take requests and never answer; ten are gone without a word.
    swarm.fakes[..HANGING].iter().for_each(|fake| fake.hold(Some(FakeCall::Beat)));
    swarm.fading.relay.silence(true);
    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let mut crowd = JoinSet::new();
    let lost: Vec<usize> = (0..HANGING).chain(NODES - SILENT..NODES).collect();
    for number in lost.iter().copied().flat_map(|number| [number; 4]) {
        let (endpoint, stop, answered) = (swarm.core.endpoint(), stop.clone(), answered.clone());
        let request = BeatRequest { vaults: vec![target(&spawned[number])], by: None };
        crowd.spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                let beat = endpoint.beat(&request).await;
                let good = beat.is_ok_and(|reply| reply.beats[0].error.is_none());
                answered.fetch_add(u32::from(good), Ordering::SeqCst);
            }
        });
    }
    for fake in &swarm.fakes[..HANGING] {
        fake.somebody_waits().await;
    }
    // Were one of these to wait for one of those, it would be for seconds, each time.
    let good = HANGING..NODES - SILENT;
    let others = async {
        for _ in 0..5 {
            for number in good.clone() {
                let request = BeatRequest { vaults: vec![target(&spawned[number])], by: None };
                let reply = swarm.core.endpoint().beat(&request).await.expect("answers");
                assert!(reply.beats[0].error.is_none(), "{reply:?}");
            }
        }
        for number in good.clone() {
            swarm.spawn(number).await;
        }
    };
    timeout(HANG, others).await.expect("nobody waits for those that hang");
    swarm.assert_bounded("while twenty hang");

    // In one request for all of them, each gets its own answer, in its place.
    let vaults = spawned.iter().map(target).collect();
    let reply = swarm.core.endpoint().beat(&BeatRequest { vaults, by: None }).await.expect("answers");
    for (number, beat) in reply.beats.iter().enumerate() {
        assert_eq!(beat.vault, spawned[number].vault.id);
        assert_eq!(beat.error.is_none(), good.contains(&number), "{number}: {beat:?}");
    }
    stop.store(true, Ordering::SeqCst);
    timeout(HANG, crowd.join_all()).await.expect("each has a deadline");
    assert_eq!(answered.load(Ordering::SeqCst), 0, "they did hang");

    // Those that come back are there again, with their vaults.
    swarm.fakes[..HANGING].iter().for_each(|fake| fake.hold(None));
    swarm.fading.relay.silence(false);
    swarm.fading.relay.cut();
    swarm.until_ready(NODES).await;
    for number in lost {
        let request = BeatRequest { vaults: vec![target(&spawned[number])], by: None };
        let reply = swarm.core.endpoint().beat(&request).await.expect("answers");
        assert!(reply.beats[0].error.is_none(), "{reply:?}");
    }
    swarm.assert_bounded("when all are back");
}
