//! Files of the caller, for scripts only: a worker has none.

use std::fs;
use std::io::{self, Read as _};

use super::failure::Failure;
use crate::client::Exit;

fn failed(what: &str, path: &str, why: impl std::fmt::Display) -> Failure {
    Failure::new("io", Exit::Io, format!("failed to {what} {path}: {why}"))
}

/// A whole file as text; `-` is standard input, which blocks as any program's does. A file that cannot
/// fit is refused before it is read.
pub(super) fn read(path: &str, most: usize) -> Result<String, Failure> {
    let file: Box<dyn io::Read> = match path {
        "-" => Box::new(io::stdin()),
        path => Box::new(fs::File::open(path).map_err(|error| failed("read", path, error))?),
    };
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX);
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| failed("read", path, error))?;
    if bytes.len() > most {
        let why = format!("it is longer than {most} bytes, which is what fits into the script's memory");
        return Err(failed("read", path, why).hint("--memory gives the script more"));
    }
    String::from_utf8(bytes).map_err(|_| failed("read", path, "it is not UTF-8"))
}

pub(super) fn write(path: &str, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| failed("write", path, error))
}
