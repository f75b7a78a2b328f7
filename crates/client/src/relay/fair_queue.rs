//! Fair queue: whose call is next, where many programs share one session.
//!
//! A gate answers one connection's calls in their order, so what has been sent cannot be overtaken. Therefore each program
//! has one call at a time in the row for the session, and no more are sent ahead than are answered within a moment, as
//! far as the last ones tell. Who does not take his answers asks for nothing more.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use hauki_contract::system::clock;

/// Calls of one session at a time: a gate takes no more.
const MOST: usize = 64;
/// One is worked on, and the next is there when it ends.
const LEAST: usize = 2;
/// What a newcomer may find in front of him.
const AHEAD: Duration = Duration::from_millis(200);
/// What a program may leave unread and still ask for more.
const UNREAD: usize = 1024 * 1024;

/// A session's.
#[derive(Default)]
pub(super) struct FairQueue {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    sent: usize,
    /// How long a call takes while there is always another, by the last ones; zero until one has ended.
    pace: Duration,
    /// Since when there is one.
    since: Option<Instant>,
    waiting: VecDeque<oneshot::Sender<RelayPermit>>,
}

/// One call that is sent, until it has been answered.
pub(super) struct RelayPermit(Arc<FairQueue>);

impl Drop for RelayPermit {
    fn drop(&mut self) {
        self.0.ended();
    }
}

impl State {
    fn has_room(&self) -> bool {
        let ahead = AHEAD.as_micros().checked_div(self.pace.as_micros());
        let ahead = ahead.map_or(MOST, |ahead| usize::try_from(ahead).unwrap_or(MOST));
        self.sent < ahead.clamp(LEAST, MOST)
    }

    fn begin(&mut self) {
        self.since.get_or_insert_with(clock::timer_now);
        self.sent += 1;
    }
}

impl FairQueue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn take(self: &Arc<Self>) -> RelayPermit {
        let waiting = {
            let mut state = self.lock();
            if state.waiting.is_empty() && state.has_room() {
                state.begin();
                return RelayPermit(Arc::clone(self));
            }
            let (place, waiting) = oneshot::channel();
            state.waiting.push_back(place);
            waiting
        };
        waiting.await.expect("who waits is called, for as long as there is somebody who could call")
    }

    fn ended(self: &Arc<Self>) {
        {
            let mut state = self.lock();
            state.sent -= 1;
            let took = state
                .since
                .map_or(Duration::ZERO, |since| clock::timer_now().saturating_duration_since(since))
                .max(Duration::from_micros(1));
            // Quick to grow and slow to shrink.
            state.pace = took.max((state.pace * 7 + took) / 8);
            state.since = (state.sent > 0).then(clock::timer_now);
        }
        // Outside of the lock: a turn that nobody takes any more ends at once.
        while let Some((place, turn)) = self.next() {
            let _ = place.send(turn);
        }
    }

    fn next(self: &Arc<Self>) -> Option<(oneshot::Sender<RelayPermit>, RelayPermit)> {
        let mut state = self.lock();
        while state.has_room()
            && let Some(place) = state.waiting.pop_front()
        {
            if !place.is_closed() {
                state.begin();
                return Some((place, RelayPermit(Arc::clone(self))));
            }
        }
        None
    }
}

/// One program of a session.
#[derive(Default)]
pub(super) struct ProgramQueue {
    session: Option<Arc<FairQueue>>,
    /// One of its calls stands in the row.
    row: tokio::sync::Mutex<()>,
    unread: AtomicUsize,
    read: Notify,
}

impl ProgramQueue {
    pub(super) fn of(session: &Arc<FairQueue>) -> Self {
        Self { session: Some(Arc::clone(session)), ..Self::default() }
    }

    /// Waits for the turn of a call; nobody waits where a session has one program only.
    pub(super) async fn turn(&self) -> Option<RelayPermit> {
        let session = self.session.as_ref()?;
        let _place = self.row.lock().await;
        while self.unread.load(Ordering::Relaxed) > UNREAD {
            self.read.notified().await;
        }
        Some(session.take().await)
    }

    /// So many bytes lie there that it has not taken.
    pub(super) fn leaves(&self, bytes: usize) {
        self.unread.store(bytes, Ordering::Relaxed);
        if bytes <= UNREAD {
            self.read.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    /// The next call to end will have taken a tenth of a second.
    fn takes_a_while(session: &FairQueue) {
        session.lock().since = clock::timer_now().checked_sub(Duration::from_millis(100));
    }

    #[tokio::test]
    async fn programs_take_turns_however_many_calls_they_have() {
        let session = Arc::<FairQueue>::default();
        let (greedy, other) = (Arc::new(ProgramQueue::of(&session)), ProgramQueue::of(&session));
        let (told, mut order) = tokio::sync::mpsc::unbounded_channel();
        for _ in 0..200 {
            let (greedy, told) = (Arc::clone(&greedy), told.clone());
            tokio::spawn(async move { drop(told.send(greedy.turn().await)) });
        }
        drop(told);
        // As many as a gate takes, since nobody knows how long they take.
        let mut sent = VecDeque::new();
        for _ in 0..MOST {
            sent.push_back(order.recv().await.expect("is sent"));
        }
        let mut mine = Box::pin(other.turn());
        assert!(mine.as_mut().now_or_never().is_none() && order.try_recv().is_err());
        // They take a tenth of a second each, so no more than two are sent ahead.
        while sent.len() > LEAST {
            takes_a_while(&session);
            drop(sent.pop_front());
            tokio::task::yield_now().await;
            assert!(order.try_recv().is_err());
        }
        // Of the next two one is the other program's, though a hundred of the first have waited before it.
        for _ in 0..2 {
            takes_a_while(&session);
            drop(sent.pop_front());
            while let Ok(turn) = order.try_recv() {
                sent.push_back(turn);
            }
            tokio::task::yield_now().await;
        }
        assert!(mine.now_or_never().is_some());
    }

    #[tokio::test]
    async fn who_takes_no_answers_or_has_left_keeps_no_turn_from_others() {
        let session = Arc::<FairQueue>::default();
        let (deaf, other) = (ProgramQueue::of(&session), ProgramQueue::of(&session));
        deaf.leaves(UNREAD + 1);
        let mut waiting = Box::pin(deaf.turn());
        assert!(waiting.as_mut().now_or_never().is_none());
        let all: Vec<_> = (0..MOST).map(|_| other.turn().now_or_never().expect("has room")).collect();
        let mut left = Box::pin(other.turn());
        assert!(left.as_mut().now_or_never().is_none());
        deaf.leaves(0);
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(left);
        drop(all);
        assert!(waiting.now_or_never().is_some());
        assert_eq!(session.lock().sent, 0, "nothing is left of what was taken");
    }

    #[tokio::test]
    async fn a_program_alone_waits_for_nobody() {
        let alone = ProgramQueue::default();
        for _ in 0..2 * MOST {
            assert!(alone.turn().now_or_never().expect("at once").is_none());
        }
    }
}
