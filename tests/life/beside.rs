//! `hauki heartbeat TICKET -- COMMAND`: the command ends with what ends hauki, and hauki as the command does.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::time::Duration;

use crate::support::daemon::{Daemon, signal};
use crate::support::screen;
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
