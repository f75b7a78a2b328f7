//! Tombstone lookup: turning "connection refused" into why the vault died.

use std::time::Duration;

use crate::endpoint::ControlPlane;
use hauki_contract::api::ApiError;
use hauki_contract::model::id::VaultId;
use hauki_contract::model::receipt::Receipt;
use hauki_contract::model::units;
use hauki_contract::system::clock;

/// The control plane is asked for no longer than this: the caller has an error already.
const PATIENCE: Duration = Duration::from_secs(1);

/// The tombstone of a vault, if it is dead and the control plane remembers it.
pub async fn look_up(endpoint: &ControlPlane, vault: &VaultId) -> Option<Receipt> {
    let answer = tokio::time::timeout(PATIENCE, endpoint.vault(vault)).await.ok()?;
    match answer {
        Ok(vault) => vault.receipt,
        Err(error) => error.api().and_then(|error| error.receipt.as_deref().cloned()),
    }
}

/// The error that a person reads: what ended the vault, and how long ago.
#[must_use]
pub fn error(receipt: Receipt) -> ApiError {
    let ago = clock::now().duration_since(receipt.death.at);
    let ago = u64::try_from(ago.as_millis()).unwrap_or(0);
    let cause = receipt.death.cause.describe();
    let mut message = format!("{} is dead: {cause} {} ago", receipt.vault, units::show_millis(ago));
    if let Some(detail) = &receipt.death.detail {
        message.push_str(&format!(" ({detail})"));
    }
    ApiError { message, ..ApiError::vault_dead(receipt) }
}
