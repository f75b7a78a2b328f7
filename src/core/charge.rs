//! What one user may have done for him at a time.
//!
//! The daemon's threads are everybody's. A listed user's requests take turns, so many of his at a time, and so do
//! the orders that go on after he has hung up; what merely waits (a stream of events, a look at the queue that is
//! to be answered when it changes) has a bound of its own. A long answer is part of its turn until it has been read. Loops over the store give way by themselves
//! (`core::record`). An administrator is the operator, and is not bounded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::api::{ApiError, ErrorCode};

/// What a request costs, and so how many of one user's there are at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// Of the core's own time.
    Work,
    /// Of the core's own time and memory as much as there are records: it has one of the turns for work as well.
    Listing,
    /// It waits for a node, most of the time; for as long as a worker's `create` or `dest` may take.
    Making,
    /// It keeps vaults alive, so nothing else holds it up.
    Beat,
    /// It is answered when something happens.
    Waiting,
}

impl Kind {
    fn most(self) -> usize {
        match self {
            Self::Work => 4,
            Self::Listing => 1,
            Self::Making => 16,
            Self::Beat => 8,
            Self::Waiting => 32,
        }
    }
}

/// How many ids an order of a listed user may name.
pub(super) const MOST_NAMED: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Charges(Mutex<HashMap<(u32, Kind), Arc<Semaphore>>>);

tokio::task_local! {
    /// The turn in which this is done.
    static TURN: Turn;
}

/// Ends when the last of what is done in it does.
pub(super) type Turn = Option<Arc<Vec<OwnedSemaphorePermit>>>;

impl Charges {
    /// There are a few for each user that is listed.
    fn of(&self, uid: u32, kind: Kind) -> Arc<Semaphore> {
        let mut users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let turns = users.entry((uid, kind)).or_insert_with(|| Arc::new(Semaphore::new(kind.most())));
        Arc::clone(turns)
    }

    /// Waits for it, unless it is one that itself waits.
    pub(super) async fn turn(&self, uid: u32, kind: Kind) -> Result<Turn, ApiError> {
        let turns = self.of(uid, kind);
        if kind != Kind::Waiting {
            // Nobody closes them.
            let mut permits: Vec<_> = turns.acquire_owned().await.into_iter().collect();
            if kind == Kind::Listing {
                permits.extend(self.of(uid, Kind::Work).acquire_owned().await);
            }
            return Ok(Some(Arc::new(permits)));
        }
        turns.try_acquire_owned().map(|permit| Some(Arc::new(vec![permit]))).map_err(|_| {
            let message = format!("this user waits for {} answers already", kind.most());
            ApiError::new(ErrorCode::Temporary, message).hint("end some of them, or try again")
        })
    }
}

/// What `work` does, also in `carried`, is done in this turn.
pub(super) async fn within<T>(turn: Turn, work: impl Future<Output = T>) -> T {
    TURN.scope(turn, work).await
}

/// For what goes on when the request has been answered, or nobody waits for that any more.
pub(super) fn carried() -> Turn {
    TURN.try_with(Clone::clone).unwrap_or_default()
}

/// Refuses an order that names more than this asker may.
pub(super) fn refuse_many(what: &str, named: usize, most: usize, only: Option<u32>) -> Result<(), ApiError> {
    let most = if only.is_some() { most.min(MOST_NAMED) } else { most };
    if (1..=most).contains(&named) {
        return Ok(());
    }
    let message = format!("{named} {what} in one request, allowed are 1 to {most}");
    Err(ApiError::new(ErrorCode::BadRequest, message))
}
