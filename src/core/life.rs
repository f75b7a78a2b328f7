//! What keeps vaults alive and what ends them: heartbeats, destruct, reap.
//!
//! The node's clock judges every lease; the core only passes the beats on and writes down the ends.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::death::lost;
use super::lanes::Lanes;
use super::record::{Found, VAULT, VaultRecord, no_vault};
use super::service::Core;
use crate::api::node::{BeatOrder, DestructOrder, Doom, NodeApi, Torn};
use crate::api::teardown::{
    Beat, BeatReply, BeatRequest, BeatTarget, DestructQuery, Destructed, NodeReaped, ReapRequest, Reaped,
    ReapedVault,
};
use crate::api::vault::Vault;
use crate::api::{ApiError, ErrorCode};
use crate::model::death::Cause;
use crate::model::id::{NodeName, VaultId};
use crate::system::clock;

const MAX_BEATS: usize = 10_000;

/// How many vaults are asked about at one time.
const ABREAST: usize = 64;

impl Core {
    /// One answer per vault, in the order of the request; a dead one does not stop the others.
    pub async fn heartbeats(self: &Arc<Self>, request: BeatRequest) -> Result<BeatReply, ApiError> {
        let BeatRequest { vaults, by } = request;
        if vaults.is_empty() || vaults.len() > MAX_BEATS {
            let message = format!("{} heartbeats in one request, allowed are 1 to {MAX_BEATS}", vaults.len());
            return Err(ApiError::new(ErrorCode::BadRequest, message));
        }
        let lanes = Arc::new(Lanes::new(ABREAST));
        let mut tasks = tokio::task::JoinSet::new();
        for (number, target) in vaults.into_iter().enumerate() {
            let (core, by, lanes) = (self.clone(), by.clone(), lanes.clone());
            tasks.spawn(async move {
                let vault = target.vault.clone();
                let (lease_left_ms, error) = match core.beat(target, by, &lanes).await {
                    Ok(left) => (Some(left), None),
                    Err(error) => (None, Some(error)),
                };
                (number, Beat { vault, lease_left_ms, error })
            });
        }
        let mut answered = tasks.join_all().await;
        answered.sort_by_key(|(number, _)| *number);
        Ok(BeatReply { beats: answered.into_iter().map(|(_, beat)| beat).collect() })
    }

    async fn beat(&self, target: BeatTarget, by: Option<String>, lanes: &Lanes) -> Result<u64, ApiError> {
        let vault = self.living(&target.vault).await?;
        let slot = self.slot(&vault.node)?;
        let lane = lanes.of(&vault.node);
        // Nobody closes it.
        let _place = lane.acquire().await.ok();
        let order = BeatOrder { vault: target.vault, generation: target.generation, by };
        match slot.api.beat(order).await {
            Ok(leased) => Ok(leased.lease_left_ms),
            Err(error) => Err(self.learn(&vault, error).await),
        }
    }

    async fn living(&self, id: &VaultId) -> Result<Vault, ApiError> {
        let found = self.records.vault(id).await?.ok_or_else(|| no_vault(id))?;
        match found.value.vault.receipt {
            Some(receipt) => Err(ApiError::vault_dead(receipt)),
            None => Ok(found.value.vault),
        }
    }

    pub async fn destruct(
        &self,
        id: &VaultId,
        query: DestructQuery,
        by: Option<String>,
    ) -> Result<Destructed, ApiError> {
        let found = self.records.vault(id).await?.ok_or_else(|| no_vault(id))?;
        if let Some(receipt) = found.value.vault.receipt {
            return Ok(Destructed { receipt: Some(receipt), changed: false });
        }
        if query.dry_run {
            return Ok(Destructed { receipt: None, changed: true });
        }
        self.end(&found.value.vault, Cause::Destruct, by, query.grace_ms).await
    }

    pub(super) async fn end(
        &self,
        vault: &Vault,
        cause: Cause,
        by: Option<String>,
        grace_ms: u32,
    ) -> Result<Destructed, ApiError> {
        let Ok(slot) = self.slot(&vault.node) else {
            // Nobody can be asked any more, so the word of two decides: who took the node out, and who
            // ends this. Should the node come back with it, it is ended there.
            let receipt = lost(vault, "its node was taken out of the swarm");
            let changed = self.bury(receipt.clone()).await?;
            return Ok(Destructed { receipt: Some(receipt), changed });
        };
        let order = DestructOrder { vault: vault.id.clone(), cause, by, grace_ms };
        let Torn { receipt, changed } = match slot.api.destruct(order).await {
            Ok(torn) => torn,
            Err(ApiError { code: ErrorCode::VaultDead, receipt: Some(receipt), .. }) => {
                Torn { receipt: *receipt, changed: false }
            }
            Err(error) if error.code == ErrorCode::NotFound => {
                Torn { receipt: lost(vault, "its node does not know it"), changed: false }
            }
            Err(error) => return Err(error),
        };
        self.bury(receipt.clone()).await?;
        Ok(Destructed { receipt: Some(receipt), changed })
    }

    /// Ends what fits every given rule, on all nodes at the same time. A node that cannot be asked is
    /// told of and holds up nobody.
    pub async fn reap(self: &Arc<Self>, request: ReapRequest) -> Result<Reaped, ApiError> {
        let any = request.older_than_ms.is_some()
            || request.node.is_some()
            || request.worker.is_some()
            || !request.labels.is_empty();
        if !any {
            return Err(ApiError::new(ErrorCode::BadRequest, "reap without a rule would end every vault")
                .hint("give older_than_ms, node, worker or labels"));
        }
        let now = clock::now().as_millisecond();
        let living: Vec<Found<VaultRecord>> = self.records.all(VAULT).await?;
        let doomed: Vec<Vault> = living
            .into_iter()
            .map(|found| found.value.vault)
            .filter(|vault| fits(vault, &request, now))
            .collect();
        if request.dry_run {
            let planned = |vault: Vault| ReapedVault { vault: vault.id, receipt: None, dry_run: true };
            return Ok(Reaped { reaped: doomed.into_iter().map(planned).collect(), nodes: Vec::new() });
        }
        let mut by_node: BTreeMap<NodeName, Vec<Vault>> = match &request.node {
            Some(node) => BTreeMap::from([(node.clone(), Vec::new())]),
            None => self.slots().keys().map(|node| (node.clone(), Vec::new())).collect(),
        };
        for vault in doomed {
            by_node.entry(vault.node.clone()).or_default().push(vault);
        }
        let mut tasks = tokio::task::JoinSet::new();
        for (node, doomed) in by_node {
            let core = self.clone();
            tasks.spawn(async move { core.reap_node(node, doomed, "reaper").await });
        }
        let mut done = Reaped { reaped: Vec::new(), nodes: Vec::new() };
        for (node, reaped) in tasks.join_all().await {
            done.nodes.push(node);
            done.reaped.extend(reaped);
        }
        done.nodes.sort_by(|a, b| a.node.cmp(&b.node));
        done.reaped.sort_by(|a, b| a.vault.cmp(&b.vault));
        Ok(done)
    }

    /// Until it is done, or the node falls silent: then the rest is not tried one deadline after the
    /// other. It is asked first, also where nothing is to be done: whoever reaps wants to know whether
    /// all is well on all nodes.
    pub(super) async fn reap_node(
        self: Arc<Self>,
        node: NodeName,
        doomed: Vec<Vault>,
        by: &'static str,
    ) -> (NodeReaped, Vec<ReapedVault>) {
        let wanted = doomed.len() as u64;
        let mut reaped = Vec::new();
        let mut first_error = match self.slot(&node) {
            Ok(slot) => slot.word().await.err(),
            Err(error) => Some(error),
        };
        if let (None, Ok(slot)) = (&first_error, self.slot(&node)) {
            let vaults = doomed.iter().map(|vault| vault.id.clone()).collect();
            // All die now, and what follows fetches their receipts. It kills too, where a node does not
            // know this order; one that does not answer is silent.
            let doom = Doom { vaults, cause: Cause::Reaped, by: Some(by.into()) };
            let failed = slot.api.doom(doom).await.err();
            first_error = failed.filter(|error| error.code == ErrorCode::Temporary);
        }
        for abreast in doomed.chunks(ABREAST) {
            if first_error.as_ref().is_some_and(|error| error.code == ErrorCode::Temporary) {
                break;
            }
            let mut tasks = tokio::task::JoinSet::new();
            for vault in abreast.iter().cloned() {
                let core = self.clone();
                tasks.spawn(async move {
                    let ended = core.end(&vault, Cause::Reaped, Some(by.into()), 0).await;
                    ended.map(|ended| ReapedVault { vault: vault.id, receipt: ended.receipt, dry_run: false })
                });
            }
            for ended in tasks.join_all().await {
                match ended {
                    Ok(vault) => reaped.push(vault),
                    Err(error) => drop(first_error.get_or_insert(error)),
                }
            }
        }
        let count = reaped.len() as u64;
        (NodeReaped { node, reaped: count, left: wanted - count, error: first_error }, reaped)
    }
}

fn fits(vault: &Vault, rules: &ReapRequest, now_ms: i64) -> bool {
    let age = u64::try_from(now_ms.saturating_sub(vault.forged_at.as_millisecond())).unwrap_or(0);
    rules.older_than_ms.is_none_or(|least| age >= least)
        && rules.node.as_ref().is_none_or(|node| *node == vault.node)
        && rules.worker.as_ref().is_none_or(|worker| *worker == vault.worker.name)
        && rules.labels.iter().all(|(name, value)| vault.labels.get(name) == Some(value))
}
