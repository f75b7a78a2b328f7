//! Builds the engine from the sources of the crate `mquickjs-sys`, mended by the files in `patches/`.
//!
//! That crate carries the engine's first public revision. None of its text is kept here: cargo fetches it
//! and checks its hash, [`sources`] finds it, [`patch`] mends a copy in `OUT_DIR`, and a patch that does not
//! fit ends the build. When a newer crate appears, its revision replaces the patches, and the tests stay.
//!
//! The engine's library of built-in objects is a table that a program of its own writes (`mqjs_stdlib.c`,
//! run here on the host), and so are the names that the engine knows by number.

#[path = "build/patch.rs"]
mod patch;
#[path = "build/sources.rs"]
mod sources;

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The files of the crate that a build reads, and that patches may change.
const SOURCES: [&str; 17] = [
    "cutils.c",
    "cutils.h",
    "dtoa.c",
    "dtoa.h",
    "libm.c",
    "libm.h",
    "list.h",
    "mqjs_stdlib.c",
    "mquickjs.c",
    "mquickjs.h",
    "mquickjs_build.c",
    "mquickjs_build.h",
    "mquickjs_opcode.h",
    "mquickjs_priv.h",
    "softfp_template.h",
    "softfp_template_icvt.h",
    "LICENSE",
];

fn main() -> Result<(), Box<dyn Error>> {
    for path in ["build.rs", "build", "patches", "src"] {
        println!("cargo:rerun-if-changed={path}");
    }
    let own = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo sets CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let crate_root = sources::find(&own.join("Cargo.toml"), "mquickjs-sys", "0.2.0")?;
    let mended = out.join("mended");
    let patches = patch::read(&own.join("patches"))?;
    fs::create_dir_all(&mended)?;
    for name in SOURCES {
        let text = fs::read_to_string(crate_root.join("vendor/mquickjs").join(name))?;
        fs::write(mended.join(name), patch::apply(name, &text, &patches)?)?;
    }
    if let Some(stray) = patches.iter().find(|patch| !SOURCES.contains(&patch.file.as_str())) {
        return Err(format!("{}: no such source: {}", stray.origin, stray.file).into());
    }
    generate(&mended, &out)?;
    compile(&mended, &out, &own, &patch::digest(&patches));
    Ok(())
}

/// Writes the tables of names and of built-in objects.
fn generate(mended: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    let writer = out.join("mqjs_stdlib");
    let host = env::var("HOST")?;
    let compiler = cc::Build::new().host(&host).target(&host).warnings(false).get_compiler();
    let done = compiler
        .to_command()
        .args(["-std=c99", "-D_GNU_SOURCE", "-O1", "-o"])
        .args([&writer, &mended.join("mqjs_stdlib.c"), &mended.join("mquickjs_build.c")])
        .status()?;
    if !done.success() {
        return Err(format!("the writer of the engine's tables does not compile: {done}").into());
    }
    let run = |args: &[&str]| -> Result<String, Box<dyn Error>> {
        let done = Command::new(&writer).args(args).output()?;
        if !done.status.success() {
            return Err(format!("{}: {}", writer.display(), String::from_utf8_lossy(&done.stderr)).into());
        }
        Ok(String::from_utf8(done.stdout)?)
    };
    fs::write(mended.join("mquickjs_atom.h"), run(&["-a"])?)?;
    Ok(fs::write(mended.join("mquickjs_stdlib.h"), run(&[])?)?)
}

fn compile(mended: &Path, out: &Path, own: &Path, digest: &str) {
    // Who only compiles a prelude with it waits longer for the compiler of C than for the engine.
    let optimized = if env::var_os("CARGO_FEATURE_UNOPTIMIZED").is_some() { "-O0" } else { "-O2" };
    let mut build = cc::Build::new();
    build.include(mended).include(own.join("src")).warnings(false).flag("-std=c99").flag(optimized);
    // The constants of mathematics, which strict headers hide.
    build.define("_GNU_SOURCE", None);
    // What C leaves undefined and an engine does all the same: values of one type read as another, sums that wrap. The
    // suite looks for the rest (suite/test.sh); a compiler that knows of it may leave out the checks around it.
    for flag in ["-fno-strict-aliasing", "-fwrapv", "-fno-delete-null-pointer-checks"] {
        build.flag(flag);
    }
    // A write beyond a buffer on the stack ends the process, and no frame steps over the page that guards it. Both
    // cost nothing that can be measured. Of the two libraries only glibc has the checked copies.
    build.flag_if_supported("-fstack-protector-strong").flag_if_supported("-fstack-clash-protection");
    build.define("_FORTIFY_SOURCE", "2");
    // How fast the interpreter's loop is depends on where it happens to begin, by a fifth for calls and a third for loops.
    build.flag_if_supported("-falign-functions=64");
    build.define("HAUKI_PATCHES", format!("\"{digest}\"").as_str());
    for name in ["mquickjs.c", "cutils.c", "dtoa.c", "libm.c"] {
        build.file(mended.join(name));
    }
    build.file(own.join("src/host.c"));
    build.out_dir(out).compile("mquickjs_mended");
}
