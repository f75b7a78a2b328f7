//! Node API: the inner contract, answered by the node service: all that others hold of a node.

use std::sync::Arc;

use super::service::NodeService;
use hauki_contract::api::clone::{CloneAnswer, CloneAsks};
use hauki_contract::api::node::{
    BeatOrder, Code, DestructOrder, Doom, Leased, News, NodeApi, NodeFuture, NodeHealth, NodeStatus,
    NodeVaults, OpenOrder, OpenedPort, ProvisionOrder, Provisioned, TornDown,
};
use hauki_contract::model::id::VaultId;
use hauki_contract::model::receipt::Receipt;

/// The trait needs `&self` where the node needs an owner for its tasks.
#[derive(Clone)]
pub struct InProcessNode(pub Arc<NodeService>);

impl NodeApi for InProcessNode {
    fn status(&self) -> NodeFuture<'_, NodeStatus> {
        Box::pin(async { Ok(self.0.status()) })
    }

    fn vaults(&self, of: Option<VaultId>) -> NodeFuture<'_, NodeVaults> {
        Box::pin(async move { Ok(self.0.vaults(of.as_ref())) })
    }

    fn health(&self) -> NodeFuture<'_, NodeHealth> {
        Box::pin(async { Ok(self.0.health().await) })
    }

    fn provision(&self, order: ProvisionOrder) -> NodeFuture<'_, Provisioned> {
        Box::pin(Arc::clone(&self.0).provision(order))
    }

    fn keep(&self, code: Code) -> NodeFuture<'_, ()> {
        Box::pin(async move { self.0.code_cache.keep(&code) })
    }

    fn open(&self, order: OpenOrder) -> NodeFuture<'_, OpenedPort> {
        Box::pin(self.0.open(order))
    }

    fn beat(&self, order: BeatOrder) -> NodeFuture<'_, Leased> {
        Box::pin(async move { self.0.beat(&order) })
    }

    fn destruct(&self, order: DestructOrder) -> NodeFuture<'_, TornDown> {
        Box::pin(self.0.destruct(order))
    }

    fn receipt(&self, vault: VaultId) -> NodeFuture<'_, Receipt> {
        Box::pin(async move { self.0.receipt(&vault).await })
    }

    fn asks(&self, after: u64, wait_ms: u64) -> NodeFuture<'_, CloneAsks> {
        Box::pin(async move { Ok(self.0.news.wishes.wait(after, wait_ms.min(60_000)).await) })
    }

    fn doom(&self, doom: Doom) -> NodeFuture<'_, ()> {
        Box::pin(async move {
            self.0.doom(&doom);
            Ok(())
        })
    }

    fn cloned(&self, answer: CloneAnswer) -> NodeFuture<'_, ()> {
        Box::pin(async move { self.0.cloned(answer) })
    }

    fn news(&self, after: u64, wait_ms: u64) -> NodeFuture<'_, News> {
        Box::pin(async move { Ok(self.0.news.wait(after, wait_ms.min(60_000)).await) })
    }
}
