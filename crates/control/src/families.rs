//! Spawn quotas of families: who may have children made, how many, and that none outlives its parent.
//!
//! What a family may still have is in the ledger (`ledger::family`); here is who asks for it, and what is done when a
//! parent has died. A core that crashes between a payment and the record of the child leaves it to the next.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::dependencies::Dependencies;
use super::failure::Failure;
use super::ledger::{Budget, Ledger, LedgerError, Records, VAULT, VaultRecord, budget_key, vault_key};
use super::nodes::NodeSlot;
use super::parent::Parent;
use super::single_flight::SingleFlight;
use super::spawn::Spawning;
use super::teardown::Teardown;
use hauki_contract::api::clone::{CloneAnswer, CloneAsk};
use hauki_contract::api::node::NodeApi;
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::api::summons::Spawned;
use hauki_contract::model::death::Cause;
use hauki_contract::model::error_chain;
use hauki_contract::model::id::VaultId;
use hauki_contract::model::trace::TraceContext;
use hauki_contract::system::tasks::{self, TaskKind};
use hauki_contract::system::{clock, trace};

/// Of one node at the same time; what is beyond ends with its caller's deadline.
const MOST_CLONES: usize = 1024;
const LISTEN_MS: u64 = 10_000;
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MOST: Duration = Duration::from_secs(5);

/// A wish that is being fulfilled.
struct Taken<'a> {
    slot: &'a NodeSlot,
    wish: (VaultId, u64),
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.slot.wishes().remove(&self.wish);
    }
}

pub(super) struct Families {
    records: Records,
    ledger: Ledger,
    /// Who is in flight has not lost its loan.
    flights: Arc<SingleFlight>,
    life: Arc<Teardown>,
    spawning: Arc<Spawning>,
}

impl Families {
    pub(super) fn new(basis: &Dependencies, life: &Arc<Teardown>, spawning: &Arc<Spawning>) -> Arc<Self> {
        let Dependencies { records, ledger, flights, .. } = basis;
        let (records, ledger, flights) = (records.clone(), ledger.clone(), flights.clone());
        Arc::new(Self { records, ledger, flights, life: life.clone(), spawning: spawning.clone() })
    }

    /// The vault did not come to be.
    async fn revoke(&self, vault: &VaultId) {
        if let Err(error) = self.ledger.revoke(vault).await {
            tracing::warn!(%vault, error = error_chain::told(&error), "a budget is left to the next start");
        }
    }

    /// What a core spent that was killed before it had recorded the child.
    async fn repay_the_crashed(&self) -> Result<(), Failure> {
        for (key, paid) in self.ledger.loans().await? {
            // Looked for in this order: who is in flight began before the loan, and ends after it.
            if !self.flights.is_busy(&key) {
                self.ledger.repay(&paid).await?;
            }
        }
        Ok(())
    }

    /// Takes what a node's workers wish for, for as long as this is polled.
    pub(super) async fn listen(self: &Arc<Self>, slot: &Arc<NodeSlot>) -> Infallible {
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
    pub(super) fn take_clone(self: &Arc<Self>, slot: &Arc<NodeSlot>, ask: CloneAsk) {
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
        let (families, slot) = (self.clone(), slot.clone());
        let context = ask.traceparent.as_deref().and_then(TraceContext::read);
        let cloning = async move {
            let _taken = Taken { slot: &slot, wish };
            let made = families.clone_for(&slot, &ask).await;
            let CloneAsk { vault, number, .. } = ask;
            if made.as_ref().is_err_and(Failure::is_elsewhere) {
                // Another core makes it, and answers. If that one is killed, the caller's deadline is the end of it.
                return;
            }
            let (spawned, error) = match made {
                Ok(spawned) => (Some(spawned), None),
                Err(error) => (None, Some(error.into())),
            };
            let ticket = spawned.as_ref().map(|spawned| spawned.ticket.clone());
            let told = slot.api.cloned(CloneAnswer { vault: vault.clone(), number, ticket, error }).await;
            let Some(child) = spawned.filter(|spawned| spawned.changed).map(|spawned| spawned.vault) else {
                return;
            };
            // The parent died meanwhile, or gave up: nobody will ever hold this one.
            let alone = !families.records.is_there(&budget_key(&vault)).await.unwrap_or(false);
            let cause = if alone { Cause::ParentDied } else { Cause::Cancelled };
            let cancelled = match told {
                Ok(()) => false,
                // Another core may have told it of this very child. Of one that it does not know nobody uses the ticket.
                Err(error) if error.fault == NodeFault::NotAwaited => {
                    !families.ledger.has_others().await.unwrap_or(true)
                }
                Err(_) => true,
            };
            if (alone || cancelled)
                && let Err(error) = families.life.end(&child, cause, Some(vault.to_string()), 0).await
            {
                tracing::warn!(vault = %child.id, error = error_chain::told(&error), "left to its claim lease");
            }
        };
        drop(tasks::spawn(TaskKind::Order, "clone", trace::watched(context, cloning)));
    }

    async fn clone_for(self: &Arc<Self>, slot: &NodeSlot, ask: &CloneAsk) -> Result<Spawned, Failure> {
        let found = self.records.get::<Budget>(&budget_key(&ask.vault)).await?;
        let budget = found.ok_or_else(|| no_parent(&ask.vault))?.value;
        if budget.node != slot.name {
            return Err(no_parent(&ask.vault).into());
        }
        let parent = Parent::new(ask.vault.clone(), budget.limits);
        self.spawning.spawn_under(ask.request()?, Some(parent), (budget.owner, budget.owner)).await
    }

    /// After each word that a parent has died.
    pub(super) async fn end_orphaned_for_ever(&self, orphans: &Notify) {
        loop {
            orphans.notified().await;
            if let Err(error) = self.end_orphaned().await {
                tracing::error!(
                    error = error_chain::told(&error),
                    "the children of the dead could not be looked for"
                );
            }
        }
    }

    /// Ends every vault whose parent is gone, and forgets the budgets of those that never came to be.
    /// Called after each death of a parent, and whenever a node is compared anew.
    pub(super) async fn end_orphaned(&self) -> Result<(), Failure> {
        let living = self.records.all::<VaultRecord>(VAULT).await?;
        for vault in living.into_iter().map(|found| found.value.into_vault()) {
            let Some(parent) = &vault.parent else { continue };
            if self.records.is_there(&budget_key(parent)).await? {
                continue;
            }
            if let Err(error) = self.life.end(&vault, Cause::ParentDied, Some(parent.to_string()), 0).await {
                tracing::warn!(vault = %vault.id, error = error_chain::told(&error), "its parent is dead and it cannot be ended now");
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

fn no_parent(vault: &VaultId) -> LedgerError {
    LedgerError::NoParent { vault: vault.clone() }
}
