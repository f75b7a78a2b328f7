//! What is kept too long: idempotency keys, summons, and tombstones, on a timer.
//!
//! Pruning takes no input but the clock and can be cut off anywhere: what it missed, the next round
//! finds. (Vaults are not its business: their leases end them on their nodes.)

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use super::record::{Found, KEPT, KEY, KeyRecord, SPOOL, SUMMONS, TOMB, VAULT, VaultRecord, source_key};
use super::service::Core;
use super::store::{Expect, Txn};
use crate::api::ApiError;
use crate::api::spool::SpoolEntry;
use crate::model::id::{SpoolId, SummonsId};
use crate::system::clock;

const EVERY: Duration = Duration::from_secs(300);

/// More tombstones than this are not kept, however young.
const MOST_TOMBS: usize = 10_000;

/// Of a summons, only what pruning needs.
#[derive(Deserialize)]
struct Aged {
    id: SummonsId,
    created_at: Timestamp,
}

impl Core {
    pub(super) async fn prune_for_ever(&self) {
        let mut timer = tokio::time::interval(EVERY);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            timer.tick().await;
            if let Err(error) = self.prune(clock::now(), MOST_TOMBS).await {
                tracing::warn!(%error, "could not prune; the next round tries again");
            }
        }
    }

    pub(super) async fn prune(&self, now: Timestamp, most_tombs: usize) -> Result<(), ApiError> {
        let limit = now - KEPT;
        // What a living vault was made of is kept as long as the vault: a name may be found for a year.
        // And what still waits has to be made of something.
        let living = self.records.all::<VaultRecord>(VAULT).await?;
        let mut in_use: BTreeSet<SummonsId> =
            living.into_iter().map(|found| found.value.vault.summons).collect();
        let mut queued: BTreeSet<SpoolId> = BTreeSet::new();
        for entry in self.records.all::<SpoolEntry>(SPOOL).await? {
            if entry.value.done_at.is_some_and(|at| at < limit) {
                self.forget(&entry, None).await?;
                continue;
            }
            // A dead letter can be tried again.
            in_use.insert(entry.value.summons);
            queued.insert(entry.value.id);
        }
        for key in self.records.all::<KeyRecord>(KEY).await? {
            let stands = key.value.spool.as_ref().is_some_and(|id| queued.contains(id));
            if key.value.at < limit && !stands {
                self.forget(&key, None).await?;
            }
        }
        for summons in self.records.all::<Aged>(SUMMONS).await? {
            if summons.value.created_at < limit && !in_use.contains(&summons.value.id) {
                self.forget(&summons, Some(source_key(&summons.value.id))).await?;
            }
        }
        let mut tombs: Vec<(Timestamp, Found<VaultRecord>)> = self
            .records
            .all::<VaultRecord>(TOMB)
            .await?
            .into_iter()
            .map(|tomb| {
                let died = tomb.value.vault.receipt.as_ref().map(|receipt| receipt.death.at);
                (died.unwrap_or(tomb.value.vault.forged_at), tomb)
            })
            .collect();
        tombs.sort_by_key(|(died, _)| *died);
        let surplus = tombs.len().saturating_sub(most_tombs);
        for (number, (died, tomb)) in tombs.iter().enumerate() {
            if number < surplus || *died < limit {
                self.forget(tomb, None).await?;
            }
        }
        Ok(())
    }

    /// Unless somebody wrote to it meanwhile, as a caller does who uses an old key again.
    async fn forget<T>(&self, found: &Found<T>, beside: Option<String>) -> Result<(), ApiError> {
        let mut txn =
            Txn::default().check(found.key.as_str(), Expect::At(found.revision)).delete(found.key.as_str());
        txn.deletes.extend(beside);
        // On a conflict it stays until the next round.
        let _ = self.records.commit(txn).await?;
        Ok(())
    }
}
