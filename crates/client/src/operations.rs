//! API operations: what a control plane can be asked, a method of [`ControlPlane`] for each path of
//! `hauki_contract::api::paths`.

use reqwest::Method;

use super::endpoint::{ControlPlane, NdjsonStream};
use super::error::ClientError;
use hauki_contract::api::event::EventQuery;
use hauki_contract::api::gem::{Gem, GemList, GemPush, GemQuery, GemRemoved};
use hauki_contract::api::health::Health;
use hauki_contract::api::paths;
use hauki_contract::api::registry::{ResolveRequest, Resolved, ServiceList, WatchQuery};
use hauki_contract::api::secret::{SecretInfo, SecretList, SecretPut, SecretQuery, SecretRemoved};
use hauki_contract::api::spool::{
    SpoolEntry, SpoolList, SpoolOrder, SpoolOrdered, SpoolQuery, SpoolRequest, SpoolWait, Spooled,
};
use hauki_contract::api::summons::{
    SpawnRequest, Spawned, Summons, SummonsFound, SummonsQuery, SummonsRequest,
};
use hauki_contract::api::teardown::{
    BeatReply, BeatRequest, DestructQuery, DestructReply, DestructRequest, Destructed, ReapRequest, Reaped,
};
use hauki_contract::api::vault::{ProvisionRequest, TicketRequest, Vault, VaultList, VaultQuery};
use hauki_contract::model::gem::GemPointer;
use hauki_contract::model::id::{SpoolId, SummonsId, VaultId};
use hauki_contract::model::secret_use::SecretName;
use hauki_contract::model::ticket::Ticket;

impl ControlPlane {
    pub async fn spawn(&self, request: &SpawnRequest) -> Result<Spawned, ClientError> {
        self.post(paths::SPAWN, request).await
    }

    pub async fn summon(&self, request: &SummonsRequest) -> Result<Summons, ClientError> {
        self.post(paths::SUMMONS, request).await
    }

    pub async fn summons(&self, id: &SummonsId) -> Result<Summons, ClientError> {
        self.get(&paths::with_id(paths::SUMMONS_ONE, id.as_str()), &()).await
    }

    pub async fn find_summons(&self, query: &SummonsQuery) -> Result<SummonsFound, ClientError> {
        self.get(paths::SUMMONS, query).await
    }

    pub async fn provision(&self, request: &ProvisionRequest) -> Result<Vault, ClientError> {
        self.post(paths::PROVISION, request).await
    }

    pub async fn ticket(&self, request: &TicketRequest) -> Result<Ticket, ClientError> {
        self.post(paths::TICKETS, request).await
    }

    pub async fn beat(&self, request: &BeatRequest) -> Result<BeatReply, ClientError> {
        self.post(paths::HEARTBEATS, request).await
    }

    pub async fn vaults(&self, query: &VaultQuery) -> Result<VaultList, ClientError> {
        self.get(paths::VAULTS, query).await
    }

    pub async fn vault(&self, id: &VaultId) -> Result<Vault, ClientError> {
        self.get(&paths::with_id(paths::VAULT, id.as_str()), &()).await
    }

    pub async fn destruct(&self, id: &VaultId, query: &DestructQuery) -> Result<Destructed, ClientError> {
        self.ask(Method::DELETE, &paths::with_id(paths::VAULT, id.as_str()), query, None::<&()>).await
    }

    pub async fn destruct_many(&self, request: &DestructRequest) -> Result<DestructReply, ClientError> {
        self.post(paths::DESTRUCTS, request).await
    }

    pub async fn reap(&self, request: &ReapRequest) -> Result<Reaped, ClientError> {
        self.post(paths::REAP, request).await
    }

    pub async fn gems(&self) -> Result<GemList, ClientError> {
        self.get(paths::GEMS, &()).await
    }

    pub async fn gem_push(&self, push: &GemPush) -> Result<Gem, ClientError> {
        self.post(paths::GEMS, push).await
    }

    pub async fn gem_resolve(&self, pointer: &GemPointer) -> Result<Gem, ClientError> {
        self.get(paths::GEM_RESOLVE, &GemQuery { pointer: pointer.clone() }).await
    }

    pub async fn gem_remove(&self, pointer: &GemPointer) -> Result<GemRemoved, ClientError> {
        let query = GemQuery { pointer: pointer.clone() };
        self.ask(Method::DELETE, paths::GEMS, &query, None::<&()>).await
    }

    pub async fn secrets(&self) -> Result<SecretList, ClientError> {
        self.get(paths::SECRETS, &()).await
    }

    pub async fn secret_set(&self, put: &SecretPut) -> Result<SecretInfo, ClientError> {
        self.post(paths::SECRETS, put).await
    }

    pub async fn secret_remove(&self, name: &SecretName) -> Result<SecretRemoved, ClientError> {
        let query = SecretQuery { name: name.clone() };
        self.ask(Method::DELETE, paths::SECRETS, &query, None::<&()>).await
    }

    pub async fn services(&self) -> Result<ServiceList, ClientError> {
        self.get(paths::REGISTRY, &()).await
    }

    /// The live worker of a name, and a fresh ticket to it if one is wished; `not_found` if there is none.
    pub async fn resolve(&self, request: &ResolveRequest) -> Result<Resolved, ClientError> {
        self.post(paths::REGISTRY_RESOLVE, request).await
    }

    /// Who holds a name, and each change of it, as [`Holder`](hauki_contract::api::registry::Holder)s.
    pub async fn watch_services(&self, query: &WatchQuery) -> Result<NdjsonStream, ClientError> {
        self.stream(paths::REGISTRY_WATCH, query).await
    }

    pub async fn spool_put(&self, request: &SpoolRequest) -> Result<SpoolEntry, ClientError> {
        self.post(paths::SPOOL, request).await
    }

    pub async fn spool_list(&self, query: &SpoolQuery) -> Result<SpoolList, ClientError> {
        self.get(paths::SPOOL, query).await
    }

    pub async fn spool_show(&self, id: &SpoolId, wait: &SpoolWait) -> Result<Spooled, ClientError> {
        self.get(&paths::with_id(paths::SPOOL_ONE, id.as_str()), wait).await
    }

    pub async fn spool_remove(&self, id: &SpoolId) -> Result<SpoolEntry, ClientError> {
        let path = paths::with_id(paths::SPOOL_ONE, id.as_str());
        self.ask(Method::DELETE, &path, &(), None::<&()>).await
    }

    pub async fn spool_retry(&self, id: &SpoolId) -> Result<SpoolEntry, ClientError> {
        let path = paths::with_id(paths::SPOOL_RETRY, id.as_str());
        self.ask(Method::POST, &path, &(), None::<&()>).await
    }

    pub async fn spool_order(&self, order: &SpoolOrder) -> Result<SpoolOrdered, ClientError> {
        self.post(paths::SPOOL_ORDERS, order).await
    }

    pub async fn health(&self) -> Result<Health, ClientError> {
        self.get(paths::HEALTH, &()).await
    }

    /// The stream of events. It ends with the daemon, or with the stored ones if `follow` is not set.
    pub async fn events(&self, query: &EventQuery) -> Result<NdjsonStream, ClientError> {
        self.stream(paths::EVENTS, query).await
    }
}
