//! Families: who may have children made, how many, and that none outlives its parent.
//!
//! What a family may still have is in the ledger (`ledger::family`); here is who asks for it, and what is done when a
//! parent has died. A core that crashes between a payment and the record of the child leaves it to the next.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use super::ledger::{Budget, LOAN, VAULT, VaultRecord, budget_key, no_parent, vault_key};
use super::service::Core;
use super::summon::Drafted;
use crate::nodes::Slot;
use hauki_contract::api::clone::{CloneAnswer, CloneAsk};
use hauki_contract::api::node::NodeApi;
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::api::summons::Spawned;
use hauki_contract::api::{ApiError, ErrorCode};
use hauki_contract::model::death::Cause;
use hauki_contract::model::gem::Wishes;
use hauki_contract::model::id::VaultId;
use hauki_contract::model::limits::Limits;
use hauki_contract::system::clock;
use hauki_contract::system::tasks::{self, Kind};

/// For how long the gate of a parent may be silent: a closed connection is seen at once, so this is for
/// a cut network only.
const LINK_SILENCE_MS: u64 = 5_000;

/// Of one node at the same time; what is beyond ends with its caller's deadline.
const MOST_CLONES: usize = 1024;
const LISTEN_MS: u64 = 10_000;
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MOST: Duration = Duration::from_secs(5);

/// A wish that is being fulfilled.
struct Taken<'a> {
    slot: &'a Slot,
    wish: (VaultId, u64),
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.slot.wishes().remove(&self.wish);
    }
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
    /// The vault did not come to be.
    pub(super) async fn revoke(&self, vault: &VaultId) {
        if let Err(error) = self.ledger.revoke(vault).await {
            tracing::warn!(%vault, %error, "a budget is left to the next start");
        }
    }

    /// Nothing was made of it. If it was, the loan went with the record of the child.
    pub(super) async fn give_back(&self, loan: &str) {
        if let Err(error) = self.ledger.repay(loan).await {
            tracing::warn!(%loan, %error, "a budget is spent until the next comparison");
        }
    }

    /// What a core spent that was killed before it had recorded the child.
    async fn repay_the_crashed(&self) -> Result<(), ApiError> {
        for loan in self.ledger.loans().await? {
            // Looked for in this order: who is in flight began before the loan, and ends after it.
            if !self.flights.is_busy(&loan[LOAN.len()..]) {
                self.ledger.repay(&loan).await?;
            }
        }
        Ok(())
    }

    /// Takes what a node's workers wish for, for as long as this is polled.
    pub(super) async fn listen(self: &Arc<Self>, slot: &Arc<Slot>) -> Infallible {
        let (mut boot_id, mut last, mut pause) = (String::new(), 0, PAUSE);
        loop {
            let asked = clock::mono();
            match slot.api.asks(last, LISTEN_MS).await {
                Ok(heard) if heard.boot_id != boot_id && last > 0 => (boot_id, last) = (heard.boot_id, 0),
                Ok(heard) => {
                    if heard.last <= last && clock::mono().since(asked) < LISTEN_MS * 1000 / 2 {
                        // It was to wait until there is something. Who does not must not keep us busy.
                        tokio::time::sleep(PAUSE).await;
                    }
                    (boot_id, last, pause) = (heard.boot_id, last.max(heard.last), PAUSE);
                    heard.asks.into_iter().for_each(|ask| self.take_clone(slot, ask));
                }
                // It is of an older version and tells them with its news.
                Err(NodeError { fault: NodeFault::NotAsked, .. }) => std::future::pending().await,
                // That it fell silent, or whatever it is, is noticed where its news are followed.
                Err(_) => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MOST);
                }
            }
        }
    }

    /// A worker on this node wants to clone. Answers the node when it is done, one way or the other. A wish that is
    /// told again meanwhile is the same.
    pub(super) fn take_clone(self: &Arc<Self>, slot: &Arc<Slot>, ask: CloneAsk) {
        let wish = (ask.vault.clone(), ask.number);
        let mut wishes = slot.wishes();
        if wishes.contains(&wish) {
            return;
        }
        if wishes.len() == MOST_CLONES {
            return slot.api.distrust("more of its workers want to clone than it can have");
        }
        wishes.insert(wish.clone());
        drop(wishes);
        let (core, slot) = (self.clone(), slot.clone());
        let cloning = async move {
            let _taken = Taken { slot: &slot, wish };
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
        };
        drop(tasks::spawn(Kind::Order, "clone", cloning));
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
        for vault in living.into_iter().map(|found| found.value.into_vault()) {
            let Some(parent) = &vault.parent else { continue };
            if self.records.is_there(&budget_key(parent)).await? {
                continue;
            }
            if let Err(error) = self.end(&vault, Cause::ParentDied, Some(parent.to_string()), 0).await {
                tracing::warn!(vault = %vault.id, %error, "its parent is dead and it cannot be ended now");
            }
        }
        for (id, _) in self.ledger.budgets().await? {
            // Looked for in this order: a vault is recorded in the moment in which it is no longer being forged.
            if !self.ledger.is_forged(&id).await? && !self.records.is_there(&vault_key(&id)).await? {
                self.revoke(&id).await;
            }
        }
        self.repay_the_crashed().await
    }
}
