//! Name records, of living workers: each comes and goes with the record of the vault that holds it.

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
