//! Host calls: where a running script meets Rust, the one callback that it may call, and the question whether it must
//! stop.
//!
//! The engine gives its callbacks no pointer of ours. While a script runs, the thread-local [`RUNNING`]
//! says for whom, so that nothing inside the heap points at Rust state. Reading an argument may run code
//! of the script, which may come through the door again; so all arguments are read before the efuns are
//! borrowed.

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};
use std::ptr::{self, NonNull};

use mquickjs::{self as sys, JSContext, JSValue};

use super::bytes;
use super::heap::{self, EXCEPTION, UNDEFINED, ValueKind};
use super::json::{self, JsonRefusal, Manner};
use super::json_writer;
#[cfg(feature = "script")]
use super::long_strings;
use crate::directive::SourceForm;

/// The longest object that a line shows.
const SHOWN_BYTES: usize = 1024 * 1024;

/// What a running script may ask of Rust. Set for the duration of one run.
pub trait Efuns {
    /// Whether the script must stop. Asked every few thousand operations.
    fn interrupt(&mut self) -> bool;
    /// The longest JSON that may leave.
    fn limit(&self) -> usize;
    /// Of compiled sources, JSON is what `JSON.stringify` makes of it.
    fn form(&self) -> SourceForm;
    /// How the arguments of an efun are read; the last word is for all that follow. `None`: no such efun.
    fn wants(&self, efun: &str) -> Option<&'static [Want]>;
    /// The script called an efun; an error is thrown into it.
    fn call(&mut self, efun: &str, arguments: &[Argument]) -> Result<EfunValue, String>;
}

/// How an argument is read.
#[derive(Debug, Clone, Copy)]
pub enum Want {
    /// As `String(value)` has it.
    Text,
    /// As a line of the log has it: objects as JSON, however odd they are.
    Line,
    /// As strict JSON, called so in the error; `undefined` is `null`.
    Json(&'static str),
    /// The bytes of an array of bytes, or a string's in UTF-8.
    Bytes,
}

#[derive(Debug)]
pub enum Argument {
    Text(String),
    Bytes(Vec<u8>),
}

impl Argument {
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Bytes(_) => "",
        }
    }

    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

#[derive(Debug)]
pub enum EfunValue {
    Nothing,
    Text(String),
    /// Becomes the value, without its text having been in the heap.
    #[cfg(feature = "script")]
    Json(String),
    /// Becomes a `Uint8Array`.
    Bytes(Vec<u8>),
}

thread_local! {
    static RUNNING: Cell<Option<NonNull<dyn Efuns>>> = const { Cell::new(None) };
}

/// Puts the previous script's efuns back, whatever happens.
pub(super) struct EfunsGuard(Option<NonNull<dyn Efuns>>);

impl EfunsGuard {
    pub(super) fn with(efuns: &mut dyn Efuns) -> Self {
        // SAFETY: only the lifetime is erased; the caller holds the borrow until this guard is dropped.
        let erased: NonNull<dyn Efuns + 'static> = unsafe { std::mem::transmute(NonNull::from(efuns)) };
        Self(RUNNING.replace(Some(erased)))
    }
}

impl Drop for EfunsGuard {
    fn drop(&mut self) {
        RUNNING.set(self.0);
    }
}

/// Whether the running script must stop.
pub(super) fn interrupted() -> bool {
    let Some(mut efuns) = RUNNING.get() else { return false };
    // SAFETY: the guard in `Run` keeps the borrow alive while the engine runs, on this thread only, and
    // the engine is not entered from within an efun.
    unsafe { efuns.as_mut() }.interrupt()
}

pub(super) fn limit() -> usize {
    // SAFETY: as in `interrupted`.
    RUNNING.get().map_or(0, |efuns| unsafe { efuns.as_ref() }.limit())
}

pub(super) fn form() -> SourceForm {
    // SAFETY: as in `interrupted`.
    RUNNING.get().map_or(SourceForm::Plain, |efuns| unsafe { efuns.as_ref() }.form())
}

pub(super) unsafe extern "C" fn interrupt_handler(raw: *mut JSContext, _: *mut c_void) -> c_int {
    let stop = interrupted();
    if stop {
        // SAFETY: the engine passes its context, which is running.
        unsafe { heap::point_at_loop(raw) };
    }
    c_int::from(stop)
}

enum Trouble {
    /// An exception is pending.
    Thrown,
    Type(String),
    Error(String),
}

impl Trouble {
    fn of(refusal: JsonRefusal, what: &str) -> Self {
        match refusal {
            JsonRefusal::Thrown => Self::Thrown,
            JsonRefusal::Interrupted => Self::Error("interrupted".to_owned()),
            JsonRefusal::Foreign(how) => Self::Type(format!("{what} {how}, which JSON cannot hold")),
            JsonRefusal::TooLong(limit) => {
                Self::Error(format!("{what} is longer than the limit of {limit} bytes"))
            }
            JsonRefusal::TooDeep(levels) => {
                Self::Error(format!("{what} is nested deeper than {levels} levels"))
            }
        }
    }

    fn throw(self, raw: *mut JSContext) -> JSValue {
        let (class, message) = match self {
            Self::Thrown => return EXCEPTION,
            Self::Type(message) => (sys::JS_CLASS_TYPE_ERROR, message),
            Self::Error(message) => (sys::JS_CLASS_ERROR, message),
        };
        let message = format!("{}\0", message.replace('\0', " "));
        // SAFETY: the format takes one C string, which `message` is.
        unsafe { sys::JS_ThrowError(raw, class, c"%s".as_ptr(), message.as_ptr().cast::<c_char>()) }
    }
}

pub(super) unsafe extern "C" fn host_callback(
    raw: *mut JSContext,
    _this: *mut JSValue,
    count: c_int,
    values: *mut JSValue,
) -> JSValue {
    let passed = Passed { raw, values, count: count.max(0) as usize };
    passed.serve().unwrap_or_else(|trouble| trouble.throw(raw))
}

/// The arguments on the engine's stack, which the collector updates.
struct Passed {
    raw: *mut JSContext,
    values: *mut JSValue,
    count: usize,
}

impl Passed {
    fn serve(&self) -> Result<JSValue, Trouble> {
        let Some(mut efuns) = RUNNING.get() else { return Ok(UNDEFINED) };
        let efun = self.text(0)?;
        // The engine keeps the last exception until another takes its place.
        if efun == "again" {
            return Err(Trouble::Thrown);
        }
        if let Some(want) = bytes::wants(&efun) {
            let argument = if self.count > 1 { self.read(1, want)? } else { Argument::Text(String::new()) };
            return self.give(bytes::answer(&efun, &argument).map_err(Trouble::Error)?);
        }
        // SAFETY: as in `interrupted`.
        let wants = unsafe { efuns.as_ref() }.wants(&efun);
        let wants = wants.ok_or_else(|| Trouble::Error("no such efun".to_owned()))?;
        let mut arguments = Vec::with_capacity(self.count);
        for index in 1..self.count {
            let Some(want) = wants.get(index - 1).or(wants.last()) else { break };
            arguments.push(self.read(index, *want)?);
        }
        // SAFETY: the context is running; the arguments have been read, and what the engine's stack holds
        // it keeps itself.
        unsafe {
            if heap::is_untidy(self.raw) {
                heap::tidy(self.raw);
            }
        }
        // SAFETY: as in `interrupted`; all arguments have been read, so the script does not run meanwhile.
        let answer = unsafe { efuns.as_mut() }.call(&efun, &arguments).map_err(Trouble::Error)?;
        self.give(answer)
    }

    fn give(&self, answer: EfunValue) -> Result<JSValue, Trouble> {
        match answer {
            EfunValue::Nothing => Ok(UNDEFINED),
            EfunValue::Text(text) => {
                // SAFETY: the text is UTF-8 of the given length.
                Ok(unsafe { sys::JS_NewStringLen(self.raw, text.as_ptr().cast(), text.len()) })
            }
            #[cfg(feature = "script")]
            EfunValue::Json(text) => Ok(self.value_of(&text)),
            EfunValue::Bytes(bytes) => self.byte_array(&bytes),
        }
    }

    #[cfg(feature = "script")]
    fn value_of(&self, json: &str) -> JSValue {
        // SAFETY: the arguments have been read, so no value is held but on the engine's stack.
        unsafe { long_strings::parse(self.raw, json, c"<answer>", &mut Vec::with_capacity(json.len() + 1)) }
    }

    fn read(&self, index: usize, want: Want) -> Result<Argument, Trouble> {
        let value = self.value(index);
        // SAFETY: the value is on the engine's stack.
        let kind = unsafe { heap::kind(value) };
        let text = match (want, kind) {
            (Want::Bytes, ValueKind::Bytes) => {
                // SAFETY: the kind is right, and the copy is made before anything else happens.
                return Ok(Argument::Bytes(unsafe { (*heap::bytes(value)).to_vec() }));
            }
            (Want::Bytes | Want::Text, ValueKind::Text) | (Want::Text, _) => self.text(index)?,
            (Want::Bytes, _) => return Err(Trouble::Type("neither bytes nor a string".to_owned())),
            (Want::Json(_), ValueKind::Undefined) => "null".to_owned(),
            (Want::Json(what), _) => {
                self.json(index, Manner::Refuse, limit()).map_err(|refusal| Trouble::of(refusal, what))?
            }
            (Want::Line, ValueKind::Array | ValueKind::Object | ValueKind::Bytes | ValueKind::Numbers) => {
                match self.json(index, Manner::Null, SHOWN_BYTES) {
                    Ok(text) => text,
                    Err(JsonRefusal::Foreign(how)) => format!("[object that {how}]"),
                    Err(JsonRefusal::TooLong(limit)) => format!("[object of more than {limit} bytes]"),
                    Err(JsonRefusal::TooDeep(levels)) => format!("[object of more than {levels} levels]"),
                    Err(refusal) => return Err(Trouble::of(refusal, "")),
                }
            }
            (Want::Line, _) => self.text(index)?,
        };
        Ok(Argument::Text(text))
    }

    fn value(&self, index: usize) -> JSValue {
        // SAFETY: callers stay below the count, and the engine passed so many values.
        unsafe { *self.values.add(index) }
    }

    fn text(&self, index: usize) -> Result<String, Trouble> {
        if index >= self.count {
            return Ok(String::new());
        }
        copy_text(self.raw, self.value(index)).map(json_writer::well_formed).ok_or(Trouble::Thrown)
    }

    fn json(&self, index: usize, manner: Manner, limit: usize) -> Result<String, JsonRefusal> {
        // SAFETY: the value is on the engine's stack.
        let text =
            unsafe { json::write(self.raw, self.value(index), (manner, form()), limit, &mut interrupted) };
        Ok(text?.unwrap_or_else(|| "null".to_owned()))
    }

    fn byte_array(&self, bytes: &[u8]) -> Result<JSValue, Trouble> {
        let length = i32::try_from(bytes.len()).map_err(|_| Trouble::Error("too many bytes".to_owned()))?;
        // SAFETY: the constructor takes its arguments from the pointer and reads one; the new array is
        // written to before anything else is allocated.
        unsafe {
            let mut argument = sys::JS_NewInt32(self.raw, length);
            let class = sys::JS_CLASS_UINT8_ARRAY as c_int;
            let array = sys::js_typed_array_constructor(
                self.raw,
                ptr::null_mut(),
                1 | sys::FRAME_CF_CTOR,
                &raw mut argument,
                class,
            );
            if array == EXCEPTION {
                return Err(Trouble::Thrown);
            }
            (*heap::bytes(array)).copy_from_slice(bytes);
            Ok(array)
        }
    }
}

/// Copies the text of a value; `None` leaves an exception pending.
pub(super) fn copy_text(raw: *mut JSContext, value: JSValue) -> Option<Vec<u8>> {
    let mut short = sys::JSCStringBuf { buf: [0; 5] };
    let mut length = 0;
    // SAFETY: the buffer outlives the pointer, which is used before anything else is called.
    unsafe {
        let text = sys::JS_ToCStringLen(raw, &raw mut length, value, &raw mut short);
        (!text.is_null()).then(|| std::slice::from_raw_parts(text.cast::<u8>(), length).to_vec())
    }
}
