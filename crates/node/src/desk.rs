//! What others hold of a node: the inner contract, answered by the front desk.

use std::sync::Arc;

use super::intake::Node;
use hauki_contract::api::clone::{CloneAnswer, CloneAsks};
use hauki_contract::api::node::{
    Answer, BeatOrder, Code, DestructOrder, Doom, Leased, News, NodeApi, NodeHealth, NodeVaults, NodeWord,
    OpenOrder, Opened, ProvisionOrder, Provisioned, Torn,
};
use hauki_contract::model::id::VaultId;
use hauki_contract::model::receipt::Receipt;

/// The trait needs `&self` where the node needs an owner for its tasks.
#[derive(Clone)]
pub struct FrontDesk(pub Arc<Node>);

impl NodeApi for FrontDesk {
    fn word(&self) -> Answer<'_, NodeWord> {
        Box::pin(async { Ok(self.0.word()) })
    }

    fn vaults(&self, of: Option<VaultId>) -> Answer<'_, NodeVaults> {
        Box::pin(async move { Ok(self.0.vaults(of.as_ref())) })
    }

    fn health(&self) -> Answer<'_, NodeHealth> {
        Box::pin(async { Ok(self.0.health().await) })
    }

    fn provision(&self, order: ProvisionOrder) -> Answer<'_, Provisioned> {
        Box::pin(Arc::clone(&self.0).provision(order))
    }

    fn keep(&self, code: Code) -> Answer<'_, ()> {
        Box::pin(async move { self.0.shelf.keep(&code) })
    }

    fn open(&self, order: OpenOrder) -> Answer<'_, Opened> {
        Box::pin(self.0.open(order))
    }

    fn beat(&self, order: BeatOrder) -> Answer<'_, Leased> {
        Box::pin(async move { self.0.beat(&order) })
    }

    fn destruct(&self, order: DestructOrder) -> Answer<'_, Torn> {
        Box::pin(self.0.destruct(order))
    }

    fn receipt(&self, vault: VaultId) -> Answer<'_, Receipt> {
        Box::pin(async move { self.0.receipt(&vault).await })
    }

    fn asks(&self, after: u64, wait_ms: u64) -> Answer<'_, CloneAsks> {
        Box::pin(async move { Ok(self.0.news.wishes.wait(after, wait_ms.min(60_000)).await) })
    }

    fn doom(&self, doom: Doom) -> Answer<'_, ()> {
        Box::pin(async move {
            self.0.doom(&doom);
            Ok(())
        })
    }

    fn cloned(&self, answer: CloneAnswer) -> Answer<'_, ()> {
        Box::pin(async move { self.0.cloned(answer) })
    }

    fn news(&self, after: u64, wait_ms: u64) -> Answer<'_, News> {
        Box::pin(async move { Ok(self.0.news.wait(after, wait_ms.min(60_000)).await) })
    }
}
