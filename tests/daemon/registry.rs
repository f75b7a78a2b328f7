//! Names of live workers on a real daemon: one holder, for as long as it lives.

use std::process::Output;

use crate::support::daemon::{Daemon, spawning};
use crate::support::death::death;
use hauki::api::ErrorCode;
use hauki::api::registry::{Holder, ResolveRequest, WatchQuery};
use hauki::api::summons::{Origin, SpawnRequest, Spawned};
use hauki::api::teardown::DestructQuery;
use hauki::api::vault::{TicketRequest, TicketWishes};
use hauki::client::ControlPlane;
use hauki::client::endpoint::NdjsonStream;
use hauki::client::ghost::{Ghost, GhostOptions};
use hauki::model::death::Cause;
use hauki::model::gem::Wishes;
use hauki::model::id::VaultId;
use hauki::model::name::ServiceName;

const COUNTER: &str =
    "var n = 0; function add(x) { n += x; return n; } function leave() { destruct(this_object()); }";

fn name() -> ServiceName {
    "scout/eu".parse().expect("a name")
}

fn named(wishes: Wishes) -> SpawnRequest {
    let mut request = spawning(COUNTER, wishes);
    request.summons.name = Some(name());
    request
}

fn get_or_create() -> SpawnRequest {
    SpawnRequest { get_or_create: true, ..named(Wishes::default()) }
}

async fn connected(spawned: &Spawned) -> Ghost {
    Ghost::connect(&spawned.ticket, GhostOptions::default()).await.expect("connects")
}

async fn is_free(endpoint: &ControlPlane) {
    let asked = endpoint.resolve(&ResolveRequest { name: name(), ticket: None }).await;
    let error = asked.expect_err("nobody has the name");
    assert_eq!(error.api().map(|error| error.code), Some(ErrorCode::NotFound.into()), "{error:?}");
}

async fn line(lines: &mut NdjsonStream) -> Option<VaultId> {
    let holder = lines.next::<Holder>().await.expect("reads").expect("goes on");
    holder.service.map(|service| service.vault)
}

/// Its name is free when it has ended, and who wants one of that name waits for that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_meets_one_that_is_dying_gets_the_next() {
    let daemon = Daemon::start();
    let mut request = get_or_create();
    request.summons.origin = Origin::Source {
        text: "function f() {} function dest() { var t = Date.now(); while (Date.now() - t < 1000) {} }"
            .into(),
        file: "slow.js".into(),
        compilation: None,
    };
    let first = daemon.endpoint().spawn(&request).await.expect("spawns").vault.id;
    let (endpoint, ending) = (daemon.endpoint(), first.clone());
    let grace = DestructQuery { grace_ms: 30_000, ..DestructQuery::default() };
    let ended = tokio::spawn(async move { endpoint.destruct(&ending, &grace).await });
    while daemon.endpoint().vault(&first).await.expect("is known").phase.is_alive() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let ticket = TicketRequest { vault: first.clone(), wishes: TicketWishes::default() };
    let endpoint = daemon.endpoint();
    let late = tokio::spawn(async move { endpoint.ticket(&ticket).await });
    request.summons.key = "next".into();
    let next = daemon.endpoint().spawn(&request).await.expect("is no conflict");
    assert!(next.changed && next.vault.id != first);
    let late = late.await.expect("ends").expect_err("opens to nobody");
    assert_eq!(late.api().map(|error| error.code), Some(ErrorCode::VaultDead.into()), "{late:?}");
    assert!(ended.await.expect("ends").expect("is legal").receipt.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_callers_share_one_worker() {
    let daemon = Daemon::start();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let endpoint = daemon.endpoint();
        callers.spawn(async move {
            let spawned = endpoint.spawn(&get_or_create()).await.expect("has it");
            let count = connected(&spawned).await.call_typed::<u32>("add", &[1]).await.expect("answers");
            (spawned.changed, spawned.vault.id, count)
        });
    }
    let mut done = callers.join_all().await;
    assert_eq!(done.iter().filter(|(changed, ..)| *changed).count(), 1);
    assert!(done.iter().all(|(_, vault, _)| *vault == done[0].1));
    done.sort_by_key(|(.., count)| *count);
    let counts: Vec<u32> = done.iter().map(|(.., count)| *count).collect();
    assert_eq!(counts, (1..=50).collect::<Vec<u32>>(), "they all called the same object");
    let living = daemon.endpoint().vaults(&Default::default()).await.expect("lists").vaults;
    assert_eq!(living.len(), 1);
    assert_eq!(living[0].name, Some(name()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_is_free_when_its_worker_is_dead_whatever_the_cause() {
    let mut daemon = Daemon::start();
    let endpoint = daemon.endpoint();
    let mut lines = endpoint.watch_services(&WatchQuery { name: Some(name()) }).await.expect("watches");
    assert_eq!(line(&mut lines).await, None);

    let spawned = endpoint.spawn(&named(Wishes::default())).await.expect("spawns");
    assert_eq!(line(&mut lines).await, Some(spawned.vault.id.clone()));
    endpoint.destruct(&spawned.vault.id, &DestructQuery::default()).await.expect("ends");
    is_free(&endpoint).await;
    assert_eq!(line(&mut lines).await, None);

    let spawned = endpoint.spawn(&named(Wishes::default())).await.expect("takes the name");
    // Whether the answer or the end is seen first is no matter here.
    let _ = connected(&spawned).await.call("leave", None).await;
    assert_eq!(death(&endpoint, &spawned.vault.id).await.death.cause, Cause::SelfDestruct);
    is_free(&endpoint).await;

    let linked = Wishes { link: Some(true), ..Wishes::default() };
    let spawned = endpoint.spawn(&named(linked)).await.expect("takes the name");
    drop(connected(&spawned).await);
    assert_eq!(death(&endpoint, &spawned.vault.id).await.death.cause, Cause::LinkClosed);
    is_free(&endpoint).await;

    let unclaimed = Wishes { claim_ms: Some(100), ..Wishes::default() };
    let spawned = endpoint.spawn(&named(unclaimed)).await.expect("takes the name");
    assert_eq!(death(&endpoint, &spawned.vault.id).await.death.cause, Cause::Unclaimed);
    is_free(&endpoint).await;

    // `kill -9` of everything: the successor's records are true before it answers.
    let spawned = endpoint.spawn(&named(Wishes::default())).await.expect("takes the name");
    daemon.kill();
    daemon.restart();
    let again = endpoint.spawn(&get_or_create()).await.expect("creates");
    assert!(again.changed && again.vault.id != spawned.vault.id);
    let found = endpoint.resolve(&ResolveRequest { name: name(), ticket: None }).await.expect("is there");
    assert_eq!(found.vault.id, again.vault.id);
}

fn hauki(daemon: &Daemon, arguments: &[&str]) -> Output {
    std::fs::write(daemon.dir.path().join("counter.js"), COUNTER).expect("writes");
    daemon.hauki().current_dir(daemon.dir.path()).args(arguments).output().expect("runs")
}

fn json(output: &Output) -> serde_json::Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("is JSON")
}

#[test]
fn by_hand() {
    let daemon = Daemon::start();
    let file = daemon.dir.path().join("t.json");
    let clone = ["clone", "counter.js", "--name", "scout/eu"];
    let first = json(&hauki(&daemon, &clone));
    let taken = hauki(&daemon, &clone);
    assert_eq!(taken.status.code(), Some(5), "{}", String::from_utf8_lossy(&taken.stderr));
    let shared = json(&hauki(&daemon, &[&clone[..], &["--get-or-create"]].concat()));
    assert_eq!(shared["vault"], first["vault"]);

    let ticket = hauki(&daemon, &["resolve", "scout/eu", "--methods", "add"]);
    assert_eq!(json(&ticket)["methods"], serde_json::json!(["add"]));
    std::fs::write(&file, &ticket.stdout).expect("writes");
    assert_eq!(json(&hauki(&daemon, &["proxy", "call", "t.json", "add", "2"])), 2);

    let table = hauki(&daemon, &["ls", "-o", "table"]);
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    assert!(table.contains("NAME") && table.contains("scout/eu"), "{table}");
    let vault = json(&hauki(&daemon, &["resolve", "scout/eu", "--no-ticket"]));
    assert_eq!((vault["kind"].as_str(), &vault["id"]), (Some("vault"), &first["vault"]));
    assert_eq!(vault["name"], "scout/eu");

    // Whoever has read enough ends it, though nothing changes any more.
    let tool = daemon.hauki();
    let mut piped = std::process::Command::new("timeout");
    piped.args(["20", "bash", "-c", "\"$0\" resolve --watch | head -1; exit ${PIPESTATUS[0]}"]);
    piped.arg(tool.get_program()).env_clear();
    let piped = piped.envs(tool.get_envs().filter_map(|(name, value)| Some((name, value?)))).output();
    let piped = piped.expect("runs");
    let said = String::from_utf8_lossy(&piped.stdout);
    assert!(piped.status.code() == Some(141) && said.contains("\"scout/eu\""), "{piped:?}");

    assert!(hauki(&daemon, &["destruct", "t.json"]).status.success());
    let gone = hauki(&daemon, &["resolve", "scout/eu"]);
    assert_eq!((gone.status.code(), gone.stdout.is_empty()), (Some(3), true));
    let many = hauki(&daemon, &["clone", "-n", "2", "counter.js", "--name", "scout/eu"]);
    assert_eq!(many.status.code(), Some(2), "{}", String::from_utf8_lossy(&many.stderr));
}
