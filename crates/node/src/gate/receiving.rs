//! Receive buffer: what has come of a caller and has not gone into the vault, bytes that end no line yet, lines that
//! wait, calls that wait for their turn.
//!
//! A line may be as long as a frame, and each caller may have begun one. So these bytes are accounted for as unread
//! replies are: a vault and the node have budgets, and who holds more than his share waits, as far as something of his
//! will be taken without him. For a line that only he can end he asks leave, which one of a vault's callers has at a
//! time, until what he holds is taken; two who each have sent half of a long line would otherwise wait for each other.
//! Where it does not come he is told that it is too much, and that is his end. So it is of who holds far more than his
//! part while all together hold twice their budget, whatever he waits for, and of who keeps leave for longer than it is
//! for while others wait for it: what he has asked and nobody has begun goes with him. Nobody holds what he has begun
//! without going on.
//!
//! Leave is the vault's, for it is the vault that may be slow to take what was sent with it.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::byte_accounts::{Account, BEHIND, BacklogShare, LITTLE};
use super::fair_scheduler::{Applicant, FairPermit, Turns};
use super::sending::has_passed;
use hauki_contract::model::id::TicketId;
use hauki_contract::model::lease::Mono;
use hauki_contract::rpc::message::{RpcError, code};

/// How long a line that is not little may take for so much more of it as is little.
pub(super) const GOES_ON: Duration = Duration::from_secs(30);

/// Who has leave ends his line within this time, and it is taken, or others have waited in vain.
const LEAVE: Duration = Duration::from_secs(10);
/// How long it may take to come.
const LEAVE_PATIENCE: Duration = Duration::from_secs(15);
/// How many budgets all together hold before those who hold most must go, and those of them who have leave.
const CEILING: usize = 2;
const CEILING_WITH_LEAVE: usize = 4;

/// Leave to hold more than one's share: one of a vault's callers has it at a time, and its tickets take turns.
pub struct Leaves {
    turns: Arc<Turns>,
    /// Shared by all who wait.
    waiting: Arc<()>,
}

impl Default for Leaves {
    fn default() -> Self {
        Self { turns: Arc::new(Turns::of(1)), waiting: Arc::default() }
    }
}

impl Leaves {
    fn ask(&self, ticket: TicketId) -> impl Future<Output = Option<FairPermit>> + Send + use<> {
        let (turns, waits) = (Arc::clone(&self.turns), Arc::clone(&self.waiting));
        async move {
            let turn = timeout(LEAVE_PATIENCE, turns.turn(Applicant::Ticket(ticket))).await;
            drop(waits);
            turn.ok()?.ok()
        }
    }

    fn are_wanted(&self) -> bool {
        Arc::strong_count(&self.waiting) > 1
    }
}

enum Leave {
    Unasked,
    Asked(Pin<Box<dyn Future<Output = Option<FairPermit>> + Send>>),
    Given { since: Mono, _turn: FairPermit },
    Refused,
}

/// What comes of what somebody holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadVerdict {
    Enough,
    /// He is not read before some of it has gone.
    Over,
    /// It must go now, and he with it.
    Lost,
}

pub(super) struct Receiving {
    share: BacklogShare,
    leaves: Arc<Leaves>,
    leave: Leave,
    /// Who asks for it, and how much it is for: a line and what is read with it.
    ticket: TicketId,
    most: usize,
    /// How much of a line there was when it was last seen to have gone on, and when.
    begun: usize,
    since: Mono,
    reads: bool,
}

impl Receiving {
    pub(super) fn new(
        account: Arc<Account>,
        leaves: &Arc<Leaves>,
        ticket: TicketId,
        limit: usize,
        now: Mono,
    ) -> Self {
        let (share, leave, leaves) = (BacklogShare::new(account), Leave::Unasked, Arc::clone(leaves));
        let most = limit.saturating_add(BEHIND);
        Self { share, leaves, leave, ticket, most, begun: 0, since: now, reads: true }
    }

    /// Puts down what there is now.
    pub(super) fn holds(&mut self, bytes: usize, now: impl FnOnce() -> Mono) -> ReadVerdict {
        self.share.set(bytes);
        if !self.share.is_over(bytes, 0) {
            self.leave = Leave::Unasked;
            return ReadVerdict::Enough;
        }
        let (lost, enough) = match self.leave {
            Leave::Given { since, .. } => {
                let stays = self.leaves.are_wanted() && has_passed(LEAVE, since, now());
                (stays || self.share.is_hog(CEILING_WITH_LEAVE), bytes <= self.most)
            }
            _ => (self.share.is_hog(CEILING), false),
        };
        match (lost, enough) {
            (true, _) => ReadVerdict::Lost,
            (false, true) => ReadVerdict::Enough,
            (false, false) => ReadVerdict::Over,
        }
    }

    /// It is too much, and only this caller can make it less: whether he has asked for leave, and does not get it.
    pub(super) fn asks_in_vain(&mut self) -> bool {
        if matches!(self.leave, Leave::Unasked) {
            self.leave = Leave::Asked(Box::pin(self.leaves.ask(self.ticket.clone())));
        }
        !self.asks()
    }

    /// Whether he waits for leave.
    pub(super) fn asks(&self) -> bool {
        matches!(self.leave, Leave::Asked(_))
    }

    /// Whether he must be looked at again although nothing happens to him.
    pub(super) fn is_watched(&self) -> bool {
        self.share.is_counted()
    }

    /// Until leave is given or refused.
    pub(super) async fn leave(&mut self, now: impl FnOnce() -> Mono) {
        let Leave::Asked(coming) = &mut self.leave else { return std::future::pending().await };
        self.leave = coming.await.map_or(Leave::Refused, |turn| Leave::Given { since: now(), _turn: turn });
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
    use super::super::byte_accounts::Backlog;
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono(seconds * 1_000_000)
    }

    fn of(account: &Arc<Account>, leaves: &Arc<Leaves>, limit: usize) -> Receiving {
        Receiving::new(Arc::clone(account), leaves, TicketId::mint(1, 1), limit, at(0))
    }

    /// Each who comes begins a line and goes on for as long as he may, and nobody ends his.
    #[test]
    fn who_waits_holds_no_more_than_his_part_once_others_have_come() {
        const MIB: usize = 1 << 20;
        let node = Account::new(1024 * MIB, None);
        let (backlog, leaves) = (Backlog::below(&node, 64 * MIB), Arc::default());
        let account = backlog.of(&TicketId::mint(1, 1));
        let mut all: Vec<(Receiving, usize)> = Vec::new();
        let (mut most, mut lost) = (0, 0);
        for _ in 0..64 {
            all.push((of(&account, &leaves, 64 * MIB), 0));
            while let Some((last, held)) = all.last_mut()
                && last.holds(*held, || at(0)) == ReadVerdict::Enough
                && *held < 60 * MIB
            {
                *held += MIB;
            }
            most = most.max(all.iter().map(|(_, held)| held).sum());
            all.retain_mut(|(one, held)| one.holds(*held, || at(0)) != ReadVerdict::Lost);
            lost = 64 - all.len();
        }
        assert!(most <= 3 * 64 * MIB, "{} MiB were held", most / MIB);
        assert!(all.iter().map(|(_, held)| held).sum::<usize>() <= 2 * 64 * MIB);
        assert!((1..32).contains(&lost), "{lost} of them had to go");
    }

    #[tokio::test]
    async fn leave_goes_in_time_to_who_waits_for_it_and_stays_where_nobody_does() {
        const MIB: usize = 1 << 20;
        let (backlog, leaves) = (Backlog::below(&Account::new(1024 * MIB, None), 64 * MIB), Arc::default());
        let [mut one, mut other] = [1, 2].map(|number| {
            let ticket = TicketId::mint(1, number);
            Receiving::new(backlog.of(&ticket), &leaves, ticket, 60 * MIB, at(0))
        });
        assert_eq!(one.holds(50 * MIB, || at(0)), ReadVerdict::Enough);
        assert_eq!(other.holds(40 * MIB, || at(0)), ReadVerdict::Over);
        assert_eq!(one.holds(50 * MIB, || at(0)), ReadVerdict::Over);
        assert!(!one.asks_in_vain());
        one.leave(|| at(1)).await;
        assert_eq!(one.holds(60 * MIB, || at(100)), ReadVerdict::Enough, "nobody else wants it");
        assert!(!other.asks_in_vain());
        assert_eq!(one.holds(60 * MIB, || at(10)), ReadVerdict::Enough);
        assert_eq!(one.holds(60 * MIB, || at(11)), ReadVerdict::Lost);
        assert_eq!(one.holds(0, || at(11)), ReadVerdict::Enough);
        other.leave(|| at(11)).await;
        assert_eq!(other.holds(40 * MIB, || at(100)), ReadVerdict::Enough);
        assert_eq!(other.holds(62 * MIB, || at(100)), ReadVerdict::Enough, "who has room needs no leave");
    }

    #[test]
    fn a_line_that_has_begun_goes_on_or_is_given_up() {
        let of = || of(&Arc::default(), &Arc::default(), 0);
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
