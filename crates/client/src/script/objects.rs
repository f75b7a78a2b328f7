//! Object table: the objects that a script holds: a ticket each, and the connection to it.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::events::{EventFeed, LineSink};
use super::failure::ScriptFailure;
use crate::Ghost;
use hauki_contract::model::receipt::Receipt;
use hauki_contract::model::ticket::Ticket;

/// Calls of one object that are under way at the same time; the gate reads no more than this either.
const IN_FLIGHT: usize = 64;

pub(super) struct Object {
    pub(super) ticket: Ticket,
    /// Made when the object is first called, for a clone at once.
    pub(super) line: Option<ObjectConnection>,
    /// A worker sent the ticket: what it says of the vault is that worker's word.
    hearsay: bool,
    pub(super) room: Arc<Semaphore>,
    /// What is known of its end.
    pub(super) receipt: Option<Receipt>,
}

/// A connection in use.
pub(super) struct ObjectConnection {
    pub(super) ghost: Ghost,
    pub(super) feed: EventFeed,
}

impl Object {
    pub(super) fn new(ticket: Ticket) -> Self {
        Self { ticket, line: None, hearsay: false, receipt: None, room: Arc::new(Semaphore::new(IN_FLIGHT)) }
    }

    /// Takes a connection into use. Called inside of the runtime.
    pub(super) fn connected(&mut self, ghost: Ghost, lines: &LineSink) -> &ObjectConnection {
        let feed = EventFeed::of(&ghost, &self.ticket.worker.name, lines);
        self.line.insert(ObjectConnection { ghost, feed })
    }

    /// What the prelude makes an object of.
    pub(super) fn about(&self) -> Value {
        let Ticket { vault, worker, node, .. } = &self.ticket;
        json!({ "vault": vault, "worker": worker.name, "node": node })
    }
}

/// By the id of the vault.
#[derive(Default)]
pub(super) struct Objects {
    all: HashMap<String, Object>,
}

impl Objects {
    pub(super) fn get(&mut self, vault: &str) -> Result<&mut Object, ScriptFailure> {
        let unknown = || ScriptFailure::usage(format!("{vault} is not an object that this script holds"));
        self.all.get_mut(vault).ok_or_else(unknown)
    }

    /// An object whose ticket the control plane or the script's author gave.
    pub(super) fn insert(&mut self, object: Object) -> &mut Object {
        let vault = object.ticket.vault.as_str().to_owned();
        self.all.entry(vault).insert_entry(object).into_mut()
    }

    /// A ticket that a worker sent. An object that is held already stays what it is.
    pub(super) fn adopt(&mut self, ticket: Ticket) -> &mut Object {
        let vault = ticket.vault.as_str().to_owned();
        self.all.entry(vault).or_insert_with(|| Object { hearsay: true, ..Object::new(ticket) })
    }

    /// Whether the object is held, and not by hearsay only.
    pub(super) fn knows(&self, vault: &str) -> bool {
        self.all.get(vault).is_some_and(|object| !object.hearsay)
    }

    /// Hands on what workers have said so far.
    pub(super) fn drain(&self) {
        self.all.values().filter_map(|object| object.line.as_ref()).for_each(|line| line.feed.drain());
    }
}
