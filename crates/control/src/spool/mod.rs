//! The omega_spool: summons that wait for capacity.
//!
//! ```text
//!   desk (put, show, remove, retry) --> store spool/<id> --> queue (the order, in memory)
//!                                           ^                    |
//!                                           '--- clerk <---------'   forges, one vault for an entry
//! ```
//! The store owns the entries; the queue is an index of those that wait and is read again at each
//! start. A crash loses nothing: what was being forged and not recorded is ended by the
//! reconciliation (`core::watch`), and its entry still waits.

mod clerk;
mod desk;
mod queue;

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

pub(super) use clerk::Clerk;

use self::queue::Queue;

#[derive(Default)]
pub struct Spool {
    queue: Mutex<Queue>,
    /// There may be something to do.
    work: Notify,
    /// Counts the changes, for those who wait for theirs.
    changes: watch::Sender<u64>,
}

impl Spool {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Room may have come up.
    pub fn nudge(&self) {
        self.work.notify_one();
    }

    #[must_use]
    pub fn waiting(&self) -> u32 {
        u32::try_from(self.queue().len()).unwrap_or(u32::MAX)
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
        self.nudge();
    }
}
