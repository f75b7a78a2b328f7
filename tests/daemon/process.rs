//! `haukid` as a process: how it starts, refuses, leaves, and who may speak to it.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use crate::support::daemon::{self, Daemon, signal};
use crate::support::death::{Traces, destruct};
use crate::support::family::HANG;
use crate::support::until::{PATIENCE, not_run, until, until_so};
use crate::support::user::as_user;
use hauki::api::ErrorCode;
use hauki::api::event::{Event, EventQuery};
use hauki::client::Address;
use hauki::client::ClientError;
use hauki::client::endpoint::{ControlPlane, EndpointOptions};
use hauki::client::retry::Retry;
use hauki::model::death::Cause;
use hauki::model::gem::Wishes;
use hauki_contract::system::signals::{self, SignalMeaning};
use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::time::timeout;

const WORKER: &str = "function f() { return 1; }";

/// Waits for the daemon to leave by itself, but not for ever.
async fn leaves(mut daemon: Daemon) -> (Daemon, std::process::ExitStatus) {
    let waiting = tokio::task::spawn_blocking(move || {
        let status = daemon.wait();
        (daemon, status)
    });
    timeout(HANG, waiting).await.expect("it leaves").expect("ends")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_drains_in_order_also_under_open_requests_and_twice() {
    let daemon = Daemon::start();
    let endpoint = daemon.endpoint();
    let mut spawned = Vec::new();
    for _ in 0..3 {
        let one = daemon.spawn(WORKER).await;
        spawned.push((Traces::of(&endpoint, &one).await, one));
    }
    let query = EventQuery { follow: true, ..EventQuery::default() };
    let mut events = endpoint.events(&query).await.expect("opens");
    let endless = "function create() { for (;;) {} } function f() {}";
    let long = tokio::spawn({
        let options = EndpointOptions { retry: Retry::NEVER, ..EndpointOptions::default() };
        let endpoint = ControlPlane::new(Address::Unix(daemon.socket.clone()), options).expect("an endpoint");
        let wishes = Wishes { call_deadline_ms: Some(600_000), ..Wishes::default() };
        async move { endpoint.spawn(&daemon::spawning(endless, wishes)).await }
    });
    until("four vaults", async || endpoint.health().await.expect("answers").vaults == 4).await;
    signal(daemon.pid(), Signal::TERM);
    signal(daemon.pid(), Signal::TERM);
    let (mut daemon, status) = leaves(daemon).await;
    assert_eq!(status.code(), Some(0), "{}", daemon.log());
    assert!(!daemon.socket.exists());
    let ended = async { while let Ok(Some(_)) = events.next::<Event>().await {} };
    timeout(HANG, ended).await.expect("the stream ends");
    let refused = timeout(HANG, long).await.expect("does not hang").expect("ends").expect_err("is ended");
    assert!(refused.api().is_some(), "it is told why: {refused}");
    for (traces, _) in &spawned {
        assert_eq!(traces.left(), Vec::<String>::new());
    }
    assert!(!daemon.log().contains("ERROR"), "{}", daemon.log());
    daemon.restart();
    for (traces, one) in &spawned {
        let known = daemon.endpoint().vault(&one.vault.id).await.expect("is known");
        traces.assert_agrees(&known.receipt.expect("is dead"), Cause::NodeShutdown);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_successor_waits_for_who_drains() {
    let mut daemon = Daemon::start();
    let endless = "function f() {} function dest() { for (;;) {} }";
    let spawned = daemon.spawn(endless).await;
    signal(daemon.pid(), Signal::TERM);
    // Started before the other has left, as a tool does that finds no socket.
    until_so("the socket is taken away", || !daemon.socket.exists());
    let status = daemon.succeed();
    assert_eq!(status.code(), Some(0));
    let known = daemon.endpoint().vault(&spawned.vault.id).await.expect("is known");
    assert_eq!(known.receipt.map(|receipt| receipt.death.cause), Some(Cause::NodeShutdown.into()));
    assert!(daemon.socket.exists(), "the one that left did not take its successor's socket along");
}

#[test]
fn a_second_daemon_is_refused_with_the_pid_of_the_first() {
    let daemon = Daemon::start();
    for role in ["all", "core", "node"] {
        let (word, status) = Daemon::refused_in(daemon.dir.path(), role, &[]);
        let expected = format!(
            "failed: another haukid (pid {}) runs with {}",
            daemon.pid(),
            daemon.dir.path().display()
        );
        assert_eq!(word, expected, "{role}");
        assert_eq!(status.code(), Some(69), "not to be tried again");
    }
    // Another directory, the same socket: the first keeps it.
    let other = Daemon::ground("");
    let socket = daemon.socket.to_str().expect("is text");
    let (word, status) = Daemon::refused_in(other.path(), "all", &["--socket", socket]);
    assert_eq!(word, format!("failed: another haukid listens on {socket}"));
    assert_eq!(status.code(), Some(69));
    // Without its lock files it is the same one: its directories are locked as well.
    for lock in ["core.lock", "node.lock"] {
        std::fs::remove_file(daemon.dir.path().join(lock)).expect("is there");
    }
    for role in ["all", "core", "node"] {
        let (word, status) = Daemon::refused_in(daemon.dir.path(), role, &[]);
        assert!(word.contains("another haukid"), "{role}: {word}");
        assert_eq!(status.code(), Some(69));
    }
    UnixStream::connect(&daemon.socket).expect("the first still listens");
}

#[test]
fn a_socket_that_nobody_listens_on_is_replaced() {
    let dir = Daemon::ground("");
    drop(UnixListener::bind(dir.path().join("hauki.sock")).expect("binds"));
    let daemon = Daemon::start_in(dir, "all", &[]);
    UnixStream::connect(&daemon.socket).expect("listens");
}

#[test]
fn what_is_no_socket_is_not_replaced() {
    for made in ["file", "directory", "link"] {
        let dir = Daemon::ground("");
        let place = dir.path().join("hauki.sock");
        match made {
            "file" => std::fs::write(&place, "somebody's").expect("is ours"),
            "directory" => std::fs::create_dir(&place).expect("is ours"),
            _ => std::os::unix::fs::symlink("elsewhere", &place).expect("is ours"),
        }
        let before = std::fs::symlink_metadata(&place).expect("is there");
        let (word, status) = Daemon::refused_in(dir.path(), "all", &[]);
        assert!(word.contains("hauki.sock") && word.contains("move it away"), "{made}: {word}");
        assert_eq!(status.code(), Some(78), "{made}: {word}");
        let after = std::fs::symlink_metadata(&place).expect("stays");
        assert_eq!((after.ino(), after.len()), (before.ino(), before.len()), "{made}");
    }
}

#[test]
fn what_it_cannot_use_is_named_to_the_starter_and_in_the_log() {
    let refused = |spoil: &dyn Fn(&Path), args: &[&str], expected: &[&str], code: i32| {
        let dir = Daemon::ground("");
        spoil(dir.path());
        let (word, status) = Daemon::refused_in(dir.path(), "all", args);
        assert!(word.starts_with("failed: "), "{word}");
        assert_eq!(status.code(), Some(code), "{word}");
        let log = std::fs::read_to_string(dir.path().join("haukid.log")).unwrap_or_default();
        for part in expected {
            assert!(word.contains(part), "{part:?} is not in {word:?}");
            assert!(log.contains(part), "{part:?} is not in the log {log:?}");
        }
        assert!(!dir.path().join("hauki.sock").exists(), "no socket of a daemon that is none: {word}");
    };
    let write = |name: &'static str, bytes: &'static [u8]| {
        move |dir: &Path| {
            let path = dir.join(name);
            std::fs::create_dir_all(path.parent().expect("is below")).expect("is ours");
            std::fs::write(path, bytes).expect("is ours");
        }
    };
    refused(&write("core/store.db", &[0x5a; 8192]), &[], &["core/store.db", "not a database", "mv "], 78);
    refused(&write("core/issuer.key", b"0123"), &[], &["core/issuer.key", "touch "], 78);
    refused(&write("hauki.yaml", b"node: {max_vualts: 3}\n"), &[], &["hauki.yaml", "max_vualts"], 78);
    refused(&write("file", b""), &["--state-dir", "/dev/null/x"], &["/dev/null/x"], 1);
    refused(&write("core.lock/x", b""), &[], &["core.lock"], 1);
}

#[test]
fn a_state_directory_that_vaults_cannot_pass_is_named_with_the_remedy() {
    let dir = Daemon::ground("");
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).expect("is ours");
    let (word, _) = Daemon::refused_in(dir.path(), "all", &[]);
    assert!(word.contains("chmod o+x"), "{word}");
}

/// The socket is there before the node has swept: who connects early is served late.
/// Under `umask 077`, as tickets want it, the vaults' ids must pass through what the daemon makes.
#[test]
fn a_strict_umask_of_the_shell_makes_no_directory_that_the_daemon_then_refuses() {
    let ground = Daemon::ground("");
    let state = ground.path().join("made");
    let mut child = std::process::Command::new("/bin/sh")
        .args(["-c", "umask 077; exec \"$0\" all --ready-fd 3 3>&1 >&2", env!("CARGO_BIN_EXE_haukid")])
        .env("HAUKI_STATE_DIR", &state)
        .env("HAUKI_CONFIG", ground.path().join("hauki.yaml"))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("starts");
    let mut word = [0; 5];
    child.stdout.as_mut().expect("is piped").read_exact(&mut word).expect("says a word");
    signal(child.id(), Signal::TERM);
    assert!(child.wait().expect("is ours").success());
    assert_eq!(&word, b"ready");
    assert_eq!(state.metadata().expect("is made").permissions().mode() & 0o777, 0o711);
}

#[test]
fn who_connects_during_the_start_is_served() {
    let dir = Daemon::ground("");
    let socket = dir.path().join("hauki.sock");
    let early = std::thread::spawn(move || {
        let mut stream = None;
        until_so("somebody listens", || {
            stream = UnixStream::connect(&socket).ok();
            stream.is_some()
        });
        let mut stream = stream.expect("somebody does");
        stream.set_read_timeout(Some(PATIENCE)).expect("is set");
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nhost: hauki\r\nconnection: close\r\n\r\n")
            .expect("writes");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("reads");
        answer
    });
    let _daemon = Daemon::start_in(dir, "all", &[]);
    let answer = early.join().expect("ends");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_idle_leave_and_the_busy_stay() {
    let mut daemon = Daemon::start_in(Daemon::ground(""), "all", &["--idle-exit", "300ms"]);
    let endpoint = daemon.endpoint();
    let spawned = daemon.spawn(WORKER).await;
    // Several idle times long: that nothing happens cannot be awaited.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(daemon.is_running(), "a vault lives");
    let query = EventQuery { follow: true, ..EventQuery::default() };
    let events = endpoint.events(&query).await.expect("opens");
    destruct(&endpoint, &spawned.vault.id).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(daemon.is_running(), "a request is open");
    drop(events);
    let (daemon, status) = leaves(daemon).await;
    assert_eq!(status.code(), Some(0));
    assert!(!daemon.socket.exists());
}

/// Requests aimed at the moment of leaving: each is served, and then the daemon stays, or it has
/// done nothing. Who was served comes a little later the next time, who was refused a little earlier, so the
/// moment is met on any machine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_at_the_moment_of_leaving_is_served_or_refused() {
    let (mut served, mut refused, mut pause_ms) = (0, 0, 36_u64);
    for round in 0.. {
        if round >= 24 && served > 0 && refused > 0 {
            break;
        }
        assert!(round < 200, "{served} served, {refused} refused: the moment was never met");
        let mut daemon = Daemon::start_in(Daemon::ground(""), "all", &["--idle-exit", "30ms"]);
        let options = EndpointOptions { retry: Retry::NEVER, ..EndpointOptions::default() };
        let endpoint = ControlPlane::new(Address::Unix(daemon.socket.clone()), options).expect("an endpoint");
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        match endpoint.spawn(&daemon::spawning(WORKER, Default::default())).await {
            Ok(spawned) => {
                served += 1;
                pause_ms += 2;
                let seen = endpoint.vault(&spawned.vault.id).await.expect("it stays for it");
                assert!(seen.receipt.is_none() && daemon.is_running(), "{seen:?}");
                destruct(&endpoint, &spawned.vault.id).await;
            }
            Err(error) => {
                refused += 1;
                pause_ms = pause_ms.saturating_sub(2);
                assert!(
                    error.is(ErrorCode::Temporary)
                        || matches!(error, ClientError::Unreachable { .. } | ClientError::Broken { .. }),
                    "{error}"
                );
            }
        }
        let (daemon, status) = leaves(daemon).await;
        assert_eq!(status.code(), Some(0));
        assert!(!daemon.log().contains("ERROR"), "{}", daemon.log());
    }
}

fn ask(socket: &Path) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    // Who is turned away is so before he has asked.
    let _ = stream.write_all(b"GET /api/v2/vaults HTTP/1.1\r\nhost: hauki\r\nconnection: close\r\n\r\n");
    let mut answer = Vec::new();
    // What he has asked all the same is thrown away, and he is told that as well, behind the answer.
    let _ = stream.read_to_end(&mut answer);
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn ask_as_nobody(socket: &Path) -> std::io::Result<String> {
    as_user(65_534, || ask(socket))
}

#[test]
fn the_kernel_says_who_asks_and_the_configuration_who_may() {
    let closed = Daemon::start();
    let error = ask_as_nobody(&closed.socket).expect_err("the socket is root's");
    assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
    let others = Daemon::start_in(Daemon::ground("daemon: {allow_uids: [4711]}\n"), "all", &[]);
    let answer = ask_as_nobody(&others.socket).expect("may connect");
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("\"code\":\"denied\""), "{answer}");
    assert!(answer.contains("allow_uids"), "the hint names the remedy: {answer}");
    let open = Daemon::start_in(Daemon::ground("daemon: {allow_uids: [65534]}\n"), "all", &[]);
    let answer = ask_as_nobody(&open.socket).expect("may connect");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn systemd_is_told() {
    let dir = Daemon::ground("");
    let path = dir.path().join("notify.sock");
    let notify = UnixDatagram::bind(&path).expect("binds");
    notify.set_read_timeout(Some(HANG)).expect("is set");
    let heard = || {
        let mut bytes = [0; 512];
        let length = notify.recv(&mut bytes).expect("is told");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    let mut daemon = Daemon::start_with(dir.into(), "all", &[("NOTIFY_SOCKET", &path)]);
    assert_eq!(heard().trim(), "READY=1");
    assert_eq!(daemon.terminate().code(), Some(0));
    assert_eq!(heard().trim(), "STOPPING=1");
}

/// What somebody who says nothing hears, until the other side closes or for a moment.
fn hears(mut stream: &UnixStream) -> String {
    stream.set_read_timeout(Some(Duration::from_millis(200))).expect("is set");
    let mut said = String::new();
    let _ = stream.read_to_string(&mut said);
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_listed_holds_nothing_and_who_is_has_a_bound() {
    let daemon = Daemon::start_in(Daemon::ground("daemon: {allow_uids: [4711]}\n"), "all", &[]);
    let files = || std::fs::read_dir(format!("/proc/{}/fd", daemon.pid())).expect("runs").count();
    let before = files();
    let socket = daemon.socket.clone();
    let connect = || (0..300).map(|_| UnixStream::connect(&socket).expect("connects")).collect::<Vec<_>>();
    let strangers = as_user(65_534, connect);
    let turned_away = strangers.iter().filter(|stream| hears(stream).contains("allow_uids")).count();
    assert_eq!(turned_away, 300, "before they have said a word");
    assert!(files() < before + 50, "{before} and {}", files());
    let listed = as_user(4711, connect);
    let too_many = listed.iter().rev().take(100).filter(|stream| hears(stream).contains(" 503 ")).count();
    assert_eq!(too_many, 100);
    assert!(files() < before + 200, "{before} and {}", files());
    assert!(daemon.endpoint().health().await.is_ok(), "root is served");
    drop(listed);
    let served = async {
        while !as_user(4711, || ask(&socket)).is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(HANG, served).await.expect("there is room again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_to_stay_takes_over_from_one_that_a_tool_has_started() {
    let dir = std::sync::Arc::new(Daemon::ground(""));
    let brief = Daemon::start_in(std::sync::Arc::clone(&dir), "all", &["--idle-exit", "1h"]);
    let spawned = brief.spawn(WORKER).await;
    let (word, status) = Daemon::refused_in(dir.path(), "all", &[]);
    assert!(word.contains(&format!("pid {}", brief.pid())) && word.contains("has vaults"), "{word}");
    assert_eq!(status.code(), Some(75), "it is worth to try again");
    assert!(brief.endpoint().vault(&spawned.vault.id).await.expect("is known").receipt.is_none());
    // It was asked, and does not wait for an hour any more.
    destruct(&brief.endpoint(), &spawned.vault.id).await;
    let (brief, status) = leaves(brief).await;
    assert_eq!(status.code(), Some(0), "{}", brief.log());
    let brief = Daemon::start_in(std::sync::Arc::clone(&dir), "all", &["--idle-exit", "1h"]);
    let stays = Daemon::start_in(std::sync::Arc::clone(&dir), "all", &[]);
    assert_eq!(leaves(brief).await.1.code(), Some(0));
    assert_eq!(stays.endpoint().health().await.expect("answers").pid, stays.pid());
}

fn meaning(meaning: SignalMeaning) -> Vec<(i32, String)> {
    let numbers = signals::numbers().filter(|number| signals::meaning(*number) == meaning);
    numbers.map(|number| (number, signals::word(number).into_owned())).collect()
}

/// One that has no name for rustix is sent as a shell would.
fn send(pid: u32, number: i32) {
    match Signal::from_named_raw(number) {
        Some(named) => signal(pid, named),
        None => {
            let mut sent = std::process::Command::new("kill");
            sent.arg(format!("-{number}")).arg(pid.to_string());
            assert!(sent.status().expect("runs").success(), "{number}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_that_means_nothing_ends_nothing_and_is_answered_in_the_log() {
    let mut daemon = Daemon::start();
    let living = daemon.spawn(WORKER).await;
    // The spawner; what it has below it comes and goes.
    let there = children(daemon.pid());
    let meant = meaning(SignalMeaning::Nothing);
    assert!(meant.len() >= 10, "{meant:?}");
    for (number, word) in meant {
        send(daemon.pid(), number);
        let told = format!("{word}: ");
        until(&told, async || {
            assert!(daemon.is_running(), "ended by {word}");
            daemon.log().contains(&told)
        })
        .await;
        // Nor its spawner, and the monitors below that.
        if let Some(stray) = Signal::from_named_raw(number).filter(|_| signals::is_stray(number)) {
            below(daemon.pid()).into_iter().for_each(|child| strays(child, stray));
        }
    }
    daemon.spawn(WORKER).await;
    let vault = daemon.endpoint().vault(&living.vault.id).await.expect("is known");
    assert!(vault.receipt.is_none(), "{vault:?}");
    let now = below(daemon.pid());
    assert!(there.iter().all(|child| now.contains(child)), "{there:?}, {now:?}: {}", daemon.log());
}

/// To one that may be gone meanwhile: a daemon has a vault begun ahead.
fn strays(pid: u32, number: Signal) {
    let pid = i32::try_from(pid).ok().filter(|pid| *pid > 1).and_then(rustix::process::Pid::from_raw);
    let pid = pid.expect("is the number of a process that this test's daemon started");
    if let Ok(fd) = pidfd_open(pid, PidfdFlags::empty()) {
        let _ = pidfd_send_signal(fd, number);
    }
}

fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists = threads.flatten().map(|thread| thread.path().join("children"));
    let lists: String = lists.flat_map(std::fs::read_to_string).collect();
    lists.split_whitespace().map(|pid| pid.parse().expect("is a number")).collect()
}

/// Its children, theirs, and so on.
fn below(pid: u32) -> Vec<u32> {
    let all = children(pid).into_iter();
    all.flat_map(|child| [vec![child], below(child)].concat()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_that_ends_a_daemon_ends_it_in_order_and_with_a_word() {
    for (number, word) in meaning(SignalMeaning::Drain) {
        let daemon = Daemon::start();
        let living = daemon.spawn(WORKER).await;
        let traces = Traces::of(&daemon.endpoint(), &living).await;
        send(daemon.pid(), number);
        let (daemon, status) = leaves(daemon).await;
        assert_eq!(status.code(), Some(0), "{word}: {}", daemon.log());
        assert!(daemon.log().contains(&format!("{word}: draining")), "{}", daemon.log());
        assert_eq!(traces.left(), Vec::<String>::new(), "{word}");
    }
}

/// What a fault of a standing task means, on a daemon that runs: it is begun anew and does its work, and without its
/// door a daemon leaves in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standing_task_that_faults_is_begun_anew_or_ends_the_daemon_in_order() {
    if !cfg!(debug_assertions) {
        return not_run("a release build takes no orders to fault");
    }
    let dir = std::sync::Arc::new(Daemon::ground_with(1, ""));
    let (order, draft) = (dir.path().join("fault"), dir.path().join("fault.draft"));
    let fault = |task: &str| {
        std::fs::write(&draft, task).expect("writes");
        std::fs::rename(&draft, &order).expect("renames");
    };
    let mut daemon = Daemon::start_with(dir.clone(), "all", &[("HAUKI_TEST_FAULT", &order)]);
    let living = daemon.spawn("function f() {}").await.vault.id;
    for task in [
        "spool",
        "retention",
        "lost-nodes",
        "neighbours",
        "scrub",
        "salvage",
        "orphans",
        "node-watch",
        "pool-filler",
    ] {
        fault(task);
        let told = format!("it panicked: as was ordered; it is begun anew in 100 ms task=\"{task}\"");
        until(&told, async || daemon.log().contains(&told)).await;
        assert!(daemon.endpoint().vault(&living).await.expect("shows").phase.is_alive(), "{task}");
    }
    // The one after the fault does what the one before would have done.
    let worker = dir.path().join("w.js");
    std::fs::write(&worker, "function f() {}").expect("writes");
    let mut hauki = daemon.hauki();
    hauki.args(["summon", "--spool", "--wait"]).arg(&worker);
    let output = tokio::task::block_in_place(|| hauki.output()).expect("hauki runs");
    assert!(output.status.success(), "{output:?}");

    fault("door");
    assert_eq!(daemon.wait().code(), Some(1));
    for told in [
        "as was ordered; nothing works without it task=\"door\"",
        "leaving, because nothing works without it",
    ] {
        assert!(daemon.log().contains(told), "{told}: {}", daemon.log());
    }
    assert_eq!(daemon.leftovers(), [""; 0]);
    daemon.restart();
    let died = daemon.endpoint().vault(&living).await.expect("shows").receipt.expect("has died");
    assert_eq!(died.death.cause, Cause::NodeShutdown);
}
