//! The arrow rewriter against any text, with the engine's own parser as the judge.
//!
//! An arrow outside of strings, comments and regular expressions is never JavaScript. So whatever the
//! engine takes as it is must come out of the rewriter as it is.
#![no_main]

use std::borrow::Cow;

use hauki_lang::arrow::{Rewritten, rewrite};
use hauki_lang::lexer::{TokenKind, words};
use hauki_lang::position::Position;
use hauki_lang::unsupported::explain;
use libfuzzer_sys::{Corpus, fuzz_target};
use mquickjs as sys;

fuzz_target!(|source: &str| -> Corpus {
    // A byte that cannot be in a program that hauki hands on.
    if source.contains('\0') {
        return Corpus::Reject;
    }
    let Rewritten { text, map } = rewrite(source);
    let changed = matches!(text, Cow::Owned(_));
    if !source.contains("->") || (!tells_slashes_otherwise(source) && parses(source)) {
        assert!(!changed, "a program without arrows was changed:\n{source}\n{text}");
    }
    let breaks = |text: &str| text.bytes().filter(|byte| *byte == b'\n').count();
    assert_eq!(breaks(source), breaks(&text), "a line break moved");
    assert_eq!(rewrite(&text).text, text, "a second pass changed something");

    // Every word that the rewriter did not write is where the map says.
    for word in words(&text) {
        // `/a/.5->b()` and `9e-""->b()` are no programs: what is written stands where flags or an exponent would.
        if word.text.starts_with(|first: char| first == '/' || first == '.' || first.is_ascii_digit())
            && word.text.ends_with("call_other")
        {
            continue;
        }
        let origin = map.origin(Position::of(&text, word.offset)).expect("has one").place;
        let there = &source[origin.offset(source)..];
        let ours = matches!(word.text, "call_other" | "(" | "," | ")") || word.kind == TokenKind::Text;
        assert!(ours || there.starts_with(word.text), "{} is not at {origin:?} in {source}", word.text);
    }

    // Wherever the engine stops, what is said of the place is a place in the source.
    let places = (0..source.len()).step_by(1 + source.len() / 8).map(|at| source.floor_char_boundary(at));
    let places = places.map(|offset| Some(Position::of(source, offset)));
    for found in places.chain([None]).filter_map(|place| explain(source, place)) {
        assert_eq!(Position::of(source, found.place.offset(source)), found.place, "{found}");
    }
    Corpus::Keep
});

/// The engine decides by the last word alone whether a slash divides; after these it errs.
fn tells_slashes_otherwise(source: &str) -> bool {
    let all = words(source);
    (1..all.len()).any(|at| {
        all[at].text.starts_with('/')
            && (all[at - 1].is("}") || all[at - 1].kind == TokenKind::Name && at > 1 && all[at - 2].is("."))
    })
}

/// Whether the engine takes the text as it is.
fn parses(source: &str) -> bool {
    const EXCEPTION: sys::JSValue = 3 | (3 << 2);
    let mut memory = vec![0u64; 64 * 1024];
    let mut text = source.as_bytes().to_vec();
    text.push(0);
    // SAFETY: the memory is aligned and outlives the context; the text ends with a zero and lies outside.
    unsafe {
        let context =
            sys::JS_NewContext(memory.as_mut_ptr().cast(), memory.len() * 8, &raw const sys::js_stdlib);
        sys::JS_Parse(context, text.as_ptr().cast(), source.len(), c"f".as_ptr(), 0) != EXCEPTION
    }
}
