//! Node service: takes the core's orders and keeps the table of vaults.

mod teardown;
mod tombstones;
mod status;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::oneshot;

use super::code_cache::CodeCache;
use super::gate::connection::Gate;
use super::gate::identity::{Identity, TlsIdentityError};
use super::gate::port::Port;
use super::journal::Journal;
use super::outbound::{DeathLookup, FetchClient, Outbound};
use super::pool::{Blank, Pool};
use super::settings::NodeSettings;
use super::shards::{Shard, ShardError, Shards};
use super::supervisor::Supervisor;
use super::vault::VaultHandle;
use hauki_contract::api::clone::CloneAnswer;
use hauki_contract::api::node::{
    BeatOrder, DestructOrder, Leased, OpenOrder, OpenedPort, Opening, ProvisionOrder, Provisioned,
};
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::api::{ApiError, ErrorCode};
use hauki_contract::model::death::{Cause, Death};
use hauki_contract::model::id::VaultId;
use hauki_contract::model::lease::Promise;
use hauki_contract::model::phase::Phase;
use hauki_contract::rpc::capability::Issuer;
use hauki_contract::system::tasks::TaskKind;
use hauki_contract::system::{clock, random};
use hauki_sandbox::{Driver, Started, SweepError};
use teardown::end_of;

pub struct NodeService {
    settings: NodeSettings,
    fetches: Arc<FetchClient>,
    driver: Arc<dyn Driver>,
    identity: Arc<Identity>,
    shards: Arc<Shards>,
    pool: Arc<Pool>,
    boot_id: String,
    pub(super) news: Arc<Journal>,
    draining: AtomicBool,
    pub(super) code_cache: CodeCache,
    book: Mutex<VaultTable>,
}

#[derive(Default)]
struct VaultTable {
    living: HashMap<VaultId, Entry>,
    dead: tombstones::RecentTombstones,
}

#[derive(Clone)]
struct Entry {
    vault: Arc<VaultHandle>,
    port: Arc<Port>,
    shard: Shard,
}

#[derive(Debug, thiserror::Error)]
pub enum NodeSetupError {
    #[error(transparent)]
    Shard(#[from] ShardError),
    #[error(transparent)]
    Identity(#[from] TlsIdentityError),
    #[error("failed to remove what an earlier daemon left")]
    Sweep(#[from] SweepError),
}

impl NodeService {
    /// Sweeps what a predecessor left, then is ready for orders.
    pub async fn start(settings: NodeSettings, driver: Arc<dyn Driver>) -> Result<Arc<Self>, NodeSetupError> {
        let swept = driver.sweep().await?;
        if swept != hauki_sandbox::Swept::default() {
            tracing::warn!(?swept, "removed what an earlier daemon left");
        }
        let identity = Arc::new(Identity::generate()?);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let boot_id = format!("{:032x}", random::u128());
        let news = Arc::new(Journal::new(boot_id.clone()));
        let shards = Arc::new(Shards::start(cores)?);
        let pool = Pool::start(Arc::clone(&driver), Arc::clone(&shards), settings.warm_vaults);
        let (draining, code_cache, book) = Default::default();
        let fetches = Arc::new(FetchClient::new(settings.authorities.clone()));
        Ok(Arc::new(Self {
            settings,
            fetches,
            driver,
            identity,
            shards,
            pool,
            boot_id,
            news,
            draining,
            code_cache,
            book,
        }))
    }

    fn book(&self) -> MutexGuard<'_, VaultTable> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[must_use]
    pub fn name(&self) -> &hauki_contract::model::id::NodeName {
        &self.settings.name
    }

    #[must_use]
    pub fn living(&self) -> usize {
        self.book().living.len()
    }

    /// Takes no more orders, ends every vault, and returns when all are gone or time is up. The
    /// answer is how many are left.
    pub async fn shut_down(&self, deadline: Duration) -> usize {
        self.draining.store(true, Ordering::Relaxed);
        let entries: Vec<Entry> = self.book().living.values().cloned().collect();
        for entry in &entries {
            entry.vault.doom(Cause::NodeShutdown, None, None, 0);
        }
        let all_gone = async {
            for entry in &entries {
                let _ = entry.vault.receipt.subscribe().wait_for(Option::is_some).await;
            }
        };
        let all_gone = async { tokio::join!(all_gone, self.pool.close()) };
        let _ = tokio::time::timeout(deadline, all_gone).await;
        // By their receipts: the book is tidied a moment after them.
        entries.iter().filter(|entry| entry.vault.receipt.borrow().is_none()).count()
    }

    fn entry(&self, id: &VaultId) -> Result<Entry, NodeError> {
        let book = self.book();
        if let Some(entry) = book.living.get(id) {
            return Ok(entry.clone());
        }
        match book.dead.get(id) {
            Some(receipt) => Err(NodeError::dead(receipt.clone())),
            None => {
                Err(NodeError::new(NodeFault::Unknown, format!("node {} has no {id}", self.settings.name)))
            }
        }
    }

    pub(super) async fn provision(self: Arc<Self>, order: ProvisionOrder) -> Result<Provisioned, NodeError> {
        let bounds = order.limits.check().and(order.terms.check());
        bounds.map_err(|error| NodeError::new(NodeFault::BadOrder, error.to_string()))?;
        let secrets = order.limits.check_secrets();
        secrets.map_err(|error| NodeError::new(NodeFault::BadOrder, error.to_string()))?;
        let within = self.settings.net.as_ref().map_or(Ok(()), |ceiling| ceiling.check(&order.limits.net));
        within.map_err(|error| NodeError::new(NodeFault::BadOrder, error.to_string()))?;
        let order = self.code_cache.fill(order)?;
        let opening = order.opening.clone();
        let (entry, blank, fresh) = self.enter(&order, Arc::downgrade(&self) as Weak<dyn DeathLookup>)?;
        let (forged, outcome) = oneshot::channel();
        let supervisor = Supervisor {
            vault: Arc::clone(&entry.vault),
            driver: Arc::clone(&self.driver),
            port: Arc::clone(&entry.port),
            data_plane: self.settings.data_plane,
        };
        let node = Arc::clone(&self);
        let (vault, generation) = (order.vault.clone(), order.generation);
        let id = vault.clone();
        let life = async move {
            supervisor.live(order, blank, forged).await;
            node.strike(&id);
        };
        drop(entry.shard.spawn(TaskKind::Order, "vault", life));
        let result = outcome.await;
        let result =
            result.unwrap_or_else(|_| Err(NodeError::new(NodeFault::Defect, "the supervisor was lost")));
        let result = match (result, opening) {
            (Ok(provisioned), Some(opening)) => self.open_new(provisioned, vault, generation, opening).await,
            (result, _) => result,
        };
        fresh.disarm();
        // Not before: filling up takes a core that this order may have needed.
        self.pool.refill();
        result
    }

    /// Opens what has just been forged; of what cannot be opened nothing is left.
    async fn open_new(
        &self,
        provisioned: Provisioned,
        vault: VaultId,
        generation: u64,
        opening: Opening,
    ) -> Result<Provisioned, NodeError> {
        let Opening { lease_ms, link } = opening;
        let order = OpenOrder { vault: vault.clone(), generation, lease_ms, link };
        let error = match self.open(order).await {
            Ok(opened) => return Ok(Provisioned { opened: Some(opened), ..provisioned }),
            Err(error) => error,
        };
        let _ = self.destruct(DestructOrder { vault, cause: Cause::Cancelled, by: None, grace_ms: 0 }).await;
        // It was this order's, and so is its end.
        Err(if error.is_gone() { NodeError { fault: NodeFault::Ended, ..error } } else { error })
    }

    /// Writes the vault into the book, or says why not.
    fn enter(
        &self,
        order: &ProvisionOrder,
        graves: Weak<dyn DeathLookup>,
    ) -> Result<(Entry, Option<Started>, CancelOnDrop), NodeError> {
        let name = &self.settings.name;
        let issuer = Issuer::from_hex(&order.issuer)
            .map_err(|error| NodeError::new(NodeFault::BadOrder, error.to_string()))?;
        let limits = order.limits.clone();
        let (id, voucher) = (order.vault.clone(), order.voucher.clone());
        let reach = Outbound::new(id, issuer, voucher, limits.max_frame_bytes, graves);
        let reach = reach.by(&self.fetches).carrying(&limits.secrets, &order.secrets).ok_or_else(|| {
            NodeError::new(NodeFault::BadOrder, "a secret that the vault uses came without its value")
        })?;
        let mut book = self.book();
        if self.draining.load(Ordering::Relaxed) {
            return Err(NodeError::new(NodeFault::Draining, format!("node {name} is draining")));
        }
        if book.living.len() >= self.settings.max_vaults as usize {
            let message = format!("node {name} is full: {} vaults", self.settings.max_vaults);
            return Err(NodeError::new(NodeFault::Full, message));
        }
        if book.living.contains_key(&order.vault) || book.dead.get(&order.vault).is_some() {
            return Err(NodeError::new(NodeFault::Exists, format!("{} exists already", order.vault)));
        }
        let names = (order.vault.clone(), order.generation, name.clone());
        let (shard, blank) = match self.pool.take(&order.limits) {
            Some(Blank { started, shard }) => (shard, Some(started)),
            None => (self.shards.assign(), None),
        };
        let (kin, waking) = ((reach, order.parent.clone()), Arc::clone(&shard.waking));
        let vault =
            VaultHandle::new(names, limits, order.terms.clone(), (Arc::clone(&self.news), waking), kin);
        let entry = Entry { vault: Arc::clone(&vault), port: Arc::default(), shard };
        book.living.insert(order.vault.clone(), entry.clone());
        Ok((entry, blank, CancelOnDrop(Some(vault))))
    }

    /// Moves a vault from the living to the dead.
    fn strike(&self, id: &VaultId) {
        let mut book = self.book();
        let Some(entry) = book.living.remove(id) else { return };
        let now = clock::mono();
        if let Some(receipt) = entry.vault.receipt.borrow().clone() {
            book.dead.bury(receipt, now);
        }
    }

    pub(super) async fn open(&self, order: OpenOrder) -> Result<OpenedPort, NodeError> {
        let Entry { vault, port, shard } = self.entry(&order.vault)?;
        if order.generation != vault.generation {
            let message =
                format!("{} is of generation {}, not {}", vault.id, vault.generation, order.generation);
            return Err(NodeError::new(NodeFault::StaleGeneration, message));
        }
        let owned = vault.state().lease.has_owner();
        if order.link == Some(true) && vault.state().phase == Phase::Live && !owned {
            let message = format!("{} is in use already, so no connection can own it any more", vault.id);
            let hint = "ask for --link with the first ticket, or forge another vault";
            return Err(NodeError::new(NodeFault::Untimely, message).hint(hint));
        }
        if vault.ticketed().is_err() {
            let phase = vault.state().phase;
            return Err(match phase {
                Phase::Forging => {
                    NodeError::new(NodeFault::NotYet, format!("{} is still being forged", vault.id))
                }
                _ => end_of(&vault).await,
            });
        }
        let (ip, identity) = (self.settings.data_plane, Arc::clone(&self.identity));
        let gate_vault = Arc::clone(&vault);
        let opened = {
            // The port and who calls there are the shard's, whose runtime this makes the current one.
            let _lane = shard.enter();
            port.open(ip, || Gate::new(gate_vault, identity))
        };
        let port = match opened {
            Ok(port) => port,
            Err(error) if error.kind() == std::io::ErrorKind::NotConnected => {
                return Err(end_of(&vault).await);
            }
            Err(error) => {
                let message = format!("failed to open a port on {ip}: {error}");
                return Err(NodeError::new(NodeFault::Environment, message)
                    .hint("data_plane.address must be an address of this machine"));
            }
        };
        let state = vault.state();
        let lived_ms = clock::mono().since(state.forged_at) / 1000;
        // What this ticket will say; the vault's own terms stay as they are.
        let mut terms = state.lease.terms.clone();
        terms.lease_ms = order.lease_ms.unwrap_or(terms.lease_ms);
        terms.link = order.link.unwrap_or(terms.link);
        Ok(OpenedPort {
            ip,
            port,
            cert_sha256: self.identity.cert_sha256,
            key_sha256: self.identity.key_sha256,
            methods: state.methods.to_vec(),
            terms,
            max_frame_bytes: vault.limits.max_frame_bytes,
            call_deadline_ms: vault.limits.call_deadline_ms,
            life_left_ms: state.lease.terms.lifetime_ms.saturating_sub(lived_ms),
        })
    }

    pub(super) fn beat(&self, order: &BeatOrder) -> Result<Leased, NodeError> {
        let Entry { vault, .. } = self.entry(&order.vault)?;
        if order.generation.is_some_and(|generation| generation != vault.generation) {
            let message = format!("{} is of generation {} now", vault.id, vault.generation);
            return Err(NodeError::new(NodeFault::StaleGeneration, message));
        }
        if !vault.state().phase.is_alive() {
            return Err(NodeError::new(NodeFault::Untimely, format!("{} is dying", vault.id)));
        }
        Ok(Leased { lease_left_ms: vault.beat(Promise::default(), order.by.as_deref()) })
    }

    pub(super) fn cloned(&self, answer: CloneAnswer) -> Result<(), NodeError> {
        let CloneAnswer { vault, number, ticket, error } = answer;
        let made = match (ticket, error) {
            (Some(ticket), None) => Ok(ticket),
            (_, error) => Err(Box::new(error.unwrap_or_else(|| {
                ApiError::new(ErrorCode::BadRequest, "a clone is answered with a ticket or an error")
            }))),
        };
        self.entry(&vault)?;
        if self.news.wishes.answer(&vault, number, made) {
            return Ok(());
        }
        Err(NodeError::new(NodeFault::NotAwaited, format!("{vault} does not wait for clone {number}")))
    }
}

impl DeathLookup for NodeService {
    fn death(&self, vault: &VaultId) -> Option<Death> {
        let book = self.book();
        match book.living.get(vault) {
            Some(entry) => entry.vault.doomed.borrow().clone(),
            None => book.dead.get(vault).map(|receipt| receipt.death.clone()),
        }
    }
}

/// Ends a vault whose order was abandoned.
struct CancelOnDrop(Option<Arc<VaultHandle>>);

impl CancelOnDrop {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if let Some(vault) = self.0.take() {
            vault.doom(Cause::Cancelled, None, None, 0);
        }
    }
}
