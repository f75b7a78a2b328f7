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

#[derive(Default)]
pub(super) struct Redaction {
    secrets: Vec<RedactedSecret>,
}

struct RedactedSecret {
    /// Names of headers lose their capitals.
    small: Finder<'static>,
    placeholder: String,
    /// Longest first, so that what is left is not a rest of a longer one.
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
                let forms = forms(secret.value.reveal().as_bytes());
                let forms = forms.into_iter().map(|form| Finder::new(&form).into_owned()).collect();
                let small = Finder::new(&secret.value.reveal().to_ascii_lowercase()).into_owned();
                known.push(RedactedSecret { small, placeholder, forms });
            }
        }
        Self { secrets: known }
    }

    /// Whether a value is there, in any form.
    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        matches!(self.cleaned(text), Cow::Owned(_))
    }

    /// Whether the name of a header is one of those that nobody is told.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.secrets.iter().any(|secret| secret.small.find(name.as_bytes()).is_some())
    }

    /// The text with a placeholder for each value.
    pub(super) fn cleaned<'a>(&self, text: &'a [u8]) -> Cow<'a, [u8]> {
        let mut text = Cow::Borrowed(text);
        for secret in &self.secrets {
            let placeholder = secret.placeholder.as_bytes();
            for form in &secret.forms {
                replace(&mut text, form, placeholder, None);
            }
            for reading in READINGS {
                let Some(letters) = letters(&text, reading) else { continue };
                let found = secret.forms.iter().filter(|form| form.find(&letters).is_some());
                found.for_each(|form| replace(&mut text, form, placeholder, Some(reading)));
            }
        }
        text
    }
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

/// All of them, if they are not just what stands there.
fn letters(text: &[u8], reading: LetterReader) -> Option<Vec<u8>> {
    let is_worth = text.iter().any(|byte| matches!(byte, b'%' | b'+' | b'\\' | b'&'));
    let letters: Vec<u8> = is_worth.then(|| read(text, reading).map(|(letter, _)| letter).collect())?;
    (letters != text).then_some(letters)
}

fn replace(text: &mut Cow<'_, [u8]>, form: &Finder<'_>, placeholder: &[u8], reading: Option<LetterReader>) {
    let read = reading.map(|reading| read(text, reading).unzip::<u8, usize, Vec<u8>, Vec<usize>>());
    let letters = read.as_ref().map_or(&**text, |(letters, _)| letters);
    let place = |at: usize| match &read {
        Some((_, places)) => places.get(at).copied().unwrap_or(text.len()),
        None => at,
    };
    let length = form.needle().len();
    let (mut cleaned, mut done, mut from) = (Vec::new(), 0, 0);
    while let Some(found) = form.find(&letters[from..]) {
        let begin = from + found;
        cleaned.extend_from_slice(&text[done..place(begin)]);
        cleaned.extend_from_slice(placeholder);
        from = begin + length;
        done = place(from);
    }
    if from > 0 {
        cleaned.extend_from_slice(&text[done..]);
        *text = Cow::Owned(cleaned);
    }
}

/// What is looked for, longest first.
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
mod tests {
    use hauki_contract::model::secret::Secret;

    use super::*;

    fn of(value: &str) -> Redaction {
        let name = "openai".parse().expect("is a name");
        Redaction::of([GrantedSecret { name, value: Secret::new(value.to_owned()) }].iter())
    }

    fn cleaned_text(redaction: &Redaction, text: &str) -> String {
        String::from_utf8(redaction.cleaned(text.as_bytes()).into_owned()).expect("is text")
    }

    #[test]
    fn a_value_is_found_in_every_form_and_only_the_value_goes() {
        let value = "p@ss/w+rd&\"<q>\\'1 2";
        let redaction = of(value);
        let json = serde_json::to_string(value).expect("is text");
        let all = |each: fn(u8) -> String| value.bytes().map(each).collect::<String>();
        let mut written = vec![
            value.to_owned(),
            json[1..json.len() - 1].to_owned(),
            json[1..json.len() - 1].replace('/', "\\/").replace('<', "\\u003c").replace('>', "\\u003E"),
            all(|byte| format!("\\u00{byte:02x}")),
            all(|byte| format!("\\x{byte:02X}")),
            all(|byte| format!("%{byte:02x}")),
            all(|byte| format!("%{byte:02X}")),
            all(|byte| format!("%25{byte:02X}")),
            all(|byte| format!("&#{byte};")),
            all(|byte| format!("&#x{byte:x};")),
            all(|byte| format!("{byte:02x}")),
            all(|byte| format!("{byte:02X}")),
            value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"),
            value.replace('&', "%26").replace('"', "%22").replace(' ', "%20"),
            "p%40ss%2Fw%2Brd%26%22%3Cq%3E%5C%271+2".to_owned(),
        ];
        for before in ["", "u", "us", "use", "user:"] {
            let text = format!("{before}{value}{before}");
            written.push(STANDARD_NO_PAD.encode(&text));
            written.push(URL_SAFE_NO_PAD.encode(&text));
        }
        for echoed in written {
            assert!(redaction.is_in(echoed.as_bytes()), "{echoed}");
            let text = format!("{{\"before\": \"{echoed}\", \"after\": 1, \"again\": \"{echoed}\"}}");
            let cleaned = cleaned_text(&redaction, &text);
            assert!(!cleaned.contains(&echoed) && !redaction.is_in(cleaned.as_bytes()), "{cleaned}");
            assert_eq!(cleaned.matches("[secret openai]").count(), 2, "{cleaned}");
            assert!(
                cleaned.starts_with("{\"before\": \"") && cleaned.contains("\", \"after\": 1, "),
                "{cleaned}"
            );
        }
        let wide: Vec<u8> = value.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(redaction.is_in(&wide));
        let wide: Vec<u8> = value.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert!(redaction.is_in(&wide));
    }

    #[test]
    fn what_is_not_the_value_stays_as_it_is() {
        let redaction = of("sk-proj-0123456789");
        for text in [
            "",
            "%",
            "%2",
            "\\",
            "\\u00",
            "&#",
            "&#300;",
            "%73k-proj",
            "sk-proj-012345678",
            "100% & more; \\u0041",
        ] {
            assert!(
                matches!(redaction.cleaned(text.as_bytes()), Cow::Borrowed(same) if same == text.as_bytes()),
                "{text}"
            );
        }
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(&*redaction.cleaned(&bytes), &bytes[..]);
        let text = "caf%C3%A9 sk%2Dproj-0123456789 %7B";
        assert_eq!(cleaned_text(&redaction, text), "caf%C3%A9 [secret openai] %7B");
        assert_eq!(cleaned_text(&Redaction::default(), text), text);
    }

    #[test]
    fn of_two_secrets_each_has_its_own_word() {
        let secret = |name: &str, value: &str| GrantedSecret {
            name: name.parse().expect(name),
            value: Secret::new(value.to_owned()),
        };
        let both = Redaction::of(
            [secret("a", "0123456789"), secret("b", "01234567"), secret("a", "0123456789")].iter(),
        );
        assert_eq!(cleaned_text(&both, "0123456789 01234567"), "[secret a] [secret b]");
    }

    #[test]
    fn a_text_that_means_ill_costs_no_more_than_its_length() {
        let redaction = of(&format!("{}b", "a".repeat(4000)));
        let text = "a".repeat(1 << 20) + "%61";
        assert!(!redaction.is_in(text.as_bytes()));
    }
}
