//! A daemon that could not listen, and owners who are far away: neither is anybody's silence.

#[path = "support/daemon.rs"]
mod daemon;
#[path = "support/death.rs"]
mod death;
#[path = "support/family.rs"]
mod family;
#[path = "support/relay.rs"]
mod relay;

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use daemon::{Daemon, signal};
use death::death;
use family::HANG;
use hauki::api::summons::Spawned;
use hauki::api::vault::TicketWishes;
use hauki::client::ghost::{Ghost, Options};
use hauki::model::death::Cause;
use hauki::model::gem::Wishes;
use hauki::model::id::VaultId;
use hauki::model::ticket::Ticket;
use relay::Relay;
use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdout};

const WORKER: &str = "function echo(x) { return x; }";

async fn spawn(daemon: &Daemon, lease_ms: u64, link: bool) -> Spawned {
    let wishes = Wishes { lease_ms: Some(lease_ms), ..Wishes::default() };
    let mut request = daemon::spawning(WORKER, wishes);
    request.ticket = TicketWishes { link: Some(link), ..TicketWishes::default() };
    daemon.endpoint().spawn(&request).await.expect("spawns")
}

fn save(daemon: &Daemon, ticket: &Ticket) -> PathBuf {
    let path = daemon.dir.path().join(format!("{}.json", ticket.vault));
    std::fs::write(&path, serde_json::to_vec(ticket).expect("is JSON")).expect("is ours");
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("is ours");
    path
}

/// `hauki` with standard output, which goes on.
fn start(
    daemon: &Daemon,
    words: &[&str],
    ticket: &Ticket,
) -> (Child, tokio::io::Lines<BufReader<ChildStdout>>) {
    let mut command = tokio::process::Command::from(daemon.hauki());
    command.args(words).arg(save(daemon, ticket)).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.kill_on_drop(true).spawn().expect("starts");
    let lines = BufReader::new(child.stdout.take().expect("is piped")).lines();
    (child, lines)
}

async fn next(lines: &mut tokio::io::Lines<BufReader<ChildStdout>>) -> String {
    let line = tokio::time::timeout(HANG, lines.next_line()).await.expect("does not hang");
    line.expect("is text").expect("it goes on")
}

async fn lives(daemon: &Daemon, vault: &VaultId) -> bool {
    daemon.endpoint().vault(vault).await.expect("is known").receipt.is_none()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_of_the_daemon_is_nobodys_silence() {
    let daemon = Daemon::start();
    let (linked, leased) = (spawn(&daemon, 60_000, true).await, spawn(&daemon, 2_000, false).await);
    let watched = spawn(&daemon, 60_000, true).await;
    let owner = Ghost::connect(&linked.ticket, Options::default()).await.expect("connects");
    let holder = Ghost::connect(&leased.ticket, Options::default()).await.expect("connects");
    let (_watch, mut beats) = start(&daemon, &["heartbeat", "--watch", "-o", "jsonl"], &watched.ticket);
    next(&mut beats).await;
    let silent = Options { beat: false, ..Options::default() };
    let (frozen, left) = (spawn(&daemon, 60_000, true).await, spawn(&daemon, 2_000, false).await);
    let unclaimed = {
        let wishes = Wishes { claim_ms: Some(2_000), ..Wishes::default() };
        daemon.endpoint().spawn(&daemon::spawning(WORKER, wishes)).await.expect("spawns")
    };
    let _frozen = Ghost::connect(&frozen.ticket, silent.clone()).await.expect("connects");
    let _left = Ghost::connect(&left.ticket, silent).await.expect("connects");

    signal(daemon.pid(), Signal::STOP);
    tokio::time::sleep(Duration::from_secs(3)).await;
    // Somebody comes meanwhile, and finds the port open.
    let claiming = tokio::spawn(async move { Ghost::connect(&unclaimed.ticket, Options::default()).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    signal(daemon.pid(), Signal::CONT);
    let claimed = claiming.await.expect("ends").expect("the claim lease was not slept through");

    // Those whose owners are gone die of the silence that is theirs.
    for (spawned, cause) in [(&frozen, Cause::LinkSilent), (&left, Cause::HeartbeatLost)] {
        assert_eq!(death(&daemon.endpoint(), &spawned.vault.id).await.death.cause, cause);
    }
    // By now the others would have died of theirs.
    for spawned in [&linked, &leased, &watched] {
        assert!(lives(&daemon, &spawned.vault.id).await);
    }
    for ghost in [&owner, &holder, &claimed] {
        assert_eq!(ghost.call_typed::<i32>("echo", &[1]).await.expect("answers"), 1);
    }
    next(&mut beats).await;
    assert!(daemon.log().contains("a pause of "), "{}", daemon.log());
    drop(owner);
    assert_eq!(death(&daemon.endpoint(), &linked.vault.id).await.death.cause, Cause::LinkClosed);
}

/// A round trip takes longer than a link may be silent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_who_is_far_away_keeps_a_link() {
    const FAR: Duration = Duration::from_millis(450);
    let daemon = Daemon::start();
    let mut relays = Vec::new();
    let mut far = async || {
        let mut spawned = spawn(&daemon, 60_000, true).await;
        relays.push(Relay::start_long(&mut spawned.ticket, FAR).await);
        spawned
    };
    let (watched, piped, requested, held) = (far().await, far().await, far().await, far().await);
    let (_watch, mut beats) = start(&daemon, &["heartbeat", "--watch", "-o", "jsonl"], &watched.ticket);
    let (mut requests, mut replies) = start(&daemon, &["proxy", "pipe"], &requested.ticket);
    let ghost = Ghost::connect(&held.ticket, Options::default()).await.expect("connects");
    let path = save(&daemon, &piped.ticket);
    let mut command = tokio::process::Command::from(daemon.hauki());
    command.args(["proxy", "pipe"]).arg(path).arg("echo").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut pipe = command.kill_on_drop(true).spawn().expect("starts");
    let mut results = BufReader::new(pipe.stdout.take().expect("is piped")).lines();
    for _ in 0..5 {
        next(&mut beats).await;
        let request = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":[7]}\n";
        requests.stdin.as_mut().expect("is piped").write_all(request).await.expect("writes");
        assert!(next(&mut replies).await.contains("\"result\":7"));
        pipe.stdin.as_mut().expect("is piped").write_all(b"8\n").await.expect("writes");
        assert_eq!(next(&mut results).await, "8");
        assert_eq!(ghost.call_typed::<i32>("echo", &[9]).await.expect("answers"), 9);
    }
    for spawned in [&watched, &piped, &requested, &held] {
        assert!(lives(&daemon, &spawned.vault.id).await);
    }
}
