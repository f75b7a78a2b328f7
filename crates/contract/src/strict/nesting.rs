//! Nesting limit: how deep a YAML document nests, counted by the parser that reads it. Whether a bracket is one
//! depends on quotes, comments, indentation and what stands around it, and who counts by other rules than the parser
//! can be fooled.
//!
//! The parser looks at each open level again with every word, which is what makes depth costly. It is asked for one
//! event after the other and let go at the first that is too deep: beyond that it has looked ahead for one key,
//! which it does for 1,024 characters.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use libyaml_rs as sys;

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

    /// The next event, and its line from 1.
    fn next(&mut self) -> (YamlEvent, usize) {
        let mut event = MaybeUninit::<sys::yaml_event_t>::zeroed();
        // SAFETY: the parser is initialized; where it does not fail it has written the event, which is deleted once.
        unsafe {
            if sys::yaml_parser_parse(self.parser, event.as_mut_ptr()).fail {
                return (YamlEvent::End, 0);
            }
            let (kind, line) = ((*event.as_ptr()).type_, (*event.as_ptr()).start_mark.line);
            sys::yaml_event_delete(event.as_mut_ptr());
            let kind = match kind {
                sys::YAML_SEQUENCE_START_EVENT | sys::YAML_MAPPING_START_EVENT => YamlEvent::Open,
                sys::YAML_SEQUENCE_END_EVENT | sys::YAML_MAPPING_END_EVENT => YamlEvent::Close,
                sys::YAML_STREAM_END_EVENT => YamlEvent::End,
                _ => YamlEvent::Other,
            };
            (kind, usize::try_from(line).unwrap_or(usize::MAX).saturating_add(1))
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

/// The line, from 1, at which more than `most` sequences and mappings are within each other. A document that cannot
/// be parsed to its end is as deep as its beginning: who reads it comes no further either.
pub(super) fn too_deep(text: &str, most: usize) -> Option<usize> {
    let (mut events, mut open) = (Events::new(text)?, 0_usize);
    loop {
        match events.next() {
            (YamlEvent::Open, line) if open == most => return Some(line),
            (YamlEvent::Open, _) => open += 1,
            (YamlEvent::Close, _) => open -= 1,
            (YamlEvent::End, _) => return None,
            (YamlEvent::Other, _) => {}
        }
    }
}
