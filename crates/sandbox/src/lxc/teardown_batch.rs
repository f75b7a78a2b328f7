//! Batched teardown: deaths before burials: what is left of a vault is cleared when no other is about to die.
//!
//! An init that was killed still needs a core to die on, and so does the clearing of what the dead have
//! left, by their monitors above all, which takes several times as long. Where hundreds are killed at once
//! the last would otherwise live until the first are buried.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// One that cannot die holds up nobody for longer.
const PATIENCE: Duration = Duration::from_millis(500);
/// As many can die at the same time without being slower for it.
const MANY: usize = 8;

#[derive(Default)]
pub(super) struct TeardownBatch {
    state: watch::Sender<State>,
}

#[derive(Default)]
struct State {
    count: usize,
    /// How often all were dead. Watchers are told of that only.
    calms: u64,
}

impl TeardownBatch {
    /// One was killed; whether many are dying now.
    pub(super) fn killed(&self) -> bool {
        let mut many = false;
        self.state.send_if_modified(|state| {
            state.count += 1;
            many = state.count >= MANY;
            false
        });
        many
    }

    /// One that was killed is dead.
    pub(super) fn died(&self) {
        self.state.send_if_modified(|state| {
            state.count -= 1;
            state.calms += u64::from(state.count == 0);
            state.count == 0
        });
    }

    /// Waits until all are dead that were killed, whoever is killed after that.
    pub(super) async fn calm(&self) {
        let mut state = self.state.subscribe();
        let calms = {
            let state = state.borrow();
            if state.count == 0 {
                return;
            }
            state.calms
        };
        let _ = timeout(PATIENCE, state.wait_for(|state| state.calms > calms)).await;
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[tokio::test]
    async fn the_dead_wait_for_the_dying_but_not_for_ever() {
        let dying = TeardownBatch::default();
        dying.calm().await;
        (0..3).for_each(|_| assert!(!dying.killed()));
        let mut waits = pin!(dying.calm());
        let mut look = || waits.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        for _ in 0..3 {
            assert_eq!(look(), Poll::Pending);
            dying.died();
        }
        // It was calm once, and that counts.
        dying.killed();
        assert_eq!(look(), Poll::Ready(()));
        dying.died();
        // Some that never die.
        for number in 1..=MANY {
            assert_eq!(dying.killed(), number == MANY);
        }
        dying.calm().await;
    }
}
