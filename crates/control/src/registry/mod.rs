//! The service registry: names of live workers.
//!
//! `names` takes, finds and frees them, `follow` tells of their changes. The store owns the state; a
//! name stands there exactly as long as the record of the living vault that holds it.

use std::sync::Arc;

use tokio::sync::watch;

use super::dependencies::Dependencies;
use super::events::EventLog;
use super::ledger::Records;
use super::single_flight::SingleFlight;
use super::ticket::Tickets;
use super::vaults::Vaults;

mod follow;
mod names;

pub(super) struct NameRegistry {
    records: Records,
    flights: Arc<SingleFlight>,
    events: EventLog,
    vaults: Arc<Vaults>,
    tickets: Arc<Tickets>,
    /// How often other cores may have changed a name of which there is no event here.
    looks: watch::Sender<u64>,
}

impl NameRegistry {
    pub(super) fn new(basis: &Dependencies, vaults: &Arc<Vaults>, tickets: &Arc<Tickets>) -> Arc<Self> {
        Arc::new(Self {
            records: basis.records.clone(),
            flights: basis.flights.clone(),
            events: basis.events.clone(),
            vaults: vaults.clone(),
            tickets: tickets.clone(),
            looks: watch::Sender::new(0),
        })
    }

    /// Who watches names looks at them all again: another core works on this store.
    pub(super) fn look_again(&self) {
        self.looks.send_if_modified(|looks| {
            *looks += 1;
            true
        });
    }
}
