//! What has come of a caller and has not gone into the vault: bytes that end no line yet, lines that wait, calls that
//! wait for their turn.
//!
//! A line may be as long as a frame, and each caller may have begun one. So these bytes are accounted for as unread
//! replies are: a vault and the node have budgets, and who holds more than his share waits, as far as something of his
//! will be taken without him. For a line that only he can end he asks leave, which few have at a time, until what they
//! hold is taken; two who each have sent half of a long line would otherwise wait for each other. Where it does not come
//! he is told that it is too much, and that is his end. Nobody holds what he has begun without going on.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::backlog::{Account, BEHIND, BacklogShare, LITTLE};
use super::sending::has_passed;
use super::turn::{self, Applicant, FairPermit};
use hauki_contract::model::lease::Mono;
use hauki_contract::rpc::message::{RpcError, code};

/// How long a line that is not little may take for so much more of it as is little.
pub(super) const GOES_ON: Duration = Duration::from_secs(30);

/// Who has leave ends his line within this time, or others have waited in vain.
const LEAVE: Duration = Duration::from_secs(10);
/// Nobody who is kept waiting is silent for longer.
const SIGN: Duration = Duration::from_millis(100);

/// To hold more than one's share.
enum Leave {
    Unasked,
    Asked(Pin<Box<dyn Future<Output = Option<FairPermit>> + Send>>),
    Given { since: Mono, _turn: FairPermit },
    Refused,
}

pub(super) struct Receiving {
    share: BacklogShare,
    leave: Leave,
    /// Who asks for it, and how much it is for: a line and what is read with it.
    source: Applicant,
    most: usize,
    /// How much of a line there was when it was last seen to have gone on, and when.
    begun: usize,
    since: Mono,
    reads: bool,
}

impl Receiving {
    pub(super) fn new(account: Arc<Account>, source: Applicant, limit: usize, now: Mono) -> Self {
        let (share, leave) = (BacklogShare::new(account), Leave::Unasked);
        Self { share, leave, source, most: limit.saturating_add(BEHIND), begun: 0, since: now, reads: true }
    }

    /// Puts down what there is now. Whether that is too much.
    pub(super) fn holds(&mut self, bytes: usize) -> bool {
        self.share.set(bytes);
        let is_over = self.share.is_over(bytes, 0);
        if !is_over {
            self.leave = Leave::Unasked;
        }
        is_over && !(bytes <= self.most && matches!(self.leave, Leave::Given { .. }))
    }

    /// It is too much, and only this caller can make it less: whether he has asked for leave, and does not get it.
    pub(super) fn asks_in_vain(&mut self) -> bool {
        if matches!(self.leave, Leave::Unasked) {
            self.leave = Leave::Asked(Box::pin(turn::leave(self.source.clone())));
        }
        !self.asks()
    }

    /// Whether he waits for leave.
    pub(super) fn asks(&self) -> bool {
        matches!(self.leave, Leave::Asked(_))
    }

    /// Until leave is given or refused, or a moment has passed.
    pub(super) async fn leave(&mut self, now: impl FnOnce() -> Mono) {
        let Leave::Asked(coming) = &mut self.leave else { return std::future::pending().await };
        if let Ok(turn) = timeout(SIGN, coming).await {
            self.leave = turn.map_or(Leave::Refused, |turn| Leave::Given { since: now(), _turn: turn });
        }
    }

    /// So much of a line has come that has no end.
    pub(super) fn came(&mut self, unfinished: usize, now: Mono) {
        if let Leave::Given { since, .. } = self.leave
            && unfinished > 0
            && has_passed(LEAVE, since, now)
        {
            self.leave = Leave::Refused;
        }
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

    fn nobody() -> Applicant {
        Applicant::Address(std::net::Ipv4Addr::LOCALHOST.into())
    }

    #[test]
    fn a_line_that_has_begun_goes_on_or_is_given_up() {
        let of = || Receiving::new(Arc::default(), nobody(), 0, at(0));
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
