//! Heap inspection: looking at the engine's values where they lie, without allocating.
//!
//! The engine's own interface reads a property by making its name again as a string, which allocates,
//! which may move everything. What is read here instead are the engine's structures themselves
//! (mquickjs 0.2.0, pinned in Cargo.toml); the tests of `json` and of the byte functions fail when a
//! new version moves them.
//!
//! ```text
//! every block   u64  gc_mark:1 mtag:3 ..      a value that points to a block is its address + 1
//! object        .. class:8 | proto | props | array: tab, u32 len   or   typed: buffer, u32 len, u32 offset
//! values        .. size:60 | value ..         bytes   .. size:60 | byte ..
//! props         values of: count, hash mask, mask + 1 heads, then (key, value, u32 next:27 hidden:1 ..:2 type:2) ..
//! ```

use std::cell::Cell;

use mquickjs::{self as sys, JSContext, JSValue};

/// Garbage below this is left alone: it lies in a core's own cache.
const NURSERY: usize = 128 * 1024;

thread_local! {
    /// The context that was looked at last, and from which size on it is untidy.
    static LIMIT: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

pub(super) const UNDEFINED: JSValue = 3 | (2 << 2);
pub(super) const EXCEPTION: JSValue = 3 | (3 << 2);
const NULL: JSValue = 3 | (1 << 2);
const DELETED: JSValue = 3 | (5 << 2);

/// The low five bits of the values that are no pointers and no numbers.
mod special {
    pub(super) const BOOL: u64 = 3;
    pub(super) const FUNCTION: u64 = 3 | (4 << 2);
    pub(super) const CHARACTER: u64 = 3 | (6 << 2);
}

mod block {
    pub(super) const OBJECT: u64 = 1;
    pub(super) const FLOAT: u64 = 2;
    pub(super) const STRING: u64 = 3;
}

const OBJECT_WORDS: usize = 3;

/// Beside the type of a property: it is not enumerable.
const HIDDEN: u32 = 1 << 27;

/// Bytes between the heap's start and its first free byte, garbage included.
///
/// # Safety
/// `raw` must be a context.
pub(super) unsafe fn occupied(raw: *mut JSContext) -> usize {
    // SAFETY: the context begins with `heap_base` and `heap_free` (struct JSContext, 0.2.0); a test
    // fails when a new version moves them.
    let [base, free] = unsafe { raw.cast::<[usize; 2]>().read() };
    free.saturating_sub(base)
}

/// Whether a collection pays. The engine itself collects when the heap is full; until then it takes memory
/// that it has not had before, which the kernel has to find and no cache holds.
///
/// # Safety
/// `raw` must be a context.
pub(super) unsafe fn is_untidy(raw: *mut JSContext) -> bool {
    // SAFETY: passed on to our caller.
    let occupied = unsafe { occupied(raw) };
    let (whose, limit) = LIMIT.get();
    if whose != raw.addr() {
        LIMIT.set((raw.addr(), next_limit(occupied)));
        return false;
    }
    occupied > limit
}

/// Collects.
///
/// # Safety
/// `raw` must be a context; all its values move that no reference holds.
pub(super) unsafe fn tidy(raw: *mut JSContext) {
    // SAFETY: passed on to our caller.
    let live = unsafe {
        sys::JS_GC(raw);
        occupied(raw)
    };
    LIMIT.set((raw.addr(), next_limit(live)));
}

/// As much again as is alive, so that collecting takes a bounded share of the time.
fn next_limit(live: usize) -> usize {
    live + live.max(NURSERY)
}

/// What a value is, as far as JSON is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueKind {
    Undefined,
    Null,
    Bool(bool),
    Int(i32),
    /// `JS_ToNumber` reads it without allocating.
    Float,
    /// `JS_ToCStringLen` reads it without allocating.
    Text,
    Function,
    Array,
    /// Elements of one byte.
    Bytes,
    /// Elements of other sizes.
    Numbers,
    Error,
    Object,
}

/// A property's value, or that reading it runs the script's code.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stored {
    Value(JSValue),
    Getter,
}

/// # Safety
/// `value` must be alive and point to a block that has this many words.
unsafe fn word(value: JSValue, index: usize) -> u64 {
    // SAFETY: blocks are aligned to words, and the caller vouches for the rest.
    unsafe { ((value - 1) as *const u64).add(index).read() }
}

/// # Safety
/// `value` must be alive.
pub(super) unsafe fn kind(value: JSValue) -> ValueKind {
    if value & 1 == 0 {
        return ValueKind::Int((value as i32) >> 1);
    }
    match value & 7 {
        5 => return ValueKind::Float,
        // SAFETY: a pointer's block has a header.
        1 => return unsafe { pointed(value) },
        _ => {}
    }
    match value & 31 {
        _ if value == NULL => ValueKind::Null,
        special::BOOL => ValueKind::Bool(value >> 5 != 0),
        special::FUNCTION => ValueKind::Function,
        special::CHARACTER => ValueKind::Text,
        _ => ValueKind::Undefined,
    }
}

/// # Safety
/// `value` must be alive and a pointer.
unsafe fn pointed(value: JSValue) -> ValueKind {
    // SAFETY: every block has a header.
    let header = unsafe { word(value, 0) };
    match header >> 1 & 7 {
        block::FLOAT => return ValueKind::Float,
        block::STRING => return ValueKind::Text,
        block::OBJECT => {}
        _ => return ValueKind::Undefined,
    }
    match (header >> 4 & 0xff) as sys::JSObjectClassEnum {
        sys::JS_CLASS_C_FUNCTION | sys::JS_CLASS_CLOSURE => ValueKind::Function,
        sys::JS_CLASS_ARRAY => ValueKind::Array,
        sys::JS_CLASS_ERROR => ValueKind::Error,
        sys::JS_CLASS_UINT8C_ARRAY | sys::JS_CLASS_INT8_ARRAY | sys::JS_CLASS_UINT8_ARRAY => ValueKind::Bytes,
        class if (sys::JS_CLASS_INT16_ARRAY..=sys::JS_CLASS_FLOAT64_ARRAY).contains(&class) => {
            ValueKind::Numbers
        }
        _ => ValueKind::Object,
    }
}

/// How many elements an array or a typed array has.
///
/// # Safety
/// `value` must be alive and of one of these kinds.
pub(super) unsafe fn length(value: JSValue) -> u32 {
    // SAFETY: both kinds have their length in this word.
    unsafe { word(value, OBJECT_WORDS + 1) as u32 }
}

/// # Safety
/// `array` must be alive and an array, and `index` below its length.
pub(super) unsafe fn element(array: JSValue, index: u32) -> JSValue {
    // SAFETY: an array that has elements has a table at least as long.
    unsafe { word(word(array, OBJECT_WORDS), 1 + index as usize) }
}

/// The bytes of a typed array whose elements are bytes, until the engine allocates or runs.
///
/// # Safety
/// `value` must be alive and of the kind [`ValueKind::Bytes`].
pub(super) unsafe fn bytes(value: JSValue) -> *mut [u8] {
    // SAFETY: a typed array points to a buffer, whose first word after an object's points to its bytes;
    // the engine has checked offset and length against them.
    unsafe {
        let offset = (word(value, OBJECT_WORDS + 1) >> 32) as usize;
        let store = word(word(value, OBJECT_WORDS), OBJECT_WORDS);
        let first = ((store - 1) as *mut u8).add(size_of::<u64>() + offset);
        std::ptr::slice_from_raw_parts_mut(first, length(value) as usize)
    }
}

/// Where [`property`] goes on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PropertyCursor {
    slot: usize,
    seen: usize,
}

/// The next own property of an object in the order of their making, those left out that are deleted or not
/// enumerable.
///
/// # Safety
/// `object` must be alive and an object.
pub(super) unsafe fn property(object: JSValue, place: &mut PropertyCursor) -> Option<(JSValue, Stored)> {
    // SAFETY: the properties of an object are a block of values that begins with its own sizes, and no
    // slot is read that ends beyond its size, whatever code of the script has changed meanwhile.
    unsafe {
        let props = word(object, 2);
        let size = (word(props, 0) >> 4) as usize;
        let (count, mask) = (word(props, 1) as i32 >> 1, word(props, 2) as i32 >> 1);
        while place.seen < usize::try_from(count).unwrap_or(0) {
            let at = 2 + mask as usize + 1 + 3 * place.slot;
            if at + 3 > size {
                return None;
            }
            place.slot += 1;
            let (key, value, state) = (word(props, 1 + at), word(props, 2 + at), word(props, 3 + at));
            if key == DELETED {
                continue;
            }
            place.seen += 1;
            if state as u32 & HIDDEN != 0 {
                continue;
            }
            return Some((
                key,
                match state as u32 >> 30 {
                    0 => Stored::Value(value),
                    // Everything else is read through the engine.
                    _ => Stored::Getter,
                },
            ));
        }
        None
    }
}

/// Makes the place of an interrupted loop readable for the engine's own stack traces.
///
/// A trace looks at the byte before the one at which a frame goes on. For a call that is the call; at the
/// head of a loop it is the end of some instruction, for which there is no line. One further, it is the
/// loop's first instruction, or behind `while (true)`, which has no place of its own, the first of its
/// body. The frame is about to be left, so nothing else reads the place.
///
/// # Safety
/// `raw` must be a context whose interrupt handler is running.
pub(super) unsafe fn point_at_loop(raw: *mut sys::JSContext) {
    const STACK_TOP: usize = 2;
    const FRAME: usize = 5;
    const FUNCTION: usize = 3;
    const BYTE_CODE: usize = 2;
    /// The opcodes of calls: `call_constructor`, `call`, `call_method`.
    const CALLS: std::ops::RangeInclusive<u8> = 24..=26;
    /// `push_true`, `push_1`, and `if_false` with its length.
    const ALWAYS: [u8; 2] = [8, 96];
    const IF_FALSE: (u8, usize) = (52, 5);
    // SAFETY: a context begins with these pointers; a frame of a script's function has its place one
    // word below, as a number times two, and its function three above; and a place lies inside the
    // function's code and behind its first instruction.
    unsafe {
        let context = raw.cast::<usize>();
        let (frame, top) = (*context.add(FRAME), *context.add(STACK_TOP));
        if frame == top {
            return;
        }
        let frame = frame as *mut JSValue;
        let function = *frame.add(FUNCTION);
        if function & 7 != 1 || word(function, 0) >> 4 & 0xff != u64::from(sys::JS_CLASS_CLOSURE) {
            return;
        }
        let place = frame.sub(1);
        let code = word(word(function, OBJECT_WORDS), BYTE_CODE);
        let at = (*place as i32 >> 1) as usize;
        let end = (word(code, 0) >> 4) as usize;
        let code = std::slice::from_raw_parts(((code - 1) as *const u8).add(size_of::<u64>()), end);
        let is_call = |at: usize| code.get(at).is_none_or(|code| CALLS.contains(code));
        if at > 0 && is_call(at - 1) {
            return;
        }
        let mut head = at;
        if code.get(head).is_some_and(|code| ALWAYS.contains(code)) {
            head += 1;
        }
        if code.get(head) == Some(&IF_FALSE.0) {
            head += IF_FALSE.1;
        }
        if head < code.len() {
            *place = (head as JSValue + 1) << 1;
        }
    }
}
