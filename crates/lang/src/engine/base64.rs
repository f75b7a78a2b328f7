//! Base64: bytes as text, for workers that take and return files.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Writes padding, and reads with it or without.
const CODE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(super) fn encode(bytes: &[u8]) -> String {
    CODE.encode(bytes)
}

/// Both alphabets are read, and white space is left out: files and mails break their lines.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, String> {
    let letters: Vec<u8> = text
        .bytes()
        .filter(|letter| !letter.is_ascii_whitespace())
        .map(|letter| match letter {
            b'-' => b'+',
            b'_' => b'/',
            letter => letter,
        })
        .collect();
    CODE.decode(letters).map_err(|error| format!("base64_decode: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_and_byte_comes_back() {
        let bytes: Vec<u8> = (0..=255).cycle().take(600).collect();
        for length in 0..bytes.len() {
            let text = encode(&bytes[..length]);
            assert_eq!(decode(&text).expect("decodes"), &bytes[..length]);
            assert_eq!(decode(text.trim_end_matches('=')).expect("decodes"), &bytes[..length]);
        }
        assert_eq!(decode("-_-_\r\n +/+/").expect("decodes"), decode("+/+/+/+/").expect("decodes"));
        assert_eq!(encode(b"hello"), "aGVsbG8=");
        for wrong in ["a", "a===", "ab!d", "ab=c", "abcd=", "ä"] {
            assert!(decode(wrong).is_err(), "{wrong}");
        }
    }
}
