//! A daemon that leaves between the look and the request: the tool starts another and goes on.

use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use crate::support::daemon::Daemon;

#[test]
fn a_daemon_that_has_just_left_is_started_again() {
    let dir = Daemon::ground("daemon: { idle_exit: 300ms }\n");
    let socket = dir.path().join("hauki.sock");
    let leaving = UnixListener::bind(&socket).expect("binds");
    let path = socket.clone();
    // Answers the look, and is gone when the request comes.
    let left = std::thread::spawn(move || {
        let _ = leaving.accept().expect("is looked at");
        std::fs::remove_file(path).expect("was ours");
    });
    let output = Command::new(env!("CARGO_BIN_EXE_hauki"))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HAUKI_STATE_DIR", dir.path())
        .env("HAUKI_CONFIG", dir.path().join("hauki.yaml"))
        .env("HAUKI_HAUKID", env!("CARGO_BIN_EXE_haukid"))
        .args(["node", "ls", "-o", "id"])
        .stdin(Stdio::null())
        .output()
        .expect("runs");
    left.join().expect("ends");
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        (output.status.code(), String::from_utf8_lossy(&output.stdout).trim()),
        (Some(0), "local"),
        "{words}"
    );
    // It leaves by itself; its locks are free then.
    for lock in ["core.lock", "node.lock"] {
        let file = std::fs::File::open(dir.path().join(lock)).expect("a daemon ran here");
        rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive).expect("is free in the end");
    }
}
