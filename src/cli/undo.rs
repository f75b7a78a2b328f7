//! Undo log: what this process has made and not yet reported. A lost record is a leaked vault, so whatever stands
//! here when the process ends is destructed.

use std::cell::RefCell;

use crate::model::id::VaultId;

#[derive(Debug, Default)]
pub(crate) struct UndoLog(RefCell<Vec<VaultId>>);

impl UndoLog {
    pub(crate) fn made(&self, vault: &VaultId) {
        self.0.borrow_mut().push(vault.clone());
    }

    pub(crate) fn reported(&self, vault: &VaultId) {
        self.0.borrow_mut().retain(|made| made != vault);
    }

    pub(crate) fn take(&self) -> Vec<VaultId> {
        self.0.take()
    }
}
