//! Cancelled calls, for which nobody waits any more: what was not sent yet stays here, and of what was the node is
//! told, if it is one that listens.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::super::builtin::CANCEL;
use super::super::message::write_request;

#[derive(Debug, Default)]
pub(super) struct CancelledCalls {
    /// Whether there are ids: the writer asks for each of its lines.
    some: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    ids: BTreeSet<u64>,
    /// Whether the node listens; not known before the welcome.
    heard: Option<bool>,
}

impl CancelledCalls {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, id: u64) {
        let mut state = self.state();
        state.ids.insert(id);
        self.some.store(true, Ordering::Relaxed);
    }

    pub(super) fn set_heard(&self, heard: bool) {
        self.state().heard = Some(heard);
    }

    /// Keeps who looks for what was given up waiting, until it is known what else was.
    #[cfg(test)]
    pub(super) fn meanwhile(&self, act: impl FnOnce() -> u64) {
        let mut state = self.state();
        self.some.store(true, Ordering::Relaxed);
        let id = act();
        state.ids.insert(id);
    }

    /// Those of which the node may be told as soon as none of them is queued. They have been queued before.
    pub(super) fn take(&self) -> BTreeSet<u64> {
        let mut state = self.state();
        if state.heard.is_none() {
            return BTreeSet::new();
        }
        self.some.store(false, Ordering::Relaxed);
        std::mem::take(&mut state.ids)
    }

    /// Whether this call, which is about to be sent, was given up, lately or among those that were taken. It is told
    /// once: there is nothing left to do about it.
    pub(super) fn has_unsent(&self, id: Option<u64>, taken: &mut BTreeSet<u64>) -> bool {
        let Some(id) = id else { return false };
        taken.remove(&id) || self.some.load(Ordering::Relaxed) && self.state().ids.remove(&id)
    }

    /// Appends what tells the node.
    pub(super) fn tell(&self, ids: BTreeSet<u64>, lines: &mut Vec<u8>) {
        if ids.is_empty() || self.state().heard != Some(true) {
            return;
        }
        for id in ids {
            write_request(lines, None, CANCEL, Some(&format!("{{\"id\":{id}}}")));
        }
    }
}
