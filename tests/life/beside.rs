//! `hauki heartbeat TICKET -- COMMAND`: the command ends with what ends hauki, and hauki as the command does.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::time::Duration;

use crate::support::daemon::{Daemon, signal};
use crate::support::screen;
use hauki::model::gem::Wishes;
use hauki_contract::system::clock;
use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

const HANG: Duration = Duration::from_secs(20);

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(HANG, work).await.expect("does not hang")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_hears_what_ends_hauki() {
    let daemon = Daemon::start();
    let ticket = daemon.spawn("function f() { return 1; }").await.ticket;
    let path = daemon.dir.path().join("t.json");
    std::fs::write(&path, serde_json::to_vec(&ticket).expect("is JSON")).expect("is ours");
    let script = "for s in HUP TERM QUIT INT; do trap \"echo $s; exit 9\" $s; done; echo ready; \
                  while :; do sleep 0.01; done";
    for (sent, heard) in [
        (Signal::HUP, "HUP"),
        (Signal::TERM, "TERM"),
        (Signal::QUIT, "QUIT"),
        (Signal::INT, "INT"),
        (Signal::KILL, "TERM"),
    ] {
        let mut command = Command::from(daemon.hauki());
        command.arg("heartbeat").arg(&path).args(["--", "bash", "-c", script]).stdout(Stdio::piped());
        let mut child = command.spawn().expect("starts");
        let mut lines = BufReader::new(child.stdout.take().expect("is piped")).lines();
        assert_eq!(within(lines.next_line()).await.expect("is text").as_deref(), Some("ready"));
        signal(child.id().expect("runs"), sent);
        assert_eq!(within(lines.next_line()).await.expect("is text").as_deref(), Some(heard));
        assert_eq!(within(lines.next_line()).await.expect("is text"), None, "it has ended");
        let status = within(child.wait()).await.expect("ends");
        assert_eq!(status.code(), (sent != Signal::KILL).then_some(9), "{heard}");
    }
    // nohup(1) is for the command as well.
    let mut command = Command::new("bash");
    let line = "trap '' HUP; exec \"$0\" heartbeat \"$1\" -- bash -c 'kill -HUP $$; echo alive'";
    command.arg("-c").arg(line).arg(env!("CARGO_BIN_EXE_hauki")).arg(&path);
    let output = within(command.output()).await.expect("runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "alive\n");
}

/// A terminal interrupts all that stand in front of it, so hauki passes on none of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_interrupts_the_command_once() {
    let daemon = Daemon::start();
    let ticket = daemon.spawn("function f() { return 1; }").await.ticket;
    let path = daemon.dir.path().join("t.json");
    std::fs::write(&path, serde_json::to_vec(&ticket).expect("is JSON")).expect("is ours");
    // What hauki was sent before comes first.
    let script = "n=0; trap 'n=$((n + 1)); kill -TERM $PPID' INT; trap 'echo \"interrupted: $n\"; exit 3' TERM; \
                  echo ready; while :; do sleep 0.01; done";
    let mut hauki = daemon.hauki();
    hauki.arg("heartbeat").arg(&path).args(["--", "bash", "-c", script]);
    let (seen, code) = screen::seen_after(80, &hauki, "ready", "\u{3}");
    assert!(seen.contains("interrupted: 1") && code == Some(3), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_does_not_start_ends_as_in_a_shell() {
    let daemon = Daemon::start();
    let vault = daemon.spawn("function f() { return 1; }").await.ticket;
    let path = daemon.dir.path().join("t.json");
    std::fs::write(&path, serde_json::to_vec(&vault).expect("is JSON")).expect("is ours");
    let plain = daemon.dir.path().join("plain");
    std::fs::write(&plain, "no program").expect("is ours");
    std::fs::set_permissions(&plain, std::fs::Permissions::from_mode(0o644)).expect("is ours");
    let plain = plain.to_str().expect("is text");
    for (program, code) in [("/nonexistent/program", 127), ("no-such-program", 127), (plain, 126), ("/", 126)]
    {
        let mut command = Command::from(daemon.hauki());
        let output = within(command.arg("heartbeat").arg(&path).args(["--", program]).output()).await;
        let output = output.expect("runs");
        assert_eq!(output.status.code(), Some(code), "{program}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(program));
    }
}

/// A beat is what keeps a vault, and its record only tells of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beats_go_on_where_their_records_cannot_be_written() {
    const LEASE_MS: u64 = 120_000;
    let daemon = Daemon::start();
    let wishes = Wishes { lease_ms: Some(LEASE_MS), ..Wishes::default() };
    let mut vaults = Vec::new();
    for number in 0..12 {
        let spawned = daemon.spawn_with("function f() { return 1; }", wishes.clone()).await;
        let path = daemon.dir.path().join(format!("t{number}.json"));
        std::fs::write(&path, serde_json::to_vec(&spawned.ticket).expect("is JSON")).expect("is ours");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("is ours");
        let called = daemon.hauki().args(["proxy", "call"]).arg(&path).arg("f").output().expect("runs");
        assert!(called.status.success(), "{called:?}");
        vaults.push((spawned.vault.id, path));
    }
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").expect("is there");
    let left =
        async |id| daemon.endpoint().vault(id).await.expect("lives").vitals.expect("is asked").lease_left_ms;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let began = clock::mono();
    let mut command = Command::from(daemon.hauki());
    command.args(["heartbeat", "-j", "1"]).args(vaults.iter().map(|(_, path)| path)).stdout(full());
    assert_eq!(within(command.status()).await.expect("runs").code(), Some(74));
    for (id, _) in &vaults {
        let left = left(id).await;
        assert!(left + clock::mono().since(began) / 1000 + 1 >= LEASE_MS, "{id} was passed over: {left}");
    }
    let mut command = Command::from(daemon.hauki());
    command.args(["heartbeat", "--watch"]).arg(&vaults[0].1).stdout(full()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("starts");
    let mut lines = BufReader::new(child.stderr.take().expect("is piped")).lines();
    let line = within(lines.next_line()).await.expect("is text").expect("says it");
    assert!(line.contains("the beats go on"), "{line}");
    signal(child.id().expect("runs"), Signal::TERM);
    let line = within(lines.next_line()).await.expect("is text");
    assert_eq!(line.as_deref(), Some("error: terminated"), "the loss is told once");
    within(child.wait()).await.expect("ends");
}
