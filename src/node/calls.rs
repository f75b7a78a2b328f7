//! The calls that a vault owes answers to, oldest first.
//!
//! A vault works on one call at a time and answers in order, so a queue is enough, and an answer
//! out of order is a breach of the protocol. A caller whose deadline has passed is answered at once;
//! its entry stays until the vault has caught up.

use std::collections::VecDeque;

use super::gate::outbox::ReplyTo;
use crate::model::id::VaultId;
use crate::model::lease::Mono;
use crate::rpc::message::{RpcError, code};

/// How much longer than its deadline a call may occupy the engine before the vault is killed: the
/// engine looks at its deadline between instructions, but not inside one of its C functions.
const GRACE_MS: u64 = 500;

/// How long the engine's own word on a passed deadline is waited for: it names the function.
const ENGINES_WORD_MS: u64 = 100;

#[derive(Default)]
pub struct Calls {
    queue: VecDeque<Pending>,
    next: u64,
    /// When the engine last began something new, as far as can be seen from here.
    progress: Mono,
}

struct Pending {
    call: u64,
    /// `None` once the caller has been told that its deadline passed.
    reply: Option<ReplyTo>,
    deadline: Mono,
    deadline_ms: u32,
    /// The vaults that wait for it.
    via: Box<[VaultId]>,
}

impl Pending {
    /// When the gate answers in the vault's place. Only the call at the front can be running.
    fn due(&self, index: usize) -> Mono {
        if index == 0 { self.deadline.plus_ms(ENGINES_WORD_MS) } else { self.deadline }
    }
}

/// What the clock says of the queue.
#[derive(Debug, PartialEq, Eq)]
pub enum Overdue {
    Nothing,
    /// The engine has been busy with one call for longer than it may.
    Stuck,
}

impl Calls {
    /// A new call's number.
    pub fn push(&mut self, reply: ReplyTo, deadline_ms: u32, via: Vec<VaultId>, now: Mono) -> u64 {
        if self.queue.is_empty() {
            self.progress = now;
        }
        self.next += 1;
        let deadline = now.plus_ms(deadline_ms.into());
        let (reply, via) = (Some(reply), via.into());
        self.queue.push_back(Pending { call: self.next, reply, deadline, deadline_ms, via });
        self.next
    }

    /// Who waits for the call that the engine works on, and until when.
    #[must_use]
    pub fn running(&self) -> Option<(&[VaultId], Mono)> {
        self.queue.front().map(|front| (&*front.via, front.deadline))
    }

    /// The vault answers `call`: the place to put it, or `Err` if it does not owe that answer now.
    pub fn answered(&mut self, call: u64, now: Mono) -> Result<Option<ReplyTo>, OutOfOrder> {
        match self.queue.front() {
            Some(front) if front.call == call => {
                self.progress = now;
                Ok(self.queue.pop_front().and_then(|pending| pending.reply))
            }
            _ => Err(OutOfOrder { call }),
        }
    }

    /// When the clock must be looked at again.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Mono> {
        let waiting = self.queue.iter().enumerate().filter(|(_, pending)| pending.reply.is_some());
        let waiting = waiting.map(|(index, pending)| pending.due(index)).min();
        let stuck = self.stuck_at();
        [waiting, stuck].into_iter().flatten().min()
    }

    fn stuck_at(&self) -> Option<Mono> {
        let front = self.queue.front()?;
        Some(self.progress.plus_ms(u64::from(front.deadline_ms) + GRACE_MS))
    }

    /// Tells the callers whose deadlines have passed, and whether the vault is stuck.
    pub fn expire(&mut self, now: Mono) -> Overdue {
        for (index, pending) in self.queue.iter_mut().enumerate() {
            if pending.due(index) <= now
                && let Some(reply) = pending.reply.take()
            {
                let message = format!("the call did not end within {} ms", pending.deadline_ms);
                reply.error(&RpcError::new(code::DEADLINE, message));
            }
        }
        if self.stuck_at().is_some_and(|at| at <= now) { Overdue::Stuck } else { Overdue::Nothing }
    }

    /// Fails everything that is pending.
    pub fn fail_all(&mut self, error: &RpcError) {
        for reply in self.queue.drain(..).filter_map(|pending| pending.reply) {
            reply.error(error);
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("an answer to call {call}, which is not the one that is due")]
pub struct OutOfOrder {
    call: u64,
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::node::gate::outbox::Outbox;

    fn reply(outbox: &Arc<Outbox>, id: &str) -> ReplyTo {
        ReplyTo::new(outbox, Some(id), None)
    }

    fn sent(outbox: &Outbox) -> String {
        let mut bytes = Vec::new();
        outbox.take(&mut bytes);
        String::from_utf8(bytes).expect("is text")
    }

    const T: Mono = Mono(1_000_000);

    #[test]
    fn answers_come_in_order_or_not_at_all() {
        let outbox = Arc::new(Outbox::default());
        let mut calls = Calls::default();
        let first = calls.push(reply(&outbox, "1"), 10, Vec::new(), T);
        let second = calls.push(reply(&outbox, "2"), 10, Vec::new(), T);
        assert!(calls.answered(second, T).is_err());
        calls.answered(first, T).expect("is due").expect("waits").value("1");
        assert!(calls.answered(first, T).is_err(), "answered twice");
        assert!(calls.answered(99, T).is_err());
    }

    #[test]
    fn a_late_caller_is_told_once_and_the_late_answer_is_swallowed() {
        let outbox = Arc::new(Outbox::default());
        let mut calls = Calls::default();
        let call = calls.push(reply(&outbox, "1"), 10, Vec::new(), T);
        assert_eq!(calls.next_deadline(), Some(T.plus_ms(10 + ENGINES_WORD_MS)));
        assert_eq!(calls.expire(T.plus_ms(10)), Overdue::Nothing);
        assert_eq!(sent(&outbox), "", "the engine has the first word");
        assert_eq!(calls.expire(T.plus_ms(10 + ENGINES_WORD_MS)), Overdue::Nothing);
        assert!(sent(&outbox).contains("-32004"));
        assert!(calls.answered(call, T.plus_ms(11 + ENGINES_WORD_MS)).expect("is due").is_none());
    }

    #[test]
    fn a_call_that_still_waits_is_told_at_its_deadline() {
        let outbox = Arc::new(Outbox::default());
        let mut calls = Calls::default();
        calls.push(reply(&outbox, "1"), 1000, Vec::new(), T);
        calls.push(reply(&outbox, "2"), 10, Vec::new(), T);
        assert_eq!(calls.next_deadline(), Some(T.plus_ms(10)));
        assert_eq!(calls.expire(T.plus_ms(10)), Overdue::Nothing);
        assert!(sent(&outbox).contains("\"id\":2"));
    }

    #[test]
    fn the_engine_is_stuck_when_one_call_holds_it_and_not_when_many_wait() {
        let outbox = Arc::new(Outbox::default());
        let mut calls = Calls::default();
        let first = calls.push(reply(&outbox, "1"), 100, Vec::new(), T);
        calls.push(reply(&outbox, "2"), 100, Vec::new(), T);
        let _ = calls.answered(first, T.plus_ms(90)).expect("is due");
        assert_eq!(calls.expire(T.plus_ms(600)), Overdue::Nothing, "the second began at 90");
        assert_eq!(calls.expire(T.plus_ms(690)), Overdue::Stuck);
    }
}
