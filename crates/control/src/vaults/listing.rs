//! Listing vaults: what the store promised, with what the nodes say of it now.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::Vaults;
use crate::failure::{Failure, VaultError};
use crate::ledger::{TOMB, VaultRecord, Versioned};
use crate::nodes::NodeSlot;
use hauki_contract::api::node::{NodeVault, NodeVaults};
use hauki_contract::api::vault::{Vault, VaultList, VaultQuery};
use hauki_contract::model::id::{NodeName, VaultId};
use hauki_contract::model::open_word::OpenWord;
use hauki_contract::model::phase::Phase;
use hauki_contract::system::tasks::{self, TaskKind};

/// How long a listing waits for a node, and for one that was silent before.
const PATIENCE: Duration = Duration::from_millis(500);
const SILENT_PATIENCE: Duration = Duration::from_millis(50);

/// What each node said of its vaults, or why it said nothing.
pub(crate) type NodeReports = BTreeMap<NodeName, Result<HashMap<VaultId, NodeVault>, String>>;

impl Vaults {
    /// Of all, or what is this user's.
    pub(crate) async fn vaults_of(&self, only: Option<u32>, query: VaultQuery) -> Result<VaultList, Failure> {
        let mut found: Vec<Versioned<VaultRecord>> = self.living_records().await?;
        found.retain(|found| only.is_none() || found.value.vault().owner == only);
        if query.all {
            found.extend(self.records.vaults_of(TOMB, only).await?);
        }
        let mut vaults: Vec<Vault> = found
            .into_iter()
            .map(|found| Vault { changed: false, explanation: Vec::new(), ..found.value.into_vault() })
            .filter(|vault| query.node.as_ref().is_none_or(|node| *node == vault.node))
            .filter(|vault| query.worker.as_ref().is_none_or(|worker| *worker == vault.worker.name))
            .collect();
        // Ids begin with their time, so this is the order in which they were forged.
        vaults.sort_by(|a, b| a.id.cmp(&b.id));
        // A vault that died between the two listings is in both; the dead one is the true one.
        vaults.dedup_by(|later, first| {
            let same = later.id == first.id;
            if same && later.receipt.is_some() {
                std::mem::swap(later, first);
            }
            same
        });
        let words = self.ask_nodes_of(&vaults).await;
        vaults.iter_mut().for_each(|vault| look(vault, &words));
        Ok(VaultList { vaults })
    }

    pub(crate) async fn vault(&self, id: &VaultId) -> Result<Vault, Failure> {
        let found = self.vault_record(id).await?.ok_or_else(|| VaultError::Unknown { vault: id.clone() })?;
        let mut vault = Vault { changed: false, ..found.value.into_vault() };
        let words = self.ask_nodes_of(std::slice::from_ref(&vault)).await;
        look(&mut vault, &words);
        Ok(vault)
    }

    pub(crate) async fn ask_nodes_of(&self, vaults: &[Vault]) -> NodeReports {
        let one = match vaults {
            [vault] => Some(vault.id.clone()),
            _ => None,
        };
        let names: BTreeSet<&NodeName> =
            vaults.iter().filter(|vault| vault.receipt.is_none()).map(|vault| &vault.node).collect();
        let mut tasks = tokio::task::JoinSet::new();
        let mut words = NodeReports::new();
        for name in names {
            match self.node_table.slot(name) {
                Ok(slot) => {
                    let one = one.clone();
                    tasks.spawn(async move {
                        let asked = patiently(&slot, one).await;
                        let by_id = |said: NodeVault| (said.vault.clone(), said);
                        (slot.name.clone(), asked.map(|there| there.vaults.into_iter().map(by_id).collect()))
                    });
                }
                Err(error) => {
                    words.insert(name.clone(), Err(error.to_string()));
                }
            }
        }
        words.extend(tasks.join_all().await);
        words
    }
}

/// What the node says, if it says it soon. One that is known to be silent is asked as well, and not waited for: who
/// lists wants what is known. It is asked on, so that the next one knows more.
async fn patiently(slot: &Arc<NodeSlot>, one: Option<VaultId>) -> Result<NodeVaults, String> {
    let silence = slot.silence();
    let asked = tasks::spawn(TaskKind::Session, "look-at-vaults", {
        let slot = slot.clone();
        async move { slot.vaults(one).await.map_err(|error| error.message) }
    });
    let patience = if silence.is_some() { SILENT_PATIENCE } else { PATIENCE };
    match tokio::time::timeout(patience, asked).await {
        Ok(answered) => answered.map_err(|error| error.to_string())?,
        Err(_) => Err(silence.unwrap_or_else(|| {
            format!("node {} has not answered within {} ms", slot.name, PATIENCE.as_millis())
        })),
    }
}

fn look(vault: &mut Vault, words: &NodeReports) {
    match words.get(&vault.node) {
        _ if vault.receipt.is_some() => {}
        None => {}
        Some(Err(reason)) => vault.unreachable = Some(reason.clone()),
        Some(Ok(vaults)) => {
            // What its node does not have is at its end, and the tombstone on its way.
            let Some(said) = vaults.get(&vault.id) else {
                (vault.phase, vault.vitals) = (Phase::Dying.into(), None);
                return;
            };
            // The node drives the phase; the record may be behind it, never before it. It is dead with its
            // tombstone.
            vault.phase = match (vault.phase, said.phase) {
                (OpenWord::Known(recorded), OpenWord::Known(said)) => {
                    recorded.max(said.min(Phase::Dying)).into()
                }
                (_, said) => said,
            };
            vault.vitals = said.phase.is_alive().then(|| said.vitals.clone());
        }
    }
}
