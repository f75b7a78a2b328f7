//! Terminal sanitizer: the one printer of text that others wrote: file names, workers' words, names, errors.
//!
//! A terminal takes orders from what is printed on it: escape sequences (also by the one byte of C1),
//! marks that turn the direction of writing, and letters without width, which make two names look the
//! same. For people each of them is spelled out as JSON spells it, so that nothing vanishes; JSON stays
//! the same JSON, because there the spelling means the letter. Where no terminal is, records and results keep
//! their bytes: [`OutputKind`] is the one place that knows.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _};

pub(crate) use crate::client::visible::{json, line, lines};

/// What standard output is: a screen, or somebody who gets every byte as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutputKind {
    OnScreen,
    Elsewhere,
}

impl OutputKind {
    pub(crate) fn of_stdout() -> Self {
        if io::stdout().is_terminal() { Self::OnScreen } else { Self::Elsewhere }
    }

    pub(crate) fn json(self, text: &str) -> Cow<'_, str> {
        if self == Self::OnScreen { json(text) } else { text.into() }
    }

    pub(crate) fn lines(self, text: &str) -> Cow<'_, str> {
        if self == Self::OnScreen { lines(text) } else { text.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_return_between_two_values_is_white_space_and_elsewhere_nothing_is_touched() {
        let text = "{\r\"a\":1,\r\n\"b\":\"\u{202e}\"}";
        assert_eq!(OutputKind::OnScreen.json(text), "{ \"a\":1, \n\"b\":\"\\u202e\"}");
        assert_eq!(OutputKind::Elsewhere.json(text), text);
        assert_eq!(OutputKind::OnScreen.lines("a\rb\n"), "a\\u000db\n");
        assert_eq!(OutputKind::Elsewhere.lines("a\rb\u{9b}\n"), "a\rb\u{9b}\n");
    }
}
