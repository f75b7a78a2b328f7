//! Watch API: watching names.
//!
//! Events only say where to look: each line is what the store says at that moment, compared with the
//! line before it. So a reader that was too slow for the events loses none of the truth, only changes
//! that were over already, and the last line of a name is always how it stands.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;

use futures_util::stream::{self, Stream, StreamExt as _};
use tokio::sync::watch;

use super::NameRegistry;
use crate::failure::Failure;
use crate::ledger::name_key;
use hauki_contract::api::event::{Event, EventQuery, Happening};
use hauki_contract::api::registry::{Holder, Service, WatchQuery};
use hauki_contract::model::error_chain;
use hauki_contract::model::id::VaultId;
use hauki_contract::model::name::ServiceName;

struct Follower {
    names: Arc<NameRegistry>,
    only: Option<ServiceName>,
    events: Pin<Box<dyn Stream<Item = Event> + Send>>,
    /// What other cores do has no event here; they are looked for once in a while.
    looks: watch::Receiver<u64>,
    /// The last event that was seen.
    seq: u64,
    /// What the lines said last.
    shown: BTreeMap<ServiceName, VaultId>,
    /// Lines that are still to be read.
    lines: VecDeque<Holder>,
}

impl NameRegistry {
    /// How the names stand, then every change, until the daemon stops.
    pub(crate) async fn holders(
        self: &Arc<Self>,
        query: WatchQuery,
    ) -> Result<impl Stream<Item = Holder> + Send + use<>, Failure> {
        // Before the first look at the store, so that nothing falls between.
        let seq = self.events.last();
        let events = self.events.read(EventQuery { follow: true, after: Some(seq), vault: None });
        let mut follower = Follower {
            names: self.clone(),
            only: query.name,
            events: Box::pin(events),
            looks: self.looks.subscribe(),
            seq,
            shown: BTreeMap::new(),
            lines: VecDeque::new(),
        };
        follower.look_at_all().await?;
        if let (Some(name), true) = (&follower.only, follower.lines.is_empty()) {
            follower.lines.push_back(Holder { name: name.clone(), service: None });
        }
        Ok(stream::unfold(follower, |mut follower| async move {
            match follower.next().await {
                Ok(line) => line.map(|line| (line, follower)),
                Err(error) => {
                    tracing::error!(error = error_chain::told(&error), "a watch of names ends");
                    None
                }
            }
        }))
    }
}

impl Follower {
    async fn next(&mut self) -> Result<Option<Holder>, Failure> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Ok(Some(line));
            }
            let next = tokio::select! {
                // What is told here is told in its order.
                biased;
                next = self.events.next() => next,
                // The sender is this follower's own registry.
                _ = self.looks.changed() => {
                    self.look_at_all().await?;
                    continue;
                }
            };
            let Some(event) = next else { return Ok(None) };
            let missed = event.seq != self.seq + 1;
            self.seq = event.seq;
            match event.what {
                Happening::Lost { .. } => self.look_at_all().await?,
                _ if missed => self.look_at_all().await?,
                Happening::Named { name, .. } | Happening::Freed { name, .. } => self.look_at(name).await?,
                _ => {}
            }
        }
    }

    async fn look_at(&mut self, name: ServiceName) -> Result<(), Failure> {
        if self.only.as_ref().is_some_and(|only| *only != name) {
            return Ok(());
        }
        let found = self.names.records.get::<Service>(&name_key(&name)).await?;
        self.show(name, found.map(|found| found.value));
        Ok(())
    }

    async fn look_at_all(&mut self) -> Result<(), Failure> {
        if let Some(only) = self.only.clone() {
            return self.look_at(only).await;
        }
        let listed = self.names.services().await?.services;
        let mut now: BTreeMap<ServiceName, Service> =
            listed.into_iter().map(|service| (service.name.clone(), service)).collect();
        let gone: Vec<ServiceName> =
            self.shown.keys().filter(|name| !now.contains_key(name)).cloned().collect();
        gone.into_iter().for_each(|name| self.show(name, None));
        while let Some((name, service)) = now.pop_first() {
            self.show(name, Some(service));
        }
        Ok(())
    }

    fn show(&mut self, name: ServiceName, service: Option<Service>) {
        let before = match &service {
            Some(service) => self.shown.insert(name.clone(), service.vault.clone()),
            None => self.shown.remove(&name),
        };
        if before != service.as_ref().map(|service| service.vault.clone()) {
            self.lines.push_back(Holder { name, service });
        }
    }
}
