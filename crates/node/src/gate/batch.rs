//! Batch of requests: their replies are collected into one line.

use std::sync::{Arc, Mutex, PoisonError};

use super::replies::{ReplyQueue, SHORT, left_out, take_back};
use hauki_contract::rpc::message::{self, RpcError, code};

/// Collects the replies of one batch into one line, which keeps to the limit of a frame as well:
/// members that do not fit are answered with an error.
pub struct Batch {
    queue: Arc<ReplyQueue>,
    limit: usize,
    pub(super) state: Mutex<BatchState>,
}

pub(super) struct BatchState {
    remaining: usize,
    pub(super) body: Vec<u8>,
}

impl Batch {
    #[must_use]
    pub fn new(queue: Arc<ReplyQueue>, requests: usize, limit: usize) -> Arc<Self> {
        let state = Mutex::new(BatchState { remaining: requests, body: Vec::new() });
        Arc::new(Self { queue, limit, state })
    }

    pub(super) fn reply(&self, id: &str, write: impl FnOnce(&mut Vec<u8>, &str)) -> usize {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let separator = if state.body.is_empty() { b'[' } else { b',' };
        let before = state.body.len();
        state.body.push(separator);
        let start = state.body.len();
        write(&mut state.body, id);
        let written = state.body.len() - start;
        let mut queue = self.queue.lock();
        let over = (written > SHORT && state.body.len() > self.limit).then(|| {
            let message = format!("the answers of the batch are longer than {} bytes", self.limit);
            RpcError::new(code::TOO_LARGE, message)
        });
        let crowded = queue.is_crowded(queue.backlog(), written).then(left_out);
        if let Some(error) = over.or(crowded) {
            take_back(&mut state.body, start);
            message::write_error(&mut state.body, Some(id), &error);
        }
        queue.gathered += state.body.len() - before;
        queue.account();
        drop(queue);
        self.settle(&mut state);
        written
    }

    /// A notification of the batch is done and has nothing to say.
    pub(super) fn note(&self) {
        self.settle(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn settle(&self, state: &mut BatchState) {
        state.remaining -= 1;
        if state.remaining == 0 && !state.body.is_empty() {
            let body = std::mem::take(&mut state.body);
            self.queue.lock().gathered -= body.len();
            self.queue.line(|out| {
                out.extend_from_slice(&body);
                out.push(b']');
            });
        }
    }
}
