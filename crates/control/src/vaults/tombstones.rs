//! Tombstones: how a vault's record goes from the living to the dead, once.
//!
//! News of a death comes by three ways (the answer to a destruct, the node's news, a
//! reconciliation); whoever commits first writes the tombstone and tells the event, the others find
//! it written.

use super::Vaults;
use crate::failure::{Failure, VaultError};
use crate::ledger::{Burial, VaultRecord, Versioned, vault_key};
use crate::nodes::NodeSlot;
use hauki_contract::api::event::Happening;
use hauki_contract::api::node::NodeApi;
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::api::vault::Vault;
use hauki_contract::model::death::{Cause, Death};
use hauki_contract::model::id::VaultId;
use hauki_contract::model::receipt::{Receipt, Witness};
use hauki_contract::system::clock;

impl Vaults {
    /// Writes the tombstone. `false`: it was there already, nobody knows the vault, or the receipt comes
    /// from a node that does not have it.
    pub(crate) async fn bury(&self, mut receipt: Receipt) -> Result<bool, Failure> {
        let _turn = self.flights.enter(&format!("bury/{}", receipt.vault)).await;
        if self.buried.has(&receipt.vault) {
            return Ok(false);
        }
        let key = vault_key(&receipt.vault);
        let mut tried = false;
        loop {
            let burial = match self.ledger.bury(&mut receipt).await? {
                Burial::Unknown if self.ledger.died_early(&receipt).await? => return Ok(false),
                Burial::Unknown if self.records.aside().is_missing(&key) && !tried => {
                    tried = true;
                    self.bury_damaged(&mut receipt).await?
                }
                burial => burial,
            };
            let vault = match burial {
                Burial::Written(vault) => vault,
                Burial::Foreign(node) => {
                    self.node_table
                        .distrust(&receipt.node, &format!("{} died, which is on node {node}", receipt.vault));
                    return Ok(false);
                }
                Burial::Unknown => {
                    // Between the two looks the commit may have come to its end.
                    match self.records.find::<VaultRecord>(&key).await? {
                        None => return Ok(false),
                        Some(_) => continue,
                    }
                }
            };
            self.buried.add(&receipt.vault);
            self.spool.nudge();
            self.metrics.died(receipt.death.cause);
            if vault.limits.spawn > 0 {
                self.orphans.notify_one();
            }
            let (id, node) = (receipt.vault.clone(), receipt.node.clone());
            self.claims.lock().remove(&id);
            self.events.tell_of(&node, Happening::Died { vault: id.clone(), receipt });
            vault.name.into_iter().for_each(|name| {
                self.events.tell_of(&node, Happening::Freed { vault: id.clone(), name });
            });
            return Ok(true);
        }
    }

    /// What a node's refusal about a recorded vault means, and what its asker should hear.
    pub(crate) async fn learn(&self, vault: &Vault, error: NodeError) -> Failure {
        let receipt = match error.fault {
            NodeFault::Dead(receipt) => *receipt,
            NodeFault::Unknown => lost(vault, "its node does not know it"),
            _ => return error.into(),
        };
        match self.bury(receipt.clone()).await {
            // The first tombstone is the true one.
            Ok(_) => match self.records.vault(&vault.id).await {
                Ok(first) => {
                    let first =
                        first.and_then(|first: Versioned<VaultRecord>| first.value.into_vault().receipt);
                    VaultError::dead(first.unwrap_or(receipt)).into()
                }
                Err(_) => VaultError::dead(receipt).into(),
            },
            Err(error) => error,
        }
    }

    /// Asks the node whether a vault that the records call alive is: the news of a death may be on
    /// their way, and whoever repeats a request must not get a dead vault's ticket. A node that
    /// cannot be asked changes nothing.
    pub(crate) async fn confirm(&self, record: &VaultRecord) -> Result<(), Failure> {
        let (vault, boot_id) = (record.vault(), record.boot_id());
        let slot = self.node_table.slot(&vault.node)?;
        let Ok(state) = slot.vaults(Some(vault.id.clone())).await else { return Ok(()) };
        let said = state.vaults.iter().find(|said| said.vault == vault.id);
        if said.is_some_and(|said| said.phase.is_alive()) {
            return Ok(());
        }
        let receipt = if boot_id == state.word.boot_id {
            self.ask_for_tombstone(&slot, &vault.id).await?
        } else {
            None
        };
        let receipt = receipt.unwrap_or_else(|| lost(vault, "its node does not know it"));
        // That it is dead is so, also where that cannot be written down: the next round tries that again.
        let told = self.learn(vault, NodeError::dead(receipt.clone())).await;
        Err(if told.is_death() { told } else { VaultError::dead(receipt).into() })
    }

    /// `None`: the node does not know it.
    pub(crate) async fn ask_for_tombstone(
        &self,
        slot: &NodeSlot,
        vault: &VaultId,
    ) -> Result<Option<Receipt>, NodeError> {
        match slot.api.receipt(vault.clone()).await {
            Ok(receipt) => Ok(Some(receipt)),
            Err(NodeError { fault: NodeFault::Unknown, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The tombstone of a vault that went with its node's daemon. Nobody watched, so nothing is
/// claimed to be reclaimed.
pub(crate) fn lost(vault: &Vault, detail: &str) -> Receipt {
    let now = clock::now();
    let lived = now.as_millisecond().saturating_sub(vault.forged_at.as_millisecond());
    Receipt {
        vault: vault.id.clone(),
        node: vault.node.clone(),
        generation: Some(vault.generation),
        witness: Some(Witness::Core.into()),
        death: Death {
            cause: Cause::DaemonLost.into(),
            at: now,
            detail: Some(detail.to_owned()),
            by: Some("core".into()),
        },
        lived_ms: u64::try_from(lived).unwrap_or(0),
        calls: 0,
        reclaimed_us: 0,
        reclaimed: Vec::new(),
    }
}
