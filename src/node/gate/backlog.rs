//! What all connections of a node have not sent yet, in bytes: one budget for all of them.
//!
//! Each connection has bounds of its own, which thousands of callers who read nothing could use to the full.
//! Over the budget nobody may have more than little: who reads is served as ever, who does not is told that
//! his replies were left out.

use std::sync::atomic::{AtomicUsize, Ordering};

/// For all connections of all vaults.
const BUDGET: usize = 256 * 1024 * 1024;

static HELD: AtomicUsize = AtomicUsize::new(0);

/// The part of one connection, which is given back with it.
#[derive(Default)]
pub(super) struct Share(usize);

impl Share {
    pub(super) fn set(&mut self, bytes: usize) {
        let before = std::mem::replace(&mut self.0, bytes);
        if bytes > before {
            HELD.fetch_add(bytes - before, Ordering::Relaxed);
        } else if before > bytes {
            HELD.fetch_sub(before - bytes, Ordering::Relaxed);
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.set(0);
    }
}

/// Whether so much more would be over the budget.
pub(super) fn is_over(more: usize) -> bool {
    HELD.load(Ordering::Relaxed).saturating_add(more) > BUDGET
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_counted_and_given_back() {
        let mut share = Share::default();
        share.set(BUDGET);
        assert!(is_over(1));
        share.set(5);
        assert!(!is_over(BUDGET / 2));
        let mut another = Share::default();
        another.set(BUDGET);
        assert!(is_over(0));
        drop(another);
        assert!(!is_over(BUDGET / 2));
        assert_eq!(share.0, 5);
    }
}
