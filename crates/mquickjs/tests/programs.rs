//! The programs of `suite/programs`, one for each patch, in the engine that is linked into the product.
//!
//! Each of them crashed, went wrong or answered wrongly before its patch. `suite/test.sh` runs the same programs where
//! every collection moves the heap; here they meet the optimised build, which collects when it is full.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::fs;
use std::path::Path;

use mquickjs as sys;

const UNDEFINED: sys::JSValue = 3 | (2 << 2);
const EXCEPTION: sys::JSValue = 3 | (3 << 2);

thread_local! {
    static ASKED: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

unsafe extern "C" fn shall_stop(_: *mut sys::JSContext, _: *mut c_void) -> c_int {
    ASKED.set(ASKED.get() + 1);
    c_int::from(ASKED.get() > 2000)
}

/// `load("collect")` collects; `load("text", value)` is the value as a new string.
unsafe extern "C" fn door(
    raw: *mut sys::JSContext,
    _: *mut sys::JSValue,
    count: c_int,
    values: *mut sys::JSValue,
) -> sys::JSValue {
    let mut short = sys::JSCStringBuf { buf: [0; 5] };
    let mut length = 0;
    // SAFETY: the engine passes as many values as it says; what a text points to is copied before it is used again.
    unsafe {
        sys::JS_GC(raw);
        if count < 2 {
            return UNDEFINED;
        }
        let text = sys::JS_ToCStringLen(raw, &raw mut length, *values.add(1), &raw mut short);
        let copy = std::slice::from_raw_parts(text.cast::<u8>(), length).to_vec();
        sys::JS_NewStringLen(raw, copy.as_ptr().cast(), copy.len())
    }
}

/// What the program threw.
fn run(source: &str, heap: usize) -> Option<String> {
    let mut memory = vec![0_u64; heap / 8];
    let text = format!("{source}\0");
    ASKED.set(0);
    // SAFETY: the memory is aligned and outlives the context, of which nothing is used afterwards; the text ends with a
    // zero; a value is used before anything else is called.
    unsafe {
        let raw = sys::JS_NewContext(memory.as_mut_ptr().cast(), heap, &raw const sys::js_stdlib);
        sys::JS_SetHostCallback(Some(door));
        sys::JS_SetInterruptHandler(raw, Some(shall_stop));
        let mut value = sys::JS_Parse(raw, text.as_ptr().cast::<c_char>(), source.len(), c"f.js".as_ptr(), 0);
        if value != EXCEPTION {
            value = sys::JS_Run(raw, value);
        }
        if value != EXCEPTION {
            return None;
        }
        let mut told = vec![0_u8; 4096];
        sys::JS_GetErrorStr(raw, told.as_mut_ptr().cast(), told.len());
        let told = CStr::from_bytes_until_nul(&told).expect("ends with a zero");
        Some(told.to_string_lossy().into_owned())
    }
}

/// What stands behind a word in the first line.
fn wanted<'a>(source: &'a str, word: &str) -> Option<&'a str> {
    let line = source.lines().next()?;
    let rest = &line[line.find(word)? + word.len()..];
    Some(rest.split("//").next()?.trim())
}

#[test]
fn every_program_ends_as_it_says() {
    let mut count = 0;
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("suite/programs")).expect("is there")
    {
        let path = entry.expect("can be read").path();
        let source = fs::read_to_string(&path).expect("is text");
        let heap = wanted(&source, "// heap ").map_or(4096, |kib| kib.parse().expect("a number"));
        let threw = run(&source, heap << 10);
        match wanted(&source, "// throws ") {
            Some(words) => assert!(
                threw.as_deref().is_some_and(|threw| threw.starts_with(words)),
                "{}: {threw:?}",
                path.display()
            ),
            None => assert_eq!(threw, None, "{}", path.display()),
        }
        count += 1;
    }
    assert!(count > 10, "only {count} programs");
}

#[test]
fn the_stack_of_the_engine_is_guarded() {
    let library =
        fs::read(Path::new(env!("OUT_DIR")).join("libmquickjs_mended.a")).expect("the build made it");
    let name = b"__stack_chk_fail";
    assert!(library.windows(name.len()).any(|bytes| bytes == name), "no frame has a guard");
}
