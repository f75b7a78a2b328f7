//! Reply queue: what a connection still has to send, and how a reply finds its way into it.
//!
//! Anyone on the node may append; only the connection's own task sends. The bound is in admission:
//! a connection reads no further request while its queue is over the soft limit or too many of its
//! calls are in flight. A reply that would pass the hard limit all the same, because its caller asks
//! and does not read, is left out, and its caller told so in a few bytes: the connection goes on.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tokio::sync::Notify;

use super::batch::Batch;
use super::byte_accounts::{Account, BacklogShare};
use super::offload::LONG;
use crate::channel::FrameCharge;
use hauki_contract::rpc::message::{self, RpcError, code};

/// Over this the connection reads no more requests, and events are left out.
const SOFT_LIMIT: usize = 1024 * 1024;
/// Over this replies are left out.
const HARD_LIMIT: usize = 16 * 1024 * 1024;
/// Calls in flight of one connection, at most.
const MAX_IN_FLIGHT: usize = 64;
/// Replies that may be on their way at once, in bytes, judged by the largest seen lately.
const IN_FLIGHT_BYTES: usize = 8 * 1024 * 1024;
/// Over this, in bytes of calls that wait for their turn, the connection reads no more requests.
const QUEUED_LIMIT: usize = 1024 * 1024;
/// How many budgets are unread altogether before those who have left most are cut off. More than what first replies have
/// room in, or all that came first would be cut off by the next.
const CEILING: usize = 3;
/// Replies up to this length are never left out: the word that they were would be as long.
pub(super) const SHORT: usize = 256;
/// The longest id that events carry.
const TAG_BYTES: usize = 128;

#[derive(Default)]
pub struct ReplyQueue {
    state: Mutex<ReplyBacklog>,
    /// Of what its caller sends.
    receiving: Arc<Account>,
    /// Something to send, or room for another request.
    pub wake: Notify,
}

#[derive(Default)]
pub(super) struct ReplyBacklog {
    bytes: Vec<u8>,
    /// What the connection took and may not have sent yet.
    leaving: usize,
    /// Replies of batches that are not complete.
    pub(super) gathered: usize,
    in_flight: usize,
    /// Parameters of calls that wait for their turn at the vault.
    queued: usize,
    /// Of those that were given up before the vault got them.
    unpaid: usize,
    largest_reply: usize,
    /// Of `bytes`, those of events.
    told: usize,
    /// Events that were left out since the last that was not.
    events_lost: u64,
    /// Of what its ticket, its vault and the node may hold.
    share: BacklogShare,
}

impl ReplyBacklog {
    pub(super) fn backlog(&self) -> usize {
        self.bytes.len() + self.leaving + self.gathered
    }

    /// Whether a reply must be left out. One alone may be as long as a frame.
    pub(super) fn is_crowded(&self, before: usize, reply: usize) -> bool {
        let is_own = before > SOFT_LIMIT && before + reply > HARD_LIMIT;
        reply > SHORT && (is_own || self.share.is_over(before, reply))
    }

    /// Whether more is only added for those who read.
    fn is_behind(&self) -> bool {
        let backlog = self.backlog();
        backlog > SOFT_LIMIT || self.share.is_over(backlog, 0)
    }

    /// Puts down what there is now.
    pub(super) fn account(&mut self) {
        let held = self.backlog();
        self.share.set(held);
    }
}

impl ReplyQueue {
    #[must_use]
    pub fn new(sending: Arc<Account>, receiving: Arc<Account>) -> Self {
        let state = ReplyBacklog { share: BacklogShare::new(sending), ..ReplyBacklog::default() };
        Self { state: Mutex::new(state), receiving, wake: Notify::new() }
    }

    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, ReplyBacklog> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`ReplyTo::owner`] of its calls.
    #[must_use]
    pub fn owner(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Whether another request may be read.
    #[must_use]
    pub fn admits(&self) -> bool {
        let state = self.lock();
        let width = (IN_FLIGHT_BYTES / state.largest_reply.max(1)).clamp(1, MAX_IN_FLIGHT);
        state.in_flight < width && !state.is_behind() && state.queued < QUEUED_LIMIT
    }

    /// Bytes of calls that wait for their turn at the vault, whether what was not sent must be watched, and how much has
    /// been given up of those calls since this was last asked.
    pub(super) fn held(&self) -> (usize, bool, usize) {
        let mut state = self.lock();
        (state.queued, state.share.is_counted(), std::mem::take(&mut state.unpaid))
    }

    /// Whether so much is unread altogether, and here so much of it, that nobody waits for it any more.
    pub(super) fn is_lost(&self) -> bool {
        self.lock().share.is_hog(CEILING)
    }

    /// Appends a whole message; the newline is added here.
    pub fn line(&self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.lock();
        write(&mut state.bytes);
        state.bytes.push(b'\n');
        state.account();
        drop(state);
        self.wake.notify_one();
    }

    /// Appends the answer to `id`, or the word that it was left out. Returns the answer's length.
    fn reply(&self, id: &str, write: impl FnOnce(&mut Vec<u8>, &str)) -> usize {
        let mut state = self.lock();
        let (start, before) = (state.bytes.len(), state.backlog());
        write(&mut state.bytes, id);
        let written = state.bytes.len() - start;
        if state.is_crowded(before, written) {
            take_back(&mut state.bytes, start);
            message::write_error(&mut state.bytes, Some(id), &left_out());
        }
        state.bytes.push(b'\n');
        state.account();
        drop(state);
        self.wake.notify_one();
        written
    }

    /// An event, if the caller reads fast enough for events; `params` gets the number of those lost.
    pub fn event(&self, method: &str, params: impl FnOnce(u64) -> String) {
        let mut state = self.lock();
        if state.is_behind() {
            state.events_lost += 1;
            return;
        }
        let lost = std::mem::take(&mut state.events_lost);
        let start = state.bytes.len();
        message::write_request(&mut state.bytes, None, method, Some(&params(lost)));
        state.told += state.bytes.len() - start;
        state.account();
        drop(state);
        self.wake.notify_one();
    }

    /// A request of the gate's, which is one line, if the caller reads fast enough. The vault pays for it as for an event.
    pub(super) fn ask(&self, line: &[u8]) -> bool {
        let mut state = self.lock();
        if state.is_behind() || state.is_crowded(state.backlog(), line.len()) {
            return false;
        }
        state.bytes.extend_from_slice(line);
        state.told += line.len();
        state.account();
        drop(state);
        self.wake.notify_one();
        true
    }

    /// An event that the caller's limits do not let through.
    pub fn lose_event(&self) {
        self.lock().events_lost += 1;
    }

    /// An event that must not be lost: it is short, and comes once.
    pub fn last_event(&self, method: &str, params: &str) {
        message::write_request(&mut self.lock().bytes, None, method, Some(params));
        self.wake.notify_one();
    }

    /// Takes what is to be sent into `buffer`, which must be empty: what was taken before is sent. The answer is
    /// how many of the bytes are events.
    pub fn take(&self, buffer: &mut Vec<u8>) -> usize {
        let mut state = self.lock();
        std::mem::swap(&mut state.bytes, buffer);
        state.leaving = buffer.len();
        state.account();
        std::mem::take(&mut state.told)
    }

    #[must_use]
    pub fn is_quiet(&self) -> bool {
        let state = self.lock();
        state.in_flight == 0 && state.bytes.is_empty()
    }

    /// Whether all that was asked has been answered.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.lock().in_flight == 0
    }

    fn begin(&self) {
        self.lock().in_flight += 1;
    }

    fn end(&self, reply_bytes: usize) {
        let mut state = self.lock();
        state.in_flight -= 1;
        // Forgotten again after some smaller ones.
        let faded = state.largest_reply - state.largest_reply / 8;
        state.largest_reply = faded.max(reply_bytes);
    }
}

/// With the room that it took: nobody accounts for that, and it would stay for as long as nothing is sent.
pub(super) fn take_back(bytes: &mut Vec<u8>, start: usize) {
    bytes.truncate(start);
    bytes.shrink_to(start + SHORT);
}

pub(super) fn left_out() -> RpcError {
    RpcError::new(code::BUSY, "the reply was left out: too many replies wait to be read")
}

/// Where one request's answer goes. Dropping it unanswered answers with an internal error, so that
/// no caller waits for ever.
pub struct ReplyTo {
    queue: Arc<ReplyQueue>,
    /// JSON text; absent for a notification, which nobody answers.
    id: Option<Box<str>>,
    batch: Option<Arc<Batch>>,
    answered: bool,
}

impl ReplyTo {
    #[must_use]
    pub fn new(queue: &Arc<ReplyQueue>, id: Option<&str>, batch: Option<&Arc<Batch>>) -> Self {
        queue.begin();
        Self { queue: Arc::clone(queue), id: id.map(Into::into), batch: batch.cloned(), answered: false }
    }

    /// Whose call this is: the same for all calls of one connection.
    #[must_use]
    pub fn owner(&self) -> usize {
        Arc::as_ptr(&self.queue).addr()
    }

    /// Whether somebody wants to hear of its end. A notification is given off to be done.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.id.is_some()
    }

    /// Whether this is the caller's request of that id, as JSON text.
    #[must_use]
    pub fn is_of(&self, id: &str) -> bool {
        self.id.as_deref().is_some_and(|own| message::is_same_id(own, id))
    }

    /// Whose call this is, and its id where that is short enough to be told again with every event.
    #[must_use]
    pub fn tag(&self) -> Option<(usize, Box<str>)> {
        let id = self.id.as_ref().filter(|id| id.len() <= TAG_BYTES)?;
        Some((self.owner(), id.clone()))
    }

    /// The call's bytes wait for their turn.
    pub fn hold(&self, bytes: usize) {
        self.queue.lock().queued += bytes;
    }

    /// They do not wait any more.
    pub fn release(&self, bytes: usize) {
        self.queue.lock().queued -= bytes;
        self.queue.wake.notify_one();
    }

    /// Nor does the vault ever get them. What they have cost is their caller's; of long ones it is his ticket's already.
    pub fn give_back(&self, bytes: usize) {
        if bytes <= LONG {
            self.queue.lock().unpaid += bytes;
        }
        self.release(bytes);
    }

    /// Who pays for the call once it is handed to the vault: its caller's ticket, whatever becomes of him.
    #[must_use]
    pub fn charge(&self) -> Box<dyn FrameCharge> {
        Box::new(BacklogShare::new(Arc::clone(&self.queue.receiving)))
    }

    fn finish(&mut self, write: impl FnOnce(&mut Vec<u8>, &str)) {
        self.answered = true;
        let written = match (&self.id, &self.batch) {
            (None, None) => 0,
            (None, Some(batch)) => {
                batch.note();
                0
            }
            (Some(id), None) => self.queue.reply(id, write),
            (Some(id), Some(batch)) => batch.reply(id, write),
        };
        self.queue.end(written);
        self.queue.wake.notify_one();
    }

    /// `value` is JSON text that has been checked.
    pub fn value(mut self, value: &str) {
        self.finish(|out, id| message::write_result(out, id, value));
    }

    pub fn serialize(self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(value) => self.value(&value),
            Err(error) => self.error(&RpcError::new(code::INTERNAL, error.to_string())),
        }
    }

    pub fn error(mut self, error: &RpcError) {
        self.finish(|out, id| message::write_error(out, Some(id), error));
    }
}

impl Drop for ReplyTo {
    fn drop(&mut self) {
        if !self.answered {
            let error = RpcError::new(code::INTERNAL, "the call was dropped");
            self.finish(|out, id| message::write_error(out, Some(id), &error));
        }
    }
}

#[cfg(test)]
#[path = "replies_tests.rs"]
mod tests;
