//! Frames of a vault, and frames to it: whatever a hostile end writes, the other decodes it or refuses it, keeps to
//! its limit, and what it decodes is what it would write itself.

#![no_main]

mod cost;

use hauki_contract::rpc::channel::{FrameError, FromVault, HEADER, ToVault};
use libfuzzer_sys::fuzz_target;

const LIMIT: usize = 4096;

/// Both ends' messages.
trait Frame: Sized + PartialEq + std::fmt::Debug {
    fn decode(bytes: &[u8], limit: usize) -> Result<Option<(Self, usize)>, FrameError>;
    fn encode(&self, out: &mut Vec<u8>);
}

macro_rules! frame {
    ($($kind:ident)*) => {$(
        impl Frame for $kind {
            fn decode(bytes: &[u8], limit: usize) -> Result<Option<(Self, usize)>, FrameError> {
                $kind::decode(bytes, limit)
            }

            fn encode(&self, out: &mut Vec<u8>) {
                $kind::encode(self, out);
            }
        }
    )*};
}

frame!(FromVault ToVault);

/// All frames of a stream, as an end reads them: the head of what is there, again and again.
fn all<F: Frame>(mut bytes: &[u8]) -> Vec<F> {
    let mut frames = Vec::new();
    loop {
        match cost::within(bytes.len().min(LIMIT), 64, || F::decode(bytes, LIMIT)) {
            Ok(Some((frame, used))) => {
                assert!((HEADER..=LIMIT + 4).contains(&used) && used <= bytes.len());
                // A frame is one wherever the stream was cut, and never half of one.
                for cut in [0, 3, HEADER - 1, used - 1] {
                    assert!(matches!(F::decode(&bytes[..cut], LIMIT), Ok(None)), "{cut} bytes are a frame");
                }
                let mut again = Vec::new();
                frame.encode(&mut again);
                let read = F::decode(&again, usize::MAX).expect("is a frame").expect("is whole");
                assert_eq!((&read.0, read.1), (&frame, again.len()));
                frames.push(frame);
                bytes = &bytes[used..];
            }
            Ok(None) => {
                assert!(bytes.len() < LIMIT + 4, "a whole frame was not seen");
                return frames;
            }
            Err(_) => return frames,
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    for frame in all::<FromVault>(bytes) {
        assert!(frame.bytes() <= LIMIT, "its texts are longer than the frame");
    }
    all::<ToVault>(bytes);
});
