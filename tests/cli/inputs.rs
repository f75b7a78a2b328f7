//! Files that a user names: what has no end is bounded, and whoever waits for one hears signals.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::tool::Tool;
use hauki_contract::system::clock;
use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Every place of the command line where a file is read; FILE stands for it.
const PLACES: &[&[&str]] = &[
    &["summon", "FILE"],
    &["clone", "FILE"],
    &["forge", "FILE"],
    &["ticket", "FILE"],
    &["ticket", "narrow", "FILE", "--expires", "1m"],
    &["show", "FILE"],
    &["destruct", "FILE"],
    &["heartbeat", "FILE"],
    &["spool", "show", "FILE"],
    &["gem", "push", "FILE", "workers/w"],
    &["gem", "push", "w.js", "--manifest", "FILE"],
    &["node", "add", "--file", "FILE"],
    &["proxy", "call", "FILE", "f"],
    &["proxy", "call", "t.json", "f", "--file", "FILE"],
    &["proxy", "pipe", "FILE"],
    &["proxy", "listen", "FILE", "--listen", "127.0.0.1:0"],
    &["proxy", "repl", "FILE"],
    &["proxy", "run", "FILE"],
    &["proxy", "run", "reads.js", "FILE"],
    &["proxy", "run", "clones.js", "FILE"],
    &["ls", "--endpoint", "https://127.0.0.1:1", "--token-file", "FILE"],
    &["ls", "--endpoint", "https://127.0.0.1:1", "--ca-file", "FILE"],
];

fn start(tool: &Tool, place: &[&str], file: &str) -> Child {
    tool.file("w.js", "function f() { return 1; }");
    tool.file("t.json", "{}");
    tool.file("reads.js", "print(read_file(args[0]).length)");
    tool.file("clones.js", "clone_object(args[0])");
    let words = place.iter().map(|word| if *word == "FILE" { file } else { word });
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("hauki"));
    command.env_clear().envs(tool.environment()).current_dir(tool.home.path()).args(words);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs")
}

fn hang_ups_are_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").expect("is there");
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).expect("is told");
    u64::from_str_radix(ignored.trim(), 16).expect("is a mask") & 1 != 0
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = clock::mono();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(clock::mono().since(began) < 60_000_000, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn whoever_waits_for_a_pipe_hears_signals() {
    let tool = Tool::new();
    let pipe = tool.path("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0)
        .expect("makes a pipe");
    let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).expect("fits");
    for (index, place) in PLACES.iter().enumerate() {
        let (signal, status) = [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)][index % 3];
        // Under nohup(1) a hang-up ends nobody.
        let (signal, status) =
            if status == 129 && hang_ups_are_ignored() { (Signal::TERM, 143) } else { (signal, status) };
        let mut child = start(&tool, place, "pipe");
        // It can be opened as soon as somebody reads.
        let writer = wait_for(&format!("{place:?} reads"), || {
            assert_eq!(child.try_wait().expect("is ours"), None, "{place:?} did not read it");
            OpenOptions::new().write(true).custom_flags(nonblock).open(&pipe).ok()
        });
        let process = rustix::process::Pid::from_child(&child);
        let process = pidfd_open(process, PidfdFlags::empty()).expect("is a child of ours");
        pidfd_send_signal(&process, signal).expect("is signalled");
        let ended = wait_for(&format!("{place:?} hears"), || child.try_wait().expect("is ours"));
        let code = ended.code().or_else(|| ended.signal().map(|number| 128 + number));
        assert_eq!(code, Some(status), "{place:?}");
        drop(writer);
    }
}

#[test]
fn what_has_no_end_is_refused_with_its_limit() {
    let tool = Tool::new();
    for place in PLACES {
        let output = start(&tool, place, "/dev/zero").wait_with_output().expect("ends");
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(said.contains("longer than"), "{place:?}: {said}");
        assert!(matches!(output.status.code(), Some(65 | 74 | 78)), "{place:?}: {:?} {said}", output.status);
    }
    // A line without end is one line that is too long, and what comes behind it is read.
    let ran =
        tool.run_with(&["proxy", "repl", "--memory", "256KiB"], &format!("{}\n1 + 1\n", "1".repeat(300_000)));
    assert!(ran.stdout == "2\n" || ran.stderr.contains("longer than"), "{ran:?}");
}
