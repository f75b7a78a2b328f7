//! Offloading: lines that are too long for a lane: what it would take to see that one of sixty megabytes is no
//! request would stop all callers of the lane for as long.
//!
//! They are handled on a thread of their own, one of each vault at a time. What one costs of which the vault is not asked is
//! its ticket's debt: with its next long line it waits until a tenth of a core would have paid, which may be seconds, on
//! whatever connection that line comes. Meanwhile its connection goes on: nothing behind the line is taken, but it is
//! read and looked at. What comes is heard by that, and an owner of whom nothing comes is as silent as any. Only where
//! nothing is read, because no more may be held, does he count as heard for as long as he waits.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::sleep;

use super::fair_scheduler::{self, Applicant};
use super::rate_limit::MessageCount;
use super::session::GateSession;
use hauki_contract::model::id::TicketId;
use hauki_contract::model::lease::Mono;
use hauki_contract::rpc::ndjson::Whole;
use hauki_contract::system::clock;

/// Longer than this: a lane reads it within a millisecond.
const LONG: usize = 128 * 1024;
/// What the lane has spent on each byte before, about: most of it is TLS.
const BYTE_NS: u64 = 2;
/// How much longer is waited than was worked.
const TIMES: u64 = 10;
/// However much was.
const MOST_MS: u64 = 30_000;
/// Nobody who is not read is silent for longer.
const SIGN: Duration = Duration::from_millis(100);

/// Until when tickets wait with their next long line. Each of them has had as long a line refused in the time that is kept.
#[derive(Default)]
pub struct Debts(Mutex<HashMap<TicketId, Mono>>);

impl Debts {
    fn left(&self, ticket: &TicketId, now: Mono) -> Option<Duration> {
        let debts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = debts.get(ticket)?.since(now);
        (left > 0).then(|| Duration::from_micros(left))
    }

    fn owe(&self, ticket: &TicketId, spent_ns: u64, now: Mono) {
        if spent_ns == 0 {
            return;
        }
        let mut debts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        debts.retain(|_, until| *until > now);
        let until = debts.entry(ticket.clone()).or_insert(now);
        until.0 = until.0.saturating_add(spent_ns.saturating_mul(TIMES) / 1000).min(now.plus_ms(MOST_MS).0);
    }
}

/// A line that is being handled.
pub(super) struct LongLine {
    /// What it holds meanwhile.
    pub(super) bytes: usize,
    /// Whether nothing of its connection is read meanwhile.
    unread: Arc<AtomicBool>,
    pub(super) done: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Whether a line of that length is one.
pub(super) fn is_long(length: Option<usize>, limit: usize) -> bool {
    length.is_some_and(|length| length > LONG && length <= limit)
}

impl LongLine {
    pub(super) fn new(session: &Arc<GateSession>, line: Whole) -> Self {
        let session = Arc::clone(session);
        let (bytes, unread) = (line.len(), Arc::<AtomicBool>::default());
        let is_unread = Arc::clone(&unread);
        let source = Applicant::Vault(session.gate.vault.id.clone());
        let done = Box::pin(async move {
            while let Some(left) = session.gate.debts.left(session.ticket(), session.gate.vault.now()) {
                if is_unread.load(Ordering::Relaxed) {
                    session.heard();
                }
                sleep(left.min(SIGN)).await;
            }
            let handled = fair_scheduler::take_long(source, move || {
                let (began, mut words) = (clock::thread_ns(), MessageCount::default());
                session.handle(&line, &mut words);
                let spent_ns = clock::thread_ns().saturating_sub(began) + BYTE_NS * line.len() as u64;
                let gate = &session.gate;
                gate.debts.owe(session.ticket(), words.own_part(spent_ns), gate.vault.now());
            });
            // Only a thread that has panicked says nothing, and whoever waits for an answer has got one by that.
            handled.await.unwrap_or_default();
        });
        Self { bytes, unread, done }
    }

    /// Says whether there is room for what else its caller sends.
    pub(super) fn keeps(&self, has_room: bool) {
        self.unread.store(!has_room, Ordering::Relaxed);
    }

    /// Resolves when the line has been handled; never where there is none.
    pub(super) async fn end(job: &mut Option<Self>) {
        match job {
            Some(Self { done, .. }) => done.await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_refused_is_waited_for_by_its_ticket_and_by_nobody_else() {
        let debts = Debts::default();
        let [one, other] = [1, 2].map(|number| TicketId::mint(1, number));
        let now = Mono(7_000_000);
        debts.owe(&one, 0, now);
        assert_eq!(debts.left(&one, now), None);
        debts.owe(&one, 200_000_000, now);
        debts.owe(&one, 100_000_000, now.plus_ms(1_000));
        assert_eq!(debts.left(&one, now.plus_ms(1_000)), Some(Duration::from_secs(2)));
        assert_eq!((debts.left(&one, now.plus_ms(3_000)), debts.left(&other, now)), (None, None));
        debts.owe(&other, u64::MAX, now.plus_ms(3_000));
        assert_eq!(debts.left(&other, now.plus_ms(3_000)), Some(Duration::from_millis(MOST_MS)));
        assert_eq!(debts.0.lock().expect("is whole").len(), 1, "what is paid is not kept");
    }
}
