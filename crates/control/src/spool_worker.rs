//! Queue worker: one task works the spool's queue off, with several forgings at a time.
//!
//! An attempt is counted in the store before it begins, so that a summons whose forging ends the
//! daemon is not tried for ever. Finding no room is no attempt. The vault and the entry's end are one
//! transaction under the entry's revision, which is why an entry gives at most one vault however
//! often it was begun.
//!
//! The same writing says whose attempt it is, by the core's term, so that of cores on one store one forges. What a core
//! holds whose term is over is nobody's, and what others queue is seen by looking now and then (`control::neighbours`).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::task::JoinSet;

use super::admission::Admission;
use super::authorization::queued_by;
use super::dependencies::Dependencies;
use super::failure::{Failure, SpoolError};
use super::forge::Forge;
use super::ledger::{Ledger, Posting, Records, SPOOL, Versioned, encode, spool_key};
use super::outage::Outage;
use super::placement::Placing;
use super::queue::{HeldEntry, Spool};
use super::registry::NameRegistry;
use super::scheduler::PlacementError;
use super::store::CommitOutcome;
use super::summon::Summoning;
use hauki_contract::api::ApiError;
use hauki_contract::api::spool::{SpoolEntry, SpoolState};
use hauki_contract::api::vault::Placement;
use hauki_contract::model::error_chain;
use hauki_contract::model::id::SpoolId;
use hauki_contract::model::lease::Mono;
use hauki_contract::model::trace::TraceContext;
use hauki_contract::system::{clock, trace};

/// So many forgings at a time.
const ABREAST: usize = 16;

/// How often a failing summons is begun before it is a dead letter.
const MOST_ATTEMPTS: u32 = 16;

/// How often it is looked for room without having been told of any: nodes fill and empty by other
/// hands too.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// For how long it is believed that a node is full, and how long an order may take to be counted by its
/// node.
const BELIEVED_US: u64 = 1_000_000;
const BACKOFF: SignedDuration = SignedDuration::from_millis(500);
const BACKOFF_MOST: SignedDuration = SignedDuration::from_secs(60);

pub(super) struct SpoolWorker {
    processor: Arc<SpoolProcessor>,
    /// With what a node refused though it was thought to have room, or the store, which may be full.
    at_work: JoinSet<(SpoolId, Option<DemandShape>)>,
    /// Since when.
    in_hand: HashMap<SpoolId, Mono>,
    /// And when; for a while this is believed, or the node would be asked in a circle. The queue waits
    /// with it, and not the one entry, or else those behind would overtake it.
    refused: Vec<(DemandShape, Mono)>,
}

/// What decides whether a node has room; one that found none speaks for all of its kind.
#[derive(Debug, Clone, PartialEq)]
struct DemandShape {
    placement: Placement,
    memory_bytes: u64,
}

impl SpoolWorker {
    pub(super) fn new(processor: &Arc<SpoolProcessor>) -> Self {
        Self {
            processor: processor.clone(),
            at_work: JoinSet::new(),
            in_hand: HashMap::new(),
            refused: Vec::new(),
        }
    }

    pub(super) async fn work_for_ever(mut self) {
        let mut outage = Outage::default();
        while let Err(error) = self.processor.read_queue().await {
            if outage.begins() {
                tracing::error!(error = error_chain::told(&error), "the spool cannot be read; trying again");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        loop {
            match self.round().await {
                Ok(()) if outage.is_over() => tracing::info!("the spool goes on"),
                Err(error) if outage.begins() => {
                    tracing::warn!(error = error_chain::told(&error), "the spool waits");
                }
                Ok(()) | Err(_) => {}
            }
            self.wait().await;
        }
    }

    async fn wait(&mut self) {
        let pause = {
            let queue = self.processor.spool.queue();
            let now = clock::mono();
            let until = queue.next_change(now).map(|at| Duration::from_micros(at.since(now)));
            match (queue.len(), until) {
                (0, _) => Duration::MAX,
                (_, until) => until.unwrap_or(LOOK_EVERY).min(LOOK_EVERY),
            }
        };
        tokio::select! {
            () = self.processor.spool.work.notified() => {}
            Some(done) = self.at_work.join_next() => match done {
                Ok((id, refused)) => {
                    self.in_hand.remove(&id);
                    self.refused.extend(refused.map(|shape| (shape, clock::mono())));
                }
                // Nobody knows whose it was; the queue is what counts.
                Err(_) => self.in_hand.clear(),
            },
            () = tokio::time::sleep(pause) => {}
        }
    }

    /// Those whose vaults the nodes may not count yet. One that takes longer, as on a node that hangs,
    /// holds up nobody.
    fn on_their_way(&self) -> usize {
        let now = clock::mono();
        self.in_hand.values().filter(|since| now.since(**since) < BELIEVED_US).count()
    }

    /// Gives out what is due, in order, as far as there is room.
    async fn round(&mut self) -> Result<(), Failure> {
        let now = clock::mono();
        let order = self.processor.spool.queue().order();
        self.refused.retain(|(_, at)| clock::mono().since(*at) < BELIEVED_US);
        let mut hopeless: Vec<DemandShape> = self.refused.iter().map(|(shape, _)| shape.clone()).collect();
        for entry in order.iter().cloned() {
            if self.in_hand.contains_key(&entry.id) {
                continue;
            }
            if self.processor.spool.queue().is_left(&entry.id, now) {
                continue;
            }
            if self.processor.spool.queue().is_expired(&entry.id, now) {
                self.processor.expire(&entry).await?;
                continue;
            }
            if self.in_hand.len() >= ABREAST || self.processor.admission.is_draining() {
                return Ok(());
            }
            if self.processor.spool.queue().rests(&entry.id, now) {
                continue;
            }
            let memory_bytes = entry.memory_bytes;
            let shape = DemandShape { placement: entry.placement.clone(), memory_bytes };
            if hopeless.contains(&shape) {
                continue;
            }
            // A wished node that is not there may be added.
            let places = match self.processor.placing.field(&entry.placement, memory_bytes, None).await {
                Ok(field) => field.places(),
                Err(error) if error.is_absence() || error.is_full() => 0,
                Err(error @ Failure::Ledger(_)) => return Err(error),
                // Its attempt hears this, and it is a dead letter rather than in the way of all behind it.
                Err(_) => u64::MAX,
            };
            // Of more than there is room for, any could win.
            if places <= self.on_their_way() as u64 {
                hopeless.push(shape);
                continue;
            }
            let (processor, id) = (self.processor.clone(), entry.id.clone());
            self.in_hand.insert(id.clone(), clock::mono());
            self.at_work.spawn(async move {
                let full = processor.attempt(&id).await.unwrap_or_else(|error| {
                    tracing::warn!(spool = %id, error = error_chain::told(&error), "an attempt was cut off; its entry still waits");
                    true
                });
                (id, full.then_some(shape))
            });
        }
        Ok(())
    }
}

/// What one attempt is made with.
pub(super) struct SpoolProcessor {
    records: Records,
    ledger: Ledger,
    spool: Arc<Spool>,
    admission: Arc<Admission>,
    summoning: Arc<Summoning>,
    names: Arc<NameRegistry>,
    placing: Arc<Placing>,
    forge: Arc<Forge>,
}

impl SpoolProcessor {
    pub(super) fn new(
        basis: &Dependencies,
        summoning: &Arc<Summoning>,
        names: &Arc<NameRegistry>,
        placing: &Arc<Placing>,
        forge: &Arc<Forge>,
    ) -> Arc<Self> {
        let Dependencies { records, ledger, spool, admission, .. } = basis;
        let (records, ledger, spool, admission) =
            (records.clone(), ledger.clone(), spool.clone(), admission.clone());
        let (summoning, names) = (summoning.clone(), names.clone());
        let (placing, forge) = (placing.clone(), forge.clone());
        Arc::new(Self { records, ledger, spool, admission, summoning, names, placing, forge })
    }

    /// As the store has it; what others put there or took away is seen by this only.
    pub(super) async fn read_queue(&self) -> Result<(), Failure> {
        let before = self.spool.queue().order();
        let entries: Vec<Versioned<SpoolEntry>> = self.records.all(SPOOL).await?;
        if self.spool.queue().follow(&before, entries) {
            self.spool.changed();
        }
        Ok(())
    }

    /// `true`: there was no room after all.
    async fn attempt(self: &Arc<Self>, id: &SpoolId) -> Result<bool, Failure> {
        let begun = self.change_waiting(id, |held| {
            held.held_by = Some(self.ledger.term().to_owned());
            held.entry.attempts += 1;
        });
        let Some(begun) = begun.await? else {
            return Ok(false);
        };
        let context = begun.value.trace.as_deref().and_then(TraceContext::read);
        let (forged, _) = trace::watched(context, self.forge_entry(&begun)).await;
        let Err(error) = forged else { return Ok(false) };
        let full = error.is_full();
        let error = ApiError::from(error);
        let no_attempt = full || self.admission.is_draining();
        let attempts = begun.value.entry.attempts;
        if !no_attempt && (!error.retryable || attempts >= MOST_ATTEMPTS) {
            return self.bury_letter(id, error).await.map(|()| false);
        }
        let next_at = (!no_attempt).then(|| clock::now() + backoff(attempts));
        self.change_waiting(id, |HeldEntry { entry, held_by, .. }| {
            *held_by = None;
            entry.attempts -= u32::from(no_attempt && entry.attempts > 0);
            entry.next_at = next_at;
            entry.error = Some(error.clone());
        })
        .await
        .map(|_| full)
    }

    async fn forge_entry(self: &Arc<Self>, begun: &Versioned<HeldEntry>) -> Result<(), Failure> {
        let entry = &begun.value.entry;
        let mut drafted = self.summoning.recorded(&entry.summons).await?;
        // A summons of before there were owners has none; who queued it is on record.
        drafted.summons.owner = drafted.summons.owner.or_else(|| queued_by(&entry.owner));
        let _turn = self.names.turn(drafted.summons.name.as_ref()).await;
        self.names.refuse_taken(drafted.summons.name.as_ref()).await?;
        let forged = self.forge.forge(&drafted, &entry.placement, None).await?;
        let done = SpoolEntry {
            state: SpoolState::Forged.into(),
            vault: Some(forged.vault().id.clone()),
            done_at: Some(clock::now()),
            next_at: None,
            error: None,
            ..entry.clone()
        };
        let txn = begun.still().put(begun.key.as_str(), encode(&done)?);
        let news = vec![forged.happening()];
        self.forge.record(forged, Posting::with(txn)?, news).await?;
        self.spool.queue().put(done);
        self.spool.changed();
        Ok(())
    }

    async fn expire(&self, entry: &SpoolEntry) -> Result<(), Failure> {
        let last = match (&entry.error, self.placing.field(&entry.placement, entry.memory_bytes, None).await)
        {
            (Some(error), _) => error.clone().into(),
            (None, Err(error)) => error.into(),
            (None, Ok(field)) => PlacementError::NoRoom { scores: field.explain() }.into(),
        };
        self.bury_letter(&entry.id, Failure::from(SpoolError::Expired(last)).into()).await
    }

    async fn bury_letter(&self, id: &SpoolId, error: ApiError) -> Result<(), Failure> {
        tracing::warn!(spool = %id, error = error_chain::told(&error), "a summons is a dead letter");
        self.change_waiting(id, |HeldEntry { entry, held_by, .. }| {
            *held_by = None;
            (entry.state, entry.done_at) = (SpoolState::Dead.into(), Some(clock::now()));
            (entry.next_at, entry.error) = (None, Some(error.clone()));
        })
        .await
        .map(drop)
    }

    /// Writes a waiting entry anew, in the store and in the queue. `None`: it waits no more, or another core is at it.
    async fn change_waiting(
        &self,
        id: &SpoolId,
        change: impl Fn(&mut HeldEntry),
    ) -> Result<Option<Versioned<HeldEntry>>, Failure> {
        loop {
            let found = match self.records.find::<HeldEntry>(&spool_key(id)).await? {
                Some(found) if found.value.entry.state == SpoolState::Waiting => found,
                Some(_) | None => {
                    self.spool.queue().remove(id);
                    return Ok(None);
                }
            };
            if let Some(term) = &found.value.held_by
                && self.ledger.is_held(term).await?
            {
                self.spool.queue().leave(id, clock::mono().plus_ms(BELIEVED_US / 1000));
                return Ok(None);
            }
            let still = found.still();
            let mut value = found.value;
            change(&mut value);
            let txn = still.put(found.key.as_str(), encode(&value)?);
            if let CommitOutcome::Committed { revision } = self.records.commit(txn).await? {
                self.spool.queue().change(value.entry.clone(), revision);
                self.spool.changes.send_modify(|count| *count += 1);
                return Ok(Some(Versioned { key: found.key, value, revision }));
            }
        }
    }
}

fn backoff(attempts: u32) -> SignedDuration {
    let doubled = 1_i32.checked_shl(attempts.saturating_sub(1).min(16)).unwrap_or(i32::MAX);
    BACKOFF.saturating_mul(doubled).min(BACKOFF_MOST)
}
