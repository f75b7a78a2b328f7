//! Builds the static binaries that tests start: the probe and the init itself.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

#[allow(dead_code, clippy::print_stdout, reason = "the build script; only `static_build` is used here")]
#[path = "../../crates/node/build.rs"]
mod build_script;

/// The native attacker of `tests/probe`, to be put in the init's place.
///
/// Cargo's own lock on the target directory makes test processes that build at once wait for each
/// other; when everything is fresh this takes some ten milliseconds.
#[allow(dead_code, reason = "not every test target attacks")]
pub(crate) fn probe_binary() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build("hauki-vault-probe", Some("probe"))).clone()
}

/// The init that was taken over and talks without end.
#[allow(dead_code, reason = "not every test target is flooded")]
pub(crate) fn flood_binary() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build("hauki-vault-flood", Some("probe"))).clone()
}

/// The init as `haukid` carries it, but without a stamped build id.
#[allow(dead_code, reason = "not every test target starts a bare init")]
pub(crate) fn init_binary() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build("hauki-vault", None)).clone()
}

fn build(binary: &str, feature: Option<&str>) -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root =
        Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the directory lies in the target directory");
    let target = build_script::vault_target(&format!("{}-unknown-linux-gnu", std::env::consts::ARCH));
    build_script::static_build(package, root, &target, binary, feature).expect("the static binary builds")
}
