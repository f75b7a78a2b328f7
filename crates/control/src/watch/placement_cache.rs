//! Placement cache: where a vault was placed, asked whenever a node has news of it.
//!
//! A worker may print thousands of lines, so an answer is kept for one batch of news. It cannot become wrong
//! meanwhile: a vault stays where it was made.

use std::collections::BTreeMap;

use super::Watcher;
use crate::failure::Failure;
use crate::ledger::{VaultRecord, tomb_key, vault_key};
use hauki_contract::model::id::{NodeName, VaultId};

/// What is known of the vaults in one batch of one node.
pub(super) struct PlacementCache {
    node: NodeName,
    own: BTreeMap<VaultId, bool>,
}

impl PlacementCache {
    pub(super) fn of(node: NodeName) -> Self {
        Self { node, own: BTreeMap::new() }
    }
}

impl Watcher {
    /// Whether the vault is on the node that tells of it. Of one that nobody knows nothing is told on: its
    /// forging was given up.
    pub(super) async fn is_on(&self, placed: &mut PlacementCache, vault: &VaultId) -> Result<bool, Failure> {
        if let Some(own) = placed.own.get(vault) {
            return Ok(*own);
        }
        let place = self.place_of(vault).await?;
        let own = place.as_ref() == Some(&placed.node);
        if let (false, Some(place)) = (own, place) {
            self.node_table
                .distrust(&placed.node, &format!("it has news of {vault}, which is on node {place}"));
        }
        placed.own.insert(vault.clone(), own);
        Ok(own)
    }

    async fn place_of(&self, vault: &VaultId) -> Result<Option<NodeName>, Failure> {
        // It is recorded in the moment in which it is no longer noted, so one of the two looks finds it.
        if let Some(forging) = self.ledger.noted(vault).await? {
            return Ok(Some(forging.node));
        }
        for key in [vault_key(vault), tomb_key(vault)] {
            if let Some(found) = self.records.find::<VaultRecord>(&key).await? {
                return Ok(Some(found.value.into_vault().node));
            }
        }
        Ok(None)
    }
}
