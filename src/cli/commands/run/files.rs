//! File table: files that go into the worker of a run, and what is taken out of it again.
//!
//! A worker has no files. These are texts and bytes in its heap, as many as fit there, which the program reads and writes
//! by their names.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;

use crate::cli::bounded_read;
use crate::cli::connect;
use crate::cli::context::Ctx;
use crate::cli::error::CliError;
use crate::client::Ghost;
use hauki_contract::strict::{self, DocumentLimits};

/// The worker that takes turns and has the table. What it needs of the built-ins is its own.
pub(super) const WORKER: &str = "\"hauki runtime 1\";
enable_evaluate();
(function (G, encode, decode, Bytes, Text, TE) {
  var table = {};
  function key(who, name) {
    if (typeof name !== 'string' || name === '') throw new TE(who + ': a file has a name');
    return 'f' + name;
  }
  function read(name) {
    var file = table[key('read_file', name)];
    if (file === undefined) throw new Error('read_file: there is no file ' + name);
    return file;
  }
  G.read_file = function read_file(name) {
    var file = read(name);
    return typeof file === 'string' ? file : new Bytes(file);
  };
  G.write_file = function write_file(name, data) {
    table[key('write_file', name)] = data instanceof Bytes ? new Bytes(data) : Text(data);
  };
  G.hauki_put_file = function (name, text, base64) {
    table[key('hauki_put_file', name)] = base64 === undefined ? text : decode(base64);
  };
  G.hauki_get_file = function (name) {
    var file = read(name);
    return typeof file === 'string' ? { text: file } : { base64: encode(file) };
  };
})(globalThis, base64_encode, base64_decode, Uint8Array, String, TypeError);
";

/// The longest file that is read here; what a worker takes is less.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// A file here, and its name in the worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FilePair {
    local: String,
    name: String,
}

impl FilePair {
    /// `local:name`, or one word for both.
    pub(super) fn put(text: &str) -> Result<Self, String> {
        let (local, name) = text.rsplit_once(':').unwrap_or((text, last(text)));
        Self::of(local, name)
    }

    /// `name:local`, or one word for both.
    pub(super) fn get(text: &str) -> Result<Self, String> {
        let (name, local) = text.split_once(':').unwrap_or((text, last(text)));
        Self::of(local, name)
    }

    fn of(local: &str, name: &str) -> Result<Self, String> {
        if local.is_empty() || name.is_empty() {
            return Err("a file here and its name in the worker are written with a colon between them".into());
        }
        Ok(Self { local: local.to_owned(), name: name.to_owned() })
    }
}

/// The last part of a path: a name from the worker leads nowhere else.
fn last(text: &str) -> &str {
    Path::new(text).file_name().and_then(|name| name.to_str()).unwrap_or(text)
}

/// What the worker gives.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableFile {
    text: Option<String>,
    base64: Option<String>,
}

/// Reads them all before any is sent.
pub(super) async fn read(pairs: &[FilePair]) -> Result<Vec<(String, Vec<u8>)>, CliError> {
    let mut read = Vec::new();
    for FilePair { local, name } in pairs {
        let bytes = bounded_read::read(Path::new(local), MOST_BYTES).await;
        read.push((name.clone(), bytes.map_err(|error| CliError::unreadable(local, &error))?));
    }
    Ok(read)
}

pub(super) async fn put(ctx: &Ctx, ghost: &Ghost, files: Vec<(String, Vec<u8>)>) -> Result<(), CliError> {
    for (name, bytes) in files {
        let params = match String::from_utf8(bytes) {
            Ok(text) => json!([name, text]),
            Err(bytes) => json!([name, null, STANDARD.encode(bytes.as_bytes())]),
        };
        let sent = ghost.call("hauki_put_file", Some(&params.to_string())).await;
        if let Err(error) = sent {
            let error = connect::explain(ctx, ghost.vault(), error).await;
            return Err(error.note(format!("   while {name} was put into the worker")));
        }
    }
    Ok(())
}

/// Takes them all out before any is written.
pub(super) async fn get(ctx: &Ctx, ghost: &Ghost, pairs: &[FilePair]) -> Result<(), CliError> {
    let mut taken = Vec::new();
    for FilePair { local, name } in pairs {
        let file = ghost.call("hauki_get_file", Some(&json!([name]).to_string())).await;
        let file = match file {
            Ok(file) => file,
            Err(error) => return Err(connect::explain(ctx, ghost.vault(), error).await),
        };
        let odd = || CliError::data("bad_file", format!("the worker gave something else for {name}"));
        let limits = DocumentLimits::bytes(file.get().len());
        let bytes = match strict::from_str::<TableFile>(file.get(), limits) {
            Ok(TableFile { text: Some(text), base64: None }) => text.into_bytes(),
            Ok(TableFile { text: None, base64: Some(bytes) }) => STANDARD.decode(bytes).map_err(|_| odd())?,
            Ok(_) | Err(_) => return Err(odd()),
        };
        taken.push((local, bytes));
    }
    for (local, bytes) in taken {
        let path = local.clone();
        // It may be somebody's FIFO, whose reader never comes.
        let written = bounded_read::aside(move || std::fs::write(path, bytes)).await;
        let written = written.unwrap_or_else(|| Err(std::io::Error::other("the writer ended")));
        written.map_err(|error| CliError::io(&format!("write {local}"), &error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_a_path_here_and_a_name_there() {
        let pair = |local: &str, name: &str| FilePair { local: local.into(), name: name.into() };
        for (text, put, get) in [
            ("a.csv", pair("a.csv", "a.csv"), pair("a.csv", "a.csv")),
            ("dir/a.csv", pair("dir/a.csv", "a.csv"), pair("a.csv", "dir/a.csv")),
            ("x/y:z", pair("x/y", "z"), pair("z", "x/y")),
            ("a:b:c", pair("a:b", "c"), pair("b:c", "a")),
        ] {
            assert_eq!(
                (FilePair::put(text).expect("is one"), FilePair::get(text).expect("is one")),
                (put, get)
            );
        }
        // What a worker calls its file leads out of no directory.
        assert_eq!(FilePair::get("../../etc/x").expect("is one").local, "x");
        for odd in ["", ":", "a:", ":a"] {
            assert!(FilePair::put(odd).is_err() && FilePair::get(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn the_worker_is_one_that_the_engine_takes() {
        hauki_lang::engine::check(WORKER, "session.js").expect("is taken");
    }
}
