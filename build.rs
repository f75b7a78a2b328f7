//! Builds the static vault init, so that one `cargo build` makes everything and `haukid` carries it.
//!
//! The init needs flags that nothing else may have (`+crt-static`, no PIE), hence a nested `cargo
//! build` of that one binary in a target directory of its own, `target/vault-build`, which all
//! profiles and tests share. The nested run sees `HAUKI_NESTED_BUILD` and returns at once, which is
//! what ends the recursion.
//!
//! A heap may only be restored into the very binary that wrote it (fixed addresses of functions and
//! tables, design §9), so the build id is a digest of the finished binary, written over a placeholder
//! inside it. Hashing sources instead would call two binaries from two compilers the same.
//!
//! The preludes of both JavaScript sides are compiled here: parsing them was four fifths of what an
//! empty script costs, and a sixth of a vault's start. The engine's own bytecode is only good for the
//! engine that made it, which is the same crate in the same lock file.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mquickjs as sys;

/// The value that stands for what was thrown (mquickjs.h).
const EXCEPTION: sys::JSValue = 3 | (3 << 2);
/// What `src/vault/stamp.rs` holds until the digest is written over the zeros.
const PLACEHOLDER: &[u8] = b"hauki-vault-build:00000000000000000000000000000000";
const DIGITS: usize = 32;

const WATCHED: &[&str] = &[
    "build.rs",
    "Cargo.toml",
    "Cargo.lock",
    "crates/mquickjs",
    "src/client/script/prelude.js",
    "src/bin/hauki-vault.rs",
    "src/jail",
    "src/lpc",
    "src/model/method.rs",
    "src/rpc/channel.rs",
    "src/strict",
    "src/vault",
    ".cargo/config.toml",
];

#[allow(dead_code, reason = "tests/support includes this file for `static_build`")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-env-changed=HAUKI_NESTED_BUILD");
    for path in WATCHED {
        println!("cargo:rerun-if-changed={path}");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    prelude(
        &out,
        "worker",
        "src/lpc/engine/prelude.js",
        &["src/lpc/engine/shared.js", "src/lpc/engine/objects.js"],
    )?;
    prelude(&out, "script", "src/client/script/prelude.js", &["src/lpc/engine/shared.js"])?;
    if env::var_os("HAUKI_NESTED_BUILD").is_some() || env::var_os("CARGO_FEATURE_DAEMON").is_none() {
        return Ok(());
    }
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo sets CARGO_MANIFEST_DIR")?);
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

    let built = static_build(&package, shared, &target, "hauki-vault", "vault-init")?;
    let (image, id) = stamp(fs::read(&built)?).ok_or("the init holds the build id's placeholder once")?;
    fs::write(out.join("hauki-vault"), image)?;
    println!("cargo:rustc-env=HAUKI_VAULT_BUILD={id}");
    Ok(())
}

/// Compiles a prelude, which is a function of the global object, of the door and of what its parts are.
fn prelude(out: &Path, name: &str, main: &str, parts: &[&str]) -> Result<(), Box<dyn Error>> {
    let mut source = fs::read_to_string(main)? + "(globalThis, load";
    for part in parts {
        source += ",\n";
        source += &fs::read_to_string(part)?;
    }
    source += ")";
    let code = compile(&source).map_err(|error| format!("{main}: {error}"))?;
    Ok(fs::write(out.join(format!("{name}.mqjs")), code)?)
}

/// The engine's bytecode of a script whose last expression is its value.
fn compile(source: &str) -> Result<Vec<u8>, String> {
    let mut memory = vec![0_u64; 1 << 17];
    let text = format!("{source}\0");
    // SAFETY: the memory is aligned, outlives the context, and nothing of the context is used after it; the
    // text ends with a zero; the parser's value goes straight into the bytecode.
    unsafe {
        let bytes = size_of_val(memory.as_slice());
        let engine = sys::JS_NewContext2(memory.as_mut_ptr().cast(), bytes, &raw const sys::js_stdlib, 1);
        let flags = sys::JS_EVAL_RETVAL;
        let function = sys::JS_Parse(engine, text.as_ptr().cast(), source.len(), c"h".as_ptr(), flags);
        if function == EXCEPTION {
            let mut error = [0_u8; 256];
            sys::JS_GetErrorStr(engine, error.as_mut_ptr().cast(), error.len());
            return Err(String::from_utf8_lossy(&error).trim_end_matches('\0').to_owned());
        }
        let mut header: sys::JSBytecodeHeader = std::mem::zeroed();
        let (mut data, mut length) = (std::ptr::null(), 0);
        sys::JS_PrepareBytecode(engine, &raw mut header, &raw mut data, &raw mut length, function);
        // As if it lay at address zero, so that the same text always gives the same bytes.
        sys::JS_RelocateBytecode2(engine, &raw mut header, data.cast_mut(), length, 0, 0);
        let head = std::slice::from_raw_parts((&raw const header).cast(), size_of_val(&header));
        Ok([head, std::slice::from_raw_parts(data, length as usize)].concat())
    }
}

/// The target of the init: musl where Rust and a C compiler for it are installed, else the package's own.
///
/// A C library that looks at the processor before `main`, as glibc does with some sixty `cpuid`, takes
/// half a millisecond of each start in a virtual machine, whose host answers every one of them.
pub fn vault_target(own: &str) -> String {
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

/// Builds one binary of this package statically and without PIE; returns where it lies.
pub fn static_build(
    package: &Path,
    target_root: &Path,
    target: &str,
    binary: &str,
    feature: &str,
) -> Result<PathBuf, Box<dyn Error>> {
    let directory = target_root.join("vault-build");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(leaks) {
            cargo.env_remove(name);
        }
    }
    cargo
        .current_dir(package)
        .args(["build", "--quiet", "--locked", "--profile", "vault", "--no-default-features"])
        .args(["--features", feature, "--bin", binary])
        // With an explicit target the flags below do not reach build scripts and procedural macros,
        // which cannot be static.
        .args(["--target", target])
        .arg("--target-dir")
        .arg(&directory)
        .env("HAUKI_NESTED_BUILD", "1")
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
pub fn stamp(mut image: Vec<u8>) -> Option<(Vec<u8>, String)> {
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
