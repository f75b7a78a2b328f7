//! Lost nodes: when their vaults must be dead, and that they then are.
//!
//! A node's silence ends nothing, for others may reach it and keep its vaults alive. But nothing
//! prolongs a life-time. So when the core's own monotonic clock has measured all of it since the core
//! first knew of the vault, the node must have ended it, and the core says so. The wall clock has no
//! say: a jump of it declares nobody dead. What is remembered is lost with the core; the next one
//! counts from its own start, which can only be later.
//!
//! Should such a vault be seen again all the same, as after a virtual machine was stopped and went on,
//! it is ended: what was declared dead must not be alive.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Watcher;
use crate::failure::Failure;
use crate::ledger::{VAULT, VaultRecord, Versioned, tomb_key};
use crate::nodes::NodeSlot;
use crate::vaults::lost;
use hauki_contract::model::death::Cause;
use hauki_contract::model::error_chain;
use hauki_contract::model::id::VaultId;
use hauki_contract::model::lease::Mono;
use hauki_contract::system::clock;

const EVERY: Duration = Duration::from_secs(60);

/// For the vault's end itself, a minute of `dest` included.
const MARGIN_MS: u64 = 120_000;
/// Two machines' clocks do not run equally fast; theirs differ by far less than a thousandth.
const DRIFT: u64 = 1000;

/// Since when the core has known each living vault.
#[derive(Default)]
pub(crate) struct KnownSince(BTreeMap<VaultId, Mono>);

impl KnownSince {
    /// Those whose life-time is over. `living` are all that there are, with their life-times.
    fn overdue(&mut self, living: &[(VaultId, u64)], now: Mono) -> BTreeSet<VaultId> {
        let mut since = std::mem::take(&mut self.0);
        self.0 = living.iter().map(|(id, _)| (id.clone(), since.remove(id).unwrap_or(now))).collect();
        let over = |(id, lifetime_ms): &&(VaultId, u64)| {
            let most_ms = lifetime_ms.saturating_add(lifetime_ms / DRIFT).saturating_add(MARGIN_MS);
            self.0.get(id).is_some_and(|since| now > since.plus_ms(most_ms))
        };
        living.iter().filter(over).map(|(id, _)| id.clone()).collect()
    }
}

impl Watcher {
    pub(crate) async fn give_up_for_ever(&self) {
        let mut known = KnownSince::default();
        let mut timer = tokio::time::interval(EVERY);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            timer.tick().await;
            if let Err(error) = self.give_up(&mut known, clock::mono()).await {
                tracing::warn!(
                    error = error_chain::told(&error),
                    "could not look for vaults of lost nodes; the next round tries again"
                );
            }
        }
    }

    pub(crate) async fn give_up(&self, known: &mut KnownSince, now: Mono) -> Result<(), Failure> {
        let living: Vec<Versioned<VaultRecord>> = self.records.all(VAULT).await?;
        let terms: Vec<(VaultId, u64)> = living
            .iter()
            .map(|found| (found.value.vault().id.clone(), found.value.vault().terms.lifetime_ms))
            .collect();
        let overdue = known.overdue(&terms, now);
        let mut failed = Ok(());
        for vault in living.into_iter().map(|found| found.value.into_vault()) {
            // A node that is seen tells its vaults' ends itself.
            let seen = self.node_table.slot(&vault.node).is_ok_and(|slot| slot.is_heard());
            if overdue.contains(&vault.id) && !seen {
                let why = "its node was not seen again before its life-time was over";
                match self.vaults.bury(lost(&vault, why)).await {
                    Err(error) if error.is_of_one() => failed = Err(error),
                    buried => drop(buried?),
                }
            }
        }
        failed
    }

    /// Ends what has a tombstone and lives on the node all the same.
    pub(super) async fn end_undead(&self, slot: &NodeSlot, vault: &VaultId) -> Result<(), Failure> {
        let tomb: Option<Versioned<VaultRecord>> = self.records.find(&tomb_key(vault)).await?;
        let Some(receipt) = tomb.and_then(|tomb| tomb.value.into_vault().receipt) else { return Ok(()) };
        tracing::warn!(%vault, node = %slot.name, "ending a vault that was declared dead");
        self.end_there(slot, vault, receipt.death.cause.known().unwrap_or(Cause::Destruct)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hauki_contract::system::random;

    #[test]
    fn a_whole_life_time_is_measured_from_when_it_was_known() {
        let (one, two) = (random::vault_id(), random::vault_id());
        let second = |seconds: u64| Mono(seconds * 1_000_000);
        let both = [(one.clone(), 600_000), (two.clone(), 3_600_000)];
        let mut known = KnownSince::default();
        // A clock that has run for long says nothing of those that it did not see.
        assert!(known.overdue(&both, second(1_000_000)).is_empty());
        assert!(known.overdue(&both, second(1_000_600)).is_empty(), "the margin");
        assert_eq!(known.overdue(&both, second(1_000_721)), [one.clone()].into());
        assert_eq!(known.overdue(&both, second(1_003_724)), [one, two.clone()].into());
        // Who has died is forgotten.
        assert_eq!(known.overdue(&[(two, 3_600_000)], second(1_003_725)).len(), 1);
        assert_eq!(known.0.len(), 1);
    }
}
