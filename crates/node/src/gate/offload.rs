//! Offloading: lines that are too long for a shard: what it would take to see that one of sixty megabytes is no
//! request would stop all callers of the shard for as long.
//!
//! They are handled on a thread of their own, one of each vault at a time. What one costs of which the vault is not asked is
//! its ticket's debt: with its next long line it waits until a tenth of a core would have paid, which may be seconds, on
//! whatever connection that line comes. What a line costs with which the vault is asked for something is its debt as well,
//! whether or not the vault ever gets to it: the node may spend as much on that as the vault's own limit, in equal parts
//! for all tickets that owe. Meanwhile its connection goes on: nothing behind the line is taken, but it is
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

/// Longer than this: a shard reads it within a millisecond.
pub(super) const LONG: usize = 128 * 1024;
/// What the shard has spent on each byte before, about: most of it is TLS.
pub(super) const BYTE_NS: u64 = 2;
/// How much longer is waited than was worked.
const TIMES: u64 = 10;
/// However much was.
const MOST_MS: u64 = 30_000;
/// Who has paid is one of those that owe for as long: others have a part of the whole each, not the whole in turn.
const KEPT_MS: u64 = 1_000;
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

    /// What was spent since `began` is paid for from then on.
    fn owe(&self, ticket: &TicketId, spent: &Spent, began: Mono, now: Mono) {
        let mut debts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        debts.retain(|_, until| until.plus_ms(KEPT_MS) > now);
        let until = debts.get(ticket).copied().unwrap_or(began).max(began);
        let tickets = debts.len() + usize::from(!debts.contains_key(ticket));
        let until = Mono(until.0.saturating_add(spent.wait_us(tickets as u64)).min(now.plus_ms(MOST_MS).0));
        if until > began {
            debts.insert(ticket.clone(), until);
        }
    }
}

/// What a line has cost.
struct Spent {
    /// Where the vault was not asked.
    own_ns: u64,
    /// Where it was, and its limit, in percent of a core.
    asked_ns: u64,
    percent: u32,
}

impl Spent {
    /// How long its ticket is not listened to, as one of so many that owe.
    fn wait_us(&self, tickets: u64) -> u64 {
        let asked = self.asked_ns.saturating_mul(100 * tickets) / u64::from(self.percent.max(1));
        self.own_ns.saturating_mul(TIMES).saturating_add(asked) / 1000
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
                let (gate, mut words) = (&session.gate, MessageCount::default());
                let (began, at) = (clock::thread_ns(), gate.vault.now());
                session.handle(&line, &mut words);
                let spent_ns = clock::thread_ns().saturating_sub(began) + BYTE_NS * line.len() as u64;
                let (own_ns, percent) = (words.own_part(spent_ns), gate.vault.limits.cpu_percent);
                let spent = Spent { own_ns, asked_ns: spent_ns - own_ns, percent };
                gate.debts.owe(session.ticket(), &spent, at, gate.vault.now());
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

    fn refused(own_ns: u64) -> Spent {
        Spent { own_ns, asked_ns: 0, percent: 100 }
    }

    #[test]
    fn what_was_refused_is_waited_for_by_its_ticket_and_by_nobody_else() {
        let debts = Debts::default();
        let [one, other] = [1, 2].map(|number| TicketId::mint(1, number));
        let now = Mono(7_000_000);
        debts.owe(&one, &refused(0), now, now);
        assert_eq!(debts.left(&one, now), None);
        debts.owe(&one, &refused(200_000_000), now, now);
        debts.owe(&one, &refused(100_000_000), now, now.plus_ms(1_000));
        assert_eq!(debts.left(&one, now.plus_ms(1_000)), Some(Duration::from_secs(2)));
        assert_eq!((debts.left(&one, now.plus_ms(3_000)), debts.left(&other, now)), (None, None));
        let then = now.plus_ms(4_001);
        debts.owe(&other, &refused(u64::MAX), then, then);
        assert_eq!(debts.left(&other, then), Some(Duration::from_millis(MOST_MS)));
        assert_eq!(debts.0.lock().expect("is whole").len(), 1, "what is paid is not kept");
    }

    /// What is spent on so many tickets in ten seconds that each send the next long call as soon as they may.
    fn spent_ms(tickets: u128, percent: u32, cost_ms: u64) -> u64 {
        let (debts, mut now, mut spent) = (Debts::default(), Mono(0), 0);
        while now < Mono(0).plus_ms(10_000) {
            let before = now;
            for ticket in (1..=tickets).map(|number| TicketId::mint(1, number)) {
                if debts.left(&ticket, now).is_none() {
                    let began = now;
                    now = now.plus_ms(cost_ms);
                    spent += cost_ms;
                    let cost = Spent { own_ns: 0, asked_ns: cost_ms * 1_000_000, percent };
                    debts.owe(&ticket, &cost, began, now);
                }
            }
            now = if now == before { now.plus_ms(1) } else { now };
        }
        spent
    }

    #[test]
    fn long_calls_cost_the_node_no_more_than_the_vault_may_have() {
        for (tickets, percent) in [(1, 5), (1, 50), (4, 5), (4, 50), (64, 20)] {
            let (spent, most) = (spent_ms(tickets, percent, 2), u64::from(percent) * 100);
            let first = 2 * u64::try_from(tickets).expect("is small");
            assert!((most / 2..=most + most / 5 + first).contains(&spent), "{tickets}, {percent}: {spent}");
        }
        assert!(spent_ms(1, 100, 2) >= 9_000, "a whole core is no bound for one");
    }
}
