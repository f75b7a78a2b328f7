//! Trace context: what joins a request, the orders made of it and the calls, as the W3C's `traceparent` has it.
//!
//! It is written by whoever asks, so it is read strictly, and one that is wrong is as none: it decides nothing, is no
//! reason to refuse, and nothing but the numbers that were read from it is ever kept or written.

use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};

use serde::{Serialize, Serializer};

/// The length of version 00, which every later one begins with.
const LENGTH: usize = 55;
/// What a later version may have behind that, at most; the rest is not looked at.
const LONGEST: usize = 512;

/// The name of the header, and of the member of a call.
pub const TRACEPARENT: &str = "traceparent";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(pub NonZeroU128);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId(pub NonZeroU64);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Where in which trace something is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    pub trace: TraceId,
    /// Of whoever asks.
    pub span: SpanId,
    /// Whether he writes it down.
    pub sampled: bool,
}

impl TraceContext {
    /// `None`: there is none that could be used.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() < LENGTH || bytes.len() > LONGEST {
            return None;
        }
        let [version, trace, span, flags] =
            [(0, 2), (3, 35), (36, 52), (53, 55)].map(|(from, to)| number(&bytes[from..to]));
        let dashes = [2, 35, 52].iter().all(|at| bytes[*at] == b'-');
        let rest = match version? {
            0 => bytes.len() == LENGTH,
            0xff => false,
            _ => bytes.get(LENGTH).is_none_or(|next| *next == b'-'),
        };
        if !dashes || !rest {
            return None;
        }
        Some(Self {
            trace: TraceId(NonZeroU128::new(trace?)?),
            span: SpanId(NonZeroU64::new(u64::try_from(span?).ok()?)?),
            sampled: flags? & 1 == 1,
        })
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace, self.span, u8::from(self.sampled))
    }
}

impl Serialize for TraceContext {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

/// In small letters, as the format wants it.
fn number(hex: &[u8]) -> Option<u128> {
    hex.iter().try_fold(0_u128, |sum, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(sum << 4 | u128::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_is_right_is_read_and_written_as_it_came() {
        let context = TraceContext::read(GOOD).expect("is right");
        assert!(context.sampled);
        assert_eq!(context.to_string(), GOOD);
        assert_eq!(context.trace.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        // Flags that nobody knows are passed over, and so is what a later version adds.
        let unsampled = TraceContext::read(&GOOD.replace("-01", "-f2")).expect("is right");
        assert!(!unsampled.sampled);
        for later in [GOOD.replace("00-4", "cc-4"), format!("{}-what-comes", GOOD.replace("00-4", "01-4"))] {
            assert_eq!(TraceContext::read(&later), Some(context), "{later}");
        }
    }

    #[test]
    fn what_is_wrong_is_as_none() {
        let long = format!("{}-{}", GOOD.replace("00-4", "01-4"), "x".repeat(LONGEST));
        for wrong in [
            "",
            "00",
            &GOOD[1..],
            &format!("{GOOD}-"),
            &format!("{GOOD} "),
            &format!("{GOOD}0"),
            &format!("{}x", GOOD.replace("00-4", "01-4")),
            &long,
            &GOOD.to_uppercase(),
            &GOOD.replace("00-4", "ff-4"),
            &GOOD.replace("00-4", "0g-4"),
            &GOOD.replace('-', "_"),
            &GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &GOOD.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &GOOD.replace("f92f", "f\n2f"),
            &GOOD.replace("4bf9", "é"),
            &GOOD.replace("4bf92f", "é92f"),
        ] {
            assert_eq!(TraceContext::read(wrong), None, "{wrong}");
        }
    }
}
