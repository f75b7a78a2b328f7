//! Name records, of living workers: each comes and goes with the record of the vault that holds it.

use super::Ledger;
use super::documents::name_key;
use super::error::LedgerError;
use super::record::encode;
use crate::store::Txn;
use hauki_contract::api::registry::Service;
use hauki_contract::api::vault::Vault;
use hauki_contract::model::name::ServiceName;

/// That this vault has the name.
pub(super) fn holds(name: &ServiceName, vault: &Vault) -> Service {
    Service {
        name: name.clone(),
        vault: vault.id.clone(),
        worker: vault.worker.clone(),
        node: vault.node.clone(),
        since: vault.forged_at,
    }
}

impl Ledger {
    /// Whose record was damaged has it again.
    pub(crate) async fn name_again(&self, name: &ServiceName, vault: &Vault) -> Result<(), LedgerError> {
        let txn = Txn::default().put(name_key(name), encode(&holds(name, vault))?);
        self.records.write(txn).await.map(drop)
    }

    /// Nobody has it, as far as anything that can be read knows.
    pub(crate) async fn free_name(&self, name: &ServiceName) -> Result<(), LedgerError> {
        self.records.write(Txn::default().delete(name_key(name))).await.map(drop)
    }
}
