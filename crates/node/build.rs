//! Builds the static vault init, so that one `cargo build` makes everything and `haukid` carries it.
//!
//! The init needs flags that nothing else may have (`+crt-static`, no PIE), hence a nested `cargo
//! build` of that one binary in a target directory of its own, `target/vault-build`, which all
//! profiles and tests share.
//!
//! A heap may only be restored into the very binary that wrote it (fixed addresses of functions and
//! tables, design §9), so the build id is a digest of the finished binary, written over a placeholder
//! inside it. Hashing sources instead would call two binaries from two compilers the same.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What `crates/vault/src/build_id.rs` holds until the digest is written over the zeros.
const PLACEHOLDER: &[u8] = b"hauki-vault-build:00000000000000000000000000000000";
const DIGITS: usize = 32;

const WATCHED: &[&str] = &[
    "crates/node/build.rs",
    "Cargo.toml",
    "Cargo.lock",
    "crates/contract",
    "crates/jail",
    "crates/lang",
    "crates/mquickjs",
    "crates/vault",
    ".cargo/config.toml",
];

#[allow(dead_code, reason = "tests/support includes this file for `static_build`")]
fn main() -> Result<(), Box<dyn Error>> {
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo sets CARGO_MANIFEST_DIR")?);
    let workspace = package.ancestors().nth(2).ok_or("the crate lies in the workspace")?;
    for path in WATCHED {
        println!("cargo:rerun-if-changed={}", workspace.join(path).display());
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let target = vault_target(&env::var("TARGET")?);
    // A target that is added later changes this list. A path that is not there would mean "always".
    let list = rustc_says(&["--print", "sysroot"]).map(|root| root.join("lib/rustlib/components"));
    if let Some(list) = list.filter(|list| list.is_file()) {
        println!("cargo:rerun-if-changed={}", list.display());
    }
    let shared = out
        .ancestors()
        .find(|path| path.file_name().is_some_and(|name| name == "build"))
        .and_then(|build| build.ancestors().nth(2))
        .ok_or("OUT_DIR lies in target/PROFILE/build")?;

    let built = static_build(workspace, shared, &target, "hauki-vault", None)?;
    let (image, id) = stamp(fs::read(&built)?).ok_or("the init holds the build id's placeholder once")?;
    fs::write(out.join("hauki-vault"), image)?;
    println!("cargo:rustc-env=HAUKI_VAULT_BUILD={id}");
    Ok(())
}

/// The target of the init: musl where Rust and a C compiler for it are installed, else the package's own.
///
/// A C library that looks at the processor before `main`, as glibc does with some sixty `cpuid`, takes
/// half a millisecond of each start in a virtual machine, whose host answers every one of them.
pub(crate) fn vault_target(own: &str) -> String {
    let musl = own.replace("-gnu", "-musl");
    let is_there =
        rustc_says(&["--print", "target-libdir", "--target", &musl]).is_some_and(|dir| dir.is_dir());
    // It compiles for the machine that it runs on.
    let compiles = own.starts_with(env::consts::ARCH)
        && Command::new(MUSL_CC).arg("--version").output().is_ok_and(|done| done.status.success());
    if is_there && compiles { musl } else { own.to_owned() }
}

const MUSL_CC: &str = "musl-gcc";

fn rustc_says(args: &[&str]) -> Option<PathBuf> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let printed = Command::new(rustc).args(args).output().ok()?;
    Some(PathBuf::from(String::from_utf8_lossy(&printed.stdout).trim()))
}

/// Builds one binary of the init's package statically and without PIE; returns where it lies.
pub(crate) fn static_build(
    workspace: &Path,
    target_root: &Path,
    target: &str,
    binary: &str,
    feature: Option<&str>,
) -> Result<PathBuf, Box<dyn Error>> {
    let directory = target_root.join("vault-build");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(leaks) {
            cargo.env_remove(name);
        }
    }
    cargo
        .current_dir(workspace)
        .args(["build", "--quiet", "--locked", "--profile", "vault", "--package", "hauki-vault"])
        .args(["--bin", binary])
        .args(feature.map(|feature| format!("--features={feature}")))
        // With an explicit target the flags below do not reach build scripts and procedural macros,
        // which cannot be static.
        .args(["--target", target])
        .arg("--target-dir")
        .arg(&directory)
        .env("CARGO_ENCODED_RUSTFLAGS", "-Ctarget-feature=+crt-static\u{1f}-Crelocation-model=static")
        .env("CFLAGS", "-D_GNU_SOURCE");
    if target.ends_with("-musl") {
        cargo.env(format!("CC_{}", target.replace('-', "_")), MUSL_CC);
    }
    let status = cargo.status()?;
    if !status.success() {
        return Err(format!("the nested build of {binary} failed: {status}").into());
    }
    Ok(directory.join(target).join("vault").join(binary))
}

/// Variables of the outer build that would change the inner one or mark it as stale.
fn leaks(name: &str) -> bool {
    const PREFIXES: [&str; 6] =
        ["CARGO_FEATURE_", "CARGO_CFG_", "CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "DEP_"];
    const NAMES: [&str; 20] = [
        "CARGO_BUILD_TARGET",
        "CARGO_CRATE_NAME",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_PRIMARY_PACKAGE",
        "CARGO_TARGET_DIR",
        "CARGO_TARGET_TMPDIR",
        "CLIPPY_ARGS",
        "DEBUG",
        "HOST",
        "LLVM_PROFILE_FILE",
        "NUM_JOBS",
        "OPT_LEVEL",
        "OUT_DIR",
        "PROFILE",
        "RUSTC_LINKER",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTC_WRAPPER",
        "RUSTDOCFLAGS",
        "RUSTFLAGS",
        "TARGET",
    ];
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Writes the digest of `image` over its placeholder. `None` if there is not exactly one.
pub(crate) fn stamp(mut image: Vec<u8>) -> Option<(Vec<u8>, String)> {
    let mut places = (0..image.len().saturating_sub(PLACEHOLDER.len() - 1))
        .filter(|&at| image[at..].starts_with(PLACEHOLDER));
    let at = places.next()?;
    if places.next().is_some() {
        return None;
    }
    let id = digest(&image);
    let end = at + PLACEHOLDER.len();
    image[end - DIGITS..end].copy_from_slice(id.as_bytes());
    Some((image, id))
}

/// FNV-1a with 128 bits: it tells builds apart, it does not withstand an adversary.
fn digest(bytes: &[u8]) -> String {
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let hash = bytes.iter().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
        (hash ^ u128::from(*byte)).wrapping_mul(PRIME)
    });
    format!("{hash:032x}")
}
