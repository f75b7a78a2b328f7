//! Retention: what is kept too long goes, on a timer: idempotency keys, summons, spool entries, tombstones.
//!
//! A round reads what is old and not what there is. Ids begin with their time, so the old ones of a kind come
//! first in its listing; a key is a hash and has a document under `aged/` that says when it was used. What is
//! old and still needed (a summons of a living vault, a key of a waiting entry) stays and is looked at again.
//! Pruning takes no input but the clock and can be cut off anywhere: what it missed, the next round finds.
//! (Vaults are not its business: their leases end them on their nodes.)

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::dependencies::Dependencies;
use super::event_numbers::EventNumbers;
use super::ledger::{
    AGED, ASIDE, KEPT, KEY, KeyRecord, Ledger, LedgerError, Records, SPOOL, SUMMONS, TOMB, VAULT,
    VaultRecord, Versioned, aged_key, owner_of, source_key, spool_key,
};
use super::quota::SummonsQuota;
use super::store::{CommitOutcome, Document, Size};
use hauki_contract::api::spool::SpoolEntry;
use hauki_contract::model::error_chain;
use hauki_contract::model::id::{SpoolId, SummonsId, VaultId};
use hauki_contract::model::receipt::Receipt;
use hauki_contract::system::clock;

const EVERY: Duration = Duration::from_secs(300);

/// A key that was to go and is still needed is looked at again after so long.
const AGAIN: SignedDuration = SignedDuration::from_secs(3600);

/// What is damaged is kept for somebody to look at.
const KEPT_ASIDE: SignedDuration = SignedDuration::from_secs(30 * 24 * 3600);

const PAGE: usize = 256;

/// Of a summons, only what pruning needs.
#[derive(Deserialize)]
struct Aged {
    id: SummonsId,
    created_at: Timestamp,
}

/// Of a tombstone, the same.
#[derive(Deserialize)]
struct Tomb {
    vault: TombstoneVault,
}

#[derive(Deserialize)]
struct TombstoneVault {
    receipt: Receipt,
}

/// A tombstone, as far as room is concerned.
struct Weighed {
    key: String,
    owner: Option<u32>,
    bytes: u64,
}

/// The shares of all owners together are one of so many parts of the room.
const SHARED: u64 = 4;

/// More tombstones than this are not kept, however young.
#[derive(Debug, Clone, Copy)]
pub(super) struct Most {
    pub tombs: u64,
    pub tomb_bytes: u64,
}

impl Default for Most {
    fn default() -> Self {
        Self { tombs: 100_000, tomb_bytes: 256 << 20 }
    }
}

pub(super) struct Retention {
    records: Records,
    ledger: Ledger,
    quota: Arc<SummonsQuota>,
    /// Whose bound is looked at as often.
    numbers: Arc<EventNumbers>,
}

impl Retention {
    pub(super) fn new(basis: &Dependencies, numbers: &Arc<EventNumbers>) -> Arc<Self> {
        let Dependencies { records, ledger, quota, .. } = basis;
        let (records, ledger, quota) = (records.clone(), ledger.clone(), quota.clone());
        Arc::new(Self { records, ledger, quota, numbers: numbers.clone() })
    }

    pub(super) async fn prune_for_ever(&self) {
        let mut timer = tokio::time::interval(EVERY);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            timer.tick().await;
            let raised = self.numbers.raise_bound().await;
            if let Err(error) = self.prune(clock::now(), Most::default()).await.and(raised) {
                tracing::warn!(
                    error = error_chain::told(&error),
                    "could not prune; the next round tries again"
                );
            }
        }
    }

    pub(super) async fn prune(&self, now: Timestamp, most: Most) -> Result<(), LedgerError> {
        let limit = now - KEPT;
        let limit_ms = u64::try_from(limit.as_millisecond()).unwrap_or(0);
        // What fails with one kind of records keeps none of the others.
        let done = [
            self.prune_spool(limit, limit_ms).await,
            self.prune_keys(now, limit).await,
            self.prune_summons(limit, limit_ms).await,
            self.prune_tombs(limit, limit_ms).await,
            self.prune_surplus(most).await,
            self.prune_aside(now).await,
        ];
        done.into_iter().collect()
    }

    async fn prune_spool(&self, limit: Timestamp, limit_ms: u64) -> Result<(), LedgerError> {
        let entries = format!("{SPOOL}{}", SpoolId::mint(limit_ms, 0));
        for entry in self.before::<SpoolEntry>(SPOOL, &entries).await? {
            // What waits, or can be tried again, stays.
            if entry.value.done_at.is_some_and(|at| at < limit) {
                self.forget(&entry, None).await?;
            }
        }
        Ok(())
    }

    /// The records of a kind that sort before `end`.
    async fn before<T: DeserializeOwned>(
        &self,
        prefix: &str,
        end: &str,
    ) -> Result<Vec<Versioned<T>>, LedgerError> {
        let (mut found, mut next) = self.records.page(prefix, None, PAGE).await?;
        while let Some(after) = next.filter(|next| next.as_str() < end) {
            let (page, more) = self.records.page(prefix, Some(&after), PAGE).await?;
            found.extend(page);
            next = more;
        }
        found.retain(|found: &Versioned<T>| found.key.as_str() < end);
        Ok(found)
    }

    async fn prune_tombs(&self, limit: Timestamp, limit_ms: u64) -> Result<(), LedgerError> {
        let end = format!("{TOMB}{}", VaultId::mint(limit_ms, 0));
        for tomb in self.before::<Tomb>(TOMB, &end).await? {
            // Another had lived for long.
            if tomb.value.vault.receipt.death.at < limit {
                self.ledger.forget_tombs(&[tomb.key]).await?;
            }
        }
        Ok(())
    }

    /// By the documents that say when each was used.
    async fn prune_keys(&self, now: Timestamp, limit: Timestamp) -> Result<(), LedgerError> {
        self.date_keys().await?;
        let end = aged_key(limit, "");
        loop {
            let due = self.records.documents(AGED, None, PAGE).await?;
            let more = due.len() == PAGE;
            for document in due {
                if document.key >= end {
                    return Ok(());
                }
                self.prune_key(&document, now, limit).await?;
            }
            if !more {
                return Ok(());
            }
        }
    }

    async fn prune_key(&self, dated: &Document, now: Timestamp, limit: Timestamp) -> Result<(), LedgerError> {
        let key = dated.key[AGED.len()..].split_once('/').map_or("", |(_, key)| key);
        let found = self.records.find::<KeyRecord>(key).await?;
        let entry = found.as_ref().and_then(|found| found.value.spool.as_ref());
        let queued = match entry {
            Some(id) => self.records.is_there(&spool_key(id)).await?,
            None => false,
        };
        if queued {
            return self.ledger.redate_key(dated, key, now.saturating_add(AGAIN).unwrap_or(now) - KEPT).await;
        }
        // One that was used again has another such document.
        let old = found.filter(|found| found.value.at < limit);
        self.ledger.forget_key(dated, old.as_ref()).await
    }

    /// Gives the keys of earlier versions their documents, once.
    async fn date_keys(&self) -> Result<(), LedgerError> {
        if self.ledger.keys_are_dated().await? {
            return Ok(());
        }
        let mut after = None;
        loop {
            let (page, next) = self.records.page::<KeyRecord>(KEY, after.as_deref(), PAGE).await?;
            if page.is_empty() && after.is_none() && next.is_none() {
                return Ok(());
            }
            self.ledger.date_keys(&page, next.is_none()).await?;
            match next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    async fn prune_summons(&self, limit: Timestamp, limit_ms: u64) -> Result<(), LedgerError> {
        let end = SummonsId::mint(limit_ms, 0);
        let old = self.before::<Aged>(SUMMONS, &format!("{SUMMONS}{end}")).await?;
        self.quota.keep(&end, &old.iter().map(|summons| summons.value.id.clone()).collect());
        if old.is_empty() {
            return Ok(());
        }
        let in_use = self.summons_in_use().await?;
        for summons in old {
            if summons.value.created_at < limit
                && !in_use.contains(&summons.value.id)
                && self.forget(&summons, Some(source_key(&summons.value.id))).await?
            {
                self.quota.remove(&summons.value.id);
            }
        }
        Ok(())
    }

    /// What a living vault was made of is kept as long as the vault: a name may be found for a year. And what
    /// still waits has to be made of something; a dead letter can be tried again.
    async fn summons_in_use(&self) -> Result<BTreeSet<SummonsId>, LedgerError> {
        let living = self.records.all::<VaultRecord>(VAULT).await?;
        let entries = self.records.all::<SpoolEntry>(SPOOL).await?;
        let mut in_use: BTreeSet<SummonsId> =
            living.into_iter().map(|found| found.value.into_vault().summons).collect();
        in_use.extend(entries.into_iter().map(|found| found.value.summons));
        Ok(in_use)
    }

    /// The oldest of those whose owners have more than their share: nobody's tombstones go for another's sake, or a
    /// user who makes many would take away what everybody's keys are answered with.
    async fn prune_surplus(&self, most: Most) -> Result<(), LedgerError> {
        let mut there = self.records.size(TOMB).await?;
        if there.documents <= most.tombs && there.bytes <= most.tomb_bytes {
            return Ok(());
        }
        let tombs = self.weighed_tombs().await?;
        let mut owners: HashMap<Option<u32>, Size> = HashMap::new();
        for Weighed { owner, bytes, .. } in &tombs {
            let own = owners.entry(*owner).or_default();
            *own = Size { documents: own.documents + 1, bytes: own.bytes + bytes };
        }
        let shares = SHARED * owners.len().max(1) as u64;
        let mut gone = Vec::new();
        for Weighed { key, owner, bytes } in tombs {
            let (many, much) = (there.documents > most.tombs, there.bytes > most.tomb_bytes);
            if !many && !much {
                break;
            }
            let own = owners.entry(owner).or_default();
            if (many && own.documents > most.tombs / shares) || (much && own.bytes > most.tomb_bytes / shares)
            {
                for size in [own, &mut there] {
                    size.documents = size.documents.saturating_sub(1);
                    size.bytes = size.bytes.saturating_sub(bytes);
                }
                gone.push(key);
            }
        }
        for page in gone.chunks(PAGE) {
            self.ledger.forget_tombs(page).await?;
        }
        Ok(())
    }

    /// In the order of their forging. Only when there are too many.
    async fn weighed_tombs(&self) -> Result<Vec<Weighed>, LedgerError> {
        let (mut tombs, mut after) = (Vec::new(), None::<String>);
        loop {
            let page = self.records.documents(TOMB, after.as_deref(), PAGE).await?;
            after = page.last().filter(|_| page.len() == PAGE).map(|last| last.key.clone());
            tombs.extend(page.into_iter().map(|tomb| Weighed {
                owner: owner_of(&tomb).flatten(),
                bytes: tomb.value.len() as u64,
                key: tomb.key,
            }));
            if after.is_none() {
                return Ok(tombs);
            }
        }
    }

    async fn prune_aside(&self, now: Timestamp) -> Result<(), LedgerError> {
        let limit = now - KEPT_ASIDE;
        for document in self.records.documents(ASIDE, None, PAGE).await? {
            if super::ledger::since(&document).is_some_and(|since| since < limit) {
                self.records.forget_aside_of(&document).await?;
            }
        }
        Ok(())
    }

    /// Unless somebody wrote to it meanwhile, as a caller does who uses an old key again.
    async fn forget<T>(&self, found: &Versioned<T>, beside: Option<String>) -> Result<bool, LedgerError> {
        let txn = found.gone().delete_each(beside);
        // On a conflict it stays until the next round.
        Ok(matches!(self.records.commit(txn).await?, CommitOutcome::Committed { .. }))
    }
}
