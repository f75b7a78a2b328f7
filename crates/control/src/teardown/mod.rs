//! Leases and teardown: what keeps vaults alive and what ends them, heartbeats, destruct, and many by one order
//! (`bulk`).
//!
//! The node's clock judges every lease; the core only passes the beats on and writes down the ends.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::bulkhead::Bulkhead;
use super::dependencies::Dependencies;
use super::failure::{Failure, VaultError};
use super::ledger::{Records, node_key};
use super::node_table::NodeTable;
use super::user_limits::refuse_many;
use super::vaults::{Vaults, lost};
use hauki_contract::api::node::{BeatOrder, DestructOrder, NodeApi as _, TornDown};
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::api::teardown::{Beat, BeatReply, BeatRequest, BeatTarget, DestructQuery, Destructed};
use hauki_contract::api::vault::Vault;
use hauki_contract::model::death::Cause;
use hauki_contract::model::error_chain;
use hauki_contract::model::id::VaultId;

mod bulk;

pub(super) const MAX_BEATS: usize = 10_000;

/// How many vaults are asked about at one time.
const ABREAST: usize = 64;

pub(super) struct Teardown {
    records: Records,
    node_table: NodeTable,
    vaults: Arc<Vaults>,
    /// Vaults that bulk orders are at.
    ordered: Mutex<BTreeSet<VaultId>>,
}

impl Teardown {
    pub(super) fn new(basis: &Dependencies, vaults: &Arc<Vaults>) -> Arc<Self> {
        let (records, node_table) = (basis.records.clone(), basis.node_table.clone());
        Arc::new(Self { records, node_table, vaults: vaults.clone(), ordered: Mutex::default() })
    }

    pub(super) fn ordered(&self) -> MutexGuard<'_, BTreeSet<VaultId>> {
        self.ordered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One answer per vault, in the order of the request; a dead one does not stop the others.
    pub(super) async fn heartbeats(self: &Arc<Self>, request: BeatRequest) -> Result<BeatReply, Failure> {
        let BeatRequest { vaults, by } = request;
        refuse_many("heartbeats", vaults.len(), MAX_BEATS, None)?;
        let lanes = Arc::new(Bulkhead::new(ABREAST));
        let mut tasks = tokio::task::JoinSet::new();
        for (number, target) in vaults.into_iter().enumerate() {
            let (life, by, lanes) = (self.clone(), by.clone(), lanes.clone());
            tasks.spawn(async move {
                let vault = target.vault.clone();
                let (lease_left_ms, error) = match life.beat(target, by, &lanes).await {
                    Ok(left) => (Some(left), None),
                    Err(error) => (None, Some(error.into())),
                };
                (number, Beat { vault, lease_left_ms, error })
            });
        }
        let mut answered = tasks.join_all().await;
        answered.sort_by_key(|(number, _)| *number);
        Ok(BeatReply { beats: answered.into_iter().map(|(_, beat)| beat).collect() })
    }

    async fn beat(&self, target: BeatTarget, by: Option<String>, lanes: &Bulkhead) -> Result<u64, Failure> {
        let vault = self.living(&target.vault).await?;
        let slot = self.node_table.slot(&vault.node)?;
        let lane = lanes.of(&vault.node);
        // Nobody closes it.
        let _place = lane.acquire().await.ok();
        let order = BeatOrder { vault: target.vault, generation: target.generation, by };
        match slot.api.beat(order).await {
            Ok(leased) => Ok(leased.lease_left_ms),
            Err(error) => Err(self.vaults.learn(&vault, error).await),
        }
    }

    async fn living(&self, id: &VaultId) -> Result<Vault, Failure> {
        let found =
            self.vaults.vault_record(id).await?.ok_or_else(|| VaultError::Unknown { vault: id.clone() })?;
        let vault = found.value.into_vault();
        match vault.receipt {
            Some(receipt) => Err(VaultError::dead(receipt).into()),
            None => Ok(vault),
        }
    }

    pub(super) async fn destruct(
        &self,
        id: &VaultId,
        query: DestructQuery,
        by: Option<String>,
    ) -> Result<Destructed, Failure> {
        let found =
            self.vaults.vault_record(id).await?.ok_or_else(|| VaultError::Unknown { vault: id.clone() })?;
        let vault = found.value.into_vault();
        if let Some(receipt) = vault.receipt {
            return Ok(Destructed { receipt: Some(receipt), changed: false });
        }
        if query.dry_run {
            return Ok(Destructed { receipt: None, changed: true });
        }
        self.end(&vault, Cause::Destruct, by, query.grace_ms).await
    }

    pub(super) async fn end(
        &self,
        vault: &Vault,
        cause: Cause,
        by: Option<String>,
        grace_ms: u32,
    ) -> Result<Destructed, Failure> {
        // A node whose record is damaged was not taken out.
        self.records.refuse_aside(&node_key(&vault.node))?;
        let Ok(slot) = self.node_table.slot(&vault.node) else {
            // Another core may have found that since.
            self.records.refuse_damaged_node(&vault.node).await?;
            // Nobody can be asked any more, so the word of two decides: who took the node out, and who
            // ends this. Should the node come back with it, it is ended there.
            let receipt = lost(vault, "its node was taken out of the swarm");
            let changed = self.vaults.bury(receipt.clone()).await?;
            return Ok(Destructed { receipt: Some(receipt), changed });
        };
        let order = DestructOrder { vault: vault.id.clone(), cause, by, grace_ms };
        let TornDown { receipt, changed } = match slot.api.destruct(order).await {
            Ok(torn) => torn,
            Err(NodeError { fault: NodeFault::Dead(receipt), .. }) => {
                TornDown { receipt: *receipt, changed: false }
            }
            Err(NodeError { fault: NodeFault::Unknown, .. }) => {
                TornDown { receipt: lost(vault, "its node does not know it"), changed: false }
            }
            Err(error) => return Err(error.into()),
        };
        // It is ended, whatever becomes of its tombstone: that is told again by its node until it is written down.
        if let Err(error) = self.vaults.bury(receipt.clone()).await {
            tracing::error!(vault = %vault.id, error = error_chain::told(&error), "it has ended, and its tombstone is written down later");
        }
        Ok(Destructed { receipt: Some(receipt), changed })
    }
}
