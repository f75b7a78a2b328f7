//! Request validation, phase 1: a worker is asked for, resolved, hashed, and held against the limits.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::code_distribution::CodeDistribution;
use super::dependencies::Dependencies;
use super::events::EventLog;
use super::failure::{Failure, KeyError, SummonError};
use super::gems::{Gems, check_source};
use super::idempotency::{IdempotencyKeys, check_key};
use super::ledger::{
    KeyRecord, Ledger, LedgerError, Posting, Records, SUMMONS, encode, source_key, summons_key,
};
use super::quota::SummonsQuota;
use super::secrets::UserSecrets;
use super::store::Txn;
use super::user_limits::aside;
use hauki_contract::api::event::Happening;
use hauki_contract::api::summons::{Origin, Summons, SummonsFound, SummonsQuery, SummonsRequest};
use hauki_contract::model::digest::Sha256;
use hauki_contract::model::gem::Wishes;
use hauki_contract::model::id::SummonsId;
use hauki_contract::model::labels;
use hauki_contract::model::ticket::Worker;
use hauki_contract::system::{clock, random};

/// Who looks for one by its beginning needs no more to see that it is not enough.
const MOST_FOUND: usize = 16;

/// A summons with the source that it stands for.
#[derive(Clone)]
pub(super) struct Drafted {
    pub summons: Summons,
    pub source: String,
}

impl Drafted {
    /// To be written down with whatever comes of it.
    pub(super) fn posting(&self) -> Result<Posting, LedgerError> {
        let Self { summons, source } = self;
        let txn = Txn::in_any_case("a summons has an id of its own");
        let txn = txn.put(summons_key(&summons.id), encode(summons)?);
        Posting::with(txn.put(source_key(&summons.id), source.clone().into_bytes()))
    }

    /// What it takes in the store.
    pub(super) fn bytes(&self) -> u64 {
        let record = aside(|| serde_json::to_vec(&self.summons)).map_or(0, |record| record.len());
        (record + self.source.len()) as u64
    }

    pub(super) fn happening(&self) -> Happening {
        Happening::Summoned { summons: self.summons.id.clone(), worker: self.summons.worker.name.clone() }
    }
}

pub(super) struct Summoning {
    keys: Arc<IdempotencyKeys>,
    gems: Arc<Gems>,
    quota: Arc<SummonsQuota>,
    records: Records,
    ledger: Ledger,
    events: EventLog,
    travel: Arc<CodeDistribution>,
    secrets: Arc<UserSecrets>,
}

impl Summoning {
    pub(super) fn new(
        basis: &Dependencies,
        keys: &Arc<IdempotencyKeys>,
        travel: &Arc<CodeDistribution>,
        secrets: &Arc<UserSecrets>,
    ) -> Arc<Self> {
        let Dependencies { gems, quota, records, ledger, events, .. } = basis;
        Arc::new(Self {
            keys: keys.clone(),
            gems: gems.clone(),
            quota: quota.clone(),
            records: records.clone(),
            ledger: ledger.clone(),
            events: events.clone(),
            travel: travel.clone(),
            secrets: secrets.clone(),
        })
    }

    /// What is made of it belongs to `owner`.
    pub(super) async fn summon_for(
        self: &Arc<Self>,
        owner: Option<u32>,
        request: SummonsRequest,
    ) -> Result<Summons, Failure> {
        if request.dry_run {
            check_key(&request.key)?;
            let mut drafted = self.draft(request, Wishes::default()).await?;
            drafted.summons.owner = owner;
            self.secrets.refuse_unknown(owner, &drafted.summons.limits.secrets).await?;
            self.quota.refuse_hoard(drafted.summons.owner, || drafted.bytes()).await?;
            return Ok(drafted.summons);
        }
        let held = self.keys.hold_key("summons", &request).await?;
        if let Some(earlier) = &held.earlier {
            return self.summons_again(&earlier.summons).await;
        }
        let mut drafted = self.draft(request, Wishes::default()).await?;
        drafted.summons.owner = owner;
        self.secrets.refuse_unknown(owner, &drafted.summons.limits.secrets).await?;
        self.quota.refuse_hoard(drafted.summons.owner, || drafted.bytes()).await?;
        let record = KeyRecord {
            digest: held.digest,
            at: clock::now(),
            summons: drafted.summons.id.clone(),
            vault: None,
            ticket: None,
            spool: None,
            apart: true,
        };
        let posting = held.record_in(drafted.posting()?, &record)?;
        self.quota.count(&drafted.summons.id, drafted.summons.owner, || drafted.bytes());
        let posted = self.ledger.post(posting).await;
        if !matches!(posted, Ok(true)) {
            self.quota.remove(&drafted.summons.id);
        }
        if !posted? {
            return Err(KeyError::LostRace.into());
        }
        self.events.tell(drafted.happening());
        self.travel.send_ahead(&drafted.summons, &drafted.source);
        Ok(drafted.summons)
    }

    /// Those that begin so, of everybody or of one user.
    pub(super) async fn find_summons(
        &self,
        only: Option<u32>,
        query: SummonsQuery,
    ) -> Result<SummonsFound, Failure> {
        /// Of a summons, only what counts here: the rest may be long.
        #[derive(Deserialize)]
        struct Owned {
            id: SummonsId,
            #[serde(default)]
            owner: Option<u32>,
        }
        query.check()?;
        let (prefix, mut after) = (format!("{SUMMONS}{}", query.begins), None::<String>);
        let mut summons = Vec::new();
        loop {
            let (page, next) = self.records.page::<Owned>(&prefix, after.as_deref(), MOST_FOUND).await?;
            let own = page.into_iter().map(|found| found.value);
            let own = own.filter(|Owned { owner, .. }| only.is_none_or(|uid| *owner == Some(uid)));
            summons.extend(own.map(|Owned { id, .. }| id));
            after = next;
            if after.is_none() || summons.len() >= MOST_FOUND {
                summons.truncate(MOST_FOUND);
                return Ok(SummonsFound { summons });
            }
        }
    }

    pub(super) async fn summons_again(&self, id: &SummonsId) -> Result<Summons, Failure> {
        let found = self.records.get::<Summons>(&summons_key(id)).await?.ok_or_else(|| no_summons(id))?;
        Ok(Summons { changed: false, ..found.value })
    }

    /// A recorded summons with its source.
    pub(super) async fn recorded(&self, id: &SummonsId) -> Result<Drafted, Failure> {
        let summons = self.summons_again(id).await?;
        let document = self.records.raw(&source_key(id)).await?.ok_or_else(|| no_summons(id))?;
        let source = check_source(document.value, &summons.file)?;
        Ok(Drafted { summons, source })
    }

    /// Everything that can be known before a sandbox is spent; stores nothing. What nobody wishes is as
    /// in `least`.
    pub(super) async fn draft(&self, request: SummonsRequest, least: Wishes) -> Result<Drafted, Failure> {
        request.check()?;
        let SummonsRequest { key, origin, args, wishes, labels, name, dry_run } = request;
        let (source, file, worker, gem, wishes, labels, compilation) = match origin {
            Origin::Source { text, file, compilation } => {
                let source = check_source(text.into_bytes(), &format!("the source {file}"))?;
                let sha256 = Sha256::of(source.as_bytes());
                let worker = Worker { name: stem(&file), version: None, sha256 };
                (source, file, worker, None, wishes, labels, compilation)
            }
            Origin::Gem(pointer) => {
                let gem = self.gems.resolve(&pointer).await?;
                let base = gem.manifest.wishes().map_err(SummonError::Manifest)?;
                let mut all = gem.manifest.labels;
                all.extend(labels);
                labels::check_labels(&all).map_err(SummonError::GemLabels)?;
                let worker = Worker { name: gem.path, version: gem.version, sha256: gem.sha256 };
                let ending =
                    gem.compilation.as_ref().map(|compilation| compilation.language).unwrap_or_default();
                let file = format!("{}.{}", worker.name, ending.ending());
                let source = gem.source.unwrap_or_default();
                (source, file, worker, Some(gem.pointer), wishes.over(base), all, gem.compilation)
            }
        };
        let wishes = wishes.over(least);
        let (limits, terms) = (wishes.limits(), wishes.terms());
        let refused = |source| SummonError::Limits { worker: worker.name.clone(), source };
        limits.check().map_err(refused)?;
        let stray = |source| SummonError::Secrets { worker: worker.name.clone(), source };
        limits.check_secrets().map_err(stray)?;
        terms.check().map_err(refused)?;
        let summons = Summons {
            id: random::summons_id(),
            worker,
            file,
            gem,
            source_bytes: source.len() as u64,
            compilation,
            args,
            limits,
            terms,
            labels,
            name,
            parent: None,
            owner: None,
            key,
            created_at: clock::now(),
            changed: !dry_run,
            dry_run,
        };
        Ok(Drafted { summons, source })
    }
}

pub(super) fn no_summons(id: &SummonsId) -> Failure {
    SummonError::Unknown { summons: id.clone() }.into()
}

/// The file's name without directories and ending.
fn stem(file: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or(file);
    let stem = match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    };
    stem.to_owned()
}

pub(super) fn check_labels(labels: &BTreeMap<String, String>) -> Result<(), Failure> {
    Ok(labels::check_labels(labels).map_err(SummonError::Labels)?)
}
