//! Vault records: looked at, ended on paper, and recorded again where a record was damaged.
//!
//! What the store says of a vault and what its node says are brought together here. `listing` shows both, `tombstones` writes
//! tombstones by the node's word, `recovery` makes records anew by it. The records are the store's, under `vault/` and
//! `tomb/`; what is kept here saves questions only, so a crash leaves what was committed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::claims::Claims;
use super::dependencies::Dependencies;
use super::events::EventLog;
use super::ledger::{Ledger, Records};
use super::metrics::Metrics;
use super::node_table::NodeTable;
use super::queue::Spool;
use super::single_flight::SingleFlight;
use hauki_contract::model::id::VaultId;

mod tombstones;
mod listing;
mod recovery;

pub(super) use tombstones::lost;

pub(super) struct Vaults {
    records: Records,
    ledger: Ledger,
    /// Whose word is asked for.
    node_table: NodeTable,
    /// Of salvages and burials.
    flights: Arc<SingleFlight>,
    /// Who hears of a death: the events, the counters, who waits for a claim, for room, or for its parent's end.
    events: EventLog,
    metrics: Arc<Metrics>,
    claims: Arc<Claims>,
    spool: Arc<Spool>,
    orphans: Arc<Notify>,
    buried: RecentlyBuried,
}

/// Whose tombstones this core wrote last. News of a death comes by several ways at once, and those who come after the
/// first need not ask the store.
#[derive(Default)]
struct RecentlyBuried(Mutex<VecDeque<VaultId>>);

impl RecentlyBuried {
    const MOST: usize = 64;

    fn has(&self, vault: &VaultId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(vault)
    }

    fn add(&self, vault: &VaultId) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.truncate(Self::MOST - 1);
        last.push_front(vault.clone());
    }

    /// There is a record of it again.
    fn remove(&self, vault: &VaultId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|buried| buried != vault);
    }
}

impl Vaults {
    pub(super) fn new(basis: &Dependencies) -> Arc<Self> {
        Arc::new(Self {
            records: basis.records.clone(),
            ledger: basis.ledger.clone(),
            node_table: basis.node_table.clone(),
            flights: basis.flights.clone(),
            events: basis.events.clone(),
            metrics: basis.metrics.clone(),
            claims: basis.claims.clone(),
            spool: basis.spool.clone(),
            orphans: basis.orphans.clone(),
            buried: RecentlyBuried::default(),
        })
    }
}
