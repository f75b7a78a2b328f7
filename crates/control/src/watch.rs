//! Watching the nodes: their news, and the comparison of what was promised with what is there.
//!
//! One task per node. It reads the news from the start of the node's memory, compares once, then
//! follows. The comparison takes no input: it reads the store first and the node second, so a vault
//! in the store that the node does not list has died; it reads the node first and the store second
//! for the converse, so a vault on the node that nobody records or forges was left by a crash.
//! Silence of a node changes nothing but its face in the listing.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::death::lost;
use super::hearing::Place;
use super::ledger::{Found, VAULT, VaultRecord};
use super::nodes::Slot;
use super::placed::Placed;
use super::service::{Claim, Core};
use super::spool::Clerk;
use hauki_contract::api::event::Happening;
use hauki_contract::api::node::{DestructOrder, MOST_NEWS, News, NewsItem, NodeApi, NodeVaults};
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::api::{ApiError, ErrorCode};
use hauki_contract::model::death::Cause;
use hauki_contract::model::id::{NodeName, TicketId, VaultId};
use hauki_contract::model::receipt::Receipt;
use hauki_contract::system::clock;
use hauki_contract::system::tasks::{self, Kind, OnFault, Owned};

const NEWS_WAIT_MS: u64 = 10_000;
/// From a claim to its record: who has just come in waits for a first answer and wants the cores for it, and
/// of a vault that is dead by then no such record is needed.
pub(super) const CLAIM_PAUSE: Duration = Duration::from_millis(100);
const BACKOFF: Duration = Duration::from_millis(100);
const BACKOFF_MOST: Duration = Duration::from_secs(5);
/// Whose daemon ran for so long is not one that starts all the time.
const STEADY_US: u64 = 30_000_000;

/// The core's background work; it ends when this is dropped.
pub struct Tasks {
    _standing: [Owned<()>; 5],
    core: Arc<Core>,
}

impl Drop for Tasks {
    fn drop(&mut self) {
        for slot in self.core.slots().values() {
            slot.unwatch();
        }
    }
}

impl Core {
    /// Starts to watch every node and to prune what is kept too long.
    #[must_use]
    pub fn start(self: &Arc<Self>) -> Tasks {
        for slot in self.slots().values() {
            self.watch_slot(slot);
        }
        let standing = [
            self.stand("spool", |core| Clerk::new(&core).work_for_ever()),
            self.stand("retention", |core| async move { core.prune_for_ever().await }),
            self.stand("lost-nodes", |core| async move { core.give_up_for_ever().await }),
            self.stand("salvage", |core| async move { core.salvage_for_ever().await }),
            self.stand("orphans", |core| async move { core.end_orphaned_for_ever().await }),
        ];
        Tasks { _standing: standing, core: self.clone() }
    }

    fn stand<F: Future<Output = ()> + Send + 'static>(
        self: &Arc<Self>,
        name: &'static str,
        work: impl Fn(Arc<Self>) -> F + Send + 'static,
    ) -> Owned<()> {
        let core = self.clone();
        tasks::stand(name, OnFault::Restart, move || work(core.clone())).owned()
    }

    async fn end_orphaned_for_ever(&self) {
        loop {
            self.orphaned.notified().await;
            if let Err(error) = self.end_orphaned().await {
                tracing::error!(%error, "the children of the dead could not be looked for");
            }
        }
    }

    pub(super) fn watch_slot(self: &Arc<Self>, slot: &Arc<Slot>) {
        let (core, watched) = (self.clone(), slot.clone());
        slot.watched_by(tasks::stand("node-watch", OnFault::Restart, move || {
            let (core, watched) = (core.clone(), watched.clone());
            async move { core.watch(&watched).await }
        }));
    }

    /// Makes the records true once, before anybody asks, as far as the nodes can be reached. What
    /// cannot is left to the watching.
    pub async fn settle(self: &Arc<Self>) {
        let mut tasks = tokio::task::JoinSet::new();
        for slot in self.slots().values() {
            let (core, slot) = (self.clone(), slot.clone());
            tasks.spawn(async move {
                if let Err(error) = core.reconcile(&slot, false).await {
                    tracing::warn!(node = %slot.name, %error, "its vaults are compared later");
                }
            });
        }
        tasks.join_all().await;
        self.salvage_all().await;
    }

    /// Writes down the deaths that the nodes have told until now.
    pub async fn catch_up(&self) {
        for slot in self.slots().values() {
            let caught = async {
                // Only deaths: the watcher may have told the rest already.
                let (mut place, mut taken) = (Place::default(), 0);
                loop {
                    let news = match place.hear(slot, 0).await {
                        Err(_) if place.goes_on() => continue,
                        heard => heard?,
                    };
                    if news.items.is_empty() || taken > MOST_NEWS {
                        return Ok::<(), ApiError>(());
                    }
                    place.last = news.last;
                    taken += news.items.len();
                    for item in news.items {
                        if let NewsItem::Died(receipt) = item {
                            self.bury(receipt).await?;
                        }
                    }
                }
            };
            if let Err(error) = caught.await {
                tracing::warn!(node = %slot.name, %error, "its last news are left to the next start");
            }
        }
    }

    async fn watch(self: &Arc<Self>, slot: &Arc<Slot>) {
        let mut place = Place::at_start();
        let (mut backoff, mut boots) = (BACKOFF, BACKOFF);
        loop {
            let began = clock::mono();
            let followed = tokio::select! {
                followed = self.follow(slot, &mut place, &mut backoff) => followed,
                never = self.listen(slot) => match never {},
            };
            let error = match followed {
                Ok(()) => {
                    // A daemon's start takes its time, and each costs us a look at all records and everybody an event.
                    if clock::mono().since(began) > STEADY_US {
                        boots = BACKOFF;
                    } else if boots == BACKOFF_MOST {
                        slot.api.distrust("it starts anew all the time");
                    }
                    tokio::time::sleep(boots).await;
                    boots = (boots * 2).min(BACKOFF_MOST);
                    continue;
                }
                Err(error) => error,
            };
            if error.code == ErrorCode::Environment {
                tracing::error!(node = %slot.name, %error, "the node's news could not be written down");
            } else if slot.fell_silent(&error.message) {
                tracing::warn!(node = %slot.name, %error, "the node fell silent");
                let message = error.message.clone();
                self.events.tell(Happening::NodeLost { node: slot.name.clone(), message });
            }
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(BACKOFF_MOST);
        }
    }

    /// From one start of the node's daemon to the next, or to an error.
    async fn follow(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
        place: &mut Place,
        backoff: &mut Duration,
    ) -> Result<(), ApiError> {
        let mut news = place.hear(slot, 0).await?;
        if news.boot_id != place.boot_id {
            let is_first = std::mem::replace(&mut place.boot_id, news.boot_id.clone()).is_empty();
            if !is_first {
                // Its numbers are another row now.
                place.last = 0;
                news = place.hear(slot, 0).await?;
            }
        }
        // Until all is taken that there was, and not for as long as a worker talks.
        let mut taken = 0;
        while !news.items.is_empty() && taken <= MOST_NEWS {
            taken += news.items.len();
            self.take(slot, news, place).await?;
            news = place.hear(slot, 0).await?;
        }
        self.reconcile(slot, place.first).await?;
        self.salvage_all().await;
        self.orphaned.notify_one();
        place.first = false;
        *backoff = BACKOFF;
        let boot_id = place.boot_id.clone();
        self.spool.nudge();
        self.events.tell(Happening::NodeUp { node: slot.name.clone(), boot_id });
        loop {
            let asked = clock::mono();
            let news = place.hear(slot, NEWS_WAIT_MS).await?;
            if news.boot_id != place.boot_id {
                return Ok(());
            }
            if news.items.is_empty() && clock::mono().since(asked) < NEWS_WAIT_MS * 1000 / 2 {
                // It was to wait until there is something. Who does not must not keep us busy.
                tokio::time::sleep(BACKOFF).await;
            }
            self.take(slot, news, place).await?;
        }
    }

    async fn take(self: &Arc<Self>, slot: &Arc<Slot>, news: News, place: &mut Place) -> Result<(), ApiError> {
        // Deaths are written down side by side: the store then commits many at a time.
        let mut burials = tokio::task::JoinSet::new();
        let mut placed = Placed::of(slot.name.clone());
        for item in news.items {
            if let NewsItem::Log { vault, .. } | NewsItem::Claimed { vault, .. } = &item
                && !self.is_on(&mut placed, vault).await?
            {
                continue;
            }
            match item {
                NewsItem::Died(receipt) => {
                    let core = self.clone();
                    burials.spawn(async move { core.bury(receipt).await });
                }
                item => self.take_item(slot, item).await?,
            }
        }
        for buried in burials.join_all().await {
            buried?;
        }
        // In one boot it only grows.
        place.last = place.last.max(news.last);
        Ok(())
    }

    async fn take_item(self: &Arc<Self>, slot: &Arc<Slot>, item: NewsItem) -> Result<(), ApiError> {
        match item {
            NewsItem::Clone(ask) => self.take_clone(slot, ask),
            NewsItem::Died(receipt) => {
                self.bury(receipt).await?;
            }
            NewsItem::Log { vault, text } => self.events.tell_of(&slot.name, Happening::Log { vault, text }),
            NewsItem::Claimed { vault, ticket, peer } => {
                let known = self.claims().contains_key(&vault);
                if known {
                    self.take_claim(&slot.name, vault, ticket, peer);
                } else {
                    // A burial meanwhile strikes it out, and it is not told any more.
                    self.claims().insert(vault.clone(), Claim::Told);
                    let first = self.ledger.claim(&vault).await;
                    let mut claims = self.claims();
                    if claims.remove(&vault).is_some() && matches!(first, Ok(true)) {
                        self.events.tell_of(&slot.name, Happening::Claimed { vault, ticket, peer });
                    }
                    drop(claims);
                    first?;
                }
            }
        }
        Ok(())
    }

    /// Tells it at once, in the life of this core once, and never after the death.
    fn take_claim(self: &Arc<Self>, node: &NodeName, vault: VaultId, ticket: TicketId, peer: String) {
        {
            let mut claims = self.claims();
            let Some(claim @ Claim::Awaited) = claims.get_mut(&vault) else { return };
            *claim = Claim::Told;
            self.events.tell_of(node, Happening::Claimed { vault: vault.clone(), ticket, peer });
        }
        let core = self.clone();
        let noting = async move {
            let mut pause = CLAIM_PAUSE;
            loop {
                tokio::time::sleep(pause).await;
                if !core.claims().contains_key(&vault) {
                    return;
                }
                match core.ledger.claim(&vault).await {
                    Ok(_) => break,
                    Err(error) => tracing::warn!(%vault, %error, "its claim is written down later"),
                }
                pause = (pause * 2).min(BACKOFF_MOST);
            }
            core.claims().remove(&vault);
        };
        drop(tasks::spawn(Kind::Order, "note-claim", noting));
    }

    /// Makes the records true again after a time in which nobody watched.
    pub(super) async fn reconcile(&self, slot: &Slot, after_start: bool) -> Result<(), ApiError> {
        let promised: Vec<Found<VaultRecord>> = self.records.all(VAULT).await?;
        let state = slot.vaults(None).await?;
        let there: BTreeSet<&VaultId> = state.vaults.iter().map(|vault| &vault.vault).collect();
        for found in promised {
            let (boot_id, vault) = (found.value.boot_id().to_owned(), found.value.into_vault());
            if vault.node != slot.name || there.contains(&vault.id) {
                continue;
            }
            let receipt = match self.ask_for_tombstone(slot, &vault.id).await {
                // It was left out of the list, and that is all.
                Err(NodeError { fault: NodeFault::NotYet, .. }) => continue,
                told => told?,
            };
            let why = if boot_id == state.word.boot_id {
                "its node does not know it"
            } else {
                "its node's daemon started anew"
            };
            self.bury(receipt.unwrap_or_else(|| lost(&vault, why))).await?;
        }
        self.end_undead(slot, &state).await?;
        if after_start {
            self.end_orphans(slot, &state).await?;
        }
        Ok(())
    }

    /// Asks the node whether a vault that the records call alive is: the news of a death may be on
    /// their way, and whoever repeats a request must not get a dead vault's ticket. A node that
    /// cannot be asked changes nothing.
    pub(super) async fn confirm(&self, record: &VaultRecord) -> Result<(), ApiError> {
        let (vault, boot_id) = (record.vault(), record.boot_id());
        let slot = self.slot(&vault.node)?;
        let Ok(state) = slot.vaults(Some(vault.id.clone())).await else { return Ok(()) };
        let said = state.vaults.iter().find(|said| said.vault == vault.id);
        if said.is_some_and(|said| said.phase.is_alive()) {
            return Ok(());
        }
        let receipt = if boot_id == state.word.boot_id {
            self.ask_for_tombstone(&slot, &vault.id).await?
        } else {
            None
        };
        let receipt = receipt.unwrap_or_else(|| lost(vault, "its node does not know it"));
        // That it is dead is so, also where that cannot be written down: the next round tries that again.
        let told = self.learn(vault, NodeError::dead(receipt.clone())).await;
        Err(match told.code {
            ErrorCode::VaultDead => told,
            _ => ApiError::vault_dead(receipt),
        })
    }

    /// `None`: the node does not know it.
    pub(super) async fn ask_for_tombstone(
        &self,
        slot: &Slot,
        vault: &VaultId,
    ) -> Result<Option<Receipt>, NodeError> {
        match slot.api.receipt(vault.clone()).await {
            Ok(receipt) => Ok(Some(receipt)),
            Err(NodeError { fault: NodeFault::Unknown, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Vaults that a crashed core had ordered and not recorded: nobody knows of them.
    async fn end_orphans(&self, slot: &Slot, state: &NodeVaults) -> Result<(), ApiError> {
        for vault in &state.vaults {
            if !self.ledger.condemn(&vault.vault).await? {
                continue;
            }
            if self.records.aside().may_hide_a_vault() {
                self.salvage_unknown(slot, vault, &state.word.boot_id).await?;
                continue;
            }
            tracing::info!(vault = %vault.vault, node = %slot.name, "ending a vault that nobody recorded");
            let order = DestructOrder {
                vault: vault.vault.clone(),
                cause: Cause::Cancelled,
                by: Some("core".into()),
                grace_ms: 0,
            };
            match slot.api.destruct(order).await {
                Ok(_) => {}
                Err(error) if error.is_gone() => {}
                Err(error) => return Err(error.into()),
            }
        }
        let slots = self.slots();
        self.ledger.clear_notes(&slot.name, |node| slots.contains_key(node)).await
    }
}
