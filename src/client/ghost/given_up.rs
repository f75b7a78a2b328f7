//! Calls that nobody waits for any more: the node is told, if it is one that listens.

use std::sync::{Mutex, PoisonError};

use crate::rpc::message::write_request;
use crate::rpc::reserved::CANCEL;

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

    /// Appends what tells the node; the calls' own lines have gone before.
    pub(super) fn write(&self, lines: &mut Vec<u8>) {
        let mut state = self.state();
        match state.heard {
            None => {}
            Some(false) => state.ids.clear(),
            Some(true) => {
                for id in state.ids.drain(..) {
                    write_request(lines, None, CANCEL, Some(&format!("{{\"id\":{id}}}")));
                }
            }
        }
    }
}
