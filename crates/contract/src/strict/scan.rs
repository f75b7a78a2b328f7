//! JSON scanner: bounds for JSON text that is carried and not read: one pass, nothing is allocated.
//!
//! It is no parser. What it is given has been or will be checked by one; it only counts, and it reads
//! broken text to its end like any other.

use super::byte_search::find_either;

/// Whether arrays and objects are at most so deep within each other.
#[must_use]
pub fn is_within(text: &[u8], depth: usize) -> bool {
    // Most texts are too short to be deep.
    if text.len() <= depth {
        return true;
    }
    let (mut at, mut open) = (0, 0_usize);
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'"' => at = end_of_string(text, at),
            b'[' | b'{' => {
                open += 1;
                if open > depth {
                    return false;
                }
            }
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    true
}

/// Whether it has at most so many values: each stands behind a comma, or first in what was opened before it.
#[must_use]
pub fn has_at_most(text: &[u8], values: usize) -> bool {
    // The shortest has one letter, and a comma behind it.
    if text.len() / 2 < values {
        return true;
    }
    let (mut at, mut found) = (0, 1_usize);
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'"' => at = end_of_string(text, at),
            b',' | b'[' | b'{' => {
                found += 1;
                if found > values {
                    return false;
                }
            }
            _ => {}
        }
    }
    true
}

/// Behind the closing quote of the string whose inside begins at `at`, or the end of the text.
pub(super) fn end_of_string(text: &[u8], mut at: usize) -> usize {
    while let Some(found) = text.get(at..).and_then(|rest| find_either(*b"\"\\", rest)) {
        at += found + 1;
        if text[at - 1] == b'"' {
            return at;
        }
        at += 1;
    }
    text.len()
}
