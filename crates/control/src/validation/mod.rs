//! Validation of everything that a node says: a decorator around its [`NodeApi`], and the only way by which
//! the core hears it.
//!
//! A node may be taken over, and is believed about its own vaults only. So each answer is held against the
//! order that it answers: the vault, the node's own name, the address that is registered for it, the key of
//! this start of its daemon. What contradicts is refused as a whole, told in the log and counted; what is
//! merely too long is cut ([`limits`]). Whether a vault was placed there at all, the records know: that is
//! asked where news are applied (`control::vaults`, `control::watch`).
//! Nothing of this outlives the core but the address of a node that was added, which is in its record.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hauki_contract::api::clone::{CloneAnswer, CloneAsks};
use hauki_contract::api::node::{
    BeatOrder, Code, DestructOrder, Doom, Leased, News, NewsItem, NodeApi, NodeFuture, NodeHealth,
    NodeStatus, NodeVaults, OpenOrder, OpenedPort, ProvisionOrder, Provisioned, TornDown,
};
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::model::death::Cause;
use hauki_contract::model::digest::Sha256;
use hauki_contract::model::id::{NodeName, VaultId};
use hauki_contract::model::receipt::Receipt;
use hauki_contract::system::clock;

mod limits;

/// Ports below are the machine's own services', and no gate's.
const LEAST_PORT: u16 = 1024;

/// Between two lines of the log about one node: whoever lies without end must not fill the disk.
const LOG_EVERY_US: u64 = 1_000_000;

pub struct ValidatedNode {
    node: NodeName,
    inner: Arc<dyn NodeApi>,
    known: Mutex<Known>,
    refused: AtomicU64,
    logged_at: AtomicU64,
}

/// What the node cannot take back.
#[derive(Default)]
struct Known {
    /// Where its ports are: registered, or what it said first.
    address: Option<IpAddr>,
    boot_id: String,
    /// Of its certificate and its key, in this boot.
    identity: Option<(Sha256, Sha256)>,
}

impl ValidatedNode {
    #[must_use]
    pub fn new(node: NodeName, inner: Arc<dyn NodeApi>, address: Option<IpAddr>) -> Self {
        let known = Mutex::new(Known { address, ..Known::default() });
        Self { node, inner, known, refused: AtomicU64::new(0), logged_at: AtomicU64::new(0) }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many of its words were not believed.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Notes that it said what it has no right to say.
    pub fn distrust(&self, what: &str) {
        let refused = self.refused.fetch_add(1, Ordering::Relaxed) + 1;
        let (now, last) = (clock::mono().0, self.logged_at.load(Ordering::Relaxed));
        if refused == 1 || now.saturating_sub(last) >= LOG_EVERY_US {
            self.logged_at.store(now, Ordering::Relaxed);
            tracing::warn!(node = %self.node, refused, "not believed: {what}");
        }
    }

    /// Another node may do better, so whoever ordered is told that it did not work this time.
    fn refuse(&self, what: &str) -> NodeError {
        self.distrust(what);
        NodeError::new(NodeFault::Disbelieved, format!("node {} is not believed: {what}", self.node))
            .hint("its daemon contradicts what it was ordered: look at that machine")
    }

    /// Why it may not be used, by what it says of itself.
    #[must_use]
    pub fn misplaced(&self, word: &NodeStatus) -> Option<String> {
        match self.known().address {
            Some(address) if address != word.data_plane => Some(format!(
                "its data plane is {} now, registered is {address}: repeat `hauki node add`, or set nodes[].data_plane",
                word.data_plane
            )),
            Some(_) | None => None,
        }
    }

    fn word_of<T: AsMut<NodeStatus>>(&self, mut answer: T) -> Result<T, NodeError> {
        let word = answer.as_mut();
        limits::word(word);
        // Its tickets would say the one name and be checked against the other.
        if word.name != self.node {
            let message = format!(
                "it calls itself {}: its node.name and the core's nodes: must agree",
                limits::name(word.name.as_str())
            );
            return Err(NodeError::new(NodeFault::Environment, message));
        }
        let mut known = self.known();
        known.address.get_or_insert(word.data_plane);
        known.boots(&word.boot_id);
        drop(known);
        Ok(answer)
    }

    fn opened(&self, opened: &OpenedPort) -> Result<(), NodeError> {
        let OpenedPort { ip, port, cert_sha256, key_sha256, terms, .. } = opened;
        let mut known = self.known();
        let registered = *known.address.get_or_insert(*ip);
        let identity = (*cert_sha256, *key_sha256);
        let same_key = *known.identity.get_or_insert(identity) == identity;
        drop(known);
        if *ip != registered || ip.is_unspecified() || ip.is_multicast() {
            return Err(self.refuse(&format!("it opened a port at {ip}, registered is {registered}")));
        }
        if *port < LEAST_PORT {
            return Err(self.refuse(&format!("it says that port {port} is a vault's")));
        }
        if !same_key {
            return Err(self.refuse("it has another key than before in the same boot"));
        }
        terms.check().map_err(|error| self.refuse(&format!("it opened a port under other terms: {error}")))
    }

    /// An answer, or an error that may be shown: of `vault` only, if of any.
    async fn heard<T>(&self, answer: NodeFuture<'_, T>, vault: Option<&VaultId>) -> Result<T, NodeError> {
        let mut error = match answer.await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        limits::error(&mut error);
        if let NodeFault::Dead(receipt) = &mut error.fault {
            match vault {
                Some(vault) => {
                    limits::receipt(receipt, vault, &self.node).map_err(|what| self.refuse(&what))?
                }
                None => return Err(self.refuse("it answers with a receipt that nobody asked for")),
            }
        }
        Err(error)
    }

    fn news_of(&self, mut news: News) -> News {
        limits::clean(&mut news.boot_id, limits::NAME);
        self.known().boots(&news.boot_id);
        news.items.retain_mut(|item| match item {
            NewsItem::Died(receipt) => {
                let vault = receipt.vault.clone();
                match limits::receipt(receipt, &vault, &self.node) {
                    Ok(()) => true,
                    Err(what) => {
                        self.distrust(&what);
                        false
                    }
                }
            }
            NewsItem::Log { text, .. } => {
                limits::cut(text, limits::LINE);
                true
            }
            NewsItem::Claimed { peer, .. } => {
                limits::clean(peer, limits::NAME);
                true
            }
            NewsItem::Fetched { fetched, .. } => {
                limits::clean(&mut fetched.method, limits::NAME);
                limits::clean(&mut fetched.to, limits::LINE);
                fetched.error.iter_mut().for_each(|error| limits::clean(error, limits::LINE));
                true
            }
            NewsItem::Clone(_) => true,
            NewsItem::Other => false,
        });
        news
    }
}

impl Known {
    fn boots(&mut self, boot_id: &str) {
        if self.boot_id != boot_id {
            (self.boot_id, self.identity) = (boot_id.to_owned(), None);
        }
    }
}

impl NodeApi for ValidatedNode {
    fn status(&self) -> NodeFuture<'_, NodeStatus> {
        Box::pin(async move { self.word_of(self.heard(self.inner.status(), None).await?) })
    }

    fn vaults(&self, of: Option<VaultId>) -> NodeFuture<'_, NodeVaults> {
        Box::pin(async move {
            let one = of.clone();
            let mut there = self.word_of(self.heard(self.inner.vaults(of), None).await?)?;
            if there.vaults.len() > limits::VAULTS {
                return Err(self.refuse(&format!("it lists {} vaults", there.vaults.len())));
            }
            there.vaults.retain(|said| one.as_ref().is_none_or(|one| *one == said.vault));
            Ok(there)
        })
    }

    fn health(&self) -> NodeFuture<'_, NodeHealth> {
        Box::pin(async move {
            let mut health = self.word_of(self.heard(self.inner.health(), None).await?)?;
            limits::findings(&mut health.findings);
            Ok(health)
        })
    }

    fn provision(&self, order: ProvisionOrder) -> NodeFuture<'_, Provisioned> {
        Box::pin(async move {
            let (vault, opens) = (order.vault.clone(), order.opening.is_some());
            let provisioned = self.heard(self.inner.provision(order), Some(&vault)).await?;
            limits::methods(&provisioned.methods).map_err(|what| self.refuse(&what))?;
            match &provisioned.opened {
                Some(_) if !opens => return Err(self.refuse("it opened a port that was not ordered")),
                Some(opened) => self.opened(opened)?,
                None => {}
            }
            Ok(provisioned)
        })
    }

    fn keep(&self, code: Code) -> NodeFuture<'_, ()> {
        Box::pin(self.heard(self.inner.keep(code), None))
    }

    fn open(&self, order: OpenOrder) -> NodeFuture<'_, OpenedPort> {
        Box::pin(async move {
            let vault = order.vault.clone();
            let opened = self.heard(self.inner.open(order), Some(&vault)).await?;
            self.opened(&opened)?;
            Ok(opened)
        })
    }

    fn beat(&self, order: BeatOrder) -> NodeFuture<'_, Leased> {
        Box::pin(async move {
            let vault = order.vault.clone();
            let leased = self.heard(self.inner.beat(order), Some(&vault)).await?;
            Ok(Leased { lease_left_ms: leased.lease_left_ms.min(limits::LEASE_MS) })
        })
    }

    fn destruct(&self, order: DestructOrder) -> NodeFuture<'_, TornDown> {
        Box::pin(async move {
            let DestructOrder { vault, cause, by, .. } = order.clone();
            let mut torn = self.heard(self.inner.destruct(order), Some(&vault)).await?;
            limits::receipt(&mut torn.receipt, &vault, &self.node).map_err(|what| self.refuse(&what))?;
            if torn.changed && !died_of(&torn.receipt, cause, by.as_deref()) {
                return Err(self.refuse(&format!("{vault} was ended there by another order than ours")));
            }
            Ok(torn)
        })
    }

    fn receipt(&self, vault: VaultId) -> NodeFuture<'_, Receipt> {
        Box::pin(async move {
            let mut receipt = self.heard(self.inner.receipt(vault.clone()), Some(&vault)).await?;
            limits::receipt(&mut receipt, &vault, &self.node).map_err(|what| self.refuse(&what))?;
            Ok(receipt)
        })
    }

    fn asks(&self, after: u64, wait_ms: u64) -> NodeFuture<'_, CloneAsks> {
        Box::pin(async move {
            let mut asks = self.heard(self.inner.asks(after, wait_ms), None).await?;
            limits::clean(&mut asks.boot_id, limits::NAME);
            Ok(asks)
        })
    }

    fn doom(&self, doom: Doom) -> NodeFuture<'_, ()> {
        Box::pin(self.heard(self.inner.doom(doom), None))
    }

    fn cloned(&self, answer: CloneAnswer) -> NodeFuture<'_, ()> {
        Box::pin(async move {
            let vault = answer.vault.clone();
            self.heard(self.inner.cloned(answer), Some(&vault)).await
        })
    }

    fn news(&self, after: u64, wait_ms: u64) -> NodeFuture<'_, News> {
        Box::pin(async move { Ok(self.news_of(self.heard(self.inner.news(after, wait_ms), None).await?)) })
    }
}

/// Whether what this order ended says so.
pub(super) fn died_of(receipt: &Receipt, cause: Cause, by: Option<&str>) -> bool {
    let death = &receipt.death;
    death.cause == cause && death.by.as_deref() == by
}
