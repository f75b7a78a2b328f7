//! What has come of a caller and has not gone into the vault: bytes that end no line yet, lines that wait, calls that
//! wait for their turn.
//!
//! A line may be as long as a frame, and each caller may have begun one. So these bytes are accounted for as unread
//! replies are: a vault and the node have budgets, and who holds more than his share waits, as far as something of his
//! will be taken without him. Of a line that only he can end he is told that it is too much, and that is his end. Nobody
//! holds what he has begun without going on.

use std::sync::Arc;
use std::time::Duration;

use super::backlog::{Account, LITTLE, Share};
use super::sending::has_passed;
use hauki_contract::model::lease::Mono;
use hauki_contract::rpc::message::{RpcError, code};

/// How long a line that is not little may take for so much more of it as is little.
pub(super) const GOES_ON: Duration = Duration::from_secs(30);

pub(super) struct Receiving {
    share: Share,
    /// How much of a line there was when it was last seen to have gone on, and when.
    begun: usize,
    since: Mono,
    reads: bool,
}

impl Receiving {
    pub(super) fn new(account: Arc<Account>, now: Mono) -> Self {
        Self { share: Share::new(account), begun: 0, since: now, reads: true }
    }

    /// Puts down what there is now. Whether that is too much.
    pub(super) fn holds(&mut self, bytes: usize) -> bool {
        self.share.set(bytes);
        self.share.is_over(bytes, 0)
    }

    /// So much of a line has come that has no end.
    pub(super) fn came(&mut self, unfinished: usize, now: Mono) {
        let goes_on = unfinished >= self.begun.saturating_add(LITTLE);
        let is_little = unfinished <= LITTLE || self.begun <= LITTLE;
        if is_little || unfinished < self.begun || goes_on {
            self.rests(unfinished, now);
        }
    }

    /// Whether anything is read now: where it is not, that is not the caller's doing.
    pub(super) fn reads(&mut self, reads: bool, unfinished: usize, now: impl FnOnce() -> Mono) {
        if !(std::mem::replace(&mut self.reads, reads) && reads) {
            self.rests(unfinished, now());
        }
    }

    fn rests(&mut self, unfinished: usize, now: Mono) {
        (self.begun, self.since) = (unfinished, now);
    }

    pub(super) fn is_stalled(&self, unfinished: usize, now: Mono) -> bool {
        self.reads && unfinished > LITTLE && has_passed(GOES_ON, self.since, now)
    }
}

pub(super) fn too_much() -> RpcError {
    RpcError::new(code::BUSY, "too much is being sent to this vault or its node at once: try again later")
}

pub(super) fn stalled() -> RpcError {
    let message =
        format!("a line has begun, and less than {LITTLE} bytes of it came in {} s", GOES_ON.as_secs());
    RpcError::new(code::DEADLINE, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono(seconds * 1_000_000)
    }

    #[test]
    fn a_line_that_has_begun_goes_on_or_is_given_up() {
        let of = || Receiving::new(Arc::default(), at(0));
        let mut silent = of();
        silent.came(LITTLE, at(3_600));
        assert!(!silent.is_stalled(LITTLE, at(7_200)), "who holds little may take his time");
        silent.came(LITTLE + 1, at(7_200));
        for second in 7_201..7_230 {
            silent.came(LITTLE + second, at(second.try_into().expect("is small")));
        }
        assert!(!silent.is_stalled(LITTLE + 9, at(7_229)) && silent.is_stalled(LITTLE + 9, at(7_230)));

        let mut slow = of();
        for count in 1..100 {
            let second = 29 * u64::try_from(count).expect("is small");
            slow.came(count * LITTLE + 1, at(second));
            assert!(!slow.is_stalled(count * LITTLE + 1, at(second + 29)));
        }
        // The next line is another one.
        slow.came(LITTLE + 5, at(3_000));
        assert!(!slow.is_stalled(LITTLE + 5, at(3_029)) && slow.is_stalled(LITTLE + 5, at(3_030)));
        slow.reads(false, LITTLE + 5, || at(3_031));
        assert!(!slow.is_stalled(LITTLE + 5, at(4_000)), "nobody has read meanwhile");
        slow.reads(true, LITTLE + 5, || at(4_000));
        slow.reads(true, LITTLE + 5, || at(4_020));
        assert!(!slow.is_stalled(LITTLE + 5, at(4_029)) && slow.is_stalled(LITTLE + 5, at(4_030)));
    }
}
