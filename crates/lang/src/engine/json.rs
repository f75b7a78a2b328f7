//! JSON serialization: from a value of the engine to one line of JSON that every client can read.
//!
//! The engine's own `JSON.stringify` needs the text inside the heap, takes 150 ns for each letter, and
//! writes what JSON has no word for as `null`. This one writes into a bounded buffer outside of it. A
//! worker's result may be as hostile as the worker: the walk has no recursion, stops at the limit of
//! bytes, and asks now and then whether the deadline has passed.

use std::ffi::CString;
use std::ptr;

use mquickjs::{self as sys, JSContext, JSGCRef, JSValue};

use super::heap::{self, EXCEPTION, PropertyCursor, Stored, UNDEFINED, ValueKind};
use super::json_writer::JsonText;
use super::number;
use crate::directive::SourceForm;
use hauki_contract::strict::DocumentLimits;

/// Deeper values are refused: gates carry no deeper ones, and the readers of most languages go no further.
const MOST_LEVELS: usize = DocumentLimits::DEPTH;

/// How many values are written between two looks at the clock.
const BREATH: u32 = 16 * 1024;

/// What to make of a value that JSON has no word for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    Refuse,
    /// As `null`: for people, who should see the rest.
    Null,
}

/// Why there is no JSON.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum JsonRefusal {
    /// What it is or holds.
    Foreign(String),
    /// It has more bytes than that.
    TooLong(usize),
    /// It has more arrays and objects within each other than that.
    TooDeep(usize),
    /// Code of the script threw; the exception is pending.
    Thrown,
    /// The deadline passed.
    Interrupted,
}

/// One object or array that has been begun. Its reference moves with it when the engine collects.
struct Level {
    held: Box<JSGCRef>,
    shape: JsonShape,
    next: u32,
    place: PropertyCursor,
    is_empty: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum JsonShape {
    Array,
    Typed,
    Object,
}

struct Walk<'a> {
    raw: *mut JSContext,
    manner: Manner,
    form: SourceForm,
    interrupt: &'a mut dyn FnMut() -> bool,
    breath: u32,
    levels: Vec<Level>,
    text: JsonText,
}

impl Drop for Walk<'_> {
    fn drop(&mut self) {
        while self.end() {}
    }
}

/// Writes `value`; `None` is `undefined`.
///
/// # Safety
/// `raw` must be a context, `value` one of its values that is alive.
pub(super) unsafe fn write(
    raw: *mut JSContext,
    value: JSValue,
    (manner, form): (Manner, SourceForm),
    limit: usize,
    interrupt: &mut dyn FnMut() -> bool,
) -> Result<Option<String>, JsonRefusal> {
    if value == UNDEFINED {
        return Ok(None);
    }
    let (levels, text) = (Vec::new(), JsonText::new(limit));
    let mut walk = Walk { raw, manner, form, interrupt, breath: BREATH, levels, text };
    walk.value(value)?;
    while walk.step()? {}
    Ok(Some(walk.text.take()))
}

impl Walk<'_> {
    /// Writes a value, or begins it. It must be alive; nothing may have been allocated since it was read.
    fn value(&mut self, value: JSValue) -> Result<(), JsonRefusal> {
        self.breath -= 1;
        if self.breath == 0 {
            self.breath = BREATH;
            if (self.interrupt)() {
                return Err(JsonRefusal::Interrupted);
            }
        }
        // SAFETY: by contract the value is alive.
        match unsafe { heap::kind(value) } {
            ValueKind::Undefined | ValueKind::Null => self.text.put(b"null"),
            ValueKind::Bool(true) => self.text.put(b"true"),
            ValueKind::Bool(false) => self.text.put(b"false"),
            ValueKind::Int(number) => number::put_int(&mut self.text, number.into()),
            ValueKind::Float => self.float(value),
            ValueKind::Text => self.quote(value),
            ValueKind::Function => self.foreign("a function"),
            ValueKind::Array => self.begin(value, JsonShape::Array),
            // With the indices as keys, as other engines have it, they would serve nobody.
            ValueKind::Bytes | ValueKind::Numbers => self.begin(value, JsonShape::Typed),
            ValueKind::Error | ValueKind::Object => match self.form {
                SourceForm::Plain => self.begin(value, JsonShape::Object),
                SourceForm::Compiled => self.stand_in(value),
            },
        }
    }

    /// Writes what an object's own `toJSON` gives instead of it, as `JSON.stringify` does.
    fn stand_in(&mut self, value: JSValue) -> Result<(), JsonRefusal> {
        let mut held = JSGCRef { val: UNDEFINED, prev: ptr::null_mut() };
        // SAFETY: the reference is pushed and popped within this function, and holds the object while the engine
        // allocates and runs; the stack has been checked for the function, `this` and what a call needs.
        let (value, instead) = unsafe {
            sys::JS_PushGCRef(self.raw, &raw mut held);
            held.val = value;
            let method = sys::JS_GetPropertyStr(self.raw, value, c"toJSON".as_ptr());
            let instead = if method == EXCEPTION {
                Some(EXCEPTION)
            } else if heap::kind(method) == ValueKind::Function {
                if sys::JS_StackCheck(self.raw, 2) == 0 {
                    let method = sys::JS_GetPropertyStr(self.raw, held.val, c"toJSON".as_ptr());
                    sys::JS_PushArg(self.raw, method);
                    sys::JS_PushArg(self.raw, held.val);
                    Some(sys::JS_Call(self.raw, 0))
                } else {
                    Some(EXCEPTION)
                }
            } else {
                None
            };
            (sys::JS_PopGCRef(self.raw, &raw mut held), instead)
        };
        match instead {
            Some(EXCEPTION) => Err(JsonRefusal::Thrown),
            None => self.begin(value, JsonShape::Object),
            // SAFETY: it was just returned.
            Some(instead) => match unsafe { heap::kind(instead) } {
                ValueKind::Error | ValueKind::Object => self.begin(instead, JsonShape::Object),
                _ => self.value(instead),
            },
        }
    }

    /// Whether a key is a symbol's, or of what the run-time keeps in an object.
    fn is_hidden(&self, key: JSValue) -> bool {
        // SAFETY: by contract the key is alive, and a text if it is no number.
        self.form == SourceForm::Compiled
            && unsafe {
                heap::kind(key) == ValueKind::Text && read_text(self.raw, key, |name| name.starts_with(b"$$"))
            }
    }

    fn foreign(&mut self, what: &str) -> Result<(), JsonRefusal> {
        match self.manner {
            Manner::Refuse => Err(JsonRefusal::Foreign(format!("holds {what}"))),
            Manner::Null => self.text.put(b"null"),
        }
    }

    fn float(&mut self, value: JSValue) -> Result<(), JsonRefusal> {
        let mut number = 0.0;
        // SAFETY: the value is a number, of which the engine makes nothing new.
        unsafe { sys::JS_ToNumber(self.raw, &raw mut number, value) };
        if number.is_finite() {
            return number::put(&mut self.text, number);
        }
        self.foreign(match number {
            number if number.is_nan() => "NaN",
            number if number > 0.0 => "Infinity",
            _ => "-Infinity",
        })
    }

    fn quote(&mut self, value: JSValue) -> Result<(), JsonRefusal> {
        let text = &mut self.text;
        // SAFETY: the value is an alive string.
        unsafe { read_text(self.raw, value, |letters| text.quote(letters)) }
    }

    fn begin(&mut self, value: JSValue, shape: JsonShape) -> Result<(), JsonRefusal> {
        if self.levels.iter().any(|level| level.held.val == value) {
            return Err(JsonRefusal::Foreign("is cyclic".to_owned()));
        }
        if self.levels.len() == MOST_LEVELS {
            return Err(JsonRefusal::TooDeep(MOST_LEVELS));
        }
        self.text.put(if shape == JsonShape::Object { b"{" } else { b"[" })?;
        let mut held = Box::new(JSGCRef { val: UNDEFINED, prev: ptr::null_mut() });
        // SAFETY: the box does not move, and `end` takes the references back in reverse order.
        unsafe { sys::JS_PushGCRef(self.raw, &raw mut *held) };
        held.val = value;
        self.levels.push(Level { held, shape, next: 0, place: PropertyCursor::default(), is_empty: true });
        Ok(())
    }

    /// Ends the innermost level, if there is one.
    fn end(&mut self) -> bool {
        let Some(mut level) = self.levels.pop() else { return false };
        // SAFETY: this reference was pushed last of those that are left.
        unsafe { sys::JS_PopGCRef(self.raw, &raw mut *level.held) };
        true
    }

    /// Goes on with the innermost level; `false` when all is written.
    fn step(&mut self) -> Result<bool, JsonRefusal> {
        let Some(level) = self.levels.last_mut() else { return Ok(false) };
        if level.shape == JsonShape::Object {
            return self.step_object();
        }
        let array = level.held.val;
        // SAFETY: the array is held, and its length is read anew for each element.
        if level.next >= unsafe { heap::length(array) } {
            self.end();
            return self.text.put(b"]").map(|()| true);
        }
        if !std::mem::replace(&mut level.is_empty, false) {
            self.text.put(b",")?;
        }
        let index = level.next;
        level.next += 1;
        // SAFETY: the index is below the length; an element of a typed array is a number.
        let element = unsafe {
            match level.shape {
                JsonShape::Array => heap::element(array, index),
                _ => sys::JS_GetPropertyUint32(self.raw, array, index),
            }
        };
        if element == EXCEPTION {
            return Err(JsonRefusal::Thrown);
        }
        self.value(element).map(|()| true)
    }

    fn step_object(&mut self) -> Result<bool, JsonRefusal> {
        let Some(level) = self.levels.last_mut() else { return Ok(false) };
        // SAFETY: the object is held.
        let Some((key, stored)) = (unsafe { heap::property(level.held.val, &mut level.place) }) else {
            self.end();
            return self.text.put(b"}").map(|()| true);
        };
        if self.is_hidden(key) {
            return Ok(true);
        }
        let name;
        let (value, name) = match stored {
            // The engine's word for the name is good until a getter runs.
            Stored::Value(value) => (value, None),
            Stored::Getter => {
                name = self.name(key);
                (self.get(&name)?, Some(&name))
            }
        };
        if value == UNDEFINED {
            return Ok(true);
        }
        let Some(level) = self.levels.last_mut() else { return Ok(false) };
        if !std::mem::replace(&mut level.is_empty, false) {
            self.text.put(b",")?;
        }
        match name {
            Some(name) => self.text.quote(name)?,
            None => self.quote_name(key)?,
        }
        self.text.put(b":")?;
        self.value(value).map(|()| true)
    }

    /// Quotes a property's name, which was just read from an object.
    fn quote_name(&mut self, key: JSValue) -> Result<(), JsonRefusal> {
        // SAFETY: by contract the key is alive.
        match unsafe { heap::kind(key) } {
            ValueKind::Int(number) => self.text.quote(number.to_string().as_bytes()),
            _ => self.quote(key),
        }
    }

    /// A copy of it.
    fn name(&self, key: JSValue) -> Vec<u8> {
        // SAFETY: as above.
        match unsafe { heap::kind(key) } {
            ValueKind::Int(number) => number.to_string().into_bytes(),
            // SAFETY: as above, and nothing is allocated while the slice is in use.
            _ => unsafe { read_text(self.raw, key, <[u8]>::to_vec) },
        }
    }

    /// Reads a property of the innermost object through the engine.
    fn get(&mut self, name: &[u8]) -> Result<JSValue, JsonRefusal> {
        let Ok(name) = CString::new(name) else {
            return Err(JsonRefusal::Foreign("holds a getter whose name has a zero byte".to_owned()));
        };
        let Some(level) = self.levels.last() else { return Ok(UNDEFINED) };
        // SAFETY: the object is held; what is returned is used before anything else is allocated.
        let value = unsafe { sys::JS_GetPropertyStr(self.raw, level.held.val, name.as_ptr()) };
        if value == EXCEPTION { Err(JsonRefusal::Thrown) } else { Ok(value) }
    }
}

/// # Safety
/// `value` must be an alive string; `read` must not use the engine.
pub(super) unsafe fn read_text<T>(raw: *mut JSContext, value: JSValue, read: impl FnOnce(&[u8]) -> T) -> T {
    let mut short = sys::JSCStringBuf { buf: [0; 5] };
    let mut length = 0;
    // SAFETY: the text of a string lies in the heap or in `short`, and stays there while `read` runs.
    unsafe {
        let text = sys::JS_ToCStringLen(raw, &raw mut length, value, &raw mut short);
        read(std::slice::from_raw_parts(text.cast::<u8>(), length))
    }
}
