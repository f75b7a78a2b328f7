//! JSON writer: the text of a JSON value while it is written, bounded, and one line of strict JSON.

use super::json::JsonRefusal;

/// The bytes that stand in a JSON string as they are; the two that begin special characters do not count.
static PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut byte = 0;
    while byte < 0x20 {
        plain[byte] = false;
        byte += 1;
    }
    plain[b'"' as usize] = false;
    plain[b'\\' as usize] = false;
    plain[0xe2] = false;
    plain[0xed] = false;
    plain
};

fn escape(unit: u16) -> [u8; 6] {
    let hex = |shift: u16| b"0123456789abcdef"[usize::from((unit >> shift) & 15)];
    [b'\\', b'u', hex(12), hex(8), hex(4), hex(0)]
}

/// The half of a surrogate pair that WTF-8 begins with here.
fn surrogate(text: &[u8]) -> Option<u16> {
    match text {
        [0xed, high @ 0xa0..=0xbf, low @ 0x80..=0xbf, ..] => {
            Some(0xd000 | u16::from(high & 0x3f) << 6 | u16::from(low & 0x3f))
        }
        _ => None,
    }
}

/// Text for people: half of a surrogate pair is spelled out, as JSON would have it.
pub(super) fn well_formed(text: Vec<u8>) -> String {
    String::from_utf8(text).unwrap_or_else(|error| {
        let (mut rest, mut out) = (error.as_bytes(), String::new());
        while let Some(chunk) = rest.utf8_chunks().next() {
            out.push_str(chunk.valid());
            rest = &rest[chunk.valid().len()..];
            let length = match surrogate(rest) {
                Some(unit) => {
                    out.push_str(&format!("\\u{unit:04x}"));
                    3
                }
                None if rest.is_empty() => 0,
                None => {
                    out.push('\u{fffd}');
                    chunk.invalid().len()
                }
            };
            rest = &rest[length..];
        }
        out
    })
}

/// Most arguments and results are not longer, and need not move while they grow.
const ROOM: usize = 256;

/// Grows up to its limit and no further.
pub(super) struct JsonText {
    bytes: Vec<u8>,
    limit: usize,
}

impl JsonText {
    pub(super) fn new(limit: usize) -> Self {
        Self { bytes: Vec::with_capacity(ROOM.min(limit)), limit }
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), JsonRefusal> {
        if bytes.len() > self.limit - self.bytes.len() {
            return Err(JsonRefusal::TooLong(self.limit));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Appends a string of the engine, which is WTF-8. What JSON cannot hold as
    /// it is keeps its value as an escape: half of a surrogate pair, which would be another text as U+FFFD,
    /// and two names would be one. U+2028 and U+2029, which some readers take for line ends, are escaped too.
    pub(super) fn quote(&mut self, text: &[u8]) -> Result<(), JsonRefusal> {
        self.put(b"\"")?;
        let (mut start, mut at) = (0, 0);
        while let Some(byte) = text.get(at) {
            if PLAIN[usize::from(*byte)] {
                at += 1;
                continue;
            }
            let spelled;
            let (escape, length): (&[u8], usize) = match byte {
                b'"' => (b"\\\"", 1),
                b'\\' => (b"\\\\", 1),
                b'\n' => (b"\\n", 1),
                b'\r' => (b"\\r", 1),
                b'\t' => (b"\\t", 1),
                0x08 => (b"\\b", 1),
                0x0c => (b"\\f", 1),
                0xe2 if text[at..].starts_with("\u{2028}".as_bytes()) => (b"\\u2028", 3),
                0xe2 if text[at..].starts_with("\u{2029}".as_bytes()) => (b"\\u2029", 3),
                0xed if text.get(at + 1).is_some_and(|next| *next >= 0xa0) => match surrogate(&text[at..]) {
                    Some(unit) => {
                        spelled = escape(unit);
                        (&spelled, 3)
                    }
                    None => (b"\\ufffd", 3),
                },
                0xe2 | 0xed => {
                    at += 1;
                    continue;
                }
                byte => {
                    spelled = escape(u16::from(*byte));
                    (&spelled, 1)
                }
            };
            self.put(&text[start..at])?;
            self.put(escape)?;
            at = (at + length).min(text.len());
            start = at;
        }
        self.put(&text[start..])?;
        self.put(b"\"")
    }

    pub(super) fn take(&mut self) -> String {
        let bytes = std::mem::take(&mut self.bytes);
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_one_line_of_strict_json() {
        let table: [(&[u8], &str); 11] = [
            (b"", r#""""#),
            (b"plain", r#""plain""#),
            (b"a\"b\\c/", r#""a\"b\\c/""#),
            (b"\x00\x07\x08\x0c\n\r\t\x1f\x7f", "\"\\u0000\\u0007\\b\\f\\n\\r\\t\\u001f\x7f\""),
            (b"a\xed\xa0\x80b", r#""a\ud800b""#),
            (b"\xed\xbf\xbf", r#""\udfff""#),
            (b"\xed\xa0\x81\xed\xa0\x80", r#""\ud801\ud800""#),
            ("\u{d7ff}\u{e000}".as_bytes(), "\"\u{d7ff}\u{e000}\""),
            ("\u{2027}\u{2028}\u{2029}\u{202a}".as_bytes(), "\"\u{2027}\\u2028\\u2029\u{202a}\""),
            ("äöü😀".as_bytes(), "\"äöü😀\""),
            (b"cut \xed\xa0", "\"cut \\ufffd\""),
        ];
        for (text, wanted) in table {
            let mut line = JsonText::new(1000);
            line.quote(text).expect("fits");
            let line = line.take();
            assert_eq!(line, wanted);
            serde_json::from_str::<&serde_json::value::RawValue>(&line).expect("is JSON");
        }
    }

    #[test]
    fn text_for_people_spells_halves_of_pairs() {
        for (text, wanted) in [
            (&b"a\xed\xa0\x80b"[..], "a\\ud800b"),
            (b"\xed\xb0\x80", "\\udc00"),
            (b"\xed\xa0", "\u{fffd}\u{fffd}"),
            (b"\xffx\xff", "\u{fffd}x\u{fffd}"),
            ("\u{d7ff}ä😀".as_bytes(), "\u{d7ff}ä😀"),
        ] {
            assert_eq!(well_formed(text.to_vec()), wanted);
        }
    }

    #[test]
    fn the_limit_is_kept_to_the_byte() {
        assert_eq!(JsonText::new(6).quote(b"abcd"), Ok(()));
        assert_eq!(JsonText::new(5).quote(b"abcd"), Err(JsonRefusal::TooLong(5)));
        assert_eq!(JsonText::new(3).quote(b"\n"), Err(JsonRefusal::TooLong(3)));
    }
}
