//! Nesting limit, and tags that mean nothing here, which the reader of YAML would pass over: seen by the parser that
//! reads a document, before it is loaded. Whether a bracket is one depends on quotes, comments, indentation and what
//! stands around it, and who counts by other rules than the parser can be fooled.
//!
//! The parser looks at each open level again with every word, which is what makes depth costly. It is asked for one
//! event after the other and let go at the first that is too deep: beyond that it has looked ahead for one key,
//! which it does for 1,024 characters.

use std::ffi::{CStr, c_char};
use std::marker::PhantomData;
use std::mem::MaybeUninit;

use libyaml_rs as sys;

/// The beginning of all tags that YAML itself has, and those of them that say what a plain document says as well.
const OWN: &str = "tag:yaml.org,2002:";
const PLAIN: [&str; 7] = ["str", "int", "float", "bool", "null", "seq", "map"];

/// A parser at a place of its own: it keeps pointers to itself and into the text.
struct Events<'a> {
    parser: *mut sys::yaml_parser_t,
    text: PhantomData<&'a str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum YamlEvent {
    Open,
    Close,
    /// Of the text, or of what can be parsed of it.
    End,
    Other,
}

/// An event, its place from 1, and its tag where that means nothing here.
struct Seen {
    event: YamlEvent,
    line: usize,
    column: usize,
    tag: Option<String>,
}

/// What is not read before it is mended.
pub(super) enum Unfit {
    TooDeep { line: usize },
    Tag { tag: String, line: usize, column: usize },
}

/// The tag as it is written, unless the document says the same without it, or its reader hears of it: those of one's own.
fn foreign(tag: &CStr) -> Option<String> {
    let tag = tag.to_string_lossy();
    match tag.strip_prefix(OWN) {
        Some(plain) if PLAIN.contains(&plain) => None,
        Some(other) => Some(format!("!!{other}")),
        None if tag.starts_with('!') => None,
        None => Some(format!("!<{tag}>")),
    }
}

impl<'a> Events<'a> {
    fn new(text: &'a str) -> Option<Self> {
        let parser = Box::into_raw(Box::new(MaybeUninit::<sys::yaml_parser_t>::zeroed())).cast();
        // SAFETY: its own initialization writes all of it, nothing moves it, and the text outlives it, as the
        // lifetime says.
        unsafe {
            if sys::yaml_parser_initialize(parser).fail {
                drop(Box::from_raw(parser.cast::<MaybeUninit<sys::yaml_parser_t>>()));
                return None;
            }
            sys::yaml_parser_set_encoding(parser, sys::YAML_UTF8_ENCODING);
            sys::yaml_parser_set_input_string(parser, text.as_ptr(), text.len() as u64);
        }
        Some(Self { parser, text: PhantomData })
    }

    /// The next event.
    fn next(&mut self) -> Seen {
        let mut event = MaybeUninit::<sys::yaml_event_t>::zeroed();
        // SAFETY: the parser is initialized; where it does not fail it has written the event, which is deleted once; its kind
        // says which of its data there is, and a tag in it is a text with an end, which is copied before.
        unsafe {
            if sys::yaml_parser_parse(self.parser, event.as_mut_ptr()).fail {
                return Seen { event: YamlEvent::End, line: 0, column: 0, tag: None };
            }
            let yaml_event = &*event.as_ptr();
            let (kind, mark) = (yaml_event.type_, yaml_event.start_mark);
            let tag = match kind {
                sys::YAML_SCALAR_EVENT => yaml_event.data.scalar.tag,
                sys::YAML_SEQUENCE_START_EVENT => yaml_event.data.sequence_start.tag,
                sys::YAML_MAPPING_START_EVENT => yaml_event.data.mapping_start.tag,
                _ => std::ptr::null_mut(),
            };
            let tag = (!tag.is_null()).then(|| foreign(CStr::from_ptr(tag.cast::<c_char>()))).flatten();
            sys::yaml_event_delete(event.as_mut_ptr());
            let event = match kind {
                sys::YAML_SEQUENCE_START_EVENT | sys::YAML_MAPPING_START_EVENT => YamlEvent::Open,
                sys::YAML_SEQUENCE_END_EVENT | sys::YAML_MAPPING_END_EVENT => YamlEvent::Close,
                sys::YAML_STREAM_END_EVENT => YamlEvent::End,
                _ => YamlEvent::Other,
            };
            let from_1 = |place| usize::try_from(place).unwrap_or(usize::MAX).saturating_add(1);
            Seen { event, line: from_1(mark.line), column: from_1(mark.column), tag }
        }
    }
}

impl Drop for Events<'_> {
    fn drop(&mut self) {
        // SAFETY: it was initialized in a box, and nothing uses it after this.
        unsafe {
            sys::yaml_parser_delete(self.parser);
            drop(Box::from_raw(self.parser));
        }
    }
}

/// The first that is unfit: a tag, or more than `most` sequences and mappings within each other. A document that cannot
/// be parsed to its end is as its beginning: who reads it comes no further either.
pub(super) fn unfit(text: &str, most: usize) -> Option<Unfit> {
    let (mut events, mut open) = (Events::new(text)?, 0_usize);
    loop {
        let Seen { event, line, column, tag } = events.next();
        if let Some(tag) = tag {
            return Some(Unfit::Tag { tag, line, column });
        }
        match event {
            YamlEvent::Open if open == most => return Some(Unfit::TooDeep { line }),
            YamlEvent::Open => open += 1,
            YamlEvent::Close => open -= 1,
            YamlEvent::End => return None,
            YamlEvent::Other => {}
        }
    }
}
