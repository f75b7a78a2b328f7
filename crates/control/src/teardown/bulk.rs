//! Bulk teardown: many vaults by one order, on all their nodes at the same time.
//!
//! A node is told all of its doomed before anything is waited for, so that they die at once; what follows fetches
//! the receipts. A node that falls silent costs one deadline, not one for each vault. Nothing is kept of an order:
//! a core that is killed half way leaves vaults that are dead and vaults that live, and the same order again ends
//! the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Teardown;
use crate::failure::{Failure, VaultError};
use crate::summon::check_labels;
use crate::user_limits::refuse_many;
use crate::validation::died_of;
use hauki_contract::api::ApiError;
use hauki_contract::api::node::{Doom, NodeApi as _};
use hauki_contract::api::teardown::{
    DestructReply, DestructRequest, Destructed, Ended, NodeReaped, ReapRequest, Reaped, ReapedVault,
};
use hauki_contract::api::vault::{Vault, Vitals};
use hauki_contract::model::death::Cause;
use hauki_contract::model::id::{NodeName, VaultId};
use hauki_contract::system::clock;

/// How many vaults one order may name.
const MOST: usize = 100_000;

/// How many vaults of one node are asked about at one time.
const ABREAST: usize = 64;

/// Why they end, and how.
#[derive(Debug, Clone)]
struct BulkTeardown {
    cause: Cause,
    by: Option<String>,
    grace_ms: u32,
    /// Of which this order may say that it ended them: no other is at it.
    own: Arc<BTreeSet<VaultId>>,
}

/// The vaults that an order is at, until it is done. Of two orders for one vault at the same time, which are alike
/// in all that a receipt says, one has ended it.
struct OrderGuard<'a> {
    life: &'a Teardown,
    own: Arc<BTreeSet<VaultId>>,
}

impl Drop for OrderGuard<'_> {
    fn drop(&mut self) {
        self.life.ordered().retain(|vault| !self.own.contains(vault));
    }
}

/// As it is told to who ordered it.
type Outcome = (VaultId, Result<Destructed, ApiError>);

impl Teardown {
    /// Those of which no other order is at it.
    fn hold(&self, vaults: &[VaultId]) -> OrderGuard<'_> {
        let mut at = self.ordered();
        let own = vaults.iter().filter(|vault| at.insert((*vault).clone())).cloned().collect();
        OrderGuard { life: self, own: Arc::new(own) }
    }

    /// One answer per vault, in the order of the request; the dead answer with their tombstones. Of those that are this
    /// user's; the others are not there.
    pub(crate) async fn destruct_own(
        self: &Arc<Self>,
        only: Option<u32>,
        request: DestructRequest,
        by: Option<String>,
    ) -> Result<DestructReply, Failure> {
        let DestructRequest { vaults, grace_ms, dry_run } = request;
        refuse_many("vaults", vaults.len(), MOST, only)?;
        // Before their records are read: who comes later, and is alone then, finds tombstones.
        let held = self.hold(if dry_run { &[] } else { &vaults });
        let mut outcomes: BTreeMap<VaultId, Result<Destructed, ApiError>> = BTreeMap::new();
        let mut by_node: BTreeMap<NodeName, Vec<Vault>> = BTreeMap::new();
        for id in vaults.iter().collect::<BTreeSet<_>>() {
            let known = match self
                .vaults
                .vault_record(id)
                .await
                .map(|found| found.map(|found| found.value.into_vault()))
            {
                Ok(Some(vault)) if only.is_some() && vault.owner != only => Err(unknown(id)),
                Ok(Some(vault)) => match vault.receipt.clone() {
                    Some(receipt) => Ok(Destructed { receipt: Some(receipt), changed: false }),
                    None if dry_run => Ok(Destructed { receipt: None, changed: true }),
                    None => {
                        by_node.entry(vault.node.clone()).or_default().push(vault);
                        continue;
                    }
                },
                Ok(None) => Err(unknown(id)),
                Err(error) => Err(error.into()),
            };
            outcomes.insert(id.clone(), known);
        }
        let ending = BulkTeardown { cause: Cause::Destruct, by, grace_ms, own: held.own.clone() };
        let mut tasks = tokio::task::JoinSet::new();
        for (node, doomed) in by_node {
            let (life, ending) = (self.clone(), ending.clone());
            tasks.spawn(async move {
                match doomed.as_slice() {
                    // It needs no word beforehand.
                    [vault] => {
                        let (vault, ended) = life.end_one(vault, &ending).await;
                        vec![(vault, ended.map_err(ApiError::from))]
                    }
                    _ => life.end_on(&node, doomed, &ending).await,
                }
            });
        }
        outcomes.extend(tasks.join_all().await.into_iter().flatten());
        let lost = |id: &VaultId| Err(Failure::from(VaultError::Lost { vault: id.clone() }).into());
        let answer = |vault: VaultId| match outcomes.get(&vault).cloned().unwrap_or_else(|| lost(&vault)) {
            Ok(Destructed { receipt, changed }) => Ended { vault, receipt, changed, error: None },
            Err(error) => Ended { vault, receipt: None, changed: false, error: Some(error) },
        };
        Ok(DestructReply { ended: vaults.into_iter().map(answer).collect() })
    }

    async fn end_one(&self, vault: &Vault, ending: &BulkTeardown) -> (VaultId, Result<Destructed, Failure>) {
        let BulkTeardown { cause, by, grace_ms, .. } = ending.clone();
        (vault.id.clone(), self.end(vault, cause, by, grace_ms).await)
    }

    /// All of these, which are on one node; until it is done, or the node falls silent: then the rest is
    /// not tried one deadline after the other.
    async fn end_on(
        self: &Arc<Self>,
        node: &NodeName,
        doomed: Vec<Vault>,
        ending: &BulkTeardown,
    ) -> Vec<Outcome> {
        let (mut silence, mut is_told) = (None, false);
        if let (0, Ok(slot)) = (ending.grace_ms, self.node_table.slot(node)) {
            let vaults = doomed.iter().map(|vault| vault.id.clone()).collect();
            // All die now. What follows kills too, where a node does not know this order.
            let doom = Doom { vaults, cause: ending.cause, by: ending.by.clone() };
            let doomed = slot.api.doom(doom).await;
            is_told = doomed.is_ok();
            silence = doomed.err().filter(|error| error.fault.is_silence()).map(told);
        }
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(doomed.len());
        for abreast in doomed.chunks(ABREAST) {
            if let Some(error) = &silence {
                outcomes.extend(abreast.iter().map(|vault| (vault.id.clone(), Err(error.clone()))));
                continue;
            }
            let mut tasks = tokio::task::JoinSet::new();
            for vault in abreast {
                let (life, vault, ending) = (self.clone(), vault.clone(), ending.clone());
                tasks.spawn(async move { life.end_one(&vault, &ending).await });
            }
            let ended = tasks.join_all().await;
            for (vault, ended) in ended {
                let is_silence = ended.as_ref().is_err_and(Failure::is_silence);
                let ended = ended.map_err(ApiError::from);
                silence = silence.or_else(|| ended.as_ref().err().filter(|_| is_silence).cloned());
                outcomes.push((vault, ended));
            }
        }
        // The word beforehand ended them, so who fetched the receipts found them dead.
        let own = outcomes.iter_mut().filter(|(vault, _)| is_told && ending.own.contains(vault));
        for ended in own.filter_map(|(_, ended)| ended.as_mut().ok()) {
            let receipt = ended.receipt.as_ref();
            ended.changed |=
                receipt.is_some_and(|receipt| died_of(receipt, ending.cause, ending.by.as_deref()));
        }
        outcomes
    }

    /// Ends what fits every given rule, on all nodes at the same time. A node that cannot be asked is
    /// told of and holds up nobody.
    pub(crate) async fn reap(self: &Arc<Self>, request: ReapRequest) -> Result<Reaped, Failure> {
        if !request.has_rule() {
            return Err(VaultError::NoRule.into());
        }
        check_labels(&request.labels)?;
        let now = clock::now().as_millisecond();
        let living = self.vaults.living_records().await?;
        let mut doomed: Vec<Vault> = living
            .into_iter()
            .map(|found| found.value.into_vault())
            .filter(|vault| fits(vault, &request, now))
            .collect();
        if let Some(least) = request.idle_ms {
            doomed = self.idle_for(doomed, least).await;
        }
        if request.dry_run {
            let planned = |vault: Vault| ReapedVault { vault: vault.id, receipt: None, dry_run: true };
            return Ok(Reaped { reaped: doomed.into_iter().map(planned).collect(), nodes: Vec::new() });
        }
        let mut by_node: BTreeMap<NodeName, Vec<Vault>> = match &request.node {
            Some(node) => BTreeMap::from([(node.clone(), Vec::new())]),
            None => self.node_table.slots().keys().map(|node| (node.clone(), Vec::new())).collect(),
        };
        for vault in doomed {
            by_node.entry(vault.node.clone()).or_default().push(vault);
        }
        let mut tasks = tokio::task::JoinSet::new();
        for (node, doomed) in by_node {
            let life = self.clone();
            tasks.spawn(async move { life.reap_node(node, doomed, "reaper").await });
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

    /// Those of which their nodes say that nobody has used them for so long. Of whom nobody can say it, it
    /// is not so.
    async fn idle_for(&self, vaults: Vec<Vault>, least_ms: u64) -> Vec<Vault> {
        let words = self.vaults.ask_nodes_of(&vaults).await;
        let vitals = |vault: &Vault| Some(&words.get(&vault.node)?.as_ref().ok()?.get(&vault.id)?.vitals);
        // Whoever has a connection to it holds it: of a long lease a beat is due but seldom.
        let is_idle =
            |vitals: &Vitals| vitals.connections == 0 && vitals.idle_ms.is_some_and(|idle| idle >= least_ms);
        vaults.into_iter().filter(|vault| vitals(vault).is_some_and(is_idle)).collect()
    }

    /// The node is asked first, also where nothing is to be done: whoever reaps wants to know whether all is
    /// well on all nodes.
    pub(crate) async fn reap_node(
        self: Arc<Self>,
        node: NodeName,
        doomed: Vec<Vault>,
        by: &'static str,
    ) -> (NodeReaped, Vec<ReapedVault>) {
        let wanted = doomed.len() as u64;
        let asked = match self.node_table.slot(&node) {
            Ok(slot) => slot.status().await.map(drop).map_err(told),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = asked {
            return (NodeReaped { node, reaped: 0, left: wanted, error: Some(error) }, Vec::new());
        }
        let ending =
            BulkTeardown { cause: Cause::Reaped, by: Some(by.into()), grace_ms: 0, own: Arc::default() };
        let (mut reaped, mut first_error) = (Vec::new(), None);
        if !doomed.is_empty() {
            for (vault, ended) in self.end_on(&node, doomed, &ending).await {
                match ended {
                    Ok(ended) => reaped.push(ReapedVault { vault, receipt: ended.receipt, dry_run: false }),
                    Err(error) => drop(first_error.get_or_insert(error)),
                }
            }
        }
        let count = reaped.len() as u64;
        (NodeReaped { node, reaped: count, left: wanted - count, error: first_error }, reaped)
    }
}

fn told(error: impl Into<Failure>) -> ApiError {
    error.into().into()
}

fn unknown(id: &VaultId) -> ApiError {
    Failure::from(VaultError::Unknown { vault: id.clone() }).into()
}

fn fits(vault: &Vault, rules: &ReapRequest, now_ms: i64) -> bool {
    let age = u64::try_from(now_ms.saturating_sub(vault.forged_at.as_millisecond())).unwrap_or(0);
    rules.older_than_ms.is_none_or(|least| age >= least)
        && rules.node.as_ref().is_none_or(|node| *node == vault.node)
        && rules.owner.is_none_or(|owner| vault.owner == Some(owner))
        && rules.worker.as_ref().is_none_or(|worker| *worker == vault.worker.name)
        && rules.labels.iter().all(|(name, value)| vault.labels.get(name) == Some(value))
}
