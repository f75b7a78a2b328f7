//! Cancellation ahead of the queue: requests that are given up further back in what has been sent already.
//!
//! While many calls are in flight no further request is read. What lies there is looked at all the same, for the word
//! that gives up a call: what is in flight ends at once, and what waits in front of that word will end as soon as it
//! is taken, as it would if both had come one after the other. A word holds until its own turn, so a later request
//! of the same id is another one.

use std::collections::HashMap;

use memchr::memmem;

use super::builtin::{CANCEL, Cancel, FIELDS};
use super::message::{Incoming, id_key};
use crate::strict;

/// A line that gives up a request is short.
const LOOKED_AT: usize = 1024;
/// Ids that are kept; words for others are obeyed in their turn.
const MOST: usize = 4096;

#[derive(Debug, Default)]
pub struct EarlyCancels {
    /// How many words wait for each id, in the one form that [`id_key`] gives it.
    ids: HashMap<Box<str>, u32>,
}

impl EarlyCancels {
    /// Looks at a line that waits for its turn, once: the id that it gives up, if it does.
    pub fn look(&mut self, line: &[u8]) -> Option<Box<str>> {
        if line.len() > LOOKED_AT || memmem::find(line, CANCEL.as_bytes()).is_none() {
            return None;
        }
        let Incoming::Single(Ok(request)) = Incoming::decode(line) else { return None };
        // Who asks whether there was such a request asks in his turn.
        if request.method != CANCEL || request.id.is_some() {
            return None;
        }
        let Cancel { id } = strict::from_str(request.params?, FIELDS).ok()?;
        let key = id_key(id.get());
        let room = self.ids.len() < MOST;
        match self.ids.get_mut(&*key) {
            Some(words) => *words += 1,
            None if room => drop(self.ids.insert(key.into(), 1)),
            None => {}
        }
        Some(id.get().into())
    }

    /// Such a word has its turn.
    pub fn heard(&mut self, id: &str) {
        if self.ids.is_empty() {
            return;
        }
        let key = id_key(id);
        if let Some(words) = self.ids.get_mut(&*key) {
            *words -= 1;
            if *words == 0 {
                self.ids.remove(&*key);
            }
        }
    }

    /// Whether a request that is taken now is given up further back.
    #[must_use]
    pub fn dooms(&self, id: &str) -> bool {
        !self.ids.is_empty() && self.ids.contains_key(&*id_key(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(id: &str) -> String {
        format!(r#"{{"jsonrpc":"2.0","method":"hauki.cancel","params":{{"id":{id}}}}}"#)
    }

    #[test]
    fn a_word_holds_from_when_it_is_seen_to_its_turn_however_the_id_is_written() {
        let mut foreseen = EarlyCancels::default();
        assert_eq!(foreseen.look(word(r#""\u0061""#).as_bytes()).as_deref(), Some(r#""\u0061""#));
        assert!(
            foreseen.look(word(r#""a""#).as_bytes()).is_some()
                && foreseen.look(word("7").as_bytes()).is_some()
        );
        assert!(foreseen.dooms(r#""a""#) && foreseen.dooms("7") && !foreseen.dooms(r#""7""#));
        foreseen.heard(r#""a""#);
        assert!(foreseen.dooms(r#""\u0061""#), "one more is to come");
        foreseen.heard(r#""a""#);
        foreseen.heard(r#""a""#);
        assert!(!foreseen.dooms(r#""a""#) && foreseen.dooms("7"));
    }

    #[test]
    fn what_is_no_such_word_is_none() {
        let mut foreseen = EarlyCancels::default();
        let asks = r#"{"jsonrpc":"2.0","id":1,"method":"hauki.cancel","params":{"id":7}}"#;
        let other = r#"{"jsonrpc":"2.0","method":"echo","params":["hauki.cancel",{"id":7}]}"#;
        let long = format!("{}{}", word("7"), " ".repeat(LOOKED_AT));
        for line in [asks, other, long.as_str(), &word("{}"), &word("[7]"), &format!("[{}]", word("7"))] {
            assert_eq!(foreseen.look(line.as_bytes()), None, "{line}");
        }
        assert!(!foreseen.dooms("7"));
        for id in 0..2 * MOST {
            assert!(foreseen.look(word(&id.to_string()).as_bytes()).is_some());
        }
        assert_eq!(foreseen.ids.len(), MOST, "what nobody bounds is kept");
    }
}
