//! Leaky bucket of what a server sends over a link and nobody has asked for.
//!
//! Packets that libssh2 drops fill no memory, and new keys over and over neither, but each is decrypted and answered: a
//! server that never stops would have a processor of its core for itself. What clients are given they have asked for, and
//! each answer of theirs has its bound; of all else a little is forgiven with time.

use hauki_contract::model::lease::Mono;

/// In a second: frames of packets, signs of life, windows, new keys after a gigabyte.
const FORGIVEN: u64 = 64 << 10;

#[derive(Debug)]
pub(super) struct UnaskedTraffic {
    bytes: u64,
    at: Mono,
}

impl UnaskedTraffic {
    pub(super) fn new(now: Mono) -> Self {
        Self { bytes: 0, at: now }
    }

    /// So much has come, and so much of what came was given to clients. The answer is what nobody was given.
    pub(super) fn came(&mut self, received: u64, given: u64, now: Mono) -> u64 {
        let forgiven = FORGIVEN.saturating_mul(now.since(self.at)) / 1_000_000;
        if forgiven > 0 {
            self.at = now;
        }
        self.bytes = self.bytes.saturating_add(received).saturating_sub(given.saturating_add(forgiven));
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_to_clients_or_comes_slowly_is_no_flood() {
        let mut traffic = UnaskedTraffic::new(Mono(0));
        let at = |ms: u64| Mono(ms * 1000);
        // An answer of which the last part is given later, with a thirtieth of frames around it.
        for second in 1..1000 {
            assert!(traffic.came(1_900_000, 900_000, at(second * 1000 - 500)) < 1 << 20);
            assert!(traffic.came(0, 940_000, at(second * 1000)) < 64 << 10);
        }
        let now = 1_000_000;
        for step in 0..1000 {
            assert!(traffic.came(60, 0, at(now + step)) < 64 << 10, "it is forgiven in small pieces as well");
        }
        for _ in 0..100 {
            traffic.came(200_000, 0, at(now + 2000));
        }
        assert!(traffic.came(0, 0, at(now + 2000)) > 19_000_000);
        assert!(traffic.came(0, 0, at(now + 102_000)) < 14_000_000);
    }
}
