//! A terminal of a test's own, and what would be seen on it.

use std::process::{Command, Stdio};

/// Runs the words in a terminal of so many columns, and types the last of three once the second is to be seen; says what
/// was written there, and its exit status.
const SCREEN: &str = r#"
import fcntl, os, pty, struct, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
    os.execvp(sys.argv[4], sys.argv[4:])
cue, keys, seen = sys.argv[2].encode(), sys.argv[3].encode(), b""
try:
    while data := os.read(terminal, 65536):
        os.write(1, data)
        seen += data
        if keys and cue in seen:
            os.write(terminal, keys)
            keys = b""
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

/// The command's environment is kept; its output and errors come as one text, without returns before line breaks.
#[allow(dead_code, reason = "not every test target uses all of it")]
pub(crate) fn seen(columns: u32, command: &Command) -> (String, Option<i32>) {
    seen_after(columns, command, "", "")
}

/// The same, where somebody types `keys` as soon as `cue` is to be read.
pub(crate) fn seen_after(columns: u32, command: &Command, cue: &str, keys: &str) -> (String, Option<i32>) {
    let mut python = Command::new("python3");
    let variables = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    python.env_clear().envs(variables).env("TERM", "xterm").env("PATH", "/usr/bin:/bin");
    if let Some(folder) = command.get_current_dir() {
        python.current_dir(folder);
    }
    python
        .args(["-c", SCREEN, &columns.to_string(), cue, keys])
        .arg(command.get_program())
        .args(command.get_args());
    let output = python.stdin(Stdio::null()).output().expect("python is there");
    let text = String::from_utf8(output.stdout).expect("is text").replace("\r\n", "\n");
    (text, output.status.code())
}
