//! The README's own commands, as they stand there, on a real daemon with real vaults.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::daemon::Daemon;
use crate::support::program::program;

/// The blocks of one language under one heading.
fn blocks(heading: &str, language: &str) -> Vec<String> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    let text = text.expect("the README is there");
    let section = text.split("\n## ").find(|section| section.starts_with(heading));
    let section = section.unwrap_or_else(|| panic!("the README has no section {heading:?}"));
    let fence = format!("```{language}\n");
    section
        .split(fence.as_str())
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .map(str::to_owned)
        .collect()
}

/// Runs a script where the README's reader would be: beside `examples/`, with `hauki` on the path.
fn run(daemon: &Daemon, script: &str) -> Output {
    let work = daemon.dir.path().join("work");
    std::fs::create_dir_all(&work).expect("the directory is ours");
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let _ = std::os::unix::fs::symlink(examples, work.join("examples"));
    let feed = work.join("feed.sh");
    program(&feed, "#!/bin/sh\nhauki proxy call \"$1\" observe '[\"a\"]' >/dev/null\n");
    let beside = Path::new(env!("CARGO_BIN_EXE_hauki")).parent().expect("has a directory");
    let command = Command::new("bash")
        .args(["-c", script])
        .current_dir(work)
        .env_clear()
        .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", beside.display()))
        .env("HAUKI_STATE_DIR", daemon.dir.path())
        .env("HAUKI_CONFIG", daemon.dir.path().join("hauki.yaml"))
        .stdin(Stdio::null())
        .output();
    command.expect("bash runs")
}

fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn the_five_phases_by_hand() {
    let daemon = Daemon::start();
    let all = blocks("The five phases by hand", "sh");
    assert_eq!(all.len(), 3);
    let text = said(&run(&daemon, &format!("set -euxo pipefail\n{}", all[0])));
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("{\"lines\":"), "{text}");
    assert!(lines[1].contains("\"count\":"), "{text}");
    let receipt: serde_json::Value = serde_json::from_str(lines.last().expect("has lines")).expect("is JSON");
    assert_eq!((&receipt["kind"], &receipt["death"]["cause"]), (&"receipt".into(), &"destruct".into()));
    assert_eq!(said(&run(&daemon, &format!("set -euo pipefail\n{}", all[1]))).trim(), "2");
    said(&run(&daemon, &format!("set -euo pipefail\n{}", all[2])));
    said(&run(&daemon, "hauki destruct --all --yes"));
}

#[test]
fn the_script() {
    let daemon = Daemon::start();
    let all = blocks("A script", "bash");
    assert_eq!(said(&run(&daemon, &all[0])), "3\n");
    assert_eq!(said(&run(&daemon, "hauki ls -o id")), "", "the script left vaults behind");
}
