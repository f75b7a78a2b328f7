//! `hauki proxy repl` against a real daemon: through a pipe, and on a terminal of its own.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use crate::support::daemon::Daemon;

const WORKER: &str = "var n = 0;
function add(x) { n += x; return n; }
function report() { return {total: n, by: this_object()}; }
function boom() { throw new Error('ouch'); }
function spin() { print('it spins'); for (;;) {} }";

/// A daemon with a vault, and the vault's id.
async fn ground() -> (Daemon, String) {
    let daemon = Daemon::start();
    let spawned = daemon.spawn(WORKER).await;
    (daemon, spawned.vault.id.as_str().to_owned())
}

fn answer(mut command: Command, stdin: &str) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("runs");
    child.stdin.take().expect("is piped").write_all(stdin.as_bytes()).expect("is read");
    child.wait_with_output().expect("ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("is text")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_from_a_pipe_are_answered_without_a_prompt() {
    let (daemon, vault) = ground().await;
    let repl = |stdin: &str| {
        let mut command = daemon.hauki();
        command.args(["proxy", "repl", &vault]);
        answer(command, stdin)
    };
    let output = repl(
        "this->add(2)\nworker->report()\nvar f = function (o) {\n  return o->add(\n40);\n};\nx = f(this)\n'a\\nb'\n[1, {a: 1, \"b c\": null}]\nundefined\nf\n",
    );
    let wanted = format!(
        "2\n{{ total: 2, by: <{vault} on local> }}\n42\n\"a\\nb\"\n[1, {{ a: 1, \"b c\": null }}]\n[function]\n"
    );
    assert_eq!((text(&output.stdout), text(&output.stderr)), (wanted, String::new()));
    assert_eq!(output.status.code(), Some(0));
    // An error does not end it; the status is the last statement's.
    let output = repl("this->boom()\n1 +\n1\nnull.x\n)\nthis->boom()");
    assert_eq!((text(&output.stdout), output.status.code()), ("2\n".into(), Some(7)));
    let said = text(&output.stderr);
    assert_eq!(said.matches("error: Error: ouch").count(), 2, "{said}");
    // What the engine refuses the compiler tells in its own words, where it is there.
    let is_refused = said.contains("SyntaxError") || said.contains("error: Expression expected  (repl:1:1)");
    assert!(said.contains("TypeError") && is_refused, "{said}");
    assert_eq!(repl("exit(9)\n1").status.code(), Some(9));
    // The object of the ticket is not linked to the conversation.
    assert_eq!(text(&repl("this->add(0)").stdout), "42\n");
}

/// Types into a terminal: waits for each text of the pairs, then sends what follows it.
const TERMINAL: &str = r#"
import os, pty, select, sys, json
steps = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
seen, at = b"", 0
for wanted, keys in steps:
    while wanted.encode() not in seen[at:]:
        if not select.select([terminal], [], [], 60)[0]:
            sys.exit("waited in vain for %r in %r" % (wanted, seen[at:]))
        try:
            data = os.read(terminal, 4096)
        except OSError:
            data = b""
        if not data:
            sys.exit("it ended before %r: %r" % (wanted, seen[at:]))
        seen += data
    at = seen.index(wanted.encode(), at) + len(wanted.encode())
    os.write(terminal, keys.encode())
try:
    while os.read(terminal, 4096): pass
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_terminal_there_are_a_prompt_completion_history_and_interruption() {
    let (daemon, vault) = ground().await;
    let typed = |steps: &[(&str, &str)]| {
        let hauki = daemon.hauki();
        let mut command = Command::new("python3");
        let variables = hauki.get_envs().filter_map(|(name, value)| Some((name, value?)));
        command.env_clear().envs(variables).env("HOME", daemon.dir.path()).env("TERM", "xterm");
        let steps = serde_json::to_string(steps).expect("is JSON");
        command.args(["-c", TERMINAL, &steps]).arg(hauki.get_program()).args(["proxy", "repl", &vault]);
        let output = answer(command, "");
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    };
    typed(&[
        ("worker> ", "this->re\t()\r"),
        ("total: 0", ""),
        // An open bracket goes on; Ctrl-C clears it.
        ("worker> ", "this->add(\r"),
        ("add(", "\x03"),
        // The line has ended; a prompt alone may be one drawn anew.
        ("\x1b[?2004l", ""),
        ("worker> ", "this->add(\r7)\r"),
        ("7\r\n", ""),
        // A call that does not end is interrupted, and the conversation goes on.
        ("worker> ", "this->spin()\r"),
        ("worker: it spins", "\x03"),
        ("interrupted", ""),
        ("worker> ", "1 + 1\r"),
        ("2\r\n", ""),
        ("worker> ", "\x04"),
    ]);
    // What was typed is remembered.
    typed(&[("worker> ", "\x1b[A\r"), ("2\r\n", ""), ("worker> ", "\x04")]);
}
