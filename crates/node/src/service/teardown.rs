//! Teardown: how vaults end by order, and what is told of those that have.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::NodeService;
use crate::vault::VaultHandle;
use hauki_contract::api::node::{DestructOrder, Doom, TornDown};
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::model::id::VaultId;
use hauki_contract::model::receipt::Receipt;

/// How long one that is dying is waited for by who wants a ticket to it: then its name is free, if it had one.
const DYING: Duration = Duration::from_secs(3);

/// What is to be said of a vault that opens to nobody any more.
pub(super) async fn end_of(vault: &VaultHandle) -> NodeError {
    let mut receipt = vault.receipt.subscribe();
    match timeout(DYING, receipt.wait_for(Option::is_some)).await.ok().and_then(Result::ok).as_deref() {
        Some(Some(receipt)) => NodeError::dead(receipt.clone()),
        _ => NodeError::new(NodeFault::NotYet, format!("{} is dying", vault.id))
            .hint("try again when it has ended"),
    }
}

impl NodeService {
    pub(crate) async fn destruct(&self, order: DestructOrder) -> Result<TornDown, NodeError> {
        let vault = match self.entry(&order.vault) {
            Ok(entry) => entry.vault,
            Err(NodeError { fault: NodeFault::Dead(receipt), .. }) => {
                return Ok(TornDown { receipt: *receipt, changed: false });
            }
            Err(error) => return Err(error),
        };
        let mut receipt = vault.receipt.subscribe();
        let changed = vault.doom(order.cause, None, order.by, order.grace_ms.min(60_000));
        let receipt = receipt.wait_for(Option::is_some).await.ok().and_then(|receipt| receipt.clone());
        match receipt {
            Some(receipt) => Ok(TornDown { receipt, changed }),
            None => {
                Err(NodeError::new(NodeFault::Defect, format!("the supervisor of {} was lost", vault.id)))
            }
        }
    }

    pub(crate) async fn receipt(&self, id: &VaultId) -> Result<Receipt, NodeError> {
        let error = match self.entry(id) {
            Ok(entry) if entry.vault.state().phase.is_alive() => {
                NodeError::new(NodeFault::NotYet, format!("{id} is not dead"))
            }
            Ok(entry) => end_of(&entry.vault).await,
            Err(error) => error,
        };
        match error.fault {
            NodeFault::Dead(receipt) => Ok(*receipt),
            _ => Err(error),
        }
    }

    /// Kills all of these before it waits for any; their receipts are had by destructs. Who is not here
    /// or dead already is no error.
    pub(crate) fn doom(&self, doom: &Doom) {
        let found: Vec<Arc<VaultHandle>> = {
            let book = self.book();
            doom.vaults.iter().filter_map(|id| Some(book.living.get(id)?.vault.clone())).collect()
        };
        for vault in found {
            vault.doom(doom.cause, None, doom.by.clone(), 0);
        }
    }
}
