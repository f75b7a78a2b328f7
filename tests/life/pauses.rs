//! A daemon that could not listen, and owners who are far away: neither is anybody's silence.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use crate::support::daemon::{self, Daemon, signal};
use crate::support::death::death;
use crate::support::family::HANG;
use crate::support::relay::Relay;
use hauki::api::summons::Spawned;
use hauki::api::vault::TicketWishes;
use hauki::client::ghost::{Ghost, GhostOptions};
use hauki::model::death::Cause;
use hauki::model::gem::Wishes;
use hauki::model::id::VaultId;
use hauki::model::ticket::Ticket;
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

/// The clients of `examples/clients` that stay: what comes on standard input they have echoed, line by line.
const ECHOES: [(&str, &[&str]); 3] = [
    (
        "node",
        &[
            "--input-type=module",
            "-e",
            r#"
import { createInterface } from "node:readline";
import { ghost } from "./hauki.mjs";
const worker = await ghost(process.argv[1]);
for await (const line of createInterface({ input: process.stdin })) console.log(await worker.echo(Number(line)));
"#,
        ],
    ),
    (
        "python3",
        &[
            "-B",
            "-c",
            r#"
import sys
from hauki_client import ghost
with ghost(sys.argv[1]) as worker:
    for line in sys.stdin:
        print(worker.echo(int(line)), flush=True)
"#,
        ],
    ),
    (
        "python3",
        &[
            "-B",
            "-c",
            r#"
import asyncio, sys
from hauki_client import aio

async def main():
    async with aio(sys.argv[1]) as worker:
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(await worker.echo(int(line)), flush=True)

asyncio.run(main())
"#,
        ],
    ),
];

struct Echo {
    child: Child,
    lines: tokio::io::Lines<BufReader<ChildStdout>>,
}

impl Echo {
    fn start(daemon: &Daemon, (program, words): (&str, &[&str]), ticket: &Ticket) -> Self {
        let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/clients");
        let mut command = tokio::process::Command::new(program);
        command.current_dir(&clients).env("PYTHONPATH", &clients).args(words).arg(save(daemon, ticket));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("is installed");
        let lines = BufReader::new(child.stdout.take().expect("is piped")).lines();
        Self { child, lines }
    }

    async fn answers(&mut self, number: u32) {
        let line = format!("{number}\n");
        self.child.stdin.as_mut().expect("is piped").write_all(line.as_bytes()).await.expect("reads on");
        assert_eq!(next(&mut self.lines).await, number.to_string());
    }
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
    let owner = Ghost::connect(&linked.ticket, GhostOptions::default()).await.expect("connects");
    let holder = Ghost::connect(&leased.ticket, GhostOptions::default()).await.expect("connects");
    let (_watch, mut beats) = start(&daemon, &["heartbeat", "--watch", "-o", "jsonl"], &watched.ticket);
    next(&mut beats).await;
    let (mut echoes, mut echoing) = (Vec::new(), Vec::new());
    for client in ECHOES {
        let spawned = spawn(&daemon, 60_000, true).await;
        let mut echo = Echo::start(&daemon, client, &spawned.ticket);
        echo.answers(1).await;
        echoes.push(echo);
        echoing.push(spawned);
    }
    let silent = GhostOptions { beat: false, ..GhostOptions::default() };
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
    let claiming =
        tokio::spawn(async move { Ghost::connect(&unclaimed.ticket, GhostOptions::default()).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    signal(daemon.pid(), Signal::CONT);
    let claimed = claiming.await.expect("ends").expect("the claim lease was not slept through");

    // Those whose owners are gone die of the silence that is theirs.
    for (spawned, cause) in [(&frozen, Cause::LinkSilent), (&left, Cause::HeartbeatLost)] {
        assert_eq!(death(&daemon.endpoint(), &spawned.vault.id).await.death.cause, cause);
    }
    // By now the others would have died of theirs.
    for spawned in [&linked, &leased, &watched].into_iter().chain(&echoing) {
        assert!(lives(&daemon, &spawned.vault.id).await);
    }
    for echo in &mut echoes {
        echo.answers(2).await;
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
    let ghost = Ghost::connect(&held.ticket, GhostOptions::default()).await.expect("connects");
    let path = save(&daemon, &piped.ticket);
    let mut command = tokio::process::Command::from(daemon.hauki());
    command.args(["proxy", "pipe"]).arg(path).arg("echo").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut pipe = command.kill_on_drop(true).spawn().expect("starts");
    let mut results = BufReader::new(pipe.stdout.take().expect("is piped")).lines();
    let (mut echoes, mut echoing) = (Vec::new(), Vec::new());
    for client in ECHOES {
        let spawned = far().await;
        echoes.push(Echo::start(&daemon, client, &spawned.ticket));
        echoing.push(spawned);
    }
    for _ in 0..5 {
        for echo in &mut echoes {
            echo.answers(6).await;
        }
        next(&mut beats).await;
        let request = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":[7]}\n";
        requests.stdin.as_mut().expect("is piped").write_all(request).await.expect("writes");
        assert!(next(&mut replies).await.contains("\"result\":7"));
        pipe.stdin.as_mut().expect("is piped").write_all(b"8\n").await.expect("writes");
        assert_eq!(next(&mut results).await, "8");
        assert_eq!(ghost.call_typed::<i32>("echo", &[9]).await.expect("answers"), 9);
    }
    for spawned in [&watched, &piped, &requested, &held].into_iter().chain(&echoing) {
        assert!(lives(&daemon, &spawned.vault.id).await);
    }
}
