//! File access: files of the caller, for scripts only: a worker has none.

use std::fs;
use std::io;

use super::failure::ScriptFailure;
use crate::Exit;
use hauki_contract::system::rlimit;

fn failed(what: &str, path: &str, why: impl std::fmt::Display) -> ScriptFailure {
    ScriptFailure::new("io", Exit::Io, format!("failed to {what} {path}: {why}"))
}

/// A whole file as text; `-` is standard input, which blocks as any program's does. A file that cannot
/// fit is refused before it is read.
pub(super) fn read(path: &str, most: usize) -> Result<String, ScriptFailure> {
    let bytes = match path {
        "-" => rlimit::read_from(io::stdin(), most),
        path => rlimit::read(path, most),
    };
    let bytes = bytes.map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => {
            let why = format!("it is longer than {most} bytes, which is what fits into the script's memory");
            failed("read", path, why).hint("--memory gives the script more")
        }
        _ => failed("read", path, error),
    })?;
    String::from_utf8(bytes).map_err(|_| failed("read", path, "it is not UTF-8"))
}

pub(super) fn write(path: &str, text: &str) -> Result<(), ScriptFailure> {
    fs::write(path, text).map_err(|error| failed("write", path, error))
}
