//! The membership of the swarm at this moment: the nodes by their names, each behind its slot.
//!
//! Nothing of it is kept: the daemon's own node and those of the configuration come with each start, the added ones from
//! their records (`control::members`), which alone say who belongs to the swarm durably.

use std::sync::{Arc, PoisonError, RwLock};

use super::failure::{Failure, MemberError};
use super::nodes::{Member, NodeSlot, NodeSlots};
use hauki_contract::model::id::NodeName;

/// One view of them for all who have a part in it.
#[derive(Clone)]
pub(super) struct Roster(Arc<RwLock<Arc<NodeSlots>>>);

impl Roster {
    pub(super) fn new(members: Vec<Member>) -> Self {
        let slots = members.into_iter().map(|member| (member.name.clone(), Arc::new(NodeSlot::new(member))));
        Self(Arc::new(RwLock::new(Arc::new(slots.collect()))))
    }

    /// The nodes of this moment.
    pub(super) fn slots(&self) -> Arc<NodeSlots> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut NodeSlots) -> Option<Arc<NodeSlot>>) {
        let mut slots = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(earlier) = change(Arc::make_mut(&mut slots)) {
            earlier.unwatch();
        }
    }

    pub(super) fn put(&self, slot: &Arc<NodeSlot>) {
        self.change(|slots| slots.insert(slot.name.clone(), slot.clone()));
    }

    pub(super) fn remove(&self, name: &NodeName) {
        self.change(|slots| slots.remove(name));
    }

    pub(super) fn slot(&self, name: &NodeName) -> Result<Arc<NodeSlot>, Failure> {
        let gone = || MemberError::Gone { node: name.clone() };
        Ok(self.slots().get(name).cloned().ok_or_else(gone)?)
    }

    /// A node said what is another's to say.
    pub(super) fn distrust(&self, node: &NodeName, what: &str) {
        if let Some(slot) = self.slots().get(node) {
            slot.api.distrust(what);
        }
    }
}
