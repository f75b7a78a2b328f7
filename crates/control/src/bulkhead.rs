//! Bulkhead: so much of one request at a time for each node: what is for others does not wait behind one that hangs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use hauki_contract::model::id::NodeName;

pub(super) struct Bulkhead {
    abreast: usize,
    lanes: Mutex<BTreeMap<NodeName, Arc<Semaphore>>>,
}

impl Bulkhead {
    pub(super) fn new(abreast: usize) -> Self {
        Self { abreast, lanes: Mutex::default() }
    }

    pub(super) fn of(&self, node: &NodeName) -> Arc<Semaphore> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.entry(node.clone()).or_insert_with(|| Arc::new(Semaphore::new(self.abreast))).clone()
    }
}
