//! Node administration: what an operator does about the swarm's nodes: adds, drains, upgrades, takes out.
//!
//! The durable list is `control::membership`'s. The node in the same process and those of the configuration are not in the store, and cannot be
//! removed by a command. A crash between installing a node and recording it leaves a machine on which
//! a daemon runs that nobody asks; adding it again finds everything done and records it.

use std::sync::Arc;

use tokio::sync::OwnedMutexGuard;

use super::dependencies::Dependencies;
use super::failure::{Failure, MemberError};
use super::ledger::{Ledger, NodeRecord, Records, VAULT, VaultRecord};
use super::membership::Membership;
use super::node_table::NodeTable;
use super::nodes::NodeSlot;
use super::single_flight::SingleFlight;
use super::teardown::Teardown;
use super::vaults::{Vaults, lost};
use super::watch::Watcher;
use hauki_contract::api::swarm::{
    NodeAct, NodeDetail, NodeDone, NodeDrain, NodeOrder, NodeOrdered, NodeRemove,
};
use hauki_contract::api::vault::{NodeInfo, NodeList, Vault};
use hauki_contract::model::error_chain;
use hauki_contract::model::id::NodeName;

mod add_node;

pub(super) struct NodeOperations {
    records: Records,
    ledger: Ledger,
    membership: Arc<Membership>,
    node_table: NodeTable,
    flights: Arc<SingleFlight>,
    vaults: Arc<Vaults>,
    life: Arc<Teardown>,
    watcher: Arc<Watcher>,
}

impl NodeOperations {
    pub(super) fn new(
        basis: &Dependencies,
        membership: &Arc<Membership>,
        vaults: &Arc<Vaults>,
        life: &Arc<Teardown>,
        watcher: &Arc<Watcher>,
    ) -> Arc<Self> {
        let Dependencies { records, ledger, node_table, flights, .. } = basis;
        let (records, ledger, node_table) = (records.clone(), ledger.clone(), node_table.clone());
        let (flights, membership, vaults) = (flights.clone(), membership.clone(), vaults.clone());
        let (life, watcher) = (life.clone(), watcher.clone());
        Arc::new(Self { records, ledger, membership, node_table, flights, vaults, life, watcher })
    }

    pub(super) async fn node_record(&self, name: &NodeName) -> Result<Option<NodeRecord>, Failure> {
        Ok(self.membership.record(name).await?.map(|found| found.value))
    }

    /// Lists the node durably and watches it from now on.
    pub(super) async fn list_node(self: &Arc<Self>, record: &NodeRecord) -> Result<Arc<NodeSlot>, Failure> {
        self.membership.list(record).await?;
        let slot = self.node_table.slot(&record.node.name)?;
        self.watcher.watch_slot(&slot);
        Ok(slot)
    }

    pub(super) async fn list(&self) -> NodeList {
        self.look().await;
        let mut asked = tokio::task::JoinSet::new();
        for slot in self.node_table.slots().values() {
            let slot = slot.clone();
            asked.spawn(async move { slot.info().await });
        }
        let mut nodes = asked.join_all().await;
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        NodeList { nodes }
    }

    pub(super) async fn show(&self, name: &NodeName) -> Result<NodeDetail, Failure> {
        let slot = self.known(name).await?;
        let info = slot.info().await;
        let place = self.node_record(name).await?.map(|record| record.node);
        Ok(NodeDetail { findings: slot.findings().await, info, place })
    }

    pub(super) async fn drain(&self, name: &NodeName, order: &NodeDrain) -> Result<NodeInfo, Failure> {
        self.known(name).await?;
        self.membership.drain(name, order.draining).await?;
        Ok(self.node_table.slot(name)?.info().await)
    }

    /// One answer per node, in the order of the request.
    pub(super) async fn order(self: &Arc<Self>, order: NodeOrder) -> NodeOrdered {
        let NodeOrder { act, nodes, force } = order;
        let mut done = Vec::with_capacity(nodes.len());
        for name in nodes {
            let outcome = match act {
                NodeAct::Drain => self.drain(&name, &NodeDrain { draining: true }).await,
                NodeAct::Undrain => self.drain(&name, &NodeDrain { draining: false }).await,
                NodeAct::Remove => self.remove(&name, &NodeRemove { force }).await,
            };
            done.push(match outcome {
                Ok(node) => NodeDone { name, node: Some(node), error: None },
                Err(error) => NodeDone { name, node: None, error: Some(error.into()) },
            });
        }
        NodeOrdered { done }
    }

    /// Takes the node out of the swarm. Its daemon is not touched: it may have another core. Its vaults
    /// are settled before its name is free: whoever gets the name next must not be asked for them.
    pub(super) async fn remove(
        self: &Arc<Self>,
        name: &NodeName,
        order: &NodeRemove,
    ) -> Result<NodeInfo, Failure> {
        let _turn = self.emptying(name).await;
        let slot = self.known(name).await?;
        let Some(found) = self.node_record(name).await? else {
            return Err(MemberError::Own { node: name.clone() }.into());
        };
        let asked = slot.status().await;
        let refusal = match &asked {
            _ if order.force => None,
            Ok(word) if word.vaults == 0 => None,
            Ok(word) => Some(MemberError::Inhabited { node: name.clone(), vaults: word.vaults.into() }),
            Err(error) => Some(MemberError::Unasked(error.clone())),
        };
        if let Some(refusal) = refusal {
            return Err(refusal.into());
        }
        self.membership.drain(name, true).await?;
        if let Err(error) = self.settle_vaults(name, order.force).await {
            self.membership.drain(name, found.draining).await?;
            return Err(error);
        }
        let info = slot.last_info();
        self.membership.strike(name).await?;
        Ok(info)
    }

    /// One at a time drains a node for something, and then restores what its operator wished.
    async fn emptying(&self, name: &NodeName) -> OwnedMutexGuard<()> {
        self.flights.enter(&format!("emptied/{name}")).await
    }

    /// Ends what the records have on a node. What cannot be ended is given up by force only: nobody will
    /// ask that node again.
    async fn settle_vaults(self: &Arc<Self>, name: &NodeName, force: bool) -> Result<(), Failure> {
        // From the drain on no core begins one; those that were begun are not on record yet.
        if !force && self.ledger.is_forging_on(name).await? {
            return Err(MemberError::Forging { node: name.clone() }.into());
        }
        self.vaults.salvage_all().await;
        let living = self.records.all::<VaultRecord>(VAULT).await?;
        let there: Vec<Vault> = living
            .into_iter()
            .map(|found| found.value.into_vault())
            .filter(|vault| vault.node == *name)
            .collect();
        let (told, ended) = self.life.clone().reap_node(name.clone(), there.clone(), "node rm").await;
        match told.error {
            Some(error) if told.left > 0 && !force => {
                return Err(MemberError::Unsettled(Box::new(error)).into());
            }
            Some(_) | None => {}
        }
        for vault in there {
            if ended.iter().all(|ended| ended.vault != vault.id) {
                self.vaults
                    .bury(lost(&vault, "its node was removed by force and could not be asked"))
                    .await?;
            }
        }
        Ok(())
    }

    /// Another core may have changed what there is.
    async fn look(&self) {
        if let Err(error) = self.membership.catch_up().await {
            tracing::warn!(error = error_chain::told(&error), "the nodes are shown as they were");
        }
    }

    async fn known(&self, name: &NodeName) -> Result<Arc<NodeSlot>, Failure> {
        self.look().await;
        let slots = self.node_table.slots();
        slots.get(name).cloned().ok_or_else(|| {
            let known = slots.keys().map(ToString::to_string).collect();
            MemberError::Unknown { node: name.clone(), known }.into()
        })
    }
}
