//! Bindings to MicroQuickJS: the engine's own interface, as far as hauki uses it, declared by hand.
//!
//! All functions are unsafe to call; `lang::engine` in hauki says by which rules they are safe. What the
//! declarations say of sizes and numbers is checked when `host.c` is compiled.

#![no_std]
#![allow(non_snake_case, reason = "the engine's own names")]
#![allow(non_upper_case_globals, reason = "the engine's own names")]

use core::ffi::{CStr, c_char, c_int, c_uint, c_void};

/// A tagged word: a number, a constant, or the place of a block in the heap.
pub type JSValue = u64;

/// The kind of an object.
pub type JSObjectClassEnum = c_uint;
pub const JS_CLASS_ARRAY: JSObjectClassEnum = 1;
pub const JS_CLASS_C_FUNCTION: JSObjectClassEnum = 2;
pub const JS_CLASS_CLOSURE: JSObjectClassEnum = 3;
pub const JS_CLASS_ERROR: JSObjectClassEnum = 9;
pub const JS_CLASS_RANGE_ERROR: JSObjectClassEnum = 11;
pub const JS_CLASS_TYPE_ERROR: JSObjectClassEnum = 14;
pub const JS_CLASS_UINT8C_ARRAY: JSObjectClassEnum = 19;
pub const JS_CLASS_INT8_ARRAY: JSObjectClassEnum = 20;
pub const JS_CLASS_UINT8_ARRAY: JSObjectClassEnum = 21;
pub const JS_CLASS_INT16_ARRAY: JSObjectClassEnum = 22;
pub const JS_CLASS_FLOAT64_ARRAY: JSObjectClassEnum = 27;

/// The value of the last expression is the script's.
pub const JS_EVAL_RETVAL: c_int = 1 << 0;
/// A variable may be assigned without having been declared.
pub const JS_EVAL_REPL: c_int = 1 << 1;
/// The text is JSON.
pub const JS_EVAL_JSON: c_int = 1 << 3;

/// In the number of arguments, the mark of `new`.
pub const FRAME_CF_CTOR: c_int = 1 << 22;

/// At the start of the memory that [`JS_NewContext`] was given.
#[repr(C)]
pub struct JSContext {
    _opaque: [u8; 0],
}

/// The table of built-in objects.
#[repr(C)]
pub struct JSSTDLibraryDef {
    _opaque: [u8; 0],
}

/// A place that the collector knows and updates.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct JSGCRef {
    pub val: JSValue,
    pub prev: *mut JSGCRef,
}

/// Where a string of one letter is written.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct JSCStringBuf {
    pub buf: [u8; 5],
}

/// What compiled code begins with.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct JSBytecodeHeader {
    pub magic: u16,
    pub version: u16,
    pub base_addr: usize,
    pub unique_strings: JSValue,
    pub main_func: JSValue,
}

pub type JSCFunction =
    unsafe extern "C" fn(ctx: *mut JSContext, this: *mut JSValue, argc: c_int, argv: *mut JSValue) -> JSValue;
pub type JSInterruptHandler = unsafe extern "C" fn(ctx: *mut JSContext, opaque: *mut c_void) -> c_int;

unsafe extern "C" {
    pub static js_stdlib: JSSTDLibraryDef;

    pub fn JS_NewContext(memory: *mut c_void, size: usize, library: *const JSSTDLibraryDef)
    -> *mut JSContext;
    pub fn JS_NewContext2(
        memory: *mut c_void,
        size: usize,
        library: *const JSSTDLibraryDef,
        to_compile: c_int,
    ) -> *mut JSContext;
    pub fn JS_SetHostCallback(callback: Option<JSCFunction>);
    pub fn JS_SetInterruptHandler(ctx: *mut JSContext, handler: Option<JSInterruptHandler>);
    pub fn JS_SetRandomSeed(ctx: *mut JSContext, seed: u64);
    pub fn JS_GC(ctx: *mut JSContext);

    pub fn JS_PushGCRef(ctx: *mut JSContext, held: *mut JSGCRef) -> *mut JSValue;
    pub fn JS_PopGCRef(ctx: *mut JSContext, held: *mut JSGCRef) -> JSValue;
    pub fn JS_AddGCRef(ctx: *mut JSContext, held: *mut JSGCRef) -> *mut JSValue;

    pub fn JS_Parse(
        ctx: *mut JSContext,
        text: *const c_char,
        length: usize,
        name: *const c_char,
        flags: c_int,
    ) -> JSValue;
    pub fn JS_Run(ctx: *mut JSContext, function: JSValue) -> JSValue;
    pub fn JS_PrepareBytecode(
        ctx: *mut JSContext,
        header: *mut JSBytecodeHeader,
        data: *mut *const u8,
        length: *mut u32,
        function: JSValue,
    );
    pub fn JS_RelocateBytecode2(
        ctx: *mut JSContext,
        header: *mut JSBytecodeHeader,
        data: *mut u8,
        length: u32,
        address: usize,
        update_atoms: c_int,
    ) -> c_int;
    pub fn JS_RelocateBytecode(ctx: *mut JSContext, code: *mut u8, length: u32) -> c_int;
    pub fn JS_LoadBytecode(ctx: *mut JSContext, code: *const u8) -> JSValue;

    pub fn JS_StackCheck(ctx: *mut JSContext, values: u32) -> c_int;
    pub fn JS_PushArg(ctx: *mut JSContext, value: JSValue);
    pub fn JS_Call(ctx: *mut JSContext, flags: c_int) -> JSValue;
    pub fn JS_Throw(ctx: *mut JSContext, value: JSValue) -> JSValue;
    pub fn JS_ThrowError(
        ctx: *mut JSContext,
        class: JSObjectClassEnum,
        format: *const c_char,
        ...
    ) -> JSValue;
    pub fn JS_GetErrorStr(ctx: *mut JSContext, buffer: *mut c_char, size: usize) -> *mut c_char;

    pub fn JS_NewInt32(ctx: *mut JSContext, number: i32) -> JSValue;
    pub fn JS_NewStringLen(ctx: *mut JSContext, text: *const c_char, length: usize) -> JSValue;
    pub fn JS_ToCStringLen(
        ctx: *mut JSContext,
        length: *mut usize,
        value: JSValue,
        short: *mut JSCStringBuf,
    ) -> *const c_char;
    pub fn JS_ToNumber(ctx: *mut JSContext, number: *mut f64, value: JSValue) -> c_int;
    pub fn JS_GetPropertyStr(ctx: *mut JSContext, of: JSValue, name: *const c_char) -> JSValue;
    pub fn JS_GetPropertyUint32(ctx: *mut JSContext, of: JSValue, index: u32) -> JSValue;
    pub fn JS_SetPropertyStr(
        ctx: *mut JSContext,
        of: JSValue,
        name: *const c_char,
        value: JSValue,
    ) -> JSValue;
    pub fn JS_SetPropertyUint32(ctx: *mut JSContext, of: JSValue, index: u32, value: JSValue) -> JSValue;

    /// What `new Uint8Array(n)` and its kin call.
    pub fn js_typed_array_constructor(
        ctx: *mut JSContext,
        this: *mut JSValue,
        argc: c_int,
        argv: *mut JSValue,
        class: c_int,
    ) -> JSValue;

    fn hauki_engine_patches() -> *const c_char;
}

/// By which patches the engine that runs here was mended; an engine that was not has no such function.
pub fn patches() -> &'static CStr {
    // SAFETY: it returns a constant that ends with a zero.
    unsafe { CStr::from_ptr(hauki_engine_patches()) }
}
