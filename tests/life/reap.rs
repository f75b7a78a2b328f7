//! `destruct` of many over real daemons: by rule on two nodes, one of which goes; by whoever hangs up half way;
//! and of what nobody uses any more.

use std::process::{Output, Stdio};

use crate::support::daemon::{Daemon, spawning};
use hauki::api::summons::SpawnRequest;
use hauki::api::teardown::{BeatRequest, BeatTarget};
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

/// A pipe that is read once, a full device, and a death by SIGKILL: three ways of not hearing the answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_hear_the_answer_has_ended_all_the_same() {
    let daemon = Daemon::start();
    for way in [" | head -1", " > /dev/full", " & pid=$!; sleep 0.05; kill -9 $pid; wait"] {
        for _ in 0..20 {
            let request =
                spawning("function f() {}", Wishes { claim_ms: Some(600_000), ..Wishes::default() });
            daemon.endpoint().spawn(&request).await.expect("spawns");
        }
        let hauki = daemon.hauki();
        let mut shell = std::process::Command::new("bash");
        shell.env_clear().envs(hauki.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let program = hauki.get_program().to_str().expect("is text").to_owned();
        let given: Vec<&str> = hauki.get_args().filter_map(|word| word.to_str()).collect();
        let line = format!("'{program}' {} destruct --all --yes -o id{way}", given.join(" "));
        let run = shell.args(["-c", &line]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        run.expect("runs");
        let empty = async {
            loop {
                let living = daemon.endpoint().vaults(&Default::default()).await.expect("lists").vaults;
                // Killed before it had asked, it has ordered nothing.
                if living.is_empty() || (way.contains("kill") && living.len() == 20) {
                    break living.len();
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        let left = tokio::time::timeout(std::time::Duration::from_secs(20), empty).await;
        assert!(left.is_ok(), "{way}: an order stopped half way");
        let ids = daemon.endpoint().vaults(&Default::default()).await.expect("lists").vaults;
        for vault in ids {
            daemon.endpoint().destruct(&vault.id, &Default::default()).await.expect("ends");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reap_of_the_idle_ends_no_vault_that_beats() {
    let daemon = Daemon::start();
    let spawn = async || {
        let wishes = Wishes { lease_ms: Some(600_000), claim_ms: Some(600_000), ..Wishes::default() };
        let spawned = daemon.endpoint().spawn(&spawning("function f() {}", wishes)).await.expect("spawns");
        // A beat counts from the first use of a ticket.
        let answer = daemon
            .hauki()
            .args(["proxy", "call", "-", "f"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn();
        let mut call = answer.expect("starts");
        let ticket = serde_json::to_vec(&spawned.ticket).expect("encodes");
        std::io::Write::write_all(&mut call.stdin.take().expect("is piped"), &ticket).expect("writes");
        assert!(call.wait().expect("ends").success());
        spawned.vault.id
    };
    let unclaimed = spawned(&daemon, "local").await;
    let (beating, idle) = (spawn().await, spawn().await);
    // As cron does it: once, and then for long no more, because the lease is long.
    let target = BeatTarget { vault: beating.clone(), generation: None };
    daemon.endpoint().beat(&BeatRequest { vaults: vec![target], by: None }).await.expect("beats");
    tokio::time::sleep(std::time::Duration::from_millis(1600)).await;
    let reap = ["destruct", "--reap", "--idle", "1500ms", "-q", "-o", "id"];
    let output = daemon.hauki().args(reap).output().expect("runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!((output.status.code(), said.trim()), (Some(0), idle.as_str()));
    let living = daemon.endpoint().vaults(&Default::default()).await.expect("lists").vaults;
    assert_eq!(living.iter().map(|vault| &vault.id).collect::<Vec<_>>(), [&unclaimed, &beating]);
}
