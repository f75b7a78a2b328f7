//! Error chain: what stands behind it, and the one way to tell all of it.

use std::error::Error;
use std::iter::successors;

/// What an error was caused by, the nearest first.
pub fn behind<'a>(error: &'a (dyn Error + 'a)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(error.source(), |&cause| cause.source())
}

/// The last cause, or the error itself: as a kernel or a parser says it.
#[must_use]
pub fn innermost<'a>(error: &'a (dyn Error + 'a)) -> String {
    behind(error).last().map_or_else(|| error.to_string(), ToString::to_string)
}

/// An error and its causes in one line, each said once.
#[must_use]
pub fn told<'a>(error: &'a (dyn Error + 'a)) -> String {
    told_but(error, |_| false)
}

/// The same without layers that tell only that something is wrong below, if there is something below.
#[must_use]
pub fn told_but<'a>(
    error: &'a (dyn Error + 'a),
    says_nothing: impl Fn(&(dyn Error + 'static)) -> bool,
) -> String {
    let mut text = error.to_string();
    for cause in behind(error) {
        if cause.source().is_some() && says_nothing(cause) {
            continue;
        }
        let words = cause.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{words}")]
    struct Layer {
        words: &'static str,
        source: Option<Box<Layer>>,
    }

    fn layers(words: &[&'static str]) -> Layer {
        let (first, rest) = words.split_first().expect("is one");
        Layer { words: first, source: (!rest.is_empty()).then(|| Box::new(layers(rest))) }
    }

    #[test]
    fn each_layer_is_said_once_and_one_that_says_nothing_not_at_all() {
        let error = layers(&["failed to ask", "client error", "connect", "refused", "refused"]);
        assert_eq!(told(&error), "failed to ask: client error: connect: refused");
        let but = |text: &'static str| told_but(&error, move |cause| cause.to_string() == text);
        assert_eq!(but("client error"), "failed to ask: connect: refused");
        assert_eq!(told_but(&layers(&["a", "b"]), |_| true), "a: b", "the last has nothing below");
        assert_eq!((innermost(&error), innermost(&layers(&["a"]))), ("refused".into(), "a".into()));
        assert_eq!(told(&layers(&["alone"])), "alone");
    }
}
