//! A terminal of a test's own, and what would be seen on it.

use std::process::{Command, Stdio};

/// Runs the words in a terminal of so many columns; says what was written there, and its exit status.
const SCREEN: &str = r#"
import fcntl, os, pty, struct, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
    os.execvp(sys.argv[2], sys.argv[2:])
try:
    while data := os.read(terminal, 65536):
        os.write(1, data)
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

/// The command's environment is kept; its output and errors come as one text, without returns before line breaks.
pub fn seen(columns: u32, command: &Command) -> (String, Option<i32>) {
    let mut python = Command::new("python3");
    let variables = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    python.env_clear().envs(variables).env("TERM", "xterm").env("PATH", "/usr/bin:/bin");
    if let Some(folder) = command.get_current_dir() {
        python.current_dir(folder);
    }
    python.args(["-c", SCREEN, &columns.to_string()]).arg(command.get_program()).args(command.get_args());
    let output = python.stdin(Stdio::null()).output().expect("python is there");
    let text = String::from_utf8(output.stdout).expect("is text").replace("\r\n", "\n");
    (text, output.status.code())
}
