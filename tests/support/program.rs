//! A program of a test's own. What one thread has open for writing, a child that another thread begins just then has open
//! too, and the kernel runs nothing that somebody may write into: so another process writes it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

pub(crate) fn program(path: &Path, text: &str) {
    let mut writer = Command::new("sh")
        .args(["-c", r#"cat > "$0" && chmod 755 "$0""#])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("runs");
    writer.stdin.take().expect("is a pipe").write_all(text.as_bytes()).expect("reads");
    assert!(writer.wait().expect("ends").success(), "{}", path.display());
}
