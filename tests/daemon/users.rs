//! What a listed user can make a daemon spend.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::support::daemon::Daemon;
use crate::support::user::as_user;

const USER: u32 = 4711;
/// What one such body becomes is several hundred.
const MOST_MIB: u64 = 600;

/// A dry run with as many numbers as fit into a body.
fn summon(socket: &Path) -> String {
    let numbers = vec!["1"; 4_000_000].join(",");
    let body = format!(
        r#"{{"key":"k","origin":{{"source":{{"text":"function f() {{}}","file":"f.js"}}}},"args":[{numbers}],"dry_run":true}}"#
    );
    let head = format!(
        "POST /api/v2/summons HTTP/1.1\r\nhost: hauki\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = UnixStream::connect(socket).expect("listens");
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).expect("is read");
    let mut answer = vec![0; 64];
    stream.read_exact(&mut answer).expect("answers");
    String::from_utf8_lossy(&answer).into_owned()
}

fn peak_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("lives");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("says its peak");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") / 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_bodies_at_one_time_take_no_more_than_one() {
    let daemon = Daemon::start_in(Daemon::ground(&format!("daemon: {{allow_uids: [{USER}]}}\n")), "all", &[]);
    let socket = daemon.socket.clone();
    let asking = std::thread::spawn(move || {
        std::thread::scope(|scope| {
            let asked: Vec<_> = (0..4).map(|_| scope.spawn(|| as_user(USER, || summon(&socket)))).collect();
            asked.into_iter().map(|asked| asked.join().expect("ends")).collect::<Vec<_>>()
        })
    });
    let mut served = 0;
    while !asking.is_finished() {
        daemon.endpoint().vaults(&Default::default()).await.expect("others are served");
        served += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let answers = asking.join().expect("ends");
    assert!(answers.iter().all(|answer| answer.starts_with("HTTP/1.1 ")), "{answers:?}");
    let peak = peak_mib(daemon.pid());
    println!("{answers:?} peak {peak} MiB, others asked {served} times");
    assert!(peak <= MOST_MIB, "{peak} MiB");
}
