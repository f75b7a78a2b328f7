//! The queue on real daemons: by hand, and through `kill -9` of the core.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::support::daemon::{Daemon, spawning};
use crate::support::until::bounded;
use hauki::api::spool::{SpoolEntry, SpoolRequest, SpoolState, SpoolWait};
use hauki::client::ControlPlane;
use hauki::model::gem::Wishes;
use hauki::model::id::VaultId;

const WORKER: &str = "function f() { return 42; }";

fn hauki(daemon: &Daemon, arguments: &[&str]) -> Command {
    std::fs::write(daemon.dir.path().join("w.js"), WORKER).expect("writes");
    let mut command = daemon.hauki();
    command.current_dir(daemon.dir.path()).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn json(output: &Output) -> serde_json::Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("is one record")
}

#[test]
fn by_hand() {
    let dir = Daemon::ground("");
    let config = dir.path().join("hauki.yaml");
    let text =
        std::fs::read_to_string(&config).expect("was written").replace("max_vaults: 64", "max_vaults: 1");
    std::fs::write(&config, text).expect("is ours");
    let daemon = Daemon::start_in(dir, "all", &[]);
    let first = json(&hauki(&daemon, &["clone", "w.js", "--claim", "10m"]).output().expect("runs"));
    let refused = hauki(&daemon, &["clone", "w.js"]).output().expect("runs");
    assert_eq!(refused.status.code(), Some(75), "{}", String::from_utf8_lossy(&refused.stderr));

    let waiting =
        hauki(&daemon, &["summon", "w.js", "--claim", "10m", "--spool", "--wait", "--progress", "plain"])
            .spawn()
            .expect("starts");
    let endpoint = daemon.endpoint();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    // The command has to come as far as the queue; its entry is what is awaited.
    let queued = async {
        loop {
            let entries = endpoint.spool_list(&Default::default()).await.expect("lists").entries;
            if let Some(entry) = entries.into_iter().next() {
                return entry;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let entry = runtime.block_on(bounded("its entry", queued));
    assert_eq!((entry.place, entry.owner.as_str()), (Some(1), "uid 0"));
    let second = json(&hauki(&daemon, &["summon", "w.js", "--spool"]).output().expect("runs"));
    assert_eq!((second["kind"].as_str(), second["place"].as_u64()), (Some("spool"), Some(2)));
    let table = hauki(&daemon, &["spool", "ls", "-o", "table"]).output().expect("runs");
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    assert!(table.contains("PLACE") && table.contains("waiting"), "{table}");
    let id = second["id"].as_str().expect("has an id");
    // In whichever letters somebody types it.
    for (beginning, of) in
        [(&id[..18], "spool"), (&second["summons"].as_str().expect("is named")[..18], "summons")]
    {
        let lower = beginning.to_lowercase();
        let words = if of == "spool" {
            &["spool", "show", &lower, "-o", "jsonl"][..]
        } else {
            &["show", &lower, "-o", "jsonl"]
        };
        let shown = json(&hauki(&daemon, words).output().expect("runs"));
        assert_eq!(
            (shown["kind"].as_str(), &shown["id"]),
            (Some(of), if of == "spool" { &second["id"] } else { &second["summons"] })
        );
    }
    for (words, told) in [
        (&["spool", "show", "spl_01"][..], "type at least 8 letters of the id; hauki spool ls"),
        (&["spool", "rm", "spl_00000000"], "there is no id, no live worker and no file spl_00000000"),
        (&["forge", "sum_00000000"], "there is no id, no live worker and no file sum_00000000"),
    ] {
        let missed = hauki(&daemon, words).output().expect("runs");
        let said = String::from_utf8_lossy(&missed.stderr).into_owned();
        assert!(missed.status.code() == Some(3) && said.contains(told), "{words:?}: {said}");
    }
    assert!(hauki(&daemon, &["spool", "rm", id]).status().expect("runs").success());
    assert_eq!(hauki(&daemon, &["spool", "show", id]).status().expect("runs").code(), Some(3));

    let id = first["vault"].as_str().expect("is a ticket");
    assert!(hauki(&daemon, &["destruct", id]).status().expect("runs").success());
    let forged = waiting.wait_with_output().expect("ends");
    assert_eq!(json(&forged)["kind"], "vault");
    let said = String::from_utf8_lossy(&forged.stderr).into_owned();
    assert!(said.contains("place 1") && said.contains("forged on local"), "{said}");
    let mut ticket = hauki(&daemon, &["ticket", "-"]);
    let mut ticket = ticket.stdin(Stdio::piped()).spawn().expect("starts");
    ticket.stdin.take().expect("is piped").write_all(&forged.stdout).expect("is read");
    let ticket = ticket.wait_with_output().expect("ends");
    std::fs::write(daemon.dir.path().join("t.json"), &ticket.stdout).expect("writes");
    assert_eq!(json(&hauki(&daemon, &["proxy", "call", "t.json", "f"]).output().expect("runs")), 42);

    // Its source does not load, and no sandbox will make it.
    std::fs::write(daemon.dir.path().join("bad.js"), "function create() { throw new Error('no'); }")
        .expect("writes");
    assert!(hauki(&daemon, &["destruct", "t.json"]).status().expect("runs").success());
    let dead = hauki(&daemon, &["summon", "bad.js", "--spool", "--wait"]).output().expect("runs");
    assert_eq!(dead.status.code(), Some(7), "{}", String::from_utf8_lossy(&dead.stderr));
    let letters = json(&hauki(&daemon, &["spool", "ls", "--state", "dead"]).output().expect("runs"));
    assert_eq!(letters["error"]["code"], "worker_failed");
}

async fn queued(endpoint: &ControlPlane, number: u32) -> SpoolEntry {
    let mut summons = spawning(WORKER, Wishes { claim_ms: Some(600_000), ..Wishes::default() }).summons;
    summons.key = format!("k{number}");
    let summons = endpoint.summon(&summons).await.expect("summons").id;
    let request = SpoolRequest {
        key: format!("k{number}"),
        summons,
        placement: Default::default(),
        priority: 5,
        deadline_ms: None,
    };
    endpoint.spool_put(&request).await.expect("is queued")
}

async fn forged(endpoint: &ControlPlane, entry: &SpoolEntry) -> VaultId {
    let mut place = None;
    loop {
        let shown =
            endpoint.spool_show(&entry.id, &SpoolWait { wait_ms: 10_000, place }).await.expect("shows");
        assert_ne!(shown.entry.state, SpoolState::Dead, "{:?}", shown.entry.error);
        if let Some(vault) = shown.entry.vault {
            return vault;
        }
        place = shown.entry.place;
    }
}

/// The core is killed in the middle of the work, again and again; the node goes on. In the end each
/// key has one vault, each vault lives, and there is none besides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_core_that_is_killed_at_any_point_loses_nothing_and_doubles_nothing() {
    const MANY: u32 = 24;
    let dir = Daemon::ground("");
    let socket = dir.path().join("node.sock");
    let config = dir.path().join("hauki.yaml");
    let mut text = std::fs::read_to_string(&config).expect("was written");
    text.push_str(&format!("nodes: [{{name: local, socket: {}}}]\n", socket.display()));
    std::fs::write(&config, text).expect("is ours");
    let node = Daemon::start_in(dir, "node", &[]);
    let mut core = Daemon::start_in(node.dir.clone(), "core", &[]);
    let mut entries = Vec::new();
    for number in 0..MANY {
        entries.push(queued(&core.endpoint(), number).await);
        // Killed with the work begun at that moment, whatever it is.
        if number % 4 == 3 {
            core.kill();
            core.restart();
        }
    }
    let endpoint = core.endpoint();
    let mut vaults = BTreeSet::new();
    for (number, entry) in (0..).zip(&entries) {
        vaults.insert(forged(&endpoint, entry).await);
        let again = queued(&endpoint, number).await;
        assert_eq!((&again.id, again.changed), (&entry.id, false), "the key stands for its entry");
    }
    assert_eq!(vaults.len(), MANY as usize);
    let living: BTreeSet<VaultId> = endpoint
        .vaults(&Default::default())
        .await
        .expect("lists")
        .vaults
        .into_iter()
        .map(|vault| vault.id)
        .collect();
    assert_eq!(living, vaults);
    // The node itself may still be ending what a killed core had ordered and not recorded.
    let there = async {
        loop {
            let nodes = endpoint.nodes().await.expect("lists").nodes;
            if nodes[0].vaults == MANY {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), there).await.expect("the node has these and no other");
    drop(core);
    drop(node);
}
