//! Redaction: the values of a vault's secrets are taken out of whatever comes back to it, in the forms in which programs
//! echo what they were sent.
//!
//! It is looked for as it is, in base64 (both alphabets, at each of the three places in which it can begin), in hexadecimal
//! and in UTF-16; behind percent signs, also twice; behind the escapes of JSON and of HTML, letter by letter and mixed. It is
//! a guard against servers that say too much. A server that wants to give a value away already has it, and can write it
//! in a way that nobody looks for.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use hauki_contract::model::secret_use::GrantedSecret;
use memchr::memmem::Finder;

/// Shorter pieces stand in texts by chance.
const LEAST: usize = 6;

/// As long as a value must be.
const LEAST_PART: usize = 8;

/// So many are told by their names in one text, the others by a word that is no longer than most values.
const NAMED: usize = 64;
const UNNAMED: &[u8] = b"[secret]";

#[derive(Default)]
pub(super) struct Redaction {
    secrets: Vec<RedactedSecret>,
}

struct RedactedSecret {
    /// Names of headers lose their capitals.
    small: Finder<'static>,
    placeholder: String,
    /// Of the value, and of its longer parts: a server that takes a user and a password apart tells them apart.
    forms: Vec<Finder<'static>>,
}

/// One way to read a text: at each place what stands there, and how long that is.
type LetterReader = fn(&[u8]) -> Option<(u8, usize)>;

/// How a server may have written a letter.
const READINGS: [LetterReader; 5] = [percent, percent_and_plus, percent_twice, json, html];

impl Redaction {
    pub(super) fn of<'a>(secrets: impl Iterator<Item = &'a GrantedSecret>) -> Self {
        let mut known: Vec<RedactedSecret> = Vec::new();
        for secret in secrets {
            let placeholder = format!("[secret {}]", secret.name);
            if known.iter().all(|known| known.placeholder != placeholder) {
                let value = secret.value.reveal();
                let parts = value
                    .split([':', '=', ';', ' '])
                    .filter(|part| part.len() >= LEAST_PART && *part != value);
                let mut all = forms(value.as_bytes());
                all.extend(parts.flat_map(|part| forms(part.as_bytes())));
                let forms = all.into_iter().map(|form| Finder::new(&form).into_owned()).collect();
                let small = Finder::new(&secret.value.reveal().to_ascii_lowercase()).into_owned();
                known.push(RedactedSecret { small, placeholder, forms });
            }
        }
        Self { secrets: known }
    }

    /// Whether a value is there, in any form.
    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        !self.found(text).is_empty()
    }

    /// Whether the name of a header is one of those that nobody is told.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.secrets.iter().any(|secret| secret.small.find(name.as_bytes()).is_some())
    }

    /// The text with a placeholder for each value. It is looked for in what has come, never in what stands there instead.
    pub(super) fn cleaned<'a>(&self, text: &'a [u8]) -> Cow<'a, [u8]> {
        let found = self.found(text);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        let (mut cleaned, mut done) = (Vec::with_capacity(text.len()), 0);
        for (number, FoundSecret { begin, end, secret }) in found.into_iter().enumerate() {
            cleaned.extend_from_slice(&text[done..begin]);
            // However often one repeats it, the text does not grow by much.
            let placeholder =
                if number < NAMED { self.secrets[secret].placeholder.as_bytes() } else { UNNAMED };
            cleaned.extend_from_slice(placeholder);
            done = end;
        }
        cleaned.extend_from_slice(&text[done..]);
        Cow::Owned(cleaned)
    }

    /// Where values stand.
    fn found(&self, text: &[u8]) -> Vec<FoundSecret> {
        let mut found = Vec::new();
        self.find(text, &mut found);
        let is_worth = text.iter().any(|byte| matches!(byte, b'%' | b'+' | b'\\' | b'&'));
        for reading in READINGS.into_iter().filter(|_| is_worth && !self.secrets.is_empty()) {
            let letters: Vec<u8> = read(text, reading).map(|(letter, _)| letter).collect();
            if letters == text {
                continue;
            }
            let mut read_so = Vec::new();
            self.find(&letters, &mut read_so);
            drop(letters);
            found.extend(placed(text, reading, read_so));
        }
        merge(&mut found);
        found
    }

    /// Where values stand in these letters.
    fn find(&self, letters: &[u8], found: &mut Vec<FoundSecret>) {
        let mut merged = found.len();
        for (secret, known) in self.secrets.iter().enumerate() {
            for form in &known.forms {
                let length = form.needle().len();
                found.extend(form.find_iter(letters).map(|begin| FoundSecret {
                    begin,
                    end: begin + length,
                    secret,
                }));
                // Many secrets may stand in one place.
                if found.len() > 2 * merged + 4096 {
                    merge(found);
                    merged = found.len();
                }
            }
        }
    }
}

/// In their order. Those that lie in each other or overlap are one, of the secret that begins it, the longer one first.
fn merge(found: &mut Vec<FoundSecret>) {
    found.sort_unstable_by_key(|found| (found.begin, std::cmp::Reverse(found.end), found.secret));
    found.dedup_by(|next, before| {
        let overlaps = next.begin < before.end;
        if overlaps {
            before.end = before.end.max(next.end);
        }
        overlaps
    });
}

/// A value in a text, from its first byte to behind its last.
#[derive(Debug, Clone, Copy)]
struct FoundSecret {
    begin: usize,
    end: usize,
    secret: usize,
}

/// The same places in the text as in the letters that were read of it.
fn placed(text: &[u8], reading: LetterReader, mut found: Vec<FoundSecret>) -> Vec<FoundSecret> {
    let mut ends: Vec<(usize, usize)> = Vec::new();
    ends.extend(found.iter().flat_map(|found| [(found.begin, 0), (found.end, 0)]));
    ends.sort_unstable();
    ends.dedup();
    let mut places = read(text, reading).map(|(_, place)| place).enumerate();
    for (letter, place) in &mut ends {
        *place = places.by_ref().find(|(index, _)| index == letter).map_or(text.len(), |(_, place)| place);
    }
    let place = |letter: usize| {
        let known = ends.binary_search_by_key(&letter, |(letter, _)| *letter);
        known.map_or(text.len(), |index| ends[index].1)
    };
    for found in &mut found {
        (found.begin, found.end) = (place(found.begin), place(found.end));
    }
    found
}

/// The letters that stand in a text, each with its place.
fn read(text: &[u8], reading: LetterReader) -> impl Iterator<Item = (u8, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let (letter, length) = reading(rest).unwrap_or((rest[0], 1));
        at += length;
        Some((letter, at - length))
    })
}

/// What is looked for.
fn forms(value: &[u8]) -> Vec<Vec<u8>> {
    let hex = |digits: &[u8; 16]| -> Vec<u8> {
        value
            .iter()
            .flat_map(|byte| [digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]])
            .collect()
    };
    let mut forms = vec![
        hex(b"0123456789abcdef"),
        hex(b"0123456789ABCDEF"),
        value.iter().flat_map(|byte| [*byte, 0]).collect(),
        value.iter().flat_map(|byte| [0, *byte]).collect(),
        value.to_vec(),
    ];
    for before in 0..3 {
        let padded = [&[0; 2][..before], value].concat();
        for text in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            // Letters at both ends are of its neighbours, too.
            let first = [0, 2, 3][before];
            let last = text.len() - usize::from(padded.len() % 3 != 0);
            forms.push(text.as_bytes()[first..last].to_vec());
        }
    }
    forms.retain(|form| form.len() >= LEAST);
    forms.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
    forms.dedup();
    forms
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn percent(text: &[u8]) -> Option<(u8, usize)> {
    match text {
        [b'%', high, low, ..] => Some((digit(*high)? << 4 | digit(*low)?, 3)),
        _ => None,
    }
}

/// As forms are sent.
fn percent_and_plus(text: &[u8]) -> Option<(u8, usize)> {
    if text.first() == Some(&b'+') { Some((b' ', 1)) } else { percent(text) }
}

/// As an address in a query of another is.
fn percent_twice(text: &[u8]) -> Option<(u8, usize)> {
    match text {
        [b'%', b'2', b'5', high, low, ..] => Some((digit(*high)? << 4 | digit(*low)?, 5)),
        [b'%', b'2', b'B' | b'b', ..] => Some((b' ', 3)),
        _ => None,
    }
}

fn json(text: &[u8]) -> Option<(u8, usize)> {
    match text {
        [b'\\', b'u', b'0', b'0', high, low, ..] => Some((digit(*high)? << 4 | digit(*low)?, 6)),
        [b'\\', b'x', high, low, ..] => Some((digit(*high)? << 4 | digit(*low)?, 4)),
        [b'\\', letter @ (b'"' | b'\'' | b'/' | b'\\'), ..] => Some((*letter, 2)),
        _ => None,
    }
}

fn html(text: &[u8]) -> Option<(u8, usize)> {
    let end = text.iter().take(10).position(|byte| *byte == b';').filter(|_| text.first() == Some(&b'&'))?;
    let name = std::str::from_utf8(&text[1..end]).ok()?;
    let letter = match name {
        "amp" => b'&',
        "lt" => b'<',
        "gt" => b'>',
        "quot" => b'"',
        "apos" => b'\'',
        _ => match name.strip_prefix('#')? {
            hex if hex.starts_with(['x', 'X']) => u8::from_str_radix(&hex[1..], 16).ok()?,
            number => number.parse().ok()?,
        },
    };
    Some((letter, end + 1))
}

#[cfg(test)]
#[path = "redaction_tests.rs"]
mod tests;
