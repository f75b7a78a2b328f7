//! The completion scripts in their own shells, with a vault that lives.

use std::path::Path;
use std::process::Command;

use crate::support::daemon::{self, Daemon};

fn shell(daemon: &Daemon, program: &str, script: &str) -> String {
    let bin = Path::new(env!("CARGO_BIN_EXE_hauki")).parent().expect("is in a directory");
    // zsh reads start files even for a script.
    let bare = if program == "zsh" { &["-f"][..] } else { &[] };
    let output = Command::new(program)
        .args(bare)
        .args(["-c", script])
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
        .env("HOME", daemon.dir.path())
        .env("HAUKI_STATE_DIR", daemon.dir.path())
        .env("HAUKI_CONFIG", daemon.dir.path().join("hauki.yaml"))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/completions"))
        .output()
        .unwrap_or_else(|error| panic!("{program} is needed for this test: {error}"));
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_shell_offers_the_verbs_and_the_vaults_that_live() {
    let daemon = Daemon::start();
    let spawned = daemon.spawn("function f() {}").await;
    let id = spawned.vault.id.as_str();
    let bash = |words: &str, current: &str| {
        format!(
            "source hauki.bash; COMP_WORDS=({words}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 )); COMP_TYPE=9; \
             _clap_complete_hauki hauki '{current}' '' 2>/dev/null; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        )
    };
    let verbs = shell(&daemon, "bash", &bash("hauki des", "des"));
    assert!(verbs.contains("destruct"), "{verbs}");
    let vaults = shell(&daemon, "bash", &bash("hauki show vlt_", "vlt_"));
    assert!(vaults.contains(id), "{vaults}");
    let mut named = daemon::spawning("function f() {}", Default::default());
    named.summons.name = Some("scout/eu".parse().expect("a name"));
    daemon.endpoint().spawn(&named).await.expect("spawns");
    let names = shell(&daemon, "bash", &bash("hauki resolve sc", "sc"));
    assert!(names.contains("scout/eu"), "{names}");
    let fish = shell(&daemon, "fish", "source hauki.fish; complete -C 'hauki show vlt_'");
    assert!(fish.contains(id), "{fish}");
    let other = shell(&daemon, "fish", "source hauki.fish; complete -C 'x-hauki-core show vlt_'");
    assert!(other.contains(id), "{other}");
    // zsh's completion system needs a terminal; its script's own question does not.
    let zsh = shell(
        &daemon,
        "zsh",
        "compdef() { :; }; _describe() { shift 2; print -l -- ${(P)1}; }; \
         words=(hauki show vlt_); CURRENT=3; functions[_hauki]=\"$(<_hauki)\"; _hauki",
    );
    assert!(zsh.contains(id), "{zsh}");
}
