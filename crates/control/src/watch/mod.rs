//! Reconciliation: the nodes' news, and the comparison of what was promised with what is there.
//!
//! One task per node. It reads the news from the start of the node's memory, compares once, then
//! follows. The comparison takes no input: it reads the store first and the node second, so a vault
//! in the store that the node does not list has died; it reads the node first and the store second
//! for the converse, so a vault on the node that nobody records or forges was left by a crash.
//! Silence of a node changes nothing but its face in the listing.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::claims::{Claim, Claims};
use super::dependencies::Dependencies;
use super::events::EventLog;
use super::failure::Failure;
use super::families::Families;
use super::ledger::{Ledger, Records};
use super::node_table::NodeTable;
use super::nodes::NodeSlot;
use super::queue::Spool;
use super::vaults::Vaults;
use hauki_contract::api::event::Happening;
use hauki_contract::api::node::{MOST_NEWS, News, NewsItem};
use hauki_contract::model::error_chain;
use hauki_contract::model::id::{NodeName, TicketId, VaultId};
use hauki_contract::system::clock;
use hauki_contract::system::tasks::{self, OnFault, TaskKind};

const NEWS_WAIT_MS: u64 = 10_000;
/// How often what could not be compared is compared again.
const LEFT_AGAIN_US: u64 = 30_000_000;
/// From a claim to its record: who has just come in waits for a first answer and wants the cores for it, and
/// of a vault that is dead by then no such record is needed.
pub(super) const CLAIM_PAUSE: Duration = Duration::from_millis(100);
const BACKOFF: Duration = Duration::from_millis(100);
const BACKOFF_MOST: Duration = Duration::from_secs(5);
/// Whose daemon ran for so long is not one that starts all the time.
const STEADY_US: u64 = 30_000_000;

mod comparison;
mod cursor;
mod placement_cache;
mod lost_nodes;

pub(super) use comparison::Unsettled;
use cursor::NewsCursor;
#[cfg(test)]
pub(super) use lost_nodes::KnownSince;
use placement_cache::PlacementCache;

pub(super) struct Watcher {
    node_table: NodeTable,
    records: Records,
    ledger: Ledger,
    events: EventLog,
    claims: Arc<Claims>,
    spool: Arc<Spool>,
    orphans: Arc<Notify>,
    vaults: Arc<Vaults>,
    families: Arc<Families>,
}

impl Watcher {
    pub(super) fn new(basis: &Dependencies, vaults: &Arc<Vaults>, families: &Arc<Families>) -> Arc<Self> {
        Arc::new(Self {
            node_table: basis.node_table.clone(),
            records: basis.records.clone(),
            ledger: basis.ledger.clone(),
            events: basis.events.clone(),
            claims: basis.claims.clone(),
            spool: basis.spool.clone(),
            orphans: basis.orphans.clone(),
            vaults: vaults.clone(),
            families: families.clone(),
        })
    }

    /// Starts to watch every node; each watch ends with its slot's, or when [`Self::stop`] is called.
    pub(super) fn start(self: &Arc<Self>) {
        for slot in self.node_table.slots().values() {
            self.watch_slot(slot);
        }
    }

    /// Those that another core has added.
    pub(super) fn watch_new(self: &Arc<Self>) {
        self.node_table
            .slots()
            .values()
            .filter(|slot| !slot.is_watched())
            .for_each(|slot| self.watch_slot(slot));
    }

    pub(super) fn stop(&self) {
        for slot in self.node_table.slots().values() {
            slot.unwatch();
        }
    }

    pub(super) fn watch_slot(self: &Arc<Self>, slot: &Arc<NodeSlot>) {
        let (watcher, watched) = (self.clone(), slot.clone());
        slot.watched_by(tasks::stand("node-watch", OnFault::Restart, move || {
            let (watcher, watched) = (watcher.clone(), watched.clone());
            async move { watcher.watch(&watched).await }
        }));
    }

    /// Makes the records true once, before anybody asks, as far as the nodes can be reached. What
    /// cannot is left to the watching.
    pub(super) async fn settle(self: &Arc<Self>) {
        let mut tasks = tokio::task::JoinSet::new();
        for slot in self.node_table.slots().values() {
            let (watcher, slot) = (self.clone(), slot.clone());
            tasks.spawn(async move {
                if let Err(error) = watcher.reconcile(&slot, false, &mut Unsettled::default()).await {
                    tracing::warn!(node = %slot.name, error = error_chain::told(&error), "its vaults are compared later");
                }
            });
        }
        tasks.join_all().await;
        self.vaults.salvage_all().await;
    }

    /// Writes down the deaths that the nodes have told until now.
    pub(super) async fn catch_up(&self) {
        for slot in self.node_table.slots().values() {
            let caught = async {
                // Only deaths: the watcher may have told the rest already.
                let (mut place, mut taken, mut left) = (NewsCursor::default(), 0, Unsettled::default());
                loop {
                    let news = match place.hear(slot, 0).await {
                        Err(_) if place.goes_on() => continue,
                        heard => heard?,
                    };
                    if news.items.is_empty() || taken > MOST_NEWS {
                        return Ok::<(), Failure>(());
                    }
                    place.last = news.last;
                    taken += news.items.len();
                    for item in news.items {
                        if let NewsItem::Died(receipt) = item {
                            let vault = receipt.vault.clone();
                            left.pass(slot, &vault, self.vaults.bury(receipt).await)?;
                        }
                    }
                }
            };
            if let Err(error) = caught.await {
                tracing::warn!(node = %slot.name, error = error_chain::told(&error), "its last news are left to the next start");
            }
        }
    }

    async fn watch(self: &Arc<Self>, slot: &Arc<NodeSlot>) {
        let mut place = NewsCursor::at_start();
        let (mut backoff, mut boots) = (BACKOFF, BACKOFF);
        loop {
            let began = clock::mono();
            let followed = tokio::select! {
                followed = self.follow(slot, &mut place, &mut backoff) => followed,
                never = self.families.listen(slot) => match never {},
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
            match &error {
                Failure::Node(error) if slot.gave_none(error) => {
                    tracing::warn!(node = %slot.name, error = error_chain::told(&error), "the node gives no word");
                    let message = error.message.clone();
                    self.events.tell(Happening::NodeLost { node: slot.name.clone(), message });
                }
                Failure::Node(_) => {}
                error => {
                    let error = error_chain::told(error);
                    tracing::error!(node = %slot.name, error, "the node's news could not be written down");
                }
            }
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(BACKOFF_MOST);
        }
    }

    /// From one start of the node's daemon to the next, or to an error.
    async fn follow(
        self: &Arc<Self>,
        slot: &Arc<NodeSlot>,
        place: &mut NewsCursor,
        backoff: &mut Duration,
    ) -> Result<(), Failure> {
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
        let (mut taken, mut left) = (0, Unsettled::default());
        while !news.items.is_empty() && taken <= MOST_NEWS {
            taken += news.items.len();
            self.take(slot, news, place, &mut left).await?;
            news = place.hear(slot, 0).await?;
        }
        self.reconcile(slot, place.first, &mut left).await?;
        let mut compared = clock::mono();
        self.vaults.salvage_all().await;
        self.orphans.notify_one();
        place.first &= !left.is_empty();
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
            self.take(slot, news, place, &mut left).await?;
            if !left.is_empty() && clock::mono().since(compared) > LEFT_AGAIN_US {
                self.reconcile(slot, place.first, &mut left).await?;
                place.first &= !left.is_empty();
                compared = clock::mono();
            }
        }
    }

    async fn take(
        self: &Arc<Self>,
        slot: &Arc<NodeSlot>,
        news: News,
        place: &mut NewsCursor,
        left: &mut Unsettled,
    ) -> Result<(), Failure> {
        // Deaths are written down side by side: the store then commits many at a time.
        let mut burials = tokio::task::JoinSet::new();
        let mut placed = PlacementCache::of(slot.name.clone());
        for item in news.items {
            if let NewsItem::Log { vault, .. } | NewsItem::Claimed { vault, .. } = &item
                && !self.is_on(&mut placed, vault).await?
            {
                continue;
            }
            match item {
                NewsItem::Died(receipt) => {
                    let vaults = self.vaults.clone();
                    burials.spawn(async move { (receipt.vault.clone(), vaults.bury(receipt).await) });
                }
                item => self.take_item(slot, item).await?,
            }
        }
        for (vault, buried) in burials.join_all().await {
            left.pass(slot, &vault, buried)?;
        }
        // In one boot it only grows.
        place.last = place.last.max(news.last);
        Ok(())
    }

    async fn take_item(self: &Arc<Self>, slot: &Arc<NodeSlot>, item: NewsItem) -> Result<(), Failure> {
        match item {
            NewsItem::Other => {}
            NewsItem::Clone(ask) => self.families.take_clone(slot, ask),
            NewsItem::Died(receipt) => {
                self.vaults.bury(receipt).await?;
            }
            NewsItem::Fetched { vault, fetched } => {
                self.events.tell_of(&slot.name, Happening::Fetched { vault, fetched });
            }
            NewsItem::Log { vault, text } => self.events.tell_of(&slot.name, Happening::Log { vault, text }),
            NewsItem::Claimed { vault, ticket, peer } => {
                let known = self.claims.lock().contains_key(&vault);
                if known {
                    self.take_claim(&slot.name, vault, ticket, peer);
                } else {
                    // A burial meanwhile strikes it out, and it is not told any more.
                    self.claims.lock().insert(vault.clone(), Claim::Told);
                    let first = self.ledger.claim(&vault).await;
                    let mut claims = self.claims.lock();
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
            let mut claims = self.claims.lock();
            let Some(claim @ Claim::Awaited) = claims.get_mut(&vault) else { return };
            *claim = Claim::Told;
            self.events.tell_of(node, Happening::Claimed { vault: vault.clone(), ticket, peer });
        }
        let (claims, ledger) = (self.claims.clone(), self.ledger.clone());
        let noting = async move {
            let mut pause = CLAIM_PAUSE;
            loop {
                tokio::time::sleep(pause).await;
                if !claims.lock().contains_key(&vault) {
                    return;
                }
                match ledger.claim(&vault).await {
                    Ok(_) => break,
                    Err(error) => {
                        tracing::warn!(%vault, error = error_chain::told(&error), "its claim is written down later")
                    }
                }
                pause = (pause * 2).min(BACKOFF_MOST);
            }
            claims.lock().remove(&vault);
        };
        drop(tasks::spawn(TaskKind::Order, "note-claim", noting));
    }
}
