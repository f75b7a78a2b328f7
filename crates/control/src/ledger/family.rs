//! Budget accounting of families: spent and paid back.
//!
//! A vault that may clone has a document under `budget/` from before its order goes out until its tombstone is
//! written: at once the budget, the proof that it lives, and the way up to those above, who pay for every descendant.
//! What was not made after all is paid back, by a document under `loan/` that stands from the payment until the child
//! is recorded. It names its core's term, and is that core's alone as long as that goes on: whoever records the child or
//! pays back does it under the revision of the loan that he has, so a child is paid for once, whoever makes it.

use serde::{Deserialize, Serialize};

use super::Ledger;
use super::documents::{BUDGET, LOAN, budget_key, forging_key, loan_key, vault_key};
use super::error::LedgerError;
use super::record::{Versioned, encode};
use crate::store::{CommitOutcome, Expect, Revision, Txn};
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

/// A loan, in the hands of who has it.
#[derive(Debug)]
pub(crate) struct Paid {
    pub(super) loan: String,
    pub(super) revision: Revision,
}

impl Ledger {
    /// Its vault neither lives nor is being made. Whoever only looks may see the one half of what was written and not yet
    /// the other, so the transaction asks again.
    pub(crate) async fn revoke(&self, vault: &VaultId) -> Result<(), LedgerError> {
        let nobody = Txn::when(vault_key(vault), Expect::Absent).check(forging_key(vault), Expect::Absent);
        self.records.write(nobody.delete(budget_key(vault))).await.map(drop)
    }

    /// Takes one from the budget of the parent and of everybody above it, at once or not at all, for a child that is
    /// made under this key, as it was seen. The loan says so until the child is recorded, or until it is paid back.
    pub(crate) async fn spend(&self, parent: &VaultId, key: &str, seen: Expect) -> Result<Paid, LedgerError> {
        let loan = loan_key(key);
        loop {
            if let Some(found) = self.records.get::<Loan>(&loan).await? {
                match self.take_over(found).await? {
                    Some(paid) => return Ok(paid),
                    None => continue,
                }
            }
            let (mut txn, mut next, mut paid) = (Txn::when(key, seen), Some(parent.clone()), Vec::new());
            while let Some(id) = next {
                if paid.len() == MAX_DEPTH {
                    return Err(LedgerError::TooDeep);
                }
                let budget = budget_key(&id);
                let Some(mut found) = self.records.get::<Budget>(&budget).await? else {
                    return Err(LedgerError::NoParent { vault: id });
                };
                if let Err(spent) = found.value.spend(&id) {
                    // It may have gone for this very child.
                    self.refuse_used(key, seen).await?;
                    return Err(spent);
                }
                next = found.value.parent.clone();
                paid.push(id);
                let expect = Expect::At(found.revision);
                txn = txn.check(budget.as_str(), expect).put(budget.as_str(), encode(&found.value)?);
            }
            let made = Loan { paid, term: Some(self.term.to_string()) };
            let txn = txn.check(loan.as_str(), Expect::Absent).put(loan.as_str(), encode(&made)?);
            match self.records.write(txn).await? {
                CommitOutcome::Committed { revision } => return Ok(Paid { loan, revision }),
                CommitOutcome::Conflict { key: used } if used == key => return Err(elsewhere(key)),
                CommitOutcome::Conflict { .. } => {}
            }
        }
    }

    /// What was paid before, by one who could not give it back, or by a core that was killed. `None`: look again.
    async fn take_over(&self, mut found: Versioned<Loan>) -> Result<Option<Paid>, LedgerError> {
        let term = found.value.term.replace(self.term.to_string());
        if term == found.value.term {
            return Ok(Some(Paid { loan: found.key, revision: found.revision }));
        }
        if let Some(term) = term
            && self.works(&term).await?
        {
            return Err(elsewhere(&found.key));
        }
        match self.records.write(found.anew()?).await? {
            CommitOutcome::Committed { revision } => Ok(Some(Paid { loan: found.key, revision })),
            CommitOutcome::Conflict { .. } => Ok(None),
        }
    }

    async fn refuse_used(&self, key: &str, seen: Expect) -> Result<(), LedgerError> {
        let now = self.records.raw(key).await?.map_or(Expect::Absent, |found| Expect::At(found.revision));
        if now == seen { Ok(()) } else { Err(elsewhere(key)) }
    }

    /// Nothing was made of it. If it was, the loan went with the record of the child; nor is it paid back if it is another
    /// core's by now.
    pub(crate) async fn repay(&self, paid: &Paid) -> Result<(), LedgerError> {
        let is_it = |found: &Versioned<Loan>| found.revision == paid.revision;
        while let Some(found) = self.records.find::<Loan>(&paid.loan).await?.filter(is_it) {
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

    /// The loans that this core has to look after, with the keys of their children: its own, and those of cores that were
    /// killed.
    pub(crate) async fn loans(&self) -> Result<Vec<(String, Paid)>, LedgerError> {
        let mut own = Vec::new();
        for Versioned { key, value, revision } in self.records.all::<Loan>(LOAN).await? {
            let others = match &value.term {
                Some(term) => *term != *self.term && self.works(term).await?,
                None => false,
            };
            own.extend((!others).then(|| (key[LOAN.len()..].to_owned(), Paid { loan: key, revision })));
        }
        Ok(own)
    }
}

fn elsewhere(key: &str) -> LedgerError {
    LedgerError::Elsewhere { key: key.to_owned() }
}
