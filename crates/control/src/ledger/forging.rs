//! Provisioning intents: who is being forged.
//!
//! A vault that is being made has a document from before the order to its node goes out until its record is
//! committed, and the same transaction takes the one away and writes the other. So at any moment a vault on a node is
//! recorded, or is noted by a core whose term goes on, or is nobody's: left by a core that was killed. Whoever ends
//! one of those takes the note away first, and who makes it then finds that at his commit and records no dead vault.
//!
//! The document is ephemeral ([`EPHEMERAL`](crate::store::EPHEMERAL)): all who look see it before there can be a vault,
//! and what takes it back has ended its core, whose vault is then nobody's, as it must be. No start waits for a second
//! flush, nor writes into the file before the order goes out, but for one that may clone: its budget is noted there
//! ([`Store::note`](crate::store::Store::note)).

use serde::{Deserialize, Serialize};

use super::Ledger;
use super::documents::{FORGING, MEMBERSHIP, budget_key, forging_key, tomb_key, vault_key};
use super::error::LedgerError;
use super::family::Budget;
use super::record::{Versioned, encode};
use crate::store::{CommitOutcome, Expect, Revision, Txn};
use hauki_contract::model::id::{NodeName, VaultId};
use hauki_contract::model::receipt::Receipt;

/// A vault that was ordered and is not recorded yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Forging {
    /// Of the core that makes it.
    term: String,
    pub node: NodeName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<u32>,
    /// Its death, if that came first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    died: Option<Receipt>,
}

/// That it is noted, in the hands of who makes it.
#[derive(Debug)]
pub(crate) struct Noted {
    pub(super) vault: VaultId,
    pub(super) revision: Revision,
}

impl Ledger {
    /// Before the order goes out, with the budget of a vault that may clone: its `create` may do so already. `None`: the
    /// membership by which the node was chosen is not that of this number any more.
    pub(crate) async fn forging(
        &self,
        vault: &VaultId,
        node: &NodeName,
        owner: Option<u32>,
        budget: Option<&Budget>,
        membership: Expect,
    ) -> Result<Option<Noted>, LedgerError> {
        let forging = Forging { term: self.term.to_string(), node: node.clone(), owner, died: None };
        let mut txn = Txn::when(MEMBERSHIP, membership).put(forging_key(vault), encode(&forging)?);
        if let Some(budget) = budget {
            txn = txn.put(budget_key(vault), encode(budget)?);
        }
        match self.records.note(txn).await? {
            CommitOutcome::Committed { revision } => Ok(Some(Noted { vault: vault.clone(), revision })),
            CommitOutcome::Conflict { .. } => Ok(None),
        }
    }

    /// It did not come to be, nor will it. Only one that may clone has something in the file.
    pub(crate) async fn give_up(&self, vault: &VaultId, may_clone: bool) -> Result<(), LedgerError> {
        let txn = Txn::in_any_case("nobody else makes a vault of this id").delete(forging_key(vault));
        let txn = txn.delete_each(may_clone.then(|| budget_key(vault)));
        self.records.note(txn).await.map(drop)
    }

    /// The note of a vault that is being made, as far as it can be read.
    pub(crate) async fn noted(&self, vault: &VaultId) -> Result<Option<Forging>, LedgerError> {
        Ok(self.records.find(&forging_key(vault)).await?.map(|found| found.value))
    }

    /// Whether a core is at it. A vault is recorded in the moment in which it is no longer noted, so whoever asks
    /// this first and for its record then misses nothing.
    pub(crate) async fn is_forged(&self, vault: &VaultId) -> Result<bool, LedgerError> {
        match self.noted(vault).await? {
            Some(forging) => self.works(&forging.term).await,
            None => Ok(false),
        }
    }

    /// Whether one is being made there.
    pub(crate) async fn is_forging_on(&self, node: &NodeName) -> Result<bool, LedgerError> {
        for found in self.records.all_that(FORGING, |forging: &Forging| forging.node == *node).await? {
            if self.works(&found.value.term).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// How many are being made.
    pub(crate) async fn count_forging(&self) -> Result<usize, LedgerError> {
        let mut count = 0;
        for found in self.records.all::<Forging>(FORGING).await? {
            count += usize::from(self.works(&found.value.term).await?);
        }
        Ok(count)
    }

    /// Takes the notes of a core that was killed away, of vaults that are on this node or on none of `nodes`.
    pub(crate) async fn clear_notes(
        &self,
        node: &NodeName,
        is_known: impl Fn(&NodeName) -> bool,
    ) -> Result<(), LedgerError> {
        for found in self.records.all::<Forging>(FORGING).await? {
            let Ok(vault) = found.key[FORGING.len()..].parse() else { continue };
            let there = found.value.node == *node || !is_known(&found.value.node);
            if there && !self.works(&found.value.term).await? {
                self.condemn(&vault).await?;
            }
        }
        Ok(())
    }

    /// Whether the vault is nobody's, and from now on will be: it is not recorded, and who was making it was killed.
    pub(crate) async fn condemn(&self, vault: &VaultId) -> Result<bool, LedgerError> {
        loop {
            let found: Option<Versioned<Forging>> = self.records.find(&forging_key(vault)).await?;
            if let Some(found) = &found
                && self.works(&found.value.term).await?
            {
                return Ok(false);
            }
            // One whose record is damaged was recorded.
            let (living, dead) = (vault_key(vault), tomb_key(vault));
            if self.records.is_there(&living).await? || self.records.is_there(&dead).await? {
                return Ok(false);
            }
            let Some(found) = found else {
                // Who ends it asks first whether its record may be among what is damaged.
                self.records.look_aside().await?;
                return Ok(true);
            };
            let txn = found.gone().check(living, Expect::Absent).check(dead, Expect::Absent);
            if let CommitOutcome::Committed { .. } = self.records.note(txn.delete(budget_key(vault))).await? {
                return Ok(true);
            }
        }
    }

    /// Leaves the receipt of one that is not recorded yet with its note. `false`: it is not noted, or not there.
    pub(crate) async fn died_early(&self, receipt: &Receipt) -> Result<bool, LedgerError> {
        let key = forging_key(&receipt.vault);
        while let Some(mut found) = self.records.find::<Forging>(&key).await? {
            if found.value.node != receipt.node {
                return Ok(false);
            }
            found.value.died.get_or_insert_with(|| receipt.clone());
            if let CommitOutcome::Committed { .. } = self.records.note(found.anew()?).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The note as it stands, for who makes it: it may have died meanwhile. `None`: it was taken for nobody's.
    pub(super) async fn noted_still(&self, noted: &mut Noted) -> Result<Option<Receipt>, LedgerError> {
        let found: Option<Versioned<Forging>> = self.records.find(&forging_key(&noted.vault)).await?;
        let Some(found) = found.filter(|found| *found.value.term == *self.term) else {
            return Err(LedgerError::GivenUp { vault: noted.vault.clone() });
        };
        noted.revision = found.revision;
        Ok(found.value.died)
    }
}
