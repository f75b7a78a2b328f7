//! Lines that are too long for a lane: what it would take to see that one of sixty megabytes is no request would stop all
//! callers of the lane for as long.
//!
//! They are handled on a thread of their own, one of each vault at a time, and what is refused is its caller's debt as
//! any other word is. Meanwhile their connection goes on: nothing behind the line is taken, but it is read and looked at.

use std::pin::Pin;
use std::sync::Arc;

use super::chatter::Words;
use super::session::Session;
use super::turn::{self, Source};
use hauki_contract::rpc::line::Whole;
use hauki_contract::system::clock;

/// Longer than this: a lane reads it within a millisecond.
const LONG: usize = 128 * 1024;

/// A line that is being handled.
pub(super) struct Job {
    /// What it holds meanwhile.
    pub(super) bytes: usize,
    pub(super) done: Pin<Box<dyn Future<Output = Done> + Send>>,
}

/// What was said in it, and what that has cost.
#[derive(Default)]
pub(super) struct Done {
    pub(super) words: Words,
    pub(super) spent_ns: u64,
}

/// Whether a line of that length is one.
pub(super) fn is_long(length: Option<usize>, limit: usize) -> bool {
    length.is_some_and(|length| length > LONG && length <= limit)
}

impl Job {
    pub(super) fn new(session: &Arc<Session>, line: Whole) -> Self {
        let session = Arc::clone(session);
        let bytes = line.len();
        let source = Source::Vault(session.gate.vault.id.clone());
        let done = Box::pin(async move {
            let handled = turn::take_long(source, move || {
                let (began, mut words) = (clock::thread_ns(), Words::default());
                session.handle(&line, &mut words);
                Done { words, spent_ns: clock::thread_ns().saturating_sub(began) }
            });
            // Only a thread that has panicked says nothing, and whoever waits for an answer has got one by that.
            handled.await.unwrap_or_default()
        });
        Self { bytes, done }
    }

    /// Resolves when the line has been handled; never where there is none.
    pub(super) async fn end(job: &mut Option<Self>) -> Done {
        match job {
            Some(Self { done, .. }) => done.await,
            None => std::future::pending().await,
        }
    }
}
