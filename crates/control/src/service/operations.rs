//! Facade: what the core does, one line for each: which phase does it.
//!
//! Without an owner it is done for an administrator; `ownership` and `authorization` say whose things are meant.

use std::collections::HashMap;

use futures_util::Stream;
use tokio::sync::mpsc;

use super::Core;
use crate::admission::RequestUnderWay;
use crate::authorization::{AuthorizationError, Rights, judge_invitations};
use crate::health::Activity;
use crate::issuer;
use crate::user_limits::UserLimits;
use hauki_contract::api::ApiError;
use hauki_contract::api::event::{Event, EventQuery};
use hauki_contract::api::gem::{Gem, GemList, GemPush, GemRemoved};
use hauki_contract::api::health::Health;
use hauki_contract::api::registry::{Holder, ResolveRequest, Resolved, ServiceList, WatchQuery};
use hauki_contract::api::secret::{SecretInfo, SecretList, SecretPut, SecretRemoved};
use hauki_contract::api::spool::{
    SpoolEntry, SpoolList, SpoolOrder, SpoolOrdered, SpoolQuery, SpoolRequest, SpoolWait, Spooled,
};
use hauki_contract::api::summons::{
    SpawnRequest, Spawned, Summons, SummonsFound, SummonsQuery, SummonsRequest,
};
use hauki_contract::api::swarm::{
    NodeAdd, NodeDetail, NodeDrain, NodeOrder, NodeOrdered, NodeRemove, NodeStep, NodeUpgrade,
};
use hauki_contract::api::teardown::{
    BeatReply, BeatRequest, DestructQuery, DestructReply, DestructRequest, Destructed, ReapRequest, Reaped,
};
use hauki_contract::api::vault::{
    NodeInfo, NodeList, ProvisionRequest, TicketRequest, Vault, VaultList, VaultQuery,
};
use hauki_contract::model::gem::GemPointer;
use hauki_contract::model::id::{NodeName, SpoolId, SummonsId, VaultId};
use hauki_contract::model::invitation::Invitation;
use hauki_contract::model::secret_use::SecretName;
use hauki_contract::model::ticket::Ticket;

type Answer<T> = Result<T, ApiError>;

/// The three phases of a vault's beginning.
impl Core {
    pub async fn summon(&self, request: SummonsRequest) -> Answer<Summons> {
        self.summon_for(None, request).await
    }

    /// What is made of it belongs to `owner`.
    pub async fn summon_for(&self, owner: Option<u32>, request: SummonsRequest) -> Answer<Summons> {
        Ok(self.phases.summoning.summon_for(owner, request).await?)
    }

    pub async fn summons(&self, id: &SummonsId) -> Answer<Summons> {
        Ok(self.phases.summoning.summons_again(id).await?)
    }

    /// Those that begin so.
    pub async fn find_summons(&self, only: Option<u32>, query: SummonsQuery) -> Answer<SummonsFound> {
        Ok(self.phases.summoning.find_summons(only, query).await?)
    }

    pub async fn provision(&self, request: ProvisionRequest) -> Answer<Vault> {
        Ok(self.phases.forge.provision(request).await?)
    }

    pub async fn ticket(&self, request: TicketRequest) -> Answer<Ticket> {
        Ok(self.phases.tickets.ticket(request).await?)
    }

    pub async fn spawn(&self, request: SpawnRequest) -> Answer<Spawned> {
        self.spawn_for(None, None, request).await
    }

    /// It belongs to `owner`; one that is there already is taken if it is `only`'s.
    pub async fn spawn_for(
        &self,
        owner: Option<u32>,
        only: Option<u32>,
        request: SpawnRequest,
    ) -> Answer<Spawned> {
        Ok(self.phases.spawning.spawn_for(owner, only, request).await?)
    }
}

/// Its life and its end.
impl Core {
    pub async fn vaults(&self, query: VaultQuery) -> Answer<VaultList> {
        self.vaults_of(None, query).await
    }

    pub(crate) async fn vaults_of(&self, only: Option<u32>, query: VaultQuery) -> Answer<VaultList> {
        Ok(self.phases.vaults.vaults_of(only, query).await?)
    }

    pub async fn vault(&self, id: &VaultId) -> Answer<Vault> {
        Ok(self.phases.vaults.vault(id).await?)
    }

    pub async fn heartbeats(&self, request: BeatRequest) -> Answer<BeatReply> {
        Ok(self.phases.life.heartbeats(request).await?)
    }

    pub async fn destruct(
        &self,
        id: &VaultId,
        query: DestructQuery,
        by: Option<String>,
    ) -> Answer<Destructed> {
        Ok(self.phases.life.destruct(id, query, by).await?)
    }

    pub async fn destruct_many(&self, request: DestructRequest, by: Option<String>) -> Answer<DestructReply> {
        self.destruct_own(None, request, by).await
    }

    pub(crate) async fn destruct_own(
        &self,
        only: Option<u32>,
        request: DestructRequest,
        by: Option<String>,
    ) -> Answer<DestructReply> {
        Ok(self.phases.life.destruct_own(only, request, by).await?)
    }

    pub async fn reap(&self, request: ReapRequest) -> Answer<Reaped> {
        Ok(self.phases.life.reap(request).await?)
    }

    /// To its end, whether or not who ordered it waits for that.
    pub(crate) async fn carry_out<T: Send + 'static>(
        &self,
        order: impl Future<Output = Answer<T>> + Send + 'static,
    ) -> Answer<T> {
        self.basis.admission.carry_out(order).await
    }
}

/// Names, and what happens.
impl Core {
    pub async fn services(&self) -> Answer<ServiceList> {
        Ok(self.phases.names.services().await?)
    }

    pub async fn resolve(&self, request: ResolveRequest) -> Answer<Resolved> {
        self.resolve_own(None, request).await
    }

    pub(crate) async fn resolve_own(&self, only: Option<u32>, request: ResolveRequest) -> Answer<Resolved> {
        Ok(self.phases.names.resolve_own(only, request).await?)
    }

    /// How the names stand, then every change, until the daemon stops.
    pub async fn holders(&self, query: WatchQuery) -> Answer<impl Stream<Item = Holder> + Send + use<>> {
        Ok(self.phases.names.holders(query).await?)
    }

    pub fn events(&self, query: EventQuery) -> impl Stream<Item = Event> + Send + use<> {
        self.basis.events.read(query)
    }

    pub(crate) async fn may_hear(
        &self,
        rights: Rights,
        known: &mut HashMap<VaultId, Option<u32>>,
        event: &Event,
    ) -> bool {
        self.phases.owners.may_hear(rights, known, event).await
    }

    /// Whether he may let a worker fetch from there.
    pub(crate) fn judge_invitations(
        &self,
        rights: Rights,
        net: &[Invitation],
    ) -> Result<(), AuthorizationError> {
        judge_invitations(rights, self.basis.net.as_ref(), net)
    }

    pub(crate) async fn own_vault(&self, rights: Rights, id: &VaultId) -> Answer<()> {
        Ok(self.phases.owners.own_vault(rights, id).await?)
    }

    pub(crate) async fn own_summons(&self, rights: Rights, id: &SummonsId) -> Answer<()> {
        Ok(self.phases.owners.own_summons(rights, id).await?)
    }

    pub(crate) async fn own_summons_of(&self, rights: Rights, request: &ProvisionRequest) -> Answer<()> {
        Ok(self.phases.owners.own_summons_of(rights, request).await?)
    }
}

/// Gems.
impl Core {
    pub async fn gems(&self) -> Answer<GemList> {
        Ok(self.basis.gems.list().await?)
    }

    pub async fn push_gem(&self, push: GemPush) -> Answer<Gem> {
        Ok(self.basis.gems.push(push).await?)
    }

    pub async fn remove_gem(&self, pointer: &GemPointer) -> Answer<GemRemoved> {
        Ok(self.basis.gems.remove(pointer).await?)
    }

    pub async fn resolve_gem(&self, pointer: &GemPointer) -> Answer<Gem> {
        Ok(self.basis.gems.resolve(pointer).await?)
    }
}

/// Secrets, each user's own.
impl Core {
    pub async fn set_secret(&self, owner: Option<u32>, put: SecretPut) -> Answer<SecretInfo> {
        Ok(self.phases.secrets.set(owner, put).await?)
    }

    pub async fn secrets(&self, owner: Option<u32>) -> Answer<SecretList> {
        Ok(self.phases.secrets.list(owner).await?)
    }

    pub async fn remove_secret(&self, owner: Option<u32>, name: SecretName) -> Answer<SecretRemoved> {
        Ok(self.phases.secrets.remove(owner, name).await?)
    }
}

/// The queue.
impl Core {
    pub async fn spool_put(&self, request: SpoolRequest, owner: String) -> Answer<SpoolEntry> {
        Ok(self.phases.spool_api.put(request, owner).await?)
    }

    pub async fn spool_list(&self, query: SpoolQuery) -> Answer<SpoolList> {
        self.spool_list_of(Rights::All, query).await
    }

    pub(crate) async fn spool_list_of(&self, rights: Rights, query: SpoolQuery) -> Answer<SpoolList> {
        Ok(self.phases.spool_api.list_of(rights, query).await?)
    }

    /// Shows one, at once or when it has moved on.
    pub async fn spool_show(&self, id: &SpoolId, wait: SpoolWait) -> Answer<Spooled> {
        Ok(self.phases.spool_api.show(id, wait).await?)
    }

    pub async fn spool_remove(&self, id: &SpoolId) -> Answer<SpoolEntry> {
        Ok(self.phases.spool_api.remove(id).await?)
    }

    pub async fn spool_retry(&self, id: &SpoolId) -> Answer<SpoolEntry> {
        Ok(self.phases.spool_api.retry(id).await?)
    }

    pub(crate) async fn spool_order(&self, rights: Rights, order: SpoolOrder) -> Answer<SpoolOrdered> {
        Ok(self.phases.spool_api.order(rights, order).await?)
    }

    pub(crate) async fn own_spooled(&self, rights: Rights, id: &SpoolId) -> Answer<()> {
        Ok(self.phases.spool_api.own(rights, id).await?)
    }
}

/// The swarm.
impl Core {
    pub async fn nodes(&self) -> NodeList {
        self.phases.node_operations.list().await
    }

    pub async fn node(&self, name: &NodeName) -> Answer<NodeDetail> {
        Ok(self.phases.node_operations.show(name).await?)
    }

    /// Starts the installation; the receiver gets its steps and, last, how it ended.
    pub fn add_node(&self, order: NodeAdd) -> mpsc::Receiver<NodeStep> {
        self.phases.node_operations.add(order)
    }

    pub async fn upgrade_node(
        &self,
        name: &NodeName,
        order: NodeUpgrade,
    ) -> Answer<mpsc::Receiver<NodeStep>> {
        Ok(self.phases.node_operations.upgrade(name, order).await?)
    }

    pub async fn drain_node(&self, name: &NodeName, order: &NodeDrain) -> Answer<NodeInfo> {
        Ok(self.phases.node_operations.drain(name, order).await?)
    }

    pub async fn remove_node(&self, name: &NodeName, order: &NodeRemove) -> Answer<NodeInfo> {
        Ok(self.phases.node_operations.remove(name, order).await?)
    }

    pub async fn order_nodes(&self, order: NodeOrder) -> NodeOrdered {
        self.phases.node_operations.order(order).await
    }
}

/// The daemon's beginning and end, and what it wants to know meanwhile.
impl Core {
    /// Looks through the store, once, before anybody asks.
    pub async fn look_through(&self) -> Answer<()> {
        Ok(self.basis.records.look_through().await?)
    }

    /// Says that this core works on its store from now on, and nobody else does: who opened it holds the lock on its
    /// directory.
    pub async fn begin(&self) -> Answer<()> {
        Ok(self.basis.ledger.begin(true).await?)
    }

    /// Writes down who signs from now on.
    pub async fn sign(&self) -> Answer<()> {
        Ok(issuer::sign(&self.basis.records, &self.basis.issuer).await?)
    }

    /// Before anything is told.
    pub async fn number_events(&self) -> Answer<()> {
        Ok(self.phases.numbers.number_events().await?)
    }

    /// Makes slots of what the store lists. Called once, before anybody asks.
    pub async fn load_nodes(&self) -> Answer<()> {
        Ok(self.phases.membership.load().await?)
    }

    /// Makes the records true once, before anybody asks, as far as the nodes can be reached.
    pub async fn settle(&self) {
        self.phases.watcher.settle().await;
    }

    /// Counts a request as under way until the answer is dropped.
    #[must_use]
    pub fn request(&self) -> RequestUnderWay {
        self.basis.admission.request()
    }

    pub(crate) fn charges(&self) -> &UserLimits {
        &self.charges
    }

    /// For the counters.
    pub(crate) fn answered(&self, method: &str, path: &str, status: u16) {
        self.basis.metrics.answered(method, path, status);
    }

    pub async fn activity(&self) -> Answer<Activity> {
        Ok(self.phases.standing.activity().await?)
    }

    pub async fn health(&self) -> Answer<Health> {
        self.health_for(true).await
    }

    /// With the names of records, or without.
    pub(crate) async fn health_for(&self, named: bool) -> Answer<Health> {
        Ok(self.phases.standing.health(named).await?)
    }

    pub async fn metrics_text(&self) -> Answer<String> {
        Ok(self.phases.standing.metrics_text().await?)
    }

    #[must_use]
    pub fn role(&self) -> &str {
        self.phases.standing.role()
    }

    /// From now on nothing new is forged; everything else goes on.
    pub fn drain(&self) {
        self.basis.admission.drain(true);
    }

    /// As [`Core::drain`], but only if nobody is here.
    pub async fn retire(&self) -> bool {
        self.phases.standing.retire().await
    }
}
