//! Node table, the swarm at this moment: the nodes by their names, each behind its slot.
//!
//! Nothing of it is kept: the daemon's own node and those of the configuration come with each start, the added ones from
//! their records (`control::membership`), which alone say who belongs to the swarm durably. It knows of which state of
//! those it was made.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use super::failure::{Failure, MemberError};
use super::nodes::{Member, NodeSlot, NodeSlots};
use super::store::Expect;
use hauki_contract::model::id::NodeName;

/// One view of them for all who have a part in it.
#[derive(Clone)]
pub(super) struct NodeTable {
    view: Arc<RwLock<View>>,
    /// That are not the store's to say.
    configured: Arc<BTreeSet<NodeName>>,
}

struct View {
    slots: Arc<NodeSlots>,
    /// The number of the membership that it shows; nothing before the store was asked.
    number: Option<Expect>,
}

impl NodeTable {
    pub(super) fn new(members: Vec<Member>) -> Self {
        let configured = members.iter().map(|member| member.name.clone()).collect();
        let slots = members.into_iter().map(|member| (member.name.clone(), Arc::new(NodeSlot::new(member))));
        let view = View { slots: Arc::new(slots.collect()), number: None };
        Self { view: Arc::new(RwLock::new(view)), configured: Arc::new(configured) }
    }

    pub(super) fn is_configured(&self, name: &NodeName) -> bool {
        self.configured.contains(name)
    }

    fn view<T>(&self, look: impl FnOnce(&View) -> T) -> T {
        look(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn number(&self) -> Option<Expect> {
        self.view(|view| view.number)
    }

    /// It shows what has this number.
    pub(super) fn is_of(&self, number: Expect) {
        self.view.write().unwrap_or_else(PoisonError::into_inner).number = Some(number);
    }

    /// The nodes of this moment.
    pub(super) fn slots(&self) -> Arc<NodeSlots> {
        self.view(|view| view.slots.clone())
    }

    fn change(&self, change: impl FnOnce(&mut NodeSlots) -> Option<Arc<NodeSlot>>) {
        let mut view = self.view.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(earlier) = change(Arc::make_mut(&mut view.slots)) {
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
