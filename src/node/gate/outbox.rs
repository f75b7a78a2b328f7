//! What a connection still has to send, and how a reply finds its way into it.
//!
//! Anyone on the node may append; only the connection's own task sends. The bound is in admission:
//! a connection reads no further request while its outbox is over the soft limit. A caller that
//! makes its replies pile up to the hard limit all the same is cut off.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tokio::sync::Notify;

use crate::rpc::message::{self, RpcError, code};

/// Over this the connection reads no more requests, and events are left out.
const SOFT_LIMIT: usize = 1024 * 1024;
/// Over this the connection is cut.
const HARD_LIMIT: usize = 32 * 1024 * 1024;
/// Calls in flight of one connection, at most.
const MAX_IN_FLIGHT: usize = 64;
/// Replies that may be on their way at once, in bytes, judged by the largest seen so far.
const IN_FLIGHT_BYTES: usize = 8 * 1024 * 1024;

#[derive(Default)]
pub struct Outbox {
    state: Mutex<State>,
    /// Something to send, or room for another request.
    pub wake: Notify,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    in_flight: usize,
    largest_reply: usize,
    /// Events that were left out since the last that was not.
    events_lost: u64,
    overflown: bool,
}

impl Outbox {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether another request may be read.
    #[must_use]
    pub fn admits(&self) -> bool {
        let state = self.lock();
        let width = (IN_FLIGHT_BYTES / state.largest_reply.max(1)).clamp(1, MAX_IN_FLIGHT);
        state.in_flight < width && state.bytes.len() < SOFT_LIMIT
    }

    /// Appends a whole message; the newline is added here.
    pub fn line(&self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.lock();
        write(&mut state.bytes);
        state.bytes.push(b'\n');
        if state.bytes.len() > HARD_LIMIT {
            state.overflown = true;
        }
        drop(state);
        self.wake.notify_one();
    }

    /// An event, if the caller reads fast enough for events; `params` gets the number of those lost.
    pub fn event(&self, method: &str, params: impl FnOnce(u64) -> String) {
        let mut state = self.lock();
        if state.bytes.len() > SOFT_LIMIT {
            state.events_lost += 1;
            return;
        }
        let lost = std::mem::take(&mut state.events_lost);
        message::write_request(&mut state.bytes, None, method, Some(&params(lost)));
        drop(state);
        self.wake.notify_one();
    }

    /// Takes what is to be sent into `buffer`, which must be empty. `Err` if the caller must be cut off.
    pub fn take(&self, buffer: &mut Vec<u8>) -> Result<(), Overflown> {
        let mut state = self.lock();
        if state.overflown {
            return Err(Overflown);
        }
        std::mem::swap(&mut state.bytes, buffer);
        Ok(())
    }

    #[must_use]
    pub fn is_quiet(&self) -> bool {
        let state = self.lock();
        state.in_flight == 0 && state.bytes.is_empty()
    }

    fn begin(&self) {
        self.lock().in_flight += 1;
    }

    fn end(&self, reply_bytes: usize) {
        let mut state = self.lock();
        state.in_flight -= 1;
        state.largest_reply = state.largest_reply.max(reply_bytes);
    }
}

#[derive(Debug)]
pub struct Overflown;

/// Collects the replies of one batch.
pub struct Batch {
    outbox: Arc<Outbox>,
    state: Mutex<BatchState>,
}

struct BatchState {
    remaining: usize,
    body: Vec<u8>,
}

impl Batch {
    #[must_use]
    pub fn new(outbox: Arc<Outbox>, requests: usize) -> Arc<Self> {
        Arc::new(Self { outbox, state: Mutex::new(BatchState { remaining: requests, body: Vec::new() }) })
    }

    /// One request of the batch is done; a notification has nothing to say.
    fn done(&self, reply: Option<&[u8]>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.remaining -= 1;
        if let Some(reply) = reply {
            let separator = if state.body.is_empty() { b'[' } else { b',' };
            state.body.push(separator);
            state.body.extend_from_slice(reply);
        }
        if state.remaining == 0 && !state.body.is_empty() {
            let body = std::mem::take(&mut state.body);
            self.outbox.line(|out| {
                out.extend_from_slice(&body);
                out.push(b']');
            });
        }
    }
}

/// Where one request's answer goes. Dropping it unanswered answers with an internal error, so that
/// no caller waits for ever.
pub struct ReplyTo {
    outbox: Arc<Outbox>,
    /// JSON text; absent for a notification, which nobody answers.
    id: Option<Box<str>>,
    batch: Option<Arc<Batch>>,
    answered: bool,
}

impl ReplyTo {
    #[must_use]
    pub fn new(outbox: &Arc<Outbox>, id: Option<&str>, batch: Option<&Arc<Batch>>) -> Self {
        outbox.begin();
        Self { outbox: Arc::clone(outbox), id: id.map(Into::into), batch: batch.cloned(), answered: false }
    }

    fn finish(&mut self, write: impl FnOnce(&mut Vec<u8>, &str)) {
        self.answered = true;
        let mut written = 0;
        match (&self.id, &self.batch) {
            (None, None) => {}
            (None, Some(batch)) => batch.done(None),
            (Some(id), None) => self.outbox.line(|out| {
                let start = out.len();
                write(out, id);
                written = out.len() - start;
            }),
            (Some(id), Some(batch)) => {
                let mut reply = Vec::new();
                write(&mut reply, id);
                written = reply.len();
                batch.done(Some(&reply));
            }
        }
        self.outbox.end(written);
        self.outbox.wake.notify_one();
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
mod tests {
    use super::*;

    fn sent(outbox: &Outbox) -> String {
        let mut bytes = Vec::new();
        outbox.take(&mut bytes).expect("is not over the limit");
        String::from_utf8(bytes).expect("is text")
    }

    #[test]
    fn a_batch_answers_in_one_line_when_its_last_member_is_done() {
        let outbox = Arc::new(Outbox::default());
        let batch = Batch::new(Arc::clone(&outbox), 3);
        let replies = ["1", "2"].map(|id| ReplyTo::new(&outbox, Some(id), Some(&batch)));
        let note = ReplyTo::new(&outbox, None, Some(&batch));
        let [first, second] = replies;
        second.value("\"b\"");
        note.value("0");
        assert_eq!(sent(&outbox), "");
        first.value("\"a\"");
        assert_eq!(
            sent(&outbox),
            "[{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"b\"},{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"a\"}]\n"
        );
        assert!(outbox.is_quiet());
    }

    #[test]
    fn a_dropped_call_is_still_answered_and_a_lone_notification_never() {
        let outbox = Arc::new(Outbox::default());
        drop(ReplyTo::new(&outbox, Some("7"), None));
        drop(ReplyTo::new(&outbox, None, None));
        let text = sent(&outbox);
        assert!(text.contains("\"id\":7") && text.contains("-32603"), "{text}");
        assert_eq!(text.lines().count(), 1);
    }

    #[test]
    fn large_replies_narrow_the_flight() {
        let outbox = Arc::new(Outbox::default());
        let flight: Vec<_> = (0..MAX_IN_FLIGHT).map(|_| ReplyTo::new(&outbox, Some("1"), None)).collect();
        assert!(!outbox.admits());
        drop(flight);
        let _ = sent(&outbox);
        assert!(outbox.admits());
        ReplyTo::new(&outbox, Some("1"), None).value(&"x".repeat(IN_FLIGHT_BYTES));
        let _ = sent(&outbox);
        let _one = ReplyTo::new(&outbox, Some("1"), None);
        assert!(!outbox.admits());
    }

    #[test]
    fn events_are_left_out_and_counted_while_the_caller_does_not_read() {
        let outbox = Outbox::default();
        outbox.line(|out| out.resize(SOFT_LIMIT + 1, b'x'));
        outbox.event("hauki.log", |_| "{}".into());
        let _ = sent(&outbox);
        outbox.event("hauki.log", |lost| format!("{{\"lost\":{lost}}}"));
        assert!(sent(&outbox).contains("{\"lost\":1}"));
    }
}
