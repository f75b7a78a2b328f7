//! Budget accounting of families: spent and paid back.
//!
//! A vault that may clone has a document under `budget/` from before its order goes out until its tombstone is
//! written: at once the budget, the proof that it lives, and the way up to those above, who pay for every descendant.
//! What was not made after all is paid back, by a document under `loan/` that stands from the payment until the child
//! is recorded.

use serde::{Deserialize, Serialize};

use super::Ledger;
use super::documents::{BUDGET, LOAN, budget_key, forging_key, vault_key};
use super::error::LedgerError;
use super::record::{Versioned, encode};
use crate::store::{CommitOutcome, Expect, Txn};
use hauki_contract::model::id::{NodeName, VaultId};
use hauki_contract::model::limits::Limits;

/// How many generations a family has.
pub(super) const MAX_DEPTH: usize = 8;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Budget {
    pub node: NodeName,
    pub parent: Option<VaultId>,
    /// Whose it is, and its children with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<u32>,
    /// What a child may have at most; `spawn` is how many there may be.
    pub limits: Limits,
    spent: u32,
}

impl Budget {
    pub(crate) fn new(node: NodeName, parent: Option<VaultId>, owner: Option<u32>, limits: Limits) -> Self {
        Self { node, parent, owner, limits, spent: 0 }
    }

    /// One child more.
    fn spend(&mut self, id: &VaultId) -> Result<(), LedgerError> {
        if self.spent >= self.limits.spawn {
            let (vault, spent, most) = (id.clone(), self.spent, self.limits.spawn);
            return Err(LedgerError::Spent { vault, spent, most });
        }
        self.spent += 1;
        Ok(())
    }
}

/// Who paid for a child that is not recorded yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Loan {
    paid: Vec<VaultId>,
    /// Of the core that makes the child. Earlier versions, of which there was one at a time, did not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    term: Option<String>,
}

impl Ledger {
    /// Its vault neither lives nor is being made. Whoever only looks may see the one half of what was written and not yet
    /// the other, so the transaction asks again.
    pub(crate) async fn revoke(&self, vault: &VaultId) -> Result<(), LedgerError> {
        let nobody =
            Txn::default().check(vault_key(vault), Expect::Absent).check(forging_key(vault), Expect::Absent);
        self.records.write(nobody.delete(budget_key(vault))).await.map(drop)
    }

    /// Takes one from the budget of the parent and of everybody above it, at once or not at all. The
    /// loan under `loan` says so until the child is recorded, or until it is paid back.
    pub(crate) async fn spend(&self, parent: &VaultId, loan: &str) -> Result<(), LedgerError> {
        loop {
            if self.records.is_there(loan).await? {
                // Paid before, by one who could not give it back.
                return Ok(());
            }
            let (mut txn, mut next, mut paid) = (Txn::default(), Some(parent.clone()), Vec::new());
            while let Some(id) = next {
                if paid.len() == MAX_DEPTH {
                    return Err(LedgerError::TooDeep);
                }
                let key = budget_key(&id);
                let Some(mut found) = self.records.get::<Budget>(&key).await? else {
                    return Err(LedgerError::NoParent { vault: id });
                };
                found.value.spend(&id)?;
                next = found.value.parent.clone();
                paid.push(id);
                let expect = Expect::At(found.revision);
                txn = txn.check(key.as_str(), expect).put(key.as_str(), encode(&found.value)?);
            }
            let txn = txn
                .check(loan, Expect::Absent)
                .put(loan, encode(&Loan { paid, term: Some(self.term.to_string()) })?);
            if let CommitOutcome::Committed { .. } = self.records.write(txn).await? {
                return Ok(());
            }
        }
    }

    /// Nothing was made of it. If it was, the loan went with the record of the child.
    pub(crate) async fn repay(&self, loan: &str) -> Result<(), LedgerError> {
        while let Some(found) = self.records.find::<Loan>(loan).await? {
            let mut txn = found.gone();
            for id in &found.value.paid {
                let key = budget_key(id);
                // Of the dead nobody has a budget.
                let Some(mut found) = self.records.find::<Budget>(&key).await? else { continue };
                found.value.spent = found.value.spent.saturating_sub(1);
                let expect = Expect::At(found.revision);
                txn = txn.check(key.as_str(), expect).put(key.as_str(), encode(&found.value)?);
            }
            if let CommitOutcome::Committed { .. } = self.records.write(txn).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Every budget, with the vault that has it.
    pub(crate) async fn budgets(&self) -> Result<Vec<(VaultId, Budget)>, LedgerError> {
        let all: Vec<Versioned<Budget>> = self.records.all(BUDGET).await?;
        let of = |found: Versioned<Budget>| Some((found.key[BUDGET.len()..].parse().ok()?, found.value));
        Ok(all.into_iter().filter_map(of).collect())
    }

    /// The keys of the loans that this core has to look after: its own, and those of cores that were killed.
    pub(crate) async fn loans(&self) -> Result<Vec<String>, LedgerError> {
        let mut own = Vec::new();
        for found in self.records.all::<Loan>(LOAN).await? {
            let others = match &found.value.term {
                Some(term) => *term != *self.term && self.works(term).await?,
                None => false,
            };
            own.extend((!others).then_some(found.key));
        }
        Ok(own)
    }
}
