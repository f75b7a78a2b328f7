//! Families: who may have children made, how many, and that none outlives its parent.
//!
//! A vault that may clone has a document under `budget/` from before its order goes out (`create` may
//! clone already) until its tombstone is written. So the document is at once the budget, the proof that
//! the parent lives, and the way up to those above, who pay for every descendant. A budget is spent and
//! not lent: what was made counts, also when it is dead. What was not made after all is paid back, by a
//! document under `loan/` that stands from the payment until the child is recorded: a core that crashes
//! in between leaves it to the next.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::record::{BUDGET, LOAN, VAULT, VaultRecord, budget_key, encode};
use super::service::Core;
use super::store::{Expect, Outcome, Txn};
use super::summon::Drafted;
use crate::nodes::Slot;
use hauki_contract::api::clone::{CloneAnswer, CloneAsk};
use hauki_contract::api::node::NodeApi;
use hauki_contract::api::summons::Spawned;
use hauki_contract::api::{ApiError, ErrorCode};
use hauki_contract::model::death::Cause;
use hauki_contract::model::gem::Wishes;
use hauki_contract::model::id::{NodeName, VaultId};
use hauki_contract::model::limits::Limits;

/// How many generations a family has.
const MAX_DEPTH: usize = 8;

/// For how long the gate of a parent may be silent: a closed connection is seen at once, so this is for
/// a cut network only.
const LINK_SILENCE_MS: u64 = 5_000;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Budget {
    pub(super) node: NodeName,
    pub(super) parent: Option<VaultId>,
    /// Whose it is, and its children with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) owner: Option<u32>,
    /// What a child may have at most; `spawn` is how many there may be.
    pub(super) limits: Limits,
    spent: u32,
}

/// Who paid for a child that is not recorded yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Loan {
    paid: Vec<VaultId>,
}

/// Under whom a vault is made.
#[derive(Debug, Clone)]
pub(super) struct Parent {
    id: VaultId,
    limits: Limits,
}

impl Parent {
    pub(super) fn id(&self) -> &VaultId {
        &self.id
    }

    /// A child has what its parent has, unless it wishes for less.
    pub(super) fn wishes(&self) -> Wishes {
        Wishes {
            memory_bytes: Some(self.limits.memory_bytes),
            cpu_percent: Some(self.limits.cpu_percent),
            call_deadline_ms: Some(self.limits.call_deadline_ms),
            max_frame_bytes: Some(self.limits.max_frame_bytes),
            ..Wishes::default()
        }
    }

    /// Binds what was drafted to the parent, or says what it wants too much of.
    pub(super) fn adopt(&self, drafted: &mut Drafted) -> Result<(), ApiError> {
        let (own, most) = (&drafted.summons.limits, &self.limits);
        let over = [
            ("memory", own.memory_bytes > most.memory_bytes),
            ("cpu", own.cpu_percent > most.cpu_percent),
            ("deadline", own.call_deadline_ms > most.call_deadline_ms),
            ("max_frame", own.max_frame_bytes > most.max_frame_bytes),
            ("spawn", own.spawn >= most.spawn && own.spawn > 0),
        ];
        if let Some((what, _)) = over.into_iter().find(|(_, over)| *over) {
            let message = format!("a clone cannot have more {what} than the worker that clones it");
            return Err(ApiError::new(ErrorCode::Quota, message));
        }
        drafted.summons.parent = Some(self.id.clone());
        drafted.summons.terms.link_silence_ms = LINK_SILENCE_MS;
        Ok(())
    }
}

impl Core {
    /// Before the order goes out.
    pub(super) async fn grant(
        &self,
        vault: &VaultId,
        node: &NodeName,
        drafted: &Drafted,
    ) -> Result<(), ApiError> {
        let summons = &drafted.summons;
        if summons.limits.spawn == 0 {
            return Ok(());
        }
        let (node, parent, limits) = (node.clone(), summons.parent.clone(), summons.limits.clone());
        let budget = Budget { node, parent, owner: summons.owner, limits, spent: 0 };
        match self.records.commit(Txn::default().put(budget_key(vault), encode(&budget)?)).await? {
            Outcome::Committed { .. } => Ok(()),
            Outcome::Conflict { key } => {
                Err(ApiError::new(ErrorCode::Internal, format!("{key} was checked and nobody asked")))
            }
        }
    }

    /// The vault did not come to be.
    pub(super) async fn revoke(&self, vault: &VaultId) {
        if let Err(error) = self.records.commit(Txn::default().delete(budget_key(vault))).await {
            tracing::warn!(%vault, %error, "a budget is left to the next start");
        }
    }

    /// Takes one from the budget of the parent and of everybody above it, at once or not at all. The
    /// loan under `loan` says so until the child is recorded, or until it is given back.
    pub(super) async fn spend(&self, parent: &VaultId, loan: &str) -> Result<(), ApiError> {
        loop {
            if self.records.is_there(loan).await? {
                // Paid before, by one who could not give it back.
                return Ok(());
            }
            let (mut txn, mut next, mut paid) = (Txn::default(), Some(parent.clone()), Vec::new());
            while let Some(id) = next {
                if paid.len() == MAX_DEPTH {
                    let message = format!("a family has {MAX_DEPTH} generations at most");
                    return Err(ApiError::new(ErrorCode::Quota, message));
                }
                let key = budget_key(&id);
                let found = self.records.get::<Budget>(&key).await?;
                let Some(mut found) = found else { return Err(no_parent(&id)) };
                let budget = &mut found.value;
                if budget.spent >= budget.limits.spawn {
                    let message = format!(
                        "the spawn budget of {id} is spent: {} of {}",
                        budget.spent, budget.limits.spawn
                    );
                    return Err(
                        ApiError::new(ErrorCode::Quota, message).hint("it is given at summon: --spawn N")
                    );
                }
                budget.spent += 1;
                next = budget.parent.clone();
                paid.push(id);
                txn = txn
                    .check(key.as_str(), Expect::At(found.revision))
                    .put(key.as_str(), encode(&found.value)?);
            }
            let txn = txn.check(loan, Expect::Absent).put(loan, encode(&Loan { paid })?);
            if let Outcome::Committed { .. } = self.records.commit(txn).await? {
                return Ok(());
            }
        }
    }

    /// Nothing was made of it. If it was, the loan went with the record of the child.
    pub(super) async fn give_back(&self, loan: &str) {
        if let Err(error) = self.repay(loan).await {
            tracing::warn!(%loan, %error, "a budget is spent until the next comparison");
        }
    }

    async fn repay(&self, loan: &str) -> Result<(), ApiError> {
        while let Some(found) = self.records.find::<Loan>(loan).await? {
            let mut txn = Txn::default().check(loan, Expect::At(found.revision)).delete(loan);
            for id in &found.value.paid {
                let key = budget_key(id);
                // Of the dead nobody has a budget.
                let Some(mut found) = self.records.find::<Budget>(&key).await? else { continue };
                found.value.spent = found.value.spent.saturating_sub(1);
                txn = txn
                    .check(key.as_str(), Expect::At(found.revision))
                    .put(key.as_str(), encode(&found.value)?);
            }
            if let Outcome::Committed { .. } = self.records.commit(txn).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// What a core spent that was killed before it had recorded the child.
    async fn repay_the_crashed(&self) -> Result<(), ApiError> {
        for found in self.records.all::<Loan>(LOAN).await? {
            // Looked for in this order: who is in flight began before the loan, and ends after it.
            if !self.flights.is_busy(&found.key[LOAN.len()..]) {
                self.repay(&found.key).await?;
            }
        }
        Ok(())
    }

    /// A worker on this node wants to clone. Answers the node when it is done, one way or the other.
    pub(super) fn take_clone(self: &Arc<Self>, slot: &Arc<Slot>, ask: CloneAsk) {
        let Ok(place) = slot.clones.clone().try_acquire_owned() else {
            return slot.api.distrust("more of its workers want to clone than it can have");
        };
        let (core, slot) = (self.clone(), slot.clone());
        tokio::spawn(async move {
            let _place = place;
            let made = core.clone_for(&slot, &ask).await;
            let CloneAsk { vault, number, .. } = ask;
            let (spawned, error) = match made {
                Ok(spawned) => (Some(spawned), None),
                Err(error) => (None, Some(error)),
            };
            let ticket = spawned.as_ref().map(|spawned| spawned.ticket.clone());
            let told = slot.api.cloned(CloneAnswer { vault: vault.clone(), number, ticket, error }).await;
            let Some(child) = spawned.filter(|spawned| spawned.changed).map(|spawned| spawned.vault) else {
                return;
            };
            // The parent died meanwhile, or gave up: nobody will ever hold this one.
            let alone = !core.records.is_there(&budget_key(&vault)).await.unwrap_or(false);
            let cause = if alone { Cause::ParentDied } else { Cause::Cancelled };
            if (alone || told.is_err())
                && let Err(error) = core.end(&child, cause, Some(vault.to_string()), 0).await
            {
                tracing::warn!(vault = %child.id, %error, "left to its claim lease");
            }
        });
    }

    async fn clone_for(self: &Arc<Self>, slot: &Slot, ask: &CloneAsk) -> Result<Spawned, ApiError> {
        let found = self.records.get::<Budget>(&budget_key(&ask.vault)).await?;
        let budget = found.ok_or_else(|| no_parent(&ask.vault))?.value;
        if budget.node != slot.name {
            return Err(no_parent(&ask.vault));
        }
        let parent = Parent { id: ask.vault.clone(), limits: budget.limits };
        self.spawn_under(ask.request()?, Some(parent), (budget.owner, budget.owner)).await
    }

    /// Ends every vault whose parent is gone, and forgets the budgets of those that never came to be.
    /// Called after each death of a parent, and whenever a node is compared anew.
    pub(super) async fn end_orphaned(&self) -> Result<(), ApiError> {
        let living = self.records.all::<VaultRecord>(VAULT).await?;
        for VaultRecord { vault, .. } in living.into_iter().map(|found| found.value) {
            let Some(parent) = &vault.parent else { continue };
            if self.records.is_there(&budget_key(parent)).await? {
                continue;
            }
            if let Err(error) = self.end(&vault, Cause::ParentDied, Some(parent.to_string()), 0).await {
                tracing::warn!(vault = %vault.id, %error, "its parent is dead and it cannot be ended now");
            }
        }
        for found in self.records.all::<Budget>(BUDGET).await? {
            let Ok(id) = found.key[BUDGET.len()..].parse::<VaultId>() else { continue };
            // Looked for in this order: a vault is recorded before it leaves the list of those being forged.
            let forging = self.forging().contains_key(&id);
            if !forging && !self.records.is_there(&super::record::vault_key(&id)).await? {
                self.revoke(&id).await;
            }
        }
        self.repay_the_crashed().await
    }
}

fn no_parent(id: &VaultId) -> ApiError {
    ApiError::new(ErrorCode::Denied, format!("{id} is not a living worker that may clone"))
}
