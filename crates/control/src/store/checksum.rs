//! Checksum of a document: FNV-1a over its key, its revision and its value.
//!
//! It is against rot and not against people: who can write the file can seal it as well. A changed byte always
//! gives another sum, for each step of the sum can be undone.

use super::Revision;

const START: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// Signed, as SQLite's integers are.
#[must_use]
pub(super) fn seal(key: &str, revision: Revision, value: &[u8]) -> i64 {
    let length = key.len() as u64;
    let parts: [&[u8]; 4] = [&length.to_le_bytes(), key.as_bytes(), &revision.to_le_bytes(), value];
    let step = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(PRIME);
    let sum = parts.into_iter().flatten().fold(START, step);
    i64::from_le_bytes(sum.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_is_another_sum() {
        let value = b"{\"vault\":1}".to_vec();
        let sum = seal("vault/a", 7, &value);
        for bit in 0..value.len() * 8 {
            let mut other = value.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(seal("vault/a", 7, &other), sum, "bit {bit}");
        }
        for bit in 0..64 {
            assert_ne!(seal("vault/a", 7 ^ (1 << bit), &value), sum);
        }
        assert_ne!(seal("vault/b", 7, &value), sum);
        assert_ne!(seal("vault/a{", 7, &value[1..]), sum, "the key ends where it ends");
    }
}
