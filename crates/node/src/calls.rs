//! Call scheduler: the calls that a vault owes answers to: few of them with the vault, the others in the queues of
//! their connections, which take turns.
//!
//! A vault works on one call at a time and answers in order, so what it has is a queue, and an answer
//! out of order is a breach of the protocol. It is given more than one call ahead only while calls are
//! quick: what has been handed over cannot be overtaken, and a caller who asks for sixty-four endless
//! loops must not make the others wait for all of them. A caller whose deadline has passed is answered
//! at once; if the vault has its call, the entry stays until the vault has caught up.

mod current;

use std::collections::VecDeque;

use tokio::sync::watch;

use super::deadline_errors::{not_begun, too_late};
use super::gate::replies::ReplyTo;
use super::requests::{QueuedRequest, VaultRequest};
use hauki_contract::model::id::VaultId;
use hauki_contract::model::lease::Mono;
use hauki_contract::rpc::message::RpcError;
use hauki_contract::system::trace::SpanGuard;

/// How much longer than its deadline a call may occupy the engine before the vault is killed: the
/// engine looks at its deadline between instructions, but not inside one of its C functions.
const GRACE_MS: u64 = 500;

/// How long the engine's own word on a passed deadline is waited for: it names the function.
const ENGINES_WORD_MS: u64 = 100;

/// What an honest vault has said at most before its answer and we have not read yet, in the socket and in its own
/// buffer, as [`TokenBucket::said`](super::token_bucket::TokenBucket::said) counts.
const UNREAD_BYTES: u64 = 512 * 1024;

/// How much work the vault is given ahead, as far as can be told from the calls before.
const AHEAD_US: u64 = 1000;
/// One runs, and the next is there when it ends.
const LEAST_AHEAD: u64 = 2;
const MOST_AHEAD: u64 = 64;
/// The vault holds no more than this of what waits behind the call that runs, and so reads all of it while it works.
const AHEAD_BYTES: usize = 64 * 1024;
/// A call that took no longer was mostly on its way.
const SHORT_US: u64 = 500;

/// One connection's calls that the vault does not have yet. They have one deadline, so the first is due
/// first.
struct ConnectionQueue {
    owner: usize,
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    kept: QueuedRequest,
    patience: CallWaiter,
    deadline: Mono,
}

/// Who waits for a call, and how long.
pub struct CallWaiter {
    pub reply: ReplyTo,
    pub deadline_ms: u32,
    /// The vaults that wait for it.
    pub via: Vec<VaultId>,
    pub trace: Option<Box<SpanGuard>>,
}

/// A call that the vault has.
struct Pending {
    call: u64,
    /// `None` once the caller has been told that its deadline passed.
    reply: Option<ReplyTo>,
    deadline: Mono,
    deadline_ms: u32,
    /// What the engine was given of it.
    left_ms: u32,
    via: Vec<VaultId>,
    trace: Option<Box<SpanGuard>>,
    bytes: usize,
    /// [`Calls::unread_us`] when the vault got it.
    unread_us: u64,
    /// For what the vault asks of others in this call.
    forsaken: Option<watch::Sender<bool>>,
}

impl Pending {
    /// When the gate answers in the vault's place. Only the call at the front can be running.
    fn due(&self, index: usize) -> Mono {
        if index == 0 { self.deadline.plus_ms(ENGINES_WORD_MS) } else { self.deadline }
    }
}

#[derive(Default)]
pub struct Calls {
    /// With the vault, oldest first.
    queue: VecDeque<Pending>,
    /// The bytes of these.
    handed: usize,
    /// None is empty; the first has the next turn.
    connections: VecDeque<ConnectionQueue>,
    next: u64,
    /// When the engine last began something new, as far as can be seen from here.
    progress: Mono,
    /// When the call at the front got there.
    front_since: Mono,
    /// How long a call takes, by the last ones: quick to grow and slow to shrink. Zero until one has ended.
    pace_us: u64,
    /// Since when the vault has worked on calls of which `ended` have been answered: answers that came
    /// together say nothing of how long each took.
    paced_at: Mono,
    ended: u64,
    /// How many were last answered together.
    together: u64,
    /// When the worker's own work must have ended, and how long it may take.
    busy_until: Option<Mono>,
    own_ms: u64,
    excuse: Excuse,
    /// All the time in which something of the vault lay unread because it owed for what it had said.
    unread_us: u64,
}

/// For what the engine works on: the time after its deadline in which we had not read all that was there.
#[derive(Default)]
struct Excuse {
    us: u64,
    /// What the vault had said when that began.
    said: Option<u64>,
}

/// What the clock says of the queue.
#[derive(Debug, PartialEq, Eq)]
pub enum Overdue {
    Nothing,
    /// The engine has been busy with one thing for longer than it may.
    Stuck,
}

impl Calls {
    /// Takes a call. `hand` is called with its number and what is left of its time if the vault gets it at once.
    pub fn push(
        &mut self,
        order: VaultRequest<'_>,
        patience: CallWaiter,
        now: Mono,
        hand: impl FnOnce(u64, VaultRequest<'_>, u32),
    ) {
        let deadline_ms = patience.deadline_ms;
        let deadline = now.plus_ms(deadline_ms.into());
        let bytes = order.bytes();
        if self.connections.is_empty() && self.has_room(bytes) {
            let call = self.begin(patience, bytes, deadline, now);
            return hand(call, order, deadline_ms);
        }
        let (owner, kept) = (patience.reply.owner(), order.keep());
        patience.reply.hold(kept.bytes());
        let waiting = Waiting { kept, patience, deadline };
        match self.connections.iter_mut().find(|connection| connection.owner == owner) {
            Some(connection) => connection.waiting.push_back(waiting),
            None => self.connections.push_back(ConnectionQueue { owner, waiting: VecDeque::from([waiting]) }),
        }
    }

    /// Gives the vault what it may have next, one call of each connection in turn.
    pub fn hand_over(&mut self, now: Mono, mut hand: impl FnMut(u64, VaultRequest<'_>, u32)) {
        self.measure(now);
        while self.has_room(self.next_bytes()) {
            let Some(mut connection) = self.connections.pop_front() else { return };
            let first = connection.waiting.pop_front();
            if !connection.waiting.is_empty() {
                self.connections.push_back(connection);
            }
            let Some(Waiting { kept, patience, deadline }) = first else { continue };
            if deadline <= now {
                patience.reply.give_back(kept.bytes());
                not_begun(patience);
                continue;
            }
            patience.reply.release(kept.bytes());
            let call = self.begin(patience, kept.bytes(), deadline, now);
            hand(call, VaultRequest::Kept(kept), left_ms(deadline, now));
        }
    }

    fn measure(&mut self, now: Mono) {
        let ended = std::mem::take(&mut self.ended);
        if let Some(took_us) = now.since(self.paced_at).checked_div(ended) {
            let took_us = took_us.max(1);
            self.pace_us = took_us.max((self.pace_us * 7 + took_us) / 8);
            (self.paced_at, self.together) = (now, ended);
        }
    }

    /// Of the call whose turn is next.
    fn next_bytes(&self) -> usize {
        let next = self.connections.front().and_then(|connection| connection.waiting.front());
        next.map_or(0, |waiting| waiting.kept.bytes())
    }

    fn has_room(&self, bytes: usize) -> bool {
        let ahead = AHEAD_US.checked_div(self.pace_us).unwrap_or(0).clamp(LEAST_AHEAD, MOST_AHEAD);
        (self.queue.len() as u64) < ahead && (self.queue.is_empty() || self.handed + bytes <= AHEAD_BYTES)
    }

    fn begin(&mut self, patience: CallWaiter, bytes: usize, deadline: Mono, now: Mono) -> u64 {
        if self.queue.is_empty() {
            (self.progress, self.front_since, self.paced_at) = (now, now, now);
            if self.busy_until.is_none() {
                self.excuse = Excuse::default();
            }
        }
        self.next += 1;
        let CallWaiter { reply, deadline_ms, via, trace } = patience;
        let (call, reply, left_ms) = (self.next, Some(reply), left_ms(deadline, now));
        let (forsaken, unread_us) = (None, self.unread_us);
        self.queue.push_back(Pending {
            call,
            reply,
            deadline,
            deadline_ms,
            left_ms,
            via,
            trace,
            bytes,
            unread_us,
            forsaken,
        });
        self.handed += bytes;
        call
    }

    /// The vault answers `call`: the place to put it, or `Err` if it does not owe that answer now.
    pub fn answered(&mut self, call: u64, now: Mono) -> Result<Option<ReplyTo>, OutOfOrder> {
        match self.queue.front() {
            Some(front) if front.call == call => {
                self.ended += 1;
                (self.progress, self.front_since) = (now, now);
                self.excuse = Excuse::default();
                let pending = self.queue.pop_front();
                self.handed -= pending.as_ref().map_or(0, |pending| pending.bytes);
                Ok(pending.and_then(|pending| pending.reply))
            }
            _ => Err(OutOfOrder { call }),
        }
    }

    /// The worker begins something of its own, which may take so long; `false` if it is at something already.
    pub fn busy(&mut self, deadline_ms: u32, now: Mono) -> bool {
        if self.busy_until.is_some() {
            return false;
        }
        if self.queue.is_empty() {
            self.excuse = Excuse::default();
        }
        self.own_ms = u64::from(deadline_ms) + GRACE_MS;
        self.busy_until = Some(now.plus_ms(self.own_ms));
        true
    }

    /// It has ended; `false` if it had not begun.
    pub fn idle(&mut self, now: Mono) -> bool {
        self.progress = now;
        self.busy_until.take().is_some()
    }

    /// Whether nothing is asked of the vault now, and what was asked lately was short and one by one.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.is_empty() && self.busy_until.is_none() && self.pace_us <= SHORT_US && self.together == 1
    }

    /// When the vault began what it works on, if it works.
    #[must_use]
    pub fn busy_since(&self) -> Option<Mono> {
        let busy = self.busy_until.is_some() || !self.queue.is_empty();
        busy.then_some(self.progress)
    }

    /// When the clock must be looked at again.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Mono> {
        let running = self.queue.iter().enumerate().filter(|(_, pending)| pending.reply.is_some());
        let running = running.map(|(index, pending)| pending.due(index)).min();
        let waiting = self.connections.iter().filter_map(|connection| connection.waiting.front());
        let waiting = waiting.map(|waiting| waiting.deadline).min();
        [running, waiting, self.stuck_at()].into_iter().flatten().min()
    }

    /// From then until now something of the vault lay unread or unhandled, and that was our doing; `said` is what
    /// it has said so far. Its answer may be behind that, but not behind more than it can have said before.
    pub fn excuse(&mut self, from: Mono, now: Mono, said: u64) {
        self.unread_us += now.since(from);
        let Some(due) = self.due() else { return };
        let deadline = Mono(due.0.saturating_sub(GRACE_MS * 1000));
        if now <= deadline {
            return;
        }
        let before = *self.excuse.said.get_or_insert(said);
        if said.saturating_sub(before) <= UNREAD_BYTES {
            self.excuse.us += now.since(from.max(deadline));
        }
    }

    fn stuck_at(&self) -> Option<Mono> {
        self.due().map(|due| Mono(due.0.saturating_add(self.excuse.us)))
    }

    /// When the engine must be at something new, if we read all the time.
    fn due(&self) -> Option<Mono> {
        let Some(front) = self.queue.front() else { return self.busy_until };
        let left_ms = u64::from(front.left_ms) + GRACE_MS;
        // One piece of the worker's own work may come before a call, and no vault may claim more of them.
        let last = self.front_since.plus_ms(left_ms + left_ms.max(self.own_ms));
        let next = self.busy_until.unwrap_or_else(|| self.progress.plus_ms(left_ms));
        Some(next.min(last))
    }

    /// Tells the callers whose deadlines have passed, and whether the vault is stuck.
    pub fn expire(&mut self, now: Mono) -> Overdue {
        for (index, pending) in self.queue.iter_mut().enumerate() {
            if pending.due(index) <= now
                && let Some(reply) = pending.reply.take()
            {
                too_late(reply, pending.deadline_ms, self.unread_us - pending.unread_us);
            }
        }
        for connection in &mut self.connections {
            while let Some(late) = connection.waiting.pop_front_if(|waiting| waiting.deadline <= now) {
                late.patience.reply.give_back(late.kept.bytes());
                not_begun(late.patience);
            }
        }
        self.connections.retain(|connection| !connection.waiting.is_empty());
        if self.stuck_at().is_some_and(|at| at <= now) { Overdue::Stuck } else { Overdue::Nothing }
    }

    /// Nobody waits any more for what `of` names. What has not begun is not begun; `cancel` gets the numbers of what the
    /// vault has. What was given up comes back.
    pub fn give_up(&mut self, of: impl Fn(&ReplyTo) -> bool, mut cancel: impl FnMut(u64)) -> Vec<ReplyTo> {
        let mut left = Vec::new();
        for pending in &mut self.queue {
            let Some(reply) = pending.reply.take_if(|reply| of(reply)) else { continue };
            left.push(reply);
            if let Some(forsaken) = &pending.forsaken {
                forsaken.send_replace(true);
            }
            cancel(pending.call);
        }
        left.append(&mut self.take_back(of));
        left
    }

    /// Takes back what has not begun of what `of` names.
    pub fn take_back(&mut self, of: impl Fn(&ReplyTo) -> bool) -> Vec<ReplyTo> {
        let mut left = Vec::new();
        for connection in &mut self.connections {
            let waiting = std::mem::take(&mut connection.waiting);
            let (gone, stay): (VecDeque<_>, VecDeque<_>) =
                waiting.into_iter().partition(|waiting| of(&waiting.patience.reply));
            connection.waiting = stay;
            for Waiting { kept, patience, .. } in gone {
                patience.reply.give_back(kept.bytes());
                left.push(patience.reply);
            }
        }
        self.connections.retain(|connection| !connection.waiting.is_empty());
        left
    }

    /// Fails everything that is pending.
    pub fn fail_all(&mut self, error: &RpcError) {
        for reply in self.queue.drain(..).filter_map(|pending| pending.reply) {
            reply.error(error);
        }
        self.handed = 0;
        for waiting in self.connections.drain(..).flat_map(|connection| connection.waiting) {
            waiting.patience.reply.release(waiting.kept.bytes());
            waiting.patience.reply.error(error);
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.connections.is_empty()
    }
}

fn left_ms(deadline: Mono, now: Mono) -> u32 {
    u32::try_from(deadline.since(now).div_ceil(1000)).unwrap_or(u32::MAX)
}

#[derive(Debug, thiserror::Error)]
#[error("an answer to call {call}, which is not the one that is due")]
pub struct OutOfOrder {
    call: u64,
}

#[cfg(test)]
#[path = "calls_tests.rs"]
mod tests;
