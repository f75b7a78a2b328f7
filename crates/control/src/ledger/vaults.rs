//! Vault records: the life of a vault in the store, recorded, opened, claimed, buried.
//!
//! A vault is under exactly one of `vault/` and `tomb/`, because one transaction moves it. News of a death comes by
//! several ways; whoever commits first writes the tombstone, the others find it written.

use super::anti_affinity::AntiAffinity;
use super::documents::{APART, budget_key, forging_key, name_key, tomb_key, vault_key};
use super::error::LedgerError;
use super::forging::Noted;
use super::idempotency_keys::Posting;
use super::names::holds;
use super::quarantine::aside_key;
use super::record::encode;
use super::{Ledger, VaultRecord};
use crate::store::{CommitOutcome, Expect, Txn};
use hauki_contract::api::vault::Vault;
use hauki_contract::model::id::{NodeName, VaultId};
use hauki_contract::model::name::ServiceName;
use hauki_contract::model::phase::Phase;
use hauki_contract::model::receipt::Receipt;
use hauki_contract::model::ticket::Endpoint;

/// What became of a new vault's record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Made {
    /// Had it died before, this is its receipt, and it is to be buried.
    Recorded(Option<Receipt>),
    /// Its name is a living worker's.
    Taken(ServiceName),
    /// Another that it is to stay apart from may be beside it: it was placed meanwhile.
    Beside,
    /// Somebody else did, meanwhile, what it was to be recorded with.
    Lost,
}

/// What became of a tombstone.
#[derive(Debug)]
pub(crate) enum Burial {
    Written(Box<Vault>),
    /// There is no such living vault.
    Unknown,
    /// It is on this node, or of another generation there.
    Foreign(NodeName),
}

impl Ledger {
    /// Writes a vault down that was noted, with its name and with what it was made for.
    pub(crate) async fn record(
        &self,
        record: &VaultRecord,
        mut noted: Noted,
        apart: AntiAffinity,
        posting: Posting,
    ) -> Result<Made, LedgerError> {
        let vault = record.vault();
        let mut posting = apart.join(posting);
        if let Some(name) = &vault.name {
            let key = name_key(name);
            posting =
                posting.and(Txn::when(key.as_str(), Expect::Absent).put(key, encode(&holds(name, vault))?));
        }
        let note = forging_key(&vault.id);
        let mut died = None;
        loop {
            let mine = Txn::when(note.as_str(), Expect::At(noted.revision)).delete(note.as_str());
            let txn = posting.clone().join(mine).put(vault_key(&vault.id), encode(record)?);
            return Ok(match self.records.write(txn).await? {
                CommitOutcome::Committed { .. } => Made::Recorded(died),
                CommitOutcome::Conflict { key } if key == note => {
                    died = self.noted_still(&mut noted).await?;
                    continue;
                }
                CommitOutcome::Conflict { key } if key.starts_with(APART) => Made::Beside,
                CommitOutcome::Conflict { key } => match &vault.name {
                    Some(name) if key == name_key(name) => Made::Taken(name.clone()),
                    Some(_) | None => Made::Lost,
                },
            });
        }
    }

    /// Writes down that its port is open; `first` is called before anybody can see that a claim is awaited. `false`:
    /// there is no such living vault.
    pub(crate) async fn open(
        &self,
        id: &VaultId,
        endpoint: &Endpoint,
        first: impl Fn(),
    ) -> Result<bool, LedgerError> {
        while let Some(mut found) = self.records.get::<VaultRecord>(&vault_key(id)).await? {
            let before = found.value.vault().clone();
            found.value.opened(endpoint.clone())?;
            if *found.value.vault() == before {
                return Ok(true);
            }
            if before.phase == Phase::Forged {
                first();
            }
            if let CommitOutcome::Committed { .. } = self.records.write(found.anew()?).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Writes down that its ticket was used. `false`: it was known, or there is no such living vault.
    pub(crate) async fn claim(&self, id: &VaultId) -> Result<bool, LedgerError> {
        while let Some(mut found) = self.records.find::<VaultRecord>(&vault_key(id)).await? {
            if !found.value.claimed() {
                return Ok(false);
            }
            if let CommitOutcome::Committed { .. } = self.records.write(found.anew()?).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Moves it from the living to the dead, and takes its name and its budget away. The receipt is as it was written.
    pub(crate) async fn bury(&self, receipt: &mut Receipt) -> Result<Burial, LedgerError> {
        while let Some(mut found) = self.records.find::<VaultRecord>(&vault_key(&receipt.vault)).await? {
            let vault = found.value.vault();
            if vault.node != receipt.node || receipt.generation.is_some_and(|said| said != vault.generation) {
                return Ok(Burial::Foreign(vault.node.clone()));
            }
            found.value.died(receipt)?;
            let txn = buried(found.gone(), &found.value)?;
            if let CommitOutcome::Committed { .. } = self.records.write(txn).await? {
                return Ok(Burial::Written(Box::new(found.value.into_vault())));
            }
        }
        Ok(Burial::Unknown)
    }
}

/// From the living to the dead, and what ends with it.
pub(super) fn buried(txn: Txn, record: &VaultRecord) -> Result<Txn, LedgerError> {
    let vault = record.vault();
    let may_clone = vault.limits.spawn > 0;
    let txn = txn
        .put(tomb_key(&vault.id), encode(record)?)
        // As long as the vault's record stands, the name is its own.
        .delete_each(vault.name.as_ref().map(name_key))
        // Without its budget it is no parent any more.
        .delete_each(may_clone.then(|| budget_key(&vault.id)))
        // Whichever core has set it aside.
        .delete_each(vault.damaged.then(|| aside_key(&vault_key(&vault.id))))
        .delete_each(may_clone.then(|| aside_key(&budget_key(&vault.id))));
    Ok(txn)
}
