//! Secrets management: what users' workers send along and never see, sealed in the store; each user's own.
//!
//! A value comes in once, and leaves this file in one way only: with the order of a vault whose limits name it, for its
//! node. Whose a vault is says whose secrets are meant, so a name never means another user's. What is listed is names.
//! Nobody is an administrator here: root has secrets of its own, and no others.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::data_key::{self, DataKeyError, DataKeys, SealedValue};
use super::dependencies::Dependencies;
use super::failure::{Failure, SecretError};
use super::ledger::{Records, SECRET, Versioned, encode};
use super::store::{CommitOutcome, Expect, Txn};
use hauki_contract::api::secret::{SecretInfo, SecretList, SecretPut, SecretRemoved};
use hauki_contract::model::secret_use::{GrantedSecret, SecretName, SecretUse, check_value};
use hauki_contract::system::{clock, tasks};

/// Of one user.
const MOST: usize = 256;

/// As it is written down.
#[derive(Debug, Serialize, Deserialize)]
struct SecretRecord {
    owner: u32,
    name: SecretName,
    set_at: Timestamp,
    value: SealedValue,
}

impl SecretRecord {
    fn told(self, changed: bool) -> SecretInfo {
        SecretInfo { name: self.name, set_at: self.set_at, key_version: self.value.key_version, changed }
    }
}

pub(super) struct UserSecrets {
    records: Records,
    data_key: PathBuf,
    /// One change at a time, so that what is counted is so.
    turn: Mutex<()>,
}

fn all_of(owner: u32) -> String {
    format!("{SECRET}{owner}/")
}

fn key(owner: u32, name: &SecretName) -> String {
    format!("{SECRET}{owner}/{name}")
}

/// What a sealed value is bound to.
fn bound(owner: u32, name: &SecretName) -> String {
    format!("{owner}/{name}")
}

impl UserSecrets {
    pub(super) fn new(basis: &Dependencies) -> Arc<Self> {
        let data_key = basis.home.join(data_key::FILE);
        Arc::new(Self { records: basis.records.clone(), data_key, turn: Mutex::default() })
    }

    pub(super) async fn set(&self, owner: Option<u32>, put: SecretPut) -> Result<SecretInfo, Failure> {
        let SecretPut { name, value } = put;
        let owner = owner.ok_or(SecretError::Nobodys)?;
        check_value(&value).map_err(|source| SecretError::Value { name: name.clone(), source })?;
        let _turn = self.turn.lock().await;
        let keys = self.sealing(&name).await?;
        loop {
            let own: Vec<Versioned<SecretRecord>> = self.records.all(&all_of(owner)).await?;
            let (key, known) = (key(owner, &name), own.iter().find(|found| found.value.name == name));
            if known.is_none() && own.len() >= MOST {
                return Err(SecretError::Many { most: MOST }.into());
            }
            // One that is damaged is written anew.
            let stands = self.records.documents(&key, None, 1).await?;
            let stands = stands.iter().find(|found| found.key == key);
            let seen = stands.map_or(Expect::Absent, |found| Expect::At(found.revision));
            let sealed = keys.seal(&value, &bound(owner, &name));
            let sealed = sealed.map_err(|error| unusable(&name, error))?;
            let record = SecretRecord { owner, name: name.clone(), set_at: clock::now(), value: sealed };
            let txn = Txn::when(key.as_str(), seen).put(key.as_str(), encode(&record)?);
            // Another core may have been faster: look again.
            if let CommitOutcome::Committed { .. } = self.records.commit(txn).await? {
                return Ok(record.told(true));
            }
        }
    }

    pub(super) async fn list(&self, owner: Option<u32>) -> Result<SecretList, Failure> {
        let owner = owner.ok_or(SecretError::Nobodys)?;
        let found: Vec<Versioned<SecretRecord>> = self.records.all(&all_of(owner)).await?;
        Ok(SecretList { secrets: found.into_iter().map(|found| found.value.told(false)).collect() })
    }

    pub(super) async fn remove(
        &self,
        owner: Option<u32>,
        name: SecretName,
    ) -> Result<SecretRemoved, Failure> {
        let owner = owner.ok_or(SecretError::Nobodys)?;
        let _turn = self.turn.lock().await;
        loop {
            // One that is damaged can be removed as well.
            let key = key(owner, &name);
            let stands = self.records.documents(&key, None, 1).await?;
            let Some(found) = stands.into_iter().find(|found| found.key == key) else {
                return Ok(SecretRemoved { name, changed: false });
            };
            let txn = Txn::when(key.as_str(), Expect::At(found.revision)).delete(key.as_str());
            if let CommitOutcome::Committed { .. } = self.records.commit(txn).await? {
                return Ok(SecretRemoved { name, changed: true });
            }
        }
    }

    /// Before a sandbox is spent on who could not use them.
    pub(super) async fn refuse_unknown(&self, owner: Option<u32>, uses: &[SecretUse]) -> Result<(), Failure> {
        for used in uses {
            self.find(owner, &used.name).await?;
        }
        Ok(())
    }

    /// With their values, for the order of a vault that uses them: each once, however often it is used.
    pub(super) async fn granted(
        &self,
        owner: Option<u32>,
        uses: &[SecretUse],
    ) -> Result<Vec<GrantedSecret>, Failure> {
        if uses.is_empty() {
            return Ok(Vec::new());
        }
        // Not whose the document says that it is.
        let user = owner.ok_or(SecretError::Nobodys)?;
        let mut granted: Vec<GrantedSecret> = Vec::new();
        let path = self.data_key.clone();
        let keys =
            tasks::block("data-key", move || DataKeys::read(&path)).await.map_err(SecretError::Lost)?;
        let keys = keys.map_err(|error| unusable(&uses[0].name, error))?;
        for SecretUse { name, .. } in uses {
            if granted.iter().any(|known| known.name == *name) {
                continue;
            }
            let found = self.find(owner, name).await?;
            let value = keys.open(&found.value, &bound(user, name));
            let value = value.map_err(|error| unusable(name, error))?;
            granted.push(GrantedSecret { name: name.clone(), value });
        }
        Ok(granted)
    }

    async fn find(&self, owner: Option<u32>, name: &SecretName) -> Result<SecretRecord, Failure> {
        let owner = owner.ok_or(SecretError::Nobodys)?;
        let found = self.records.get::<SecretRecord>(&key(owner, name)).await?;
        Ok(found.ok_or_else(|| SecretError::Unknown { name: name.clone() })?.value)
    }

    /// The keys, of which one can seal.
    async fn sealing(&self, name: &SecretName) -> Result<DataKeys, Failure> {
        let sealed: Vec<Versioned<SecretRecord>> = self.records.all(SECRET).await?;
        let last_used = sealed.iter().map(|found| found.value.value.key_version).max().unwrap_or(0);
        let path = self.data_key.clone();
        let keys = tasks::block("data-key", move || DataKeys::read_or_make(&path, last_used)).await;
        let keys = keys.map_err(SecretError::Lost)?;
        Ok(keys.map_err(|error| unusable(name, error))?)
    }
}

fn unusable(name: &SecretName, error: DataKeyError) -> SecretError {
    SecretError::Sealed { name: name.clone(), source: Box::new(error) }
}
