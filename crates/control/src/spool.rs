//! Durable queue, the omega_spool: summons that wait for capacity.
//!
//! ```text
//!   API (put, show, remove, retry) --> store spool/<id> --> queue (the order, in memory)
//!                                           ^                   |
//!                                           '--- worker <-------'   forges, one vault for an entry
//! ```
//! The store owns the entries; the queue (`control::queue`) is an index of those that wait and is read again at each
//! start. A crash loses nothing: what was being forged and not recorded is ended by the
//! reconciliation (`control::watch`), and its entry still waits.
//! Here is the API: what callers do with it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;

use super::authorization::Rights;
use super::dependencies::Dependencies;
use super::failure::{Failure, KeyError, SpoolError};
use super::idempotency::{IdempotencyKeys, reused};
use super::ledger::{KeyRecord, Ledger, Posting, Records, SPOOL, Versioned, encode, spool_key};
use super::placement::check_wished;
use super::queue::{HeldEntry, Spool};
use super::store::{CommitOutcome, Txn};
use super::summon::Summoning;
use super::user_limits::refuse_many;
use super::vaults::Vaults;
use hauki_contract::api::spool::{
    MOST_PRIORITY, SpoolAct, SpoolDone, SpoolEntry, SpoolList, SpoolOrder, SpoolOrdered, SpoolQuery,
    SpoolRequest, SpoolState, SpoolWait, Spooled,
};
use hauki_contract::model::id::{SpoolId, VaultId};
use hauki_contract::system::{clock, random, trace};

const MOST_WAIT_MS: u64 = 30_000;

/// How many entries one order may name, and how many of them are at the store at one time.
const MOST_ORDERED: usize = 100_000;
const ABREAST: usize = 64;

/// How many may wait, in all and of one owner.
const MOST_WAITING: usize = 10_000;
const MOST_OF_ONE: usize = 5_000;

fn no_entry(id: &SpoolId) -> Failure {
    SpoolError::Unknown { entry: id.clone() }.into()
}

pub(super) struct SpoolApi {
    records: Records,
    ledger: Ledger,
    spool: Arc<Spool>,
    keys: Arc<IdempotencyKeys>,
    summoning: Arc<Summoning>,
    vaults: Arc<Vaults>,
}

impl SpoolApi {
    pub(super) fn new(
        basis: &Dependencies,
        keys: &Arc<IdempotencyKeys>,
        summoning: &Arc<Summoning>,
        vaults: &Arc<Vaults>,
    ) -> Arc<Self> {
        let Dependencies { records, ledger, spool, .. } = basis;
        let (records, ledger, spool) = (records.clone(), ledger.clone(), spool.clone());
        let (keys, summoning, vaults) = (keys.clone(), summoning.clone(), vaults.clone());
        Arc::new(Self { records, ledger, spool, keys, summoning, vaults })
    }

    pub(super) async fn put(&self, request: SpoolRequest, owner: String) -> Result<SpoolEntry, Failure> {
        if request.priority > MOST_PRIORITY {
            let (priority, most) = (request.priority, MOST_PRIORITY);
            return Err(SpoolError::Priority { priority, most }.into());
        }
        check_wished(&request.placement)?;
        let same = request.as_provision();
        let SpoolRequest { priority, deadline_ms, .. } = request;
        let held = self.keys.hold_key("provision", &same).await?;
        let earlier = held.earlier.as_ref();
        if let Some(id) = earlier.and_then(|earlier| earlier.spool.as_ref()) {
            let entry = self.entry(id).await?.value;
            if (entry.priority, entry.deadline_ms) != (priority, deadline_ms) {
                return Err(reused(&same.key, "provision"));
            }
            return Ok(self.placed(SpoolEntry { changed: false, ..entry }));
        }
        let summons = self.summoning.recorded(&same.summons).await?.summons;
        self.refuse_crowd(&owner)?;
        let now = clock::now();
        let vault = earlier.and_then(|earlier| earlier.vault.clone());
        let entry = SpoolEntry {
            id: random::spool_id(),
            state: if vault.is_some() { SpoolState::Forged } else { SpoolState::Waiting }.into(),
            summons: summons.id.clone(),
            worker: summons.worker.name,
            owner,
            placement: same.placement,
            memory_bytes: summons.limits.footprint_bytes(),
            priority,
            at: now,
            deadline_ms,
            expires_at: deadline_ms.map(|wait| after(now, wait)),
            attempts: 0,
            next_at: None,
            error: None,
            done_at: vault.is_some().then_some(now),
            place: None,
            changed: vault.is_none(),
            vault,
        };
        let record = KeyRecord {
            digest: held.digest,
            at: now,
            summons: summons.id,
            vault: entry.vault.clone(),
            ticket: None,
            spool: Some(entry.id.clone()),
            apart: true,
        };
        let trace = trace::current().map(|context| context.to_string());
        let kept = HeldEntry { entry: entry.clone(), held_by: None, trace };
        let txn = Txn::in_any_case("an entry has an id of its own");
        let entered = Posting::with(txn.put(spool_key(&entry.id), encode(&kept)?))?;
        if !self.ledger.post(held.record_in(entered, &record)?).await? {
            return Err(KeyError::LostRace.into());
        }
        self.spool.queue().put(entry.clone());
        self.spool.changed();
        Ok(self.placed(entry))
    }

    /// What whoever provisions hears of a key that was queued.
    pub(super) async fn unspooled(&self, id: &SpoolId) -> Result<VaultId, Failure> {
        let entry = self.placed(self.entry(id).await?.value);
        match (entry.vault, entry.error) {
            (Some(vault), _) => Ok(vault),
            (None, Some(error)) if entry.state == SpoolState::Dead => {
                Err(SpoolError::Dead(Box::new(error)).into())
            }
            (None, _) => Err(SpoolError::Waits { entry: id.clone(), place: entry.place }.into()),
        }
    }

    fn refuse_crowd(&self, owner: &str) -> Result<(), Failure> {
        let queue = self.spool.queue();
        let (all, own) = (queue.len(), queue.of_owner(owner));
        if all < MOST_WAITING && own < MOST_OF_ONE {
            return Ok(());
        }
        let (owner, most, most_of_one) = (owner.to_owned(), MOST_WAITING, MOST_OF_ONE);
        Err(SpoolError::Crowd { all, own, owner, most, most_of_one }.into())
    }

    pub(super) async fn list_of(&self, rights: Rights, query: SpoolQuery) -> Result<SpoolList, Failure> {
        let fits = |entry: &SpoolEntry| {
            rights.own_entry(&entry.owner) && query.state.is_none_or(|state| entry.state == state)
        };
        let found: Vec<Versioned<SpoolEntry>> = self.records.all_that(SPOOL, fits).await?;
        let mut entries: Vec<SpoolEntry> = found.into_iter().map(|found| found.value).collect();
        let queue = self.spool.queue();
        for entry in &mut entries {
            (entry.place, entry.changed) = (queue.place(&entry.id), false);
        }
        drop(queue);
        entries.sort_by_key(|entry| entry.place.unwrap_or(u64::MAX));
        Ok(SpoolList { entries })
    }

    /// Shows one, at once or when it has moved on.
    pub(super) async fn show(&self, id: &SpoolId, wait: SpoolWait) -> Result<Spooled, Failure> {
        let moved_on = async {
            let mut changes = self.spool.changes.subscribe();
            loop {
                let entry = self.placed(self.entry(id).await?.value);
                if entry.state != SpoolState::Waiting || entry.place != wait.place {
                    return Ok::<_, Failure>(());
                }
                // The sender lives as long as the core.
                let _ = changes.changed().await;
            }
        };
        if wait.wait_ms > 0 {
            let most = Duration::from_millis(wait.wait_ms.min(MOST_WAIT_MS));
            // Having waited in vain is an answer too.
            if let Ok(Err(error)) = tokio::time::timeout(most, moved_on).await {
                return Err(error);
            }
        }
        let entry = self.placed(SpoolEntry { changed: false, ..self.entry(id).await?.value });
        let vault = match &entry.vault {
            Some(vault) => self.vaults.vault_record(vault).await?.map(|found| found.value.into_vault()),
            None => None,
        };
        Ok(Spooled { entry, vault })
    }

    /// Forgets an entry in any state. The vault that it became is nobody's business here.
    pub(super) async fn remove(&self, id: &SpoolId) -> Result<SpoolEntry, Failure> {
        loop {
            let found = self.entry(id).await?;
            // Whoever is forging it finds the entry gone at the commit, and destroys what it made.
            if let CommitOutcome::Committed { .. } = self.records.commit(found.gone()).await? {
                self.spool.queue().remove(id);
                self.spool.changed();
                return Ok(SpoolEntry { changed: true, ..found.value });
            }
        }
    }

    /// Gives a dead letter another life, with as long a deadline as before.
    pub(super) async fn retry(&self, id: &SpoolId) -> Result<SpoolEntry, Failure> {
        loop {
            let mut found = self.entry(id).await?;
            if found.value.state != SpoolState::Dead {
                return Ok(self.placed(SpoolEntry { changed: false, ..found.value }));
            }
            let now = clock::now();
            found.value = SpoolEntry {
                state: SpoolState::Waiting.into(),
                attempts: 0,
                next_at: None,
                error: None,
                done_at: None,
                expires_at: found.value.deadline_ms.map(|wait| after(now, wait)),
                ..found.value
            };
            if self.records.replace(&found).await? {
                self.spool.queue().put(found.value.clone());
                self.spool.changed();
                return Ok(self.placed(SpoolEntry { changed: true, ..found.value }));
            }
        }
    }

    /// One answer per entry, in the order of the request.
    pub(super) async fn order(
        self: &Arc<Self>,
        rights: Rights,
        order: SpoolOrder,
    ) -> Result<SpoolOrdered, Failure> {
        let SpoolOrder { act, entries } = order;
        refuse_many("entries", entries.len(), MOST_ORDERED, rights.only())?;
        let done = futures_util::stream::iter(entries).map(async |id| {
            let done = match (self.own(rights, &id).await, act) {
                (Err(error), _) => Err(error),
                (Ok(()), SpoolAct::Remove) => self.remove(&id).await,
                (Ok(()), SpoolAct::Retry) => self.retry(&id).await,
            };
            match done {
                Ok(entry) => SpoolDone { id, entry: Some(entry), error: None },
                Err(error) => SpoolDone { id, entry: None, error: Some(error.into()) },
            }
        });
        Ok(SpoolOrdered { done: done.buffered(ABREAST).collect().await })
    }

    /// One of somebody else is not there.
    pub(super) async fn own(&self, rights: Rights, id: &SpoolId) -> Result<(), Failure> {
        match rights == Rights::All || rights.own_entry(&self.entry(id).await?.value.owner) {
            true => Ok(()),
            false => Err(no_entry(id)),
        }
    }

    async fn entry(&self, id: &SpoolId) -> Result<Versioned<SpoolEntry>, Failure> {
        self.records.get(&spool_key(id)).await?.ok_or_else(|| no_entry(id))
    }

    fn placed(&self, entry: SpoolEntry) -> SpoolEntry {
        SpoolEntry { place: self.spool.queue().place(&entry.id), ..entry }
    }
}

fn after(now: jiff::Timestamp, wait_ms: u64) -> jiff::Timestamp {
    let wait = jiff::SignedDuration::from_millis(i64::try_from(wait_ms).unwrap_or(i64::MAX));
    now.saturating_add(wait).unwrap_or(jiff::Timestamp::MAX)
}
