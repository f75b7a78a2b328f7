//! Sizes and durations as people type them: `4MiB`, `512k`, `30s`, `1h30m`.
//!
//! Durations are jiff's "friendly" format; a bare number is refused, because nobody remembers
//! whether a tool meant seconds or milliseconds.

use std::fmt;

use jiff::SignedDuration;
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

/// From here on two integers are one floating-point number.
const EXACT: f64 = 9_007_199_254_740_992.0;

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum UnitError {
    #[error("nothing is no size: write a number and a unit, for example 4MiB or 512KiB")]
    Nothing,
    #[error("{0} of what? write {0}MiB or {0}KiB, and {0}B for bytes")]
    Bare(String),
    #[error("{0:?} is not a size: write a number and a unit, for example 4MiB or 512KiB")]
    Size(String),
    #[error("{0:?} is not a duration: write a number and a unit, for example 750ms, 30s, 1h30m or 2d")]
    Duration(String),
}

/// Bytes. `k`, `M`, `G` with or without `iB`/`B` are powers of 1024. A bare number would be bytes, and nobody means
/// eight of them.
pub fn parse_size(text: &str) -> Result<u64, UnitError> {
    let error = || UnitError::Size(text.to_owned());
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().map_err(|_| error())?;
    let unit = text[digits..].trim().to_ascii_lowercase();
    let shift = match unit.as_str() {
        "" if number == 0 => return Err(UnitError::Nothing),
        "" => return Err(UnitError::Bare(text[..digits].to_owned())),
        "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        _ => return Err(error()),
    };
    number.checked_mul(1 << shift).ok_or_else(error)
}

/// Milliseconds.
pub fn parse_duration(text: &str) -> Result<u64, UnitError> {
    let error = || UnitError::Duration(text.to_owned());
    // A day is 24 hours here; jiff asks which, because in some places some are not.
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let days = ["days", "day", "d"].iter().find_map(|unit| text[digits..].trim_start().strip_prefix(unit));
    let (days, rest) = match days {
        Some(rest) if digits > 0 => (text[..digits].parse::<u64>().map_err(|_| error())?, rest.trim_start()),
        _ => (0, text),
    };
    let rest = match (days, rest) {
        (1.., "") => 0,
        (_, rest) => {
            let duration: SignedDuration = rest.parse().map_err(|_| error())?;
            u64::try_from(duration.as_millis()).map_err(|_| error())?
        }
    };
    days.checked_mul(24 * 3_600_000).and_then(|days| days.checked_add(rest)).ok_or_else(error)
}

/// The same of a value that has a name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{name}: {why}")]
pub struct AmountError {
    pub name: &'static str,
    pub why: UnitError,
}

/// As scripts write it: with its unit, or bare in bytes or milliseconds.
#[derive(Debug, PartialEq, Eq)]
pub enum Amount {
    Bare(u64),
    Words(String),
}

impl Amount {
    pub fn read(
        name: &'static str,
        this: Option<&Self>,
        parse: fn(&str) -> Result<u64, UnitError>,
    ) -> Result<Option<u64>, AmountError> {
        match this {
            None => Ok(None),
            Some(Self::Bare(number)) => Ok(Some(*number)),
            Some(Self::Words(text)) => parse(text).map(Some).map_err(|why| AmountError { name, why }),
        }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = Amount;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a number with its unit, as text, or a whole number from 0")
            }

            fn visit_u64<E>(self, number: u64) -> Result<Amount, E> {
                Ok(Amount::Bare(number))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Amount, E> {
                // Scripts know one kind of number only.
                if number.fract() == 0.0 && (0.0..EXACT).contains(&number) {
                    #[allow(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "it is whole and fits"
                    )]
                    return Ok(Amount::Bare(number as u64));
                }
                Err(E::invalid_value(Unexpected::Float(number), &self))
            }

            fn visit_str<E>(self, text: &str) -> Result<Amount, E> {
                Ok(Amount::Words(text.to_owned()))
            }
        }

        input.deserialize_any(Either)
    }
}

/// A size for people: `612 KiB`.
#[must_use]
pub fn show_size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut whole = bytes;
    while whole >= 10 * 1024 && unit + 1 < UNITS.len() {
        whole /= 1024;
        unit += 1;
    }
    if unit == 0 && bytes >= 1024 {
        return format!("{:.1} KiB", bytes as f64 / 1024.0);
    }
    format!("{whole} {}", UNITS[unit])
}

/// A span for people: `0.71 ms`, `8.1 s`, `2 m`, `3 h`.
#[must_use]
pub fn show_micros(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{:.2} ms", micros as f64 / 1e3),
        1_000..1_000_000 => format!("{:.1} ms", micros as f64 / 1e3),
        1_000_000..120_000_000 => format!("{:.1} s", micros as f64 / 1e6),
        120_000_000..7_200_000_000 => format!("{} m", micros / 60_000_000),
        7_200_000_000..172_800_000_000 => format!("{} h", micros / 3_600_000_000),
        _ => format!("{} d", micros / 86_400_000_000),
    }
}

#[must_use]
pub fn show_millis(millis: u64) -> String {
    show_micros(millis.saturating_mul(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("4MiB", Some(4 << 20)),
            ("512k", Some(512 << 10)),
            ("7B", Some(7)),
            ("7", None),
            ("1 GiB", Some(1 << 30)),
            ("", None),
            ("MiB", None),
            ("-1", None),
            ("1.5M", None),
            ("99999999999G", None),
        ] {
            assert_eq!(parse_size(text).ok(), bytes, "{text}");
        }
    }

    #[test]
    fn durations() {
        for (text, ms) in [
            ("750ms", Some(750)),
            ("30s", Some(30_000)),
            ("1h30m", Some(5_400_000)),
            ("2d", Some(172_800_000)),
            ("1d12h", Some(129_600_000)),
            ("3 days", Some(259_200_000)),
            ("99999999999999999999d", None),
            ("213503982335d", None),
            ("d", None),
            ("1dx", None),
            ("30", None),
            ("", None),
            ("-3s", None),
            ("soon", None),
        ] {
            assert_eq!(parse_duration(text).ok(), ms, "{text}");
        }
    }

    #[test]
    fn spans_read_well() {
        for (micros, text) in
            [(60, "0.06 ms"), (2_600, "2.6 ms"), (8_100_000, "8.1 s"), (2 * 60_000_000, "2 m")]
        {
            assert_eq!(show_micros(micros), text);
        }
        assert_eq!((show_size(612 * 1024), show_size(40 << 20)), ("612 KiB".into(), "40 MiB".into()));
    }
}
