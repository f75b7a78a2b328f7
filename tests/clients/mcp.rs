//! An agent's client and `hauki mcp`: the protocol, the tools, and clients and workers that mean harm. The client is
//! written in Python from the specification.

use std::path::Path;
use std::process::Command;

use crate::support::daemon::Daemon;
use crate::support::until::until_so;
use serde_json::Value;

/// Runs a scenario of `mcp_scenarios.py` against a daemon of its own, and sees that nothing is left of it.
fn play(scenario: &str, prepare: impl FnOnce(&Daemon, &mut Command)) {
    let daemon = Daemon::start();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    // What `env` of the tool has the client needs too, which starts it.
    let hauki = daemon.hauki();
    let mut python = Command::new("python3");
    python.env_clear().envs(hauki.get_envs().filter_map(|(key, value)| Some((key, value?))));
    python.args(["-B", "-W", "error"]).arg(folder.join("mcp_scenarios.py")).arg(scenario);
    python.arg(hauki.get_program()).arg("mcp");
    prepare(&daemon, &mut python);
    let output = python.output().expect("python3 is installed");
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said == "done\n", "{scenario}: {said}\n{errors}");
    until_so("nothing is left", || {
        let output = daemon.hauki().args(["ls", "-o", "jsonl"]).output().expect("runs");
        output.status.success() && output.stdout.is_empty()
    });
}

#[test]
fn a_client_runs_programs_and_makes_calls_and_ends_workers() {
    play("lifecycle", |_, _| {});
}

#[test]
fn what_a_worker_says_while_it_works_is_progress() {
    play("progress", |_, _| {});
}

#[test]
fn a_cancelled_call_is_stopped_in_its_worker() {
    play("cancel", |_, _| {});
}

#[test]
fn a_client_has_no_more_than_the_flags_allow() {
    play("bounds", |_, _| {});
}

#[test]
fn sources_are_read_below_an_open_folder_only() {
    play("roots", |daemon, python| {
        let folder = daemon.dir.path().join("sources");
        std::fs::create_dir(&folder).expect("makes");
        std::fs::write(daemon.dir.path().join("secret.js"), "function f() {}").expect("writes");
        std::fs::write(folder.join("scout.ts"), "export function f(x: number): number { return x ** 2; }")
            .expect("writes");
        std::os::unix::fs::symlink("../secret.js", folder.join("link.js")).expect("links");
        python.env("SOURCES", folder);
    });
}

#[test]
fn garbage_and_crowds_have_answers() {
    play("hostile_client", |_, _| {});
}

#[test]
fn a_workers_names_and_words_take_nothing_of_the_servers() {
    play("hostile_worker", |_, _| {});
}

#[test]
fn what_a_client_made_dies_with_it() {
    play("goes_away", |_, _| {});
}

#[test]
fn who_does_not_read_is_not_read() {
    play("unread", |_, _| {});
}

#[test]
fn an_order_of_another_build_is_refused() {
    let program = Path::new(env!("CARGO_BIN_EXE_hauki")).with_file_name("hauki-mcp");
    let run = |words: &[&str]| Command::new(&program).args(words).output().expect("runs");
    for (words, code) in [(&[][..], 2), (&["a", "b"], 2), (&["{}"], 78), (&["{"], 78)] {
        let output = run(words);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(code), 0), "{words:?}: {output:?}");
        assert!(output.stderr.starts_with(b"error: "), "{output:?}");
    }
}

#[test]
fn a_configuration_is_printed_or_put_beside_what_is_there() {
    let daemon = Daemon::start();
    let home = daemon.dir.path().join("home");
    std::fs::create_dir(&home).expect("makes");
    let run = |words: &[&str]| {
        let mut command = daemon.hauki();
        command.env("HOME", &home).current_dir(&home).args(["mcp", "install"]).args(words);
        command.output().expect("runs")
    };
    let program = env!("CARGO_BIN_EXE_hauki");
    for (client, file, key) in [
        ("claude", ".claude.json", "mcpServers"),
        ("cursor", ".cursor/mcp.json", "mcpServers"),
        ("vscode", ".vscode/mcp.json", "servers"),
    ] {
        let printed = run(&[client, "--", "--memory", "8MiB"]);
        let told: Value = serde_json::from_slice(&printed.stdout).expect("is JSON");
        assert_eq!(told[key]["hauki"]["command"], program);
        assert_eq!(told[key]["hauki"]["args"], serde_json::json!(["mcp", "--memory", "8MiB"]));
        assert!(!home.join(file).exists(), "printed is not written");
        let written = run(&[client, "--write", "--", "--memory", "8MiB"]);
        assert!(written.status.success(), "{written:?}");
        let there: Value =
            serde_json::from_slice(&std::fs::read(home.join(file)).expect("is there")).expect("is JSON");
        assert_eq!(there, told);
    }
    let file = home.join(".claude.json");
    std::fs::write(&file, "{\"history\": [1.10],\n \"mcpServers\": {\"other\": {}}}").expect("writes");
    assert!(run(&["claude", "--write"]).status.success());
    let text = std::fs::read_to_string(&file).expect("is there");
    assert!(text.starts_with("{\"history\": [1.10],\n") && text.contains("\"other\": {}"), "{text}");
    std::fs::write(&file, "{ // words\n}").expect("writes");
    let refused = run(&["claude", "--write"]);
    assert_eq!(
        (refused.status.code(), std::fs::read_to_string(&file).expect("is there").as_str()),
        (Some(65), "{ // words\n}")
    );
}
