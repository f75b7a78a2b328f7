//! Concurrency limits per user: what one user may have done for him at a time.
//!
//! The daemon's threads are everybody's. A listed user's requests take turns, so many of his at a time, and so do
//! the orders that go on after he has hung up; what merely waits (a stream of events, a look at the queue that is
//! to be answered when it changes) has a bound of its own. A long answer is part of its turn until it has been read.
//! Loops over the store give way by themselves (`ledger::record`). What long bodies become in memory is bounded for all
//! together as well: who comes when there is no room waits, and his body stays where it is until there is. An
//! administrator is the operator, and is bounded by that alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What a request costs, and so how many of one user's there are at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum CostClass {
    /// Of the core's own time.
    Work,
    /// Of the core's own time and memory as much as there are records: it has one of the turns for work as well.
    Listing,
    /// It waits for a node, most of the time; for as long as a worker's `create` or `dest` may take.
    Making,
    /// It keeps vaults alive, so nothing else holds it up, and no other that waits for a node that hangs.
    Beat,
    /// It is answered when something happens.
    Waiting,
}

impl CostClass {
    fn most(self) -> usize {
        match self {
            Self::Work => 4,
            Self::Listing => 1,
            Self::Making => 16,
            // As many as one user may have connections.
            Self::Beat => 128,
            Self::Waiting => 32,
        }
    }
}

/// What long bodies of one user, which are many times as long once they are read, may weigh together: as much as the
/// longest one.
const MOST_WEIGHT: u32 = 32;
/// And those of all listed users, or of all administrators, who wait for nobody else: as much as four of the longest.
const MOST_OF_ALL: u32 = 4 * MOST_WEIGHT;
const WEIGHT_BYTES: u64 = 256 * 1024;
/// A shorter one is no weight.
pub(super) const LONG_BYTES: u64 = 64 * 1024;

/// How many ids an order of a listed user may name.
pub(super) const MOST_NAMED: usize = 10_000;

/// Who asks has too much going on, or asks for too much at once.
#[derive(Debug, thiserror::Error)]
pub enum UserLimitError {
    #[error("this user waits for {most} answers already")]
    Waits { most: usize },
    #[error("{named} {what} in one request, allowed are 1 to {most}")]
    Many { what: &'static str, named: usize, most: usize },
}

#[derive(Debug)]
pub(super) struct UserLimits {
    turns: Mutex<HashMap<(u32, CostClass), Arc<Semaphore>>>,
    weights: Mutex<HashMap<u32, Arc<Semaphore>>>,
    users: Arc<Semaphore>,
    administrators: Arc<Semaphore>,
}

impl Default for UserLimits {
    fn default() -> Self {
        let room = || Arc::new(Semaphore::new(MOST_OF_ALL as usize));
        let (turns, weights) = Default::default();
        Self { turns, weights, users: room(), administrators: room() }
    }
}

fn weight(bytes: u64) -> u32 {
    u32::try_from(1 + bytes / WEIGHT_BYTES).unwrap_or(u32::MAX).min(MOST_WEIGHT)
}

tokio::task_local! {
    /// The turn in which this is done.
    static TURN: UserPermit;
    /// It is about a long body.
    static LONG: bool;
}

/// Ends when the last of what is done in it does.
pub(super) type UserPermit = Option<Arc<Vec<OwnedSemaphorePermit>>>;

impl UserLimits {
    /// There are a few for each user that is listed.
    fn of(&self, uid: u32, kind: CostClass) -> Arc<Semaphore> {
        let mut users = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let turns = users.entry((uid, kind)).or_insert_with(|| Arc::new(Semaphore::new(kind.most())));
        Arc::clone(turns)
    }

    /// Room for a body of so many bytes, if it is a long one.
    async fn weigh(&self, uid: u32, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let all = {
            let mut users = self.weights.lock().unwrap_or_else(PoisonError::into_inner);
            let most = || Arc::new(Semaphore::new(MOST_WEIGHT as usize));
            Arc::clone(users.entry(uid).or_insert_with(most))
        };
        if bytes <= LONG_BYTES { None } else { all.acquire_many_owned(weight(bytes)).await.ok() }
    }

    /// Room among all users', or all administrators', for a body that has not been read yet. Last of all: who waits for
    /// a turn of his own must not have it meanwhile.
    async fn room(all: &Arc<Semaphore>, bytes: u64) -> Option<OwnedSemaphorePermit> {
        if bytes <= LONG_BYTES { None } else { all.clone().acquire_many_owned(weight(bytes)).await.ok() }
    }

    /// An administrator's, which has nothing but a long body's weight.
    pub(super) async fn administrators_turn(&self, bytes: u64) -> UserPermit {
        Self::room(&self.administrators, bytes).await.map(|permit| Arc::new(vec![permit]))
    }

    /// Waits for it, unless it is one that itself waits.
    pub(super) async fn turn(
        &self,
        uid: u32,
        kind: CostClass,
        bytes: u64,
    ) -> Result<UserPermit, UserLimitError> {
        let turns = self.of(uid, kind);
        if kind != CostClass::Waiting {
            let mut permits: Vec<_> = self.weigh(uid, bytes).await.into_iter().collect();
            // Nobody closes them.
            permits.extend(turns.acquire_owned().await);
            if kind == CostClass::Listing {
                permits.extend(self.of(uid, CostClass::Work).acquire_owned().await);
            }
            permits.extend(Self::room(&self.users, bytes).await);
            return Ok(Some(Arc::new(permits)));
        }
        turns
            .try_acquire_owned()
            .map(|permit| Some(Arc::new(vec![permit])))
            .map_err(|_| UserLimitError::Waits { most: kind.most() })
    }
}

/// What `work` does, also in `run_to_completion`, is done in this turn.
pub(super) fn within<T>(turn: UserPermit, work: impl Future<Output = T>) -> impl Future<Output = T> {
    TURN.scope(turn, work)
}

/// What `work` does is about a long body, or not.
pub(super) fn about<T>(is_long: bool, work: impl Future<Output = T>) -> impl Future<Output = T> {
    LONG.scope(is_long, work)
}

/// What takes long with a long body, while others go on on another thread.
pub(super) fn aside<T>(work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    let has_others =
        || Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    match LONG.try_with(|is_long| *is_long) {
        Ok(true) if has_others() => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// For what goes on when the request has been answered, or nobody waits for that any more.
pub(super) fn carried() -> UserPermit {
    TURN.try_with(Clone::clone).unwrap_or_default()
}

/// Refuses an order that names more than this asker may.
pub(super) fn refuse_many(
    what: &'static str,
    named: usize,
    most: usize,
    only: Option<u32>,
) -> Result<(), UserLimitError> {
    let most = if only.is_some() { most.min(MOST_NAMED) } else { most };
    if (1..=most).contains(&named) {
        return Ok(());
    }
    Err(UserLimitError::Many { what, named, most })
}
