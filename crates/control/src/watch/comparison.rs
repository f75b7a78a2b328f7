//! Comparison: the records of one node's vaults against its own word, both ways.
//!
//! A vault that cannot be settled just now (its node cannot end it, its record is damaged) is left for the next comparison
//! and keeps no other: a node whose news nobody followed for its sake would have all its deaths unheard. Only a node that
//! is silent and a store that fails end a comparison.

use std::collections::BTreeSet;

use super::Watcher;
use crate::failure::Failure;
use crate::ledger::{VAULT, VaultRecord, Versioned};
use crate::nodes::NodeSlot;
use crate::vaults::lost;
use hauki_contract::api::node::{DestructOrder, NodeApi as _, NodeVault};
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::api::vault::Vault;
use hauki_contract::model::death::Cause;
use hauki_contract::model::error_chain;
use hauki_contract::model::id::VaultId;

/// Those that are to be compared again.
#[derive(Default)]
pub(crate) struct Unsettled {
    these: BTreeSet<VaultId>,
    /// Of whom it was told before.
    told: BTreeSet<VaultId>,
}

impl Unsettled {
    pub(crate) fn is_empty(&self) -> bool {
        self.these.is_empty()
    }

    /// All are compared.
    fn begin(&mut self) {
        self.told = std::mem::take(&mut self.these);
    }

    /// What was done about this vault. If it alone is what failed, it is left.
    pub(super) fn pass<T>(
        &mut self,
        slot: &NodeSlot,
        vault: &VaultId,
        done: Result<T, Failure>,
    ) -> Result<(), Failure> {
        match done {
            Ok(_) => Ok(()),
            Err(error) if error.is_of_one() => {
                if self.these.insert(vault.clone()) && !self.told.contains(vault) {
                    let error = error_chain::told(&error);
                    tracing::warn!(%vault, node = %slot.name, error, "it is compared again later; others go on");
                }
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

impl Watcher {
    /// Makes the records true again after a time in which nobody watched.
    pub(crate) async fn reconcile(
        &self,
        slot: &NodeSlot,
        after_start: bool,
        left: &mut Unsettled,
    ) -> Result<(), Failure> {
        let promised: Vec<Versioned<VaultRecord>> = self.records.all(VAULT).await?;
        let state = slot.vaults(None).await?;
        left.begin();
        let there: BTreeSet<&VaultId> = state.vaults.iter().map(|vault| &vault.vault).collect();
        for found in promised {
            let (boot_id, vault) = (found.value.boot_id().to_owned(), found.value.into_vault());
            if vault.node != slot.name || there.contains(&vault.id) {
                continue;
            }
            let why = if boot_id == state.word.boot_id {
                "its node does not know it"
            } else {
                "its node's daemon started anew"
            };
            left.pass(slot, &vault.id, self.bury_missing(slot, &vault, why).await)?;
        }
        for vault in &state.vaults {
            if vault.phase.is_alive() {
                left.pass(slot, &vault.vault, self.end_undead(slot, &vault.vault).await)?;
            }
            if after_start {
                left.pass(slot, &vault.vault, self.end_orphan(slot, vault, &state.word.boot_id).await)?;
            }
        }
        if after_start {
            let slots = self.node_table.slots();
            self.ledger.clear_notes(&slot.name, |node| slots.contains_key(node)).await?;
        }
        Ok(())
    }

    /// One that its node does not list.
    async fn bury_missing(&self, slot: &NodeSlot, vault: &Vault, why: &str) -> Result<(), Failure> {
        let receipt = match self.vaults.ask_for_tombstone(slot, &vault.id).await {
            // It was left out of the list, and that is all.
            Err(NodeError { fault: NodeFault::NotYet, .. }) => return Ok(()),
            told => told?,
        };
        self.vaults.bury(receipt.unwrap_or_else(|| lost(vault, why))).await.map(drop)
    }

    /// One that a crashed core had ordered and not recorded: nobody knows of it.
    async fn end_orphan(&self, slot: &NodeSlot, vault: &NodeVault, boot_id: &str) -> Result<(), Failure> {
        if !self.ledger.condemn(&vault.vault).await? {
            return Ok(());
        }
        if self.records.aside().may_hide_a_vault() {
            return self.vaults.salvage_unknown(slot, vault, boot_id).await;
        }
        tracing::info!(vault = %vault.vault, node = %slot.name, "ending a vault that nobody recorded");
        self.end_there(slot, &vault.vault, Cause::Cancelled).await
    }

    pub(super) async fn end_there(
        &self,
        slot: &NodeSlot,
        vault: &VaultId,
        cause: Cause,
    ) -> Result<(), Failure> {
        let vault = vault.clone();
        match slot.api.destruct(DestructOrder { vault, cause, by: Some("core".into()), grace_ms: 0 }).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_gone() => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
