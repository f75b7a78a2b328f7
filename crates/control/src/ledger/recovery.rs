//! Repair: what was damaged is written anew, under the damage that was seen.
//!
//! A key under which nothing can be read has nothing or what is damaged, and something aside or nothing. Whoever mends it
//! says how he has seen both, and of two cores that do so one commits. What the vault had besides goes in the
//! same transaction: with its record its name, with its tombstone all that ends with it.

use serde::de::DeserializeOwned;

use super::documents::{name_key, tomb_key, vault_key};
use super::error::LedgerError;
use super::names::holds;
use super::quarantine::aside_key;
use super::record::{Records, Versioned, encode};
use super::vaults::{Burial, buried};
use super::{Ledger, VaultRecord};
use crate::store::{CommitOutcome, Document, Expect, Txn};
use hauki_contract::api::registry::Service;
use hauki_contract::api::vault::Vault;
use hauki_contract::model::id::VaultId;
use hauki_contract::model::name::ServiceName;
use hauki_contract::model::receipt::Receipt;

/// How a key stands under which nothing can be read.
#[derive(Debug)]
pub(crate) struct Damage {
    key: String,
    here: Expect,
    aside: Expect,
}

impl Damage {
    /// Goes ahead if nobody has done anything about it since.
    fn still(&self) -> Txn {
        Txn::when(self.key.as_str(), self.here).check(aside_key(&self.key), self.aside)
    }

    /// Nothing of it is kept.
    fn cleared(&self) -> Txn {
        self.still().delete(aside_key(&self.key))
    }
}

fn seen(found: Option<Document>) -> Expect {
    found.map_or(Expect::Absent, |found| Expect::At(found.revision))
}

/// There is no tombstone, not even a damaged one.
fn lives(vault: &VaultId) -> Txn {
    let tomb = tomb_key(vault);
    Txn::when(aside_key(&tomb), Expect::Absent).check(tomb, Expect::Absent)
}

impl Records {
    /// `None`: there is something to be read, by now.
    async fn damage<T: DeserializeOwned>(&self, key: &str) -> Result<Option<Damage>, LedgerError> {
        if self.find::<T>(key).await?.is_some() {
            return Ok(None);
        }
        // What could be moved is aside by now. Seen before the last look, so that what somebody writes meanwhile is another.
        let here = seen(self.store().get(key).await?);
        let aside = seen(self.store().get(&aside_key(key)).await?);
        Ok(match self.find::<T>(key).await? {
            Some(_) => None,
            None => Some(Damage { key: key.to_owned(), here, aside }),
        })
    }
}

impl Ledger {
    /// Writes down anew what was damaged: a vault in the phase that its node says, and that it has its name, unless that is
    /// another's. The damaged record stays aside until the vault's end. `false`: there is a record, or it has ended.
    pub(crate) async fn record_again(&self, mut vault: Vault, boot_id: &str) -> Result<bool, LedgerError> {
        let (key, phase) = (vault_key(&vault.id), vault.phase);
        loop {
            let Some(damage) = self.records.damage::<VaultRecord>(&key).await? else {
                self.records.aside().is_again(&key);
                return Ok(false);
            };
            if self.records.is_there(&tomb_key(&vault.id)).await? {
                return self.forget_vault(&vault.id).await.map(|()| false);
            }
            let mut txn = damage.still().and(lives(&vault.id));
            let mut mended = None;
            if let Some(name) = vault.name.clone() {
                let key = name_key(&name);
                match self.records.find::<Service>(&key).await? {
                    Some(found) if found.value.vault == vault.id => txn = txn.and(found.still()),
                    // It was another's before the record was damaged, or is by now.
                    Some(found) => {
                        vault.name = None;
                        txn = txn.and(found.still());
                    }
                    None => {
                        let Some(damage) = self.records.damage::<Service>(&key).await? else { continue };
                        txn = txn.and(damage.cleared().put(key.as_str(), encode(&holds(&name, &vault))?));
                        mended = Some(key);
                    }
                }
            }
            let record = VaultRecord::again(vault.clone(), boot_id, phase)?;
            let txn = txn.put(key.as_str(), encode(&record)?);
            if let CommitOutcome::Committed { .. } = self.records.mend(txn).await? {
                self.records.aside().is_again(&key);
                self.records.forget_aside(mended.as_slice());
                return Ok(true);
            }
        }
    }

    /// As [`Ledger::bury`], where its record is damaged: there is none in between.
    pub(crate) async fn bury_damaged(
        &self,
        vault: Vault,
        receipt: &mut Receipt,
    ) -> Result<Burial, LedgerError> {
        let (key, phase) = (vault_key(&vault.id), vault.phase);
        loop {
            let Some(damage) = self.records.damage::<VaultRecord>(&key).await? else {
                return Ok(Burial::Unknown);
            };
            if self.records.is_there(&tomb_key(&vault.id)).await? {
                return self.forget_vault(&vault.id).await.map(|()| Burial::Unknown);
            }
            let mut vault = vault.clone();
            let mut txn = damage.still().and(lives(&vault.id)).delete(key.as_str());
            if let Some(name) = vault.name.clone() {
                let found = self.records.find::<Service>(&name_key(&name)).await?;
                match found {
                    Some(found) if found.value.vault == vault.id => txn = txn.and(found.still()),
                    // Nobody has it, or another.
                    Some(_) | None => vault.name = None,
                }
            }
            let mut record = VaultRecord::again(vault, "", phase)?;
            record.died(receipt)?;
            let txn = buried(txn, &record)?;
            if let CommitOutcome::Committed { .. } = self.records.mend(txn).await? {
                self.records.forget_aside(&[key]);
                return Ok(Burial::Written(Box::new(record.into_vault())));
            }
        }
    }

    /// There is a tombstone, or nobody by whose name one could be written: what was damaged says nothing more.
    pub(crate) async fn forget_vault(&self, id: &VaultId) -> Result<(), LedgerError> {
        let key = vault_key(id);
        while let Some(damage) = self.records.damage::<VaultRecord>(&key).await? {
            let txn = damage.cleared().delete(key.as_str());
            if let CommitOutcome::Committed { .. } = self.records.mend(txn).await? {
                self.records.forget_aside(std::slice::from_ref(&key));
                break;
            }
        }
        Ok(())
    }

    /// `None`: it can be read, by now.
    pub(crate) async fn damaged_name(&self, name: &ServiceName) -> Result<Option<Damage>, LedgerError> {
        let key = name_key(name);
        let damage = self.records.damage::<Service>(&key).await?;
        if damage.is_none() {
            self.records.aside().is_again(&key);
        }
        Ok(damage)
    }

    /// This vault has it, if it is as it was seen: the name, and the vault that says so.
    pub(crate) async fn name_again(
        &self,
        name: &ServiceName,
        damage: Damage,
        holder: &Versioned<VaultRecord>,
    ) -> Result<(), LedgerError> {
        let service = encode(&holds(name, holder.value.vault()))?;
        self.settle(damage.cleared().and(holder.still()).put(damage.key.as_str(), service), damage).await
    }

    /// Nobody has it, as far as anything that can be read knows.
    pub(crate) async fn free_name(&self, damage: Damage) -> Result<(), LedgerError> {
        self.settle(damage.cleared().delete(damage.key.as_str()), damage).await
    }

    /// On a conflict it is looked at in the next round.
    async fn settle(&self, txn: Txn, damage: Damage) -> Result<(), LedgerError> {
        if let CommitOutcome::Committed { .. } = self.records.mend(txn).await? {
            self.records.forget_aside(&[damage.key]);
        }
        Ok(())
    }
}
