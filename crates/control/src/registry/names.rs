//! Name registration: taking a name, and finding who holds it.
//!
//! What makes two holders of one name impossible is the ledger's check in the transaction that
//! records the vault. The turn that callers take before is in memory and only saves sandboxes.

use tokio::sync::OwnedMutexGuard;

use super::NameRegistry;
use crate::failure::{Failure, NameError, VaultError};
use crate::ledger::{NAME, VaultRecord, Versioned, name_key};
use hauki_contract::api::registry::{ResolveRequest, Resolved, Service, ServiceList};
use hauki_contract::api::vault::{TicketRequest, Vault};
use hauki_contract::model::name::ServiceName;

/// How often a name may change hands under one request before its caller is told so.
const LOOKS: u32 = 8;

impl NameRegistry {
    /// Waits until no other request of this process forges for the name.
    pub(crate) async fn turn(&self, name: Option<&ServiceName>) -> Option<OwnedMutexGuard<()>> {
        match name {
            Some(name) => Some(self.flights.enter(&name_key(name)).await),
            None => None,
        }
    }

    /// Before a sandbox is spent on it.
    pub(crate) async fn refuse_taken(&self, name: Option<&ServiceName>) -> Result<(), Failure> {
        let Some(name) = name else { return Ok(()) };
        match self.holder(name, None).await? {
            Some(_) => Err(NameError::Taken { name: name.clone() }.into()),
            None => Ok(()),
        }
    }

    /// The vault that holds the name, by the store's word; refused if it is not `only`'s. A name changes hands,
    /// so this is judged at every look: that it is taken is no secret, its worker is.
    async fn recorded_holder(
        &self,
        name: &ServiceName,
        only: Option<u32>,
    ) -> Result<Option<VaultRecord>, Failure> {
        for _ in 0..LOOKS {
            let Some(found) = self.records.get::<Service>(&name_key(name)).await? else { return Ok(None) };
            let record = self.vaults.vault_record(&found.value.vault).await?;
            if let Some(record) = record.filter(|record| record.value.vault().receipt.is_none()) {
                return match only.is_some() && record.value.vault().owner != only {
                    true => Err(NameError::Foreign { name: name.clone() }.into()),
                    false => Ok(Some(record.value)),
                };
            }
            // It died between the two looks, and its name went with it.
        }
        Err(changing_hands(name))
    }

    /// The vault that holds the name and lives, by its node's word. News of a death may be on their
    /// way; a node that cannot be asked frees nothing.
    async fn holder(&self, name: &ServiceName, only: Option<u32>) -> Result<Option<VaultRecord>, Failure> {
        let mut dead = None;
        for _ in 0..LOOKS {
            let Some(record) = self.recorded_holder(name, only).await? else { return Ok(None) };
            // On a full disk it stays on record that it lives.
            if dead.as_ref() == Some(&record.vault().id) {
                return Ok(None);
            }
            match self.vaults.confirm(&record).await {
                Ok(()) => return Ok(Some(record)),
                Err(error) if error.is_death() => dead = Some(record.vault().id.clone()),
                Err(error) => return Err(error),
            }
        }
        Err(changing_hands(name))
    }

    /// If its holder is this user's.
    pub(crate) async fn resolve_own(
        &self,
        only: Option<u32>,
        request: ResolveRequest,
    ) -> Result<Resolved, Failure> {
        let ResolveRequest { name, ticket: wishes } = request;
        let Some(wishes) = wishes else {
            let record =
                self.holder(&name, only).await?.ok_or_else(|| NameError::Nobody { name: name.clone() })?;
            return Ok(Resolved { name, vault: plain(record), ticket: None });
        };
        for _ in 0..LOOKS {
            let record = self
                .recorded_holder(&name, only)
                .await?
                .ok_or_else(|| NameError::Nobody { name: name.clone() })?;
            let id = record.into_vault().id;
            // The node opens no port of a dead vault, so the ticket proves that it lives.
            match self.tickets.ticket(TicketRequest { vault: id.clone(), wishes: wishes.clone() }).await {
                Ok(ticket) => {
                    let found =
                        self.vaults.vault_record(&id).await?.ok_or(VaultError::Unknown { vault: id })?;
                    return Ok(Resolved { name, vault: plain(found.value), ticket: Some(ticket) });
                }
                Err(error) if error.is_death() || error.is_absence() => {}
                Err(error) => return Err(error),
            }
        }
        Err(changing_hands(&name))
    }

    pub(crate) async fn services(&self) -> Result<ServiceList, Failure> {
        let found: Vec<Versioned<Service>> = self.records.all(NAME).await?;
        Ok(ServiceList { services: found.into_iter().map(|found| found.value).collect() })
    }
}

fn changing_hands(name: &ServiceName) -> Failure {
    NameError::ChangesHands { name: name.clone() }.into()
}

fn plain(record: VaultRecord) -> Vault {
    Vault { changed: false, explanation: Vec::new(), ..record.into_vault() }
}
