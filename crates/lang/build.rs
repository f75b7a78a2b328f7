//! Compiles the preludes of both JavaScript sides: parsing them was four fifths of what an empty script costs, and a
//! sixth of a vault's start. The engine's own bytecode is only good for the engine that made it, which is the same
//! crate in the same lock file.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use mquickjs as sys;

/// The run-time's parts.
const RUNTIME: [&str; 23] = include!("src/engine/runtime/order.in");

/// The value that stands for what was thrown (mquickjs.h).
const EXCEPTION: sys::JSValue = 3 | (3 << 2);

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/engine");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let shared = "src/engine/shared.js";
    let sides: [(&str, &str, &[&str], &str); 2] = [
        (
            "worker",
            "src/engine/prelude.js",
            &[shared, "src/engine/objects.js", "src/engine/integrity.js"],
            "worker",
        ),
        ("script", "src/engine/script.js", &[shared], "program"),
    ];
    for (side, main, parts, last) in sides {
        prelude(&out, side, main, parts, &[])?;
        // Of the last part each side has its own.
        prelude(&out, &format!("compiled_{side}"), main, parts, &[&RUNTIME[..], &[last]].concat())?;
    }
    Ok(())
}

/// Compiles a prelude, which is a function of the global object, of the door, of what its parts are, and, for compiled
/// sources, of the parts of the run-time.
fn prelude(
    out: &Path,
    name: &str,
    main: &str,
    parts: &[&str],
    runtime: &[&str],
) -> Result<(), Box<dyn Error>> {
    let mut source = fs::read_to_string(main)? + "(globalThis, load";
    for part in parts {
        source += ",\n";
        source += &fs::read_to_string(part)?;
    }
    if !runtime.is_empty() {
        source += ", [";
        for part in runtime {
            source += &fs::read_to_string(format!("src/engine/runtime/{part}.js"))?;
            source += ",\n";
        }
        source += "undefined]";
    }
    source += ")";
    let code = compile(&source).map_err(|error| format!("{main}: {error}"))?;
    Ok(fs::write(out.join(format!("{name}.mqjs")), code)?)
}

/// The engine's bytecode of a script whose last expression is its value.
fn compile(source: &str) -> Result<Vec<u8>, String> {
    let mut memory = vec![0_u64; 1 << 19];
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
