//! The warm pool: blank vaults whose init already waits for a worker.
//!
//! Starting a vault is the slow part of forging one; a blank one only has to be given its source.
//! Blanks are started in the background, one at a time, with default limits, and are never the reason
//! of a failure: an order that finds none, or that asks for other limits, is forged cold. How many are
//! kept follows the demand, see `Demand`. A blank is a vault like any other to the driver: isolated,
//! limited, ended by the loss of this process, and swept after it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{sleep, sleep_until};

use super::shards::{Shard, Shards};
use hauki_contract::model::error_chain;
use hauki_contract::model::limits::Limits;
use hauki_contract::system::tasks::{self, OnFault, Task, TaskKind};
use hauki_contract::system::{clock, random};
use hauki_sandbox::{Driver, StartError, Started};

/// How often it is looked whether fewer would do.
const REST: Duration = Duration::from_secs(60);
/// From a taking to its replacement, which wants a processor for as long as a start takes: the order that
/// took it is not answered yet.
const GRACE: Duration = Duration::from_millis(5);
/// After a start that failed; doubled with each that follows.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// A started vault without a worker.
pub(crate) struct Blank {
    pub started: Started,
    /// Its tasks run there, and so must its supervisor.
    pub shard: Shard,
}

pub(crate) struct Pool {
    driver: Arc<dyn Driver>,
    shards: Arc<Shards>,
    limits: Limits,
    state: Mutex<PoolState>,
    /// How many blanks there are, for those who wait for a number.
    stock: watch::Sender<usize>,
    nudge: Notify,
    filler: Mutex<Option<Task<()>>>,
    next: AtomicU64,
}

#[derive(Default)]
struct PoolState {
    /// With the numbers by which they are struck when they die.
    blanks: Vec<(u64, Blank)>,
    demand: Demand,
    closed: bool,
}

impl Pool {
    /// Keeps at most so many; with 0 there is no pool.
    pub(crate) fn start(driver: Arc<dyn Driver>, shards: Arc<Shards>, most: u32) -> Arc<Self> {
        let state = PoolState { demand: Demand::new(most as usize), ..PoolState::default() };
        let pool = Arc::new(Self {
            driver,
            shards,
            limits: Limits::default(),
            state: Mutex::new(state),
            stock: watch::Sender::new(0),
            nudge: Notify::new(),
            filler: Mutex::default(),
            next: AtomicU64::new(0),
        });
        if most > 0 {
            let filled = Arc::clone(&pool);
            let filler = tasks::stand("pool-filler", OnFault::Restart, move || Arc::clone(&filled).fill());
            *pool.filler.lock().unwrap_or_else(PoisonError::into_inner) = Some(filler);
        }
        pool
    }

    fn state(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[must_use]
    pub(crate) fn stock(&self) -> usize {
        *self.stock.borrow()
    }

    fn count(&self, state: &PoolState) {
        self.stock.send_replace(state.blanks.len());
    }

    /// A living blank that a vault of these limits can be made of.
    #[must_use]
    pub(crate) fn take(&self, limits: &Limits) -> Option<Blank> {
        if !self.driver.serves(&self.limits, limits) {
            return None;
        }
        let mut state = self.state();
        // The youngest first: its pages are the likeliest to be in the processor's caches.
        while let Some((_, blank)) = state.blanks.pop() {
            self.count(&state);
            if !blank.started.sandbox.is_dead() {
                let left = state.blanks.len();
                state.demand.taken(left);
                return Some(blank);
            }
        }
        state.demand.missed();
        None
    }

    /// Something was taken and is in use: now there is time to fill up.
    pub(crate) fn refill(&self) {
        self.nudge.notify_one();
    }

    /// Takes nothing more in and ends what is there; returns when all of it is reclaimed.
    pub(crate) async fn close(&self) {
        let blanks = {
            let mut state = self.state();
            state.closed = true;
            let blanks = std::mem::take(&mut state.blanks);
            self.count(&state);
            blanks
        };
        self.refill();
        for (_, blank) in &blanks {
            blank.started.sandbox.kill();
        }
        for (_, blank) in blanks {
            blank.started.sandbox.reclaim().await;
        }
        let filler = self.filler.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(filler) = filler {
            // It ends after the start that is under way, which it undoes.
            let _ = filler.await;
        }
    }

    async fn fill(self: Arc<Self>) {
        let mut pause = FIRST_PAUSE;
        let mut rest = clock::alarm(REST);
        loop {
            let mut again = rest;
            while self.wants_more() {
                match self.start_one().await {
                    Ok(()) => pause = FIRST_PAUSE,
                    Err(error) => {
                        // Orders meet the same reason, and tell it.
                        tracing::debug!(error = error_chain::told(&error), "a blank vault did not start");
                        again = clock::alarm(pause);
                        pause = (pause * 2).min(REST);
                        break;
                    }
                }
            }
            if self.state().closed {
                return;
            }
            tokio::select! {
                () = self.nudge.notified() => sleep(GRACE).await,
                () = sleep_until(again.min(rest)) => {}
            }
            if clock::timer_now() >= rest {
                rest = clock::alarm(REST);
                self.shrink();
            }
        }
    }

    fn wants_more(&self) -> bool {
        let state = self.state();
        !state.closed && state.blanks.len() < state.demand.target
    }

    async fn start_one(self: &Arc<Self>) -> Result<(), StartError> {
        let shard = self.shards.assign();
        let (driver, limits, id) = (Arc::clone(&self.driver), self.limits.clone(), random::vault_id());
        let vault = id.clone();
        let starting =
            shard.spawn(TaskKind::Order, "blank-start", async move { driver.start(&id, &limits).await });
        let started = starting.await.map_err(|error| StartError::System {
            vault,
            step: "wait for the start",
            source: std::io::Error::other(error),
        })??;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let sandbox = Arc::clone(&started.sandbox);
        {
            let mut state = self.state();
            if !state.closed {
                state.blanks.push((number, Blank { started, shard: shard.clone() }));
                self.count(&state);
            }
        }
        if self.state().closed {
            sandbox.reclaim().await;
            return Ok(());
        }
        let pool: Weak<Self> = Arc::downgrade(self);
        let watching = async move {
            sandbox.died().await;
            if let Some(pool) = pool.upgrade() {
                pool.strike(number);
            }
        };
        drop(shard.spawn(TaskKind::Session, "blank", watching));
        Ok(())
    }

    /// A blank has died; one that was taken before is not here any more.
    fn strike(&self, number: u64) {
        let mut state = self.state();
        let count = state.blanks.len();
        state.blanks.retain(|(other, _)| *other != number);
        let struck = state.blanks.len() < count;
        self.count(&state);
        drop(state);
        if struck {
            self.refill();
        }
    }

    /// Lets go of what nobody wanted for a whole [`REST`]; dropped vaults are killed and reclaimed.
    fn shrink(&self) {
        let mut state = self.state();
        let count = state.blanks.len();
        state.demand.rested(count);
        let extra = count.saturating_sub(state.demand.target);
        let dropped: Vec<_> = state.blanks.drain(..extra).collect();
        self.count(&state);
        drop(state);
        drop(dropped);
    }
}

/// How many blanks are wanted: more at once when one was missing, fewer only after some have stood
/// unused for a while.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Demand {
    least: usize,
    most: usize,
    target: usize,
    /// The fewest that were there since the last rest.
    spare: usize,
}

impl Demand {
    fn new(most: usize) -> Self {
        let least = most.min(2);
        Self { least, most, target: least, spare: 0 }
    }

    fn taken(&mut self, left: usize) {
        self.spare = self.spare.min(left);
    }

    fn missed(&mut self) {
        self.spare = 0;
        self.target = (self.target * 2).min(self.most);
    }

    fn rested(&mut self, count: usize) {
        self.target = self.target.saturating_sub(self.spare.div_ceil(2)).max(self.least);
        self.spare = count.min(self.target);
    }
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
