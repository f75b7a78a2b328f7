//! Scheduler snapshot, of this swarm at one moment: what the nodes said lately, and where vaults
//! are that a new one is to stay apart from.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::OwnedMutexGuard;

use super::dependencies::Dependencies;
use super::failure::Failure;
use super::ledger::{AntiAffinity, Records, VAULT, VaultRecord, Versioned};
use super::node_table::NodeTable;
use super::nodes::{FRESH_US, candidates, freshen};
use super::scheduler::{Candidate, PlacementRequest, check_wish, choose, explain, places};
use super::single_flight::SingleFlight;
use super::summon::check_labels;
use hauki_contract::api::vault::{NodeScore, Placement};
use hauki_contract::model::config::Policy;
use hauki_contract::model::digest::Sha256;
use hauki_contract::model::id::{NodeName, VaultId};

pub(super) struct PlacementView<'a> {
    candidates: Vec<Candidate>,
    wish: &'a Placement,
    memory_bytes: u64,
    apart: BTreeMap<NodeName, VaultId>,
}

impl PlacementView<'_> {
    fn wanted(&self) -> PlacementRequest<'_> {
        PlacementRequest { wish: self.wish, memory_bytes: self.memory_bytes, apart: &self.apart }
    }

    pub(super) fn best(&self) -> Option<NodeName> {
        choose(&self.candidates, &self.wanted()).map(|place| self.candidates[place].name.clone())
    }

    /// How many such vaults there is room for.
    pub(super) fn places(&self) -> u64 {
        places(&self.candidates, &self.wanted())
    }

    pub(super) fn explain(&self) -> Vec<NodeScore> {
        explain(&self.candidates, &self.wanted())
    }

    /// What the explanation says of one node.
    pub(super) fn score(&self, node: &NodeName) -> Option<NodeScore> {
        let candidate = self.candidates.iter().find(|candidate| candidate.name == *node)?;
        explain(std::slice::from_ref(candidate), &self.wanted()).pop()
    }

    pub(super) fn refuse(&mut self, node: &NodeName, reason: String) {
        if let Some(candidate) = self.candidates.iter_mut().find(|candidate| candidate.name == *node) {
            candidate.refuse(reason);
        }
    }
}

/// A wish has no more labels than a vault: what is compared with every vault and every node must be short.
pub(super) fn check_wished(wish: &Placement) -> Result<(), Failure> {
    check_labels(&wish.labels)?;
    check_labels(&wish.anti_affinity)
}

pub(super) struct Placing {
    records: Records,
    node_table: NodeTable,
    policy: Policy,
    flights: Arc<SingleFlight>,
}

impl Placing {
    pub(super) fn new(basis: &Dependencies) -> Arc<Self> {
        let Dependencies { records, node_table, flights, policy, .. } = basis;
        let (records, node_table, flights) = (records.clone(), node_table.clone(), flights.clone());
        Arc::new(Self { records, node_table, policy: *policy, flights })
    }

    pub(super) async fn field<'a>(
        &self,
        wish: &'a Placement,
        memory_bytes: u64,
        code: Option<Sha256>,
    ) -> Result<PlacementView<'a>, Failure> {
        check_wished(wish)?;
        freshen(&self.node_table.slots(), FRESH_US).await;
        let apart = self.beside(&wish.anti_affinity).await?;
        let seen = || candidates(&self.node_table.slots(), self.policy, code.as_ref());
        // From here to the choice nothing waits, so that each caller sees what the one before took.
        let mut field = PlacementView { candidates: seen(), wish, memory_bytes, apart };
        check_wish(&field.candidates, wish)?;
        if field.best().is_none() {
            // What is remembered knows the vaults that were sent there since, but not those that died.
            freshen(&self.node_table.slots(), 0).await;
            field.candidates = seen();
        }
        Ok(field)
    }

    /// Where vaults with one of these labels live, each node with one of them.
    async fn beside(
        &self,
        labels: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<NodeName, VaultId>, Failure> {
        if labels.is_empty() {
            return Ok(BTreeMap::new());
        }
        let living: Vec<Versioned<VaultRecord>> = self.records.all(VAULT).await?;
        let vaults = living.into_iter().map(|found| found.value.into_vault());
        Ok(vaults
            .filter(|vault| labels.iter().any(|(label, value)| vault.labels.get(label) == Some(value)))
            .map(|vault| (vault.node, vault.id))
            .collect())
    }

    /// Of those that are to stay apart by one label, one at a time looks, forges and is recorded: else two would see the
    /// same empty node. What is seen here is held against the store when it is recorded, for those of other cores.
    pub(super) async fn apart(
        &self,
        wish: &Placement,
    ) -> Result<(Vec<OwnedMutexGuard<()>>, AntiAffinity), Failure> {
        let keys = AntiAffinity::keys(&wish.anti_affinity);
        let mut turns = Vec::with_capacity(keys.len());
        // In the order of the set, so that no two wait for each other.
        for key in &keys {
            turns.push(self.flights.enter(key).await);
        }
        Ok((turns, AntiAffinity::seen(keys, &self.records).await?))
    }
}
