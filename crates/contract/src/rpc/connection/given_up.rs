//! Calls that nobody waits for any more: the node is told, if it is one that listens.

use std::sync::{Mutex, PoisonError};

use super::super::message::write_request;
use super::super::reserved::CANCEL;

#[derive(Debug, Default)]
pub(super) struct GivenUp(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    ids: Vec<u64>,
    /// Whether the node listens; not known before the welcome.
    heard: Option<bool>,
}

impl GivenUp {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, id: u64) {
        self.state().ids.push(id);
    }

    pub(super) fn set_heard(&self, heard: bool) {
        self.state().heard = Some(heard);
    }

    /// Keeps who looks for what was given up waiting, until it is known what else was.
    #[cfg(test)]
    pub(super) fn meanwhile(&self, act: impl FnOnce() -> u64) {
        let mut state = self.state();
        let id = act();
        state.ids.push(id);
    }

    /// Those of which the node is to be told now. Their own lines have been queued before.
    pub(super) fn take(&self) -> Vec<u64> {
        let mut state = self.state();
        match state.heard {
            None => Vec::new(),
            Some(heard) => {
                let ids = std::mem::take(&mut state.ids);
                if heard { ids } else { Vec::new() }
            }
        }
    }
}

/// Appends what tells the node.
pub(super) fn write(id: u64, lines: &mut Vec<u8>) {
    write_request(lines, None, CANCEL, Some(&format!("{{\"id\":{id}}}")));
}
