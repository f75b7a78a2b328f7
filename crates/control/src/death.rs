//! Tombstones: how a vault's record goes from the living to the dead, once.
//!
//! News of a death comes by three ways (the answer to a destruct, the node's news, a
//! reconciliation); whoever commits first writes the tombstone and tells the event, the others find
//! it written.

use super::record::{Found, VaultRecord, budget_key, encode, name_key, tomb_key, vault_key};
use super::service::Core;
use super::store::{Expect, Outcome, Txn};
use hauki_contract::api::event::Happening;
use hauki_contract::api::vault::Vault;
use hauki_contract::api::{ApiError, ErrorCode};
use hauki_contract::model::death::{Cause, Death};
use hauki_contract::model::id::NodeName;
use hauki_contract::model::phase::Phase;
use hauki_contract::model::receipt::{Receipt, Witness};
use hauki_contract::system::clock;

impl Core {
    /// Writes the tombstone. `false`: it was there already, nobody knows the vault, or the receipt comes
    /// from a node that does not have it.
    pub(super) async fn bury(&self, mut receipt: Receipt) -> Result<bool, ApiError> {
        let key = vault_key(&receipt.vault);
        let mut tried = false;
        loop {
            let Some(mut found) = self.records.find::<VaultRecord>(&key).await? else {
                if self.dies_while_forged(&receipt) {
                    return Ok(false);
                }
                if self.records.aside().is_missing(&key) && !tried {
                    tried = true;
                    if self.salvage_dead(&receipt.vault, &receipt.node).await? {
                        continue;
                    }
                    self.distrust(&receipt.node, &format!("{} died, which is another's", receipt.vault));
                    return Ok(false);
                }
                // Between the two looks the commit may have come to its end.
                match self.records.find::<VaultRecord>(&key).await? {
                    None => return Ok(false),
                    Some(_) => continue,
                }
            };
            let vault = &mut found.value.vault;
            if vault.node != receipt.node || receipt.generation.is_some_and(|said| said != vault.generation) {
                self.distrust(&receipt.node, &format!("{} died, which is on node {}", vault.id, vault.node));
                return Ok(false);
            }
            // For how long it is kept must not hang on a node's calendar.
            receipt.death.at = receipt.death.at.min(clock::now()).max(vault.forged_at);
            (vault.phase, vault.receipt) = (Phase::Dead, Some(receipt.clone()));
            vault.vitals = None;
            let (name, parent) = (vault.name.clone(), vault.limits.spawn > 0);
            let mut txn = Txn::default()
                .check(key.as_str(), Expect::At(found.revision))
                .delete(key.as_str())
                .put(tomb_key(&receipt.vault), encode(&found.value)?);
            // As long as the vault's record stands, the name is its own.
            txn.deletes.extend(name.as_ref().map(name_key));
            // Without its budget it is no parent any more.
            txn.deletes.extend(parent.then(|| budget_key(&receipt.vault)));
            if let Outcome::Committed { .. } = self.records.commit(txn).await? {
                self.spool.nudge();
                self.metrics.died(receipt.death.cause);
                if parent {
                    self.orphaned.notify_one();
                }
                let (vault, node) = (receipt.vault.clone(), receipt.node.clone());
                self.claims().remove(&vault);
                self.events.tell_of(&node, Happening::Died { vault: vault.clone(), receipt });
                name.into_iter().for_each(|name| {
                    self.events.tell_of(&node, Happening::Freed { vault: vault.clone(), name });
                });
                return Ok(true);
            }
        }
    }

    /// A node said what is another's to say.
    pub(super) fn distrust(&self, node: &NodeName, what: &str) {
        if let Some(slot) = self.slots().get(node) {
            slot.api.distrust(what);
        }
    }

    /// Whether the receipt could be left with a vault that is still being recorded.
    fn dies_while_forged(&self, receipt: &Receipt) -> bool {
        match self.forging().get_mut(&receipt.vault) {
            Some(forged) if forged.node == receipt.node => {
                forged.died = Some(receipt.clone());
                true
            }
            Some(_) | None => false,
        }
    }

    /// What a node's refusal about a recorded vault means, and what its asker should hear.
    pub(super) async fn learn(&self, vault: &Vault, error: ApiError) -> ApiError {
        let receipt = match (&error.code, &error.receipt) {
            (ErrorCode::VaultDead, Some(receipt)) => (**receipt).clone(),
            (ErrorCode::NotFound, _) => lost(vault, "its node does not know it"),
            _ => return error,
        };
        match self.bury(receipt.clone()).await {
            // The first tombstone is the true one.
            Ok(_) => match self.records.vault(&vault.id).await {
                Ok(Some(Found {
                    value: VaultRecord { vault: Vault { receipt: Some(first), .. }, .. },
                    ..
                })) => ApiError::vault_dead(first),
                Ok(_) | Err(_) => ApiError::vault_dead(receipt),
            },
            Err(error) => error,
        }
    }
}

/// The tombstone of a vault that went with its node's daemon. Nobody watched, so nothing is
/// claimed to be reclaimed.
pub(super) fn lost(vault: &Vault, detail: &str) -> Receipt {
    let now = clock::now();
    let lived = now.as_millisecond().saturating_sub(vault.forged_at.as_millisecond());
    Receipt {
        vault: vault.id.clone(),
        node: vault.node.clone(),
        generation: Some(vault.generation),
        witness: Some(Witness::Core),
        death: Death {
            cause: Cause::DaemonLost,
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
