//! Orders of a gate: the requests that come from it, of what a caller has offered to its worker, and the way of the
//! answers.
//!
//! They are sent in line with the caller's own requests, and no answer keeps a connection open.

use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::{Queued, Unsent};

/// What a gate wants of a caller.
#[derive(Debug)]
pub enum GateOrder<'a> {
    /// [`CallbackOrder`](super::super::callback::CallbackOrder) as `params`; the answer has this id.
    Call { id: &'a RawValue, params: &'a RawValue },
    /// Nobody waits for what has the id in there any more.
    GivenUp { params: &'a RawValue },
}

/// Where answers go.
#[derive(Debug, Clone)]
pub struct AnswerSink(mpsc::WeakSender<Queued>);

impl AnswerSink {
    pub(super) fn new(lines: &mpsc::Sender<Queued>) -> Self {
        Self(lines.downgrade())
    }

    /// Sends a line. Waits for room where there is none.
    pub async fn post(&self, line: Vec<u8>) -> Result<(), Unsent> {
        let lines = self.0.upgrade().ok_or(Unsent)?;
        lines.send((None, line)).await.map_err(|_| Unsent)
    }

    /// The same where there is room: nobody waits for it.
    pub fn post_now(&self, line: Vec<u8>) {
        if let Some(lines) = self.0.upgrade() {
            let _ = lines.try_send((None, line));
        }
    }
}
