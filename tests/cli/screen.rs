//! What others wrote, on a terminal and in a pipe.

use std::fs;
use std::process::Command;

use crate::support::daemon::Daemon;
use crate::support::screen;
use serde_json::Value;

/// A control of C1, a mark of direction, a filler, a selector, a tag, a delete, and one that all may see.
const FOREIGN: &str = "\u{9b}2J\u{202e}\u{3164}\u{fe0f}\u{e0041}\u{7f}ä";
const SPELLED: &str = r"\u009b2J\u202e\u3164\ufe0f\udb40\udc41\u007fä";

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn run(command: &mut Command) -> String {
    let output = command.output().expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("is text")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_is_shown_what_a_pipe_gets_byte_for_byte() {
    let daemon = Daemon::start();
    let spawned = daemon.spawn("function echo(x) { return x; } function half() { return '\\ud800'; }").await;
    let path = |name: &str| daemon.dir.path().join(name).display().to_string();
    let ticket = path("t.json");
    fs::write(&ticket, serde_json::to_string(&spawned.ticket).expect("is JSON")).expect("writes");
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&ticket, private).expect("is ours");
    let value = serde_json::to_string(FOREIGN).expect("is JSON");
    let requests = path("requests");
    let request = format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":[{value}]}}\n");
    fs::write(&requests, request).expect("writes");
    fs::write(path("lines"), format!("{value}\n")).expect("writes");
    fs::write(path("s.js"), format!("print({value}); print('a\\rb\\u001b[2J')")).expect("writes");

    let hauki = |line: &str| {
        let hauki = daemon.hauki();
        let mut command = Command::new("sh");
        let variables = hauki.get_envs().filter_map(|(name, value)| Some((name, value?)));
        command.envs(variables).current_dir(daemon.dir.path());
        command.args(["-c", &format!("exec {} {line}", hauki.get_program().display())]);
        command
    };
    for line in [
        &format!("proxy call t.json echo '{value}'")[..],
        &format!("proxy call t.json echo '{value}' -o jsonl"),
        &format!("proxy call t.json echo '{value}' -o json"),
        &format!("proxy call t.json echo '{value}' -o yaml"),
        "proxy pipe t.json < requests",
        "proxy pipe t.json echo < lines",
        "proxy run s.js",
    ] {
        let piped = run(&mut hauki(line));
        // YAML has spellings of its own.
        assert!(piped.contains(FOREIGN) || line.ends_with("yaml"), "{line}: {piped:?}");
        let (seen, code) = screen::seen(80, &hauki(line));
        let is_raw = |letter: char| (letter.is_control() && letter != '\n') || FOREIGN.contains(letter);
        let raw: String = seen.chars().filter(|letter| is_raw(*letter) && !"2Jä".contains(*letter)).collect();
        assert!(raw.is_empty() && code == Some(0), "{line}: {seen:?}");
        assert!(seen.contains(SPELLED) || line.ends_with("yaml"), "{line}: {seen:?}");
        if line == "proxy run s.js" {
            assert!(
                seen.contains(r"a\u000db\u001b[2J") && piped.contains("a\rb\u{1b}[2J"),
                "{seen:?} {piped:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_fits_a_terminal_and_loses_nothing_by_it() {
    let daemon = Daemon::start();
    let spawned = daemon.spawn("function say() { print('so many words of a worker '.repeat(9)); }").await;
    run(daemon.hauki().args(["proxy", "call", spawned.vault.id.as_str(), "say"]));
    run(daemon.hauki().args(["destruct", spawned.vault.id.as_str()]));
    let piped = run(daemon.hauki().args(["events", "-o", "table"]));
    assert!(piped.lines().any(|line| line.chars().count() > 100), "{piped}");
    let mut hauki = daemon.hauki();
    hauki.arg("events");
    let (seen, code) = screen::seen(80, &hauki);
    let wide: Vec<_> = seen.lines().filter(|line| plain(line).chars().count() > 80).collect();
    assert!(code == Some(0) && wide.is_empty(), "{wide:?} of {seen}");
    let words = |text: &str| plain(text).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&seen), words(&piped));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_that_no_value_can_hold_is_printed_as_it_came_in_every_form() {
    let daemon = Daemon::start();
    let spawned = daemon.spawn("function echo(x) { return x; }").await;
    let vault = spawned.vault.id.as_str();
    for sent in [r#""\ud800""#, r#"{"\ud800":1}"#, "10928588.983213553"] {
        for format in ["jsonl", "json", "yaml", "table", "wide"] {
            let said = run(daemon.hauki().args(["proxy", "call", vault, "echo", sent, "-o", format]));
            let told: String = said.split_whitespace().collect();
            let is_number = sent.starts_with('1');
            assert!(told.contains(sent) || (is_number && format == "yaml"), "{sent} {format}: {said}");
            if matches!(format, "jsonl" | "json") && is_number {
                assert_eq!(serde_json::from_str::<Value>(&said).expect("is JSON")["vault"], vault, "{said}");
            }
        }
    }
}
