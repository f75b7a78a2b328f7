//! Where cargo has put the sources of a crate that is in the lock file.
//!
//! Only cargo knows: a registry's cache, a vendored directory, or a mirror's. The crate is a dependency for a
//! target that nothing is built for, so an ordinary build has not fetched it yet when it is the first on
//! its machine; asking for the metadata of that target does.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The target of the dependency in Cargo.toml.
const TARGET: &str = "x86_64-unknown-none";

pub(crate) fn find(manifest: &Path, name: &str, version: &str) -> Result<PathBuf, Box<dyn Error>> {
    // Without the network first: it asks no index, and works in a vendored tree.
    let answer = metadata(manifest, &["--offline"]).or_else(|_| metadata(manifest, &[]))?;
    let root = root_of(&answer, name, version)
        .ok_or_else(|| format!("cargo names no place for {name} {version}"))?;
    Ok(root)
}

fn metadata(manifest: &Path, more: &[&str]) -> Result<String, Box<dyn Error>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let done = Command::new(cargo)
        .args(["metadata", "--locked", "--format-version", "1", "--filter-platform", TARGET])
        .args(more)
        .arg("--manifest-path")
        .arg(manifest)
        // The flags of the build are for its target.
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .output()?;
    if !done.status.success() {
        let words = String::from_utf8_lossy(&done.stderr);
        return Err(format!("cargo metadata: {}", words.trim()).into());
    }
    Ok(String::from_utf8(done.stdout)?)
}

/// The directory of a package's manifest in what `cargo metadata` prints.
///
/// Each package begins with its name and version, and its manifest comes before the next one's.
fn root_of(answer: &str, name: &str, version: &str) -> Option<PathBuf> {
    const MANIFEST: &str = "\"manifest_path\":\"";
    let package = answer.find(&format!("{{\"name\":\"{name}\",\"version\":\"{version}\","))?;
    let after = &answer[package..];
    let path = &after[after.find(MANIFEST)? + MANIFEST.len()..];
    let mut plain = String::new();
    let mut letters = path.chars();
    loop {
        match letters.next()? {
            '"' => break,
            '\\' => plain.push(letters.next().filter(|letter| matches!(letter, '"' | '\\' | '/'))?),
            letter => plain.push(letter),
        }
    }
    Path::new(&plain).parent().map(Path::to_owned)
}
