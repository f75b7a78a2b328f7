//! Drop guard of a vault that is being made and is not recorded yet.
//!
//! Whoever drops it (the caller went away, the store is full, an answer was lost) has the vault destroyed and its note
//! taken away. A crash drops nothing: the note then names a term that is over, and the next core's first comparison
//! ends what its node made (`ledger::forging`).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::Forge;
use crate::ledger::{Budget, Ledger, LedgerError, Noted};
use crate::nodes::NodeSlot;
use crate::store::Expect;
use crate::vaults::Vaults;
use hauki_contract::api::node::{DestructOrder, NodeApi};
use hauki_contract::api::summons::Summons;
use hauki_contract::model::death::Cause;
use hauki_contract::model::error_chain;
use hauki_contract::model::id::VaultId;
use hauki_contract::model::receipt::Receipt;
use hauki_contract::system::random;
use hauki_contract::system::tasks::{self, TaskKind};

/// Until a store is written to again that could not be.
const AGAIN: Duration = Duration::from_millis(100);
const AGAIN_MOST: Duration = Duration::from_secs(30);

/// A vault that no record stands for yet. Who is being forged is in the store; this is the hand that holds one.
pub(super) struct ForgeGuard {
    ledger: Ledger,
    vaults: Arc<Vaults>,
    orphans: Arc<Notify>,
    slot: Arc<NodeSlot>,
    pub(super) vault: VaultId,
    /// It has a budget to be revoked.
    spawner: bool,
    kept: bool,
}

impl ForgeGuard {
    pub(super) fn begin(forge: &Forge, slot: &Arc<NodeSlot>, summons: &Summons) -> Self {
        let (vault, limits) = (random::vault_id(), &summons.limits);
        slot.placed(limits.footprint_bytes());
        Self {
            ledger: forge.ledger.clone(),
            vaults: forge.vaults.clone(),
            orphans: forge.orphans.clone(),
            slot: slot.clone(),
            vault,
            spawner: limits.spawn > 0,
            kept: false,
        }
    }

    /// Before the order goes out, so that nobody who sees it on its node takes it for nobody's.
    pub(super) async fn note(
        &self,
        summons: &Summons,
        membership: Expect,
    ) -> Result<Option<Noted>, LedgerError> {
        let budget = || {
            let (parent, limits) = (summons.parent.clone(), summons.limits.clone());
            Budget::new(self.slot.name.clone(), parent, summons.owner, limits)
        };
        let budget = self.spawner.then(budget);
        self.ledger.forging(&self.vault, &self.slot.name, summons.owner, budget.as_ref(), membership).await
    }

    /// It was not even noted.
    pub(super) fn unnoted(mut self) {
        self.kept = true;
    }

    /// The node says that nothing was made.
    pub(super) async fn undone(mut self) {
        self.kept = true;
        let_go(&self.ledger, &self.vault, self.spawner).await;
        if self.spawner {
            self.orphans.notify_one();
        }
    }

    /// The record stands. Had the vault died before, this is its receipt.
    pub(super) async fn keep(mut self, died: Option<Receipt>) {
        self.kept = true;
        if let Some(receipt) = died
            && let Err(error) = self.vaults.bury(receipt).await
        {
            tracing::error!(vault = %self.vault, error = error_chain::told(&error), "a tombstone could not be written");
        }
    }
}

impl Drop for ForgeGuard {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        let (ledger, slot, vault) = (self.ledger.clone(), self.slot.clone(), self.vault.clone());
        let orphans = self.spawner.then(|| self.orphans.clone());
        // Without a runtime the process is ending, and the vault's claim lease ends it.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let undoing = async move {
            let order = DestructOrder {
                vault: vault.clone(),
                cause: Cause::Cancelled,
                by: Some("core".into()),
                grace_ms: 0,
            };
            match slot.api.destruct(order).await {
                Ok(_) => {}
                Err(error) if error.is_gone() => {}
                Err(error) => {
                    tracing::warn!(%vault, node = %slot.name, error = error_chain::told(&error), "left to its claim lease");
                }
            }
            let_go(&ledger, &vault, orphans.is_some()).await;
            if let Some(orphans) = orphans {
                orphans.notify_one();
            }
        };
        drop(tasks::spawn_on(&runtime, TaskKind::Order, "undo-forging", undoing));
    }
}

/// The vault is gone, so the store need not say any more that it is being made. It says it until then: as long as it
/// cannot be written to, this is tried again.
async fn let_go(ledger: &Ledger, vault: &VaultId, may_clone: bool) {
    let Err(error) = ledger.give_up(vault, may_clone).await else { return };
    tracing::warn!(%vault, error = error_chain::told(&error), "that it is not made any more is noted later");
    let (ledger, vault) = (ledger.clone(), vault.clone());
    let noting = async move {
        let mut pause = AGAIN;
        while ledger.give_up(&vault, may_clone).await.is_err() {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(AGAIN_MOST);
        }
    };
    drop(tasks::spawn(TaskKind::Order, "note-not-forged", noting));
}
