//! Frames between `hauki` and the runner of its scripts: whatever either end writes, the other decodes it or
//! refuses it, keeps to its limit, and what it decodes is what it would write itself.

#![no_main]

use hauki_contract::rpc::script::{FromRunner, ToRunner};
use libfuzzer_sys::fuzz_target;

const LIMIT: usize = 4096;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(Some((number, message, used))) = FromRunner::decode(bytes, LIMIT) {
        assert!(used <= bytes.len() && used <= LIMIT + 4);
        let mut again = Vec::new();
        message.encode(&mut again, number);
        let same = FromRunner::decode(&again, usize::MAX).expect("is a frame").expect("is whole");
        assert_eq!((same.0, &same.1), (number, &message));
    }
    if let Ok(Some((number, message, used))) = ToRunner::decode(bytes, LIMIT) {
        assert!(used <= bytes.len() && used <= LIMIT + 4);
        let mut again = Vec::new();
        message.encode(&mut again, number);
        let same = ToRunner::decode(&again, usize::MAX).expect("is a frame").expect("is whole");
        assert_eq!((same.0, &same.1), (number, &message));
    }
});
