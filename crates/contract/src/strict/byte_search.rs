//! Byte search: where one of two or three bytes stands next, found with what every processor of its kind has.
//!
//! `memchr`'s own functions ask the processor at their first use whether it has wider registers. In a virtual machine
//! the host answers each such question, and there are some ten of them: 40 us. A daemon pays that once, an init for each
//! vault, and the wider registers gain nothing where the next quote is some bytes away. Elsewhere than on x86-64 nobody
//! asks.

#[cfg(target_arch = "x86_64")]
use memchr::arch::x86_64::sse2::memchr::{Three, Two};

/// Where one of two bytes stands first.
#[inline]
#[must_use]
#[allow(clippy::disallowed_methods, reason = "where there is no SSE2, which x86-64 has, nobody is asked")]
pub fn find_either(bytes: [u8; 2], text: &[u8]) -> Option<usize> {
    let [first, second] = bytes;
    #[cfg(target_arch = "x86_64")]
    if let Some(search) = Two::new(first, second) {
        return search.find(text);
    }
    memchr::memchr2(first, second, text)
}

/// Where one of three bytes stands first.
#[inline]
#[must_use]
#[allow(clippy::disallowed_methods, reason = "as above")]
pub fn find_any(bytes: [u8; 3], text: &[u8]) -> Option<usize> {
    let [first, second, third] = bytes;
    #[cfg(target_arch = "x86_64")]
    if let Some(search) = Three::new(first, second, third) {
        return search.find(text);
    }
    memchr::memchr3(first, second, third, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_them_is_found_wherever_it_stands() {
        for length in 0..200 {
            let plain = vec![b'x'; length];
            assert_eq!((find_either(*b"\"\\", &plain), find_any(*b"\r\n\xe2", &plain)), (None, None));
            for at in 0..length {
                for (byte, other) in [(b'"', b'\\'), (b'\\', b'"')] {
                    let mut text = plain.clone();
                    text[at] = byte;
                    text[length - 1] = if at + 1 == length { byte } else { other };
                    assert_eq!(find_either(*b"\"\\", &text), Some(at), "{length}");
                }
                for byte in *b"\r\n\xe2" {
                    let mut text = plain.clone();
                    text[at..].fill(b'\n');
                    text[at] = byte;
                    assert_eq!(find_any(*b"\r\n\xe2", &text), Some(at), "{length}");
                }
            }
        }
    }
}
