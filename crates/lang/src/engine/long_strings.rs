//! Long strings in JSON, which go around the engine's parser.
//!
//! The parser takes 14 ns for each letter of a string, mostly to make its buffer longer; the engine's
//! own word for "a string of these letters" copies them. So a long string leaves a mark in the text
//! that is parsed, and takes the mark's place in the value that comes out. Whether it is the right
//! place is seen by the mark, and where it is not, as with a name that stands twice in one object, the
//! whole text is parsed as it is.

use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::ptr;

use mquickjs::{self as sys, JSContext, JSGCRef, JSValue};

use super::heap::{self, EXCEPTION, Stored, UNDEFINED, ValueKind};
use super::json::read_text;
use hauki_contract::strict::byte_search::find_either;

/// Shorter ones cost more to lift than to parse.
const LONG: usize = 96;
/// Of one text. What it holds beyond these is parsed.
const MOST: usize = 256;
/// Deeper ones are parsed: their way would be longer than they are.
const MOST_LEVELS: usize = 8;

/// What a mark begins with; a short text of a caller that looks the same is not where a mark must be.
const MARK: char = '\u{f8ff}';

/// A string, and where it belongs.
#[derive(Debug, PartialEq, Eq)]
struct Lifted<'a> {
    letters: Cow<'a, str>,
    /// Which element or property on each level, outermost first.
    way: Vec<u32>,
    mark: String,
}

/// One array or object around the place that has been read.
struct Level {
    /// The number of the element or property.
    member: u32,
    /// In an object, what comes next is a name.
    names: Option<bool>,
    /// The engine takes its properties' names as C strings, and these can have no zero in them.
    is_plain: bool,
}

/// Writes `text` into `rest` without its long strings. What is no JSON stays what it is.
fn lift<'a>(text: &'a str, rest: &mut Vec<u8>) -> Vec<Lifted<'a>> {
    let bytes = text.as_bytes();
    if bytes.len() < LONG {
        rest.clear();
        rest.extend_from_slice(bytes);
        return Vec::new();
    }
    let (mut lifted, mut levels) = (Vec::new(), Vec::<Level>::new());
    // Those deeper than a string may lie are only counted: a text may be nothing but brackets.
    let mut deeper = 0usize;
    let (mut at, mut copied) = (0, 0);
    rest.clear();
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => {
                let (start, Some((end, escapes))) = (at, end_of_string(bytes, at)) else { break };
                at = end + 1;
                let Some(level) = levels.last_mut().filter(|_| deeper == 0) else { continue };
                if level.names == Some(true) {
                    level.is_plain = !escapes;
                    continue;
                }
                let has_way = levels.iter().all(|level| level.is_plain);
                if end - start < LONG || lifted.len() == MOST || !has_way {
                    continue;
                }
                let Some(letters) = letters(&text[start - 1..at], escapes) else { continue };
                let mark = format!("{MARK}{}", lifted.len());
                rest.extend_from_slice(&bytes[copied..start]);
                rest.extend_from_slice(mark.as_bytes());
                copied = end;
                lifted.push(Lifted { letters, way: levels.iter().map(|level| level.member).collect(), mark });
            }
            b'[' | b'{' if levels.len() == MOST_LEVELS => deeper += 1,
            b']' | b'}' | b',' | b':' if deeper > 0 => deeper -= usize::from(matches!(byte, b']' | b'}')),
            b'[' => levels.push(Level { member: 0, names: None, is_plain: true }),
            b'{' => levels.push(Level { member: 0, names: Some(true), is_plain: true }),
            b']' | b'}' => drop(levels.pop()),
            b':' | b',' => {
                if let Some(level) = levels.last_mut() {
                    level.names = level.names.map(|_| *byte == b',');
                    level.member += u32::from(*byte == b',');
                }
            }
            _ => {}
        }
    }
    rest.extend_from_slice(&bytes[copied..]);
    lifted
}

/// Where the string that begins before `at` ends, and whether it has escapes.
fn end_of_string(bytes: &[u8], mut at: usize) -> Option<(usize, bool)> {
    let first = at + find_either(*b"\"\\", &bytes[at..])?;
    at = first;
    while bytes.get(at)? == &b'\\' {
        at += 2;
        at += find_either(*b"\"\\", bytes.get(at..)?)?;
    }
    Some((at, at > first))
}

/// What a quoted string says, unless only the engine can tell: lone surrogates, control characters.
fn letters(quoted: &str, escapes: bool) -> Option<Cow<'_, str>> {
    if escapes {
        return serde_json::from_str(quoted).ok().map(Cow::Owned);
    }
    let letters = &quoted[1..quoted.len() - 1];
    // No shortcut out of the loop, so that it takes many bytes at once.
    let plain = letters.bytes().fold(true, |plain, byte| plain & (byte >= b' '));
    plain.then_some(Cow::Borrowed(letters))
}

/// JSON as a value, or the engine's exception. `scratch` saves an allocation for each text.
///
/// # Safety
/// `raw` must be a context; all its values move that no reference holds.
pub(super) unsafe fn parse(raw: *mut JSContext, text: &str, name: &CStr, scratch: &mut Vec<u8>) -> JSValue {
    let parse = |scratch: &mut Vec<u8>| {
        let length = scratch.len();
        scratch.push(0);
        // SAFETY: the text is UTF-8, ends with a zero, and lies outside the heap, so it does not move.
        unsafe { sys::JS_Parse(raw, scratch.as_ptr().cast(), length, name.as_ptr(), sys::JS_EVAL_JSON) }
    };
    let lifted = lift(text, scratch);
    let value = parse(scratch);
    if lifted.is_empty() {
        return value;
    }
    // SAFETY: the value was just returned, and nothing has been allocated since.
    let whole = if value == EXCEPTION { None } else { unsafe { put_back(raw, value, &lifted) } };
    whole.unwrap_or_else(|| {
        // As it is: a position in it is the one that its writer knows.
        scratch.clear();
        scratch.extend_from_slice(text.as_bytes());
        parse(scratch)
    })
}

/// Puts the strings where their marks are in `value`. `None` if a mark is not where it should be.
///
/// # Safety
/// `raw` must be a context and `value` one of its values that is alive; it moves.
unsafe fn put_back(raw: *mut JSContext, value: JSValue, lifted: &[Lifted<'_>]) -> Option<JSValue> {
    let empty = JSGCRef { val: UNDEFINED, prev: ptr::null_mut() };
    let (mut whole, mut string) = (empty, empty);
    let (whole, string) = (&raw mut whole, &raw mut string);
    // SAFETY: the references are pushed and popped in stack order within this function; what is read
    // from them is used before anything else is allocated.
    unsafe {
        sys::JS_PushGCRef(raw, whole);
        (*whole).val = value;
        sys::JS_PushGCRef(raw, string);
        let mut outcome = Some(UNDEFINED);
        for Lifted { letters, way, mark } in lifted {
            (*string).val = sys::JS_NewStringLen(raw, letters.as_ptr().cast(), letters.len());
            outcome = match (*string).val {
                EXCEPTION => Some(EXCEPTION),
                letters => marked(raw, (*whole).val, way, mark).and_then(|place| place.set(raw, letters)),
            };
            if outcome.is_none_or(|outcome| outcome == EXCEPTION) {
                break;
            }
        }
        sys::JS_PopGCRef(raw, string);
        let whole = sys::JS_PopGCRef(raw, whole);
        outcome.map(|outcome| if outcome == EXCEPTION { EXCEPTION } else { whole })
    }
}

/// An element, or a property by its name.
enum Marked {
    Element { of: JSValue, index: u32 },
    Property { of: JSValue, name: JSValue },
}

impl Marked {
    /// # Safety
    /// What it holds and `value` must be alive.
    unsafe fn set(&self, raw: *mut JSContext, value: JSValue) -> Option<JSValue> {
        // SAFETY: the engine holds its arguments itself while it makes room.
        unsafe {
            match *self {
                Self::Element { of, index } => Some(sys::JS_SetPropertyUint32(raw, of, index, value)),
                Self::Property { of, name } => {
                    if let ValueKind::Int(number) = heap::kind(name) {
                        let number = u32::try_from(number).ok()?;
                        return Some(sys::JS_SetPropertyUint32(raw, of, number, value));
                    }
                    let name = read_text(raw, name, |letters| CString::new(letters)).ok()?;
                    Some(sys::JS_SetPropertyStr(raw, of, name.as_ptr(), value))
                }
            }
        }
    }
}

/// Follows `way` to a string that is `mark`. Allocates nothing.
///
/// # Safety
/// `value` must be alive.
unsafe fn marked(raw: *mut JSContext, mut value: JSValue, way: &[u32], mark: &str) -> Option<Marked> {
    let mut place = None;
    for &index in way {
        // SAFETY: what an alive value holds is alive, and nothing is allocated here.
        unsafe {
            match heap::kind(value) {
                ValueKind::Array if index < heap::length(value) => {
                    place = Some(Marked::Element { of: value, index });
                    value = heap::element(value, index);
                }
                ValueKind::Object => {
                    let mut next = heap::PropertyCursor::default();
                    for _ in 0..index {
                        heap::property(value, &mut next)?;
                    }
                    let (name, stored) = heap::property(value, &mut next)?;
                    let Stored::Value(held) = stored else { return None };
                    place = Some(Marked::Property { of: value, name });
                    value = held;
                }
                _ => return None,
            }
        }
    }
    // SAFETY: as above.
    let is_mark = unsafe {
        heap::kind(value) == ValueKind::Text && read_text(raw, value, |letters| letters == mark.as_bytes())
    };
    place.filter(|_| is_mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_strings_leave_marks_and_know_their_way() {
        let (a, b, c) = ("a".repeat(LONG), "\\n".repeat(LONG), "ä".repeat(LONG));
        let text = format!(r#"["{a}", {{"x": 1, "y": ["short", "{b}"]}}, "{c}", {{"{a}": "{a}"}}]"#);
        let mut rest = Vec::new();
        let lifted = lift(&text, &mut rest);
        let expected = format!(
            "[\"\u{f8ff}0\", {{\"x\": 1, \"y\": [\"short\", \"\u{f8ff}1\"]}}, \"\u{f8ff}2\", {{\"{a}\": \"\u{f8ff}3\"}}]"
        );
        assert_eq!(String::from_utf8(rest).expect("is text"), expected);
        let ways: Vec<&[u32]> = lifted.iter().map(|lifted| &lifted.way[..]).collect();
        assert_eq!(ways, [&[0][..], &[1, 1, 1], &[2], &[3, 0]]);
        assert_eq!(lifted[1].letters, "\n".repeat(LONG));
    }

    #[test]
    fn what_the_engine_alone_can_tell_stays() {
        let long = "x".repeat(LONG);
        for text in [
            format!(r#"["{long}\ud800"]"#),
            format!("[\"{long}\u{1}\\n\"]"),
            format!("[\"{long}\n\"]"),
            format!(r#"[{{"a\u0000": "{long}"}}]"#),
            format!(r#"["{long}"#),
            format!(r#"["{long}\"#),
            format!(r#""{long}""#),
            format!("{}\"{long}\"", "[".repeat(MOST_LEVELS + 1)),
            "]]]}}},,,::".to_owned(),
            format!("{}{}", "[{\"a\":".repeat(500_000), "}]".repeat(400_000)),
        ] {
            let mut rest = Vec::new();
            assert_eq!(lift(&text, &mut rest), [], "{text}");
            assert_eq!(rest, text.as_bytes());
        }
    }
}
