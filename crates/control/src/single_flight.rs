//! Single flight: of callers that use one idempotency key at one time, one works and the others
//! wait for its record.
//!
//! The waiting is in memory only. What makes two vaults of one key impossible is the store's check
//! at the commit; this saves the work that would be thrown away. A flight whose caller went away
//! passes to the next that waits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::OwnedMutexGuard;

/// From here on, entering looks for locks that nobody holds any more.
const TIDY: usize = 256;

#[derive(Default)]
pub(crate) struct SingleFlight {
    locks: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
}

impl SingleFlight {
    #[must_use]
    pub(crate) fn is_busy(&self, key: &str) -> bool {
        let locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        locks.get(key).is_some_and(|lock| lock.strong_count() > 0)
    }

    /// Waits until nobody else is in flight under this key.
    pub(crate) async fn enter(&self, key: &str) -> OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
            if locks.len() >= TIDY {
                locks.retain(|_, lock| lock.strong_count() > 0);
            }
            match locks.get(key).and_then(Weak::upgrade) {
                Some(lock) => lock,
                None => {
                    let lock = Arc::new(tokio::sync::Mutex::new(()));
                    locks.insert(key.to_owned(), Arc::downgrade(&lock));
                    lock
                }
            }
        };
        lock.lock_owned().await
    }
}
