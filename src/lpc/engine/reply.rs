//! From what `JSON.stringify` wrote to one line that every client can read.

/// The engine escapes control characters and writes valid JSON. Three things are left to do: make the
/// bytes UTF-8 (its strings are WTF-8); replace escaped lone surrogates, which strict parsers refuse
/// together with the whole reply; and escape U+2028 and U+2029, which some readers take for line ends.
pub(super) fn one_line(bytes: Vec<u8>) -> String {
    let text = String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    let text = if text.contains("\\ud") { without_lone_surrogates(text) } else { text };
    if text.contains(['\u{2028}', '\u{2029}']) {
        return text.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
    }
    text
}

/// The engine writes pairs as the character itself, so every surrogate that is escaped is alone.
fn without_lone_surrogates(text: String) -> String {
    let mut bytes = text.into_bytes();
    let mut at = 0;
    while at + 1 < bytes.len() {
        if bytes[at] != b'\\' {
            at += 1;
            continue;
        }
        let escape = bytes.get(at..at + 4);
        if escape
            .is_some_and(|escape| &escape[..3] == b"\\ud" && matches!(escape[3], b'8'..=b'9' | b'a'..=b'f'))
            && bytes.len() >= at + 6
        {
            bytes[at..at + 6].copy_from_slice(b"\\ufffd");
        }
        // An escaped backslash must not be taken for the start of an escape.
        at += 2;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_one_line_of_strict_json() {
        let table = [
            (r#""plain""#, r#""plain""#),
            (r#""a\ud800b""#, r#""a\ufffdb""#),
            (r#""\\ud800""#, r#""\\ud800""#),
            (r#""\\\udfff""#, r#""\\\ufffd""#),
            (r#""\ud7ff""#, r#""\ud7ff""#),
            ("\"a\u{2028}b\u{2029}\"", r#""a\u2028b\u2029""#),
        ];
        for (written, wanted) in table {
            let line = one_line(written.as_bytes().to_vec());
            assert_eq!(line, wanted);
            serde_json::from_str::<serde_json::Value>(&line).expect("is strict JSON");
        }
    }
}
