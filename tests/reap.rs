//! `destruct --reap` over real daemons: a core and two nodes, one of which goes.

#[path = "support/daemon.rs"]
mod daemon;

use std::process::Output;

use daemon::{Daemon, spawning};
use hauki::api::summons::SpawnRequest;
use hauki::api::vault::Placement;
use hauki::model::gem::Wishes;
use hauki::model::id::VaultId;

/// A node of that name, on a ground of its own.
fn node(name: &str) -> Daemon {
    let dir = Daemon::ground("");
    let config = dir.path().join("hauki.yaml");
    let text = std::fs::read_to_string(&config).expect("was written");
    std::fs::write(&config, text.replace("node: {", &format!("node: {{ name: {name},"))).expect("is ours");
    Daemon::start_in(dir, "node", &[])
}

async fn spawned(core: &Daemon, node: &str) -> VaultId {
    let request = spawning("function f() {}", Wishes { claim_ms: Some(600_000), ..Wishes::default() });
    let placement = Placement { node: node.parse().ok(), ..Placement::default() };
    core.endpoint().spawn(&SpawnRequest { placement, ..request }).await.expect("spawns").vault.id
}

fn reaped(core: &Daemon, more: &[&str]) -> (Option<i32>, String, String) {
    let arguments = ["destruct", "--reap", "--older-than", "0s"];
    let Output { status, stdout, stderr } = core.hauki().args(arguments).args(more).output().expect("runs");
    (status.code(), String::from_utf8_lossy(&stdout).into(), String::from_utf8_lossy(&stderr).into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_gone_is_an_error_of_that_node_only() {
    let (here, mut there) = (node("here"), node("there"));
    let nodes: Vec<String> = [("here", &here), ("there", &there)]
        .iter()
        .map(|(name, node)| format!("{{name: {name}, socket: {}}}", node.socket.display()))
        .collect();
    let core = Daemon::start_in(Daemon::ground(&format!("nodes: [{}]\n", nodes.join(", "))), "core", &[]);

    let first = [spawned(&core, "here").await, spawned(&core, "there").await];
    let (exit, stdout, stderr) = reaped(&core, &[]);
    assert_eq!(exit, Some(0), "{stderr}");
    assert!(first.iter().all(|vault| stdout.contains(vault.as_str())), "{stdout}");
    assert!(stderr.contains("here: 1 reaped") && stderr.contains("there: 1 reaped"), "{stderr}");
    let (exit, stdout, stderr) = reaped(&core, &[]);
    assert_eq!((exit, stdout.as_str(), stderr.as_str()), (Some(0), "", ""), "cron hears nothing");

    let [kept, lost] = [spawned(&core, "here").await, spawned(&core, "there").await];
    there.kill();
    let (exit, stdout, stderr) = reaped(&core, &["-q"]);
    assert_eq!(exit, Some(6), "{stderr}");
    assert!(stdout.contains(kept.as_str()) && !stdout.contains(lost.as_str()), "{stdout}");
    // Where records are read the error is one of them, and names its node.
    let errors: Vec<&str> = stdout.lines().filter(|line| line.contains(r#""kind":"error""#)).collect();
    assert!(errors.len() == 1 && errors[0].contains(r#""there""#), "{stdout}");
    let (exit, _, stderr) = reaped(&core, &["--node", "there"]);
    assert_eq!(exit, Some(75), "{stderr}");
    assert!(stderr.contains("there: 0 reaped, 1 left"), "{stderr}");

    // It is back and has lost its vaults, of which the core has their tombstones by now or asks for them.
    there.restart();
    let back = async {
        while reaped(&core, &[]).0 != Some(0) {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), back).await.expect("it can be asked again");
    assert!(core.endpoint().vaults(&Default::default()).await.expect("lists").vaults.is_empty());
    drop((core, here, there));
}
