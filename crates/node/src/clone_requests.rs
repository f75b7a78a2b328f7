//! Pending requests of workers: their wishes to clone, which wait here until the core has answered them.
//!
//! A core asks for all that came after the last one it knows, so one that starts anew hears again of every wish that
//! still has somebody waiting for it, and no worker that prints can push one out. What they hold is bounded for all of
//! the node; over the bound, whoever holds most loses its newest, which is told at once. All of it is in memory: who
//! wishes cannot outlive this process.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use hauki_contract::api::ApiError;
use hauki_contract::api::clone::{CloneAsk, CloneAsks};
use hauki_contract::model::id::VaultId;
use hauki_contract::model::lease::Mono;
use hauki_contract::model::ticket::Ticket;
use hauki_contract::model::trace::TraceContext;
use hauki_contract::system::clock;

/// Sixteen of the longest, which is as many as one vault may have open.
const MOST_BYTES: usize = 16 << 20;
/// What a short one takes all the same.
const WISH_COSTS: usize = 256;
/// What goes into one answer, which a core on another machine takes up to a size only.
const PIECE_BYTES: usize = 2 << 20;
/// A core that asked asks again before this is over, or has gone.
const HEARD_MS: u64 = 30_000;

pub(crate) type CloneReply = Result<Ticket, Box<ApiError>>;

pub struct PendingWishes {
    boot_id: String,
    state: Mutex<State>,
    fresh: Notify,
}

#[derive(Default)]
struct State {
    last: u64,
    waiting: BTreeMap<u64, Wish>,
    bytes: usize,
    heard_until: Option<Mono>,
}

struct Wish {
    ask: CloneAsk,
    made: oneshot::Sender<CloneReply>,
}

impl Wish {
    fn bytes(&self) -> usize {
        self.ask.arguments.len() + WISH_COSTS
    }
}

impl State {
    fn remove(&mut self, number: u64) -> Option<Wish> {
        let wish = self.waiting.remove(&number)?;
        self.bytes -= wish.bytes();
        Some(wish)
    }

    /// Whoever holds most loses its newest: the core may be at work on its oldest.
    fn make_room(&mut self) {
        while self.bytes > MOST_BYTES {
            let mut held: HashMap<&VaultId, (usize, u64)> = HashMap::new();
            for (number, wish) in &self.waiting {
                let of = held.entry(&wish.ask.vault).or_default();
                *of = (of.0 + wish.bytes(), *number);
            }
            let most = held.into_values().max();
            let Some((_, newest)) = most else { return };
            self.remove(newest);
        }
    }
}

/// Forgets the wish when its vault gives up: an answer that comes then is refused.
pub struct WishGuard<'a> {
    wishes: &'a PendingWishes,
    number: u64,
    made: oneshot::Receiver<CloneReply>,
}

impl WishGuard<'_> {
    /// `None`: there is no room for so many wishes.
    pub async fn made(mut self) -> Option<CloneReply> {
        (&mut self.made).await.ok()
    }
}

impl Drop for WishGuard<'_> {
    fn drop(&mut self) {
        self.wishes.state().remove(self.number);
    }
}

impl PendingWishes {
    #[must_use]
    pub fn new(boot_id: String) -> Self {
        Self { boot_id, state: Mutex::default(), fresh: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn make(
        &self,
        vault: VaultId,
        arguments: String,
        trace: Option<TraceContext>,
    ) -> (CloneAsk, WishGuard<'_>) {
        let (sender, made) = oneshot::channel();
        let (ask, number) = {
            let mut state = self.state();
            state.last += 1;
            let number = state.last;
            let traceparent = trace.map(|trace| trace.to_string());
            let ask = CloneAsk { vault, number, arguments, traceparent };
            let wish = Wish { ask: ask.clone(), made: sender };
            state.bytes += wish.bytes();
            state.waiting.insert(number, wish);
            state.make_room();
            (ask, number)
        };
        self.fresh.notify_waiters();
        (ask, WishGuard { wishes: self, number, made })
    }

    /// The core's answer. `false`: nobody waits for it any more.
    pub fn answer(&self, vault: &VaultId, number: u64, made: CloneReply) -> bool {
        let mut state = self.state();
        if state.waiting.get(&number).is_none_or(|wish| wish.ask.vault != *vault) {
            return false;
        }
        state.remove(number).is_some_and(|wish| wish.made.send(made).is_ok())
    }

    /// Whether a core asks for them here. One of an older version waits for them among the news.
    #[must_use]
    pub fn are_heard(&self) -> bool {
        self.state().heard_until.is_some_and(|until| clock::mono() < until)
    }

    /// The next ones, and whether the asker has the newest that there was.
    fn after(&self, after: u64) -> (CloneAsks, bool) {
        let state = self.state();
        let mut bytes = 0;
        let fits = |(_, wish): &(&u64, &Wish)| {
            // The first always goes, or there would be no next.
            let first = bytes == 0;
            bytes += wish.bytes();
            first || bytes <= PIECE_BYTES
        };
        let next = || state.waiting.range(after.saturating_add(1)..);
        let piece: Vec<(&u64, &Wish)> = next().take_while(fits).collect();
        let last = match piece.last() {
            Some((number, _)) if piece.len() < next().count() => **number,
            _ => state.last,
        };
        let asks = piece.into_iter().map(|(_, wish)| wish.ask.clone()).collect();
        (CloneAsks { boot_id: self.boot_id.clone(), last, asks }, after == state.last)
    }

    pub async fn wait(&self, after: u64, wait_ms: u64) -> CloneAsks {
        self.state().heard_until = Some(clock::mono().plus_ms(wait_ms + HEARD_MS));
        let wait = async {
            loop {
                let mut fresh = std::pin::pin!(self.fresh.notified());
                fresh.as_mut().enable();
                let (asks, knows_all) = self.after(after);
                // What is waited for may be given up meanwhile; a number from the future comes from another boot.
                if !asks.asks.is_empty() || !knows_all && after > asks.last {
                    return asks;
                }
                fresh.await;
            }
        };
        match tokio::time::timeout(Duration::from_millis(wait_ms), wait).await {
            Ok(asks) => asks,
            Err(_) => self.after(after).0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hauki_contract::api::ErrorCode;
    use hauki_contract::system::random;

    fn refusal() -> CloneReply {
        Err(Box::new(ApiError::new(ErrorCode::Quota, "no")))
    }

    fn numbers(asks: &CloneAsks) -> Vec<u64> {
        asks.asks.iter().map(|ask| ask.number).collect()
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_wish_waits_until_it_is_answered_or_given_up_and_is_told_to_every_core() {
        let (wishes, vault) = (PendingWishes::new("b1".into()), random::vault_id());
        assert!(!wishes.are_heard());
        let (first, waits) = wishes.make(vault.clone(), "[1]".into(), None);
        let (second, gives_up) = wishes.make(vault.clone(), "[2]".into(), None);
        for _ in 0..2 {
            assert_eq!(numbers(&wishes.wait(0, 0).await), [first.number, second.number], "heard again");
        }
        assert!(wishes.are_heard());
        assert_eq!(wishes.wait(second.number, 0).await.asks, []);
        drop(gives_up);
        assert_eq!(numbers(&wishes.wait(0, 0).await), [first.number]);
        assert!(!wishes.answer(&random::vault_id(), first.number, refusal()), "another vault's");
        assert!(wishes.answer(&vault, first.number, refusal()));
        assert!(!wishes.answer(&vault, first.number, refusal()), "once");
        assert!(waits.made().await.is_some_and(|made| made.is_err()));
        let (asks, third) = tokio::join!(wishes.wait(second.number, 60_000), async {
            wishes.make(vault.clone(), "[3]".into(), None)
        });
        assert_eq!(numbers(&asks), [third.0.number]);
        // Of an earlier boot.
        assert_eq!(wishes.wait(99, 60_000).await.last, third.0.number);
        drop(third);
        assert_eq!(wishes.state().bytes, 0);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn who_wishes_for_too_much_loses_its_own_and_is_told() {
        let (wishes, quiet, loud) = (PendingWishes::new("b1".into()), random::vault_id(), random::vault_id());
        let (kept, _waits) = wishes.make(quiet.clone(), "[\"gem-pointer://a\"]".into(), None);
        let long = || "x".repeat(1 << 20);
        let all: Vec<_> = (0..20).map(|_| wishes.make(loud.clone(), long(), None).1).collect();
        assert!(wishes.state().bytes <= MOST_BYTES);
        let (mut after, mut heard) = (0, Vec::new());
        loop {
            let asks = wishes.wait(after, 0).await;
            assert!(asks.asks.iter().map(|ask| ask.arguments.len()).sum::<usize>() <= PIECE_BYTES);
            heard.extend(numbers(&asks));
            if asks.asks.is_empty() {
                break;
            }
            after = asks.last;
        }
        assert!(heard.contains(&kept.number) && (12..=16).contains(&heard.len()), "{heard:?}");
        let mut lost = 0;
        for waiting in all {
            if !heard.contains(&waiting.number) {
                assert!(waiting.made().await.is_none());
                lost += 1;
            }
        }
        assert_eq!(lost + heard.len() - 1, 20);
    }
}
