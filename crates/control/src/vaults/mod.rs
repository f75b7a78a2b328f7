//! Vaults on record: looked at, ended on paper, and recorded again where a record was damaged.
//!
//! What the store says of a vault and what its node says are brought together here. `listing` shows both, `death` writes
//! tombstones by the node's word, `salvage` makes records anew by it. The records are the store's, under `vault/` and
//! `tomb/`; nothing is kept here, so a crash leaves what was committed.

use std::sync::Arc;

use tokio::sync::Notify;

use super::basis::Basis;
use super::claims::Claims;
use super::events::EventLog;
use super::ledger::{Ledger, Records};
use super::metrics::Metrics;
use super::queue::Spool;
use super::roster::Roster;
use super::single_flight::SingleFlight;

mod tombstones;
mod listing;
mod salvage;

pub(super) use tombstones::lost;

pub(super) struct Vaults {
    records: Records,
    ledger: Ledger,
    /// Whose word is asked for.
    roster: Roster,
    /// Of salvages.
    flights: Arc<SingleFlight>,
    /// Who hears of a death: the events, the counters, who waits for a claim, for room, or for its parent's end.
    events: EventLog,
    metrics: Arc<Metrics>,
    claims: Arc<Claims>,
    spool: Arc<Spool>,
    orphans: Arc<Notify>,
}

impl Vaults {
    pub(super) fn new(basis: &Basis) -> Arc<Self> {
        Arc::new(Self {
            records: basis.records.clone(),
            ledger: basis.ledger.clone(),
            roster: basis.roster.clone(),
            flights: basis.flights.clone(),
            events: basis.events.clone(),
            metrics: basis.metrics.clone(),
            claims: basis.claims.clone(),
            spool: basis.spool.clone(),
            orphans: basis.orphans.clone(),
        })
    }
}
