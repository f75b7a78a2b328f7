//! The text of a JSON value while it is written: bounded, and one line of strict JSON.

use super::json::Refusal;

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

fn hex(digit: u8) -> u8 {
    b"0123456789abcdef"[usize::from(digit)]
}

/// Most arguments and results are not longer, and need not move while they grow.
const ROOM: usize = 256;

/// Grows up to its limit and no further.
pub struct Text {
    bytes: Vec<u8>,
    limit: usize,
}

impl Text {
    pub fn new(limit: usize) -> Self {
        Self { bytes: Vec::with_capacity(ROOM.min(limit)), limit }
    }

    pub fn put(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        if bytes.len() > self.limit - self.bytes.len() {
            return Err(Refusal::TooLong(self.limit));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Appends a string of the engine, which is WTF-8. Three things beyond the rules of JSON: lone
    /// surrogates become the replacement character, since strict parsers refuse them together with the
    /// whole reply, and U+2028 and U+2029, which some readers take for line ends, are escaped.
    pub fn quote(&mut self, text: &[u8]) -> Result<(), Refusal> {
        self.put(b"\"")?;
        let (mut start, mut at) = (0, 0);
        while let Some(byte) = text.get(at) {
            if PLAIN[usize::from(*byte)] {
                at += 1;
                continue;
            }
            let control;
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
                0xed if text.get(at + 1).is_some_and(|next| *next >= 0xa0) => (b"\\ufffd", 3),
                0xe2 | 0xed => {
                    at += 1;
                    continue;
                }
                byte => {
                    control = [b'\\', b'u', b'0', b'0', hex(byte >> 4), hex(byte & 15)];
                    (&control, 1)
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

    pub fn take(&mut self) -> String {
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
        let table: [(&[u8], &str); 10] = [
            (b"", r#""""#),
            (b"plain", r#""plain""#),
            (b"a\"b\\c/", r#""a\"b\\c/""#),
            (b"\x00\x07\x08\x0c\n\r\t\x1f\x7f", "\"\\u0000\\u0007\\b\\f\\n\\r\\t\\u001f\x7f\""),
            (b"a\xed\xa0\x80b", r#""a\ufffdb""#),
            (b"\xed\xbf\xbf", r#""\ufffd""#),
            ("\u{d7ff}\u{e000}".as_bytes(), "\"\u{d7ff}\u{e000}\""),
            ("\u{2027}\u{2028}\u{2029}\u{202a}".as_bytes(), "\"\u{2027}\\u2028\\u2029\u{202a}\""),
            ("äöü😀".as_bytes(), "\"äöü😀\""),
            (b"cut \xed\xa0", "\"cut \\ufffd\""),
        ];
        for (text, wanted) in table {
            let mut line = Text::new(1000);
            line.quote(text).expect("fits");
            let line = line.take();
            assert_eq!(line, wanted);
            serde_json::from_str::<String>(&line).expect("is strict JSON");
        }
    }

    #[test]
    fn the_limit_is_kept_to_the_byte() {
        assert_eq!(Text::new(6).quote(b"abcd"), Ok(()));
        assert_eq!(Text::new(5).quote(b"abcd"), Err(Refusal::TooLong(5)));
        assert_eq!(Text::new(3).quote(b"\n"), Err(Refusal::TooLong(3)));
    }
}
